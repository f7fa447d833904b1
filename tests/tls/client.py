"""Clients: Python's ssl module for what has to be looked at closely, `openssl s_client` and curl for
what others make of a server."""

import http.client
import io
import os
import re
import socket
import ssl
import struct
import subprocess

from subject import patience, workshop

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def believing(version=None, alpn=None, pair=None, ciphers=None):
    """A context that believes the workshop's authority, and names alone where the test looks itself."""
    context = ssl.create_default_context(cafile=workshop().authority.root.cert)
    context.check_hostname = False
    if version:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(alpn)
    if ciphers:
        context.set_ciphers(ciphers)
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    return context


class Cut(OSError):
    """A FIN, and no close_notify before it."""


class Connection:
    """A TLS connection whose socket is ours: Python's own would not say whether a FIN or a reset has
    ended it, and answers either with an alert, which a socket that is closed answers with a reset.
    """

    def __init__(self, port, context, name, session, source=None, first=b""):
        self.into, self.out, self.reset = ssl.MemoryBIO(), ssl.MemoryBIO(), None
        self.tls = context.wrap_bio(self.into, self.out, server_hostname=name, session=session)
        self.raw = socket.create_connection(("127.0.0.1", port), timeout=patience(10),
                                            source_address=source and (source, 0))
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.raw.sendall(first)
            self.go_on(self.tls.do_handshake)
        except BaseException:
            self.close()
            raise

    def go_on(self, act, *arguments):
        """Lets TLS do something, and carries what it has to say and wants to hear."""
        while True:
            try:
                result = act(*arguments)
                self.say()
                return result
            except ssl.SSLWantReadError:
                self.say()
                data = self.raw.recv(65536)
                if not data:
                    raise self.reset or Cut("a FIN without a close_notify") from None
                self.into.write(data)

    def say(self):
        """A reset is told of once, to whoever asks first, and even to those who send nothing; what the
        other side has said before it is still there to be read."""
        data = self.out.read()
        try:
            if data:
                self.raw.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.reset = ConnectionResetError("reset, as was seen in sending")

    def sendall(self, data):
        self.go_on(self.tls.write, data)

    def recv(self, size):
        """b"" behind a close_notify; Cut and ConnectionResetError for other ends."""
        try:
            return self.go_on(self.tls.read, size)
        except ssl.SSLZeroReturnError:
            return b""

    def unwrap(self):
        """Says close_notify, waits for the other's, and leaves the plain socket."""
        self.go_on(self.tls.unwrap)
        return self.raw

    def makefile(self, _):
        """For http.client."""
        return io.BufferedReader(Reader(self))

    def __getattr__(self, name):
        return getattr(self.tls if hasattr(ssl.SSLObject, name) else self.raw, name)

    def close(self):
        self.raw.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Reader(io.RawIOBase):
    """Of a connection, which stays open when this is closed."""

    def __init__(self, connection):
        super().__init__()
        self.connection = connection

    def readable(self):
        return True

    def readinto(self, room):
        data = self.connection.recv(len(room))
        room[:len(data)] = data
        return len(data)


def dial(port, context=None, name="localhost", session=None, source=None, first=b""):
    """A TLS connection to 127.0.0.1 that asks for `name` (None: for nobody).  It comes from `source`, and
    begins with `first`."""
    return Connection(port, context or believing(), name, session, source, first)


def request(path="/one.txt", method="GET", version="1.1", host="localhost", **fields):
    lines = ["%s %s HTTP/%s" % (method, path, version), "Host: " + host]
    lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(connection, method="GET"):
    """Status, fields and body of the next answer."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return response.status, response.headers, response.read()


def ask(connection, path="/one.txt", **fields):
    connection.sendall(request(path, **fields))
    return answer(connection)


def fetch(port, path="/one.txt", context=None, name="localhost", **fields):
    """One request on a connection of its own; status, fields and body."""
    with dial(port, context, name) as connection:
        return ask(connection, path, Connection="close", **fields)


def is_served(port):
    """Whether a new connection gets its answer."""
    try:
        return fetch(port)[0] == 200
    except OSError:
        return False


def how_it_ends(connection):
    """After all that still comes: "close_notify", "reset", or "cut", a FIN without a word."""
    try:
        while connection.recv(65536):
            pass
        return "close_notify"
    except ConnectionResetError:
        return "reset"
    except Cut:
        return "cut"


def s_client(port, *options, send=request(Connection="close"), name="localhost"):
    """What `openssl s_client` says on both of its outputs; it reads until the server ends.

    Without the system's configuration, which may keep it from speaking what is to be refused.
    """
    names = ["-servername", name] if name else ["-noservername"]
    done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-ign_eof", *names,
                           "-CAfile", workshop().authority.root.cert, *options],
                          input=send, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=patience(20), env={**os.environ, "OPENSSL_CONF": "/dev/null"})
    return done.stdout.decode(errors="replace")


def curl(port, *options, path="/one.txt", name="localhost"):
    """Exit code and all that it says, for https://NAME:PORT/PATH at 127.0.0.1."""
    done = subprocess.run(["curl", "-sS", "-v", "--max-time", str(patience(20)), "--cacert",
                           workshop().authority.root.cert, "--resolve", "%s:%d:127.0.0.1" % (name, port),
                           *options, "https://%s:%d%s" % (name, port, path)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def certificate_of(port, name, context=None):
    """The common name that a client is shown who asks for `name` (None: for nobody)."""
    with dial(port, context, name) as connection:
        return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]


def hello(name="localhost", context=None):
    """The first flight of a client, as bytes, and what goes on from there: (session, in, out)."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = (context or believing()).wrap_bio(into, out, server_hostname=name)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read(), (session, into, out)


def reset(connection):
    """Ends it by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def facts(body):
    """What tests/modules/tls_facts.c says, as a dict."""
    return dict(re.match("([a-z ]+): ?(.*)", line).groups() for line in body.decode().splitlines())
