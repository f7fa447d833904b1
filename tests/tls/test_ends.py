#!/usr/bin/env python3
"""How a connection ends says whether what came was all of it.

A FIN can be forged by anybody on the way; a close_notify cannot.  So it is sent behind whole answers
only, and when an answer breaks off there is a reset: above all where its end alone says how long it
was, as with HTTP/1.0.
"""

import os
import signal
import socket
import ssl
import threading
import time
import unittest

from client import TLS12, TLS13, answer, ask, believing, dial, how_it_ends, is_served, request, reset
from subject import Case, eventually, for_each_subject, patience, workshop

STREAMS = os.path.join(os.environ["TANDEM_MODULES"], "streams.so")
VERSIONS = (TLS12, TLS13)


class Witness(unittest.TestCase):
    """The one who says how it ended knows the three apart: here it is shown each of them."""

    def test_all_three(self):
        shop = workshop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*shop.pair)

        def orderly(connection):
            try:
                connection.unwrap()
            except OSError:
                pass  # the client says nothing to it

        for version in VERSIONS:
            for expected, way in (("close_notify", orderly), ("cut", lambda connection: None), ("reset", reset)):
                with socket.create_server(("127.0.0.1", 0)) as listener:
                    server = threading.Thread(target=self.serve, args=(listener, context, way))
                    server.start()
                    with dial(listener.getsockname()[1], believing(version)) as connection:
                        self.assertEqual(connection.recv(5), b"hello")
                        self.assertEqual(how_it_ends(connection), expected)
                    server.join()

    def serve(self, listener, context, way):
        raw, _ = listener.accept()
        connection = context.wrap_socket(raw, server_side=True)
        connection.sendall(b"hello")
        time.sleep(0.05)
        raw = connection if way is not reset else socket.socket(fileno=connection.detach())
        way(raw)
        raw.close()


@for_each_subject()
class InOrder(Case):
    def test_asked_for(self):
        server = self.start()
        for version in VERSIONS:
            with dial(server.port, believing(version)) as connection:
                self.assertEqual(ask(connection, Connection="close")[0], 200)
                self.assertEqual(how_it_ends(connection), "close_notify")

    def test_a_body_that_its_end_delimits(self):
        server = self.start("--module", STREAMS)
        for version in VERSIONS:
            with dial(server.port, believing(version)) as connection:
                connection.sendall(request("/stream?bytes=300000", version="1.0"))
                status, _, body = answer(connection)
                self.assertEqual((status, len(body)), (200, 300000))

    def test_idle(self):
        server = self.start("--idle-timeout", "300ms")
        with dial(server.port) as connection:
            ask(connection)
            self.assertEqual(how_it_ends(connection), "close_notify")

    def test_bad_request(self):
        server = self.start()
        with dial(server.port) as connection:
            connection.sendall(b"no request at all\r\n\r\n")
            self.assertEqual(answer(connection)[0], 400)
            self.assertEqual(how_it_ends(connection), "close_notify")

    def test_drained(self):
        """An idle one is told so; one with an answer on its way gets that first."""
        server = self.start("--enable-demo")
        with dial(server.port) as idle, dial(server.port) as busy:
            ask(idle), ask(busy)
            busy.sendall(request("/work?sleep=700"))
            time.sleep(0.2)
            server.process.terminate()
            self.assertEqual(how_it_ends(idle), "close_notify")
            self.assertEqual(answer(busy)[0], 200)
            self.assertEqual(how_it_ends(busy), "close_notify")
            self.assertEqual(server.process.wait(patience(10)), 0)

    def test_client_says_goodbye(self):
        """Its close_notify ends the connection, at once, and is answered."""
        server = self.start()
        for version in VERSIONS:
            with dial(server.port, believing(version)) as connection:
                ask(connection)
                plain = connection.unwrap()  # waits for the other side's
                self.assertEqual(plain.recv(1), b"")
                plain.close()

    def test_client_just_ends(self):
        """With a FIN and no more, or a reset, or half a record: the server lives on, nothing remains."""
        server = self.start()
        for way in (socket.socket.close, reset, lambda s: (s.sendall(b"\x17\x03\x03\x40\0half"), s.close())):
            connection = dial(server.port)
            ask(connection)
            way(socket.socket(fileno=connection.detach()))
        self.assertTrue(eventually(lambda: server.connections() == 0))

    def test_a_half_closed_client(self):
        """A request, and behind it the client's FIN: the answer comes all the same, and all of it."""
        server = self.start("--enable-demo")
        with dial(server.port) as connection:
            connection.sendall(request("/work?bytes=100000&sleep=100", Connection="close"))
            connection.raw.shutdown(socket.SHUT_WR)
            status, _, body = answer(connection)
            self.assertEqual((status, len(body)), (200, 100000))
            self.assertEqual(how_it_ends(connection), "close_notify")


