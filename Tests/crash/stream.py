"""Listens to the counts of all targets; versions must never go backwards, also across restarts."""

import json
import socket
import threading


class Stream:
    def __init__(self, targets):
        self.targets, self.last, self.problems, self.events = targets, {}, [], 0
        self.thread, self.socket = None, None

    def begin(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.settimeout(None)
        self.socket.sendall(
            ("GET /v1/votes/stream?target_ids=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % ",".join(self.targets)).encode())
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def end(self):
        if self.thread is None:
            return
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(30)
        self.socket.close()
        self.thread = None
        if self.problems:
            raise AssertionError(self.problems[0])

    def _read(self):
        rest = b""
        while True:
            try:
                piece = self.socket.recv(1 << 16)
            except OSError:
                return
            if not piece:
                return
            rest += piece
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line.startswith(b"data:"):
                    self._take(line[5:].strip())

    def _take(self, data):
        try:
            event = json.loads(data)
            target, version = event["target_id"], event["version"]
        except (ValueError, KeyError):
            # The last event of a killed server may be cut.
            return
        self.events += 1
        counts = (event["likes"], event["dislikes"])
        before = self.last.get(target)
        if before and version < before[0]:
            self.problems.append("version of %s went back from %s to %s" % (target, before[0], version))
        if before and version == before[0] and counts != before[1]:
            self.problems.append("version %s of %s means %s and %s" % (version, target, before[1], counts))
        if min(counts) < 0:
            self.problems.append("negative counts of %s: %s" % (target, counts))
        self.last[target] = (version, counts)
