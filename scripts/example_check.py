"""What the checks of Examples/ share: they run the built programs as a user does, kill them, and count what held.

A check is `Examples/NAME/check.py`. It gets EXAMPLES_BIN, where the programs are, and runs in an empty directory of its own. Its last
line is `NAME: N passed, M failed`.
"""

import atexit
import os
import pathlib
import signal
import subprocess
import sys
import time

BIN = pathlib.Path(os.environ.get("EXAMPLES_BIN", ".build/examples/debug")).resolve()
# How long, in seconds, something may take that has to happen.
DEADLINE = int(os.environ.get("EXAMPLES_DEADLINE", "60"))


class Program:
    """A started program, whose lines go to a file as they come, so that a kill loses none."""

    count = 0

    def __init__(self, name, *arguments):
        Program.count += 1
        self.path = pathlib.Path(f"{name}-{Program.count}.log")
        with self.path.open("wb") as output:
            self.process = subprocess.Popen(
                [BIN / name, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        # A check that fails in the middle leaves nothing running.
        atexit.register(self.kill)

    def lines(self):
        """The complete lines so far."""
        text = self.path.read_text(errors="replace")
        return text[: text.rfind("\n") + 1].splitlines()

    def kill(self):
        """SIGKILL: no handler, no flush, no goodbye."""
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """SIGTERM; the exit status, of SIGKILL if it does not end in time."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode

    def until(self, condition, what):
        """Waits for a condition while the program runs."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            if self.process.poll() is not None:
                raise SystemExit(f"{self.path} ended with {self.process.returncode} before {what}:\n{self.path.read_text()}")
            if time.monotonic() > deadline:
                self.kill()
                raise SystemExit(f"not within {DEADLINE} s: {what}; see {self.path.resolve()}")
            time.sleep(0.005)


def run(name, *arguments):
    """Runs a program to its end; what it printed."""
    done = subprocess.run([BIN / name, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
    if done.returncode != 0:
        raise SystemExit(f"{name} {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines()


class Checks:
    """Counts what held."""

    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0

    def expect(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"  FAILED: {what}", flush=True)

    def equal(self, found, wanted, what):
        self.expect(found == wanted, f"{what}: {found!r}, not {wanted!r}")

    def close(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)
