"""What admins do with consumers, their groups and dead letters, over HTTP and from the command line."""

import base64
import json
import time

from commands import ends

PATH = "/v1/admin/groups"
LETTERS = "/v1/admin/dead-letters"
CONSUMER = "/v1/admin/consumers/reactions"


def groups(r, world):
    """consumer groups"""
    with world.serve() as s:
        for number in range(20):
            last = s.vote("t", "u%d" % number)
        s.applied(last["Spillway-Position"], ["t"])

        def ask(method, path, body=None, **options):
            return s.ask(method, PATH + path, "root", body, scope="admin", **options)

        for method, path, body in [("GET", "", None), ("DELETE", "/reactions/x", None), ("PUT", "/reactions/x/offsets", {"to": "latest"})]:
            r.answer("%s without a token" % method, s.ask(method, PATH + path, body=body), 401)
            refused = r.answer("%s without the scope" % method, s.ask(method, PATH + path, "u1", body), 403)
            r.check("%s: 403 names the scope" % method, "insufficient_scope" in (refused["WWW-Authenticate"] or ""), refused)
        listed = r.answer("the list", ask("GET", ""), 200)
        items = listed.json()["items"]
        r.check("it is not cached", listed["Cache-Control"] == "no-store", listed)
        r.equal("one group", [item["members"] for item in items], [1])
        topic, group = items[0]["topic"], items[0]["group"]
        r.check("with its facts", items[0]["holds_retention"] is True and items[0]["lag_records"] >= 0, items)
        r.answer("delete in use", ask("DELETE", "/%s/%s" % (topic, group)), 409, kind="group-in-use")
        r.answer("set in use", ask("PUT", "/%s/%s/offsets" % (topic, group), {"to": "earliest"}), 409, kind="group-in-use")
        mine = "/%s/%s" % (topic, "mail%2F1%20%C3%A4")
        r.answer("no group yet", ask("DELETE", mine), 404)
        r.answer("no topic", ask("DELETE", "/nothing/g"), 404)
        r.answer("offsets of no topic", ask("PUT", "/nothing/g/offsets", {"to": "latest"}), 404)
        for name, bad, status, field in [
            ("nothing", {}, 422, "to"), ("two", {"to": "latest", "time": "2026-01-01T00:00:00Z"}, 422, "to"),
            ("another word", {"to": "now"}, 422, "to"), ("no time", {"time": "noon"}, 422, "time"),
            ("no positions", {"positions": {}}, 422, "positions"), ("no partition", {"positions": {"99": "1-1"}}, 422, "positions"),
            ("no position", {"positions": {"0": "1.1"}}, 422, "positions[0]"), ("no object", [], 422, None), ("a brace", "{", 400, None),
        ]:
            r.answer("offsets: " + name, ask("PUT", mine + "/offsets", bad), status, field)
        r.answer("offsets: no JSON", ask("PUT", mine + "/offsets", "x", kind="text/plain"), 415)
        r.equal("a refusal makes no group", len(ask("GET", "").json()["items"]), 1)
        latest = r.answer("to the latest", ask("PUT", mine + "/offsets", {"to": "latest"}), 200).json()
        r.equal("all partitions", (latest["group"], len(latest["committed"])), ("mail/1 ä", 4))
        earliest = ask("PUT", mine + "/offsets", {"to": "earliest"}).json()["committed"]
        r.check("the earliest is before", all(earliest[name] < end for name, end in latest["committed"].items()), (earliest, latest))
        old = ask("PUT", mine + "/offsets", {"time": "2020-01-01T00:00:00Z"}).json()["committed"]
        r.check("a time before all", all(old[name] >= start for name, start in earliest.items()) and old != latest["committed"], old)
        r.equal("a time after all", ask("PUT", mine + "/offsets", {"time": "2999-01-01T00:00:00Z"}).json(), latest)
        one = ask("PUT", mine + "/offsets", {"positions": {"2": "0-0"}}).json()["committed"]
        r.equal("one partition", one, {**latest["committed"], "2": earliest["2"]})
        s.kill()
        s.start()
        kept = [item for item in ask("GET", "").json()["items"] if item["group"] == "mail/1 ä"]
        r.equal("it survives SIGKILL", [item["committed"] for item in kept], [one])
        r.equal("and holds no retention", [item["holds_retention"] for item in kept], [False])
        gone = r.answer("delete", ask("DELETE", mine), 204)
        r.equal("no body", gone.body, b"")
        r.answer("delete again", ask("DELETE", mine), 404)
        s.kill()
        s.start()
        r.equal("gone after SIGKILL", len(ask("GET", "").json()["items"]), 1)
        paths = s.ask("GET", "/openapi.json").json()["paths"]
        r.check("the specification has them", all(PATH + path in paths for path in ["", "/{topic}/{group}", "/{topic}/{group}/offsets"]), paths)
        by_command(r, world, s, topic, group)


