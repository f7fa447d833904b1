#!/usr/bin/env python3
"""HUP: new certificates for new connections, and nothing else changes for anybody."""

import hashlib
import json
import os
import shutil
import subprocess
import threading
import unittest

from authority import Authority, Pair
from client import ask, certificate_of, dial, how_it_ends, request, s_client
from subject import Case, LONG, certificates, eventually, for_each_subject, patience, workshop

FACTS = os.path.join(os.environ["TANDEM_MODULES"], "tls_facts.so")


class Renewable:
    """A pair of files whose content is replaced while they are in use."""

    def __init__(self, name):
        self.pair = Pair(workshop().path(name + ".live.pem"), workshop().path(name + ".live.key"))
        self.put("first.test")

    def put(self, common_name):
        """As certbot does: each file is replaced as a whole."""
        new = workshop().authority.issue("made-" + common_name, [common_name, "localhost"])
        for source, target in zip(new, self.pair):
            shutil.copy(source, target + ".new")
            os.rename(target + ".new", target)

    def spoil(self, text=b"not a certificate\n"):
        with open(self.pair.cert, "wb") as out:
            out.write(text)


class ReloadCase(Case):
    def start_renewable(self, *options, noisy=False):
        live = Renewable("%s-%d" % (self.subject, workshop().started))
        return live, self.start(*certificates(live.pair), *options, noisy=noisy)

    def await_certificate(self, server, name):
        """Old gates accept until the new ones are there, so for a moment it may be either."""
        self.assertTrue(eventually(lambda: {certificate_of(server.port, None) for _ in range(8)} == {name}),
                        "new connections do not see " + name)


@for_each_subject()
class Renewed(ReloadCase):
    def test_new_connections_see_the_new(self):
        live, server = self.start_renewable()
        self.assertEqual(certificate_of(server.port, None), "first.test")
        for name in ("second.test", "third.test"):
            live.put(name)
            self.assertNotEqual(certificate_of(server.port, None), name)  # nobody has said so yet
            server.hup()
            self.await_certificate(server, name)

    def test_with_one_process(self):
        """--one, under a debugger: there is no supervisor that would see to it."""
        if self.subject == "fresh":
            self.skipTest("the same as pool")
        live, server = self.start_renewable("--one")
        live.put("second.test")
        server.hup()
        self.await_certificate(server, "second.test")

    def test_old_connections_live_on(self):
        live, server = self.start_renewable()
        kept = [dial(server.port) for _ in range(8)]
        for connection in kept:
            ask(connection)
        for name in ("second.test", "third.test"):
            live.put(name)
            server.hup()
            self.await_certificate(server, name)
            for connection in kept:
                self.assertEqual(ask(connection)[::2], (200, b"x" * 1024))
        for connection in kept:
            self.assertEqual(ask(connection, Connection="close")[0], 200)
            self.assertEqual(how_it_ends(connection), "close_notify")
            connection.close()

    def test_a_download_is_not_cut(self):
        content = os.urandom(1 << 20) * 24
        workshop().document("download.bin", content)
        live, server = self.start_renewable()
        with dial(server.port) as connection:
            connection.sendall(request("/download.bin", Connection="close"))
            said = hashlib.sha256()
            head, _, rest = connection.recv(16384).partition(b"\r\n\r\n")
            said.update(rest)
            live.put("second.test")
            server.hup()
            self.await_certificate(server, "second.test")
            while chunk := connection.recv(65536):
                said.update(chunk)
        self.assertIn(b" 200 OK", head)
        self.assertEqual(said.hexdigest(), hashlib.sha256(content).hexdigest())

    def test_an_idle_one_still_ends_in_order(self):
        live, server = self.start_renewable("--idle-timeout", "1s")
        with dial(server.port) as connection:
            ask(connection)
            live.put("second.test")
            server.hup()
            self.assertEqual(how_it_ends(connection), "close_notify")

    def test_draining_after_a_reload(self):
        """TERM ends all generations."""
        live, server = self.start_renewable()
        with dial(server.port) as connection:
            ask(connection)
            live.put("second.test")
            server.hup()
            self.await_certificate(server, "second.test")
            server.process.terminate()
            self.assertEqual(how_it_ends(connection), "close_notify")
            self.assertEqual(server.process.wait(patience(10)), 0)


