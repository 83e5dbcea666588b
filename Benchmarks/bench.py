#!/usr/bin/env python3
"""Prints the table of figures, each row beside its baseline in the same run.

    bench.py [--rounds 3] [--seconds 20] [--rows votes,hot,…]

Machines are noisy, so every ratio is taken from runs in turns, and the median of the rounds is quoted.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import time

import harness as h

TABLE = []


def row(name, value, must, aim, detail, at_least=True):
    holds = value >= must if at_least else value <= must
    TABLE.append((name, value, must, aim, detail, at_least, holds))
    sign = "≥" if at_least else "≤"
    h.log(f"  {name}: {value:.3g} (must be {sign} {must:g}, worth aiming at {aim:g}) {detail}")


def votes_and_hot(arguments, connections):
    """Uniform votes over durable echo, hot over uniform, and both for the comparison with PostgreSQL."""
    uniform, hot, ceiling, lags = [], [], [], []
    for _ in range(arguments.rounds):
        data = h.directory("votes")
        server = h.spillway(data)
        tokens = h.tokens(data)
        shape = ["--conns", connections, "--duration", arguments.seconds, "--tokens", tokens]
        echo = h.echo()
        ceiling.append(h.load(echo.port, *shape)["votes"]["per_second"])
        echo.stop(signal.SIGKILL)
        figures = h.load(server.port, *shape)["votes"]
        lags.append(h.lag(server) / max(figures["per_second"], 1))
        uniform.append(figures["per_second"])
        h.drained(server)
        hot.append(h.load(server.port, *shape, "--hot", "video_hot")["votes"]["per_second"])
        lags.append(h.lag(server) / max(hot[-1], 1))
        h.drained(server)
        server.stop()
    ratios = [mine / theirs for mine, theirs in zip(uniform, ceiling)]
    row("votes / durable echo, uniform", h.median(ratios), 0.5, 0.75,
        f"{h.median(uniform):,.0f}/s over {h.median(ceiling):,.0f}/s")
    row("lag at the end, seconds of traffic", max(lags), 2, 0.5, "worst of all rounds", at_least=False)
    row("hot / uniform", h.median([a / b for a, b in zip(hot, uniform)]), 0.9, 1.1, f"{h.median(hot):,.0f}/s")
    return h.median(uniform), h.median(hot)


def postgres(arguments, uniform, hot):
    """The same vote as one statement of PostgreSQL, without HTTP before it."""
    script = os.path.join(h.HERE, "postgres.sh")
    lines = subprocess.run(
        ["bash", script, str(arguments.seconds)], check=True, capture_output=True, text=True).stdout.split("\n")
    rates = dict(line.split() for line in lines if line)
    row("votes over HTTP / PostgreSQL, uniform", uniform / float(rates["uniform"]), 1.8, 2.4,
        f"PostgreSQL {float(rates['uniform']):,.0f}/s")
    row("votes over HTTP / PostgreSQL, one hot row", hot / float(rates["hot"]), 12, 18,
        f"PostgreSQL {float(rates['hot']):,.0f}/s")


def own_store():
    """A data directory with three million reactions of the users with tokens; made once a run."""
    data = os.path.join(h.WORK, "own")
    if not os.path.exists(data):
        lines = os.path.join(h.WORK, "own.jsonl")
        h.write_own_reactions(lines)
        subprocess.run([h.PROGRAM, "import", "--data", data, lines], check=True)
        os.unlink(lines)
    return data


def summaries(arguments, connections):
    data = own_store()
    own, anonymous, ceiling = [], [], []
    server = h.spillway(data)
    tokens = h.tokens(data)
    for _ in range(arguments.rounds):
        shape = ["--conns", connections, "--duration", arguments.seconds, "--summary-only"]
        echo = h.echo()
        ceiling.append(h.load(echo.port, *shape, "--tokens", tokens)["summaries"]["per_second"])
        echo.stop(signal.SIGKILL)
        own.append(h.load(server.port, *shape, "--tokens", tokens)["summaries"]["per_second"])
        anonymous.append(h.load(server.port, *shape)["summaries"]["per_second"])
    server.stop()
    row("summaries of 20 with own states / constant", h.median([a / b for a, b in zip(own, ceiling)]), 0.25, 0.5,
        f"{h.median(own):,.0f}/s over {h.median(ceiling):,.0f}/s")
    row("summaries of 20 without a token / constant", h.median([a / b for a, b in zip(anonymous, ceiling)]), 0.4, 0.7,
        f"{h.median(anonymous):,.0f}/s")


def mixed(port, tokens, seconds, factor=1.0):
    return h.load(
        port, "--vote-rate", 20_000 * factor, "--summary-rate", 12_500 * factor, "--conns", 128, "--tokens", tokens,
        "--targets", h.TARGETS, "--duration", seconds)


def design_load(arguments):
    data = own_store()
    ratios, memory, problems = [], [], []
    for _ in range(max(arguments.rounds, 5 if arguments.seconds >= 60 else 3)):
        server = h.spillway(data)
        tokens = h.tokens(data)
        echo = h.echo()
        theirs = mixed(echo.port, tokens, arguments.seconds)
        echo.stop(signal.SIGKILL)
        mine = mixed(server.port, tokens, arguments.seconds)
        memory.append(server.peak_memory())
        h.drained(server)
        server.stop()
        for kind, figures in mine.items():
            if figures["errors"] or figures["per_second"] < 0.99 * figures["asked"]:
                problems.append(f"{kind}: {figures['per_second']:.0f}/s of {figures['asked']:.0f}, "
                                f"{figures['errors']} errors")
        ratios.append(max(mine[kind]["p95_ms"] / theirs[kind]["p95_ms"] for kind in mine))
        h.log("  " + ", ".join(
            f"{kind} {mine[kind]['per_second']:,.0f}/s p95 {mine[kind]['p95_ms']:.2f} ms "
            f"(echo {theirs[kind]['p95_ms']:.2f})" for kind in mine))
    row("design load: p95 over echo's, worse kind", h.median(ratios), 15, 4, "; ".join(problems) or "rates reached",
        at_least=False)
    row("design load: runs with errors or missed rates", len(problems), 0, 0, "", at_least=False)
    row("design load: peak memory, MiB", h.median(memory) / (1 << 20), 1024, 512, "", at_least=False)


def highest_rate(arguments):
    data = own_store()
    server = h.spillway(data)
    tokens = h.tokens(data)
    best = 0
    factor = 1.0
    while factor <= 2.01:
        figures = mixed(server.port, tokens, max(arguments.seconds / 2, 5), factor)
        good = all(
            f["errors"] == 0 and f["p99_ms"] < 50 and f["per_second"] >= 0.99 * f["asked"] for f in figures.values())
        if not good:
            break
        best = factor
        factor += 0.1
        h.drained(server)
    server.stop()
    row("highest rate of that mix with p99 < 50 ms / design load", best, 1.1, 1.5, "")


def one_at_a_time(arguments):
    ratios = []
    data = h.directory("single")
    server = h.spillway(data)
    tokens = h.tokens(data)
    for _ in range(max(arguments.rounds, 5)):
        shape = ["--conns", 1, "--duration", 5, "--tokens", tokens]
        echo = h.echo()
        theirs = h.load(echo.port, *shape)["votes"]["p50_ms"]
        echo.stop(signal.SIGKILL)
        mine = h.load(server.port, *shape)["votes"]["p50_ms"]
        ratios.append(mine / theirs)
        h.log(f"  one at a time: {mine:.3f} ms over {theirs:.3f} ms")
    server.stop()
    row("one vote at a time: p50 over durable echo's", h.median(ratios), 1.6, 1.15, "", at_least=False)


def size_on_disk(arguments):
    """Bytes a reaction at ten million, and what that many cost in speed."""
    count = arguments.reactions
    data = h.directory("large")
    lines = os.path.join(h.WORK, "large.jsonl")
    h.write_reactions(lines, users=count // 50, each=50, targets=max(count // 100, 1))
    began = time.monotonic()
    subprocess.run([h.PROGRAM, "import", "--data", data, lines], check=True)
    h.log(f"  import: {count / (time.monotonic() - began):,.0f} lines/s")
    os.unlink(lines)
    server = h.spillway(data)
    previous, settled = -1, time.monotonic() + 120
    while time.monotonic() < settled:
        size = server.metric("spillway_rocksdb_family_bytes")
        if size == previous and server.metric("spillway_rocksdb_pending_compaction_bytes") == 0:
            break
        previous = size
        time.sleep(3)
    files = sum(
        os.path.getsize(os.path.join(data, "db", name)) for name in os.listdir(os.path.join(data, "db"))
        if name.endswith(".sst"))
    row("bytes on disk per reaction, idle", files / count, 110, 50, f"{count:,} reactions, all tables", at_least=False)
    tokens = h.tokens(data)
    empty_data = h.directory("empty")
    empty = h.spillway(empty_data)
    empty_tokens = h.tokens(empty_data)
    ratios = []
    for _ in range(arguments.rounds):
        shape = ["--conns", 64, "--duration", arguments.seconds]
        less = h.load(empty.port, *shape, "--tokens", empty_tokens)["votes"]["per_second"]
        h.drained(empty)
        more = h.load(server.port, *shape, "--tokens", tokens)["votes"]["per_second"]
        h.drained(server)
        ratios.append(more / less)
    empty.stop()
    server.stop()
    row("votes/s at that many reactions over votes/s at none", h.median(ratios), 0.7, 0.9, "")
    shutil.rmtree(data)


def start_after_kill(arguments):
    """A million votes that no projection has applied; then SIGKILL and a start."""
    data = h.directory("tail")
    server = h.spillway(data, {"SPILLWAY_PROJECTIONS_PAUSED": "1"})
    tokens = h.tokens(data)
    while h.lag(server) < 1_000_000:
        h.load(server.port, "--conns", 64, "--duration", 5, "--warmup", 0, "--tokens", tokens)
    votes = h.lag(server)
    server.stop(signal.SIGKILL)
    server = h.spillway(data)
    row("start after SIGKILL until ready, seconds", server.took, 5, 1, f"{votes:,.0f} votes not applied",
        at_least=False)
    h.drained(server)
    server.stop()


ROWS = ["votes", "summaries", "design", "highest", "single", "size", "start"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--reactions", type=int, default=10_000_000)
    parser.add_argument("--rows", default=",".join(ROWS), help="of " + ",".join(ROWS) + ",postgres (with votes)")
    parser.add_argument("--no-postgres", action="store_true")
    arguments = parser.parse_args()
    wanted = arguments.rows.split(",")
    h.build_tools()
    disk = h.fdatasync_ms()
    connections = 512 if disk > 0.5 else 64
    print(f"fdatasync p50 {disk:.3f} ms; {connections} connections; {os.cpu_count()} cores; "
          f"{arguments.rounds} rounds of {arguments.seconds} s")
    try:
        if "votes" in wanted:
            uniform, hot = votes_and_hot(arguments, connections)
            if not arguments.no_postgres and shutil.which("pgbench"):
                postgres(arguments, uniform, hot)
        if "summaries" in wanted:
            summaries(arguments, connections)
        if "design" in wanted:
            design_load(arguments)
        if "highest" in wanted:
            highest_rate(arguments)
        if "single" in wanted:
            one_at_a_time(arguments)
        if "start" in wanted:
            start_after_kill(arguments)
        if "size" in wanted:
            size_on_disk(arguments)
    finally:
        if not os.environ.get("BENCH_DIR"):
            shutil.rmtree(h.WORK, ignore_errors=True)
    print(f"\n| figure | measured | must be | worth aiming at | |\n|---|---|---|---|---|")
    for name, value, must, aim, detail, at_least, holds in TABLE:
        sign = "≥" if at_least else "≤"
        print(f"| {name} | {value:.3g}{'' if holds else ' **missed**'} | {sign} {must:g} | {aim:g} | {detail} |")


if __name__ == "__main__":
    main()
