"""What these tests share: a server that tells who it believes has asked, and clients that come from
any address of 127.0.0.0/8."""

import os
import re
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tls"))

from client import answer, dial, request  # pylint: disable=wrong-import-position
from subject import Case, Server, eventually, patience, read  # pylint: disable=wrong-import-position

PROXY, STRANGER, CLIENT = "127.0.0.2", "127.0.0.1", "203.0.113.9"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(source, command=1, tlvs=b""):
    """Version 2, for a client at `source`; None: its family is not known; "unix"."""
    if source is None:
        family, addresses = 0, b""
    elif source == "unix":
        family, addresses = 0x31, bytes(216)
    elif ":" in source:
        family, addresses = 0x21, socket.inet_pton(socket.AF_INET6, source) * 2 + bytes(4)
    else:
        family, addresses = 0x11, socket.inet_aton(source) * 2 + bytes(4)
    rest = addresses + tlvs
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(rest)) + rest


def line(source):
    """The same of version 1."""
    family = "TCP6" if ":" in source else "TCP4"
    return ("PROXY %s %s %s 4711 443\r\n" % (family, source, source)).encode()


def connect(port, source=PROXY):
    connection = socket.create_connection(("127.0.0.1", port), timeout=patience(10),
                                          source_address=(source, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def told(connection, **fields):
    """Who has asked, in the eyes of a handler."""
    connection.sendall(request("/client", **fields))
    status, _, body = answer(connection)
    assert status == 200, body
    return body.decode()


class Scene(Case):
    """A case whose server has the module, and trusts the proxy."""

    options = ["--trusted-proxy", PROXY]
    shared = None

    @classmethod
    def all_options(cls, options=()):
        module = os.path.join(os.environ["TANDEM_MODULES"], "client.so")
        return ["--module", module, *cls.options, *options]

    @classmethod
    def tearDownClass(cls):
        if cls.shared:
            server, cls.shared = cls.shared, None
            try:
                server.stop()
                assert not server.complaints(), server.complaints()
            finally:
                server.kill()

    def serve(self, *options, noisy=False):
        """One for this test; without options, one for all such tests of the class."""
        if options or noisy:
            return self.start(*self.all_options(options), noisy=noisy)
        cls = type(self)
        cls.shared = cls.shared or Server(self.subject, *self.all_options())
        return cls.shared

    def logged(self, server, pattern):
        """The lines of the access log that match, once there is one."""
        return eventually(lambda: [found for found in read(server.access_log).splitlines()
                                   if re.search(pattern, found)])


__all__ = ["CLIENT", "PROXY", "SIGNATURE", "STRANGER", "Scene", "answer", "connect", "dial", "eventually",
           "header", "line", "patience", "read", "request", "told"]