@for_each_subject()
class Bad(ReloadCase):
    """The old go on, and one line says why."""

    def test_bad_files(self):
        live, server = self.start_renewable(noisy=True)
        for number, spoil in enumerate((live.spoil, lambda: live.spoil(b""), lambda: os.remove(live.pair.cert),
                                        lambda: shutil.copy(workshop().pair.cert, live.pair.cert))):
            with dial(server.port) as kept:
                ask(kept)
                spoil()
                server.hup()
                name = os.path.basename(live.pair[0])[:-4]
                self.assertTrue(eventually(lambda: len(self.lines(server, name)) == number + 1), server.log())
                self.assertEqual(certificate_of(server.port, None), "first.test")
                self.assertEqual(ask(kept)[0], 200)
        self.assertEqual(server.complaints(), self.lines(server, name))
        live.put("second.test")
        server.hup()
        self.await_certificate(server, "second.test")

    def lines(self, server, name):
        return [line for line in server.log().splitlines() if name in line]

    def test_an_authority_that_is_believed_no_longer(self):
        """Tickets that it has vouched for are worth nothing afterwards."""
        shop = workshop()
        old, new = Authority(shop.folder, "old-%s" % self.subject), Authority(shop.folder, "new-%s" % self.subject)
        ada, ca = old.client("ada-" + self.subject, "/CN=ada"), shop.path("ca-%s.pem" % self.subject)
        shutil.copy(old.root.cert, ca)
        server = self.start("--tls-client-ca", ca, "--tls-client-required", "--module", FACTS)
        tickets, identity = shop.path("ada.session"), ("-cert", ada.cert, "-cert_chain", ada.cert, "-key", ada.key)
        send = request("/tls-facts", Connection="close")
        for version in ("-tls1_2", "-tls1_3"):
            said = s_client(server.port, version, *identity, "-sess_out", tickets + version, send=send)
            self.assertIn("client: CN=ada", said)
        shutil.copy(new.root.cert, ca)
        server.hup()
        self.assertTrue(eventually(lambda: "200 OK" not in s_client(server.port, *identity, send=send)))
        for version in ("-tls1_2", "-tls1_3"):
            said = s_client(server.port, version, *identity, "-sess_in", tickets + version, send=send)
            self.assertNotIn("client: CN=ada", said)


@for_each_subject()
class UnderLoad(ReloadCase):
    """A HUP every second, with another certificate each time, and no request fails."""

    KINDS = {"kept": ("-c", "8"), "new": ("-c", "4", "--no-keepalive"),
             "resumed": ("-c", "4", "--no-keepalive", "--tls-resume"),
             "old version": ("-c", "2", "--no-keepalive", "--tls-version", "1.2"), "large": ("-c", "2")}

    def test_nobody_notices(self):
        workshop().document("large.bin", bytes(3 << 20))
        live, server = self.start_renewable()
        over = threading.Event()
        renewing = threading.Thread(target=self.renew, args=(live, server, over))
        loads = {kind: self.load(server, kind) for kind in self.KINDS}
        renewing.start()
        try:
            said = {kind: load.communicate(timeout=patience(60)) for kind, load in loads.items()}
        finally:
            over.set()
            renewing.join()
        for kind, load in loads.items():
            result = json.loads(said[kind][0])
            failed = {name: count for name, count in result["requests"]["failed"].items() if count}
            self.assertEqual((failed, load.returncode), ({}, 0), (kind, result["tls"]))
            self.assertGreater(result["requests"]["ok"], 5)
            if kind == "resumed":
                self.assertGreater(result["tls"]["resumed"], 0)
        self.assertGreater(self.renewals, 2)

    def renew(self, live, server, over):
        self.renewals = 0
        while not over.wait(1):
            self.renewals += 1
            live.put("round-%d.test" % (self.renewals % 2))
            server.hup()

    def load(self, server, kind):
        load = subprocess.Popen([os.environ["TANDEM_LOADTEST"], "run", "--quiet", "--json", "-", "--insecure", "-t",
                                 "1", "-d", "10s" if LONG else "4s", "--timeout", "%ds" % patience(10),
                                 *self.KINDS[kind], "https://127.0.0.1:%d/%s" % (
                                     server.port, "large.bin" if kind == "large" else "one.txt")],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        return load


if __name__ == "__main__":
    unittest.main()
