#!/usr/bin/env python3
"""Clients that mean no good: abuse.py KIND PORT.  Each goes on until its stdin ends.

It says "on" when it is at it, and at last, how often it did what it is there for.  Attempts are paced:
what is asked is whether a server gives more to them than they take, not who has the faster machine.  And
they are nice: their own work is done elsewhere in earnest, and is not to be what slows the others down.
"""

import os
import random
import resource
import select
import socket
import ssl
import sys
import time

from native import TLS12, TLS13, Native

STALLED = 1000
GET = b"GET /one.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"


def is_over(wait=0.0):
    return bool(select.select([sys.stdin], [], [], wait)[0])


def dial(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE


def first_flight():
    """A ClientHello, and what could go on from there."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = CONTEXT.wrap_bio(into, out, server_hostname="localhost")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read(), session, into, out


def paced(act, per_second):
    """Does it so often, until the end; how often it was done."""
    done, began = 0, time.monotonic()
    print("on", flush=True)
    while not is_over(max(0.0, began + done / per_second - time.monotonic())):
        act()
        done += 1
    return done


def halfway(port):
    """A thousand connections that stop: before the hello, within it, behind it; who is dropped comes again."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    hello = first_flight()[0]
    starts = (b"", hello[:3], hello[:100], hello[:-1], hello)

    def another(number):
        connection = dial(port)
        connection.sendall(starts[number % len(starts)])
        connection.setblocking(False)
        return connection
    connections, opened = [another(number) for number in range(STALLED)], STALLED
    poll = select.poll()
    by_number = {connection.fileno(): connection for connection in connections}
    for number in by_number:
        poll.register(number, select.POLLIN | select.POLLHUP)
    print("on", flush=True)
    while not is_over(0.05):
        for number, _ in poll.poll(0):
            connection = by_number[number]
            try:
                if connection.recv(65536):
                    continue  # what it was answered
            except OSError:
                pass
            poll.unregister(number)
            connection.close()
            del by_number[number]
            connection = another(opened)
            opened += 1
            by_number[connection.fileno()] = connection
            poll.register(connection.fileno(), select.POLLIN | select.POLLHUP)
    return opened


def renegotiation(port):
    """Asks for another handshake within the first; nobody gets it."""
    def act():
        client = Native(port, TLS12)
        assert client.is_open and client.ask(GET)
        assert not client.renegotiate(), "another handshake was granted"
        client.close()
    return paced(act, 50)


def garbage(port):
    """Bytes of no meaning; some look like a record at first."""
    dice = random.Random(1)
    begins = (b"", b"\x16\x03\x01\x02\x00", b"\x16\x03\x03\x00\x00", b"\x17\x03\x03\x40\x00", b"\x80\x7f\x01")

    def act():
        connection = dial(port)
        try:
            connection.sendall(dice.choice(begins) + dice.randbytes(dice.randrange(1, 2000)))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass
        connection.close()
    return paced(act, 100)


def tiny_records(port):
    """A hello and requests in records of one byte each."""
    def act():
        hello, session, into, out = first_flight()
        connection = dial(port)
        connection.sendall(b"".join(b"\x16\x03\x01\0\1" + bytes([byte]) for byte in hello[5:]))
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                into.write(connection.recv(65536))
        for byte in GET.replace(b"Host", b"Connection: close\r\nHost"):
            session.write(bytes([byte]))
        connection.sendall(out.read())
        while connection.recv(65536):
            pass
        connection.close()
    return paced(act, 30)


def key_updates(port):
    """One connection, and nothing but new keys, which it wants answered by new keys; as fast as it goes.

    It reads no answer, so there comes the moment in which a server can send it no more.
    """
    client = Native(port, TLS13)
    assert client.is_open
    updates = 0
    print("on", flush=True)
    while not is_over():
        for _ in range(100):
            if not client.update_keys():
                client.close()
                client = Native(port, TLS13)
                break
            updates += 1
    return updates


def slow_hello(port):
    """A hundred hellos that come byte by byte, twenty a second."""
    hello, sent, dropped = first_flight()[0], 0, 0
    connections = [(dial(port), 0) for _ in range(100)]
    print("on", flush=True)
    while not is_over(0.05):
        for number, (connection, at) in enumerate(connections):
            try:
                connection.sendall(hello[at:at + 1])
                connections[number], sent = (connection, at + 1), sent + 1
            except OSError:
                connection.close()
                connections[number], dropped = (dial(port), 0), dropped + 1
    return sent


KINDS = {act.__name__: act for act in (halfway, renegotiation, garbage, tiny_records, key_updates, slow_hello)}


if __name__ == "__main__":
    os.nice(15)
    print(KINDS[sys.argv[1]](int(sys.argv[2])), flush=True)
    os._exit(0)  # a thousand sockets need no farewell each
