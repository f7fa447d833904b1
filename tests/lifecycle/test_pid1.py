#!/usr/bin/env python3
"""The supervisor as the first process of a container: it gets children that it has never made.

Processes whose parent has died are given to process 1, and are to be reaped there; what they ended with means
nothing to a server.  Here they are the children of a shell that has become the server, which is the same to it;
where a namespace of processes can be had, it is process 1, too.
"""

import os
import subprocess
import sys
import time
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tls"))
import subject  # noqa: E402
from subject import Case, eventually, for_each_subject, patience, read  # noqa: E402

ORPHANS = 40
# They end one after the other, with 0, 1, 75 (which server-thread's own process uses) and by a signal.
SHELL = """
i=0; while [ $i -lt %d ]; do i=$((i+1))
    case $((i %% 4)) in
    0) sh -c "sleep 0.$i; exit 0" & ;;
    1) sh -c "sleep 0.$i; exit 1" & ;;
    2) sh -c "sleep 0.$i; exit 75" & ;;
    3) sh -c "sleep 0.$i; kill -SEGV \\$\\$" & ;;
    esac
done
exec "$@"
""" % ORPHANS


def with_orphans(command):
    return ["sh", "-c", SHELL, "sh", *command]


def zombies(pid):
    return [child for child in children(pid) if read("/proc/%d/stat" % child).rsplit(")", 1)[1].split()[0] == "Z"]


def children(pid):
    return [int(child) for child in read("/proc/%d/task/%d/children" % (pid, pid)).split()]


def shells(pid):
    return [child for child in children(pid) if read("/proc/%d/comm" % child).strip() in ("sh", "sleep")]


@for_each_subject()
class Orphans(Case):
    def start_with_orphans(self, *wrapper, options=("--workers", "4")):
        ours = subject.command_of
        with mock.patch.object(subject, "command_of", lambda name: [*wrapper, *with_orphans(ours(name))]):
            return self.start(*options)

    def look(self, server, pid):
        self.look_at_orphans(server, pid)
        self.assertEqual(server.metric("tandem_worker_deaths_total") or 0, 0)
        self.assertEqual(server.complaints(), [])

    def look_at_orphans(self, server, pid):
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            self.assertEqual(subprocess.run(["curl", "-s", "-o", "/dev/null", "http://127.0.0.1:%d/one.txt" %
                                             server.plain]).returncode, 0)
            os.kill(pid, subject.signal.SIGHUP)
            time.sleep(0.05)
        self.assertTrue(eventually(lambda: not shells(pid) and not zombies(pid)), children(pid))

    def test_they_mean_nothing(self):
        server = self.start_with_orphans()
        self.look(server, server.pid)

    def start_as_process_1(self, **more):
        apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        if subprocess.run([*apart, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no namespace of processes can be had")
        server = self.start_with_orphans(*apart, **more)
        return server, children(server.pid)[0]

    def test_one_as_process_1(self):
        if self.subject == "fresh":
            self.skipTest("--one is pool")
        server, first = self.start_as_process_1(options=("--one",))
        self.look_at_orphans(server, first)
        self.assertEqual(server.complaints(), [])
        os.kill(first, subject.signal.SIGTERM)
        self.assertEqual(server.process.wait(patience(10)), 0)

    def test_as_process_1(self):
        server, first = self.start_as_process_1()
        self.look(server, first)
        os.kill(first, subject.signal.SIGTERM)
        self.assertEqual(server.process.wait(patience(10)), 0)


if __name__ == "__main__":
    unittest.main()
