#!/usr/bin/env python3
"""The logs, from outside: whole lines, none that is not accounted for, and nobody waits for them.

    requests answered  ==  lines that were read  +  lines that the server says it has dropped

Whatever is killed meanwhile, and however slowly they are read.  TANDEM_LONG=1: for ten minutes.
"""

import collections
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tls"))

from subject import Case, LONG, SLOW, eventually, for_each_subject, patience, read, workshop  # noqa: E402

LACKS = re.compile(r"lack (\d+) lines of the access log and (\d+) of the error log")
JSON = ["--log-format", "json"]


def load(server, *options):
    """What loadtest says of a run; each of its requests has got its answer."""
    out = workshop().path("load.json")
    subprocess.run([os.environ["TANDEM_LOADTEST"], "run", "-c", "16", "-t", "1", "--quiet", "--json", out,
                    *options, "http://127.0.0.1:%d/one.txt" % server.plain],
                   check=True, stdout=subprocess.DEVNULL, timeout=patience(60) + (900 if LONG else 0))
    with open(out) as file:
        report = json.load(file)
    return report


def answered(report):
    return report["requests"]["ok"]


def ask(server, target, *fields):
    """Status, fields and body of one answer, on a connection of its own."""
    with socket.create_connection(("127.0.0.1", server.plain), patience(10)) as s:
        s.sendall("\r\n".join(["GET %s HTTP/1.1" % target, "Host: x", "Connection: close", *fields, "", ""]).encode())
        text = b""
        while chunk := s.recv(65536):
            text += chunk
    head, _, body = text.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return (int(lines[0].split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}, body)


def parsed(text):
    """Each line as an object; text must be whole lines."""
    assert text == "" or text.endswith("\n"), "the last line is torn: %r" % text[-200:]
    return [json.loads(line) for line in text.splitlines()]


def dropped(server):
    found = [LACKS.search(line) for line in server.log().splitlines()]
    return sum(int(match.group(1)) for match in found if match)


class Reader(threading.Thread):
    """Reads a FIFO at so many bytes per second (None: as fast as it can), up to the end."""

    def __init__(self, path, pace):
        super().__init__(daemon=True)
        os.mkfifo(path)
        self.fd, self.pace, self.lines, self.bad = os.open(path, os.O_RDONLY | os.O_NONBLOCK), pace, 0, []
        self.ids = collections.Counter() if not LONG else None
        self.hurries = False
        self.start()

    def run(self):
        rest = b""
        while True:
            select.select([self.fd], [], [])
            chunk = os.read(self.fd, 16384)
            if not chunk:
                break
            rest = self.take(rest + chunk)
            if self.pace and not self.hurries:
                time.sleep(len(chunk) / self.pace)
        if rest:
            self.bad.append(rest)

    def take(self, text):
        *lines, rest = text.split(b"\n")
        for line in lines:
            self.lines += 1
            try:
                entry = json.loads(line)
                if self.ids is not None:
                    self.ids[entry["id"]] += 1
            except ValueError:
                self.bad.append(line)
        return rest


class LogCase(Case):
    def start_with_reader(self, pace, *options):
        path = workshop().path("%s-%d.fifo" % (self.subject, workshop().started))
        reader = Reader(path, pace)
        server = self.start("--access-log", path, "--workers", "2", *JSON, *options, noisy=True)
        return server, reader

    def account(self, server, reader, count):
        """Stops it, and compares what was asked, read and dropped."""
        reader.hurries = True
        server.stop()
        reader.join(patience(20))
        self.assertEqual(reader.bad[:3], [])
        if reader.ids is not None:
            self.assertEqual([id for id, n in reader.ids.items() if n > 1][:3], [], "written twice")
        self.assertEqual(reader.lines + dropped(server), count)
        return dropped(server)


