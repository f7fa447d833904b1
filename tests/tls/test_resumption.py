#!/usr/bin/env python3
"""Sessions go on by ticket, in both versions, whoever of the server's processes has died meanwhile;
early data is not taken, and the request in it is served all the same when it comes again."""

import base64
import os
import re
import signal
import unittest

from authority import element, elements
from client import curl, fetch, is_served, request, s_client
from subject import Case, eventually, for_each_subject, read, workshop

VERSIONS = {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}


class Tickets:
    """A client that keeps its session in a file."""

    def __init__(self, server, version):
        self.server, self.version = server, version
        self.file = workshop().path("session%d%s" % (server.port, version))

    def begin(self):
        said = s_client(self.server.port, self.version, "-sess_out", self.file)
        assert "200 OK" in said and re.search("^New, " + VERSIONS[self.version], said, re.M), said

    def go_on(self, *options):
        """Whether the session was taken up again; the request is answered in any case."""
        said = s_client(self.server.port, self.version, "-sess_in", self.file, *options)
        assert "200 OK" in said, said
        return re.search("^Reused, " + VERSIONS[self.version], said, re.M) is not None


@for_each_subject()
class Resumption(Case):
    def test_resumed(self):
        server = self.start()
        for version in VERSIONS:
            tickets = Tickets(server, version)
            tickets.begin()
            self.assertTrue(tickets.go_on())
            self.assertTrue(tickets.go_on("-sess_out", tickets.file))
            self.assertTrue(tickets.go_on())
        self.assertEqual(server.metric('tandem_tls_handshakes_total{result="resumed"}'), 6)
        self.assertEqual(server.metric('tandem_tls_handshakes_total{result="full"}'), 2)

    def test_by_any_gate(self):
        """Which one gets a connection is chance, so there are many."""
        server = self.start(*([] if self.subject == "thread" else ["--tls-gates", "4"]))
        tickets = Tickets(server, "-tls1_3")
        tickets.begin()
        self.assertEqual([tickets.go_on() for _ in range(12)], [True] * 12)

    def test_curl(self):
        """It resumes within one run: a second connection, for the first is closed.  (It has no use for
        tickets before TLS 1.3.)"""
        server = self.start()
        url = "https://localhost:%d/one.txt" % server.port
        code, said = curl(server.port, "--tlsv1.3", "-H", "Connection: close", "-o", "/dev/null", url)
        self.assertEqual(code, 0, said)
        self.assertEqual(server.metric('tandem_tls_handshakes_total{result="resumed"}'), 1)

    def test_without_tickets(self):
        """Nothing is kept for those who take none."""
        server = self.start()
        file = workshop().path("no-ticket")
        for option in ("-sess_out", "-sess_in"):
            if option == "-sess_out" or os.path.exists(file):
                said = s_client(server.port, "-tls1_2", "-no_ticket", option, file)
                self.assertIn("200 OK", said)
                self.assertRegex(said, "(?m)^New, ")

    def test_foreign_ticket(self):
        """One that was sealed by another server is no error, only a whole handshake."""
        first, second = self.start(), self.start()
        for version in VERSIONS:
            tickets = Tickets(first, version)
            tickets.begin()
            tickets.server = second
            self.assertFalse(tickets.go_on())

    def test_has_an_end(self):
        """--tls-ticket-time, from the whole handshake on, whichever new tickets have come since."""
        server = self.start("--tls-ticket-time", "3s")
        tickets = Tickets(server, "-tls1_3")
        tickets.begin()
        self.assertTrue(tickets.go_on("-sess_out", tickets.file))
        self.assertTrue(eventually(lambda: not tickets.go_on("-sess_out", tickets.file), 10), "still resumed")


@for_each_subject()
class AfterDeath(Case):
    """Who has sealed a ticket may be gone: the keys are in memory that outlives them all."""

    def victims(self, server):
        return server.workers() if self.subject == "thread" else server.gates() + server.workers()

    def test_resumed_after_kill(self):
        server = self.start("--log-level", "error", noisy=True)
        tickets = [Tickets(server, version) for version in VERSIONS]
        for kept in tickets:
            kept.begin()
        for _ in range(2):
            before = self.victims(server)
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            self.assertTrue(eventually(lambda: len(self.victims(server)) == len(before) and
                                       not set(before) & set(self.victims(server))))
            self.assertTrue(eventually(lambda: is_served(server.port)))
            self.assertEqual([kept.go_on() for kept in tickets], [True, True])

    def test_resumed_after_crash(self):
        server = self.start("--enable-faults", "--log-level", "error", noisy=True)
        tickets = [Tickets(server, version) for version in VERSIONS]
        for kept in tickets:
            kept.begin()
        try:
            fetch(server.port, "/fault/segv")
        except OSError:
            self.assertEqual(self.subject, "thread")
        self.assertTrue(eventually(lambda: is_served(server.port)))
        self.assertEqual([kept.go_on() for kept in tickets], [True, True])

    def test_resumed_after_reload(self):
        server = self.start(noisy=True)
        tickets = [Tickets(server, version) for version in VERSIONS]
        for kept in tickets:
            kept.begin()
        before = server.gates()
        server.hup()
        self.assertTrue(eventually(lambda: self.subject == "thread" or not set(before) & set(server.gates())))
        self.assertEqual([kept.go_on() for kept in tickets], [True, True])


# --- early data ---

def allow_early_data(file):
    """Makes a client believe, in its session file, that the server has offered to take early data.

    In SSL_SESSION_ASN1 (OpenSSL's ssl_asn1.c) the element [15] is max_early_data.
    """
    begin, end = "-----BEGIN SSL SESSION PARAMETERS-----", "-----END SSL SESSION PARAMETERS-----"
    der = base64.b64decode(read(file).split(begin)[1].split(end)[0])
    (_, _, content), = elements(der)
    kept = [(tag, whole) for tag, whole, _ in elements(content) if tag != 0xaf]
    kept.append((0xaf, element(0xaf, element(2, (16384).to_bytes(2, "big")))))
    order = [whole for tag, whole in kept if tag < 0xa0] + [
        whole for tag, whole in sorted(kept) if tag >= 0xa0]
    with open(file, "w") as out:
        out.write(begin + "\n")
        out.write(base64.encodebytes(element(0x30, b"".join(order))).decode())
        out.write(end + "\n")


@for_each_subject()
class EarlyData(Case):
    def test_none_is_offered(self):
        tickets = Tickets(self.start(), "-tls1_3")
        tickets.begin()
        said = s_client(tickets.server.port, "-sess_in", tickets.file)
        self.assertIn("Reused, TLSv1.3", said)
        self.assertRegex(said, "Early data was not sent")

    def test_what_comes_uninvited_is_not_taken(self):
        tickets = Tickets(self.start(), "-tls1_3")
        tickets.begin()
        allow_early_data(tickets.file)
        early = workshop().path("early")
        with open(early, "wb") as out:
            out.write(request("/early"))
        said = s_client(tickets.server.port, "-sess_in", tickets.file, "-early_data", early)
        self.assertIn("Early data was rejected", said)
        self.assertEqual(said.count("HTTP/1.1 "), 1, said)
        self.assertIn("HTTP/1.1 200 OK", said)
        self.assertNotIn("/early", read(tickets.server.access_log))


if __name__ == "__main__":
    unittest.main()
