#!/usr/bin/env python3
"""Sockets that are handed over: which option's place each takes, and what is said of those that are none."""

import os
import re
import shutil
import signal
import socket
import subprocess
import unittest

from service import Case, Service, for_each_subject, listening, patience, read

CLOEXEC = 0o2000000


@for_each_subject("thread", "pool")
class Activation(Case):
    def hand(self, *sockets):
        for each in sockets:
            self.addCleanup(each.close)
        return dict(sockets=[each.fileno() for each in sockets])

    def test_by_its_address(self):
        given = listening()
        port = given.getsockname()[1]
        service = self.start("--listen", "127.0.0.1:%d" % port, listen=False, **self.hand(given))
        self.assertEqual(service.ports, [port])
        self.assertEqual(service.get(), 200)

    def test_all_addresses(self):
        given = listening(socket.AF_INET6, ("::", 0))
        port = given.getsockname()[1]
        service = self.start("--listen", "*:%d" % port, listen=False, **self.hand(given))
        self.assertEqual(service.addresses, ["[::]:%d" % port])
        self.assertEqual(service.get(), 200)

    def test_takes_the_place_of_the_default(self):
        for names in (["http"], ["unknown"], None):
            given = listening()
            service = self.start(listen=False, names=names, **self.hand(given))
            self.assertEqual(service.ports, [given.getsockname()[1]], names)
            self.assertEqual(service.get(), 200)

    def test_more_than_there_are_options(self):
        all_of_them = [listening() for _ in range(3)]
        service = self.start(listen=False, **self.hand(*all_of_them))
        self.assertEqual(service.ports, [each.getsockname()[1] for each in all_of_them])
        self.assertEqual([service.get(port=port) for port in service.ports], [200] * 3)

    def test_by_its_name(self):
        http, https, admin = listening(), listening(), listening()
        service = self.start("--tls-listen", "127.0.0.1:1", "--tls-self-signed",
                             "--admin", "127.0.0.1:2", names=["admin", "https", "http"],
                             **self.hand(admin, https, http))
        self.assertEqual(service.ports, [each.getsockname()[1] for each in (http, https)])
        self.assertEqual(service.admin, admin.getsockname()[1])
        self.assertEqual(service.get("/healthz", port=service.admin), 200)
        self.assertEqual(service.get(), 200)

    def test_a_unix_socket_stays_where_it_is(self):
        path = os.path.join("/tmp", "tandem-upgrade-%d.sock" % os.getpid())
        given = listening(socket.AF_UNIX, path)
        os.chmod(path, 0o666)
        self.addCleanup(os.unlink, path)
        service = self.start("--listen", "unix:" + path, listen=False, **self.hand(given))
        self.assertEqual(service.addresses, ["unix:" + path])
        self.assertEqual(service.stop(), 0)
        self.assertTrue(os.path.exists(path), "its maker removes it")

    def test_what_is_there_afterwards_is_as_it_was(self):
        """Another start on the same socket: who has come in between is served."""
        given = listening()
        first = self.start(listen=False, **self.hand(given))
        self.assertEqual(first.stop(), 0)
        with socket.create_connection(given.getsockname(), patience(5)) as client:
            client.sendall(b"GET /work HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.start(listen=False, sockets=[given.fileno()])
            client.settimeout(patience(10))
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 200"))

    def test_for_somebody_else(self):
        given = listening()
        service = self.start(environment={"LISTEN_PID": "1"}, **self.hand(given))
        self.assertNotEqual(service.port, given.getsockname()[1])

    def test_nothing_inherits_them(self):
        service = self.start(listen=False, **self.hand(listening()))
        flags = re.search(r"flags:\s*(\d+)", read("/proc/%d/fdinfo/3" % service.pid)).group(1)
        self.assertTrue(int(flags, 8) & CLOEXEC)
        self.assertTrue(int(flags, 8) & os.O_NONBLOCK)

    # --- what is none ---

    def refused(self, *sockets, **more):
        service = Service(self.subject, waits=False, listen=False, sockets=[s.fileno() for s in sockets],
                          **more)
        self.addCleanup(service.kill)
        self.assertEqual(service.process.wait(patience(10)), 1)
        return [line.split("error: ")[1] for line in service.complaints()]

    def test_all_that_is_wrong_is_said_at_once(self):
        idle = socket.socket()
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with open("/dev/null", "rb") as file, idle, datagrams, listening() as good:
            said = self.refused(idle, good, datagrams, file, environment={"LISTEN_FDS": "5"})
        self.assertEqual([re.search(r"descriptor (\d) (.*?):", line).groups() for line in said],
                         [("3", "does not listen"), ("5", "is no stream socket (TCP or unix)"),
                          ("6", "is no socket"), ("7", "is not open")])

    def test_names_that_no_option_serves(self):
        for name, option in (("https", "--tls-listen"), ("admin", "--admin")):
            with listening() as given, listening() as plain:
                said = self.refused(given, plain, names=[name, "http"])
            self.assertEqual(len(said), 1, said)
            self.assertIn("there is no " + option, said[0])

    def test_no_number_of_sockets(self):
        for number in ("65", "abc", "-1", "99999999999999999999"):
            with listening() as given:
                said = self.refused(given, environment={"LISTEN_FDS": number})
            self.assertEqual(len(said), 1)
            self.assertIn("LISTEN_FDS=" + number, said[0])

    # --- as systemd does it ---

    def test_under_systemd(self):
        if not shutil.which("systemd-socket-activate"):
            self.skipTest("systemd-socket-activate is missing: install the package systemd")
        service = Service(self.subject, waits=False, listen=False)  # for its folder
        service.kill()
        with listening() as some:
            port = some.getsockname()[1]
        with open(service.errors, "ab") as log:
            service.process = subprocess.Popen(
                ["systemd-socket-activate", "-l", "127.0.0.1:%d" % port, "--fdname=http",
                 *service.command(False)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(service.kill)
        self.assertTrue(service.logged("Listening on", 5), service.log())
        self.assertEqual(service.get(port=port), 200, "the first request starts it")
        service.process.send_signal(signal.SIGTERM)
        self.assertEqual(service.process.wait(patience(10)), 0, service.log())


if __name__ == "__main__":
    unittest.main()
