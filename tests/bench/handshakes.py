#!/usr/bin/env python3
"""What it costs to shake hands: loadtest beside `openssl s_time`, in turns, one core each side.

    tests/bench/handshakes.py [ROUNDS [SECONDS]]        5 rounds of 1 s: about two minutes

nginx has CPU 0 and one worker, the clients have CPU 1.  For TLS 1.3 and 1.2, an ECDSA key (P-256) and
an RSA one (2048 bits), full handshakes and resumed ones, a connection and a request of 1 KiB for each:
handshakes per second, and the CPU time of client and server for each of them; medians.  s_time does one
at a time and waits for it, so its CPU time is what compares; loadtest has 32 at once.  What no client
can change: with an ECDSA key it is the client that has more to compute.  Needs nginx and openssl, and a
release build (tests/run.sh).
"""

import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOADTEST = os.path.join(os.environ.get("BUILD", os.path.join(TOP, "build/release")), "loadtest/loadtest")
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SECONDS = sys.argv[2] if len(sys.argv) > 2 else "1"
KEYS = {"ECDSA": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "RSA": ["rsa:2048"]}

NGINX = """
daemon off;
worker_processes 1;
pid %(dir)s/nginx.pid;
error_log %(dir)s/nginx.log warn;
%(user)s
events { worker_connections 1024; }
http {
    access_log off;
    root %(dir)s;
    ssl_protocols TLSv1.2 TLSv1.3;       # as Tandem
    ssl_session_tickets on;              # the default
    client_body_temp_path %(dir)s/tmp;   # these five: so that it starts without being root
    proxy_temp_path %(dir)s/tmp;
    fastcgi_temp_path %(dir)s/tmp;
    uwsgi_temp_path %(dir)s/tmp;
    scgi_temp_path %(dir)s/tmp;
    %(servers)s
}
"""
SERVER = ("server { listen 127.0.0.1:%d ssl backlog=511; ssl_certificate %s.crt; "
          "ssl_certificate_key %s.key; }")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_nginx(folder):
    """nginx, and the port for each kind of key."""
    ports = {key: free_port() for key in KEYS}
    for key, kind in KEYS.items():
        subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "1", "-keyout",
                        "%s/%s.key" % (folder, key), "-out", "%s/%s.crt" % (folder, key), "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, stderr=subprocess.DEVNULL)
    with open(folder + "/one.txt", "w") as file:
        file.write("x" * 1024)
    os.chmod(folder, 0o755)
    with open(folder + "/nginx.conf", "w") as file:
        file.write(NGINX % {"dir": folder, "user": "user nobody nogroup;" if os.geteuid() == 0 else "",
                            "servers": "".join(SERVER % (ports[key], key, key) for key in KEYS)})
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        raise SystemExit("handshakes.py: nginx is missing: apt-get install nginx-light")
    nginx = subprocess.Popen(["taskset", "-c", "0", program, "-p", folder, "-c",
                              folder + "/nginx.conf"])
    for _ in range(200):
        try:
            for port in ports.values():
                socket.create_connection(("127.0.0.1", port)).close()
            return nginx, ports
        except OSError:
            time.sleep(0.05)
    nginx.terminate()
    raise SystemExit("handshakes.py: nginx did not start")


def server_cpu(nginx):
    """CPU time of its one worker, in seconds."""
    with open("/proc/%d/task/%d/children" % (nginx.pid, nginx.pid)) as children:
        worker = int(children.read().split()[0])
    with open("/proc/%d/stat" % worker) as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def with_s_time(key, version, resumed, folder, port):
    done = subprocess.run(
        ["taskset", "-c", "1", "openssl", "s_time", "-connect", "127.0.0.1:%d" % port, "-www",
         "/one.txt", "-time", SECONDS, "-reuse" if resumed else "-new", "-CAfile",
         "%s/%s.crt" % (folder, key), "-verify", "1", "-tls" + version.replace(".", "_")],
        capture_output=True, text=True, check=True)
    return int(re.search(r"(\d+) connections in \d+ real", done.stdout).group(1))


def with_loadtest(key, version, resumed, folder, port):
    done = subprocess.run(
        ["taskset", "-c", "1", LOADTEST, "run", "-t", "1", "-c", "32", "-d", SECONDS + "s", "--quiet",
         "--no-keepalive", "--cacert", "%s/%s.crt" % (folder, key), "--tls-version", version, "--json",
         "-", *(["--tls-resume"] if resumed else []), "https://127.0.0.1:%d/one.txt" % port],
        capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["tls"]["handshakes"]


CLIENTS = {"s_time": with_s_time, "loadtest": with_loadtest}


def turn(client, nginx, *how):
    """Handshakes per second, and the CPU time of client and server for each, in µs."""
    begin, served = time.monotonic(), server_cpu(nginx)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    count = CLIENTS[client](*how)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (count / (time.monotonic() - begin), 1e6 * cpu / count,
            1e6 * (server_cpu(nginx) - served) / count)


def measure(folder, nginx, ports):
    found = {}
    for number in range(ROUNDS):
        for key in KEYS:
            for version in ("1.3", "1.2"):
                for resumed in (False, True):
                    for client in sorted(CLIENTS, reverse=number % 2 == 1):
                        figures = turn(client, nginx, key, version, resumed, folder, ports[key])
                        found.setdefault((key, version, resumed, client), []).append(figures)
    return found


def main():
    with tempfile.TemporaryDirectory() as folder:
        nginx, ports = start_nginx(folder)
        try:
            found = measure(folder, nginx, ports)
        finally:
            nginx.terminate()
            nginx.wait()
    print("%-6s %-4s %-8s %-9s %12s %16s %15s" % ("key", "TLS", "", "client", "handshakes/s",
                                                 "CPU µs of client", "of nginx"))
    for (key, version, resumed, client), turns in sorted(found.items()):
        print("%-6s %-4s %-8s %-9s %12.0f %16.0f %15.0f" %
              (key, version, "resumed" if resumed else "full", client,
               *(statistics.median(column) for column in zip(*turns))))


main()
