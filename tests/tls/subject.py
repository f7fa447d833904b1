"""The servers under test: one is started with certificates, looked at from outside, and stopped.

    server-thread      supervisor ── serving                             (a logger in either)
    server-proc        supervisor ┬─ worker … nursery, nest, spare       (below, some of them)
                                  └─ gatehouse ── gate …                 (both are `tls-gate`)

A server listens for plain HTTP, too, at `plain`, so that what TLS adds can be told from the rest.
"""

import atexit
import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from authority import Authority

PRESET = os.environ.get("TANDEM_PRESET", "release")
SLOW = PRESET in ("asan", "tsan", "coverage")
LONG = os.environ.get("TANDEM_LONG") == "1"
SUBJECTS = ["thread"] if PRESET == "tsan" else ["thread", "pool", "fresh"]
REPORTS = re.compile("AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:")
ANNOUNCED = re.compile("--enable-(demo|faults)")


def patience(seconds):
    """A bound for a quiet machine, stretched for the build under test."""
    return seconds * (5 if SLOW else 1)


def eventually(holds, seconds=5):
    """What holds() returns as soon as that is true; else, when the time is over, the last of it."""
    end = time.monotonic() + patience(seconds)
    while True:
        found = holds()
        if found or time.monotonic() >= end:
            return found
        time.sleep(0.01)


class Workshop:
    """A folder that goes with the test: documents, an authority, the usual certificates."""

    def __init__(self):
        self.kept = tempfile.TemporaryDirectory(prefix="tandem-tls-")
        self.folder = self.kept.name
        os.chmod(self.folder, 0o755)  # workers are nobody, where root has started the server
        self.root = self.path("root")
        os.mkdir(self.root)
        self.document("one.txt", b"x" * 1024)
        self.authority = Authority(self.folder)
        self.started = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def document(self, name, content):
        with open(os.path.join(self.root, name), "wb") as out:
            out.write(content)

    @functools.cached_property
    def pair(self):
        return self.authority.issue("local", ["localhost", "127.0.0.1"])

    @functools.cached_property
    def rsa(self):
        return self.authority.issue("local-rsa", ["localhost", "127.0.0.1"], "rsa")


@functools.lru_cache(None)
def workshop():
    made = Workshop()
    atexit.register(made.kept.cleanup)
    return made


def read(path, mode="r"):
    with open(path, mode) as file:
        return file.read()


def certificates(*pairs):
    """The options that name them."""
    return [word for pair in pairs for word in ("--tls-cert", pair.cert, "--tls-key", pair.key)]


def command_of(subject):
    """The program of a subject, and what makes it that."""
    if subject == "thread":
        return [os.environ["TANDEM_THREAD"]]
    return [os.environ["TANDEM_PROC"], "--isolation", subject]


def environment(options):
    """A fault ends its process as in a release build: sanitizers leave deadly signals alone."""
    extra = ":handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0"
    changed = {name: os.environ.get(name, "") + extra for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}
    return {**os.environ, **(changed if "--enable-faults" in options else {})}


