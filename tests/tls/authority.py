#!/usr/bin/env python3
"""Certificates for the tests, made by `openssl` when they are wanted, in a folder that goes with them.

    authority.py FOLDER     makes root.pem, rsa.pem, rsa.key, ec.pem, ec.key for localhost, and prints
                            nothing: for the scripts that are not Python

A root signs an intermediate, and that one the servers' certificates: whoever verifies one of them
against the root has seen that the chain was sent along.  Keys are readable by their owner alone.
"""

import collections
import os
import subprocess
import sys
import time

Pair = collections.namedtuple("Pair", "cert key")

CONFIG = """
[req]
distinguished_name = name
x509_extensions = extensions
[name]
[extensions]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
AUTHORITY = "basicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign, cRLSign\n"
LEAF = "basicConstraints = critical, CA:false\nkeyUsage = critical, digitalSignature\n"
KEYS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}


def openssl(*arguments, stdin=b""):
    """Runs it; what it wrote.  Whatever it does not like ends the test with its own words."""
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False,
                          env={**os.environ, "OPENSSL_CONF": "/dev/null"}, timeout=60)
    if done.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (" ".join(arguments), done.stderr.decode()))
    return done.stdout


def alternative_names(names):
    kinds = ("IP:%s" if name.replace(".", "").isdigit() else "DNS:%s" for name in names)
    return "subjectAltName = " + ", ".join(kind % name for kind, name in zip(kinds, names)) + "\n"


def serial_number():
    """As random as those of the authorities that one buys from, and positive."""
    return "0x7" + os.urandom(15).hex()


class Authority:
    """One root and one intermediate, called `name`."""

    def __init__(self, folder, name="tandem"):
        self.folder, self.name = folder, name
        self.root = self.make(name + "-root", [], "ec", AUTHORITY, None)
        self.signer = self.make(name + "-intermediate", [], "ec", AUTHORITY, self.root)

    def make(self, file, names, kind, extensions, signer, subject=None, key=None):
        """One certificate, with a key of its own unless it is given one."""
        pair = Pair(*(os.path.join(self.folder, file + end) for end in (".pem", ".key")))
        config = os.path.join(self.folder, file + ".cnf")
        with open(config, "w") as out:
            out.write(CONFIG + extensions + (alternative_names(names) if names else ""))
        signing = ["-CA", signer.cert, "-CAkey", signer.key] if signer else []
        making = ["-new", "-key", key] if key else [*KEYS[kind], "-nodes", "-keyout", pair.key]
        openssl("req", "-x509", "-config", config, *making, "-subj",
                subject or "/O=Tandem/CN=" + (names[0] if names else file), "-days", "90", "-sha256",
                "-set_serial", serial_number(), "-out", pair.cert, *signing)
        return pair if not key else Pair(pair.cert, key)

    def issue(self, file, names, kind="ec", usage="serverAuth", subject=None, key=None):
        """A certificate for these names, with the intermediate behind it in its file."""
        pair = self.make(file, names, kind, LEAF + "extendedKeyUsage = %s\n" % usage, self.signer,
                         subject, key)
        with open(pair.cert, "a") as out, open(self.signer.cert) as chain:
            out.write(chain.read())
        return pair

    def client(self, file, subject):
        """A certificate for a client of this name."""
        return self.issue(file, [], usage="clientAuth", subject=subject)

    def staple(self, pair, file):
        """What an OCSP responder says of a certificate: that it is good.  The file, in DER."""
        out, question = (os.path.join(self.folder, file + end) for end in (".der", ".question"))
        index = os.path.join(self.folder, file + ".index")
        serial = openssl("x509", "-in", pair.cert, "-noout", "-serial").decode().strip().split("=")[1]
        subject = openssl("x509", "-in", pair.cert, "-noout", "-subject", "-nameopt", "compat")
        with open(index, "w") as lines:
            lines.write("V\t%s\t\t%s\tunknown\t%s\n" % (
                time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + 80 * 86400)), serial,
                subject.decode().strip().split("subject=")[1].strip()))
        openssl("ocsp", "-issuer", self.signer.cert, "-cert", pair.cert, "-no_nonce", "-reqout", question)
        openssl("ocsp", "-index", index, "-CA", self.signer.cert, "-rsigner", self.signer.cert,
                "-rkey", self.signer.key, "-reqin", question, "-respout", out, "-ndays", "7")
        return out


# --- DER, as far as it is needed here ---

def element(tag, content):
    """One element in DER, of less than 64 KiB."""
    length = len(content)
    size = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + size + content


def elements(content):
    """The elements that lie one behind the other: (tag, all of its bytes, its content)."""
    at = 0
    while at < len(content):
        length, head = content[at + 1], 2
        if length & 0x80:
            head += length & 0x7f
            length = int.from_bytes(content[at + 2:at + head], "big")
        yield content[at], content[at:at + head + length], content[at + head:at + head + length]
        at += head + length


def main():
    authority = Authority(sys.argv[1])
    for kind in KEYS:
        authority.issue(kind, ["localhost", "127.0.0.1"], kind)
    os.rename(authority.root.cert, os.path.join(sys.argv[1], "root.pem"))


if __name__ == "__main__":
    main()
