"""Backup, restore, import, audit; a service whose projections stand still."""

import json
import os
import stat
import time

from commands import ends
from wire import vote


def processors(r, world):
    """threads and processors"""
    cores = len(os.sched_getaffinity(0))

    def allowed(s, name):
        """The processors of each thread with such a name."""
        folder, seen = "/proc/%d/task" % s.process.pid, []
        for thread in os.listdir(folder):
            with open("%s/%s/comm" % (folder, thread)) as file:
                if file.read().startswith(name):
                    seen.append(frozenset(os.sched_getaffinity(int(thread))))
        return seen

    for loops in {cores, 1, cores + 1}:
        with world.serve("--event-loops", str(loops)) as s:
            s.vote("t", "u")
            seen = allowed(s, "loop-")
            r.equal("%d loops" % loops, len(seen), loops)
            if loops == cores:
                r.check("each has a core of its own", len(set(seen)) == cores and all(len(one) == 1 for one in seen), seen)
            else:
                r.check("%d run anywhere" % loops, all(len(one) == cores for one in seen), seen)
            others = allowed(s, "log-") + allowed(s, "projection") + allowed(s, "reader") + allowed(s, "rocksdb")
            r.check("the others run anywhere", len(others) > 5 and all(len(one) == cores for one in others), others)


def backup(r, world):
    """backup and restore"""
    with world.serve() as s:
        for number in range(50):
            last = s.vote("t%d" % (number % 5), "u%d" % number)
        s.vote("kept", "u1", "dislike", [("Idempotency-Key", "once")])
        s.applied(last["Spillway-Position"], ["t0"])
        path, url = world.path("backup"), "http://127.0.0.1:%d" % s.port
        body = {"path": path}
        r.answer("without a token", s.ask("POST", "/v1/admin/backup", body=body), 401)
        refused = r.answer("without the scope", s.ask("POST", "/v1/admin/backup", "u1", body), 403)
        r.check("403: the scope", "insufficient_scope" in (refused["WWW-Authenticate"] or ""), refused)
        r.check("nothing was made", not os.path.exists(path))
        for name, bad, status, field in [
            ("a relative path", {"path": "x"}, 422, "path"), ("no path", {}, 422, "path"), ("a number", {"path": 1}, 422, "path"),
            ("NUL", {"path": "/tmp/a\0b"}, 422, "path"), ("no object", [], 422, None), ("a brace", "{", 400, None),
            ("inside of itself", {"path": s.data + "/db/x"}, 422, "path"), ("the data directory", {"path": s.data}, 422, "path"),
        ]:
            r.answer(name, s.ask("POST", "/v1/admin/backup", "root", bad, scope="admin"), status, field)
        r.answer("no JSON", s.ask("POST", "/v1/admin/backup", "root", "x", kind="text/plain", scope="admin"), 415)
        made = r.answer("a backup", s.ask("POST", "/v1/admin/backup", "root", body, scope="admin"), 200)
        r.equal("its path", made.json(), body)
        r.equal("the key is in it", open(path + "/key", "rb").read(), s.key())
        r.equal("the key's mode", stat.S_IMODE(os.stat(path + "/key").st_mode), 0o600)
        r.answer("the same path again", s.ask("POST", "/v1/admin/backup", "root", body, scope="admin"), 422, "path: ")
        s.vote("later", "u1")
        command = world.path("backup")
        token = s.token("root", scope="admin")
        ends(r, "spillway backup", world.run("backup", "--url", url, "--token", token, command), 0)
        third = world.path("backup")
        ends(r, "with a variable", world.run("backup", "--url", url, third, environment={"SPILLWAY_TOKEN": token}), 0)
        ends(r, "without a token", world.run("backup", "--url", url, world.path("b")), 64)
        ends(r, "with a user's token", world.run("backup", "--url", url, "--token", s.token("u1"), world.path("b")), 1, "403")
        ends(r, "onto something", world.run("backup", "--url", url, "--token", token, command), 1, "422")
        ends(r, "no server", world.run("backup", "--url", "http://127.0.0.1:1", "--token", token, world.path("b")), 1)
        ends(r, "audit of the backup beside the server", world.run("audit", "--data", path), 0, "targets=6 reactions=51 drift=0")
        restored = world.path("restored")
        ends(r, "restore", world.run("restore", path, "--data", restored), 0)
        ends(r, "restore onto something", world.run("restore", path, "--data", restored), 78)
        ends(r, "restore onto the running one", world.run("restore", path, "--data", s.data), 78)
        ends(r, "restore of nothing", world.run("restore", world.path("nothing"), "--data", world.path("x")), 78)
        ends(r, "audit of what was restored", world.run("audit", "--data", restored), 0, "reactions=51 drift=0")
        old = s.vote("far", "u1")["Spillway-Position"]
        ends(r, "audit of the backup once more", world.run("audit", "--data", path), 0, "drift=0")
        user = s.token("u1")
    with world.serve(data=restored) as s:
        items = s.summary(["t0", "t1", "kept", "later"], "u1").json()["items"]
        r.equal("the votes are there", [items[name]["likes"] for name in ("t0", "t1", "later")], [10, 10, 0])
        r.equal("mine too", items["kept"], {"likes": 0, "dislikes": 1, "user_state": "dislike"})
        r.answer("a token of before", s.ask("GET", "/v1/me/votes", token=user), 200)
        r.answer("a position of the old log is not waited for", s.summary(["t0"], headers=[("Spillway-Position", old)]), 200)
        new = s.vote("t0", "new")["Spillway-Position"]
        r.check("a new epoch", int(new.split(".")[0]) > int(old.split(".")[0]), (old, new))
        again = s.vote("kept", "u1", "dislike", [("Idempotency-Key", "once")])
        r.equal("an idempotency key of before", again.status, 200)
        r.equal("SIGTERM", s.stop(), 0)
        ends(r, "audit at the end", world.run("audit", "--data", restored), 0, "reactions=52 drift=0")