@for_each_subject()
class SlowReader(LogCase):
    def test_costs_lines_and_nothing_else(self):
        off = self.start("--access-log", "off", "--workers", "2")
        quiet = load(off, "-d", "30s" if LONG else "1s")
        off.stop()
        server, reader = self.start_with_reader(100000)
        count = int(quiet["rps"] * (600 if LONG else 2))
        slow = load(server, "-n", str(count))
        self.assertEqual(answered(slow), count)
        told = server.metric('tandem_log_dropped_total{log="access"}')
        lost = self.account(server, reader, count + 1)  # with the one for the metrics
        self.assertLessEqual(told, lost)
        if self.subject != "fresh":
            self.assertGreater(told, 0, "the reader was not slow enough to tell")
        if not SLOW:
            p99 = [r["latency_us"]["raw"]["p99"] for r in (quiet, slow)]
            self.assertLess(p99[1], 2 * p99[0] + 5000, "its readers slow the server down")


@for_each_subject()
class Whole(LogCase):
    def start_with_file(self, *options, noisy=True):
        return self.start("--workers", "3", *JSON, *options, noisy=noisy)

    def test_none_is_missing(self):
        server = self.start_with_file(noisy=False)
        count = answered(load(server, "-n", "2000" if SLOW or self.subject == "fresh" else "20000"))
        server.stop()
        entries = parsed(read(server.access_log))
        self.assertEqual(len({entry["id"] for entry in entries}), count)
        self.assertEqual(len(entries), count)

    def victims(self, server, name):
        return [pid for pid, comm in server.tree().items() if comm.startswith(name)]

    def kill_during(self, server, name, client):
        """How many of that name were killed before the client was done."""
        kills = 0
        while client.is_alive():
            for pid in self.victims(server, name):
                try:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
            time.sleep(random.uniform(0.005, 0.1))
        return kills

    def load_and_kill(self, server, name, *options):
        """Runs of load, until some were killed; returns how many requests were answered."""
        reports, kills = [], 0
        while kills < 4 and len(reports) < 20:
            self.assertTrue(eventually(lambda: self.victims(server, name)))  # another may be a moment late
            client = threading.Thread(target=lambda: reports.append(load(server, *options)), daemon=True)
            client.start()
            kills += self.kill_during(server, name, client)
            client.join()
        self.assertGreaterEqual(kills, 4)
        return sum(map(answered, reports))

    def test_though_the_logger_is_killed(self):
        server = self.start_with_file()
        few = SLOW or self.subject == "fresh"
        count = self.load_and_kill(server, "logger", "-n", "1000" if few else "20000")
        server.stop()
        entries = parsed(read(server.access_log))
        seen = collections.Counter(entry["id"] for entry in entries)
        self.assertEqual([id for id, n in seen.items() if n > 1][:3], [], "written twice")
        self.assertEqual(len(entries) + dropped(server), count)

    def test_though_workers_are_killed(self):
        if self.subject == "thread":
            self.skipTest("a thread is not killed alone")
        server = self.start_with_file()
        self.load_and_kill(server, "worker", "-d", "1s", "--timeout", "5s")
        server.stop()
        entries = parsed(read(server.access_log))
        self.assertEqual([entry for entry in entries if "status" not in entry][:1], [])
        self.assertGreater(len(entries), 10)

    def test_though_the_supervisor_is_killed(self):
        server = self.start_with_file()
        count = answered(load(server, "-n", "500"))
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        self.assertTrue(eventually(lambda: read(server.access_log).count("\n") >= count))
        self.assertEqual(len(parsed(read(server.access_log))), count)


