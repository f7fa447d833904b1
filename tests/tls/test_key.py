#!/usr/bin/env python3
"""Where the private key is: in server-proc with the gates and nobody else; in server-thread where the
handlers are.

                      workers, nursery, nest, spares, supervisor       who speaks TLS
      server-proc     nothing found, no OpenSSL mapped                 found (so the search finds)
      server-thread            — one process: found, by a handler of it, too —

Two ways of looking: from outside, through /proc/PID/mem, for the numbers of an RSA and of an EC key and
for their files' text; and from inside, with /fault/overread, for a key that can be asked for by a name:
its number is, in bytes, "tls-key:" DIGITS ":yek-slt", and so whichever end it is stored from.
"""

import os
import re
import secrets
import subprocess
import unittest
import urllib.parse

from authority import element, elements, openssl
from client import TLS12, believing, dial, ask, fetch
from memory import libraries, search
from subject import SLOW, Case, certificates, eventually, for_each_subject, read, workshop

PREFIX = b"tls-key:"
SKIP = 77
WINDOW = 24  # bytes of a number that are looked for, in three places of it


class Secrets:
    """The two keys, and all that would give them away."""

    def __init__(self):
        shop, self.digits = workshop(), secrets.token_hex(8)
        self.rsa = shop.authority.issue("secret-rsa", ["localhost"], "rsa")
        self.ec = shop.authority.issue("secret-ec", ["localhost"], key=self.make_named_key())
        self.needles = {}
        for pair in (self.rsa, self.ec):
            self.add_text(pair.key)
        for name, number in zip("d p q dp dq qinv".split(), rsa_numbers(self.rsa.key)):
            self.add_number("RSA " + name, number)
        self.add_number("EC d", self.number)

    def make_named_key(self):
        """An ECPrivateKey (RFC 5915) of our own choice; openssl works out the public half."""
        self.number = (PREFIX + self.digits.encode() + PREFIX[::-1])[::-1]  # as it is written: big end first
        curve = element(0xa0, bytes.fromhex("06082a8648ce3d030107"))
        der = element(0x30, element(2, b"\1") + element(4, self.number) + curve)
        path = workshop().path("named.key")
        openssl("ec", "-inform", "DER", "-out", path, stdin=der)
        os.chmod(path, 0o600)
        return path

    def add_text(self, path):
        lines = read(path).splitlines()[1:-1]
        for number in {0, len(lines) // 2, len(lines) - 2}:
            self.needles["line %d of %s" % (number + 2, os.path.basename(path))] = lines[number].encode()

    def add_number(self, name, number):
        for order, value in (("big", number), ("little", number[::-1])):
            middle = (len(value) - WINDOW) // 2
            for place, at in (("begin", 0), ("middle", middle), ("end", len(value) - WINDOW)):
                self.needles["%s, %s-endian, %s" % (name, order, place)] = value[at:at + WINDOW]


def rsa_numbers(path):
    """d, p, q, dP, dQ and qInv of an RSAPrivateKey (RFC 8017 A.1.2)."""
    der = openssl("rsa", "-in", path, "-outform", "DER", "-traditional")
    (_, _, content), = elements(der)
    return [number.lstrip(b"\0") for _, _, number in elements(content)][3:]


hidden = None


def setUpModule():
    global hidden
    if SLOW:
        raise unittest.SkipTest("a sanitizer's shadow is larger than what can be searched")
    hidden = Secrets()


class KeyCase(Case):
    def start_with_secrets(self):
        return self.start(*certificates(hidden.rsa, hidden.ec), "--enable-faults", "--workers", "2",
                          "--log-level", "error")

    def use(self, server):
        """Handshakes by either key, in either version."""
        for ciphers in ("ECDHE+aRSA", "ECDHE+aECDSA"):
            self.assertEqual(fetch(server.port, context=believing(TLS12, ciphers=ciphers))[0], 200)
        with dial(server.port) as connection:
            for _ in range(20):
                self.assertEqual(ask(connection)[0], 200)

    def under_load(self, server):
        """Requests and handshakes without end, until the test is over."""
        load = subprocess.Popen([os.environ["TANDEM_LOADTEST"], "run", "--quiet", "--insecure", "-t", "1", "-c", "4",
                                 "-R", "100", "-d", "60s", "--no-keepalive",
                                 "https://127.0.0.1:%d/one.txt" % server.port],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)

    def look_into(self, pids, names):
        """What is found in them, and in how many bytes; ends the test where nobody may look."""
        found, looked_at = set(), 0
        for pid in pids:
            try:
                here, size = search(pid, hidden.needles)
            except PermissionError:
                self.skipTest("/proc/PID/mem of an undumpable process is for root with CAP_SYS_PTRACE")
            found |= {(names.get(pid), *what) for what in here}
            looked_at += size
        return found, looked_at

    def what_overread_finds(self, server):
        """By eight requests, so that each worker has had one; the digits, from whichever end."""
        path = "/fault/overread?find=" + urllib.parse.quote(PREFIX.decode(), "")
        found = set()
        for _ in range(8):
            status, _, body = fetch(server.port, path)
            self.assertEqual(status, 200)
            found |= set(body.decode().split())
        return found & {hidden.digits, hidden.digits[::-1]}


@for_each_subject("pool", "fresh")
class Elsewhere(KeyCase):
    """Workers, and all else that is not a gate."""

    def test_not_in_their_memory(self):
        server = self.start_with_secrets()
        self.use(server)
        self.under_load(server)
        self.judge(server)
        server.hup()  # read again, by others
        self.assertTrue(eventually(lambda: len(server.gates()) >= 2))
        self.use(server)
        self.assertEqual(self.what_overread_finds(server), set())
        self.judge(server)

    def judge(self, server):
        names, keepers = server.tree(), server.keepers_of_keys()
        others = [pid for pid in names if pid not in keepers]
        self.assertTrue({"pool": 2, "fresh": 1}[self.subject] <=
                        sum(names[pid].startswith(("worker", "spare")) for pid in others), names)
        found, looked_at = self.look_into(keepers, names)
        whose = {what[1].split(",")[0] for what in found}
        self.assertTrue({"RSA p", "RSA q", "EC d"} <= whose, "the search does not find what is there: %s" % found)
        found, looked_at = self.look_into(others, names)
        self.assertEqual(found, set())
        self.assertGreater(looked_at, 1 << 20)
        print("%s: %d processes, %.1f MiB: nothing" % (self.subject, len(others), looked_at / (1 << 20)))

    def test_no_openssl_in_them(self):
        server = self.start_with_secrets()
        self.use(server)
        keepers = server.keepers_of_keys()
        for pid, name in server.tree().items():
            try:
                mapped = libraries(pid)
            except FileNotFoundError:
                continue  # it has ended
            except PermissionError:
                self.skipTest("/proc/PID/maps of an undumpable process is for root with CAP_SYS_PTRACE")
            is_mapped = any(re.match("lib(ssl|crypto)", file) for file in mapped)
            self.assertEqual(is_mapped, pid in keepers, "%s: %s" % (name, sorted(mapped)))

    def test_not_by_overread(self):
        server = self.start_with_secrets()
        self.use(server)
        self.assertEqual(self.what_overread_finds(server), set())

    def test_no_open_file(self):
        """Nobody keeps the files open, not even the supervisor, from whom workers inherit."""
        server = self.start_with_secrets()
        self.use(server)
        for pid in server.tree():
            try:
                files = {os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)}
            except (FileNotFoundError, PermissionError):
                continue
            self.assertEqual(files & {*hidden.rsa, *hidden.ec}, set())


@for_each_subject("thread")
class Here(KeyCase):
    """Threads share one memory: what one of them needs, all can read."""

    def test_in_their_memory(self):
        server = self.start_with_secrets()
        self.use(server)
        found, _ = self.look_into(server.workers(), server.tree())
        whose = {what[1].split(",")[0] for what in found}
        self.assertTrue({"RSA p", "RSA q", "EC d"} <= whose, found)
        print("thread: found %s" % ", ".join(sorted(whose)))

    def test_by_overread(self):
        server = self.start_with_secrets()
        self.use(server)
        self.assertNotEqual(self.what_overread_finds(server), set())


def main():
    result = unittest.main(exit=False).result
    if result.wasSuccessful() and result.skipped and len(result.skipped) >= result.testsRun:
        raise SystemExit(SKIP)
    raise SystemExit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
