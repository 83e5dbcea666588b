"""A small HTTP/1.1 client: one keep-alive connection, one request at a time."""

import json
import socket


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:300])


class Gone(Exception):
    """The connection broke: the request may or may not have been carried out."""


class Client:
    def __init__(self, port, timeout=30):
        self.port, self.timeout, self.socket, self.rest = port, timeout, None, b""

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket, self.rest = None, b""

    def request(self, method, path, token=None, body=None, headers=()):
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: 127.0.0.1"]
        if token:
            lines.append("Authorization: Bearer " + token)
        payload = b""
        if body is not None:
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            lines += ["Content-Type: application/json", "Content-Length: %d" % len(payload)]
        lines += ["%s: %s" % header for header in headers]
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)
            return self._answer()
        except (OSError, Gone) as error:
            self.close()
            raise Gone(str(error))

    def _more(self):
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise Gone("closed")
        self.rest += piece

    def _answer(self):
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        while len(self.rest) < length:
            self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(lines[0].split(" ")[1]), headers, body)
