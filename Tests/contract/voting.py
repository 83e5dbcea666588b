"""POST /v1/votes and /v1/votes/batch."""

import re
import threading
import time

import tokens
import wire
from wire import vote

POSITION = r"\d+\.\d+\.\d+"
GOOD = b'{"target_id":"nobody","target_type":"video","action":"like"'
REPRESENTATION = ("Prefer", "return=representation")


def votes(r, s):
    """votes"""
    first = r.answer("a vote", s.vote("video_abc123", "alice"), 200)
    r.equal("a vote's body is empty", first.body, b"")
    r.check("a vote's position", re.fullmatch(POSITION, first["Spillway-Position"] or ""), first)
    r.equal("no Preference-Applied unasked", first["Preference-Applied"], None)
    other = s.vote("video_abc123", "bob", headers=[REPRESENTATION])
    r.equal("an outcome", other.json(), {
        "target_id": "video_abc123", "likes": 2, "dislikes": 0, "user_state": "like", "previous_state": "none"})
    r.equal("Preference-Applied", other["Preference-Applied"], "return=representation")
    r.check("an outcome has a position too", re.fullmatch(POSITION, other["Spillway-Position"] or ""), other)
    for action, likes, dislikes, before in [
        ("dislike", 1, 1, "like"), ("dislike", 1, 1, "dislike"), ("none", 1, 0, "dislike"), ("none", 1, 0, "none"),
        ("like", 2, 0, "none"),
    ]:
        found = s.vote("video_abc123", "bob", action, [REPRESENTATION]).json()
        r.equal("then " + action, (found["likes"], found["dislikes"], found["user_state"], found["previous_state"]),
                (likes, dislikes, action, before))
    r.answer("a comment", s.vote("comment:1", "alice", kind="comment"), 200)
    for target in ["a", "A-z_0.9:~", "x" * 128]:
        r.answer("target %s…" % target[:12], s.vote(target, "alice"), 200)
    for user in ["auth0|5f7", "a@b.example", "Zoë", "日本", "u" * 255, "\"quoted\\\"", " "]:
        r.answer("user %s…" % user[:12], s.vote("names", user), 200)
        r.equal("state of user %s…" % user[:12], s.summary(["names"], user).json()["items"]["names"]["user_state"], "like")
    for header in ["Return=representation", "return=\"representation\"", "respond-async, return=representation; x=1"]:
        r.check("Prefer: " + header, s.vote("p", "alice", headers=[("Prefer", header)])["Preference-Applied"])
    r.equal("Prefer: return=minimal", s.vote("p", "alice", headers=[("Prefer", "return=minimal")]).body, b"")


