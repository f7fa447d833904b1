"""A client that does what Python's ssl module has no call for: it asks for other keys, or for another
handshake.  By ctypes, from the library that Python itself uses."""

import ctypes
import socket

from subject import patience

TLS12, TLS13 = 0x0303, 0x0304
SET_MIN, SET_MAX = 123, 124  # SSL_CTRL_SET_M…_PROTO_VERSION of openssl/ssl.h
KEY_UPDATE_REQUESTED = 1


def load():
    ssl = ctypes.CDLL("libssl.so.3")
    pointer, number = ctypes.c_void_p, ctypes.c_int
    for name, result, arguments in (
            ("TLS_client_method", pointer, []), ("SSL_CTX_new", pointer, [pointer]),
            ("SSL_CTX_free", None, [pointer]),
            ("SSL_CTX_ctrl", ctypes.c_long, [pointer, number, ctypes.c_long, pointer]),
            ("SSL_new", pointer, [pointer]), ("SSL_free", None, [pointer]), ("SSL_set_fd", number, [pointer, number]),
            ("SSL_connect", number, [pointer]), ("SSL_do_handshake", number, [pointer]),
            ("SSL_key_update", number, [pointer, number]), ("SSL_renegotiate", number, [pointer]),
            ("SSL_write", number, [pointer, ctypes.c_char_p, number]),
            ("SSL_read", number, [pointer, ctypes.c_char_p, number])):
        function = getattr(ssl, name)
        function.restype, function.argtypes = result, arguments
    return ssl


lib = load()


class Native:
    """A connection in one version; each call returns whether it has succeeded."""

    def __init__(self, port, version):
        self.context = lib.SSL_CTX_new(lib.TLS_client_method())
        for which in (SET_MIN, SET_MAX):
            lib.SSL_CTX_ctrl(self.context, which, version, None)
        # blocking, with a limit that the kernel keeps: a time-out of Python's would make it non-blocking
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience(10))
        self.socket.setblocking(True)
        limit = int(patience(10)).to_bytes(8, "little") + bytes(8)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self.ssl = lib.SSL_new(self.context)
        lib.SSL_set_fd(self.ssl, self.socket.fileno())
        self.is_open = lib.SSL_connect(self.ssl) == 1

    def update_keys(self):
        """New keys for what we send, and please for what you send (RFC 8446 §4.6.3)."""
        return lib.SSL_key_update(self.ssl, KEY_UPDATE_REQUESTED) == 1 and lib.SSL_do_handshake(self.ssl) == 1

    def renegotiate(self):
        """Another handshake within this one (RFC 5246 §7.4.1.1)."""
        return lib.SSL_renegotiate(self.ssl) == 1 and lib.SSL_do_handshake(self.ssl) == 1

    def ask(self, request):
        """The beginning of the answer; empty when there is none."""
        room = ctypes.create_string_buffer(65536)
        if lib.SSL_write(self.ssl, request, len(request)) <= 0:
            return b""
        length = lib.SSL_read(self.ssl, room, len(room))
        return room.raw[:max(0, length)]

    def close(self):
        lib.SSL_free(self.ssl)
        lib.SSL_CTX_free(self.context)
        self.socket.close()
