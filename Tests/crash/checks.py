"""What must hold after a start."""

import time

from client import Client
from load import Load, check_states, summary


def check_first_answers(world, port):
    """At each user's first answer every acknowledged vote is there, and a pending one is there as a whole or not."""
    client = Client(port)
    for user in world.users:
        items = summary(client, world.targets, user.token)
        user.settle({target: items[target]["user_state"] for target in world.targets}, "first answer")
    client.close()


def send_again(world, port):
    """Pending requests with a key are sent again: answered 200, and carried out once."""
    client, sender = Client(port), Load(world, port, 0, 0)
    for user in world.users:
        request, user.pending = user.pending, None
        if request and request.key:
            sender.send(client, user, request)
            assert user.pending is None, "user %s: sending %s again: %r" % (
                user.name, request.body, sender.last_answer)
            sender.repeat(client, user, request)
            check_states(client, user, world.targets, "after sending again")
    client.close()


def check_repeats(world, port, chance):
    """Keys that were answered before the crash are still known."""
    client, sender = Client(port), Load(world, port, 0, 0)
    for user in chance.sample(world.users, min(10, len(world.users))):
        for request in user.keyed[-3:]:
            sender.repeat(client, user, request)
        check_states(client, user, world.targets, "after repeats")
    client.close()


def check_counts(world, port, seconds=40):
    """The counts become those of the model, and stay."""
    client, wanted, end = Client(port), world.counts(), time.monotonic() + seconds
    while True:
        items = summary(client, world.targets)
        seen = {target: (items[target]["likes"], items[target]["dislikes"]) for target in world.targets}
        if seen == wanted:
            break
        if time.monotonic() > end:
            wrong = {t: (seen[t], wanted[t]) for t in wanted if seen[t] != wanted[t]}
            raise AssertionError("counts are off after %d s (seen, wanted): %s" % (seconds, wrong))
        time.sleep(0.02)
    # With a token the counts come past the cache; they must be the same.
    for user in world.users[:5]:
        items = check_states(client, user, world.targets, "drained")
        seen = {target: (items[target]["likes"], items[target]["dislikes"]) for target in world.targets}
        assert seen == wanted, "counts for user %s differ: %s" % (
            user.name, {t: (seen[t], wanted[t]) for t in wanted if seen[t] != wanted[t]})
    client.close()


def check_lists(world, port, chance):
    """What users reacted to, and who reacted to targets, by all pages."""
    client = Client(port)
    for user in chance.sample(world.users, min(5, len(world.users))):
        for reaction in ("like", "dislike"):
            seen = pages(client, "/v1/me/votes?reaction=%s&limit=7" % reaction, user.token, "target_id")
            wanted = {target for target, mine in user.state.items() if mine == reaction}
            assert len(seen) == len(set(seen)) and set(seen) == wanted, "user %s, %s: %s instead of %s" % (
                user.name, reaction, sorted(seen), sorted(wanted))
    for target in chance.sample(world.targets, min(3, len(world.targets))):
        seen = pages(client, "/v1/targets/%s/voters?reaction=like&limit=7" % target, world.users[0].token, "user_id")
        wanted = {user.name for user in world.users if user.reaction(target) == "like"}
        assert len(seen) == len(set(seen)) and set(seen) == wanted, "voters of %s: %s instead of %s" % (
            target, sorted(seen), sorted(wanted))
    client.close()


def pages(client, path, token, field):
    seen, cursor = [], ""
    while True:
        answer = client.request("GET", path + cursor, token)
        assert answer.status == 200, "%s: %r" % (path, answer)
        page = answer.json()
        seen += [item[field] for item in page["items"]]
        if not page.get("next_cursor"):
            return seen
        cursor = "&cursor=" + page["next_cursor"]
