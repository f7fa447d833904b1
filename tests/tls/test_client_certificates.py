#!/usr/bin/env python3
"""Clients that show who they are: --tls-client-ca asks, --tls-client-required insists, and handlers are
told the subject, and the rest of what was agreed on, by request_tls()."""

import os
import socket
import unittest

from authority import Authority
from client import TLS12, TLS13, Cut, answer, ask, believing, curl, dial, facts, fetch, request, s_client
from subject import Case, for_each_subject, workshop

MODULE = os.path.join(os.environ["TANDEM_MODULES"], "tls_facts.so")
PATH = "/tls-facts"


class People:
    """Alice, whom the servers here believe, and Mallory, whose authority is her own."""

    def __init__(self):
        shop = workshop()
        self.friends, self.strangers = Authority(shop.folder, "friends"), Authority(shop.folder, "strangers")
        self.alice = self.friends.client("alice", "/O=Tandem, Ltd./CN=alice")
        self.mallory = self.strangers.client("mallory", "/O=Tandem, Ltd./CN=alice")
        self.ca = self.friends.root.cert


people = None


def setUpModule():
    global people
    people = People()


class ClientCase(Case):
    def refused(self, port, context):
        """No answer, but an alert: at once in TLS 1.2, with the first bytes of the server in 1.3."""
        with self.assertRaises(OSError) as caught:
            fetch(port, context=context)
        self.assertNotIsInstance(caught.exception, Cut)
        return getattr(caught.exception, "reason", None)


@for_each_subject()
class Optional(ClientCase):
    """Who has none is served; who has a bad one is not."""

    def start_asking(self, *options):
        return self.start("--tls-client-ca", people.ca, "--module", MODULE, *options)

    def test_subject_reaches_the_handler(self):
        server = self.start_asking()
        for version, name in ((TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")):
            told = facts(fetch(server.port, PATH, believing(version, pair=people.alice))[2])
            self.assertEqual(told["client"], r"CN=alice,O=Tandem\, Ltd.")  # RFC 4514: from the leaf up
            self.assertEqual((told["version"], told["server name"]), (name, "localhost"))
            self.assertEqual(told["resumed"], "no")
            told = facts(fetch(server.port, PATH, believing(version))[2])
            self.assertEqual(told["client"], "")

    def test_each_connection_has_its_own(self):
        """On kept connections, in turns: nothing of one is seen on another."""
        server = self.start_asking("--workers", "2")
        named, nameless = dial(server.port, believing(pair=people.alice)), dial(server.port, name=None)
        plain = socket.create_connection(("127.0.0.1", server.plain), timeout=20)
        with named, nameless, plain:
            for _ in range(10):
                self.assertIn("alice", facts(ask(named, PATH)[2])["client"])
                told = facts(ask(nameless, PATH)[2])
                self.assertEqual((told["client"], told["server name"]), ("", ""))
                plain.sendall(request(PATH))
                self.assertEqual(answer(plain)[2], b"plain\n")

    def test_a_resumed_session_keeps_its_subject(self):
        server = self.start_asking()
        kept = workshop().path("alice.session")
        identity = ("-cert", people.alice.cert, "-cert_chain", people.alice.cert, "-key", people.alice.key)
        for version in ("-tls1_2", "-tls1_3"):
            send = request(PATH, Connection="close")
            s_client(server.port, version, *identity, "-sess_out", kept, send=send)
            said = s_client(server.port, version, *identity, "-sess_in", kept, send=send)
            self.assertIn("resumed: yes", said)
            self.assertRegex(said, "client: CN=alice")

    def test_a_foreign_one_is_refused(self):
        server = self.start_asking()
        for version in (TLS12, TLS13):
            self.assertEqual(self.refused(server.port, believing(version, pair=people.mallory)),
                             "TLSV1_ALERT_UNKNOWN_CA")
        self.assertEqual(fetch(server.port)[0], 200)

    def test_a_server_certificate_is_none_for_clients(self):
        """What it may be used for stands in it (RFC 5280 §4.2.1.12)."""
        server = self.start_asking()
        wrong = people.friends.issue("wrong-usage", ["alice.test"])
        self.refused(server.port, believing(pair=wrong))
        self.assertEqual(fetch(server.port)[0], 200)

    def test_nobody_is_asked_without_the_option(self):
        server = self.start("--module", MODULE)
        told = facts(fetch(server.port, PATH, believing(pair=people.mallory))[2])
        self.assertEqual(told["client"], "")


@for_each_subject()
class Required(ClientCase):
    def start_insisting(self):
        return self.start("--tls-client-ca", people.ca, "--tls-client-required", "--module", MODULE)

    def test_refused_without(self):
        server = self.start_insisting()
        for version in (TLS12, TLS13):
            self.assertIn(self.refused(server.port, believing(version)),
                          ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE"))
            self.assertEqual(self.refused(server.port, believing(version, pair=people.mallory)),
                             "TLSV1_ALERT_UNKNOWN_CA")
            self.assertEqual(fetch(server.port, context=believing(version, pair=people.alice))[0], 200)

    def test_curl(self):
        server = self.start_insisting()
        code, said = curl(server.port, "--cert", people.alice.cert, "--key", people.alice.key, path=PATH)
        self.assertEqual(code, 0, said)
        self.assertIn("client: CN=alice", said)
        code, said = curl(server.port)
        self.assertNotEqual(code, 0, said)


if __name__ == "__main__":
    unittest.main()
