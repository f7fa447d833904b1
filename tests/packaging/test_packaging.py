#!/usr/bin/env python3
"""What is installed works from where it is: programs, units, header, manual; and the Debian package."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

SOURCE, BUILD = os.environ["TANDEM_SOURCE"], sys.argv.pop()
SERVERS = ("server-proc", "server-thread")
UNITS = ["%s.%s" % (server, kind) for server in SERVERS for kind in ("service", "socket")]


def run(*words, **more):
    """What it prints; it must end well."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        raise AssertionError("%s: %d: %s" % (" ".join(words), done.returncode, done.stdout))
    return done.stdout


def read(*path):
    with open(os.path.join(*path)) as file:
        return file.read()


def needs(program, package):
    return unittest.skipUnless(shutil.which(program), "%s is missing: install the package %s" % (program, package))


class Folder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="tandem-packaging-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o755)  # workers are nobody, where root starts the server
        cls.fill()

    @classmethod
    def path(cls, *parts):
        return os.path.join(cls.folder, *parts)


class Serving:
    """A server from the folder it was installed in, with the options that its caller adds."""

    def __init__(self, program, *options, **environment):
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            [program, "--ready-fd", str(writer), "--access-log", "off", "--log-level", "error", *options],
            pass_fds=[writer], stdin=subprocess.DEVNULL, env={**os.environ, **environment})
        os.close(writer)
        with os.fdopen(reader) as ready:
            self.ports = [int(word.rsplit(":", 1)[1]) for word in ready.readline().split()[1:]]

    def get(self, path):
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.ports[0], path), timeout=30) as page:
            return page.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.status = self.process.wait(30)


class Installed(Folder):
    @classmethod
    def fill(cls):
        run("cmake", "--install", BUILD, "--prefix", cls.folder)

    def test_units_name_the_programs_that_are_there(self):
        for server in SERVERS:
            unit = read(self.path("lib/systemd/system", server + ".service"))
            program = re.search("^ExecStart=(.*)$", unit, re.M).group(1)
            self.assertEqual(program, self.path("bin", server))
            self.assertTrue(os.access(program, os.X_OK))
        self.assertEqual(sorted(os.listdir(self.path("lib/systemd/system"))), sorted(UNITS))

    def test_destdir(self):
        """Whoever makes a package installs below a folder, and means the prefix."""
        stage = self.path("stage")
        run("cmake", "--install", BUILD, "--prefix", "/usr", env={**os.environ, "DESTDIR": stage})
        unit = read(stage, "usr/lib/systemd/system/server-proc.service")
        self.assertIn("\nExecStart=/usr/bin/server-proc\n", unit)
        self.assertEqual(os.listdir(stage), ["usr"])

    @needs("pkg-config", "pkgconf")
    def test_a_module_is_compiled_with_what_pkg_config_says(self):
        """The module of common/modules/README.md, with the command that stands there."""
        page = read(SOURCE, "common/modules/README.md")
        with open(self.path("hello.c"), "w") as out:
            out.write(re.search("```c\n(.*?)```", page, re.S).group(1))
        command = re.search("^    (cc .*pkg-config.*hello.c)$", page, re.M).group(1)
        known = {**os.environ, "PKG_CONFIG_PATH": self.path("share/pkgconfig")}
        run("sh", "-c", command, cwd=self.folder, env=known)
        for server in SERVERS:
            with Serving(self.path("bin", server), "--listen", "127.0.0.1:0", "--module",
                         self.path("hello.so")) as started:
                self.assertEqual(started.get("/hello"), "Hello\n")
            self.assertEqual(started.status, 0)
        abi = run("pkg-config", "--variable=abi", "tandem", env=known).strip()
        self.assertIn("#define TANDEM_ABI %s\n" % abi, read(SOURCE, "common/handler.h"))

    def test_server_proc_finds_its_gate(self):
        with Serving(self.path("bin/server-proc"), "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
                     "--tls-self-signed") as started:
            said = run(self.path("bin/loadtest"), "run", "--insecure", "-n", "10", "-c", "1", "--quiet",
                       "https://127.0.0.1:%d/" % started.ports[1])
        self.assertRegex(said, r"\b10\b")

    def test_the_load_tool_finds_the_servers_and_scenarios(self):
        said = run(self.path("bin/loadtest"), "demo", "--scenario", "steady", "-d", "200ms", "-c", "2", "--quiet")
        for subject in ("thread", "pool", "fresh"):
            self.assertRegex(said, subject)

    def test_manual_pages_and_completions_are_where_they_are_looked_for(self):
        for program in (*SERVERS, "loadtest"):
            self.assertIn(".Nm", read(self.path("share/man/man1", program + ".1")))
            self.assertIn("complete ", read(self.path("share/bash-completion/completions", program)))


@needs("cpack", "cmake")
@needs("dpkg-deb", "dpkg")
@needs("dpkg-shlibdeps", "dpkg-dev")
class Package(Folder):
    @classmethod
    def fill(cls):
        run("cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", cls.folder)
        [name] = [name for name in os.listdir(cls.folder) if name.endswith(".deb")]
        cls.package, cls.root = cls.path(name), cls.path("root")
        run("dpkg-deb", "--raw-extract", cls.package, cls.root)

    def test_what_the_package_says_and_holds(self):
        depends = run("dpkg-deb", "--field", self.package, "Depends")
        for library in ("libc6", "libssl3", "libseccomp2", "zlib1g"):
            self.assertIn(library, depends)
        for unit in UNITS:
            self.assertTrue(os.path.exists(os.path.join(self.root, "usr/lib/systemd/system", unit)))
        self.assertIn("MIT", read(self.root, "usr/share/doc/tandem/copyright"))
        self.assertEqual(sorted(os.listdir(self.root)), ["DEBIAN", "etc", "usr"])
        for line in read(self.root, "DEBIAN/conffiles").split():
            self.assertTrue(os.path.exists(self.root + line), line)
        for script in ("postinst", "prerm", "postrm"):
            self.assertTrue(os.access(os.path.join(self.root, "DEBIAN", script), os.X_OK))

    def test_each_server_starts_with_the_options_it_comes_with(self):
        """Those of /etc/default; but with a port of our own, and below the folder we have."""
        listened = set()
        for server in SERVERS:
            unit = read(self.root, "usr/lib/systemd/system", server + ".service")
            defaults = re.search("^EnvironmentFile=-(.*)$", unit, re.M).group(1)
            options = dict(re.findall("^(TANDEM_[A-Z_]+)=(.*)$", read(self.root + defaults), re.M))
            self.assertRegex(options["TANDEM_LISTEN"], r"^127\.0\.0\.1:\d+$")
            listened.add(options["TANDEM_LISTEN"])
            options["TANDEM_LISTEN"] = "127.0.0.1:0"
            options["TANDEM_ROOT"] = self.root + options["TANDEM_ROOT"]
            program = re.search("^ExecStart=(.*)$", unit, re.M).group(1)
            self.assertEqual(program, "/usr/bin/" + server)
            with Serving(self.root + program, **options) as started:
                self.assertIn("It works", started.get("/"))
            self.assertEqual(started.status, 0)
        self.assertEqual(len(listened), 2, "both run at once")


if __name__ == "__main__":
    unittest.main()
