"""HTTP/1.1 over a plain socket: says exactly what is sent, and keeps every header that comes."""

import json
import socket


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __getitem__(self, name):
        values = self.all(name)
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def is_problem(self):
        problem = self.json()
        return (
            (self["Content-Type"] or "").startswith("application/problem+json")
            and problem.get("status") == self.status
            and all(isinstance(problem.get(name), str) and problem[name] for name in ("type", "title", "detail"))
        )

    def __repr__(self):
        return "%d %r %r" % (self.status, self.headers, self.body[:300])


class Gone(Exception):
    """The other side closed before the answer was whole."""


class Wire:
    """One connection; over TLS with a context."""

    def __init__(self, port, timeout=30, host="127.0.0.1", context=None):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def more(self):
        try:
            piece = self.socket.recv(1 << 16)
        except ConnectionResetError:
            piece = b""
        if not piece:
            raise Gone(repr(self.rest[:200]))
        self.rest += piece

    def is_closed(self, seconds):
        """Whether the other side closes within so many seconds without sending anything more."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def head(self):
        """Status and headers."""
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        return Answer(int(lines[0].split(" ")[1]), headers, b"")

    def answer(self, method="GET"):
        answer = self.head()
        while answer.status == 100:
            answer = self.head()
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        length = int(answer["Content-Length"] or 0)
        while len(self.rest) < length:
            self.more()
        answer.body, self.rest = self.rest[:length], self.rest[length:]
        return answer

    def request(self, method, path, token=None, body=None, headers=(), kind="application/json"):
        self.send(text(method, path, token, body, headers, kind))
        return self.answer(method)


def text(method, path, token=None, body=None, headers=(), kind="application/json"):
    """A request's bytes."""
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: localhost"]
    if token:
        lines.append("Authorization: Bearer " + token)
    payload = b""
    if body is not None:
        payload = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        lines.append("Content-Length: %d" % len(payload))
        if kind:
            lines.append("Content-Type: " + kind)
    lines += ["%s: %s" % header for header in headers]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + payload


def vote(target, action="like", kind="video"):
    return {"target_id": target, "target_type": kind, "action": action}
