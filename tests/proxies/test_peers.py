#!/usr/bin/env python3
"""Proxies that others wrote, in front, as their manuals configure them: who has asked is who came to them.

HAProxy (package haproxy) speaks both versions of the protocol, plain, in front of TLS that it does not
open, and for its health checks; HAProxy and nginx write X-Forwarded-For.  What is not installed is
skipped; when neither is, so is the test as a whole (77)."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from scene import Scene, connect, dial, eventually, patience, read, told
from subject import for_each_subject

HAPROXY = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
NEAR, SOMEBODY = "127.0.0.1", "127.0.0.9"  # the proxy, as the server sees it; its client

HAPROXY_CONFIG = """
defaults
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    default-server inter 100ms
"""
HAPROXY_PART = """
listen {name}
    mode {mode}
    bind 127.0.0.1:{port}
    {more}
    server it 127.0.0.1:{to} {how}
"""
NGINX_CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{to};
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


def free_ports(count):
    """Taken by nobody a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def answers(port):
    try:
        connect(port, SOMEBODY).close()
        return True
    except OSError:
        return False


class Peer(Scene):
    def front(self, command, text, ports):
        """Starts the proxy with its configuration in a file, whose name ends the command."""
        folder = tempfile.TemporaryDirectory(prefix="tandem-proxies-")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "conf")
        with open(path, "w") as out:
            out.write(text.replace("{folder}", folder.name))
        with open(os.path.join(folder.name, "said"), "wb") as said:
            proxy = subprocess.Popen([*command, path], stdout=said, stderr=said)
        self.addCleanup(proxy.wait)
        self.addCleanup(proxy.kill)
        if not eventually(lambda: all(map(answers, ports)), 10):
            self.fail("it does not start: " + read(os.path.join(folder.name, "said")))

    def ask(self, port, **fields):
        with connect(port, SOMEBODY) as client:
            client.settimeout(patience(10))
            return told(client, **fields)


@for_each_subject()
@unittest.skipUnless(HAPROXY, "no haproxy: install the package")
class HAProxy(Peer):
    options = ["--trusted-proxy", NEAR]

    def haproxy(self, *parts):
        """One port for each (mode, port of ours, what stands behind it, and before)."""
        ports = free_ports(len(parts))
        text = HAPROXY_CONFIG
        for port, (mode, to, how, more) in zip(ports, parts):
            text += HAPROXY_PART.format(name="p%d" % port, mode=mode, port=port, to=to, how=how, more=more)
        self.front([HAPROXY, "-db", "-f"], text, ports)
        return ports

    def test_the_proxy_protocol(self):
        server = self.serve("--proxy-protocol")
        binary, text, tls, checked = self.haproxy(
            ("tcp", server.plain, "send-proxy-v2", ""),
            ("tcp", server.plain, "send-proxy", ""),
            ("tcp", server.port, "send-proxy-v2-ssl-cn proxy-v2-options crc32c,unique-id", ""),
            ("http", server.plain, "send-proxy-v2 check check-send-proxy", "option httpchk GET /client"))
        self.assertEqual(self.ask(binary), SOMEBODY)
        self.assertEqual(self.ask(binary, X_Forwarded_For="203.0.113.9"), SOMEBODY)
        self.assertEqual(self.ask(text), SOMEBODY)
        with dial(tls, source=SOMEBODY) as client:
            self.assertEqual(told(client), SOMEBODY)
        self.assertEqual(self.ask(checked), SOMEBODY)
        self.assertTrue(self.logged(server, '^%s - - .*GET /client.* 200 ' % NEAR), "its health checks")

    def test_x_forwarded_for(self):
        server = self.serve()
        (port,) = self.haproxy(("http", server.plain, "", "option forwardfor"))
        self.assertEqual(self.ask(port), SOMEBODY)
        self.assertEqual(self.ask(port, X_Forwarded_For="203.0.113.9"), SOMEBODY)


@for_each_subject()
@unittest.skipUnless(NGINX, "no nginx: install the package")
class Nginx(Peer):
    options = ["--trusted-proxy", NEAR]

    def test_x_forwarded_for(self):
        server = self.serve()
        (port,) = free_ports(1)
        text = NGINX_CONFIG.format(folder="{folder}", port=port, to=server.plain)
        self.front([NGINX, "-c"], text, [port])
        self.assertEqual(self.ask(port), SOMEBODY)
        self.assertEqual(self.ask(port, X_Forwarded_For="203.0.113.9"), SOMEBODY)
        self.assertTrue(self.logged(server, "^%s - - .*GET /client" % SOMEBODY))


if __name__ == "__main__":
    if not HAPROXY and not NGINX:
        sys.exit(77)
    unittest.main()
