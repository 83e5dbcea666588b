#!/usr/bin/env python3
"""Prints what the engine costs, each row beside its baseline in the same process.

    engine.py [--rounds 5] [--rows plain,work,memory,grid] [--program PATH]

Each figure is the median of the ratios of that many processes. Machines are noisy: what is quoted in brackets is the least and the
most of them.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys

import harness as h

# Its directory is for servers; here there are none.
if "BENCH_DIR" not in os.environ:
    os.rmdir(h.WORK)

PACKAGE = os.path.join(h.HERE, "Engine")
SCRATCH = os.path.join(h.ROOT, ".build", "engine-bench")
TABLE = []
MIB = 1 << 20


def build():
    options = ["-c", "release", "--package-path", PACKAGE, "--scratch-path", SCRATCH]
    subprocess.run(["swift", "build", *options, "--product", "engine-bench"], check=True, stdout=sys.stderr)
    return os.path.join(SCRATCH, "release", "engine-bench")


def run(program, *words):
    """The figures of one process."""
    command = [program, *[str(word) for word in words]]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def row(name, values, must, aim, detail, at_least=False):
    value = h.median(values)
    holds = value >= must if at_least else value <= must
    sign = "≥" if at_least else "≤"
    TABLE.append((name, f"{value:.3g} ({min(values):.3g} to {max(values):.3g})", f"{sign} {must:g}", f"{aim:g}", holds, detail))
    h.log(f"  {name}: {value:.3g} ({min(values):.3g} to {max(values):.3g}), must be {sign} {must:g}; {detail}")


def plain(arguments):
    """A million keys and a handler that does nothing, over a plain loop."""
    runs = [run(arguments.program, "plain") for _ in range(arguments.rounds)]
    ratios = [h.median(one["ratios"]) for one in runs]
    rates = [h.median([rate for one in runs for rate in one[name]]) for name in ("engine_per_second", "plain_per_second")]
    row("no-op handler, a million keys: records/s over a plain loop's", ratios, 0.2, 0.5,
        f"{rates[0]:,.0f}/s over {rates[1]:,.0f}/s", at_least=True)


def work(arguments):
    """10,000 records of 0 to 5 ms, 100 at a time, over the ideal."""
    for keys, must, name in [(1_000, 1.4, "with 1,000 keys"), (0, 1.2, "without keys")]:
        runs = [run(arguments.program, "work", "--keys", keys) for _ in range(arguments.rounds)]
        bare = h.median([one["bare_seconds"] / one["ideal"] for one in runs])
        row(f"10,000 records of 0 to 5 ms, 100 at a time, {name}: time over the ideal", [one["ratio"] for one in runs],
            must, 1.1, f"{h.median([one['seconds'] for one in runs]):.3f} s; the same sleeps in bare tasks {bare:.2f}")


def memory(arguments):
    """Ten million keys, and what they leave."""
    runs = [run(arguments.program, "memory") for _ in range(min(arguments.rounds, 3))]
    few = [run(arguments.program, "memory", "--keys", 1_000) for _ in runs]
    row("ten million keys: MiB that the process grows by, what is in flight and the broker's 30,000 records included",
        [one["growth_bytes"] / MIB for one in runs], 64, 16,
        f"as many records of 1,000 keys: {h.median([one['growth_bytes'] for one in few]) / MIB:.1f} MiB; "
        f"{h.median([one['per_second'] for one in runs]):,.0f}/s; peak {h.median([one['peak_bytes'] for one in runs]) / MIB:.0f} MiB")


def grid(arguments):
    """For information: throughput, allocations and latency at half the throughput."""
    print("\n| keys | batch | handler, ms | concurrency | records/s | allocations a record | p50, ms | p99, ms |")
    print("|---|---|---|---|---|---|---|---|")
    cells = itertools.product([1_000, 1_000_000, 0], [0, 100], [0, 1_000], [1, 16, 100])
    for keys, batch, work_us, concurrency in cells:
        # About a second of work; one at a time and 1 ms each, a thousand records are that.
        records = 200_000 if work_us == 0 else 700 * concurrency * max(1, batch)
        options = {"keys": keys, "batch": batch, "work-us": work_us, "concurrency": concurrency, "records": min(records, 500_000)}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        one = run(arguments.program, "cell", *words)
        label = f"{keys:,}" if keys else "none"
        print(f"| {label} | {batch or 'single'} | {work_us / 1000:g} | {concurrency} | {one['per_second']:,.0f} "
              f"| {one['allocations_per_record']:.2f} | {one['p50_us'] / 1000:.2f} | {one['p99_us'] / 1000:.2f} |", flush=True)


ROWS = {"plain": plain, "work": work, "memory": memory, "grid": grid}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--program", help="engine-bench, if it is built already")
    arguments = parser.parse_args()
    names = arguments.rows.split(",")
    if set(names) - set(ROWS):
        parser.error(f"rows are {', '.join(ROWS)}")
    arguments.program = arguments.program or build()
    for name in names:
        ROWS[name](arguments)
    if TABLE:
        print("\n| figure | measured (least to most) | must be | worth aiming at | | |\n|---|---|---|---|---|---|")
        for name, value, must, aim, holds, detail in TABLE:
            print(f"| {name} | {value} | {must} | {aim} | {'holds' if holds else '**missed**'} | {detail} |")
    sys.exit(0 if all(entry[4] for entry in TABLE) else 1)


main()
