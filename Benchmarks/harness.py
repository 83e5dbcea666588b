"""What the benchmarks share: building the tools, starting and stopping servers, running loads, reading figures."""

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PROGRAM = os.path.join(ROOT, ".build", "release", "spillway")
WORK = os.environ.get("BENCH_DIR") or tempfile.mkdtemp(prefix="spillway-bench-", dir=os.environ.get("BENCH_ROOT", "/var/tmp"))
ECHO = os.path.join(WORK, "echo")
LOAD = os.path.join(WORK, "openload")
TARGETS = os.path.join(HERE, "targets.csv")
USERS = 200_000


def log(text):
    print(text, file=sys.stderr, flush=True)


def build_tools():
    for source, binary, libraries in [
        ("echo.c", ECHO, ["-luv", "-lhttp_parser", "-lpthread"]),
        ("openload.c", LOAD, ["-lm"]),
    ]:
        subprocess.run(["cc", "-O2", "-o", binary, os.path.join(HERE, source), *libraries], check=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process on a free port; stopped by its process id."""

    def __init__(self, command, port, ready, environment=None):
        self.port = port
        began = time.monotonic()
        self.log = open(os.path.join(WORK, f"server-{port}.log"), "w")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, env={**os.environ, **(environment or {})})
        while not ready(self):
            if self.process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {self.process.returncode}, see {self.log.name}")
            if time.monotonic() - began > 120:
                raise RuntimeError(f"{command[0]} is not ready after 120 s")
            time.sleep(0.005)
        self.took = time.monotonic() - began

    def answers(self, path="/readyz"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def connects(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def metric(self, name):
        """The sum of a metric over its labels; 0 if it is not there."""
        pattern = re.compile(rf"^{name}(?:{{[^}}]*}})? ([-+.0-9eE]+)$", re.M)
        return sum(float(value) for value in pattern.findall(self.metrics()))

    def peak_memory(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) * 1024

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(60)
        self.log.close()


def spillway(data, environment=None, *options):
    port = free_port()
    return Server(
        [PROGRAM, "serve", "--data", data, "--port", str(port), "--log-level", "warning",
         "--vote-rate-per-user", "0", *options],
        port, Server.answers, environment)


def echo():
    port = free_port()
    return Server([ECHO, str(port), "1", WORK], port, Server.connects)


def directory(name):
    """An empty directory; its tokens go too, since the next server makes another key."""
    path = os.path.join(WORK, name)
    shutil.rmtree(path, ignore_errors=True)
    if os.path.exists(os.path.join(WORK, "tokens-" + name)):
        os.unlink(os.path.join(WORK, "tokens-" + name))
    return path


def tokens(data):
    path = os.path.join(WORK, "tokens-" + os.path.basename(data))
    if not os.path.exists(path):
        with open(path, "w") as file:
            subprocess.run(
                [PROGRAM, "token", "--data", data, "--count", str(USERS), "--ttl", "24h"], stdout=file, check=True)
    return path


def load(port, *options):
    """Runs openload and returns its figures by kind."""
    command = [LOAD, "--port", str(port), "--json", *[str(option) for option in options]]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    figures = {figures["kind"]: figures for figures in map(json.loads, lines)}
    if any(one["per_second"] == 0 for one in figures.values()):
        raise RuntimeError(f"nothing was answered with 200: {' '.join(command)}")
    return figures


def lag(server):
    """Acknowledged votes that are not applied yet."""
    return server.metric("spillway_reactions_pending_votes")


def drained(server, seconds=120):
    deadline = time.monotonic() + seconds
    while lag(server) > 0:
        if time.monotonic() > deadline:
            raise RuntimeError("the projections did not catch up")
        time.sleep(0.05)


def fdatasync_ms():
    """The disk's own speed: the median of 200 writes of 4 KiB with fdatasync."""
    path = os.path.join(WORK, "fdatasync")
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    times = []
    for _ in range(200):
        os.write(file, b"x" * 4096)
        began = time.monotonic()
        os.fdatasync(file)
        times.append((time.monotonic() - began) * 1000)
    os.close(file)
    os.unlink(path)
    return statistics.median(times)


def write_reactions(path, users, each, targets):
    """Lines for `spillway import`: users are UUIDs, targets have 11 characters, each user the same number."""
    names = [f"vid{number:08d}" for number in range(targets)]
    state = 88172645463325252
    with open(path, "w") as file:
        for number in range(users):
            user = str(uuid.UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835 + 1) % (1 << 128)))
            for turn in range(each):
                state ^= (state << 13) & 0xFFFFFFFFFFFFFFFF
                state ^= state >> 7
                state ^= (state << 17) & 0xFFFFFFFFFFFFFFFF
                second = 1_600_000_000 + (number * 53 + turn * 7919) % 150_000_000
                stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
                reaction = "dislike" if state % 10 == 0 else "like"
                file.write(
                    f'{{"user_id":"{user}","target_id":"{names[state % targets]}","target_type":"video",'
                    f'"reaction":"{reaction}","at":"{stamp}"}}\n')


def write_own_reactions(path, each=15):
    """Three million reactions of the users who have tokens, on the targets that the loads ask for."""
    with open(TARGETS) as file:
        popular = [line.split(",")[0] for line in file if line.strip()]
    state = 88172645463325252
    with open(path, "w") as file:
        for user in range(USERS):
            for turn in range(each):
                state ^= (state << 13) & 0xFFFFFFFFFFFFFFFF
                state ^= state >> 7
                state ^= (state << 17) & 0xFFFFFFFFFFFFFFFF
                target = popular[state % len(popular)] if turn % 2 else f"video_{state % 100_000}"
                second = 1_700_000_000 + (user * 53 + turn * 7919) % 50_000_000
                stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
                reaction = "dislike" if state % 10 == 0 else "like"
                file.write(
                    f'{{"user_id":"u{user}","target_id":"{target}","target_type":"video",'
                    f'"reaction":"{reaction}","at":"{stamp}"}}\n')


def median(values):
    return statistics.median(values)
