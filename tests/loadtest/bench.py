"""What the tests of loadtest as a whole share: running it, and servers to run it against.

A server here is a thread that plays a part (class Stage), or one of the pair (class Server).  All
listen on a port of the kernel's choice on loopback, and end with the test.
"""

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

SLOW = os.environ.get("TANDEM_PRESET") in ("asan", "tsan", "coverage")


def loadtest(*arguments, limit=60):
    """Runs it with --json; its exit code, the result (None without one), and what it complained of."""
    command = [os.environ["TANDEM_LOADTEST"], "run", "--quiet", "--json", "-", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit * (4 if SLOW else 1))
    result = json.loads(done.stdout) if done.stdout else None
    return done.returncode, result, done.stderr


def balance(result):
    """What the ledger says was scheduled, less all it says became of it: 0."""
    requests = result["requests"]
    return requests["scheduled"] - requests["ok"] - sum(requests["failed"].values()) - \
        requests["unfinished"] - requests["never_sent"]


def failures(result):
    """The failure classes that are not empty."""
    return {name: n for name, n in result["requests"]["failed"].items() if n}


class Stage:
    """A listener whose connections are each played by `part(stage, connection)` in a thread."""

    def __init__(self, part):
        self.part = part
        self.played = 0  # how often the part did what it is there for
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = "http://127.0.0.1:%d/" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.play, args=(connection,), daemon=True).start()

    def play(self, connection):
        try:
            self.part(self, connection)
        except OSError:
            pass
        finally:
            connection.close()

    def count(self):
        with self.lock:
            self.played += 1
            return self.played

    def close(self):
        # close() alone would leave the thread in accept()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def requests_on(connection):
    """Yields each request that arrives (none of them has a body); ends when the client has gone."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        request, data = data.split(b"\r\n\r\n", 1)
        yield request


def reset(connection):
    """Ends a connection by RST, after what was sent has left."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


class Server:
    """server-thread or server-proc, started and stopped; a 1 KiB file is at `url`."""

    def __init__(self, which="TANDEM_THREAD", *arguments, cpu=None):
        self.root = tempfile.TemporaryDirectory()
        os.chmod(self.root.name, 0o755)
        with open(os.path.join(self.root.name, "one.txt"), "w") as file:
            file.write("x" * 1024)
        reader, writer = os.pipe()
        command = [os.environ[which], "--listen", "127.0.0.1:0", "--ready-fd", str(writer), "--root",
                   self.root.name, "--access-log", "off", "--log-level", "error", *arguments]
        if cpu is not None:
            command = ["taskset", "-c", str(cpu), *command]
        self.process = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as ready:
            self.address = ready.readline().split()[1]
        self.url = "http://%s/one.txt" % self.address

    def tree(self):
        """The pids of the server and of everything below it."""
        found, i = [self.process.pid], 0
        while i < len(found):
            try:
                for task in os.listdir("/proc/%d/task" % found[i]):
                    with open("/proc/%d/task/%s/children" % (found[i], task)) as children:
                        found += [int(pid) for pid in children.read().split()]
            except FileNotFoundError:
                pass
            i += 1
        return found

    def freeze(self, seconds):
        """STOP for that long, then CONT."""
        pids = self.tree()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.root.cleanup()
