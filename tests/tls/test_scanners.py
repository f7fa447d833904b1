#!/usr/bin/env python3
"""What sslscan and testssl.sh, which look for weaknesses, find: nothing that is ours to mend.

    TANDEM_LONG=1 ./test_scanners.py      all that testssl.sh can test, two minutes a server
"""

import json
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

from subject import Case, LONG, certificates, for_each_subject, patience, workshop

# Findings of testssl.sh that are neither "OK" nor "INFO", and why they stay.
ACCEPTED = {
    "engine_problem": "the scanner's own openssl knows no Russian ciphers to ask with",
    "cert_revocation": "an authority of a test has no place to revoke at",
    "cert_trust": "that authority is none of the browsers'",
    "cert_chain_of_trust": "likewise",
    "certificate_transparency": "likewise, and in no public log",
    "DNS_CAArecord": "localhost has no record of who may issue for it",
    "security_headers": "Content-Security-Policy and the like are for those to say who write the pages",
}
SHORT = ["--protocols", "--fs", "--vulnerable"]


@for_each_subject("thread", "pool")
class Scanned(Case):
    def start_at_its_best(self):
        """Both kinds of key, a staple, HSTS: what a careful operator would write."""
        shop = workshop()
        shop.document("index.html", b"<!doctype html><title>t</title>\n")
        return self.start(*certificates(shop.pair, shop.rsa), "--hsts", "max-age=63072000", "--tls-ocsp",
                          shop.authority.staple(shop.pair, "scanned"), noisy=True)

    def need(self, program, package):
        if not shutil.which(program):
            self.fail("%s is missing: install the package %s" % (program, package))

    def test_sslscan(self):
        self.need("sslscan", "sslscan")
        server, out = self.start_at_its_best(), workshop().path("sslscan-%s.xml" % self.subject)
        subprocess.run(["sslscan", "--no-colour", "--ocsp", "--xml=" + out, "localhost:%d" % server.port],
                       stdout=subprocess.DEVNULL, check=True, timeout=patience(60))
        found = xml.etree.ElementTree.parse(out).getroot().find("ssltest")
        enabled = {one.get("type") + one.get("version") for one in found.iter("protocol") if one.get("enabled") == "1"}
        self.assertEqual(enabled, {"tls1.2", "tls1.3"})
        ciphers = [(one.get("sslversion"), one.get("cipher"), one.get("strength")) for one in found.iter("cipher")]
        self.assertGreaterEqual(len(ciphers), 6)
        # those of TLS 1.3 have no key exchange in their names, by which it would tell the strong ones
        self.assertEqual([one for one in ciphers if one[2] != "strong" and one[0] != "TLSv1.3"], [])
        self.assertLessEqual({one[1] for one in ciphers if one[0] == "TLSv1.3"}, {
            "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
        self.assertEqual({one.get("vulnerable") for one in found.iter("heartbleed")}, {"0"})
        self.assertEqual(found.find("renegotiation").get("supported"), "0")
        groups = {one.get("name") for one in found.iter("group")}
        self.assertTrue({"x25519"} <= groups and not groups & {"sect283k1", "secp192r1"}, groups)

    def test_testssl(self):
        self.need("testssl", "testssl.sh")
        server, out = self.start_at_its_best(), workshop().path("testssl-%s.json" % self.subject)
        subprocess.run(["testssl", "--nodns", "none", "--ip", "127.0.0.1", "--warnings", "off", "--color", "0",
                        "--add-ca", workshop().authority.root.cert, "--jsonfile", out, *([] if LONG else SHORT),
                        "https://localhost:%d" % server.port],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                       cwd=workshop().folder, timeout=patience(600 if LONG else 170), check=False)
        with open(out) as file:
            findings = json.load(file)
        tested = {one["id"] for one in findings}
        self.assertTrue({"TLS1_2", "TLS1_3", "heartbleed", "ROBOT", "secure_client_renego", "LUCKY13"} <= tested, tested)
        bad = [one for one in findings if one["severity"] not in ("OK", "INFO")]
        self.assertEqual([(one["id"], one["severity"], one["finding"]) for one in bad
                          if re.sub(" <.*>", "", one["id"]) not in ACCEPTED], [])
        good = sum(one["severity"] == "OK" for one in findings)
        self.assertGreater(good, 20)
        print("%s: %d findings, %d of them good, %d accepted" % (self.subject, len(findings), good, len(bad)))


if __name__ == "__main__":
    unittest.main()
