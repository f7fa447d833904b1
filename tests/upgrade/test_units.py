#!/usr/bin/env python3
"""The units: systemd understands them, they are as tight as they say, and a server lives with that."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from service import Case, for_each_subject

UNITS = os.environ["TANDEM_UNITS"]


def analyze(*words):
    if not shutil.which("systemd-analyze"):
        raise unittest.SkipTest("systemd-analyze is missing: install the package systemd")
    return subprocess.run(["systemd-analyze", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


@for_each_subject("thread", "pool")
class Units(Case):
    def units(self):
        """Copies that name a program which is there: (service, socket), and what the service says."""
        built = os.environ["TANDEM_THREAD" if self.subject == "thread" else "TANDEM_PROC"]
        folder = tempfile.mkdtemp(prefix="tandem-upgrade-")
        self.addCleanup(shutil.rmtree, folder)
        paths = []
        for kind in ("service", "socket"):
            name = "%s.%s" % (os.path.basename(built), kind)
            with open(os.path.join(UNITS, name)) as file:
                text = re.sub("ExecStart=.*", "ExecStart=" + built, file.read())
            paths.append(os.path.join(folder, name))
            with open(paths[-1], "w") as out:
                out.write(text)
        with open(paths[0]) as file:
            return paths, file.read()

    def test_systemd_understands_them(self):
        paths, _ = self.units()
        result = analyze("verify", *paths)
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_the_exposure_is_what_the_comment_says(self):
        (path, _), text = self.units()
        said = float(re.search(r"offline=true: ([0-9.]+) \(OK\)", text).group(1))
        found = analyze("security", "--offline=true", path).stdout
        level = float(re.search(r"exposure level for .*: ([0-9.]+)", found).group(1))
        self.assertLessEqual(level, said + 0.3, "another version of systemd counts a little differently")

    def test_its_capabilities_are_enough(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("only root has capabilities to give up, and setpriv (util-linux) does it")
        _, text = self.units()
        names = re.search("^CapabilityBoundingSet=(.*)$", text, re.M).group(1).lower().split()
        kept = ",".join(["-all"] + [name.replace("cap_", "+") for name in names])
        service = self.start("--tls-listen", "127.0.0.1:0", "--tls-self-signed",
                             before=["setpriv", "--no-new-privs", "--bounding-set", kept])
        service.upgrade()
        self.assertEqual(service.get(), 200)
        service.signal(signal.SIGHUP)
        self.assertEqual(service.get(), 200)


if __name__ == "__main__":
    unittest.main()
