#!/usr/bin/env python3
"""The numbers are those one computes on paper: a server that is stopped, Little's law, flat memory."""

import os
import subprocess
import sys
import threading
import time
import unittest

from bench import SLOW, Server, balance, loadtest


def percentile(values, share):
    """The smallest value that `share` of all do not exceed."""
    return sorted(values)[max(0, int(share * len(values) + 0.999999) - 1)]


class Freeze(unittest.TestCase):
    """Ten seconds at 1,000 a second, against a server that is stopped for six in the middle."""

    RATE, LENGTH, BEFORE, STOPPED = 1000, 10.0, 2.0, 6.0

    def on_paper(self, capacity):
        """Each request due while the server is stopped waits for its end, and for those before it."""
        freed, waits = 0.0, []
        for k in range(int(self.RATE * self.LENGTH)):
            due = k / self.RATE
            begins = max(due, freed)
            if self.BEFORE <= begins < self.BEFORE + self.STOPPED:
                begins = self.BEFORE + self.STOPPED
            freed = begins + 1 / capacity
            waits.append(freed - due)
        return waits

    def attempt(self, server):
        """One run under the freeze: its result, and what paper says, given how fast the server is."""
        _, steady, _ = loadtest("-c", "64", "-t", "1", "-d", "1s", server.url)

        def freeze():
            time.sleep(self.BEFORE)
            server.freeze(self.STOPPED)
        stopper = threading.Thread(target=freeze)
        stopper.start()
        code, result, _ = loadtest("-c", "64", "-t", "1", "-R", str(self.RATE), "-d", "10s",
                                   "--timeout", "20s", server.url)
        stopper.join()
        self.assertEqual((code, balance(result)), (0, 0))
        # the last few may be on their way, or wait for a generator that had to wait for the CPU
        self.assertEqual(result["requests"]["scheduled"], 10000)
        self.assertGreater(result["requests"]["ok"], 9900)
        # what the stopped server kept waiting, less what its connections took along
        self.assertTrue(5700 < result["generator"]["backlog"] <= 6100, result["generator"])
        # a tool that waits for its connections has 64 slow ones among 4,000, and no idea of the rest
        self.assertLess(result["latency_us"]["raw"]["p99"], 1e6)
        self.assertGreater(result["latency_us"]["raw"]["max"], 5.9e6)
        return result, self.on_paper(steady["rps"])

    def furthest(self, result, paper):
        """How far the worst percentile is from paper, as a share."""
        worst = 0
        for name, share in (("p60", 0.6), ("p75", 0.75), ("p90", 0.9), ("p99", 0.99)):
            expected = 1e6 * percentile(paper, share)
            found = result["latency_us"]["corrected"][name]
            print("%s: %.0f ms on paper, %.0f ms measured, raw %.1f ms" %
                  (name, expected / 1e3, found / 1e3, result["latency_us"]["raw"][name] / 1e3))
            worst = max(worst, abs(found / expected - 1))
        return worst

    def test_freeze(self):
        """Three attempts: 6,000 requests are made up for at a speed that others on the machine share."""
        server = Server("TANDEM_THREAD")
        self.addCleanup(server.stop)
        worst = 1
        for _ in range(3):
            worst = min(worst, self.furthest(*self.attempt(server)))
            if worst < 0.02:
                break
        self.assertLess(worst, 0.02)


class Little(unittest.TestCase):
    """connections = rate x mean latency, where each connection always has a request out."""

    def test_closed_loop(self):
        server = Server("TANDEM_THREAD")
        self.addCleanup(server.stop)
        for connections in (1, 16, 64):
            _, result, _ = loadtest("-c", str(connections), "-t", "1", "-d", "4s", server.url)
            found = result["rps"] * result["latency_us"]["corrected"]["mean"] / 1e6
            print("%d connections: %.3f by Little's law" % (connections, found))
            self.assertLess(abs(found / connections - 1), 0.01)


def resident_kib(pid):
    """The process's own memory, without the pages of files."""
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    raise ValueError("no RssAnon")


class Memory(unittest.TestCase):
    """What a run needs does not depend on how long it is, nor on how much of it fails."""

    @unittest.skipIf(os.environ.get("TANDEM_PRESET") == "tsan",
                     "ThreadSanitizer keeps shadows, four to one, of the memory that was looked at")
    def test_flat(self):
        server = Server("TANDEM_PROC", "--enable-faults")
        self.addCleanup(server.stop)
        process = subprocess.Popen(
            [os.environ["TANDEM_LOADTEST"], "run", "--quiet", "-c", "64", "-t", "1", "-d", "9s",
             "--inject", "segv=0.5%", server.url], stdout=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        time.sleep(3)  # the warm-up is over, every histogram has been written to
        samples = []
        for _ in range(12):
            samples.append((time.monotonic(), resident_kib(process.pid)))
            time.sleep(0.5)
        self.assertEqual(process.wait(30), 0)
        minutes = (samples[-1][0] - samples[0][0]) / 60
        slope = (samples[-1][1] - samples[0][1]) / minutes
        print("memory: %d KiB, %+.0f KiB a minute" % (samples[-1][1], slope))
        self.assertLess(samples[-1][1] - samples[0][1], 1024 if SLOW else 64)


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=sys.argv[:1])
