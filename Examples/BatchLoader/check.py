#!/usr/bin/env python3
"""Kills the loader in the middle of its work, again and again: the table has every order once, at every moment."""

import pathlib
import random
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from example_check import Checks, Program, run  # noqa: E402

ORDERS = 40_000
KILLS = (3_000, 9_000, 16_000, 24_000)


def rows():
    """How many orders the table has, and how many different ones; as another process sees it."""
    try:
        with sqlite3.connect("file:orders.sqlite?mode=ro", uri=True) as connection:
            return connection.execute("SELECT count(*), count(DISTINCT id) FROM orders").fetchone()
    except sqlite3.OperationalError:
        return (0, 0)


def main():
    checks = Checks("batch-loader")
    chance = random.Random(6)
    orders = [(f"customer{chance.randrange(200)}", chance.randrange(1, 100_000)) for _ in range(ORDERS)]
    pathlib.Path("orders.csv").write_text("".join(f"{customer},{cents}\n" for customer, cents in orders))
    expected = f"{ORDERS} orders, {ORDERS} different, {sum(cents for _, cents in orders)} cents"

    for least in KILLS:
        program = Program("BatchLoader", "load", "orders.csv")
        program.until(lambda: rows()[0] >= least, f"{least} orders are loaded")
        program.kill()
        count, different = rows()
        checks.expect(count < ORDERS, "it was killed in the middle")
        checks.equal(count, different, "orders after a kill")

    program = Program("BatchLoader", "load", "orders.csv")
    program.until(lambda: rows()[0] >= ORDERS, "all orders are loaded")
    checks.equal(program.terminate(), 0, "the exit status after SIGTERM")
    checks.equal(run("BatchLoader", "report"), [expected], "the report")

    # The same file again, and the group's commits gone: the log has its tokens and the table its places.
    program = Program("BatchLoader", "load", "orders.csv")
    program.until(lambda: any("whole file" in line for line in program.lines()), "the file was sent again")
    checks.equal(program.terminate(), 0, "the exit status after SIGTERM")
    checks.equal(run("BatchLoader", "report"), [expected], "the report after the same file again")
    checks.close()


main()
