#!/usr/bin/env python3
"""Every way in which a server can fail a request lands in its own class, and the sum is exact.

The servers here count what they did, so it is not only the sum that is compared: a class must hold
exactly as many requests as were treated so.
"""

import socket
import sys
import unittest

from bench import Stage, balance, failures, loadtest, requests_on, reset

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Padding: yes\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def sometimes(deed, good=ANSWER, every=3):
    """A part: each third request of a connection is treated by `deed`, the others are answered."""
    def part(stage, connection):
        for number, _ in enumerate(requests_on(connection), start=1):
            if number % every:
                connection.sendall(good)
                continue
            stage.count()
            if not deed(connection):
                return
    return part


def cut_at(k, answer, how):
    """A deed: the first k bytes of the answer, then the end."""
    def deed(connection):
        connection.sendall(answer[:k])
        if how == "reset":
            reset(connection)
        return False
    return deed


def say(data, goes_on):
    """A deed: these bytes instead of an answer."""
    def deed(connection):
        connection.sendall(data)
        return goes_on
    return deed


class Ledger(unittest.TestCase):
    def run_against(self, part, *arguments, url=None, n=60):
        stage = Stage(part)
        code, result, complaints = loadtest("-c", "3", "-n", str(n), "-t", "1", *arguments,
                                            url or stage.url)
        stage.close()
        self.assertIsNotNone(result, complaints)
        self.assertEqual(balance(result), 0)
        self.assertEqual(result["requests"]["scheduled"], n)
        return code, result, stage.played

    def expect(self, part, name, *arguments, **more):
        code, result, played = self.run_against(part, *arguments, **more)
        self.assertEqual(code, 0)
        self.assertGreater(played, 5)
        self.assertEqual(failures(result), {name: played})

    def test_reset_at_each_byte(self):
        for k in range(len(ANSWER)):
            with self.subTest(k=k):
                self.expect(sometimes(cut_at(k, ANSWER, "reset")),
                            "truncated" if k else "reset", n=30)

    def test_closed_at_each_byte(self):
        for k in range(len(ANSWER)):
            with self.subTest(k=k):
                self.expect(sometimes(cut_at(k, ANSWER, "close")),
                            "truncated" if k else "closed", n=30)

    def test_chunks_cut_at_each_byte(self):
        for k in range(1, len(CHUNKED)):
            with self.subTest(k=k):
                self.expect(sometimes(cut_at(k, CHUNKED, "close")), "truncated", n=30)

    def test_garbage(self):
        for data in (b"SSH-2.0-nothing\r\n\r\n", b"\0" * 64, b"HTTP/1.1 2OO OK\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n",
                     b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"):
            with self.subTest(data=data):
                self.expect(sometimes(say(data, False)), "malformed")

    def test_two_answers(self):
        self.expect(sometimes(say(ANSWER + ANSWER, False)), "surplus")

    def test_statuses(self):
        for status, name in ((404, "status_4xx"), (429, "status_4xx"), (500, "status_5xx"),
                             (503, "status_5xx")):
            with self.subTest(status=status):
                answer = b"HTTP/1.1 %d Words\r\nContent-Length: 2\r\n\r\nno" % status
                self.expect(sometimes(say(answer, True)), name)

    def test_a_stall(self):
        def deed(connection):
            while connection.recv(65536):
                pass
            return False
        self.expect(sometimes(deed), "deadline", "--timeout", "300ms", n=27)

    def test_a_stall_inside_the_answer(self):
        def deed(connection):
            connection.sendall(ANSWER[:-2])
            while connection.recv(65536):
                pass
            return False
        self.expect(sometimes(deed), "deadline", "--timeout", "300ms", n=27)

    def test_what_is_no_failure(self):
        def slowly(connection):
            for byte in CHUNKED:
                connection.sendall(bytes([byte]))
            return True
        for deed in (say(INTERIM + ANSWER, True), say(CHUNKED, True), slowly,
                     say(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", False),
                     say(b"HTTP/1.1 204 No Content\r\n\r\n", True),
                     say(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", True),
                     say(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
                     say(ANSWER.replace(b"X-Padding: yes", b"Connection: close"), False)):
            code, result, played = self.run_against(sometimes(deed))
            self.assertEqual((code, failures(result)), (0, {}))
            self.assertGreater(played, 5)

    def test_closed_early(self):
        """After an answer, without a word: the next request may have left already or not."""
        def part(stage, connection):
            for _ in requests_on(connection):
                connection.sendall(ANSWER)
                stage.count()
                return
        code, result, played = self.run_against(part)
        self.assertEqual(code, 0)
        self.assertEqual(result["requests"]["ok"], played)
        self.assertLessEqual(set(failures(result)), {"closed", "reset"})

    def test_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = "http://127.0.0.1:%d/" % unused.getsockname()[1]
            code, result, _ = self.run_against(None, url=url, n=20)
        self.assertEqual((code, failures(result)), (3, {"refused": 20}))

    def test_nobody_accepts(self):
        """A full backlog drops the SYN: from here it looks like a machine that is not there."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            url = "http://127.0.0.1:%d/" % full.getsockname()[1]
            code, result, _ = self.run_against(None, "--timeout", "400ms", url=url, n=6)
            for one in waiting:
                one.close()
        self.assertEqual((code, failures(result)), (3, {"connect_timeout": 6}))

    def test_pipelined(self):
        """With four in flight, a reset costs the first its answer and the others theirs."""
        def part(stage, connection):
            for number, _ in enumerate(requests_on(connection), start=1):
                if number % 7 == 0:
                    stage.count()
                    connection.sendall(ANSWER[:20])
                    return
                connection.sendall(ANSWER)
        code, result, played = self.run_against(part, "--pipeline", "4", n=200)
        self.assertEqual(code, 0)
        self.assertGreater(played, 5)
        failed = failures(result)
        self.assertEqual(failed.pop("truncated"), played)
        self.assertLessEqual(set(failed), {"closed", "reset"})
        self.assertLessEqual(sum(failed.values()), 3 * played)

    def test_the_open_loop_too(self):
        """Never sent, unfinished, and answered: all of a schedule that the server does not keep."""
        def part(stage, connection):
            for number, _ in enumerate(requests_on(connection), start=1):
                if number > 20:
                    connection.recv(1)
                    return
                connection.sendall(ANSWER)
                stage.count()
        stage = Stage(part)
        code, result, _ = loadtest("-c", "3", "-R", "200", "-d", "1s", "-t", "1", stage.url)
        stage.close()
        requests = result["requests"]
        # A loaded machine may make the generator late; the ledger has to be right even so.
        self.assertEqual((code, balance(result)), (2 if result["generator"]["limited"] else 0, 0))
        self.assertEqual((requests["scheduled"], requests["ok"], requests["unfinished"],
                          requests["never_sent"]), (200, 60, 3, 137))


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=sys.argv[:1])
