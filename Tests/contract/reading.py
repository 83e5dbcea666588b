"""Summaries, lists, positions, methods, caches."""

import json
import re

from wire import vote


def summaries(r, s):
    """summaries"""
    position = s.vote("s1", "sam")["Spillway-Position"]
    path = "/v1/votes/summary?target_ids="
    open_ = s.ask("GET", path + "s1,unknown", headers=[("Spillway-Position", position)])
    r.answer("without a token", open_, 200)
    r.equal("the items", open_.json(), {"items": {
        "s1": {"likes": 1, "dislikes": 0, "user_state": "none"}, "unknown": {"likes": 0, "dislikes": 0, "user_state": "none"}}})
    r.equal("Content-Type", open_["Content-Type"], "application/json")
    r.equal("Vary", open_["Vary"], "Authorization")
    r.equal("Cache-Control", open_["Cache-Control"], "public, max-age=1")
    r.check("ETag", re.fullmatch(r'"[^"]+"', open_["ETag"] or ""), open_)
    for value in [open_["ETag"], "W/" + open_["ETag"], "*", '"x", ' + open_["ETag"]]:
        known = s.ask("GET", path + "s1,unknown", headers=[("If-None-Match", value)])
        r.equal("If-None-Match: " + value, (known.status, known.body, known["ETag"], known["Vary"]),
                (304, b"", open_["ETag"], "Authorization"))
    r.answer("If-None-Match of another", s.ask("GET", path + "s1,unknown", headers=[("If-None-Match", '"x"')]), 200)
    mine = s.ask("GET", path + "s1", "sam", headers=[("If-None-Match", "*")])
    r.equal("with a token", (mine.status, mine.json()["items"]["s1"]["user_state"]), (200, "like"))
    r.equal("with a token it is private", (mine["Cache-Control"], mine["ETag"], mine["Vary"]),
            ("private, no-store", None, "Authorization"))
    ids = ["i%d" % number for number in range(100)]
    hundred = s.summary(ids)
    r.equal("100 ids in their order", list(json.loads(hundred.body)["items"]), ids)
    r.answer("101 ids", s.summary(ids + ["x"]), 422, "target_ids")
    r.answer("%2C between ids", s.ask("GET", path + "a%2Cb"), 200)
    r.equal("an id twice", list(s.ask("GET", path + "a,b,a").json()["items"]), ["a", "b"])
    r.answer("100 ids of 128 characters", s.summary([("%03d" % number) + "x" * 125 for number in range(100)]), 200)
    for query in ["", "?", "?x=1", "?target_id=a"]:
        r.answer("query %r" % query, s.ask("GET", "/v1/votes/summary" + query), 400)
    for value in ["", ",", "a,", "a,,b", "a%20b", "a%00", "%FF", "%252C", "a%2Fb", "x" * 129, "a%0D%0Ab", "%C3%A4"]:
        r.answer("target_ids=%s" % value[:12], s.ask("GET", path + value), 422, "target_ids")
    for value in ["a%", "a%2", "a%zz", "a b", "a\x7f", "\xe4"]:
        r.answer("target %r" % value, s.ask("GET", path + value), 400)
    r.answer("20 KB of ids", s.ask("GET", path + "a" * 20_000), 414)


def positions(r, s):
    """positions"""
    path = "/v1/votes/summary?target_ids=pos"
    for number in range(30):
        position = s.vote("pos", "p%d" % number)["Spillway-Position"]
        found = s.ask("GET", path, headers=[("Spillway-Position", position)]).json()["items"]["pos"]["likes"]
        if found != number + 1:
            r.equal("a read behind position %s" % position, found, number + 1)
            break
    else:
        r.check("reads behind a position see the vote", True)
    r.answer("me/votes takes it too", s.ask("GET", "/v1/me/votes", "p1", headers=[("Spillway-Position", position)]), 200)
    two = [("Spillway-Position", position), ("Spillway-Position", position)]
    r.answer("two headers", s.ask("GET", path, headers=two), 200)
    for value in ["", ",", "x", "1", "1.2", "1.2.3.4", "-1.0.0", "1.0.99999999999999999999", "1.0.5;", "é"]:
        r.answer("Spillway-Position: " + value, s.ask("GET", path, headers=[("Spillway-Position", value)]), 400)
    epoch, partition, sequence = position.split(".")
    far = "%s.%s.%d" % (epoch, partition, int(sequence) + 10**12)
    r.answer("a position that never comes", s.ask("GET", path, headers=[("Spillway-Position", far)]), 503, kind="not-yet-applied")
    old = "0.%s.%d" % (partition, 10**12)
    r.answer("one of an older log is not waited for", s.ask("GET", path, headers=[("Spillway-Position", old)]), 200)
    r.answer("a partition that is not there", s.ask("GET", path, headers=[("Spillway-Position", "%s.255.1" % epoch)]), 422)


