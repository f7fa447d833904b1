#!/usr/bin/env python3
"""Files that will not do are refused before anybody is served: one line that names the file, and what
can be done.  And the certificate for whoever has none."""

import os
import re
import subprocess
import unittest

from authority import Pair, openssl
from client import curl, fetch
from subject import Case, certificates, command_of, eventually, for_each_subject, patience, workshop


def written(name, content):
    path = workshop().path(name)
    with open(path, "wb") as out:
        out.write(content)
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def encrypted(pair):
    """The same key behind a passphrase, for which nobody will be asked."""
    path = workshop().path("encrypted.key")
    openssl("pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", path)
    return path


def bad_ones():
    """What is wrong, the options, and the word that the line must have."""
    shop = workshop()
    good, other = shop.pair, shop.authority.issue("foreign", ["foreign.test"])
    garbage, empty = written("garbage.pem", b"no certificate\n" * 50), written("empty.pem", b"")
    huge, missing = written("huge.pem", b"-" * (3 << 20)), shop.path("missing.pem")
    half = written("half.pem", content(good.cert)[:300])
    usual = certificates(good)
    yield "missing certificate", certificates(Pair(missing, good.key)), missing
    yield "missing key", certificates(Pair(good.cert, missing)), missing
    yield "no certificate in it", certificates(Pair(garbage, good.key)), garbage
    yield "no key in it", certificates(Pair(good.cert, garbage)), garbage
    yield "empty certificate", certificates(Pair(empty, good.key)), empty
    yield "empty key", certificates(Pair(good.cert, empty)), empty
    yield "half a certificate", certificates(Pair(half, good.key)), half
    yield "larger than any", certificates(Pair(huge, good.key)), huge
    yield "a folder", certificates(Pair(shop.root, good.key)), shop.root
    yield "another's key", certificates(Pair(good.cert, other.key)), other.key
    yield "exchanged", certificates(Pair(good.key, good.cert)), good.key
    yield "encrypted key", certificates(Pair(good.cert, encrypted(good))), "encrypted.key"
    yield "bad second pair", usual + certificates(Pair(other.cert, good.key)), good.key
    yield "missing staple", usual + ["--tls-ocsp", missing], missing
    yield "no staple in it", usual + ["--tls-ocsp", garbage], garbage
    yield "staple of another", usual + ["--tls-ocsp", shop.authority.staple(other, "other")], "other.der"
    yield "missing client CA", usual + ["--tls-client-ca", missing], missing
    yield "no client CA in it", usual + ["--tls-client-ca", garbage], garbage
    # What options can tell without looking into a file:
    yield "key without certificate", ["--tls-key", good.key], "--tls-"
    yield "one key for two", usual + ["--tls-cert", other.cert], "--tls-key"
    yield "nothing", [], "--tls-"
    yield "required of nobody", usual + ["--tls-client-required"], "--tls-client-ca"
    yield "no such version", usual + ["--tls-min", "1.1"], "--tls-min"


def run(subject, *options, before=()):
    """Exit code and stderr of a server that is not to start."""
    done = subprocess.run([*before, *command_of(subject), "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
                           "--log-level", "warn", "--root", workshop().root, *options],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=patience(20), check=False)
    return done.returncode, done.stderr.decode(errors="replace")


