"""Users who vote, toggle, repeat themselves, send batches and read what they wrote, until the server is gone."""

import random
import threading

from client import Client, Gone
from world import REACTIONS, Request


class Load:
    """Threads, each with its own users. `stop` lets each finish its request; a kill leaves it pending."""

    def __init__(self, world, port, threads, seed):
        self.world, self.port, self.problems = world, port, []
        self.over = threading.Event()
        share = [world.users[i::threads] for i in range(threads)]
        self.threads = [
            threading.Thread(target=self._run, args=(users, random.Random(seed * 1000 + i)), daemon=True)
            for i, users in enumerate(share)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a request hangs"
        if self.problems:
            raise AssertionError(self.problems[0])

    def _run(self, users, chance):
        client = Client(self.port)
        try:
            while not self.over.is_set():
                self._act(client, chance.choice(users), chance)
        except Gone:
            pass
        except AssertionError as problem:
            self.problems.append(str(problem))
        finally:
            client.close()

    def _act(self, client, user, chance):
        if user.pending:
            # Its outcome is unknown while the server runs on, and nothing may be sent behind it.
            if user.pending.key:
                self.send(client, user, user.pending)
            return
        kind = chance.random()
        if kind < 0.55:
            self.send(client, user, self._single(user, chance))
        elif kind < 0.70:
            self.send(client, user, self._batch(chance))
        elif kind < 0.80 and user.keyed:
            self.repeat(client, user, chance.choice(user.keyed))
        else:
            self._read(client, user, chance)

    def _single(self, user, chance):
        target = chance.choice(self.world.targets[:5] if chance.random() < 0.3 else self.world.targets)
        key = "k%d" % chance.getrandbits(60) if chance.random() < 0.4 else None
        return Request([(target, chance.choice(REACTIONS))], key, wants_outcome=chance.random() < 0.1)

    def _batch(self, chance):
        # A target may come twice: the later vote counts.
        votes = [(chance.choice(self.world.targets), chance.choice(REACTIONS)) for _ in range(chance.randint(1, 40))]
        return Request(votes, "b%d" % chance.getrandbits(60) if chance.random() < 0.4 else None, is_batch=True)

    def send(self, client, user, request):
        user.pending = request
        if request.previous is None:
            # Sent again, it is answered with the state before the first time.
            request.previous = user.reaction(request.votes[0][0])
        self.last_answer = answer = client.request("POST", request.path, user.token, request.body, request.headers)
        if answer.status == 503 and b"outcome-unknown" in answer.body:
            return
        if answer.status in (429, 503):
            user.pending = None
            return
        if answer.status != 200:
            raise AssertionError("user %s: %r for %s" % (user.name, answer, request.body))
        user.state, user.pending = request.applied_to(user.state), None
        request.position = answer.headers.get("spillway-position")
        self.world.acknowledge(len(request.votes))
        if request.key:
            user.keyed = user.keyed[-20:] + [request]
        if request.wants_outcome and answer.body:
            target, action = request.votes[0]
            outcome = answer.json()
            if outcome["user_state"] != action or outcome["previous_state"] != request.previous:
                raise AssertionError("user %s: %s after %s: %r" % (user.name, action, request.previous, answer))

    def repeat(self, client, user, request):
        """The same user and key again: the same answer, and nothing changes."""
        answer = client.request("POST", request.path, user.token, request.body, request.headers)
        if answer.status in (429, 503):
            return
        if answer.status != 200 or answer.headers.get("spillway-position") != request.position:
            raise AssertionError(
                "user %s repeats %s, first answered at %s: %r at %s" % (
                    user.name, request.key, request.position, answer, answer.headers.get("spillway-position")))

    def _read(self, client, user, chance):
        targets = chance.sample(self.world.targets, min(10, len(self.world.targets)))
        check_states(client, user, targets, "while it runs")


def summary(client, targets, token=None, deadline=None):
    answer = client.request("GET", "/v1/votes/summary?target_ids=" + ",".join(targets), token)
    assert answer.status == 200, "summary: %r" % answer
    return answer.json()["items"]


def check_states(client, user, targets, where):
    items = summary(client, targets, user.token)
    if user.pending is None:
        for target in targets:
            if items[target]["user_state"] != user.reaction(target):
                raise AssertionError(
                    "%s: user %s: %s is %s, acknowledged %s" % (
                        where, user.name, target, items[target]["user_state"], user.reaction(target)))
    return items
