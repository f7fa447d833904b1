"""A server as a service manager keeps it: sockets handed over, messages listened to, its binary replaced.

Each service runs a copy of the binary in a folder of its own, so that the copy can be replaced as a
package manager does it: another file is written beside it, and takes its name.
"""

import atexit
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PRESET = os.environ.get("TANDEM_PRESET", "release")
SLOW = PRESET in ("asan", "tsan", "coverage")
LONG = os.environ.get("TANDEM_LONG") == "1"
SUBJECTS = ["thread"] if PRESET == "tsan" else ["thread", "pool", "fresh"]
TIMED = re.compile("^[-0-9T:.Z]+ ")
EXPECTED = re.compile("--enable-(demo|faults)")


def patience(seconds):
    """A bound for a quiet machine, stretched for one that is not, and for the build under test."""
    return seconds * (10 if SLOW else 3)


def eventually(holds, seconds=5):
    """What holds() returns as soon as that is true; else, when the time is over, the last of it."""
    end = time.monotonic() + patience(seconds)
    while True:
        found = holds()
        if found or time.monotonic() >= end:
            return found
        time.sleep(0.01)


def read(path):
    with open(path, "rb") as file:
        return file.read().decode(errors="replace")


def listening(kind=socket.AF_INET, address=("127.0.0.1", 0)):
    """A socket that somebody else has opened."""
    made = socket.socket(kind, socket.SOCK_STREAM)
    made.bind(address)
    made.listen(64)
    return made


