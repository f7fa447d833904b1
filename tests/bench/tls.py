#!/usr/bin/env python3
"""What TLS costs: both servers beside nginx, in turns, with the same certificate, on one core each.

    tests/bench/tls.py [-r ROUNDS] [-s SECONDS] [-t TRIES] [-b BUILD_DIR] [-k ec|rsa]

All servers run at once, with all of their processes on CPU 0: server-proc's gate and workers share it.
One after the other is asked from CPU 1, round after round, so that an hour's weather falls on all
alike; medians.  What is asked:

    full        a connection and a whole handshake for each request: loadtest --no-keepalive
    resumed     the same with the ticket of the one before: loadtest --no-keepalive --tls-resume
    kept        a 1 KiB file over 64 kept connections: wrk
    plain       the same without TLS: what is left is the price of TLS, and with server-proc of the hop
    large       a 10 MiB file over 4 kept connections: wrk

A client has as much to do for a handshake as a server, or more: with an EC key it is the one at its
limit.  So beside what came out per second stands the CPU time that each took of the server, with the
kernel's work on its behalf: what it could do in a second of CPU, had it a client that asks fast enough.
Targets are held against that where the server's CPU was not busy.

A turn in which others took more than 5 % of either CPU is done again; after TRIES it counts as it is,
and is reported.  Needs nginx, wrk, openssl, and a release build (tests/run.sh); installs nothing.
Only what it started is stopped.
"""

import argparse
import collections
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SERVER_CPU, CLIENT_CPU = "0", "1"
NOISE = 5  # per cent
HERTZ = os.sysconf("SC_CLK_TCK")
BUSY = 93  # per cent: from here on it is the server that is at its limit

# What nginx is to be like, beside nginx.conf: no ciphers but ours, in our order; the rest as it comes.
NGINX_TLS = """
        listen 127.0.0.1:%d ssl backlog=511;
        ssl_certificate %s;
        ssl_certificate_key %s;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_prefer_server_ciphers on;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256;
"""
Turn = collections.namedtuple("Turn", "rate cpu busy")  # per second; µs each; per cent of the server's CPU
TARGETS = {"full": {"server-thread": 0.9, "server-proc": 0.8}, "kept": {"server-thread": 1.1, "server-proc": 0.7},
           "large": {"server-thread": 0.9, "server-proc": 0.6}}