def lists(r, s):
    """lists"""
    for number in range(25):
        s.vote("list%02d" % number, "lea")
    s.vote("other", "lea", "dislike")
    for number in range(25):
        last = s.vote("crowd", "fan%02d" % number)
    s.applied(last["Spillway-Position"], ["crowd"])

    def pages(path, user, name):
        found, cursor, count = [], "", 0
        while count < 30:
            page = s.ask("GET", "%s?limit=7%s" % (path, cursor), user)
            count += 1
            r.check("a page", page.status == 200 and len(page.json()["items"]) <= 7, page)
            found += [item[name] for item in page.json()["items"]]
            if page.json()["next_cursor"] is None:
                break
            cursor = "&cursor=" + page.json()["next_cursor"]
        return found

    r.equal("my likes, newest first", pages("/v1/me/votes", "lea", "target_id"), ["list%02d" % n for n in reversed(range(25))])
    r.equal("voters, newest first", pages("/v1/targets/crowd/voters", "lea", "user_id"), ["fan%02d" % n for n in reversed(range(25))])
    mine = s.ask("GET", "/v1/me/votes?reaction=dislike", "lea").json()["items"]
    r.check("an entry", mine and set(mine[0]) == {"target_id", "target_type", "reaction", "at"} and mine[0]["reaction"] == "dislike"
            and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", mine[0]["at"]), mine)
    theirs = s.ask("GET", "/v1/targets/crowd/voters?limit=1", "lea").json()["items"]
    r.check("a voter", set(theirs[0]) == {"user_id", "target_type", "reaction", "at"}, theirs)
    r.equal("a list is not kept", s.ask("GET", "/v1/me/votes", "lea")["Cache-Control"], "private, no-store")
    r.equal("nobody's list", s.ask("GET", "/v1/me/votes", "nobody-at-all").json(), {"items": [], "next_cursor": None})
    r.equal("50 by default", len(s.ask("GET", "/v1/me/votes", "bea").json()["items"]), 50)
    r.equal("100 at most", len(s.ask("GET", "/v1/me/votes?limit=100", "bea").json()["items"]), 100)
    s.vote("list24", "lea", "none")
    r.equal("what I took back is gone", s.ask("GET", "/v1/me/votes?limit=1", "lea").json()["items"][0]["target_id"], "list23")
    for path in ["/v1/me/votes", "/v1/targets/crowd/voters"]:
        for query, status, field in [
            ("limit=0", 422, "limit"), ("limit=101", 422, "limit"), ("limit=x", 422, "limit"), ("limit=1e1", 422, "limit"),
            ("limit=", 422, "limit"), ("limit=99999999999999999999", 422, "limit"), ("reaction=none", 422, "reaction"),
            ("reaction=", 422, "reaction"), ("cursor=x", 400, None), ("cursor=", 400, None), ("cursor=1-2-3", 400, None),
            ("reaction=%FF", 400, None),
        ]:
            r.answer("%s?%s" % (path, query), s.ask("GET", path + "?" + query, "lea"), status, field)
        r.answer(path + " without a token", s.ask("GET", path), 401)
    for target, status in [("a%20b", 422), ("a%2Fb", 422), ("x" * 129, 422), ("%00", 422), ("%FF", 400), ("", 404)]:
        r.answer("voters of %r" % target[:8], s.ask("GET", "/v1/targets/%s/voters" % target, "lea"), status)


def voters_access(r, world):
    """who may list voters"""
    for access, statuses in [("anyone", (200, 200, 200)), ("token", (401, 200, 200)), ("admin", (401, 403, 200))]:
        with world.serve("--voters-access", access) as s:
            path = "/v1/targets/a/voters"
            s.vote("a", "x")
            found = (s.ask("GET", path), s.ask("GET", path, "x"), s.ask("GET", path, "x", scope="admin"))
            for answer, status in zip(found, statuses):
                r.answer("voters for %s" % access, answer, status)


def pattern(path):
    """The path as the specification has it."""
    names = {"a": "{id}", "t": "{topic}", "g": "{group}", "letter": "{id}", "consumer": "{id}"}
    return "/".join(names.get(part, part) for part in path.split("/"))


def methods(r, s):
    """methods and paths"""
    table = {
        "/v1/votes": "POST", "/v1/votes/batch": "POST", "/v1/votes/summary": "GET", "/v1/votes/stream": "GET",
        "/v1/me/votes": "GET", "/v1/targets/a/voters": "GET", "/v1/admin/backup": "POST", "/healthz": "GET",
        "/readyz": "GET", "/metrics": "GET", "/openapi.json": "GET",
        "/v1/admin/groups": "GET", "/v1/admin/groups/t/g": "DELETE", "/v1/admin/groups/t/g/offsets": "PUT",
        "/v1/admin/dead-letters": "GET", "/v1/admin/dead-letters/requeue": "POST", "/v1/admin/dead-letters/letter": "GET DELETE",
        "/v1/admin/dead-letters/letter/requeue": "POST",
        "/v1/admin/consumers": "GET", "/v1/admin/consumers/consumer": "GET", "/v1/admin/consumers/consumer/seek": "POST",
        "/v1/admin/consumers/consumer/settings": "GET PUT", "/v1/admin/consumers/consumer/settings/history": "GET",
    }
    for path, allowed in table.items():
        wanted = {"OPTIONS", *allowed.split()} | ({"HEAD"} if "GET" in allowed else set())
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"]:
            if method in wanted:
                continue
            answer = s.ask(method, path)
            r.check("%s %s is 405" % (method, path), answer.status == 405 and (method == "HEAD" or answer.is_problem()), answer)
            r.equal("%s %s: Allow" % (method, path), set((answer["Allow"] or "").split(", ")), wanted)
        options = s.ask("OPTIONS", path)
        r.equal("OPTIONS " + path, (options.status, set((options["Allow"] or "").split(", "))), (204, wanted))
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/votes/summary?target_ids=zz"]:
        get, head = s.ask("GET", path), s.ask("HEAD", path)
        r.equal("HEAD " + path, (head.status, head.body, head["Content-Type"]), (get.status, b"", get["Content-Type"]))
        if path != "/metrics":
            r.equal("HEAD %s: Content-Length" % path, head["Content-Length"], get["Content-Length"])
    head = s.ask("HEAD", "/v1/votes/stream?target_ids=zz")
    r.equal("HEAD of a stream", (head.status, head["Content-Type"]), (200, "text/event-stream"))
    for path in ["/nothing", "/v1", "/v1/votes/", "//v1/votes", "/v1/votes/summary/x", "/V1/votes", "/v1/targets/a", "/v1/targets/a/b/voters"]:
        r.answer("GET " + path, s.ask("GET", path), 404)
        r.answer("POST " + path, s.ask("POST", path, body={}), 404)
    r.answer("an encoded path", s.ask("GET", "/%68ealthz"), 200)
    r.equal("healthz", s.ask("GET", "/healthz").status, 200)
    metrics = s.ask("GET", "/metrics")
    r.check("metrics", metrics.status == 200 and metrics["Content-Type"].startswith("text/plain; version=0.0.4")
            and b"# HELP" in metrics.body and b"spillway_" in metrics.body, metrics)
    document = s.ask("GET", "/openapi.json")
    r.check("openapi.json", document.status == 200 and document.json().get("openapi", "").startswith("3.1"), document)
    paths = {pattern(path) for path in table}
    r.equal("the specification has each path", set(document.json().get("paths", {})), paths)
    for path, allowed in table.items():
        r.equal("and its methods, " + path, set(document.json()["paths"][pattern(path)]), set(allowed.lower().split()))


def origins(r, world):
    """cross-origin requests"""
    ask = [("Origin", "https://good.example"), ("Access-Control-Request-Method", "POST"),
           ("Access-Control-Request-Headers", "authorization,content-type")]
    with world.serve() as s:
        none = s.ask("OPTIONS", "/v1/votes", headers=ask)
        r.equal("none by default", (none["Access-Control-Allow-Origin"], s.ask("GET", "/healthz", headers=ask[:1])["Access-Control-Allow-Origin"]), (None, None))
    with world.serve("--allowed-origins", "https://good.example,http://localhost:3000") as s:
        first = s.ask("OPTIONS", "/v1/votes", headers=ask)
        r.equal("a preflight", (first.status, first["Access-Control-Allow-Origin"]), (204, "https://good.example"))
        r.check("its methods", "POST" in (first["Access-Control-Allow-Methods"] or ""), first)
        r.check("its headers", "authorization" in (first["Access-Control-Allow-Headers"] or "").lower(), first)
        for answer in [s.vote("a", "x", headers=ask[:1]), s.ask("POST", "/v1/votes", headers=ask[:1], body=vote("a"))]:
            r.equal("an answer, %d" % answer.status, answer["Access-Control-Allow-Origin"], "https://good.example")
            r.check("Vary: Origin", "Origin" in ", ".join(answer.all("Vary")), answer)
        large = r.answer("a body that is too large", s.ask("POST", "/v1/votes", "u", b"x" * 70_000, headers=ask[:1]), 413)
        r.equal("and who may read that", large["Access-Control-Allow-Origin"], "https://good.example")
        bad = s.ask("OPTIONS", "/v1/votes", headers=[("Origin", "https://good.example.evil"), *ask[1:]])
        r.equal("another origin", bad["Access-Control-Allow-Origin"], None)
