"""measured.py: real results for the tests of reports: one run with timed faults, one demonstration.

The programs are named by the environment, as ctest sets it.
"""
import os
import re
import subprocess
import time


def environment(name):
    path = os.environ.get(name)
    if not path:
        raise SystemExit("%s is not set: run this by ctest" % name)
    return path


class Server:
    """server-proc on a free port, with a file one.txt of 1 KiB."""

    def __init__(self, folder):
        root = os.path.join(folder, "root")
        os.mkdir(root)
        with open(os.path.join(root, "one.txt"), "w", encoding="ascii") as out:
            out.write("x" * 1024)
        os.chmod(folder, 0o755)
        ready, told = os.pipe()
        self.process = subprocess.Popen(
            [environment("TANDEM_PROC"), "--listen", "127.0.0.1:0", "--root", root, "--workers", "4",
             "--enable-faults", "--access-log", "off", "--log-level", "error", "--ready-fd",
             str(told)], pass_fds=(told,), stderr=subprocess.DEVNULL)
        os.close(told)
        with os.fdopen(ready) as lines:
            line = lines.readline()
        self.url = "http://" + re.match(r"ready (\S+)", line).group(1) + "/one.txt"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def loadtest(*arguments, codes=(0,)):
    """Runs it; returns what it wrote to stdout."""
    done = subprocess.run([environment("TANDEM_LOADTEST"), *arguments], text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in codes:
        raise SystemExit("loadtest %s: exit %d\n%s%s" %
                         (" ".join(arguments), done.returncode, done.stdout, done.stderr))
    return done.stdout


def run(folder, url):
    """A run with faults at known moments, and all its reports in the folder."""
    names = {kind: os.path.join(folder, "run." + kind) for kind in ("html", "json", "csv", "hlog")}
    # A loaded machine may make the generator late: the reports are what is tested here.
    loadtest("run", url + "?a=<b>&c='d'", "-c", "16", "-d", "3s", "-R", "500", "--inject",
             "segv@1s/500ms", "-H", "X-Evil: <script>alert(1)</script>", "--expect",
             "ok >= 50%", "--quiet", *(word for kind, name in names.items()
                                       for word in ("--" + kind, name)), codes=(0, 1, 2))
    return names


def compare(folder, url):
    """A server beside itself at two addresses, and all reports of that."""
    names = {kind: os.path.join(folder, "compare." + kind) for kind in ("html", "json", "csv")}
    loadtest("compare", "-c", "4", "-d", "600ms", "--rounds", "8", "--warmup", "10ms", "-H",
             "X-Evil: <script>alert(1)</script>", "one=" + url, "other=" + url + "?a=<b>&c='d'",
             "third=" + url, "--quiet", *(word for kind, name in names.items()
                                          for word in ("--" + kind, name)), codes=(0, 2))
    return names


def disturbed(folder):
    """A server that loadtest starts itself, whose worker it kills; in stages, and reconciled."""
    names = {kind: os.path.join(folder, "disturbed." + kind) for kind in ("html", "json")}
    root = os.path.join(folder, "root")
    loadtest("run", "http://127.0.0.1:{port}/one.txt", "-c", "8", "--stages", "1s@200,2s@200-600",
             "--warmup", "1s", "--arrivals", "poisson", "--inject", "kill-worker@500ms/1s",
             "--start", "%s --listen 127.0.0.1:{port} --admin 127.0.0.1:{admin-port} --workers 4 "
             "--root %s --access-log off --log-level error --ready-fd 3" %
             (environment("TANDEM_PROC"), root),
             "--server-metrics", "http://127.0.0.1:{admin-port}/metrics", "--quiet",
             *(word for kind, name in names.items() for word in ("--" + kind, name)),
             codes=(0, 2))
    return names


def demonstrate(folder, name, *options):
    """Returns the names of its reports."""
    names = {kind: os.path.join(folder, name + "." + kind) for kind in ("html", "json")}
    servers = os.path.dirname(os.path.dirname(environment("TANDEM_PROC")))
    loadtest("demo", "-c", "16", "--servers", servers, "--quiet", *options,
             *(word for kind, name in names.items() for word in ("--" + kind, name)), codes=(0, 2))
    return names


def demo(folder):
    """The demonstration, as short as it gets."""
    return demonstrate(folder, "demo", "-d", "1s")


def scenarios(folder):
    """Two scenarios, likewise: one with faults, and one without."""
    return demonstrate(folder, "scenarios", "-d", "1s", "--scenario", "crash-1", "--scenario",
                       "steady")


def wait_for(condition, seconds):
    """Looks every few milliseconds; False when it does not come true in that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
