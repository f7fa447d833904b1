#!/usr/bin/env python3
"""What it costs to ask: loadtest beside wrk, in turns, on one core, against the same server.

    tests/bench/generator.py [ROUNDS [SECONDS]]        5 rounds of 3 s: about two minutes

Twice: against server-thread, and against limit.c, which answers without reading what was asked and so
leaves the generator to be the bottleneck.  The servers have CPU 0, the generators CPU 1.  Medians of
requests per second and of the generator's CPU time per request.  At last the schedule: at half of that
speed in the open loop, how late do requests leave?  Needs wrk, and a release build (tests/run.sh).
"""

import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(TOP, "build/release"))
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SECONDS = sys.argv[2] if len(sys.argv) > 2 else "3"
CONNECTIONS = "64"


def on_cpu(number, *command):
    return ["taskset", "-c", str(number), *command]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("generator.py: the server did not start")


def start_servers(folder):
    """Name and URL of each, and their processes."""
    with open(folder + "/one.txt", "w") as file:
        file.write("x" * 1024)
    os.chmod(folder, 0o755)
    limit, ports = folder + "/limit", (free_port(), free_port())
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", limit, TOP + "/tests/bench/limit.c"], check=True)
    commands = {"server-thread": [BUILD + "/server-thread/server-thread", "--listen",
                                  "127.0.0.1:%d" % ports[0], "--root", folder, "--access-log", "off",
                                  "--log-level", "error"],
                "limit.c": [limit, str(ports[1]), "1024"]}
    running = [subprocess.Popen(on_cpu(0, *command)) for command in commands.values()]
    for port in ports:
        await_port(port)
    return {name: "http://127.0.0.1:%d/one.txt" % port
            for name, port in zip(commands, ports)}, running


def ask(command):
    """Runs a generator on its CPU: what it printed, and the CPU time it took, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(on_cpu(1, *command), capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, cpu


def with_wrk(url):
    text, cpu = ask(["wrk", "-t1", "-c" + CONNECTIONS, "-d" + SECONDS + "s", url])
    count = int(re.search(r"(\d+) requests in", text).group(1))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), 1e6 * cpu / count


def with_loadtest(url, *more):
    text, cpu = ask([BUILD + "/loadtest/loadtest", "run", "-t", "1", "-c", CONNECTIONS, "-d",
                     SECONDS + "s", "--quiet", "--json", "-", *more, url])
    result = json.loads(text)
    return result["rps"], 1e6 * cpu / result["requests"]["ok"], result


def compare(name, url):
    """Prints both generators' medians, and their ratio; loadtest's requests per second."""
    found = {"wrk": [], "loadtest": []}
    for turn in range(ROUNDS):
        for generator in sorted(found, reverse=turn % 2 == 1):
            figures = with_wrk(url) if generator == "wrk" else with_loadtest(url)
            found[generator].append(figures[:2])
    medians = {generator: [statistics.median(column) for column in zip(*figures)]
               for generator, figures in found.items()}
    for generator, (rps, cpu) in medians.items():
        print("%-14s %-9s %8.0f requests/s %6.2f us of CPU each" % (name, generator, rps, cpu))
    print("%-14s %-9s %8.3f            %8.3f" %
          (name, "ratio", *(a / b for a, b in zip(medians["loadtest"], medians["wrk"]))), flush=True)
    return medians["loadtest"][0]


def slip(name, url, rate):
    found = []
    for _ in range(ROUNDS):
        found.append(with_loadtest(url, "-R", str(int(rate)))[2]["generator"]["slip_us"]["p99"])
    print("%-14s -R %.0f: the schedule slips by %d us at most in 99 of 100 (median of %d)" %
          (name, rate, statistics.median(found), ROUNDS))


def main():
    with tempfile.TemporaryDirectory() as folder:
        urls, running = start_servers(folder)
        try:
            for name, url in urls.items():
                slip(name, url, compare(name, url) / 2)
        finally:
            for server in running:
                server.terminate()
                server.wait()


main()
