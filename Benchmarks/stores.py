#!/usr/bin/env python3
"""Prints the figures of the embedded failure store, each beside its baseline in the same process.

    stores.py [--rounds 5] [--records 1000000] [--rows one-by-one,batches,dead-letters]

Builds Benchmarks/Stores and runs it once a round, in a new directory each time; who goes first changes from round to
round. The median of the rounds is quoted, with the least and the greatest. SCRATCH names the build directory.
"""

import argparse
import json
import os
import shutil
import subprocess

import harness as h

PACKAGE = os.path.join(h.HERE, "Stores")
SCRATCH = os.environ.get("SCRATCH") or os.path.join(PACKAGE, ".build")
TABLE = []


def build():
    command = ["swift", "build", "-c", "release", "--package-path", PACKAGE, "--scratch-path", SCRATCH]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def run(scenario, *options):
    """The figures of one process in an empty directory."""
    directory = h.directory(scenario)
    os.makedirs(directory)
    command = [
        os.path.join(SCRATCH, "release", "store-bench"), scenario, "--directory", directory,
        *[str(option) for option in options]]
    try:
        lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout.splitlines()
        return json.loads(lines[-1])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def row(name, ratios, must, aim, detail, at_least):
    value = h.median(ratios)
    holds = value >= must if at_least else value <= must
    sign = "≥" if at_least else "≤"
    spread = f"{min(ratios):.3g} to {max(ratios):.3g}"
    TABLE.append(f"| {name} | {value:.3g}{'' if holds else ' **missed**'} | {spread} | {sign} {must:g} | {aim:g} | {detail} |")
    h.log(f"  {name}: {value:.3g} ({spread}); {detail}")


def side_queue(arguments, batch, callers):
    rounds = []
    for number in range(arguments.rounds):
        options = ["--records", arguments.records, "--batch", batch, "--callers", callers]
        rounds.append(run("side-queue", *options, *(["--broker-first"] if number % 2 else [])))
        h.log("  " + ", ".join(f"{name} {value:,.0f}/s" for name, value in rounds[-1].items()))

    def both(figures, who):
        return 1 / (1 / figures[f"{who}_in"] + 1 / figures[f"{who}_out"])

    def ratios(rate):
        return [rate(figures, "side") / rate(figures, "broker") for figures in rounds]

    def rates(rate):
        mine, theirs = (h.median([rate(figures, who) for figures in rounds]) for who in ("side", "broker"))
        return f"{mine:,.0f}/s over {theirs:,.0f}/s"

    shape = f"{arguments.records:,} records, {callers} calls at a time of {batch}"
    row(f"side queue in and out / broker; {shape}", ratios(both), 0.3, 0.6, rates(both), True)
    for way in ("in", "out"):
        def rate(figures, who, way=way):
            return figures[f"{who}_{way}"]
        row(f"of that, {way}", ratios(rate), 0.3, 0.6, rates(rate), True)


def dead_letters(arguments):
    rounds = [run("dead-letters", "--records", arguments.records) for _ in range(arguments.rounds)]
    for name, text in [
        ("first_page", "list the first page"), ("page", "list a page somewhere"), ("requeue", "requeue one"),
    ]:
        few, many = (h.median([figures[f"{name}_{how}_us"] for figures in rounds]) for how in ("few", "many"))
        ratios = [figures[f"{name}_many_us"] / figures[f"{name}_few_us"] for figures in rounds]
        row(f"{text}: {arguments.records:,} dead letters / 1,000", ratios, 2, 1.1, f"{many:.0f} µs over {few:.0f} µs", False)


def one_by_one(arguments):
    """A call a record, as the broker takes most of its own: group commit gathers them."""
    side_queue(arguments, 1, 512)


def batches(arguments):
    """Many records a call, as consumers move them: the broker stores each call as one entry."""
    side_queue(arguments, 500, 4)


ROWS = {"one-by-one": one_by_one, "batches": batches, "dead-letters": dead_letters}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rows", default=",".join(ROWS))
    arguments = parser.parse_args()
    build()
    print(f"{os.cpu_count()} cores; median of {arguments.rounds} rounds, each a process of its own")
    try:
        for name in arguments.rows.split(","):
            ROWS[name](arguments)
    finally:
        if not os.environ.get("BENCH_DIR"):
            shutil.rmtree(h.WORK, ignore_errors=True)
    print("\n| figure | measured | least to greatest | must be | worth aiming at | |\n|---|---|---|---|---|---|")
    print("\n".join(TABLE))


if __name__ == "__main__":
    main()
