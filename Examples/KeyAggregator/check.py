#!/usr/bin/env python3
"""Kills the counter in the middle of its work, again and again: every count is exact in the end and never too high before."""

import collections
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from example_check import Checks, Program, run  # noqa: E402

VIEWS = 60_000
START_MS = 1_760_000_000_000
KILLS = (4_000, 9_000, 12_000)


def total(program, pattern):
    found = (re.search(pattern, line) for line in program.lines())
    return sum(int(match.group(1)) for match in found if match)


def counted(program):
    return total(program, r"counted (\d+) views")


def repeated(program):
    return total(program, r"(\d+) were counted before")


def report():
    rows = (line.split("\t") for line in run("KeyAggregator", "report"))
    return {(page, int(minute)): int(count) for page, minute, count in rows}


def main():
    checks = Checks("key-aggregator")
    chance = random.Random(6)
    # Few pages have most of the views; times go back and forth over ten minutes.
    views = [(START_MS + chance.randrange(600_000), f"/page/{int(chance.paretovariate(0.5)) % 300}") for _ in range(VIEWS)]
    pathlib.Path("views.txt").write_text("".join(f"{time} {page}\n" for time, page in views))
    expected = collections.Counter((page, time // 60_000) for time, page in views)

    again = 0
    for least in KILLS:
        program = Program("KeyAggregator", "count", "views.txt")
        program.until(lambda: counted(program) >= least, f"{least} views are counted")
        program.kill()
        again += repeated(program)
        counts = report()
        checks.expect(least <= sum(counts.values()) < VIEWS, "it was killed in the middle")
        checks.expect(all(counts[row] <= expected[row] for row in counts), "no count is too high after a kill")

    missing = VIEWS - sum(report().values())
    program = Program("KeyAggregator", "count", "views.txt")
    program.until(lambda: counted(program) >= missing, "all views are counted")
    checks.equal(program.terminate(), 0, "the exit status after SIGTERM")
    # Else nothing was there that could have been counted twice.
    checks.expect(again + repeated(program) > 0, "views come again after a kill")
    checks.expect(report() == dict(expected), "every count is exact")
    checks.close()


main()