def line(user, target, reaction="like", at="2024-05-01T10:00:00Z", kind="video"):
    return json.dumps({"user_id": user, "target_id": target, "target_type": kind, "reaction": reaction, "at": at})


def imports(r, world):
    """import and audit"""
    data, file = world.path("data"), world.path("lines")
    good = [line("u%d" % number, "t%d" % (number % 3), at="2024-05-01T10:00:%02d.5+02:00" % (number % 60)) for number in range(60)]
    good += [line("auth0|5f7", "t0", "dislike"), line("Zoë", "c", "like", kind="comment"), line("gone", "t0", "none")]
    with open(file, "w") as lines:
        lines.write("\n".join(good) + "\n\n")
    said = ends(r, "import", world.run("import", "--data", data, file), 0, "lines=63", "bad=0")
    r.check("a summary of rows", "changed=" in said, said)
    ends(r, "audit", world.run("audit", "--data", data), 0, "targets=4 reactions=62 drift=0")
    ends(r, "again", world.run("import", "--data", data, file), 0, "changed=0", "bad=0")
    bad = [
        line("u", "bad id"), line("", "t"), line("u\n", "t"), line("u", "t", "love"), line("u", "t", kind="song"),
        line("u", "t", at="yesterday"), line("u", "t", at="2999-01-01T00:00:00Z"), line("u", "t", at="2024-02-30T00:00:00Z"),
        "{", "[]", "17", "", '{"user_id":"u"}', '{"user_id":1,"target_id":"t","target_type":"video","reaction":"like","at":"2024-05-01T10:00:00Z"}',
        "x" * 70_000, line("u", "x" * 129), line("u" * 256, "t"),
    ]
    with open(file, "w") as lines:
        lines.write(line("first", "t9") + "\n" + "\n".join(bad) + "\n" + line("last", "t9"))
    done = world.run("import", "--data", data, file)
    said = ends(r, "bad lines are skipped", done, 0, "lines=2", "bad=16")
    for number, text in enumerate(bad, 2):
        if text:
            r.check("line %d is named" % number, "line %d:" % number in said, said)
    r.check("an empty line is none", "line 13:" not in said, said)
    with open(file, "wb") as lines:
        lines.write(line("strict", "t9").encode() + b"\n\xff\xfe\n" + line("never", "t9").encode() + b"\n")
    ends(r, "--strict", world.run("import", "--data", data, "--strict", file), 1, "line 2:")
    ends(r, "no file", world.run("import", "--data", data, file + "x"), 64)
    piped = world.run("import", "--data", data, "-", data=(line("piped", "t9") + "\r\n").encode())
    ends(r, "standard input", piped, 0, "lines=1")
    with world.serve(data=data) as s:
        items = s.summary(["t0", "t9", "c"], "auth0|5f7").json()["items"]
        r.equal("counts", (items["t0"], items["c"]["likes"]), ({"likes": 20, "dislikes": 1, "user_state": "dislike"}, 1))
        r.equal("first, last, strict, piped, and never not", items["t9"]["likes"], 4)
        voters = s.ask("GET", "/v1/targets/t0/voters?limit=100", "x").json()["items"]
        r.check("voters by the time they had", len(voters) == 20 and [v["at"] for v in voters] == sorted((v["at"] for v in voters), reverse=True), voters)
        r.check("their time", voters[-1]["at"] == "2024-05-01T08:00:00.500Z", voters[-1])
        newer = s.vote("t0", "auth0|5f7")["Spillway-Position"]
        s.applied(newer, ["t0"])
    with open(file, "w") as lines:
        lines.write(line("auth0|5f7", "t0", "dislike", "2025-01-01T00:00:00Z"))
    ends(r, "an older line", world.run("import", "--data", data, file), 0, "changed=0")
    with world.serve(data=data) as s:
        r.equal("what is newer stays", s.summary(["t0"], "auth0|5f7").json()["items"]["t0"]["user_state"], "like")
        more = r.answer("votes go on", s.vote("t0", "new"), 200)
        s.applied(more["Spillway-Position"], ["t0"])
    ends(r, "--repair of what is good", world.run("audit", "--data", data, "--repair"), 0, "drift=0")
    last = world.run("audit", "--data", data).stdout.decode().strip().split("\n")[-1]
    r.check("the last line", last == "targets=5 reactions=67 drift=0", last)


