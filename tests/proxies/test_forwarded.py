#!/usr/bin/env python3
"""Whose word on the client counts, and where it is to be seen."""

import unittest

from scene import CLIENT, PROXY, STRANGER, Scene, answer, connect, dial, read, request, told
from subject import for_each_subject


@for_each_subject()
class Forwarded(Scene):
    def test_a_trusted_proxy_is_believed_for_each_request(self):
        server = self.serve()
        with connect(server.plain) as proxy:
            self.assertEqual(told(proxy, X_Forwarded_For="6.6.6.7, " + CLIENT), CLIENT)
            self.assertEqual(told(proxy, Forwarded='for="[2001:db8::9]:80";proto=http'), "2001:db8::9")
            self.assertEqual(told(proxy), PROXY)
            self.assertEqual(told(proxy, X_Forwarded_For="nonsense", Referer="x"), PROXY)
        self.assertTrue(self.logged(server, "^%s - - .*GET /client" % CLIENT))
        self.assertTrue(self.logged(server, "^2001:db8::9 - - .*GET /client"))
        self.assertTrue(self.logged(server, '^%s - - .*GET /client.*"x"' % PROXY))

    def test_nobody_else_is(self):
        server = self.serve()
        with connect(server.plain, STRANGER) as stranger:
            self.assertEqual(told(stranger, X_Forwarded_For="6.6.6.6"), STRANGER)
            self.assertEqual(told(stranger, Forwarded="for=6.6.6.6", Referer="last"), STRANGER)
        self.assertTrue(self.logged(server, '^%s - - .*GET /client.*"last"' % STRANGER))
        self.assertNotIn("6.6.6.6", read(server.access_log))

    def test_under_tls(self):
        server = self.serve()
        with dial(server.port, source=PROXY) as proxy:
            self.assertEqual(told(proxy, X_Forwarded_For=CLIENT), CLIENT)
        with dial(server.port, source=STRANGER) as stranger:
            self.assertEqual(told(stranger, X_Forwarded_For=CLIENT), STRANGER)

    def test_a_body_that_comes_in_pieces(self):
        server = self.serve("--enable-demo", "--log-format", "json")
        with connect(server.plain) as proxy:
            asked = request("/echo", "POST", X_Forwarded_For=CLIENT, Content_Length=100000)
            proxy.sendall(asked + b"x" * 10)
            proxy.sendall(b"x" * 99990)
            self.assertEqual(answer(proxy)[0], 200)
        self.assertTrue(self.logged(server, '"peer":"%s".*POST /echo' % CLIENT))

    def test_what_is_refused_is_the_clients_when_its_head_is_whole(self):
        server = self.serve("--max-body", "10", "--max-headers", "5")
        with connect(server.plain) as proxy:
            proxy.sendall(request("/client", "POST", X_Forwarded_For=CLIENT, Content_Length=11))
            self.assertEqual(answer(proxy)[0], 413)
        with connect(server.plain) as proxy:  # what the proxy adds is not read any more
            forged = {"X_Forwarded_For": "6.6.6.8", **{"A%d" % i: "" for i in range(6)}}
            proxy.sendall(request("/client", **forged))
            self.assertEqual(answer(proxy)[0], 431)
        self.assertTrue(self.logged(server, '^%s .*" 413 ' % CLIENT))
        self.assertTrue(self.logged(server, '^%s .*" 431 ' % PROXY))

    def test_two_fields_that_contradict_are_neither_believed(self):
        server = self.serve(noisy=True)
        with connect(server.plain) as proxy:
            for _ in range(3):
                self.assertEqual(told(proxy, X_Forwarded_For=CLIENT, Forwarded="for=6.6.6.6"), PROXY)
            self.assertEqual(told(proxy, X_Forwarded_For=CLIENT, Forwarded="for=" + CLIENT), CLIENT)
        lines = server.logged("warn: requests of the trusted proxy %s have" % PROXY)
        self.assertTrue(lines)
        self.assertLessEqual(len(lines), 1 if self.subject == "thread" else 4, "one for each process")


@for_each_subject("pool", "fresh")
class Obituary(Scene):
    def test_it_names_the_client(self):
        server = self.serve("--enable-faults", noisy=True)
        with connect(server.plain) as proxy:
            proxy.sendall(request("/fault/segv", X_Forwarded_For=CLIENT))
            self.assertEqual(answer(proxy)[0], 500)
            self.assertEqual(told(proxy), PROXY)
        self.assertTrue(self.logged(server, '^%s .*GET /fault/segv.*" 500 ' % CLIENT))


if __name__ == "__main__":
    unittest.main()
