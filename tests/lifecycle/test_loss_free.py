#!/usr/bin/env python3
"""What an operator does to a running server costs nobody a request.

An open loop sends on, whatever becomes of the answers, so nothing that is lost can hide behind a client that
waits.  TANDEM_LONG=1 has the full rate and number; without it, some seconds.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tls"))
import subject  # noqa: E402
from subject import Case, LONG, SLOW, eventually, for_each_subject, patience, read  # noqa: E402

HUPS, PAUSE = (20, 1) if LONG else (4, 0.3)
WORKERS = ("--workers", "8", "--access-log", "off")


RATES = {("http", False): 1000, ("http", True): 300, ("https", False): 600, ("https", True): 100}  # 2,000 together


def rate(subject, scheme, is_new):
    """Per second; `is_new`: a connection for each.  A child for each request takes its time, and so does CI."""
    full = RATES[scheme, is_new] // (1 if LONG else 4)
    return max(full // (6 if subject == "fresh" else 1) // (5 if SLOW else 1), 10)


def child(server, name):
    """Its pid, once there is one that calls itself so."""
    def find():
        for pid in read("/proc/%d/task/%d/children" % (server.pid, server.pid)).split():
            with contextlib.suppress(OSError):
                if read("/proc/%s/comm" % pid).strip() == name:
                    return int(pid)
        return None
    return eventually(find)


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

    def test_term_while_workers_are_made_from_another_nursery(self):
        if self.subject == "thread":
            self.skipTest("there is none")
        server = self.start(*WORKERS, "--drain-delay", "500ms", "--drain-timeout", "%ds" % patience(10), noisy=True)
        with socket.create_connection(("127.0.0.1", server.plain), patience(5)) as kept:
            kept.sendall(b"GET /one.txt HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 200 ", kept.recv(4096))
            os.kill(child(server, "nursery"), signal.SIGKILL)
            self.assertTrue(server.logged("nursery has died"))
            server.process.terminate()
            kept.sendall(b"GET /one.txt HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 200 ", kept.recv(4096))
        self.assertEqual(server.process.wait(patience(15)), 0)

    def test_whoever_does_not_end_is_killed(self):
        """Stopped, it hears no TERM; a second one ends it at once in any case."""
        if self.subject == "fresh":
            self.skipTest("as in pool")
        for terms, most in ((1, 8), (2, 3)):
            server = self.start(*WORKERS, "--drain-timeout", "1s", noisy=True)
            os.kill(child(server, "serving" if self.subject == "thread" else "worker 1"), signal.SIGSTOP)
            began = time.monotonic()
            for _ in range(terms):
                server.process.terminate()
                time.sleep(0.2)
            self.assertEqual(server.process.wait(patience(20)), 0)
            self.assertLess(time.monotonic() - began, patience(most))


@for_each_subject()
class Inherited(Case):
    """What whoever starts a server ignores or blocks, exec hands down."""

    def test_ends_of_children_are_heard(self):
        ours = subject.command_of
        script = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); " \
                 "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); os.execv(sys.argv[1], sys.argv[1:])"
        with mock.patch.object(subject, "command_of", lambda name: [sys.executable, "-c", script, *ours(name)]):
            server = self.start("--workers", "2", noisy=True)
        name = "serving" if self.subject == "thread" else "worker 1"
        first = child(server, name)
        os.kill(first, signal.SIGKILL)
        self.assertTrue(eventually(lambda: child(server, name) not in (None, first)))
        self.assertEqual(int(re.search(r"^SigBlk:\s*(\w+)", read("/proc/%d/status" % server.pid), re.M).group(1), 16)
                         & 1 << signal.SIGPROF - 1, 0)


if __name__ == "__main__":
    unittest.main()
