"""Starts, kills and audits the real program."""

import os
import re
import signal
import subprocess
import threading
import time


class Server:
    """One data directory, and the process that serves it, if one does."""

    def __init__(self, program, data, log, options=(), environment=None):
        self.program, self.data, self.log, self.options = program, data, log, list(options)
        self.environment = dict(environment or {})
        self.process, self.port = None, 0

    def tokens(self, count, prefix="u"):
        lines = subprocess.run(
            [self.program, "token", "--data", self.data, "--count", str(count), "--prefix", prefix, "--ttl", "7d"],
            check=True, capture_output=True, text=True).stdout.split()
        assert len(lines) == count, "token printed %d lines" % len(lines)
        return lines

    def begin(self):
        """Starts the process without waiting for it."""
        self.output = open(self.log, "ab")
        self.output.write(b"---- start\n")
        self.output.flush()
        self.process = subprocess.Popen(
            [self.program, "serve", "--data", self.data, "--port", "0", *self.options],
            stdout=subprocess.PIPE, stderr=self.output, env={**os.environ, **self.environment})

    def wait_ready(self, seconds=60):
        """Waits for the line with the address; returns the seconds that it took, or fails."""
        begin, found = time.monotonic(), []

        def read():
            for line in self.process.stdout:
                match = re.search(rb"https?://[^\s/]*:(\d+)", line)
                if match and not found:
                    found.append(int(match.group(1)))

        threading.Thread(target=read, daemon=True).start()
        while not found:
            if self.process.poll() is not None:
                raise AssertionError("the server ended with %d before it was ready: see %s" % (self.process.returncode, self.log))
            if time.monotonic() - begin > seconds:
                raise AssertionError("the server was not ready after %d s" % seconds)
            time.sleep(0.002)
        self.port = found[0]
        return time.monotonic() - begin

    def kill(self):
        """SIGKILL: nothing of the process runs any more when this returns."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.output.close()

    def ended(self, seconds):
        """Waits until the process ends by itself; its exit code, or None if it does not."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self.output.close()
        return code

    def stop(self, seconds=60):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.kill()
            self.output.close()

    def audit(self):
        """Audits the stopped server's directory; returns (targets, reactions, drift) or fails."""
        done = subprocess.run(
            [self.program, "audit", "--data", self.data], capture_output=True, text=True, timeout=300)
        lines = done.stdout.strip().splitlines()
        match = re.fullmatch(r"targets=(\d+) reactions=(\d+) drift=(-?\d+)", lines[-1]) if lines else None
        if not match:
            raise AssertionError("audit ended with %d and said: %s%s" % (done.returncode, done.stdout, done.stderr))
        targets, reactions, drift = map(int, match.groups())
        if drift != 0 or done.returncode != 0:
            raise AssertionError("audit found drift (exit %d): %s%s" % (done.returncode, done.stdout, done.stderr))
        return targets, reactions, drift