class Server:
    """A running subject.  `port` speaks TLS, `plain` does not, `admin` has the figures."""

    def __init__(self, subject, *options):
        shop = workshop()
        shop.started += 1
        self.subject, self.errors = subject, shop.path("%s-%d.err" % (subject, shop.started))
        self.access_log = shop.path("%s-%d.log" % (subject, shop.started))
        reader, writer = os.pipe()
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [*command_of(subject), "--ready-fd", str(writer), *self.defaults(options), *options],
                pass_fds=[writer], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                env=environment(options))
        os.close(writer)
        self.pid = self.process.pid
        with os.fdopen(reader) as ready:
            self.read_ready(ready.readline())

    def defaults(self, options):
        """What is not said is said here; --listen and --tls-listen always."""
        shop = workshop()
        usual = {"--root": shop.root, "--workers": "4", "--log-level": "warn", "--tls-gates": "2",
                 "--access-log": self.access_log, "--admin": "127.0.0.1:0"}
        words = ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]
        for name, value in usual.items():
            if name not in options and (name != "--tls-gates" or self.subject != "thread"):
                words += [name, value]
        if "--tls-cert" not in options and "--tls-self-signed" not in options:
            words += certificates(shop.pair)
        return words

    def read_ready(self, line):
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", line)]
        if len(ports) != 3:
            self.process.kill()
            raise RuntimeError("%s is not ready, it says %r and: %s" % (self.subject, line, self.log()))
        self.plain, self.port, self.admin = ports

    def log(self):
        return read(self.errors, "rb").decode(errors="replace")

    def logged(self, pattern, seconds=5):
        """The lines that match, once there is one."""
        return eventually(lambda: [line for line in self.log().splitlines()
                                   if re.search(pattern, line)], seconds)

    def complaints(self):
        """What a clean run does not say."""
        return [line for line in self.log().splitlines() if not ANNOUNCED.search(line)]

    def metric(self, name):
        """A figure of /metrics, by the start of its line; None when there is no such line."""
        page = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.admin, timeout=patience(10))
        for line in page.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        return None

    def connections(self):
        """Those that are open, but for the one that asks."""
        return self.metric("tandem_connections") - 1

    def hup(self):
        os.kill(self.pid, signal.SIGHUP)

    # --- processes ---

    def tree(self):
        """pid: name, of the supervisor and all below it."""
        found, names = [self.pid], {}
        for pid in found:
            try:
                for task in os.listdir("/proc/%d/task" % pid):
                    found += map(int, read("/proc/%d/task/%s/children" % (pid, task)).split())
                names[pid] = read("/proc/%d/comm" % pid).strip()
            except OSError:
                pass  # it has ended meanwhile
        return names

    def gates(self):
        """Who holds sessions in server-proc; the gatehouse above them is not among them."""
        mine = [pid for pid in self.tree() if is_gate(pid)]
        return [pid for pid in mine if parent(pid) in mine]

    def gatehouse(self):
        return next(pid for pid in self.tree() if is_gate(pid) and parent(pid) == self.pid)

    def workers(self):
        """Those who run handlers."""
        own = "serving" if self.subject == "thread" else "worker"
        return [pid for pid, name in self.tree().items() if name.startswith(own)]

    def keepers_of_keys(self):
        """Those who have to know the private key."""
        return self.workers() if self.subject == "thread" else [self.gatehouse(), *self.gates()]

    # --- the end ---

    def stop(self):
        """TERM; what it ended with, 0 as it should be.  Says what is on its log when it is not."""
        self.process.terminate()
        try:
            code = self.process.wait(patience(20))
        finally:
            self.process.kill()
        if code != 0 or REPORTS.search(self.log()):
            raise AssertionError("%s ended with %d; its log:\n%s" % (self.subject, code, self.log()))

    def kill(self):
        """For whoever has not stopped it."""
        if self.process.poll() is None:
            for pid in reversed(self.tree()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()


def parent(pid):
    try:
        return int(read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def is_gate(pid):
    """By its program; undumpable, it hides that from others, and then it is its name."""
    try:
        return os.path.basename(os.readlink("/proc/%d/exe" % pid)) == "tls-gate"
    except PermissionError:
        return "gate" in read("/proc/%d/comm" % pid)
    except OSError:
        return False


class Case(unittest.TestCase):
    """One test for one subject, which is in `subject`; a server that it starts is stopped cleanly."""

    subject = None
    maxDiff = None

    def start(self, *options, noisy=False):
        """`noisy`: there will be lines in its log, and they are the test's business."""
        server = Server(self.subject, *options)
        self.addCleanup(server.kill)
        self.addCleanup(self.end, server, noisy)
        return server

    def end(self, server, noisy):
        if server.process.poll() is None:
            server.stop()
        if not noisy:
            self.assertEqual(server.complaints(), [], "a clean run says nothing")


def for_each_subject(*names):
    """Makes a class for each of them (all, when none is named) from the one behind it."""
    def spread(case):
        module = sys.modules[case.__module__]
        for name in names or SUBJECTS:
            if name in SUBJECTS:
                own = {"subject": name, "__module__": case.__module__}
                setattr(module, "%s_%s" % (case.__name__, name), type(case.__name__ + "_" + name, (case,), own))
        return case if case.subject else None
    return spread
