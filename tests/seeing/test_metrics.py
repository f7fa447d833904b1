#!/usr/bin/env python3
"""What /metrics says is what has happened: each answer under its route and status, each death under its
cause, each connection under what it is at; it is in Prometheus' format, and no counter ever falls.
"""

import json
import os
import re
import socket
import ssl
import threading
import time
import unittest

from watched import Watch, talk
from subject import SLOW, eventually, for_each_subject, patience

IDLE, HALF, SLEEPERS = 3, 2, 2
ASLEEP = 2000 if SLOW else 1500  # ms


@for_each_subject()
class Requests(Watch):
    def test_each_is_counted_under_its_route_and_status(self):
        server = self.watch(noisy=True)
        for _ in range(20):
            self.assertEqual(server.get("/one.txt"), 200)
        for _ in range(5):
            self.assertEqual(server.get("/nothing"), 404)
        self.assertEqual(talk(server.plain, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"), 200)
        self.assertEqual(talk(server.plain, "PUT /one.txt HTTP/1.1\r\nHost: a\r\n\r\n"), 405)
        self.assertEqual(talk(server.plain, "GET / HTTP/1.1\r\n\r\n"), 400)
        dead = 0 if self.subject == "thread" else 500
        self.assertEqual(server.get("/fault/segv"), dead)
        self.assertEqual(server.get("/fault/exit"), dead)
        # in server-thread the process is being replaced: wait until it answers
        self.assertTrue(eventually(lambda: self.metrics_or_none(server)))
        m = eventually(lambda: self.settled(server.metrics()))
        self.assertTrue(m, server.text("/metrics"))
        count = {(labels["route"], labels["code"]): value for labels, value in
                 ((dict(own), v) for (name, own), v in m.all().items() if name == "tandem_responses_total")}
        self.assertEqual(count[("/", "200")], 20)
        self.assertEqual(count[("/", "404")], 5)
        self.assertEqual(count[("/echo", "200")], 1)
        self.assertEqual(count[("(none)", "405")], 1)
        self.assertEqual(count[("(refused)", "400")], 1)
        answered = sum(v for (route, _), v in count.items() if route != "(refused)")
        self.assertEqual(m.value("tandem_requests_total"), answered)
        self.assertEqual(m.value("tandem_requests_refused_total"), 1)
        watched = sum(v for (route, _), v in count.items() if route not in ("(refused)", "(admin)"))
        self.assertEqual(m.value("tandem_request_duration_seconds_count"), watched)
        self.assertEqual(m.sum("requests_killed_total", cause="segv"), 1)
        self.assertEqual(m.sum("requests_killed_total", cause="exit"), 1)
        self.assertEqual(m.value("tandem_worker_deaths_total"), 2)
        if self.subject != "thread":
            self.assertEqual(m.sum("tandem_responses_total", code="500"), 2)
        self.check_births(m)
        self.check_promtool(server)

    def settled(self, m):
        """Both are buried, and those who take their places are born."""
        forks = m.value("tandem_fork_duration_seconds_count", kind="worker")
        is_full = forks >= 4 + (2 if self.subject == "pool" else 0)
        return m if m.value("tandem_worker_deaths_total") == 2 and is_full else None

    def metrics_or_none(self, server):
        try:
            return server.metrics()
        except OSError:
            return None

    def check_births(self, m):
        self.assertGreater(m.value("tandem_fork_duration_seconds_sum", kind="worker"), 0)
        if self.subject == "fresh":
            self.assertGreater(m.value("tandem_fork_duration_seconds_count", kind="spare"), 25)
            self.assertGreaterEqual(m.value("tandem_spare_wait_seconds_count"), 28)
        if self.subject != "thread":  # who has died has told, and so has who has ended
            self.assertGreater(m.value("tandem_minor_faults_total"), 0)

    def test_no_counter_falls(self):
        server = self.watch("--max-requests", "20", noisy=True)
        over = threading.Event()

        def load():
            while not over.is_set():
                try:
                    for target in ("/one.txt", "/fault/abort", "/nothing", "/one.txt"):
                        server.get(target)
                except OSError:
                    pass

        loads = [threading.Thread(target=load) for _ in range(3)]
        for one in loads:
            one.start()
        try:
            before, end, looks = {}, time.monotonic() + 1, 0
            while time.monotonic() < end or looks < 3:
                m = self.metrics_or_none(server)
                if not m:
                    continue
                now, looks = m.counters(), looks + 1
                fell = {key: (value, now.get(key)) for key, value in before.items() if now.get(key, -1) < value}
                self.assertEqual(fell, {})
                before = now
        finally:
            over.set()
            for one in loads:
                one.join()


@for_each_subject()
class Connections(Watch):
    def test_each_is_at_one_thing(self):
        server = self.watch()
        kept = [talk(server.plain, "GET /one.txt HTTP/1.1\r\nHost: a\r\n\r\n", wait=False) for _ in range(IDLE)]
        kept += [talk(server.plain, "GET /one.txt HTTP/1.1\r\nHo", wait=False) for _ in range(HALF)]
        kept += [talk(server.plain, "GET /work?sleep=%d HTTP/1.1\r\nHost: a\r\n\r\n" % ASLEEP, wait=False)
                 for _ in range(SLEEPERS)]
        if self.subject == "thread":  # else it is at a gate, and none of ours
            kept.append(socket.create_connection(("127.0.0.1", server.port)))
        expected = {"idle": IDLE, "reading": HALF, "running": SLEEPERS, "writing": 0, "lingering": 0,
                    "handshaking": 1 if self.subject == "thread" else 0}

        def look():
            m = server.metrics()
            states = {state: m.value("tandem_connections_by_state", state=state) for state in expected}
            # The one that asks is at something, too, and on the board a moment later.
            return states == expected and m.value("tandem_requests_in_flight") == SLEEPERS + 1

        self.assertTrue(eventually(look), server.text("/metrics"))
        for connection in kept:
            connection.close()

    def test_handshakes(self):
        server = self.watch()
        for _ in range(3):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port))) as connection:
                connection.sendall(b"GET /one.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                self.assertIn(b" 200 ", connection.recv(4096))
        self.assertEqual(server.metrics().value("tandem_tls_handshakes_total", result="full"), 3)
        self.check_promtool(server)


@for_each_subject("pool", "fresh")
class Memory(Watch):
    def test_is_told_by_those_too_who_have_nothing_to_do(self):
        server = self.watch()
        time.sleep(patience(1))  # and not until it holds: who asks gives them something to do
        told = [worker.get("pss_bytes", 0) > 0 for worker in server.status()["workers"]]
        self.assertEqual(told, [True] * 4)


@for_each_subject("fresh")
class Dashboard(Watch):
    """docker/grafana/tandem.json asks for nothing that is not told, and leaves little of it out."""

    def test_names(self):
        path = os.path.join(os.environ["TANDEM_SOURCE"], "docker", "grafana", "tandem.json")
        with open(path, encoding="utf-8") as file:
            board = json.load(file)
        server = self.watch()
        self.assertTrue(eventually(lambda: server.metrics().value("tandem_memory_pss_bytes")))
        told = set(server.metrics().families)
        asked = {re.sub("_(bucket|sum|count)$", "", name) for panel in board["panels"]
                 for target in panel.get("targets", [])
                 for name in re.findall(r"\b(?:tandem|requests)_[a-z_]+", target["expr"])}
        self.assertEqual(asked - told, set())
        self.assertEqual(told - asked, {"tandem_info", "tandem_draining", "tandem_requests_refused_total",
                                        "tandem_tls_connections"})
        self.assertEqual(board["uid"], "tandem")
        self.assertEqual([v["type"] for v in board["templating"]["list"]], ["datasource", "query"])
        places = [tuple(panel["gridPos"][side] for side in "xy") for panel in board["panels"]]
        self.assertEqual(len(places), len(set(places)))


@for_each_subject()
class Waiting(Watch):
    def test_is_counted_while_nobody_is_free(self):
        server = self.watch("--workers", "1", "--spare", "1") if self.subject == "fresh" else \
            self.watch("--workers", "1")
        self.assertEqual(server.metrics().value("tandem_worker_wait_seconds_total"), 0)
        asleep = [threading.Thread(target=server.get, args=("/work?sleep=600",)) for _ in range(2)]
        for one in asleep:
            one.start()
        for one in asleep:
            one.join()
        waited = server.metrics().value("tandem_worker_wait_seconds_total")
        self.assertGreater(waited, 0.2)
        self.assertLess(waited, patience(5))


if __name__ == "__main__":
    unittest.main()
