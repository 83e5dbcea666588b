"""What the server must say: a model of every user's reactions, from what was acknowledged."""

import json
import random
import threading

REACTIONS = ("like", "dislike", "none")


class Request:
    """One request with votes, which is carried out as a whole or not at all."""

    def __init__(self, votes, key=None, is_batch=False, wants_outcome=False):
        self.votes, self.key, self.is_batch, self.wants_outcome = votes, key, is_batch, wants_outcome
        bodies = [{"target_id": target, "target_type": "video", "action": action} for target, action in votes]
        self.path = "/v1/votes/batch" if is_batch else "/v1/votes"
        self.body = json.dumps({"votes": bodies} if is_batch else bodies[0]).encode()
        self.position, self.previous = None, None

    @property
    def headers(self):
        found = [("Idempotency-Key", self.key)] if self.key else []
        return found + ([("Prefer", "return=representation")] if self.wants_outcome else [])

    def applied_to(self, state):
        changed = dict(state)
        changed.update(self.votes)
        return changed


class User:
    """One user, driven by one thread at a time."""

    def __init__(self, name, token):
        self.name, self.token = name, token
        self.state = {}
        # Sent, and neither acknowledged nor refused: it may have been carried out or not.
        self.pending = None
        # Acknowledged requests with an idempotency key.
        self.keyed = []

    def reaction(self, target):
        return self.state.get(target, "none")

    def settle(self, seen, where):
        """Takes what the server says of this user's states now: the acknowledged ones, with the pending request or not."""
        allowed = [self.state]
        if self.pending:
            allowed.append(self.pending.applied_to(self.state))
        for state in reversed(allowed):
            if all(state.get(target, "none") == seen[target] for target in seen):
                self.state = state
                return
        wrong = [
            "%s is %s, acknowledged %s%s" % (
                target, seen[target], self.reaction(target),
                ", pending %s" % self.pending.votes if self.pending else "")
            for target in seen if all(state.get(target, "none") != seen[target] for state in allowed)
        ] or ["a request was carried out in part: pending %s" % self.pending.votes]
        raise AssertionError("%s: user %s: %s" % (where, self.name, "; ".join(wrong)))


class World:
    def __init__(self, users, targets, seed):
        self.users, self.targets, self.random = users, targets, random.Random(seed)
        self.lock = threading.Lock()
        self.acknowledged = 0

    def counts(self):
        totals = {target: [0, 0] for target in self.targets}
        for user in self.users:
            for target, reaction in user.state.items():
                if reaction != "none":
                    totals[target][0 if reaction == "like" else 1] += 1
        return {target: tuple(total) for target, total in totals.items()}

    def reactions(self):
        return sum(1 for user in self.users for reaction in user.state.values() if reaction != "none")

    def acknowledge(self, votes):
        with self.lock:
            self.acknowledged += votes
