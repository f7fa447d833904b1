#!/usr/bin/env python3
"""A handler closes what joins gates and workers, every number of it: TLS is back in a moment.  And what
it can open, it opens; a private key is not among that."""

import os
import signal
import unittest
import urllib.request

from client import fetch, is_served
from subject import Case, eventually, for_each_subject, patience, workshop

STRAY = os.path.join(os.environ["TANDEM_MODULES"], "stray.so")


def get(port, path):
    with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=patience(10)) as page:
        return page.read().decode()


@for_each_subject("pool")
class Closed(Case):
    def descriptors(self, server, what):
        """Those of the supervisor that are of a kind, in the order in which they were opened."""
        folder = "/proc/%d/fd" % server.pid
        found = []
        for fd in os.listdir(folder):
            try:
                if what in os.readlink(os.path.join(folder, fd)):
                    found.append(int(fd))
            except FileNotFoundError:
                pass  # what the supervisor has open for a moment is none of those that are kept
        return sorted(found)

    def board(self, server):
        return self.descriptors(server, "memfd:gates")[0]

    # the plain listener, this one, that of --admin, and a pair
    def listener(self, server):
        return self.descriptors(server, "socket:")[1]

    def workers_end(self, server):
        return self.descriptors(server, "socket:")[3]

    def gates_end(self, server):
        return self.descriptors(server, "socket:")[4]

    def close(self, which):
        """All numbers of what `which` finds; whoever runs apart from the workers has none of them."""
        server = self.start("--module", STRAY, noisy=True)
        self.assertTrue(is_served(server.port))
        self.assertEqual(get(server.plain, "/close?fd=%d" % which(server)), "closed")
        self.assertTrue(server.logged("something has closed"))
        return server

    def expect_service(self, server):
        self.assertTrue(eventually(lambda: is_served(server.port), 5), server.log())
        os.kill(server.gatehouse(), signal.SIGKILL)
        self.assertTrue(eventually(lambda: not is_served(server.port) or server.logged("gatehouse ended")))
        self.assertTrue(eventually(lambda: is_served(server.port), 5), server.log())
        self.assertTrue(eventually(lambda: server.connections() == 0))

    def test_the_workers_end(self):
        self.expect_service(self.close(self.workers_end))

    def test_the_gates_end(self):
        self.expect_service(self.close(self.gates_end))

    def test_the_board(self):
        server = self.close(self.board)
        self.expect_service(server)
        self.assertGreater(server.metric('tandem_tls_handshakes_total{result="full"}'), 1)

    def test_a_listener(self):
        """Nothing is lost by that before the gates are, and then it is opened again."""
        server = self.close(self.listener)
        self.assertEqual(fetch(server.port)[0], 200)
        self.expect_service(server)
        self.assertNotIn("another program", server.log())


@for_each_subject("pool")
class One(Case):
    def test_a_dead_gatehouse_is_followed_by_another(self):
        server = self.start("--one", noisy=True)
        os.kill(server.gatehouse(), signal.SIGKILL)
        self.assertTrue(server.logged("gatehouse ended by SIGKILL"))
        self.assertTrue(eventually(lambda: is_served(server.port), 5), server.log())


@for_each_subject("pool")
class Opened(Case):
    def try_to_open(self, server, path):
        return get(server.plain, "/open?path=" + path)

    def test_a_key_that_anybody_may_read(self):
        """By its mode.  Landlock keeps it from handlers; without that, there is a warning."""
        key = workshop().pair.key
        mode = os.stat(key).st_mode
        self.addCleanup(os.chmod, key, mode)
        os.chmod(key, 0o644)
        server = self.start("--module", STRAY, "--sandbox", "off", noisy=True)
        self.assertEqual(self.try_to_open(server, key), "opened")
        self.assertEqual(len(server.logged("--tls-key .*handlers can open this file")), 1)
        server = self.start("--module", STRAY, "--log-level", "info", noisy=True)
        if not server.logged("Landlock ABI"):
            self.skipTest("there is no Landlock")
        self.assertEqual(self.try_to_open(server, key), "Permission denied")
        self.assertNotIn("handlers can open", server.log())

    def test_a_file_below_etc(self):
        """Where keys are wont to be: whatever its mode, and whoever has started the server."""
        server = self.start("--module", STRAY, "--log-level", "info", noisy=True)
        if not server.logged("Landlock ABI"):
            self.skipTest("there is no Landlock")
        for path in filter(os.path.exists, ("/etc/profile", "/etc/hostname", "/etc/fstab")):
            self.assertEqual(self.try_to_open(server, path), "Permission denied", path)
        self.assertEqual(self.try_to_open(server, "/etc/passwd"), "opened")


if __name__ == "__main__":
    unittest.main()