def by_command(r, world, s, topic, group):
    url, token = "http://127.0.0.1:%d" % s.port, s.token("root", scope="admin")

    def run(*arguments, token=token):
        return world.run(*arguments, "--url", url, environment={"SPILLWAY_TOKEN": token} if token else {})

    said = ends(r, "groups list", run("groups", "list"), 0, "TOPIC", "COMMITTED")
    r.check("a line for the group", any(line.split()[:3] == [topic, group, "1"] for line in said.splitlines()), said)
    listed = json.loads(run("groups", "list", "--json").stdout)
    r.equal("groups list --json", [item["group"] for item in listed["items"]], [group])
    ends(r, "groups delete in use", run("groups", "delete", topic, group), 1, "409", "members")
    ends(r, "groups seek in use", run("groups", "seek", topic, group, "--to", "latest"), 1, "409")
    ends(r, "groups seek", run("groups", "seek", topic, "a/b", "--to", "earliest"), 0, "a/b of %s begins at 0=" % topic)
    set_to = json.loads(run("groups", "seek", topic, "a/b", "--to", "2026-01-01T00:00:00Z", "--json").stdout)
    r.equal("groups seek --json", set_to["group"], "a/b")
    positions = ",".join("%s=%s" % pair for pair in sorted(set_to["committed"].items()))
    ends(r, "what it prints can be given again", run("groups", "seek", topic, "a/b", "--to", positions), 0, positions)
    ends(r, "groups delete", run("groups", "delete", topic, "a/b"), 0, "deleted a/b")
    ends(r, "groups delete again", run("groups", "delete", topic, "a/b"), 1, "404")
    ends(r, "groups with a user's token", run("groups", "list", token=s.token("u1")), 1, "403")
    ends(r, "groups without a token", run("groups", "list", token=None), 64)
    for name, arguments in [
        ("no verb", ["groups"]), ("another verb", ["groups", "walk"]), ("no group", ["groups", "delete", topic]),
        ("no --to", ["groups", "seek", topic, "g"]), ("a bad --to", ["groups", "seek", topic, "g", "--to", "noon"]),
        ("dead-letters without a verb", ["dead-letters"]), ("requeue of nothing", ["dead-letters", "requeue"]),
        ("requeue of both", ["dead-letters", "requeue", "a", "--group", "g"]), ("discard of nothing", ["dead-letters", "discard"]),
    ]:
        ends(r, name, world.run(*arguments, environment={"SPILLWAY_TOKEN": token}), 64)
    ends(r, "groups of no server", world.run("groups", "list", "--url", "http://127.0.0.1:1", "--token", token), 1, "no answer")


def letter_id(group, partition=0, high=1, low=1):
    """The id of a dead letter, as the server writes it; numbers below 128."""
    names = b"".join(bytes([len(name)]) + name for name in (group.encode(), b"embedded", b"reactions"))
    return base64.urlsafe_b64encode(b"\x01" + names + bytes([partition, high, low])).decode().rstrip("=")


