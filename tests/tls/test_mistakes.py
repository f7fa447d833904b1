#!/usr/bin/env python3
"""What operators do wrong, as a flag, as a variable and as a line of a file: each time one line that says
what is wrong, where, and how to mend it.  And --check, which says all of it at once."""

import os
import socket
import subprocess
import unittest

from authority import Pair
from subject import Case, certificates, command_of, for_each_subject, patience, workshop


def written(name, content):
    path = workshop().path(name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(content)
    return path


def without_rights(name, content):
    """A key that nobody may read; root, who may read all, gets none at all."""
    path = written(name, content)
    os.chmod(path, 0)
    return path if os.getuid() != 0 else path + ".gone"


def taken():
    """An address on which somebody listens."""
    other = socket.create_server(("127.0.0.1", 0))
    return other, "127.0.0.1:%d" % other.getsockname()[1]


class Place:
    """One of the three ways to set an option; `shows` is how the line names it."""

    def __init__(self, kind, name, value):
        self.flags, self.variables = [], {}
        if kind == "flag":
            self.flags, self.shows = ["--%s" % name, value], "--%s" % name
        elif kind == "variable":
            self.shows = "TANDEM_" + name.upper().replace("-", "_")
            self.variables = {self.shows: value}
        else:
            path = written("mistake.conf", "# line 1\n\n%s = %s\n" % (name, value))
            self.flags, self.shows = ["--config", path], "%s:3: %s" % (path, name)


def run(subject, options, variables=None, before=()):
    """Exit code, and the lines of stderr, of a server that is not to start."""
    done = subprocess.run([*before, *command_of(subject), *options], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=patience(20), check=False,
                          env={**os.environ, **(variables or {})})
    return done.returncode, done.stderr.decode(errors="replace").splitlines()


def mistakes():
    """Option, value, other options, exit code, what the line must have beside the place."""
    pair, other = workshop().pair, workshop().authority.issue("mistake", ["foreign.test"])
    plain, tls = ["--listen", "127.0.0.1:0"], ["--tls-listen", "127.0.0.1:0", "--tls-cert", pair.cert]
    secret = without_rights("secret.key", "key")
    yield "max-bdy", "1m", plain, 2, "no such option: did you mean .*[mM]ax.body|MAX_BODY"
    yield "bogus", "1", plain, 2, "no such option: see --help"
    yield "root", "/does/not/exist", plain, 2, "No such file or directory: name a folder that exists"
    yield "workers", "many", plain, 2, "is not a number from 1 to 1024"
    yield "access-log", "/does/not/exist/log", plain, 1, "name a file that this user may write to"
    yield "max-connections", "5000", plain, 1, "this process may have 300: lower it, or raise the limit"
    yield "tls-key", other.key, tls, 1, os.path.basename(other.key)
    yield "tls-key", secret, tls, 1, os.path.basename(secret)


@for_each_subject("thread", "pool")
class Mistakes(Case):
    def judge(self, kind):
        few = ["prlimit", "--nofile=300:300"]
        for name, value, others, code, word in mistakes():
            with self.subTest(name):
                place = Place(kind, name, value)
                got, said = run(self.subject, [*others, *place.flags], place.variables,
                                few if name == "max-connections" else ())
                self.assertEqual((got, len(said)), (code, 1), said)
                self.assertRegex(said[0], word)
                self.assertIn(place.shows, said[0])

    def test_by_flag(self):
        self.judge("flag")

    def test_by_variable(self):
        self.judge("variable")

    def test_by_file(self):
        self.judge("file")

    def test_port_taken(self):
        holder, address = taken()
        with holder:
            for kind in ("flag", "variable", "file"):
                place = Place(kind, "listen", address)
                code, said = run(self.subject, place.flags, place.variables)
                self.assertEqual((code, len(said)), (1, 1), said)
                self.assertIn(place.shows, said[0])
                self.assertIn(address, said[0])
                self.assertIn("stop it or choose another port", said[0])

    def test_check_says_all(self):
        path = written("all.conf", "workers = none\nmodule = /does/not/exist.so\nmax-bdy = 1m\n")
        wrong = ["--bogus", "--root", "/does/not/exist", "--config", path, "--access-log", "/does/not/exist/log",
                 "--max-connections", "5000", "--tls-listen", "127.0.0.1:0",
                 *certificates(Pair(workshop().pair.cert, "/does/not/exist.key")), "--check"]
        code, said = run(self.subject, wrong, {"TANDEM_MAX_URI": "1"}, ["prlimit", "--nofile=300:300"])
        self.assertEqual(code, 2, said)
        said = [line for line in said if " warn: " not in line]  # the gate thinks of --max-connections, too
        for word in ("--bogus", "--root", "TANDEM_MAX_URI", path + ":1: workers", path + ":3: max-bdy",
                     "--max-connections", "--access-log", path + ":2: module", "/does/not/exist.key"):
            self.assertEqual(len([line for line in said if word in line]), 1, (word, said))
        self.assertEqual(len(said), 9, said)


if __name__ == "__main__":
    unittest.main()
