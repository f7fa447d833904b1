"""A server that is watched: the one of ../tls/subject.py, with what its --admin says of it."""

import json
import os
import socket
import sys
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "tls"), os.path.join(HERE, "..", "loadtest")]

from exposition import Metrics, ask_promtool, expect  # noqa: E402
from subject import Case, Server, patience  # noqa: E402

__all__ = ["Watched", "Watch", "talk"]


def talk(port, text, wait=True):
    """Sends bytes on a connection of their own; the status, 0 when there is no answer. `wait` False: the
    connection itself, which is the caller's."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=patience(20))
    try:
        connection.sendall(text.encode())
        if not wait:
            return connection
        first = connection.recv(4096)
    except OSError:
        first = b""
    connection.close()
    return int(first.split()[1]) if first else 0


class Watched(Server):
    def fetch(self, path, accept="*/*"):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.admin, path), headers={"Accept": accept})
        return urllib.request.urlopen(request, timeout=patience(20))

    def text(self, path, accept="*/*"):
        with self.fetch(path, accept) as answer:
            return answer.read().decode()

    def metrics(self):
        return Metrics(self.text("/metrics"))

    def status(self):
        return json.loads(self.text("/status?json"))

    def get(self, target):
        return talk(self.plain, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % target)


class Watch(Case):
    def watch(self, *options, noisy=False):
        server = Watched(self.subject, "--enable-demo", "--enable-faults", *options)
        self.addCleanup(server.kill)
        self.addCleanup(self.end, server, noisy)
        return server

    def check_promtool(self, server):
        said = ask_promtool(server.text("/metrics"))
        expect(said == "", "promtool:", said)
