"""Python's http.client against one server: client.py URL.  Exits 1 at the first surprise."""

import http.client
import sys
import urllib.parse


def ask(connection, method, path, body=None, **headers):
    """One request on a connection that is kept; the response and its whole body."""
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    return response, response.read()


def main():
    address = urllib.parse.urlsplit(sys.argv[1])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)

    for _ in range(200):
        response, content = ask(connection, "GET", "/one.txt")
        assert response.status == 200 and content == b"x" * 1024, response.status
    socket = connection.sock
    response, content = ask(connection, "HEAD", "/one.txt")
    assert response.status == 200 and content == b"", content
    assert response.headers["Content-Length"] == "1024", response.headers
    tag = response.headers["ETag"]
    response, content = ask(connection, "GET", "/one.txt", **{"If-None-Match": tag})
    assert response.status == 304 and content == b"", response.status
    for length in (0, 1, 1000, 40000, 1 << 20):
        body = bytes(i * 7 % 251 for i in range(length))
        response, content = ask(connection, "POST", "/echo", body)
        assert response.status == 200 and content == body, length
    pieces = [b"one", b"two" * 1000, b"three" * 20000]
    response, content = ask(connection, "POST", "/echo", iter(pieces))
    assert response.status == 200 and content == b"".join(pieces), response.status
    response, _ = ask(connection, "GET", "/missing")
    assert response.status == 404, response.status
    response, _ = ask(connection, "DELETE", "/one.txt")
    assert response.status == 405 and "GET" in response.headers["Allow"], response.status
    assert connection.sock is socket, "the connection was not kept"
    response, _ = ask(connection, "GET", "/one.txt", Connection="close")
    assert response.status == 200 and response.will_close, response.headers
    connection.close()


main()
