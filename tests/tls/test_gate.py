#!/usr/bin/env python3
"""What a gate adds between client and worker must not be noticed: not by a slow client, who lives as long
as he takes something, nor by those who are busy while the server drains, or while its gates are
replaced."""

import os
import signal
import socket
import threading
import time
import unittest
from contextlib import closing, suppress

from client import answer, ask, believing, dial, fetch, how_it_ends, is_served, request
from subject import Case, eventually, for_each_subject, patience, workshop

BIG = 48 << 20  # more than all sockets on the way hold


def big():
    workshop().document("big.bin", bytes(BIG))
    return "/big.bin"


@for_each_subject("pool", "fresh")
class Slow(Case):
    def read_slowly(self, connection, seconds):
        """Some, ten times a second."""
        count, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            for _ in range(4):
                count += len(connection.recv(65536))
            time.sleep(0.1)
        return count

    def test_a_slow_client_lives(self):
        """For several times --write-timeout; and gets the whole, and a goodbye."""
        path = big()
        server = self.start("--write-timeout", "1s")
        with dial(server.port) as connection:
            connection.sendall(request(path, Connection="close"))
            count = self.read_slowly(connection, 4)
            self.assertLess(count, BIG // 2)
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                count += len(piece)
            self.assertGreater(count, BIG)

    def test_a_stuck_client_does_not(self):
        """Whether one long answer waits for it or many short ones."""
        big()
        workshop().document("small.bin", bytes(100000))
        server = self.start("--write-timeout", "700ms")
        for path in ("/big.bin", "/small.bin"):
            with dial(server.port) as connection:
                connection.sendall(request(path) * (1 if path == "/big.bin" else 300))
                self.assertTrue(eventually(lambda: server.connections() == 1), path)
                self.assertTrue(eventually(lambda: server.connections() == 0, 10), path)
                self.assertEqual(how_it_ends(connection), "reset")


    def test_a_goodbye_waits_for_room(self):
        """Behind an answer that just fits into the socket; among these lengths there are some that do."""
        path = workshop().path(self.subject + ".socket")
        server = self.start("--enable-demo", "--tls-listen", "unix:" + path)
        for length in range(196000, 216000, 1000):
            with closing(socket.socket(socket.AF_UNIX)) as raw:
                raw.settimeout(patience(10))
                raw.connect(path)
                with believing().wrap_socket(raw, server_hostname="localhost",
                                             suppress_ragged_eofs=False) as connection:
                    connection.sendall(request("/work?bytes=%d" % length, Connection="close"))
                    self.assertTrue(eventually(lambda: server.connections() == 0))
                    self.assertEqual(len(answer(connection)[2]), length)
                    self.assertEqual(how_it_ends(connection), "close_notify", length)


@for_each_subject("pool", "fresh")
class Busy(Case):
    """Clients that ask again and again, one connection each, some of them new for each request."""

    def hammer(self, server, stop, outcomes):
        while not stop.is_set():
            try:
                with dial(server.port) as connection:
                    for _ in range(5):
                        status, fields, body = ask(connection)
                        outcomes.append((status, len(body)))
                        if fields.get("Connection") == "close":
                            break
            except ConnectionRefusedError:
                return  # nobody listens any more
            except OSError as error:
                outcomes.append(repr(error))

    def under_load(self, server, what, count=4):
        stop, outcomes = threading.Event(), []
        clients = [threading.Thread(target=self.hammer, args=(server, stop, outcomes)) for _ in range(count)]
        for client in clients:
            client.start()
        self.assertTrue(eventually(lambda: len(outcomes) > 20))
        what()
        stop.set()
        for client in clients:
            client.join(patience(20))
            self.assertFalse(client.is_alive())
        return outcomes

    def test_reload(self):
        """Nobody notices, though each connection is the business of the gate it has begun with."""
        server = self.start()

        def reload():
            for _ in range(4):
                server.hup()
                time.sleep(0.15)
        outcomes = self.under_load(server, reload)
        self.assertEqual(set(outcomes), {(200, 1024)})
        self.assertTrue(eventually(lambda: len(server.gates()) == 2), server.gates())

    def test_drain(self):
        """Every request that a worker has taken is answered, and no answer is cut short."""
        server = self.start()
        with dial(server.port) as idle:
            ask(idle)

            def drain():
                server.process.terminate()
                self.assertEqual(server.process.wait(patience(15)), 0)
            outcomes = self.under_load(server, drain)
            self.assertEqual(how_it_ends(idle), "close_notify")
        whole = [outcome for outcome in outcomes if outcome == (200, 1024)]
        # a request that crosses the idle end of its connection is not taken; nor is a connection that
        # comes when the last gate has shut its door
        others = [outcome for outcome in outcomes if outcome not in whole]
        self.assertGreater(len(whole), 20)
        self.assertLessEqual(len(others), 8, others)
        self.assertFalse([outcome for outcome in others if isinstance(outcome, tuple)], others)

    def test_all_processes_are_told(self):
        """As systemd does it, by the service's control group: it is the supervisor's to say what that means."""
        server = self.start("--enable-demo")
        with dial(server.port) as busy:
            ask(busy)
            busy.sendall(request("/work?sleep=1000"))
            time.sleep(0.2)
            for pid in server.tree():
                with suppress(ProcessLookupError):  # a gate without guests ends at once
                    os.kill(pid, signal.SIGTERM)
            self.assertEqual(answer(busy)[0], 200)
            self.assertEqual(how_it_ends(busy), "close_notify")
        self.assertEqual(server.process.wait(patience(15)), 0)


@for_each_subject("pool")
class Gatehouse(Case):
    def test_it_takes_orders_from_the_supervisor_only(self):
        """A TERM for a gate, or for it, changes nothing, for old connections and new ones."""
        server = self.start()
        with dial(server.port) as connection:
            for _ in range(3):
                for pid in (server.gatehouse(), *server.gates()):
                    os.kill(pid, signal.SIGTERM)
                time.sleep(0.1)
                self.assertEqual(ask(connection)[0], 200)
                self.assertEqual(fetch(server.port)[0], 200)
        self.assertEqual(len(server.gates()), 2)

    def test_a_newborn_is_told_to_read_again(self):
        """HUP while it is on its way to its own program, and later."""
        server = self.start("--log-level", "error", noisy=True)
        time.sleep(1.1)  # one that dies younger is not replaced at once
        os.kill(server.gatehouse(), signal.SIGKILL)
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            server.hup()
            time.sleep(0.001)
        self.assertTrue(eventually(lambda: is_served(server.port)))
        self.assertEqual(server.metric("tandem_tls_gate_deaths_total"), 1)

    def test_it_dies_and_comes_back(self):
        server = self.start("--log-level", "error", noisy=True)
        with dial(server.port) as connection:
            ask(connection)
            os.kill(server.gatehouse(), signal.SIGKILL)
            self.assertNotEqual(how_it_ends(connection), "close_notify")
        self.assertTrue(eventually(lambda: is_served(server.port)))
        self.assertTrue(eventually(lambda: len(server.gates()) == 2))
        self.assertTrue(server.logged("gatehouse ended by SIGKILL"))
        self.assertGreaterEqual(server.metric("tandem_tls_gate_deaths_total"), 1)
        self.assertEqual(fetch(server.port)[0], 200)
        server.hup()  # the new one reads, too
        self.assertTrue(eventually(lambda: is_served(server.port)))


if __name__ == "__main__":
    unittest.main()