def dead_letters(r, world):
    """dead letters"""
    with world.serve() as s:
        def ask(method, path, body=None):
            return s.ask(method, LETTERS + path, "root", body, scope="admin")

        mine, other = "/" + letter_id("reactions"), "/" + letter_id("mail")
        for method, path, body in [
            ("GET", "", None), ("POST", "/requeue", {"group": "mail"}), ("GET", other, None), ("DELETE", other, None), ("POST", other + "/requeue", {}),
        ]:
            r.answer("%s %s without a token" % (method, path), s.ask(method, LETTERS + path, body=body), 401)
            refused = r.answer("%s %s without the scope" % (method, path), s.ask(method, LETTERS + path, "u1", body), 403)
            r.check("403 names the scope", "insufficient_scope" in (refused["WWW-Authenticate"] or ""), refused)
        listed = r.answer("the list", ask("GET", ""), 200)
        r.equal("there are none", listed.json(), {"items": [], "next_cursor": None})
        r.equal("it is not cached", listed["Cache-Control"], "no-store")
        r.answer("of a group", ask("GET", "?group=reactions&limit=1"), 200)
        for query, status, field in [("limit=0", 422, "limit"), ("limit=101", 422, "limit"), ("cursor=x", 400, None)]:
            r.answer("?" + query, ask("GET", "?" + query), status, field)
        r.answer("one that is not there", ask("GET", mine), 404)
        r.answer("no id", ask("GET", "/nonsense"), 404)
        r.answer("thrown away, though it is not there", ask("DELETE", mine), 204)
        r.answer("the projections' letter", ask("POST", mine + "/requeue"), 409, kind="not-requeueable")
        r.answer("all of the projections'", ask("POST", "/requeue", {"group": "reactions"}), 409, kind="not-requeueable")
        r.equal("another group's", ask("POST", other + "/requeue").json(), {"requeued": 0})
        r.equal("all of another group", ask("POST", "/requeue", {"group": "mail"}).json(), {"requeued": 0, "next_cursor": None})
        r.answer("of no group", ask("POST", "/requeue", {}), 422, "group")
        metrics = s.ask("GET", "/metrics").body
        r.check("they are counted", b"\nspillway_dead_letters_records 0\n" in metrics, "no spillway_dead_letters_records")
        url, token = "http://127.0.0.1:%d" % s.port, s.token("root", scope="admin")

        def run(*arguments):
            return world.run("dead-letters", *arguments, "--url", url, environment={"SPILLWAY_TOKEN": token})

        ends(r, "dead-letters list", run("list"), 0, "GROUP", "REASON")
        ends(r, "dead-letters show", run("show", mine[1:]), 1, "404")
        ends(r, "dead-letters discard", run("discard", mine[1:]), 0, "discarded 1")
        ends(r, "dead-letters requeue of the projections'", run("requeue", "--group", "reactions"), 1, "409", "discard")
        ends(r, "dead-letters requeue", run("requeue", other[1:]), 0, "requeued 0")
        r.equal("SIGTERM", s.stop(), 0)
        log = s.log_text()
        r.check("no error in its log", " error " not in log and " critical " not in log, log[-800:])


