#!/usr/bin/env python3
"""loadtest's handshakes beside those that the server counts: openssl s_server, which is not ours.

s_server -www answers every request with its own figures, how many handshakes it finished and how many of
them resumed a session, by ticket or from its memory.  So what is compared is what loadtest says with
what was done to the server, for both versions of TLS.
"""

import os
import re
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from bench import balance, failures, loadtest

WORK = tempfile.TemporaryDirectory(prefix="tandem-handshakes-")
VERSIONS = ("1.2", "1.3")
CONNECTIONS = 4
REQUESTS = 40


def path(name):
    return os.path.join(WORK.name, name)


def make_certificate(name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "1", "-keyout", path(name + ".key"), "-out", path(name + ".crt"),
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def command(address, *options):
    return ["openssl", "s_server", "-accept", address, "-cert", path("server.crt"), "-key",
            path("server.key"), "-www", *options]


class Server:
    """s_server on a port of the kernel's choice."""

    def __init__(self, *options):
        self.process = subprocess.Popen(command("127.0.0.1:0", *options), text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        for line in self.process.stdout:
            ready = re.match(r"ACCEPT .*:(\d+)$", line)
            if ready:
                break
        self.url = "https://127.0.0.1:%s/" % ready.group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()

    def counts(self):
        """Handshakes that it finished before this one, and of these those that resumed a session."""
        trusting = ssl.create_default_context(cafile=path("server.crt"))
        trusting.load_cert_chain(path("client.crt"), path("client.key"))
        with urllib.request.urlopen(self.url, context=trusting, timeout=60) as answer:
            text = answer.read().decode("latin-1")
        finished = int(re.search(r"(\d+) server accepts that finished", text).group(1))
        return finished - 1, int(re.search(r"(\d+) session cache hits", text).group(1))


class Handshakes(unittest.TestCase):
    def load(self, server, *options, n=REQUESTS):
        """A connection for each request, all of them answered; what loadtest says of its TLS."""
        code, result, complaints = loadtest("-c", str(CONNECTIONS), "-t", "1", "-n", str(n),
                                            "--no-keepalive", "--cacert", path("server.crt"),
                                            *options, server.url)
        self.assertEqual((code, complaints), (0, ""))
        self.assertEqual((result["requests"]["ok"], failures(result)), (n, {}))
        tls = result["tls"]
        self.assertEqual(tls["full_us"]["count"], tls["handshakes"] - tls["resumed"])
        self.assertEqual(tls["resumed_us"]["count"], tls["resumed"])
        self.check_rates(result)
        return tls

    def check_rates(self, result):
        """Those within the run: all but what was made while connecting.  The rows have no more."""
        tls = result["tls"]
        within = (tls["full_per_second"] + tls["resumed_per_second"]) * result["duration_s"]
        self.assertGreaterEqual(round(within), tls["handshakes"] - CONNECTIONS)
        self.assertLessEqual(round(within), tls["handshakes"])
        rows = sum(row["tls_full"] + row["tls_resumed"] for row in result["timeline"])
        self.assertGreater(rows, 0)
        self.assertLessEqual(rows, tls["handshakes"])

    def test_each_is_a_full_one(self):
        for version in VERSIONS:
            with self.subTest(version=version), Server() as server:
                tls = self.load(server, "--tls-version", version)
                self.assertIn("TLSv" + version, tls["agreed"])
                self.assertEqual(tls["resumed"], 0)
                self.assertEqual(server.counts(), (tls["handshakes"], 0))

    def test_each_but_the_first_of_a_connection_is_resumed(self):
        for version in VERSIONS:
            for memory in ([], ["-no_ticket"]):
                with self.subTest(version=version, memory=memory), Server(*memory) as server:
                    tls = self.load(server, "--tls-version", version, "--tls-resume")
                    self.assertEqual(tls["resumed"], tls["handshakes"] - CONNECTIONS)
                    self.assertEqual(server.counts(), (tls["handshakes"], tls["resumed"]))

    def test_a_server_that_remembers_nobody(self):
        with Server("-tls1_3", "-num_tickets", "0") as server:
            tls = self.load(server, "--tls-resume")
            self.assertEqual(tls["resumed"], 0)
            self.assertEqual(server.counts(), (tls["handshakes"], 0))

    def test_a_server_that_wants_to_know_its_clients(self):
        for version in VERSIONS:
            options = ["-Verify", "1", "-verify_return_error", "-CAfile", path("client.crt")]
            with self.subTest(version=version), Server(*options) as server:
                tls = self.load(server, "--tls-version", version, "--cert", path("client.crt"),
                                "--key", path("client.key"))
                self.assertEqual(server.counts(), (tls["handshakes"], 0))
                code, result, _ = loadtest("-c", "1", "-n", "5", "--insecure", "--tls-version",
                                           version, server.url)
                self.assertEqual((code, balance(result), result["requests"]["ok"]), (3, 0, 0))
                # In TLS 1.3 a client is through before it is judged, and may find the line cut only.
                allowed = {"tls"} if version == "1.2" else {"tls", "reset", "closed"}
                self.assertLessEqual(set(failures(result)), allowed)

    def test_expectations(self):
        with Server() as server:
            for resume, expectation, code in (
                    ([], "handshakes == %d" % REQUESTS, 0), ([], "resumed >= 10%", 1),
                    (["--tls-resume"], "resumed >= 90%", 0), ([], "handshakes_per_second > 0", 0)):
                with self.subTest(expectation=expectation, resume=resume):
                    self.assertEqual(loadtest("-c", str(CONNECTIONS), "-t", "1", "-n", str(REQUESTS),
                                              "--no-keepalive", "--insecure", *resume, "--expect",
                                              expectation, server.url)[0], code)

    def test_a_server_of_its_own(self):
        """Started for the run, on a port that the URL shares."""
        code, result, complaints = loadtest(
            "--start", " ".join(command("127.0.0.1:{tls-port}")), "-c", "1", "-n", "10", "--cacert",
            path("server.crt"), "--no-keepalive", "https://127.0.0.1:{tls-port}/")
        self.assertEqual((code, complaints), (0, ""))
        self.assertEqual(result["tls"]["handshakes"], 10)


if __name__ == "__main__":
    for one in ("server", "client"):
        make_certificate(one)
    try:
        unittest.main(verbosity=1, argv=sys.argv[:1])
    finally:
        WORK.cleanup()
