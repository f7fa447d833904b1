#!/usr/bin/env python3
"""The PROXY protocol: from those who have to speak it, as it comes; and from those who must not."""

import os
import socket
import tempfile
import time
import unittest

from scene import (CLIENT, PROXY, STRANGER, Scene, answer, connect, dial, header, line, patience,
                   request, told)
from subject import for_each_subject


def ended(connection):
    """How it ends, which must be soon: "closed" or "reset", after what was sent before."""
    connection.settimeout(patience(5))
    try:
        while connection.recv(65536):
            pass
        return "closed"
    except ConnectionResetError:
        return "reset"


@for_each_subject()
class Protocol(Scene):
    options = ["--trusted-proxy", PROXY, "--proxy-protocol"]

    def ask(self, port, first):
        with connect(port) as proxy:
            proxy.sendall(first + request("/client"))
            status, _, body = answer(proxy)
            self.assertEqual(status, 200)
            again = told(proxy)
            self.assertEqual(again, body.decode(), "it is the connection's")
            return again

    def test_header_and_request_in_one_segment(self):
        server = self.serve()
        self.assertEqual(self.ask(server.plain, header(CLIENT)), CLIENT)
        self.assertEqual(self.ask(server.plain, header("2001:db8::9")), "2001:db8::9")
        self.assertEqual(self.ask(server.plain, header("::ffff:" + CLIENT)), CLIENT)
        self.assertEqual(self.ask(server.plain, header("unix")), "unix")
        self.assertEqual(self.ask(server.plain, header(CLIENT, tlvs=b"\x04\x0e\x00" + bytes(3584))), CLIENT)
        self.assertEqual(self.ask(server.plain, line(CLIENT)), CLIENT)
        self.assertEqual(self.ask(server.plain, line("2001:db8::9")), "2001:db8::9")
        self.assertTrue(self.logged(server, "^%s - - .*GET /client" % CLIENT))

    def test_the_proxy_for_itself(self):
        server = self.serve()
        self.assertEqual(self.ask(server.plain, header(CLIENT, command=0)), PROXY)
        self.assertEqual(self.ask(server.plain, header(None, command=0)), PROXY)
        self.assertEqual(self.ask(server.plain, header(None)), PROXY)
        self.assertEqual(self.ask(server.plain, b"PROXY UNKNOWN\r\n"), PROXY)

    def test_byte_by_byte(self):
        server = self.serve()
        for first in header(CLIENT), line(CLIENT):
            with connect(server.plain) as proxy, connect(server.plain) as other:
                for byte in first + request("/client"):
                    proxy.sendall(bytes([byte]))
                    time.sleep(0.001)
                self.assertEqual(answer(proxy)[2].decode(), CLIENT)
                other.sendall(first[:-1])
                time.sleep(0.02)
                other.sendall(first[-1:])
                time.sleep(0.02)
                self.assertEqual(told(other), CLIENT)

    def test_under_tls(self):
        server = self.serve()
        for first in header(CLIENT), line(CLIENT):
            with dial(server.port, source=PROXY, first=first) as proxy:
                self.assertEqual(told(proxy), CLIENT)
        with dial(server.port, source=PROXY, first=header(CLIENT, command=0)) as proxy:
            self.assertEqual(told(proxy), PROXY)
        with dial(server.port, source=STRANGER) as stranger:
            self.assertEqual(told(stranger), STRANGER)
        self.assertTrue(self.logged(server, "^%s - - .*GET /client" % CLIENT))

    def test_under_tls_byte_by_byte(self):
        server = self.serve()
        with connect(server.port) as proxy:
            for byte in header(CLIENT):
                proxy.sendall(bytes([byte]))
                time.sleep(0.001)
            proxy.sendall(request())  # and then no TLS at all
            self.assertEqual(answer(proxy)[0], 400)
        self.assertTrue(self.logged(server, '^%s .* 400 ' % CLIENT))

    def test_what_the_header_names_may_be_a_proxy_too(self):
        server = self.serve("--trusted-proxy", "198.51.100.0/24")
        with connect(server.plain) as proxy:
            proxy.sendall(header("198.51.100.7"))
            self.assertEqual(told(proxy, X_Forwarded_For=CLIENT), CLIENT)
            self.assertEqual(told(proxy), "198.51.100.7")
        with connect(server.plain) as proxy:
            proxy.sendall(header("203.0.113.1"))
            self.assertEqual(told(proxy, X_Forwarded_For=CLIENT), "203.0.113.1")
        with dial(server.port, source=PROXY, first=header("198.51.100.7")) as proxy:
            self.assertEqual(told(proxy, X_Forwarded_For=CLIENT), CLIENT)

    def test_others_are_served_plainly_and_cannot_speak_it(self):
        server = self.serve()
        with connect(server.plain, STRANGER) as stranger:
            self.assertEqual(told(stranger), STRANGER)
        for first in header(CLIENT), line(CLIENT):
            with connect(server.plain, STRANGER) as stranger:
                stranger.sendall(first + request("/client"))
                self.assertEqual(answer(stranger)[0], 400)
                ended(stranger)
        with self.assertRaises(OSError):
            dial(server.port, source=STRANGER, first=header(CLIENT))

    def test_without_a_header_it_is_reset_and_said(self):
        server = self.serve(noisy=True)
        for port in server.plain, server.port:
            with connect(port) as proxy:
                proxy.sendall(request("/client"))
                self.assertEqual(ended(proxy), "reset")
        self.assertTrue(server.logged("warn: a connection of the trusted proxy %s is reset: it does not begin "
                                      "with a PROXY header: have it" % PROXY))
        for bad in header(CLIENT)[:12] + b"\x31", header(CLIENT)[:14] + b"\xff\xff", b"PROXY TCP9 \r\n":
            with connect(server.plain) as proxy:
                proxy.sendall(bad)
                self.assertEqual(ended(proxy), "reset")
        with connect(server.plain) as proxy:
            proxy.sendall(header(CLIENT))
            self.assertEqual(told(proxy), CLIENT)

    def test_the_warning_does_not_come_often(self):
        server = self.serve("--workers", "1", noisy=True)
        for _ in range(30):
            with connect(server.plain) as proxy:
                proxy.sendall(b"nonsense")
                ended(proxy)
        self.assertTrue(server.logged("trusted proxy"))
        self.assertLessEqual(len(server.logged("trusted proxy")), 2)

    def test_half_a_header_and_an_end(self):
        server = self.serve("--header-timeout", "1h", "--tls-handshake-timeout", "1h")
        for port in server.plain, server.port:
            for half in b"", header(CLIENT)[:20]:
                with connect(port) as proxy:
                    proxy.sendall(half)
                    proxy.shutdown(socket.SHUT_WR)
                    self.assertIn(ended(proxy), ["closed", "reset"])

    def test_half_a_header_or_a_whole_and_nothing_more(self):
        server = self.serve("--header-timeout", "300ms", "--tls-handshake-timeout", "300ms")
        began, waiting = time.monotonic(), []
        for port in server.plain, server.port:
            for first in b"", header(CLIENT)[:20], header(CLIENT):
                waiting.append(connect(port))
                waiting[-1].sendall(first)
        with connect(server.plain) as proxy, self.assertRaises(OSError):
            for byte in header(CLIENT, tlvs=bytes(500)):  # a byte now and then earns nothing
                proxy.sendall(bytes([byte]))
                time.sleep(0.02)
        self.assertGreater(time.monotonic() - began, 0.25)
        for proxy in waiting:
            with proxy:
                self.assertIn(ended(proxy), ["closed", "reset"])
        self.assertLess(time.monotonic() - began, patience(5))

    def test_admin_knows_no_proxies(self):
        server = self.serve()
        with connect(server.admin) as scraper:
            scraper.sendall(request("/healthz"))
            self.assertEqual(answer(scraper)[0], 200)

    def test_by_a_unix_socket(self):
        with tempfile.TemporaryDirectory(prefix="tandem-proxies-") as folder:
            path = os.path.join(folder, "socket")
            server = self.serve("--trusted-proxy", "unix", "--listen", "unix:" + path)
            with socket.socket(socket.AF_UNIX) as proxy:
                proxy.settimeout(patience(10))
                proxy.connect(path)
                for byte in header(CLIENT):
                    proxy.sendall(bytes([byte]))
                self.assertEqual(told(proxy), CLIENT)
            server.stop()


if __name__ == "__main__":
    unittest.main()
