#!/usr/bin/env python3
"""Sends to a receiver that fails each key at first, and one until it is mended; kills the sender once meanwhile."""

import pathlib
import re
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from example_check import Checks, Program, run  # noqa: E402

KEYS = ("anna", "ben", "carla", "poison")
EACH = 15
GOOD = (len(KEYS) - 1) * EACH
POISONED = 3
# The sender's attempts in place: the first event of each key goes to the side queue, and its key waits for it.
FAILURES = 3


def values(key):
    return [f'{{"number":{number}}}' for number in range(POISONED if key == "poison" else EACH)]


def main():
    checks = Checks("webhook-sender")
    receiver = Program("Receiver", str(FAILURES))
    port = []

    def listens():
        port[:] = re.findall(r"listening.*port=(\d+)", "\n".join(receiver.lines()))
        return port

    receiver.until(listens, "it listens")
    base = f"http://127.0.0.1:{port[0]}"

    def ask(path, body=None):
        with urllib.request.urlopen(base + path, body, timeout=10) as answer:
            return answer.read().decode()

    def received(key=None):
        lines = [line.split(" ", 1) for line in ask("/received").splitlines()]
        return [body for name, body in lines if key in (None, name)]

    events = [f"{key}={values(key)[number]}" for number in range(EACH) for key in KEYS if number < len(values(key))]
    sender = Program("WebhookSender", "run", base + "/hook", *events)
    sender.until(lambda: all(len(received(key)) >= 2 for key in KEYS[:3]), "two events of each good key are delivered")
    sender.kill()
    # All events were in the log before the first was delivered.
    sender = Program("WebhookSender", "run", base + "/hook")
    sender.until(lambda: len(received()) >= GOOD, "the good events are delivered")
    checks.equal(sender.terminate(), 0, "the exit status after SIGTERM")
    # What is given up is logged once in ten seconds; so each run is asked for one.
    for _ in range(POISONED):
        if len(run("WebhookSender", "dead-letters")) == POISONED:
            break
        sender = Program("WebhookSender", "run", base + "/hook")
        sender.until(lambda: any("given up" in line for line in sender.lines()), "a poisoned one is given up")
        checks.equal(sender.terminate(), 0, "the exit status after SIGTERM")
    for key in KEYS[:3]:
        checks.equal(received(key), values(key), f"what came of {key}, in order")
    checks.equal(received("poison"), [], "what came of poison")
    letters = run("WebhookSender", "dead-letters")
    checks.equal([line.split(" ")[:2] for line in letters], [["poison", value] for value in values("poison")], "the dead letters")
    checks.expect(all(re.search(r"answers 503, \d+ attempts", line) for line in letters), f"reason and attempts: {letters}")

    checks.equal(run("WebhookSender", "requeue"), [f"{POISONED} sent back"], "what requeue says")
    checks.equal(run("WebhookSender", "requeue"), ["0 sent back"], "what requeue says the second time")
    ask("/mend", b"")
    sender = Program("WebhookSender", "run", base + "/hook")
    sender.until(lambda: len(received("poison")) >= POISONED, "the mended receiver has them")
    checks.equal(sender.terminate(), 0, "the exit status after SIGTERM")
    # Requeued records of a key have no order among themselves.
    checks.equal(sorted(received("poison")), sorted(values("poison")), "what came of poison in the end")
    checks.equal(run("WebhookSender", "dead-letters"), [], "the dead letters in the end")
    checks.equal(receiver.terminate(), 0, "the receiver's exit status")
    checks.close()


main()
