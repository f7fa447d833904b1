#!/usr/bin/env python3
"""What an operator does to a running server costs nobody a request.

An open loop sends on, whatever becomes of the answers, so nothing that is lost can hide behind a client that
waits.  TANDEM_LONG=1 has the full rate and number; without it, some seconds.
"""

import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tls"))
from subject import Case, LONG, SLOW, eventually, for_each_subject, patience  # noqa: E402

HUPS, PAUSE = (20, 1) if LONG else (4, 0.3)
WORKERS = ("--workers", "8", "--access-log", "off")


RATES = {("http", False): 1000, ("http", True): 300, ("https", False): 600, ("https", True): 100}  # 2,000 together


def rate(subject, scheme, is_new):
    """Per second; `is_new`: a connection for each.  A child for each request takes its time, and so does CI."""
    full = RATES[scheme, is_new] // (1 if LONG else 4)
    return max(full // (6 if subject == "fresh" else 1) // (5 if SLOW else 1), 10)


class LoadCase(Case):
    def load(self, port, scheme, seconds, *options):
        load = subprocess.Popen(
            [os.environ["TANDEM_LOADTEST"], "run", "--quiet", "--json", "-", "--insecure", "-t", "1", "-c", "32",
             "-R", str(rate(self.subject, scheme, bool(options))), "-d", "%dms" % (seconds * 1000), "--timeout", "%ds" % patience(10), *options,
             "%s://127.0.0.1:%d/one.txt" % (scheme, port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        return load

    def loads(self, server, seconds):
        return [self.load(port, scheme, seconds, *options) for port, scheme in ((server.plain, "http"), (server.port, "https"))
                for options in ((), ("--no-keepalive",))]

    def expect_no_loss(self, loads):
        """Each that was due was sent, and answered; unless the machine was too busy to send it."""
        for load in loads:
            said, complaint = load.communicate(timeout=patience(90))
            requests = json.loads(said)["requests"]
            failed = {name: count for name, count in requests["failed"].items() if count}
            self.assertEqual((failed, requests["unfinished"]), ({}, 0), (requests, complaint))
            self.assertGreater(requests["ok"], 5)
            if LONG:
                print(self.id(), load.args[-1], {name: requests[name] for name in ("scheduled", "ok", "never_sent", "crowded_out")})


@for_each_subject()
class Reload(LoadCase):
    def test_hup(self):
        server = self.start(*WORKERS)
        loads = self.loads(server, HUPS * PAUSE + 1)
        time.sleep(0.3)
        for _ in range(HUPS):
            server.hup()
            time.sleep(PAUSE)
        self.expect_no_loss(loads)
        self.assertGreaterEqual(server.metric("tandem_workers_recycled_total"), HUPS * 8 * (1 if LONG else 0.5))
        self.assertEqual(server.complaints(), [])

    def test_a_long_request_ends_first(self):
        """Nobody is killed for it, and nobody waits for it."""
        server = self.start("--workers", "4", "--enable-demo")
        asking = subprocess.Popen(["curl", "-s", "-w", " %{http_code}", "-o", "/dev/null",
                                   "http://127.0.0.1:%d/work?sleep=1500" % server.plain], stdout=subprocess.PIPE)
        time.sleep(0.3)
        server.hup()
        self.assertTrue(eventually(lambda: server.metric("tandem_workers_recycled_total") >= 3, 1))
        self.assertEqual(asking.communicate()[0], b" 200")
        self.assertTrue(eventually(lambda: server.metric("tandem_workers_recycled_total") == 4))


@for_each_subject()
class Recycling(LoadCase):
    def test_max_requests(self):
        server = self.start(*WORKERS, "--max-requests", "100" if LONG else "20")
        self.expect_no_loss(self.loads(server, 20 if LONG else 1.5))
        self.assertGreater(server.metric("tandem_workers_recycled_total"), 0)
        self.assertEqual(server.complaints(), [])


@for_each_subject()
class MediaTypes(LoadCase):
    def put(self, path, line):
        with open(path + ".new", "w") as out:
            out.write(line)
        os.rename(path + ".new", path)

    def type_of(self, server):
        return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{content_type}",
                               "http://127.0.0.1:%d/odd.type" % server.plain], stdout=subprocess.PIPE).stdout.decode()

    def test_read_again(self):
        from subject import workshop
        workshop().document("odd.type", b"x")
        path = workshop().path("mime-%s.types" % self.subject)
        self.put(path, "test/first type\n")
        server = self.start(*WORKERS, "--media-types", path, noisy=True)
        self.assertEqual(self.type_of(server), "test/first")
        for name in ("test/second", "test/third"):
            self.put(path, name + " type\n")
            self.assertNotEqual(self.type_of(server), name)  # nobody has said so yet
            server.hup()
            self.assertTrue(eventually(lambda: {self.type_of(server) for _ in range(16)} == {name}))
        os.remove(path)
        server.hup()
        self.assertTrue(server.logged("media-types.*stay"))
        self.assertEqual(self.type_of(server), "test/third")


@for_each_subject()
class Stop(LoadCase):
    """Of the requests that were sent before the listener closed, all are answered; those that come later are
    refused, and nothing else: none is cut, none is reset."""

    def test_term(self):
        server = self.start(*WORKERS)
        loads = self.loads(server, 2)
        time.sleep(1)
        server.process.terminate()
        self.assertEqual(server.process.wait(patience(10)), 0)
        for load in loads:
            said, complaint = load.communicate(timeout=patience(60))
            requests = json.loads(said)["requests"]
            failed = {name: count for name, count in requests["failed"].items() if count}
            self.assertGreater(requests["ok"], 0)
            self.assertEqual(set(failed) - {"refused"}, set(), (load.args[-1], requests, complaint))


if __name__ == "__main__":
    unittest.main()
