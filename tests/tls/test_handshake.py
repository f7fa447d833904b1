#!/usr/bin/env python3
"""What is agreed on: versions, names, protocols, kinds of key, staples; and what is refused, and how."""

import json
import re
import socket
import ssl
import threading
import time
import unittest

from client import (TLS12, TLS13, answer, ask, believing, certificate_of, curl, dial, fetch, hello,
                    request, s_client)
from subject import Case, certificates, eventually, for_each_subject, patience, workshop


def alert(output):
    """The alert that ended a handshake of s_client, in words."""
    found = re.search(r"alert ([a-z0-9 ]+?):", output)
    return found.group(1) if found else None


@for_each_subject()
class Versions(Case):
    """TLS 1.2 and 1.3 and nothing older; --tls-min 1.3 leaves one of them."""

    def test_both_are_spoken(self):
        server = self.start()
        for version, name in ((TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")):
            with dial(server.port, believing(version)) as connection:
                self.assertEqual(connection.version(), name)
                for _ in range(3):
                    self.assertEqual(ask(connection)[::2], (200, b"x" * 1024))

    def test_older_ones_are_refused(self):
        server = self.start()
        for version in ("-tls1", "-tls1_1"):
            said = s_client(server.port, version, "-cipher", "ALL:@SECLEVEL=0")
            self.assertEqual(alert(said), "protocol version", said)
        self.assertEqual(fetch(server.port)[0], 200)

    def test_only_13(self):
        server = self.start("--tls-min", "1.3")
        self.assertEqual(alert(s_client(server.port, "-tls1_2")), "protocol version")
        with dial(server.port) as connection:
            self.assertEqual(connection.version(), "TLSv1.3")
            self.assertEqual(ask(connection)[0], 200)

    def test_without_forward_secrecy_or_aead_is_refused(self):
        server = self.start(*certificates(workshop().rsa))
        for ciphers in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384",
                        "DHE-RSA-AES128-SHA256"):
            said = s_client(server.port, "-tls1_2", "-cipher", ciphers + ":@SECLEVEL=0")
            self.assertEqual(alert(said), "handshake failure", said)
        self.assertIn("200 OK", s_client(server.port, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"))


@for_each_subject()
class Names(Case):
    """Which certificate goes out: exact names before wildcards, and the first for whoever asks for none."""

    def certificates(self):
        issue = workshop().authority.issue
        return [issue("default", ["default.test", "localhost"]), issue("other", ["other.test"]),
                issue("wild", ["*.wild.test"]), issue("exact", ["exact.wild.test", "second.test"])]

    def test_chosen_by_name(self):
        server = self.start(*certificates(*self.certificates()))
        expected = {"default.test": "default.test", "other.test": "other.test", "OTHER.test": "other.test",
                    "a.wild.test": "*.wild.test", "exact.wild.test": "exact.wild.test",
                    "second.test": "exact.wild.test", "a.b.wild.test": "default.test",
                    "wild.test": "default.test", "unknown.test": "default.test", None: "default.test"}
        for version in (TLS12, TLS13):
            found = {name: certificate_of(server.port, name, believing(version)) for name in expected}
            self.assertEqual(found, expected)

    def test_curl_agrees(self):
        server = self.start(*certificates(*self.certificates()))
        for name in ("default.test", "other.test", "a.wild.test", "exact.wild.test"):
            code, said = curl(server.port, name=name)
            self.assertEqual(code, 0, said)
        code, said = curl(server.port, name="unknown.test")
        self.assertEqual(code, 60, said)  # the default's name is another

    def test_the_chain_is_sent(self):
        server = self.start()
        said = s_client(server.port, "-showcerts", "-verify_return_error", "-verify_hostname", "localhost")
        self.assertEqual(said.count("BEGIN CERTIFICATE"), 2, said)
        self.assertIn("Verify return code: 0 (ok)", said)


@for_each_subject()
class Protocols(Case):
    """ALPN (RFC 7301): http/1.1, or none; who can speak only another is told so."""

    def test_http11_is_picked(self):
        server = self.start()
        for offered in (["http/1.1"], ["h2", "http/1.1"], ["http/1.1", "h2"], ["spdy/1", "http/1.1"]):
            with dial(server.port, believing(alpn=offered)) as connection:
                self.assertEqual(connection.selected_alpn_protocol(), "http/1.1")
                self.assertEqual(ask(connection)[0], 200)
        code, said = curl(server.port, "--http2")
        self.assertEqual(code, 0, said)
        self.assertIn("server accepted http/1.1", said)

    def test_none_is_fine(self):
        server = self.start()
        with dial(server.port) as connection:
            self.assertIsNone(connection.selected_alpn_protocol())
            self.assertEqual(ask(connection)[0], 200)

    def test_only_another_is_refused(self):
        server = self.start()
        for version in ("-tls1_2", "-tls1_3"):
            self.assertEqual(alert(s_client(server.port, version, "-alpn", "h2")), "no application protocol")


@for_each_subject()
class Keys(Case):
    """RSA and ECDSA side by side, for the same names: the client's abilities decide."""

    def test_client_decides(self):
        server = self.start(*certificates(workshop().rsa, workshop().pair))
        for options, kind in ((("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), "RSA"),
                              (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), "ECDSA"),
                              (("-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"), "RSA"),
                              (("-tls1_3", "-sigalgs", "ecdsa_secp256r1_sha256"), "ECDSA")):
            said = s_client(server.port, *options)
            self.assertIn("200 OK", said, options)
            self.assertRegex(said, "(?i)Peer signature type: %s" % kind)  # 3.5 has its whole name


@for_each_subject()
class Staples(Case):
    """--tls-ocsp: goes out with its own certificate, to those who ask."""

    def test_stapled(self):
        shop = workshop()
        other = shop.authority.issue("unstapled", ["unstapled.test"])
        server = self.start(*certificates(shop.pair, other), "--tls-ocsp",
                            shop.authority.staple(shop.pair, "staple"))
        for version in ("-tls1_2", "-tls1_3"):
            said = s_client(server.port, version, "-status")
            self.assertIn("OCSP Response Status: successful", said)
            self.assertIn("Cert Status: good", said)
            self.assertIn("OCSP response: no response sent",
                          s_client(server.port, version, "-status", name="unstapled.test"))
        self.assertNotIn("OCSP response: \n=", s_client(server.port))
        code, said = curl(server.port, "--cert-status")
        self.assertEqual(code, 0, said)


@for_each_subject()
class Strangers(Case):
    """Who does not speak TLS, or not to the end."""

    def test_plain_http_is_told(self):
        server = self.start()
        for text in (request(), b"POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", b"HEAD / HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=patience(10)) as connection:
                connection.sendall(text)
                said = b""
                while chunk := connection.recv(65536):
                    said += chunk
            head, _, body = said.partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 400 "), said)
            self.assertIn(b"connection: close", head.lower())
            if not text.startswith(b"HEAD"):
                self.assertRegex(body.decode(), "(?i)https|TLS")
        self.assertEqual(fetch(server.port)[0], 200)

    def test_garbage_ends(self):
        server = self.start()
        for text in (b"\0" * 64, b"\x16\x03\x01\xff\xff" + b"a" * 400, b"\x80\x2e\x01\0\x02" + b"b" * 64):
            with socket.create_connection(("127.0.0.1", server.port), timeout=patience(5)) as connection:
                connection.sendall(text)
                try:
                    while connection.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
        self.assertEqual(fetch(server.port)[0], 200)

    def test_handshake_has_an_end(self):
        """Nothing, half of a hello, a byte now and then: all are over when the time is."""
        server = self.start("--tls-handshake-timeout", "600ms")
        first, _ = hello()
        for start, pace in ((b"", None), (first[:-7], None), (first[:3], 0.05)):
            took = self.wait_for_end(server.port, start, first[3:] if pace else b"", pace)
            self.assertGreater(took, 0.5)
            self.assertLess(took, patience(3))

    def wait_for_end(self, port, start, rest, pace):
        with socket.create_connection(("127.0.0.1", port), timeout=patience(20)) as connection:
            began, over = time.monotonic(), threading.Event()
            connection.sendall(start)

            def trickle():
                try:
                    for byte in rest:
                        if over.wait(pace):
                            return
                        connection.sendall(bytes([byte]))
                except OSError:
                    pass
            sender = threading.Thread(target=trickle)
            sender.start()
            try:
                while connection.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            finally:
                over.set()
                sender.join()
            return time.monotonic() - began

    def test_records_of_one_byte(self):
        """A hello in as many records as it has bytes (RFC 8446 §5.1), then a request likewise."""
        server = self.start()
        first, (session, into, out) = hello()
        message = first[5:]
        with socket.create_connection(("127.0.0.1", server.port), timeout=patience(10)) as connection:
            connection.sendall(b"".join(b"\x16\x03\x01\0\1" + bytes([byte]) for byte in message))
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    chunk = connection.recv(65536)
                    self.assertTrue(chunk, "the server has ended")
                    into.write(chunk)
            for byte in request(Connection="close"):
                session.write(bytes([byte]))
            connection.sendall(out.read())
            self.assertTrue(self.read_all(connection, session, into).startswith(b"HTTP/1.1 200 "))

    def read_all(self, connection, session, into):
        said = b""
        while True:
            try:
                chunk = session.read(65536)
                if not chunk:
                    return said
                said += chunk
            except ssl.SSLZeroReturnError:
                return said
            except ssl.SSLWantReadError:
                chunk = connection.recv(65536)
                if not chunk:
                    raise AssertionError("no close_notify behind %r" % said[:200]) from None
                into.write(chunk)


@for_each_subject()
class Requests(Case):
    """HTTP behind it is the same, but for what only https may say."""

    def test_hsts_is_for_tls_alone(self):
        server = self.start("--hsts", "max-age=63072000")
        for path, status in (("/one.txt", 200), ("/missing", 404)):
            found, fields, _ = fetch(server.port, path)
            self.assertEqual((found, fields["Strict-Transport-Security"]), (status, "max-age=63072000"))
        with socket.create_connection(("127.0.0.1", server.plain), timeout=patience(10)) as connection:
            connection.sendall(request())
            status, fields, _ = answer(connection)
        self.assertEqual((status, fields["Strict-Transport-Security"]), (200, None))

    def test_no_hsts_unless_asked_for(self):
        self.assertIsNone(fetch(self.start().port)[1]["Strict-Transport-Security"])

    def test_bodies_both_ways(self):
        server = self.start("--enable-demo")
        for version in (TLS12, TLS13):
            with dial(server.port, believing(version)) as connection:
                for length in (0, 1, 16383, 16384, 16385, 1 << 20):
                    body = bytes(i * 7 % 251 for i in range(1000)) * (length // 1000 + 1)
                    body = body[:length]
                    connection.sendall(request("/echo", "POST", Content_Length=length) + body)
                    self.assertEqual(answer(connection)[::2], (200, body))

    def test_pipelined(self):
        server = self.start()
        with dial(server.port) as connection:
            connection.sendall(request() * 50)
            said = b""
            while said.count(b"HTTP/1.1 200") < 50 or not said.endswith(b"x" * 1024):
                chunk = connection.recv(65536)
                self.assertTrue(chunk, said[-200:])
                said += chunk
            self.assertEqual(said.count(b"HTTP/1.1 200 "), 50)

    def test_a_large_file(self):
        content = bytes(i * 31 % 253 for i in range(65536)) * 160 + b"end"
        workshop().document("large.bin", content)
        server = self.start()
        self.assertTrue(fetch(server.port, "/large.bin")[2] == content)
        code, said = curl(server.port, "-r", "1000-1999", "-o", workshop().path("part"), path="/large.bin")
        self.assertEqual(code, 0, said)
        with open(workshop().path("part"), "rb") as part:
            self.assertEqual(part.read(), content[1000:2000])

    def test_counted(self):
        """/metrics: handshakes by how they went."""
        server, context = self.start(), believing(TLS12)
        with dial(server.port, context) as connection:
            ask(connection)
            session = connection.session
        with dial(server.port, context, session=session) as connection:
            self.assertTrue(connection.session_reused)
        s_client(server.port, "-alpn", "h2")
        figures = {result: 'tandem_tls_handshakes_total{result="%s"}' % result
                   for result in ("full", "resumed", "failed")}
        self.assertTrue(eventually(lambda: server.metric(figures["failed"]) == 1))
        self.assertEqual({result: server.metric(line) for result, line in figures.items()},
                         {"full": 1, "resumed": 1, "failed": 1})

    def test_logged(self):
        """The access log in JSON: the version and the name asked for; of a plain request neither."""
        server = self.start("--log-format", "json")
        fetch(server.port, name="some.test")
        with socket.create_connection(("127.0.0.1", server.plain), timeout=patience(10)) as connection:
            connection.sendall(request("/plain", Connection="close"))
            answer(connection)
        server.stop()
        with open(server.access_log) as log:
            first, second = sorted(map(json.loads, log), key=lambda entry: entry["time"])
        self.assertEqual((first["tls"], first["server_name"]), ("TLSv1.3", "some.test"))
        self.assertTrue("tls" not in second and "server_name" not in second, second)


if __name__ == "__main__":
    unittest.main()