def bad_votes(r, s):
    """votes that are refused"""
    def refused(name, body, status, field=None, **others):
        r.answer(name, s.ask("POST", "/v1/votes", "alice", body, **others), status, field)

    good = vote("nobody")
    for name, change, field in [
        ("no target", {"target_id": None}, "target_id"), ("empty target", {"target_id": ""}, "target_id"),
        ("129 characters", {"target_id": "x" * 129}, "target_id"), ("a slash", {"target_id": "a/b"}, "target_id"),
        ("a space", {"target_id": "a b"}, "target_id"), ("a number", {"target_id": 1}, "target_id"),
        ("a list", {"target_id": ["a"]}, "target_id"), ("NUL", {"target_id": "a\0b"}, "target_id"),
        ("a control character", {"target_id": "a\x1bb"}, "target_id"), ("a newline", {"target_id": "a\n"}, "target_id"),
        ("not ASCII", {"target_id": "ä"}, "target_id"), ("a lone surrogate", {"target_id": "\ud800"}, None),
        ("another type", {"target_type": "song"}, "target_type"), ("no type", {"target_type": None}, "target_type"),
        ("another action", {"action": "love"}, "action"), ("capitals", {"action": "LIKE"}, "action"),
        ("true", {"action": True}, "action"),
    ]:
        if field is None:
            answer = s.ask("POST", "/v1/votes", "alice", {**good, **change})
            r.check(name, answer.status in (400, 422) and answer.is_problem(), answer)
        else:
            refused(name, {**good, **change}, 422, field)
    for field in good:
        refused("without " + field, {key: value for key, value in good.items() if key != field}, 422, field)
    refused("an id of 60 KB", {**good, "target_id": "x" * 60_000}, 422, "target_id")
    for name, body in [
        ("empty", b""), ("a brace", b"{"), ("half", b'{"target_id":"nobody","target_ty'), ("no JSON", b"like"),
        ("single quotes", b"{'target_id':'a'}"), ("a trailing comma", b'{"target_id":"nobody",}'),
        ("two objects", b"{}{}"), ("NUL inside", b'{"target_id":"nobody\0"}'), ("NUL behind", b"{}\0"),
        ("bad UTF-8", b'{"target_id":"\xff","target_type":"video","action":"like"}'),
        ("overlong UTF-8", b'{"target_id":"\xc0\xaf","target_type":"video","action":"like"}'),
        ("UTF-8 of a surrogate", b'{"target_id":"\xed\xa0\x80","target_type":"video","action":"like"}'),
        ("UTF-16", '{"target_id":"a"}'.encode("utf-16")), ("a comment", b"/**/{}"), ("NaN", b'{"target_id":NaN}'),
        ("a trailing comma in what nobody reads", GOOD + b',"x":[1,]}'), ("01", GOOD + b',"x":01}'),
        ("1e", GOOD + b',"x":1e}'), ("a bad escape", GOOD + b',"x":"\\q"}'), ("a tab", GOOD + b',"x":"\t"}'),
        ("bad UTF-8 in what nobody reads", GOOD + b',"x":"\xff"}'), ("a byte order mark", b"\xef\xbb\xbf" + GOOD + b"}"),
        ("32,000 arrays", b"[" * 32_000), ("10,000 objects", b'{"a":' * 10_000),
    ]:
        refused(name, body, 400)
    for name, body in [("an array", b"[]"), ("a string", b'"like"'), ("null", b"null"), ("a number", b"17")]:
        refused(name, body, 422)
    hostile = [
        (b'{"x":' + b"9" * 30_000 + b',"target_id":"nobody","target_type":"video","action":"x"}', (400, 422)),
        (b'{"x":1e999999,"target_id":"nobody","target_type":"video","action":"x"}', (400, 422)),
        (b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b',"target_id":"nobody"}', (400, 422)),
        (b'{"target_id":"nobody","target_id":"other","target_type":"video","action":"x"}', (400, 422)),
        (b'{"\\ud800":1,"target_id":"nobody","target_type":"video","action":"x"}', (400, 422)),
    ]
    for body, statuses in hostile:
        answer = s.ask("POST", "/v1/votes", "alice", body)
        r.check("hostile %s…" % body[:20], answer.status in statuses and answer.is_problem(), answer)
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", None]:
        refused("Content-Type %s" % kind, good, 415, kind=kind)
    r.answer("charset", s.ask("POST", "/v1/votes", "alice", vote("kinds"), kind="application/json; charset=utf-8"), 200)
    refused("over 64 KiB", b" " * 65_537, 413)
    r.answer("64 KiB", s.ask("POST", "/v1/votes", "alice", b" " * (65_536 - 60) + b'{"target_id":"k","target_type":"video","action":"like"}'), 200)
    for key in ["", "a b", "k" * 129, "é"]:
        refused("Idempotency-Key %r" % key[:9], good, 422, "Idempotency-Key", headers=[("Idempotency-Key", key)])
    refused("two keys", good, 422, "Idempotency-Key", headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    r.equal("nothing of it was recorded", s.summary(["nobody"], "alice").json()["items"]["nobody"],
            {"likes": 0, "dislikes": 0, "user_state": "none"})
    r.check("the server is up", s.is_up())


def access(r, s):
    """tokens"""
    body = vote("nobody")
    r.answer("no token", s.ask("POST", "/v1/votes", body=body), 401)
    for value in ["Basic eDp5", "Bearer", "bearer", "Token x", "Bearer\t"]:
        r.answer("Authorization: " + value, s.ask("POST", "/v1/votes", body=body, headers=[("Authorization", value)]), 401)
    for name, token in tokens.bad(s.key()):
        r.answer("a token, " + name, s.ask("POST", "/v1/votes", body=body, token=token), 401)
        r.answer("a summary with a token, " + name, s.ask("GET", "/v1/votes/summary?target_ids=a", token=token), 401)
    good = s.token("alice")
    r.answer("the token in the query", s.ask("POST", "/v1/votes?access_token=" + good, body=body), 401)
    for second in [good, s.token("bob"), "x"]:
        r.answer("two Authorization headers", s.ask(
            "POST", "/v1/votes", token=good, body=body, headers=[("Authorization", "Bearer " + second)]), 400)
    r.answer("bearer in small letters", s.ask("GET", "/v1/me/votes", headers=[("authorization", "bearer " + good)]), 200)
    r.equal("nothing of it was recorded", s.summary(["nobody"]).json()["items"]["nobody"]["likes"], 0)
    brief = tokens.make(s.key(), tokens.claims("brief", exp=int(time.time()) + 2))
    r.answer("a token at the end of its life", s.ask("GET", "/v1/me/votes", token=brief), 200)
    time.sleep(2.1)
    r.answer("and after it", s.ask("GET", "/v1/me/votes", token=brief), 401)


def idempotency(r, s):
    """idempotency keys"""
    def send(action, key="k1", user="ida", headers=(REPRESENTATION,), target="idem"):
        return s.vote(target, user, action, [("Idempotency-Key", key), *headers])

    s.vote("idem", "ida", "dislike", [REPRESENTATION])
    first = r.answer("the first time", send("like"), 200)
    r.equal("its previous state", first.json().get("previous_state"), "dislike")
    s.vote("idem", "ida", "none", [REPRESENTATION])
    s.vote("idem", "other", "like", [REPRESENTATION])
    again = r.answer("the second time", send("like"), 200)
    r.equal("position of the first time", again["Spillway-Position"], first["Spillway-Position"])
    r.equal("previous state of the first time, counts of now", again.json(), {
        "target_id": "idem", "likes": 1, "dislikes": 0, "user_state": "none", "previous_state": "dislike"})
    bare = send("like", headers=())
    r.equal("without Prefer", (bare.status, bare.body, bare["Spillway-Position"]), (200, b"", first["Spillway-Position"]))
    r.answer("another body", send("dislike"), 422, kind="idempotency-mismatch")
    r.answer("another user", send("dislike", user="ivan"), 200)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(send("like", "same", "iris", target="once"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    r.equal("at once, all 200", [answer.status for answer in answers], [200] * 16)
    r.equal("at once, one position", len({answer["Spillway-Position"] for answer in answers}), 1)
    r.equal("at once, one vote", s.summary(["once"], "iris").json()["items"]["once"]["likes"], 1)
    batch = {"votes": [vote("b1"), vote("b2", "dislike")]}
    key = [("Idempotency-Key", "batch")]
    one = s.ask("POST", "/v1/votes/batch", "ida", batch, key)
    s.vote("b1", "ida", "none")
    two = s.ask("POST", "/v1/votes/batch", "ida", batch, key)
    r.equal("a batch again", (two.status, two.json()), (200, {"accepted": 2}))
    r.check("a batch's first position again", two["Spillway-Position"].split(",")[0] in one["Spillway-Position"], (one, two))
    r.equal("a batch changed nothing again", s.summary(["b1"], "ida").json()["items"]["b1"]["user_state"], "none")
    both = {**vote("w1"), "votes": [vote("w1"), vote("w2")]}
    for name, paths in [("vote", ["/v1/votes", "/v1/votes/batch"]), ("batch", ["/v1/votes/batch", "/v1/votes"])]:
        key_of_both = [("Idempotency-Key", "both-" + name)]
        r.answer("a %s that is both" % name, s.ask("POST", paths[0], "ida", both, key_of_both), 200)
        r.answer("the same body to the other route", s.ask("POST", paths[1], "ida", both, key_of_both), 422,
                 kind="idempotency-mismatch")
    r.answer("a batch with another body", s.ask("POST", "/v1/votes/batch", "ida", {"votes": [vote("b1")]}, key), 422)


def batches(r, s):
    """batches"""
    def send(votes, **others):
        return s.ask("POST", "/v1/votes/batch", "bea", votes if isinstance(votes, bytes) else {"votes": votes}, **others)

    many = r.answer("1,000 votes", send([vote("m%d" % number) for number in range(1000)]), 200)
    r.equal("accepted", many.json(), {"accepted": 1000})
    positions = many["Spillway-Position"] or ""
    r.check("positions", re.fullmatch("%s(,%s)*" % (POSITION, POSITION), positions), many)
    items = s.applied(positions, ["m0", "m500", "m999"])
    r.equal("all of them count", [items[name]["likes"] for name in items], [1, 1, 1])
    for count in (0, 1001):
        r.answer("%d votes" % count, send([vote("no")] * count), 422, "votes")
    for index in (0, 7, 999):
        votes = [vote("none%d" % number) for number in range(1000)]
        votes[index]["action"] = "love"
        r.answer("a bad one at %d" % index, send(votes), 422, "votes[%d].action" % index)
    r.equal("nothing of a refused batch", s.summary(["none1"], "bea").json()["items"]["none1"]["likes"], 0)
    last = send([vote("l"), vote("l", "none"), vote("l", "dislike")])
    r.equal("the last of a target wins", s.applied(last["Spillway-Position"], ["l"], "bea")["l"],
            {"likes": 0, "dislikes": 1, "user_state": "dislike"})
    for body, status in [(b"{}", 422), (b'{"votes":{}}', 422), (b'{"votes":null}', 422), (b"[]", 422),
                         (b'{"votes":[null]}', 422), (b'{"votes":[1]}', 422), (b'{"votes":[', 400), (b"", 400)]:
        r.answer("a batch of %r" % body, send(body), status)
    r.answer("no token", s.ask("POST", "/v1/votes/batch", body={"votes": [vote("a")]}), 401)
    r.answer("no JSON", send(b"x", kind="text/plain"), 415)
    padding = b" " * ((1 << 20) - 80)
    r.answer("1 MiB", send(b'{"votes":[{"target_id":"a","target_type":"video","action":"like"}]' + padding + b"}"), 200)
    r.answer("over 1 MiB", send(b" " * ((1 << 20) + 1)), 413)
    r.check("the server is up", s.is_up())


def own_votes(r, s):
    """I see my own votes"""
    with wire.Wire(s.port) as connection:
        token = s.token("own")
        for number in range(200):
            action = ("like", "dislike", "none")[number % 3]
            target = "own%d" % (number % 7)
            connection.request("POST", "/v1/votes", token, vote(target, action))
            found = connection.request("GET", "/v1/votes/summary?target_ids=" + target, token).json()["items"][target]
            wanted = {"likes": int(action == "like"), "dislikes": int(action == "dislike"), "user_state": action}
            if found != wanted:
                r.equal("my own vote, %d" % number, found, wanted)
                return
    r.check("each of 200 votes is seen at once, and counted once", True)