def paused(r, world):
    """projections that stand still"""
    options = ["--projections-paused", "--position-wait", "200ms", "--outcome-wait", "200ms", "--pending-votes-records", "1000",
               "--idempotency-quota", "3"]
    with world.serve(*options) as s:
        first = s.vote("p", "pam", headers=[("Prefer", "return=representation")])
        r.equal("an outcome that is not there in time", (first.status, first.body, first["Preference-Applied"]), (200, b"", None))
        r.check("but its position", first["Spillway-Position"])
        begin = time.monotonic()
        r.answer("a position that is not applied", s.summary(["p"], headers=[("Spillway-Position", first["Spillway-Position"])]), 503, kind="not-yet-applied")
        r.check("within a bound", 0.15 < time.monotonic() - begin < 3, time.monotonic() - begin)
        r.equal("I see mine", s.summary(["p"], "pam").json()["items"]["p"], {"likes": 1, "dislikes": 0, "user_state": "like"})
        r.equal("and in my list", [item["target_id"] for item in s.ask("GET", "/v1/me/votes", "pam").json()["items"]], ["p"])
        r.equal("others do not yet", s.summary(["p"], "other").json()["items"]["p"]["likes"], 0)
        for number in range(3):
            r.answer("key %d" % number, s.vote("q", "pam", headers=[("Idempotency-Key", str(number))]), 200)
        r.answer("a key too many", s.vote("q", "pam", headers=[("Idempotency-Key", "3")]), 429, kind="idempotency-quota")
        r.answer("an old key", s.vote("q", "pam", headers=[("Idempotency-Key", "0")]), 200)
        many = {"votes": [vote("m%d" % number) for number in range(990)]}
        r.answer("990 that wait", s.ask("POST", "/v1/votes/batch", "pam", many), 200)
        r.answer("more than may wait", s.ask("POST", "/v1/votes/batch", "pam", many), 429, kind="overloaded")
        s.kill()
        s.start()
        r.equal("I see mine after SIGKILL", s.summary(["p", "m989"], "pam").json()["items"]["m989"]["user_state"], "like")
        r.equal("SIGTERM", s.stop(), 0)
        s.options = []
        s.start()
        found = s.applied(s.vote("p", "other")["Spillway-Position"], ["p", "m989"])
        r.equal("then they are applied, once", (found["p"]["likes"], found["m989"]["likes"]), (2, 1))


def rates(r, world):
    """votes per user"""
    with world.serve("--vote-rate-per-user", "5", "--vote-burst-per-user", "10") as s:
        codes = [s.vote("a", "u").status for _ in range(10)]
        r.equal("the burst", codes, [200] * 10)
        refused = [s.vote("a", "u") for _ in range(3)]
        answer = r.answer("beyond it", refused[-1], 429)
        r.answer("another user", s.vote("a", "v"), 200)
        time.sleep(int(answer["Retry-After"] or 1))
        r.answer("after Retry-After", s.vote("a", "u"), 200)

        def batch(count):
            return s.ask("POST", "/v1/votes/batch", "w", {"votes": [vote("a")] * count})

        r.answer("8 at once", batch(8), 200)
        r.answer("each vote of a batch counts", batch(8), 429)
        r.answer("more than the burst at once", batch(11), 422, "votes")
        r.equal("a refused batch took nothing", s.summary(["a"], "w").json()["items"]["a"]["user_state"], "like")