class Manager:
    """Hears what a service says, as systemd would: a datagram socket, and who has sent each message."""

    def __init__(self, path, is_abstract=False):
        self.name = "@" + path if is_abstract else path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind("\0" + path if is_abstract else path)
        self.messages = []  # (pid, text)

    def hear(self):
        while True:
            try:
                text, extra, _, _ = self.socket.recvmsg(4096, 256, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return self.messages
            pid = struct.unpack("3i", extra[0][2])[0]
            self.messages.append((pid, text.decode()))

    def heard(self, line, seconds=5):
        """The messages with this line, once there is one."""
        pattern = re.compile("^" + line, re.M)
        return eventually(lambda: [text for _, text in self.hear() if pattern.search(text)], seconds)

    def forget(self):
        self.hear()
        self.messages = []


class Service:
    def __init__(self, subject, *options, sockets=(), names=None, environment=None, manager=None,
                 listen=True, before=(), waits=True):
        self.subject, self.options = subject, options
        self.folder = tempfile.mkdtemp(prefix="tandem-upgrade-")
        os.chmod(self.folder, 0o755)
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        built = os.environ["TANDEM_THREAD" if subject == "thread" else "TANDEM_PROC"]
        self.built, self.binary = built, os.path.join(self.folder, os.path.basename(built))
        shutil.copy(built, self.binary)
        gate = os.path.join(os.path.dirname(built), "tls-gate")
        if subject != "thread":
            shutil.copy(gate, self.folder)
        self.errors = os.path.join(self.folder, "log")
        self.manager = manager
        self.start(sockets, names, environment or {}, listen, before)
        if waits:
            self.wait_ready()

    def command(self, listen):
        words = [self.binary, "--workers", "2", "--enable-demo", "--access-log", "off"]
        words += ["--isolation", self.subject] if self.subject != "thread" else []
        words += ["--listen", "127.0.0.1:0"] if listen else []
        return [*words, *self.options]

    def start(self, sockets, names, environment, listen, before):
        reader, writer = os.pipe()
        fcntl.fcntl(reader, fcntl.F_SETFL, os.O_NONBLOCK)
        ready = fcntl.fcntl(writer, fcntl.F_DUPFD, 60)  # above all that is handed over
        aside = [fcntl.fcntl(each, fcntl.F_DUPFD, 80) for each in sockets]
        numbers = range(3, 3 + len(sockets))
        known = {**os.environ, "READY": str(ready), "LISTEN_FDS": str(len(sockets)), **environment}
        if names:
            known["LISTEN_FDNAMES"] = ":".join(names)
        if self.manager:
            known["NOTIFY_SOCKET"] = self.manager.name
        # LISTEN_PID is that of the shell, which becomes the server.
        script = 'LISTEN_PID=${LISTEN_PID-$$} exec "$@" --ready-fd $READY'

        def place():
            for number, fd in zip(numbers, aside):
                os.dup2(fd, number)

        with open(self.errors, "ab") as log:
            self.process = subprocess.Popen(
                [*before, "sh", "-c", "export LISTEN_PID; " + script, "sh", *self.command(listen)],
                pass_fds=[ready, *numbers], preexec_fn=place, env=known, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for fd in (writer, ready, *aside):
            os.close(fd)
        self.pid, self.reader = self.process.pid, reader

    def read_line(self):
        try:
            return os.read(self.reader, 4096).decode()
        except BlockingIOError:
            return None

    def wait_ready(self):
        line = eventually(self.read_line, 20)
        os.close(self.reader)
        if not line:
            self.kill()
            raise AssertionError("not ready: " + self.log())
        plain, _, admin = line.strip().partition(" admin ")
        self.addresses = plain.split()[1:]
        self.ports = [int(name.rsplit(":", 1)[1]) for name in self.addresses if "unix:" not in name]
        self.port = self.ports[0] if self.ports else None
        self.admin = int(admin.rsplit(":", 1)[1]) if admin else None

    # --- its log ---

    def log(self):
        return read(self.errors)

    def logged(self, pattern, seconds=10):
        return eventually(lambda: [line for line in self.log().splitlines()
                                   if re.search(pattern, line)], seconds)

    def complaints(self):
        return [line for line in self.log().splitlines()
                if re.search(r"\b(error|warn): ", line) and not EXPECTED.search(line)]

    # --- asking it ---

    def dial(self, port=None):
        return socket.create_connection(("127.0.0.1", port or self.port), patience(10))

    def get(self, path="/work", port=None):
        """The status."""
        with self.dial(port) as s:
            s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode())
            return answer(s)[0]

    # --- its binary ---

    def replace(self, content=None, mode=0o755):
        """Another file takes its name: the same program, or `content`."""
        new = self.binary + ".new"
        if content is None:
            shutil.copy(self.built, new)
        else:
            with open(new, "w") as out:
                out.write(content)
            os.chmod(new, mode)
        os.rename(new, self.binary)

    def signal(self, number):
        os.kill(self.pid, number)

    def children(self, pid=None):
        pid = pid or self.pid
        try:
            return [int(each) for each in read("/proc/%d/task/%d/children" % (pid, pid)).split()]
        except OSError:
            return []

    def child(self, name):
        """The one that calls itself so."""
        return next(pid for pid in self.children() if read("/proc/%d/comm" % pid).startswith(name))

    def serving(self):
        """The supervisor that serves: this process, or the child it takes care of."""
        if "caretaker" not in read("/proc/%d/comm" % self.pid):
            return self.pid
        mine = self.children()
        return mine[-1] if mine else None

    def is_settled(self):
        """The generation before has gone, and there is a caretaker with one ward."""
        return "caretaker" in read("/proc/%d/comm" % self.pid) and len(self.children()) == 1

    def upgrade(self):
        """The pid of the generation that serves then."""
        count = len(re.findall("pid [0-9]+ serves", self.log()))
        self.signal(signal.SIGUSR2)
        said = eventually(lambda: re.findall("pid ([0-9]+) serves", self.log())[count:], 20)
        if not said:
            raise AssertionError("no other generation: " + self.log())
        if not eventually(self.is_settled, 20):
            raise AssertionError("the old generation stays: " + self.log())
        return int(said[0])

    # --- its end ---

    def stop(self):
        """TERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(patience(20))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()  # all others die with it
            self.process.wait()


def answer(s):
    """Status and all that came, until the end."""
    got = b""
    while True:
        more = s.recv(65536)
        if not more:
            break
        got += more
    return (int(got.split()[1]) if got else None), got


class Case(unittest.TestCase):
    """One test for one subject, which is in `subject`; a service that it starts is stopped cleanly."""

    subject = None
    maxDiff = None

    def start(self, *options, noisy=False, **more):
        service = Service(self.subject, *options, **more)
        self.addCleanup(service.kill)
        self.addCleanup(self.end, service, noisy)
        return service

    def end(self, service, noisy):
        if service.process.poll() is None:
            self.assertEqual(service.stop(), 0, service.log())
        if not noisy:
            self.assertEqual(service.complaints(), [], "a clean run says nothing")

    def manager(self, is_abstract=False):
        folder = tempfile.mkdtemp(prefix="tandem-upgrade-")
        self.addCleanup(shutil.rmtree, folder)
        manager = Manager(os.path.join(folder, "notify"), is_abstract)
        self.addCleanup(manager.socket.close)
        return manager


def for_each_subject(*names):
    """Makes a class for each of them (all, when none is named) from the one behind it."""
    def spread(case):
        module = sys.modules[case.__module__]
        for name in names or SUBJECTS:
            if name in SUBJECTS:
                own = {"subject": name, "__module__": case.__module__}
                made = type(case.__name__ + "_" + name, (case,), own)
                setattr(module, made.__name__, made)
        return None
    return spread