@for_each_subject()
class Reopened(LogCase):
    def test_by_usr1_and_hup(self):
        server = self.start("--workers", "2", *JSON)
        for number in (signal.SIGUSR1, signal.SIGHUP):
            self.assertEqual(ask(server, "/one.txt?before%d." % number)[0], 200)
            old = server.access_log + ".%d" % number
            self.assertTrue(eventually(lambda: "?before%d." % number in read(server.access_log)))
            os.rename(server.access_log, old)
            os.kill(server.pid, number)
            self.assertTrue(eventually(lambda: os.path.exists(server.access_log)))
            self.assertEqual(ask(server, "/one.txt?after%d." % number)[0], 200)
            self.assertTrue(eventually(lambda: "?after%d." % number in read(server.access_log)))
            self.assertNotIn("?after%d." % number, read(old))

    def test_or_the_old_goes_on(self):
        folder = workshop().path("gone-%s" % self.subject)
        os.mkdir(folder)
        path = os.path.join(folder, "log")
        server = self.start("--access-log", path, *JSON, noisy=True)
        os.rename(folder, folder + ".moved")
        os.kill(server.pid, signal.SIGUSR1)
        self.assertEqual(len(server.logged("cannot be opened again: No such file.*goes on")), 1)
        self.assertEqual(ask(server, "/one.txt?still")[0], 200)
        self.assertTrue(eventually(lambda: "?still" in read(folder + ".moved/log")))


    def test_or_when_it_can_be_again(self):
        """The logger dies, and nobody reads the pipe just then."""
        path = workshop().path("%s.again" % self.subject)
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        server = self.start("--access-log", path, *JSON, noisy=True)
        os.close(reader)
        for pid in [pid for pid, comm in server.tree().items() if comm == "logger"]:
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(len(server.logged("cannot be opened again: .*are dropped")), 1)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)

        def is_there():
            self.assertEqual(ask(server, "/one.txt?there")[0], 200)
            return select.select([reader], [], [], 0.02)[0] and b"?there" in os.read(reader, 1 << 16)

        self.assertTrue(eventually(is_there))
        self.assertEqual(len(server.logged("cannot be opened again")), 1)


@for_each_subject()
class Named(LogCase):
    """X-Request-Id is taken when it is well-formed, sent back, and stands wherever the request is told of."""

    def entry_of(self, server, word):
        found = eventually(lambda: [e for e in parsed(read(server.access_log)) if word in e["request"]])
        self.assertEqual(len(found), 1, read(server.access_log))
        return found[0]

    def test_by_the_client(self):
        server = self.start(*JSON)
        for name, is_good in (("a-1.b_2~c:d/e+f=@", True), ("x" * 64, True), ("x" * 65, False),
                              ("two words", False), ("quo\"te", False), ("", False)):
            word = "n%d" % len(name) + name[:1]
            status, fields, _ = ask(server, "/one.txt?" + word, "X-Request-Id: " + name)
            self.assertEqual((status, fields.get("x-request-id")), (200, name if is_good else None))
            self.assertEqual(self.entry_of(server, "?" + word)["id"] == name, is_good)
        status, fields, body = ask(server, "/nowhere", "X-Request-Id: lost")
        self.assertEqual((status, fields["x-request-id"], json.loads(body)["request"]), (404, "lost", "lost"))
        self.assertNotIn("x-request-id", ask(server, "/one.txt?none")[1])

    def test_of_what_the_handler_used(self):
        server = self.start("--enable-demo", *JSON, noisy=True)
        ask(server, "/work?cpu=30")
        entry = self.entry_of(server, "/work")
        self.assertGreaterEqual(entry["cpu_us"], 25000)
        self.assertEqual((entry["route"], entry["worker"] in range(1, 5)), ("/work", True))
        self.assertEqual("pid" in entry, self.subject != "thread")

    def test_in_an_obituary(self):
        if self.subject == "thread":
            self.skipTest("all of them die, and nobody is left who knows of the request")
        server = self.start("--enable-faults", *JSON, noisy=True)
        status, fields, body = ask(server, "/fault/segv", "X-Request-Id: poor.one")
        self.assertEqual((status, fields["x-request-id"], json.loads(body)["request"]), (500, "poor.one", "poor.one"))
        entry = self.entry_of(server, "/fault/segv")
        self.assertEqual((entry["id"], entry["status"], entry["bytes"]), ("poor.one", 500, len(body)))
        self.assertTrue(entry["cause"].startswith("SIGSEGV"))
        self.assertTrue(server.logged("request poor.one"))


@for_each_subject()
class Stuck(LogCase):
    def test_nobody_reads_stdout(self):
        """Not a byte: requests are served, and the end comes in time."""
        path = workshop().path("%s.stuck" % self.subject)
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        server = self.start("--access-log", path, "--workers", "2", *JSON, noisy=True)
        count = 2000 if self.subject == "fresh" else 5000
        load(server, "-n", str(count))
        self.assertEqual(len(server.logged("access log cannot be written: nobody reads it")), 1)
        began = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - began, patience(10))
        waiting = os.read(reader, 1 << 20).count(b"\n")
        self.assertEqual(waiting + dropped(server), count)


if __name__ == "__main__":
    unittest.main()
