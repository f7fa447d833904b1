#!/usr/bin/env python3
"""Clients that mean no good (abuse.py), and beside them one that does: its latency is as without them.

In turns, a second quiet and a second with abuse, so that what else the machine does falls on both
alike; the medians of the rounds are compared.  Where they differ by more than they may, there are more
rounds, and it must have been so in most of them: a neighbour's burst goes away by that, a server's
weakness does not.
"""

import json
import os
import statistics
import subprocess
import sys
import unittest

from client import fetch
from subject import Case, LONG, SLOW, eventually, for_each_subject, patience

ROUNDS, MOST_ROUNDS = (9, 25) if LONG else (2, 12)
RATE = 400  # requests per second of the good client
SHARE = 1.2
# What two readings of one and the same differ by, in µs: of the median, and of 99 in 100.
NOISE = {"p50": 60, "p99": 700}


class Abuse:
    """One kind of it, while the block runs."""

    def __init__(self, kind, port):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "abuse.py")
        self.process = subprocess.Popen([sys.executable, script, kind, str(port)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        assert self.process.stdout.readline() == "on\n", "the abuse did not begin"
        return self

    def __exit__(self, *_):
        self.count = 0
        try:
            said, _ = self.process.communicate(timeout=patience(20))
            self.count = int(said or 0)
        finally:
            self.process.kill()


class AbuseCase(Case):
    def measure(self, server):
        """The good client's latency in µs, {"p50": …, "p99": …}; each of its requests is answered."""
        done = subprocess.run([os.environ["TANDEM_LOADTEST"], "run", "--quiet", "--insecure", "-t", "1", "-c", "4",
                               "-R", str(RATE), "-d", "700ms", "--warmup", "200ms", "--timeout", "%ds" % patience(5),
                               "--json", "-", "https://127.0.0.1:%d/one.txt" % server.port],
                              capture_output=True, text=True, timeout=patience(30), check=False)
        result = json.loads(done.stdout)
        failed = {name: n for name, n in result["requests"]["failed"].items() if n}
        self.assertEqual(failed, {}, "the good client's requests")
        self.assertGreater(result["requests"]["ok"], 0.05 * RATE)
        return {name: result["latency_us"]["raw"][name] for name in NOISE}


@for_each_subject("thread", "pool")
class Abused(AbuseCase):
    def compare(self, kind):
        """Rounds until the medians are near enough, or there were too many of them."""
        server = self.start("--workers", "4", "--log-level", "error")
        quiet, abused, done = [], [], 0
        self.measure(server)
        while True:
            quiet.append(self.measure(server))
            with Abuse(kind, server.port) as abuse:
                abused.append(self.measure(server))
            self.assertGreater(abuse.count, 0, "there was no abuse")
            done += abuse.count
            if SLOW:
                break  # that everybody was served is all that can be asked of it
            verdict = self.verdict(quiet, abused)
            if len(quiet) >= ROUNDS and verdict is None or len(quiet) == MOST_ROUNDS:
                print("%s, %s, %d times: %s (%d rounds)" % (self.subject, kind, done,
                                                           self.figures(quiet, abused), len(quiet)), flush=True)
                self.assertIsNone(verdict)
                break
        self.assertEqual(fetch(server.port)[0], 200)
        self.assertTrue(eventually(lambda: server.connections() == 0, 15), "connections remain")

    def medians(self, rounds):
        return {name: statistics.median(one[name] for one in rounds) for name in NOISE}

    def figures(self, quiet, abused):
        before, during = self.medians(quiet), self.medians(abused)
        return ", ".join("%s %.0f µs, abused %.0f" % (name, before[name], during[name]) for name in NOISE)

    def verdict(self, quiet, abused):
        before, during = self.medians(quiet), self.medians(abused)
        worse = [name for name, noise in NOISE.items() if during[name] > SHARE * before[name] + noise and
                 sum(b[name] > a[name] for a, b in zip(quiet, abused)) >= 0.75 * len(quiet)]
        return "%s: %s" % (worse, self.figures(quiet, abused)) if worse else None

    def test_halfway(self):
        self.compare("halfway")

    def test_renegotiation(self):
        self.compare("renegotiation")

    def test_garbage(self):
        self.compare("garbage")

    def test_tiny_records(self):
        self.compare("tiny_records")

    def test_slow_hello(self):
        self.compare("slow_hello")


@for_each_subject("thread", "pool")
class KeyUpdates(AbuseCase):
    """As fast as they go they take a CPU, as any requests would; but nobody is kept waiting for their
    end, which never comes, not even where one gate alone serves all."""

    NO_STARVATION = 100_000  # µs

    def test_endless(self):
        server = self.start("--log-level", "error", *(["--tls-gates", "1"] if self.subject != "thread" else []))
        with Abuse("key_updates", server.port) as abuse:
            found = [self.measure(server) for _ in range(3)]
        self.assertGreater(abuse.count, 100)
        best = min(one["p99"] for one in found)
        print("%s: %d new keys, p99 of others %.1f ms" % (self.subject, abuse.count, best / 1e3))
        self.assertLess(best, patience(self.NO_STARVATION))


if __name__ == "__main__":
    unittest.main()
