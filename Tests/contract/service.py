"""Starts and stops the real program, each time in a directory of its own."""

import itertools
import os
import re
import signal
import subprocess
import threading
import time

import tokens
import wire

NUMBERS = itertools.count(1)


class World:
    """The program under test and the folder that everything happens in."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def path(self, name):
        return os.path.join(self.folder, "%s-%d" % (name, next(NUMBERS)))

    def run(self, *arguments, environment=None, timeout=120, data=None):
        """Runs a command to its end."""
        variables = {key: value for key, value in os.environ.items() if not key.startswith("SPILLWAY")}
        return subprocess.run(
            [self.program, *arguments], capture_output=True, env={**variables, **(environment or {})},
            timeout=timeout, input=data, cwd=self.folder)

    def serve(self, *options, **others):
        return Service(self, *options, **others)


class Service:
    """A running server; leaving the block stops it."""

    def __init__(self, world, *options, data=None, environment=None, host="127.0.0.1"):
        self.world, self.options, self.environment = world, list(options), environment or {}
        self.data = data or world.path("data")
        self.host = host
        self.log = self.data.rstrip("/") + ".log"
        self.port, self.process, self.lines = 0, None, []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.stop()

    def start(self, seconds=60):
        variables = {key: value for key, value in os.environ.items() if not key.startswith("SPILLWAY")}
        self.lines = []
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.world.program, "serve", "--data", self.data, "--host", self.host, "--port", "0", *self.options],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env={**variables, **self.environment},
                cwd=self.world.folder)
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()
        deadline = time.monotonic() + seconds
        while not self.lines:
            if self.process.poll() is not None:
                raise AssertionError("the server ended with %d: %s" % (self.process.returncode, self.log_text()[-800:]))
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError("the server was not ready after %d s" % seconds)
            time.sleep(0.005)
        self.port = int(re.search(r"https?://.*:(\d+)", self.lines[0]).group(1))

    def _read(self, stream):
        for line in stream:
            self.lines.append(line.decode().rstrip("\n"))

    def log_text(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def is_up(self):
        return self.process.poll() is None and self.ask("GET", "/readyz").status == 200

    def stop(self, seconds=60, number=signal.SIGTERM):
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def resident(self):
        """Memory in bytes."""
        with open("/proc/%d/status" % self.process.pid) as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024

    # Requests

    def key(self):
        with open(self.data + "/key", "rb") as key:
            return key.read()

    def token(self, user, **claims):
        return tokens.make(self.key(), tokens.claims(user, **claims))

    def ask(self, method, path, user=None, body=None, headers=(), token=None, kind="application/json", timeout=30, scope=None):
        if user is not None:
            token = self.token(user, **({"scope": scope} if scope else {}))
        with wire.Wire(self.port, timeout) as connection:
            return connection.request(method, path, token, body, headers, kind)

    def vote(self, target, user, action="like", headers=(), kind="video"):
        return self.ask("POST", "/v1/votes", user, wire.vote(target, action, kind), headers)

    def summary(self, targets, user=None, headers=()):
        return self.ask("GET", "/v1/votes/summary?target_ids=" + ",".join(targets), user, headers=headers)

    def applied(self, position, targets, user=None):
        """A summary from behind that position."""
        return self.summary(targets, user, [("Spillway-Position", position)]).json()["items"]