class Broken(Case):
    """`streams.so` sends what it is asked for, and then says that it was an error."""

    def ends_of(self, server, *requests):
        ends = set()
        for version in VERSIONS:
            for text in requests:
                with dial(server.port, believing(version)) as connection:
                    connection.sendall(text)
                    ends.add(how_it_ends(connection))
                self.assertTrue(eventually(lambda: is_served(server.port)))
        return ends


@for_each_subject()
class Failed(Broken):
    def test_handler_fails_in_the_middle(self):
        server = self.start("--module", STREAMS)
        path = "/stream?bytes=200000&fail=1"
        self.assertEqual(self.ends_of(server, request(path), request(path, version="1.0")), {"reset"})

    def test_handler_is_late_in_the_middle(self):
        server = self.start("--module", STREAMS, "--request-timeout", "400ms", noisy=True)
        path = "/stream?bytes=200000&piece=1000&pause=50"
        self.assertEqual(self.ends_of(server, request(path), request(path, version="1.0")), {"reset"})

    def test_client_takes_nothing(self):
        """--write-timeout: what it was promised it has not got, so there is no orderly end."""
        workshop().document("endless.bin", bytes(64 << 20))
        server = self.start("--write-timeout", "500ms")
        with dial(server.port) as connection:
            connection.sendall(request("/endless.bin"))
            self.assertTrue(eventually(lambda: server.connections() == 1))
            self.assertTrue(eventually(lambda: server.connections() == 1))
            self.assertTrue(eventually(lambda: server.connections() == 0, 15))
            self.assertNotEqual(how_it_ends(connection), "close_notify")


@for_each_subject()
class Dead(Broken):
    """Half of the answer is out when its process dies."""

    # The kernel ends the connections of a process that is gone: with a FIN, where all was read.
    expected = {"thread": {"reset", "cut"}, "pool": {"reset"}, "fresh": {"reset"}}

    def test_crash_in_the_middle(self):
        server = self.start("--enable-faults", noisy=True)
        ends = self.ends_of(server, request("/fault/partial-write"), request("/fault/partial-write", version="1.0"))
        self.assertTrue(ends <= self.expected[self.subject], ends)

    def test_kill_in_the_middle(self):
        server = self.start("--module", STREAMS, noisy=True)
        for version in ("1.1", "1.0"):
            with dial(server.port) as connection:
                connection.sendall(request("/stream?bytes=10000000&piece=1000&pause=20", version=version))
                connection.recv(1000)
                for pid in server.workers():
                    os.kill(pid, signal.SIGKILL)
                self.assertIn(how_it_ends(connection), self.expected[self.subject])
            self.assertTrue(eventually(lambda: is_served(server.port)))

    def test_crash_before_the_answer(self):
        """A worker's is answered with 500 on a connection that is kept."""
        if self.subject == "thread":
            return
        server = self.start("--enable-faults", noisy=True)
        for version in VERSIONS:
            with dial(server.port, believing(version)) as connection:
                for fault in ("segv", "abort", "exit"):
                    self.assertEqual(ask(connection, "/fault/" + fault)[0], 500)
                    self.assertEqual(ask(connection)[0], 200)


if __name__ == "__main__":
    unittest.main()
