#!/usr/bin/env python3
"""USR2: another binary takes the place of this one.  The pid stays, no request is lost, and what does not
get ready changes nothing."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest

from service import Case, LONG, SLOW, Service, answer, eventually, for_each_subject, patience, read

HANGS = "#!/bin/sh\nexec sleep 1000\n"
FORKS = "#!/bin/sh\nsleep 1000 & wait\n"


def status(pid, field):
    return re.search(r"^%s:\s*(.*)$" % field, read("/proc/%d/status" % pid), re.M).group(1)


def environment(pid):
    pairs = [pair.split("=", 1) for pair in read("/proc/%d/environ" % pid).split("\0") if "=" in pair]
    return {name: value for name, value in pairs if not re.match("LISTEN_|TANDEM_NEXT$|_$", name)}


def descriptors(pid):
    folder = "/proc/%d/fd" % pid
    return {int(fd): os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder)}


class Common(Case):
    def end(self, service, noisy):
        """Where a rollback was the matter, the log has its line."""
        rolled_back = "serves on" in service.log() or noisy
        super().end(service, rolled_back)

    # --- under load ---

    def load(self, service, rate, seconds):
        figures = os.path.join(service.folder, "load.json")
        return figures, subprocess.Popen(
            [os.environ["TANDEM_LOADTEST"], "run", "--quiet", "-R", str(rate), "-d", "%ds" % seconds,
             "-c", "32", "-t", "1", "--json", figures, "http://127.0.0.1:%d/work" % service.port],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def no_request_is_lost(self, rate):
        times, pause = (5, 2.5) if LONG else (2, 0.3)
        service = self.start()
        figures, load = self.load(service, rate, int(times * (pause + 1.5)) + 1)
        for _ in range(times):
            time.sleep(pause)
            service.replace()
            service.upgrade()
        self.assertIn(load.wait(patience(60)), (0, 2))  # 2: a machine that was too busy for the rate
        with open(figures) as file:
            self.assertEqual(lost(json.load(file)), {}, service.log())


@for_each_subject("fresh")
class Fresh(Common):
    def test_no_request_is_lost(self):
        self.no_request_is_lost(200)


@for_each_subject("thread", "pool")
class Upgrade(Common):
    def test_no_request_is_lost(self):
        self.no_request_is_lost(200 if SLOW else 2000)

    def test_the_pid_stays_and_all_else_is_new(self):
        service = self.start("--admin", "127.0.0.1:0")
        first_environment = environment(service.pid)
        umask = status(service.pid, "Umask")
        for _ in range(2):
            service.replace()
            inode = os.stat(service.binary).st_ino
            ward = service.upgrade()
            self.assertEqual(service.get(), 200)
            self.assertEqual(service.get("/healthz", port=service.admin), 200)
            for pid in (service.pid, ward):
                self.assertEqual(os.stat("/proc/%d/exe" % pid).st_ino, inode)
                self.assertEqual(os.readlink("/proc/%d/cwd" % pid), service.folder)
                self.assertEqual(status(pid, "Umask"), umask)
            self.assertEqual(environment(ward), first_environment)
            shown = read("/proc/%d/cmdline" % service.pid).split("\0")
            self.assertIn(": caretaker of", shown[0])
            self.assertEqual(shown[1:], read("/proc/%d/cmdline" % ward).split("\0"))
        self.assertEqual(sorted(descriptors(service.pid)), [0, 1, 2, 3, 4], "a channel and signals")

    def test_from_another_folder_by_a_relative_name(self):
        """A link that leads to another binary is another binary, too."""
        service = Service(self.subject, waits=False)
        service.kill()
        link = os.path.join(service.folder, "link")
        os.symlink(service.binary, link)
        service.binary = "./link"
        service.start((), None, {}, True, ())
        self.addCleanup(service.kill)
        service.wait_ready()
        other = os.path.join(service.folder, "other")
        shutil.copy(service.built, other)
        os.symlink(other, link + ".new")
        os.rename(link + ".new", link)
        service.upgrade()
        self.assertEqual(os.readlink("/proc/%d/exe" % service.pid), other)
        self.assertEqual(service.stop(), 0)

    def test_the_next_is_started_as_the_first_was(self):
        """What a program inherits over exec: signals, and descriptors nobody has closed."""
        service = self.start()
        marker = os.path.join(service.folder, "marker")
        service.replace("#!/bin/sh\ncat /proc/self/status >%s.new\nls -l /proc/self/fd >>%s.new\n"
                        "mv %s.new %s\nexit 1\n" % (marker, marker, marker, marker))
        service.signal(signal.SIGUSR2)
        self.assertTrue(service.logged("exit code 1"), service.log())
        shown = read(marker)
        mine = read("/proc/self/status")
        for field in ("SigBlk", "SigIgn"):
            found, expected = [int(re.search(r"^%s:\s*(\w+)" % field, text, re.M).group(1), 16)
                               for text in (shown, mine)]
            # Python ignores PIPE and XFSZ, and Popen restores them; sh ignores none by itself.
            self.assertEqual(found & ~expected, 0, field)
        self.assertFalse(int(re.search(r"^SigIgn:\s*(\w+)", shown, re.M).group(1), 16)
                         & 1 << signal.SIGPIPE - 1)
        # 0, 1, 2, a listener, the channel, where --ready-fd was, and the folder that ls looks at
        numbers = [int(n) for n in re.findall(r" (\d+) ->", shown)]
        kinds = [kind for n, kind in re.findall(r" (\d+) -> (\w+)", shown) if int(n) in (3, 4)]
        self.assertEqual(kinds, ["socket"] * 2, shown)
        self.assertEqual([n for n in numbers if n > 5 and n < 60], [], shown)
        service.replace()
        service.upgrade()
        self.assertEqual(len(service.complaints()), 1)
        service.stop()

    def test_what_has_begun_is_finished(self):
        service = self.start()
        with service.dial() as slow, service.dial() as kept:
            slow.sendall(b"GET /work?sleep=1500 HTTP/1.1\r\nHost: x\r\n\r\n")
            kept.sendall(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"200 OK", kept.recv(4096))
            old = service.serving()
            service.upgrade()
            code, got = answer(slow)
            self.assertEqual(code, 200)
            self.assertIn(b"Connection: close", got)
        self.assertEqual(old, service.pid)

    def test_an_idle_connection_is_told_before_it_ends(self):
        """Each request on it is answered, and the last answer says that it is the last."""
        service = self.start()
        with service.dial() as kept:
            for round in range(1000):
                kept.sendall(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
                got = kept.recv(4096)
                self.assertIn(b"200 OK", got)
                if b"Connection: close" in got:
                    break
                if round == 0:
                    service.signal(signal.SIGUSR2)
                time.sleep(0.05)
            self.assertEqual(kept.recv(100), b"")
        self.assertTrue(eventually(service.is_settled))

    def test_a_unix_socket(self):
        path = "/tmp/tandem-upgrade-%d-%s.sock" % (os.getpid(), self.subject)
        service = self.start("--listen", "unix:" + path, listen=False)
        for _ in range(2):
            service.upgrade()
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                s.sendall(b"GET /work HTTP/1.0\r\n\r\n")
                self.assertEqual(answer(s)[0], 200)
        self.assertEqual(service.stop(), 0)
        self.assertFalse(os.path.exists(path), "the last one removes it")

    # --- what does not get ready ---

    def rolls_back(self, service, content, pattern, mode=0o755):
        count = len(service.complaints())
        service.replace(content, mode)
        service.signal(signal.SIGUSR2)
        self.assertTrue(eventually(lambda: "serves on" in "".join(service.complaints()[count:]), 20))
        said = [line for line in service.complaints()[count:] if "serves on" in line]
        self.assertEqual(len(said), 1, said)
        self.assertRegex(said[0], pattern)
        self.assertEqual(service.get(), 200)

    def broken(self, service):
        self.rolls_back(service, "", "exit code 127", 0o644)
        self.rolls_back(service, "#!/bin/sh\nexit 3\n", "exit code 3")
        self.rolls_back(service, "#!/bin/sh\nkill -SEGV $$\n", "SIGSEGV")
        self.rolls_back(service, FORKS, "not ready within")
        service.replace()

    def test_broken_binaries(self):
        service = self.start("--drain-timeout", "1s", noisy=True)
        self.broken(service)
        before = service.serving()
        service.upgrade()
        self.assertNotEqual(service.serving(), before)
        self.broken(service)
        self.assertEqual(len(service.children()), 1, "the one that hung is gone")
        self.assertEqual(self.sleepers(service), [], "and what it had started")
        service.upgrade()

    def sleepers(self, service):
        """Of what hangs, in the folder of the service."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if read("/proc/%s/cmdline" % pid).startswith("sleep\x001000\0") and \
                        os.readlink("/proc/%s/cwd" % pid) == service.folder:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def hang(self):
        service = self.start(noisy=True)
        service.replace(HANGS)
        service.signal(signal.SIGUSR2)
        self.assertTrue(service.logged("USR2: starting"))
        return service

    def test_signals_meanwhile(self):
        service = self.hang()
        service.signal(signal.SIGUSR2)
        self.assertTrue(service.logged("USR2 is ignored: .* being started already"))
        service.signal(signal.SIGHUP)
        self.assertEqual(service.get(), 200)
        hanging = int(re.search("starting .* as pid ([0-9]+)", service.log()).group(1))
        self.assertEqual(service.stop(), 0)
        self.assertTrue(eventually(lambda: not os.path.exists("/proc/%d" % hanging)))

    def test_it_dies_with_whoever_starts_it(self):
        service = self.hang()
        hanging = int(re.search("starting .* as pid ([0-9]+)", service.log()).group(1))
        service.kill()
        self.assertTrue(eventually(lambda: not os.path.exists("/proc/%d" % hanging)
                                   or status(hanging, "State").startswith("Z")))

    # --- the caretaker ---

    def test_the_ward_dies(self):
        service = self.start(noisy=True)
        os.kill(service.upgrade(), signal.SIGKILL)
        self.assertEqual(service.process.wait(patience(10)), 1)
        self.assertEqual(len(service.logged("ended by SIGKILL")), 1)

    def test_the_caretaker_dies(self):
        service = self.start()
        ward = service.upgrade()
        workers = service.children(ward)
        service.kill()
        for pid in [ward, *workers]:
            self.assertTrue(eventually(lambda: not os.path.exists("/proc/%d" % pid)
                                       or status(pid, "State").startswith("Z")))

    def test_an_interrupt_of_the_terminal_is_one(self):
        """The terminal sends it to all of its foreground; to drain is what the first of them means."""
        service = self.start(before=["setsid"])
        service.upgrade()
        self.assertTrue(eventually(service.is_settled, 10))
        with service.dial() as slow:
            slow.sendall(b"GET /work?sleep=800 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.3)
            os.killpg(service.pid, signal.SIGINT)
            self.assertEqual(answer(slow)[0], 200)
        self.assertEqual(service.process.wait(patience(10)), 0)

    def test_a_second_term_ends_it_at_once(self):
        service = self.start(noisy=True)
        service.upgrade()
        with service.dial() as slow:
            slow.sendall(b"GET /work?sleep=20000 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.3)
            service.signal(signal.SIGTERM)
            time.sleep(0.3)
            self.assertIsNone(service.process.poll())
            began = time.monotonic()
            service.signal(signal.SIGTERM)
            service.process.wait(patience(5))
            self.assertLess(time.monotonic() - began, patience(3))

    def test_term_while_the_old_generation_finishes(self):
        service = self.start()
        with service.dial() as slow:
            slow.sendall(b"GET /work?sleep=1500 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            service.signal(signal.SIGUSR2)
            self.assertTrue(service.logged("pid [0-9]+ serves"))
            service.signal(signal.SIGTERM)
            self.assertEqual(answer(slow)[0], 200)
            self.assertEqual(service.process.wait(patience(10)), 0, service.log())

    def test_as_pid_1(self):
        """Orphans come to it, and what they end with means nothing."""
        if os.geteuid() != 0:
            self.skipTest("only root can make a pid namespace here")
        # unshare is what we wait for; the server is its child, and 1 to itself.
        service = self.start(before=["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
                             noisy=True)
        unshare = service.process.pid
        service.pid = service.children()[0]
        for _ in range(2):
            service.replace()
            service.upgrade()
            self.assertEqual(service.get(), 200)
            self.assertEqual(status(service.pid, "NSpid").split()[-1], "1")
            self.assertEqual(os.stat("/proc/%d/exe" % service.pid).st_ino, os.stat(service.binary).st_ino)
        subprocess.run(["nsenter", "-t", str(service.pid), "-p", "sh", "-c", "(sleep 0.1; exit 7) & exit 0"],
                       check=True)
        time.sleep(0.3)
        self.assertEqual(len(service.children()), 1, "the orphan is reaped")
        self.assertEqual(service.get(), 200)
        self.assertEqual(service.stop(), 0)
        self.assertEqual(unshare, service.process.pid)

    # --- TLS ---

    def test_connections_by_tls(self):
        service = self.start("--tls-listen", "127.0.0.1:0", "--tls-self-signed")
        context = ssl._create_unverified_context()
        with context.wrap_socket(service.dial(service.ports[1])) as slow:
            slow.sendall(b"GET /work?sleep=1500 HTTP/1.1\r\nHost: x\r\n\r\n")
            service.upgrade()
            self.assertEqual(answer(slow)[0], 200)
        with context.wrap_socket(service.dial(service.ports[1])) as fresh:
            fresh.sendall(b"GET /work HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertEqual(answer(fresh)[0], 200)

    def test_a_gate_is_replaced_after_the_binary_was(self):
        if self.subject != "pool":
            self.skipTest("gates are server-proc's")
        service = self.start("--tls-listen", "127.0.0.1:0", "--tls-self-signed", noisy=True)
        service.replace()
        gatehouse = next(pid for pid in service.children()
                         if "gatehouse" in read("/proc/%d/comm" % pid) or
                         "tls-gate" in read("/proc/%d/cmdline" % pid))
        os.kill(gatehouse, signal.SIGKILL)
        self.assertTrue(service.logged("the gatehouse ended"))
        context = ssl._create_unverified_context()

        def asks():
            try:
                with context.wrap_socket(service.dial(service.ports[1])) as s:
                    s.sendall(b"GET /work HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    return answer(s)[0] == 200
            except OSError:
                return False
        self.assertTrue(eventually(asks, 10), service.log())


def lost(report):
    """What of the ledger is no whole answer."""
    all_of_them = report["requests"]
    counts = {**all_of_them["failed"], "unfinished": all_of_them["unfinished"]}
    return {kind: count for kind, count in counts.items() if count}


if __name__ == "__main__":
    unittest.main()