def consumers(r, world):
    """consumers: inspect, settings, and a pause that survives restarts"""
    with world.serve("--position-wait", "1s") as s:
        def run(*arguments, user="root", scope="admin"):
            return world.run(
                *arguments, "--url", "http://127.0.0.1:%d" % s.port, environment={"SPILLWAY_TOKEN": s.token(user, scope=scope)})

        def likes(position=None):
            return s.summary(["t"], headers=[("Spillway-Position", position)] if position else []).json().get("items", {}).get("t", {}).get("likes")

        def inspected():
            return s.ask("GET", CONSUMER, "root", scope="admin").json()

        for method, path, body in [("GET", "", None), ("GET", "/settings", None), ("PUT", "/settings", {"settings": {}}), ("POST", "/seek", {"to": "latest"})]:
            r.answer("%s %s without a token" % (method, path), s.ask(method, CONSUMER + path, body=body), 401)
            r.answer("%s %s without the scope" % (method, path), s.ask(method, CONSUMER + path, "u1", body), 403)
        r.equal("a vote is applied", likes(s.vote("t", "u1")["Spillway-Position"]), 1)
        ends(r, "inspect", run("inspect"), 0, "reactions: running", "group reactions", "settings revision 0", "PARTITION")
        ends(r, "inspect of one", run("inspect", "reactions"), 0, "reactions: running")
        ends(r, "inspect of none", run("inspect", "mail"), 1, "no consumer mail")
        ends(r, "inspect with a user's token", run("inspect", scope="none"), 1, "403")
        listed = json.loads(run("inspect", "--json").stdout)["items"]
        r.equal("inspect --json", [(item["id"], item["is_paused"], len(item["partitions"])) for item in listed], [("reactions", False, 4)])

        ends(r, "a pause", run("settings", "set", "reactions", "is_paused=true"), 0, "revision 1: is_paused=true")
        voted = s.vote("t", "u2")
        r.answer("a vote during it", voted, 200)
        position = voted["Spillway-Position"]
        r.answer("it is not applied", s.summary(["t"], headers=[("Spillway-Position", position)]), 503, kind="not-yet-applied")
        r.equal("its user sees it", s.summary(["t"], "u2").json()["items"]["t"], {"likes": 2, "dislikes": 0, "user_state": "like"})
        ends(r, "inspect during it", run("inspect"), 0, "reactions: paused by an operator", "settings revision 1")
        for name, end in [("SIGTERM", s.stop), ("SIGKILL", s.kill)]:
            end()
            s.start()
            r.check("after %s it is paused" % name, inspected()["is_paused"] and inspected()["settings_revision"] == 1, inspected())
            r.answer("after %s it is not applied" % name, s.summary(["t"], headers=[("Spillway-Position", position)]), 503, kind="not-yet-applied")
            r.equal("after %s its user sees it" % name, s.summary(["t"], "u2").json()["items"]["t"]["user_state"], "like")
        ends(r, "the end of the pause", run("settings", "set", "reactions", "is_paused="), 0, "revision 2: nothing set")
        deadline = time.monotonic() + 20
        while likes(position) != 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        r.equal("then it is applied, once", likes(position), 2)
        ends(r, "inspect after it", run("inspect"), 0, "reactions: running", "settings revision 2")
        ends(r, "the history", run("settings", "history", "reactions"), 0, "is_paused=true", "root", "nothing set")
        shown = json.loads(run("settings", "show", "reactions", "--json").stdout)
        r.equal("settings show", shown, {"revision": 2, "settings": {}})
        r.answer("a change from an old revision", s.ask("PUT", CONSUMER + "/settings", "root", {"revision": 1, "settings": {}}, scope="admin"), 409)

        # The store keeps how far the projections are, in the transactions that apply: nobody may set them anywhere else.
        ends(r, "seek of the projections", run("settings", "seek", "reactions", "--to", "earliest"), 1, "keeps its own positions")
        ends(r, "seek of no consumer", run("settings", "seek", "mail", "--to", "earliest"), 1, "404")
        ends(r, "seek to nowhere", run("settings", "seek", "reactions"), 64, "--to")
        ends(r, "seek to noon", run("settings", "seek", "reactions", "--to", "noon"), 64)
        r.equal("a refused seek changes nothing", inspected()["settings_revision"], 2)
        r.equal("nor the count", likes(), 2)
        r.equal("SIGTERM", s.stop(), 0)
    ends(r, "settings of the stopped server", world.run("settings", "show", "reactions", "--data", s.data), 0, "revision 2: nothing set")
    ends(r, "audit", world.run("audit", "--data", s.data), 0, "reactions=2 drift=0")