def read(path):
    with open(path) as file:
        return file.read()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Subject:
    """One server, with what has been measured of it: {what: [Turn]}."""

    def __init__(self, name, command, tls, plain, log):
        self.name, self.tls, self.plain, self.turns = name, tls, plain, collections.defaultdict(list)
        with open(log, "wb") as out:
            self.process = subprocess.Popen(["taskset", "-c", SERVER_CPU, *command], stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL)
        for _ in range(200):
            try:
                for port in (tls, plain):
                    socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("tls.py: %s did not start: %s" % (name, read(log)))

    def tree(self):
        found = [self.process.pid]
        for pid in found:
            try:
                for task in os.listdir("/proc/%d/task" % pid):
                    found += map(int, read("/proc/%d/task/%s/children" % (pid, task)).split())
            except OSError:
                pass
        return found

    def used(self):
        """CPU time of all its processes, in seconds: of the living by the scheduler's account, of the
        dead by what was waited for."""
        used = 0.0
        for pid in self.tree():
            try:
                for task in os.listdir("/proc/%d/task" % pid):
                    used += int(read("/proc/%d/task/%s/schedstat" % (pid, task)).split()[0]) / 1e9
                times = read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()
                used += (int(times[13]) + int(times[14])) / HERTZ
            except OSError:
                pass
        return used

    def stop(self):
        """nginx: QUIT takes its time with 64 kept connections."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in reversed(self.tree()):
                os.kill(pid, signal.SIGKILL)


def busy(cpu):
    """Seconds that anybody, the host included, has had of it."""
    line = next(line for line in read("/proc/stat").splitlines() if line.startswith("cpu%s " % cpu))
    numbers = [int(word) for word in line.split()[1:]]
    return sum(numbers[i] for i in (0, 1, 2, 5, 6, 7)) / HERTZ


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.subjects, self.noisy = options, folder, [], 0
        self.commands = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    # --- the servers ---

    def prepare(self):
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("root"))
        os.mkdir(self.path("tmp"))
        for name, size in (("file.txt", 1024), ("large.txt", 10 << 20)):
            with open(self.path("root/" + name), "wb") as out:
                out.write(b"x" * size)
        subprocess.run([os.path.join(TOP, "tests/tls/authority.py"), self.folder], check=True)
        self.cert, self.key = (self.path(self.options.key + end) for end in (".pem", ".key"))

    def start_tandem(self, name, *more):
        tls, plain = free_port(), free_port()
        program = os.path.join(self.options.build, name, name)
        self.subjects.append(Subject(name, [
            program, "--listen", "127.0.0.1:%d" % plain, "--tls-listen", "127.0.0.1:%d" % tls, "--tls-cert", self.cert,
            "--tls-key", self.key, "--root", self.path("root"), "--access-log", "off", "--log-level", "warn", *more],
            tls, plain, self.path(name + ".log")))

    def start_nginx(self):
        tls, plain = free_port(), free_port()
        text = read(os.path.join(HERE, "nginx.conf"))
        for word, value in (("DIR", self.folder), ("ROOT", self.path("root")), ("PORT", str(plain)), ("SENDFILE", "on"),
                            ("USER", "user www-data;" if os.getuid() == 0 else "")):
            text = text.replace("@%s@" % word, value)
        text = text.replace("        root ", NGINX_TLS % (tls, self.cert, self.key) + "        root ")
        with open(self.path("nginx.conf"), "w") as out:
            out.write(text)
        self.subjects.append(Subject("nginx", ["nginx", "-p", self.folder, "-e", self.path("nginx.log"), "-c",
                                               self.path("nginx.conf")], tls, plain, self.path("nginx.out")))

    # --- measuring: how many, and per second ---

    def client(self, what, command):
        self.commands[what] = " ".join(command).replace(self.options.build + "/loadtest/", "")
        return subprocess.run(["taskset", "-c", CLIENT_CPU, *command], stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT, text=True).stdout

    def by_loadtest(self, what, subject, *more):
        report = self.path("report.json")
        said = self.client(what, [os.path.join(self.options.build, "loadtest/loadtest"), "run", "--quiet", "--insecure",
                                  "--no-keepalive", *more, "-t", "1", "-c", "32", "-d", "%ds" % self.options.seconds,
                                  "--json", report, "https://127.0.0.1:%d/file.txt" % subject.tls])
        result = json.loads(read(report))
        failed = sum(result["requests"]["failed"].values())
        resumed = result["tls"]["resumed"]
        if failed or (resumed > 0) != (what == "resumed"):
            raise SystemExit("tls.py: %s, %s: %d failed, %d resumed\n%s" % (subject.name, what, failed, resumed, said))
        return result["requests"]["ok"], result["rps"]

    def by_wrk(self, what, connections, url):
        said = self.client(what, ["wrk", "-t1", "-c%d" % connections, "-d%ds" % self.options.seconds, url])
        if re.search("Socket errors|Non-2xx", said) or "requests in" not in said:
            raise SystemExit("tls.py: %s: %s" % (what, said))
        return int(re.search(r"(\d+) requests in", said).group(1)), float(
            re.search(r"Requests/sec: +([\d.]+)", said).group(1))

    def ask(self, what, subject):
        tls = "https://127.0.0.1:%d/" % subject.tls
        if what == "full":
            return self.by_loadtest(what, subject)
        if what == "resumed":
            return self.by_loadtest(what, subject, "--tls-resume")
        if what == "kept":
            return self.by_wrk(what, 64, tls + "file.txt")
        if what == "plain":
            return self.by_wrk(what, 64, "http://127.0.0.1:%d/file.txt" % subject.plain)
        return self.by_wrk(what, 4, tls + "large.txt")

    def measure(self, what, subject):
        """One turn, and how much of the CPUs others had meanwhile, in per cent."""
        before, mine, clients = subject.used(), busy(SERVER_CPU), busy(CLIENT_CPU)
        began, children = time.monotonic(), os.times()
        count, rate = self.ask(what, subject)
        length, after = time.monotonic() - began, os.times()
        used = subject.used() - before
        asked = after.children_user + after.children_system - children.children_user - children.children_system
        others = max(busy(SERVER_CPU) - mine - used, busy(CLIENT_CPU) - clients - asked)
        return Turn(rate, 1e6 * used / count, 100 * used / (count / rate)), 100 * max(0, others) / length

    def turn(self, what, subject):
        for attempt in range(self.options.tries):
            turn, noise = self.measure(what, subject)
            if noise <= NOISE:
                break
        subject.turns[what].append(turn)
        self.noisy += noise > NOISE
        print("%-8s %-14s %9.1f per second %9.1f µs each, server busy %3.0f %%, others %2.0f %%%s" %
              (what, subject.name, *turn, noise, " (try %d)" % (attempt + 1) if attempt else ""), file=sys.stderr, flush=True)

    # --- telling ---

    def median(self, what, subject):
        return Turn(*(statistics.median(column) for column in zip(*subject.turns[what])))

    def table(self, kinds):
        print("| what | server | per second | to nginx | CPU µs each | to nginx, per CPU second | CPU 0 busy |")
        print("|---|---|---|---|---|---|---|")
        nginx = next(subject for subject in self.subjects if subject.name == "nginx")
        for what in kinds:
            theirs = self.median(what, nginx)
            for subject in self.subjects:
                mine = self.median(what, subject)
                print("| %s | %s | %.0f | %.2f | %.1f | %.2f | %.0f %% |" % (
                    what, subject.name, mine.rate, mine.rate / theirs.rate, mine.cpu, theirs.cpu / mine.cpu, mine.busy))
        print()
        for what in kinds:
            print("- %s: `%s`" % (what, self.commands[what]))
        print()
        self.judge(nginx)
        self.tell_the_hop()

    def judge(self, nginx):
        for what, wanted in TARGETS.items():
            theirs = self.median(what, nginx) if nginx.turns[what] else None
            for subject in self.subjects:
                if subject.name not in wanted or not theirs:
                    continue
                mine = self.median(what, subject)
                by_rate = min(mine.busy, theirs.busy) >= BUSY
                ratio = mine.rate / theirs.rate if by_rate else theirs.cpu / mine.cpu
                print("- %s, %s: %.2f of nginx's%s; wanted >= %.1f: %s" % (
                    what, subject.name, ratio, "" if by_rate else " per second of CPU (it was not busy)",
                    wanted[subject.name], "met" if ratio >= wanted[subject.name] else "MISSED"))

    def tell_the_hop(self):
        for subject in self.subjects:
            if subject.turns["plain"] and subject.turns["kept"]:
                plain, tls = self.median("plain", subject).cpu, self.median("kept", subject).cpu
                print("- %s: %.1f µs of CPU for a plain request, %.1f for one by TLS: %.1f more" % (
                    subject.name, plain, tls, tls - plain))

    def run(self):
        kinds = self.options.only or ["full", "resumed", "kept", "plain", "large"]
        for _ in range(self.options.rounds):
            for what in kinds:
                for subject in self.subjects:
                    self.turn(what, subject)
        print(machine(self.options))
        if self.noisy:
            print("In %d of %d turns others had more than %d %% of a CPU: not figures to be quoted." % (
                self.noisy, self.options.rounds * len(kinds) * len(self.subjects), NOISE))
        print()
        self.table(kinds)


def machine(options):
    model = re.search("model name.*: (.*)", read("/proc/cpuinfo"))
    version = subprocess.run(["nginx", "-v"], stderr=subprocess.PIPE, text=True, check=False).stderr.strip()
    return "%s, Linux %s, %s; %s; %s; %s key; %d rounds of %d s" % (
        model.group(1) if model else "?", os.uname().release, time.strftime("%Y-%m-%d"), version.split(": ")[-1],
        subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split(" (")[0],
        {"ec": "P-256", "rsa": "RSA 2048"}[options.key], options.rounds, options.seconds)


def read_options():
    parser = argparse.ArgumentParser(description="TLS of the two servers beside nginx's")
    parser.add_argument("-r", dest="rounds", type=int, default=5)
    parser.add_argument("-s", dest="seconds", type=int, default=3)
    parser.add_argument("-t", dest="tries", type=int, default=3)
    parser.add_argument("-b", dest="build", default=os.path.join(TOP, "build/release"))
    parser.add_argument("-k", dest="key", choices=("ec", "rsa"), default="ec")
    parser.add_argument("only", nargs="*", metavar="full|resumed|kept|plain|large")
    return parser.parse_args()


def main():
    os.environ["PATH"] += ":/usr/sbin"
    for program in ("nginx", "wrk", "openssl", "taskset"):
        if not shutil.which(program):
            raise SystemExit("tls.py: %s is missing" % program)
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        bench = Bench(read_options(), folder)
        bench.prepare()
        try:
            bench.start_nginx()
            bench.start_tandem("server-thread")
            bench.start_tandem("server-proc", "--tls-gates", "1")
            bench.run()
        finally:
            for subject in bench.subjects:
                subject.stop()


main()