@for_each_subject("thread", "pool")
class Refused(Case):
    def judge(self, *more):
        for what, options, word in bad_ones():
            with self.subTest(what):
                code, said = run(self.subject, *options, *more)
                self.assertIn(code, (1, 2), said)
                self.assertEqual(len(said.splitlines()), 1, said)
                self.assertIn(os.path.basename(word), said)
                self.assertNotRegex(said, r"error:[0-9A-F]{8}:", "that is OpenSSL's, not for people")

    def test_at_start(self):
        self.judge()

    def test_by_check(self):
        self.judge("--check")

    def test_check_is_content(self):
        shop = workshop()
        code, said = run(self.subject, *certificates(shop.pair, shop.rsa), "--tls-ocsp",
                         shop.authority.staple(shop.pair, "good"), "--tls-client-ca",
                         shop.authority.root.cert, "--check")
        self.assertEqual((code, said), (0, ""))

    def test_unreadable(self):
        """By whom it was started, not by whom it becomes."""
        if os.getuid() == 0:
            return  # root reads all; that the keys, which are root's alone, are read is every other test
        kept = written("unreadable-%s.key" % self.subject, content(workshop().pair.key))
        os.chmod(kept, 0)
        code, said = run(self.subject, *certificates(Pair(workshop().pair.cert, kept)))
        self.assertIn(code, (1, 2))
        self.assertIn("unreadable-%s.key" % self.subject, said)


@for_each_subject("pool")
class Descriptors(Case):
    def test_too_few_for_the_gates(self):
        """They have two for each connection, the server one."""
        usual = [*certificates(workshop().pair), "--workers", "4", "--max-connections", "600"]
        few = ["prlimit", "--nofile=1000:1000"]
        code, said = run(self.subject, *usual, "--tls-gates", "1", "--check", before=few)
        self.assertEqual((code, len(said.splitlines())), (0, 1), said)
        self.assertIn("of --max-connections 600, 468 can be TLS", said)
        self.assertEqual(run(self.subject, *usual, "--tls-gates", "2", "--check", before=few), (0, ""))


@for_each_subject("thread", "pool")
class Unwise(Case):
    """What is no error, but wants to be known."""

    def test_expired(self):
        """The dates are written over; that the signature no longer fits is for clients to see."""
        der = openssl("x509", "-in", workshop().pair.cert, "-outform", "DER")
        old = re.sub(rb"(\x17\x0d)\d{12}(Z\x17\x0d)\d{12}Z", rb"\g<1>200101000000\g<2>200201000000Z", der)
        file = written("old.pem", openssl("x509", "-inform", "DER", stdin=old))
        server = self.start(*certificates(Pair(file, workshop().pair.key)), noisy=True)
        self.assertEqual(len(server.logged("(?i)warn.*expired")), 1)


@for_each_subject()
class SelfSigned(Case):
    def test_serves_and_says_so(self):
        server = self.start("--tls-self-signed", "--log-level", "info", noisy=True)
        code, said = curl(server.port, "-k")
        self.assertEqual(code, 0, said)
        self.assertRegex(said, "200 OK")
        self.assertEqual(curl(server.port)[0], 60)  # nobody believes it unasked
        lines = server.logged("(?i)self-signed")
        self.assertEqual(len(lines), 1, lines)

    def test_beside_others_it_is_another(self):
        """With --tls-cert it stands behind them, or is refused in one line; never instead of them."""
        code, said = run(self.subject, *certificates(workshop().pair), "--tls-self-signed", "--check")
        if code == 0:
            server = self.start(*certificates(workshop().pair), "--tls-self-signed", noisy=True)
            self.assertEqual(fetch(server.port)[0], 200)
        else:
            self.assertEqual((code, len(said.splitlines())), (2, 1), said)

    def test_a_reload_keeps_it(self):
        server = self.start("--tls-self-signed", "--log-level", "info", noisy=True)
        shown = "SHA-256 [0-9A-F:]+"
        server.logged(shown)
        server.hup()
        self.assertTrue(eventually(lambda: len(server.logged(shown)) > 1), server.log())
        self.assertEqual(len({re.search(shown, line)[0] for line in server.logged(shown)}), 1)

    def test_its_key_is_new_each_time(self):
        keys = set()
        for _ in range(2):
            server = self.start("--tls-self-signed", noisy=True)
            _, said = curl(server.port, "-k", "-w", "%{certs}")
            keys.update(re.findall("-----BEGIN CERTIFICATE-----.*?-----END", said, re.S))
            server.stop()
        self.assertIn(len(keys), (0, 2))  # curl before 7.88 has no %{certs}


if __name__ == "__main__":
    unittest.main()
