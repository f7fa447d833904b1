#!/usr/bin/env python3
"""What a service manager is told, and by whom: only the first process is believed (NotifyAccess=main)."""

import os
import re
import signal
import time
import unittest

from service import Case, answer, for_each_subject, patience


def recycled(service):
    with service.dial(service.admin) as s:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return int(re.search(rb"^tandem_workers_recycled_total (\d+)", answer(s)[1], re.M).group(1))


@for_each_subject("thread", "pool")
class Manager(Case):
    def test_from_the_start_to_the_end(self):
        for is_abstract in (False, True):
            manager = self.manager(is_abstract)
            service = self.start(manager=manager)
            self.assertTrue(manager.heard("READY=1"))
            self.assertEqual(manager.heard("STATUS=serving")[0].split("STATUS=")[1],
                             "serving 127.0.0.1:%d" % service.port)
            manager.forget()
            service.signal(signal.SIGHUP)
            self.assertTrue(manager.heard("READY=1"))
            first, second = [text for _, text in manager.messages]
            self.assertEqual([line.split("=")[0] for line in first.split("\n")],
                             ["RELOADING", "MONOTONIC_USEC"])
            told = int(first.split("=")[-1])
            self.assertLess(abs(told - time.monotonic_ns() // 1000), patience(10) * 1000000)
            self.assertEqual(second, "READY=1")
            self.assertEqual(service.stop(), 0)
            self.assertTrue(manager.heard("STOPPING=1"))
            self.assertEqual({pid for pid, _ in manager.messages}, {service.pid})

    def test_a_reload_is_over_when_all_workers_are_new_or_about_to_go(self):
        manager = self.manager()
        service = self.start("--workers", "64", "--access-log", "off", "--admin", "127.0.0.1:0", manager=manager)
        manager.heard("READY=1")
        for is_busy in (False, True):
            with service.dial() as slow:
                if is_busy:
                    slow.sendall(b"GET /work?sleep=3000 HTTP/1.1\r\nHost: x\r\n\r\n")
                    time.sleep(0.2)
                manager.forget()
                before, began = recycled(service), time.monotonic()
                service.signal(signal.SIGHUP)
                self.assertTrue(manager.heard("READY=1"))
                self.assertGreaterEqual(recycled(service) - before, 47, "of a quarter it is sure that they go")
                if is_busy:
                    self.assertLess(time.monotonic() - began, patience(1), "nobody waits for a long request")

    def test_an_upgrade_is_a_reload_and_the_pid_stays(self):
        manager = self.manager()
        service = self.start(manager=manager)
        manager.heard("READY=1")
        for _ in range(2):
            manager.forget()
            service.upgrade()
            self.assertTrue(manager.heard("READY=1"))
            self.assertEqual([text.split("=")[0] for _, text in manager.messages], ["RELOADING", "READY"])
            manager.forget()
            service.signal(signal.SIGHUP)
            self.assertTrue(manager.heard("READY=1"), "the next generation answers, through the first")
            self.assertEqual({pid for pid, _ in manager.messages}, {service.pid})
        manager.forget()
        self.assertEqual(service.stop(), 0)
        self.assertTrue(manager.heard("STOPPING=1"))

    def watched(self):
        manager = self.manager()
        return manager, self.start(manager=manager, environment={"WATCHDOG_USEC": "1000000"}, noisy=True)

    def pings(self, manager, seconds):
        manager.forget()
        time.sleep(seconds)
        return [pid for pid, text in manager.hear() if text == "WATCHDOG=1"]

    def test_signs_of_life(self):
        manager, service = self.watched()
        self.assertIn(len(self.pings(manager, 2.2)), range(3, 7))
        service.upgrade()
        came = self.pings(manager, 2.2)
        self.assertIn(len(came), range(3, 7), "the next generation's")
        self.assertEqual(set(came), {service.pid})

    def test_no_signs_when_nobody_looks_after_connections(self):
        manager, service = self.watched()
        keeper = service.child("serving") if self.subject == "thread" else service.pid
        os.kill(keeper, signal.SIGSTOP)
        time.sleep(0.6)
        came = self.pings(manager, 2)
        os.kill(keeper, signal.SIGCONT)
        self.assertEqual(came, [])

    def test_watchdog_of_another(self):
        manager = self.manager()
        self.start(manager=manager, environment={"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"})
        self.assertEqual(self.pings(manager, 1), [])

    def test_nobody_listens(self):
        service = self.start(environment={"NOTIFY_SOCKET": "/nowhere/at/all"})
        self.assertEqual(service.get(), 200)


if __name__ == "__main__":
    unittest.main()
