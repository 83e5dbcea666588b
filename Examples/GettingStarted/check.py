#!/usr/bin/env python3
"""Kills the program in the middle of its work, again and again: every event is handled, and nothing comes again after a clean end."""

import re
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from example_check import Checks, Program  # noqa: E402

PEOPLE = [f"user{number}" for number in range(400)]


def welcomed(program):
    found = (re.search(r"welcomed (\w+), who", line) for line in program.lines())
    return [match.group(1) for match in found if match]


def main():
    checks = Checks("getting-started")
    root = pathlib.Path(__file__).resolve().parent
    sources = [root / "Package.swift", root / "Sources/GettingStarted/main.swift"]
    lines = sum(len(path.read_text().splitlines()) for path in sources)
    checks.expect(lines < 50, f"under fifty lines, but there are {lines}")

    seen = set()
    arguments = PEOPLE
    # 16 at a time, each batch in a tenth of a second or more, and the first commit a second after the first batch: the third run gets
    # that far on any machine, and even if the second one does, it is not at the end of everybody.
    for least in (30, 100, 200):
        program = Program("GettingStarted", *arguments)
        program.until(lambda: len(welcomed(program)) >= least, f"{least} were welcomed")
        program.kill()
        seen |= set(welcomed(program))
        checks.expect(len(seen) < len(PEOPLE), "it was killed in the middle")
        # What was sent is in the log: from now on nobody sends.
        arguments = []

    program = Program("GettingStarted")
    program.until(lambda: seen | set(welcomed(program)) == set(PEOPLE), "everybody was welcomed")
    checks.expect(len(welcomed(program)) < len(PEOPLE), "it went on where commits had come to")
    checks.equal(program.terminate(), 0, "the exit status after SIGTERM")

    program = Program("GettingStarted", "latecomer")
    program.until(lambda: "latecomer" in welcomed(program), "the latecomer was welcomed")
    checks.equal(program.terminate(), 0, "the exit status after SIGTERM")
    checks.equal(welcomed(program), ["latecomer"], "who was welcomed after a clean end")
    checks.close()


main()
