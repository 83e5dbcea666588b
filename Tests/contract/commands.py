"""The command line: help, usage, configuration, tokens, data directories, exit codes."""

import base64
import json
import os
import re
import signal
import stat
import time

import wire

COMMANDS = [
    "serve", "token", "audit", "import", "backup", "restore", "recover", "groups list", "groups delete", "groups seek", "dead-letters list",
    "dead-letters show", "dead-letters requeue", "dead-letters discard", "inspect", "settings show", "settings set", "settings history",
    "settings seek", "bench",
]


def ends(r, name, done, code, *words):
    """The command ended so, and said these words."""
    said = (done.stdout + done.stderr).decode(errors="replace")
    r.check(name + ": exit %d" % code, done.returncode == code, "exit %d: %s" % (done.returncode, said))
    for word in words:
        r.check("%s: says %s" % (name, word), word in said, said)
    return said


def usage(r, world):
    """help and usage"""
    said = ends(r, "--help", world.run("--help"), 0)
    for command in COMMANDS:
        r.check("--help lists " + command, re.search(r"^\s+%s\b" % command, said, re.M), said)
        text = ends(r, command + " --help", world.run(*command.split(), "--help"), 0)
        r.check(command + " --help has options", text.count("--") >= 2, text)
    text = ends(r, "serve --help", world.run("serve", "--help"), 0, "127.0.0.1", "8080", "./data", "20000", "30s", "75s", "20s", "1000", "10000")
    for option in ["--data", "--host", "--port", "--config", "--demo"]:
        r.check("serve --help has " + option, option in text)
    for name, arguments in [
        ("nothing", []), ("an unknown command", ["dance"]), ("an unknown option", ["serve", "--dance"]),
        ("a missing value", ["serve", "--port"]), ("an argument too many", ["serve", "x"]), ("no DIR", ["backup"]),
        ("no FILE", ["import", "--data", "x"]), ("token for nobody", ["token", "--data", world.path("d")]),
        ("token for two", ["token", "--data", world.path("d"), "--user", "a", "--count", "2"]),
        ("restore without DIR", ["restore", "--data", "x"]),
    ]:
        ends(r, name, world.run(*arguments), 64)
    ends(r, "a port that is none", world.run("serve", "--port", "99999", "--data", world.path("d")), 64, "port", "65535")


def configuration(r, world):
    """configuration"""
    def file(text):
        path = world.path("config") + ".yaml"
        with open(path, "w") as config:
            config.write(text)
        return path

    for variable, value, words in [
        ("SPILLWAY_PORT", "99999", ["0", "65535"]), ("SPILLWAY_PORT", "x", ["65535"]), ("SPILLWAY_PORT", "", ["65535"]),
        ("SPILLWAY_REQUEST_TIMEOUT", "1", []), ("SPILLWAY_REQUEST_TIMEOUT", "2h", ["100ms", "1h"]),
        ("SPILLWAY_MAX_CONNECTIONS", "0", ["1", "1000000"]), ("SPILLWAY_MAX_BODY_BYTES", "1", []),
        ("SPILLWAY_VOTERS_ACCESS", "everyone", ["anyone", "token", "admin"]), ("SPILLWAY_TARGET_TYPES", "a,a", []),
        ("SPILLWAY_TARGET_TYPES", "Video!", []), ("SPILLWAY_PARTITIONS", "257", ["256"]), ("SPILLWAY_DEMO", "perhaps", []),
        ("SPILLWAY_LOG_LEVEL", "loud", ["info"]), ("SPILLWAY_TRUSTED_PROXIES", "10.0.0.1/8", []),
        ("SPILLWAY_ALLOWED_ORIGINS", "example.com/", []), ("SPILLWAY_TLS_CERTIFICATE", "/nowhere.pem", []),
        ("SPILLWAY_JWKS_FILE", "/nowhere.json", []), ("SPILLWAY_CONFIG", "/nowhere.yaml", ["/nowhere.yaml"]),
    ]:
        directory = world.path("data")
        done = world.run("serve", "--data", directory, "--port" if variable != "SPILLWAY_PORT" else "--host",
                         "0" if variable != "SPILLWAY_PORT" else "127.0.0.1", environment={variable: value})
        said = ends(r, "%s=%s" % (variable, value), done, 78, *words)
        name = variable.removeprefix("SPILLWAY_").lower().replace("_", "-")
        if variable not in ("SPILLWAY_TRUSTED_PROXIES", "SPILLWAY_ALLOWED_ORIGINS", "SPILLWAY_TLS_CERTIFICATE", "SPILLWAY_JWKS_FILE", "SPILLWAY_CONFIG"):
            r.check("%s is named" % variable, variable in said or name in said, said)
    for text, words in [
        ("http:\n  port: 99999\n", ["port", "65535", ":2:"]), ("http:\n  prot: 1\n", ["prot", ":2:"]), ("http: [\n", [":"]),
        ("http:\n  port: [1]\n", ["port"]), ("- 1\n", []), ("http:\n  port: 1\n  port: 2\n", ["port"]),
        ("reactions:\n  voters-access: all\n", ["voters-access", "anyone"]),
    ]:
        ends(r, "file %r" % text[:24], world.run("serve", "--data", world.path("data"), "--config", file(text)), 78, *words)
    config = file("reactions:\n  target-types: [song]\nhttp:\n  port: 0\n")
    for name, options, variables, wanted in [
        ("the file", [], {}, "song"), ("a variable wins", [], {"SPILLWAY_TARGET_TYPES": "book"}, "book"),
        ("a flag wins", ["--target-types", "film"], {"SPILLWAY_TARGET_TYPES": "book"}, "film"),
    ]:
        with world.serve("--config", config, *options, environment=variables) as s:
            r.equal(name, [kind for kind in ("song", "book", "film", "video") if s.vote("a", "u", kind=kind).status == 200], [wanted])
            r.equal(name + ", in the specification", s.ask("GET", "/openapi.json").json()["components"]["schemas"]["TargetType"]["enum"], [wanted])
    many = ",".join("t%d" % number for number in range(31))
    with world.serve("--target-types", many) as s:
        r.equal("31 target types", s.vote("a", "u", kind="t30").status, 200)
    ends(r, "32 target types", world.run("serve", "--data", world.path("data"), "--target-types", many + ",t31", "--port", "0"), 78, "31")


def token(r, world):
    """token"""
    data = world.path("data")
    begin = time.time()
    line = ends(r, "token", world.run("token", "--data", data, "--user", "auth0|5f7"), 0).strip()
    parts = line.split(".")
    payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    r.equal("one token", (len(parts), line.count("\n"), payload["sub"]), (3, 0, "auth0|5f7"))
    r.check("24 h", abs(payload["exp"] - begin - 86_400) < 30, payload)
    key = os.path.join(data, "key")
    r.equal("the key's mode", stat.S_IMODE(os.stat(key).st_mode), 0o600)
    secret = open(key, "rb").read()
    hour = ends(r, "an admin's", world.run("token", "--data", data, "--user", "root", "--scope", "admin", "--ttl", "1h"), 0).strip()
    payload = json.loads(base64.urlsafe_b64decode(hour.split(".")[1] + "=="))
    r.check("for an hour, with the scope", abs(payload["exp"] - begin - 3_600) < 30 and payload["scope"] == "admin", payload)
    r.equal("the key stays", open(key, "rb").read(), secret)
    for user in ["", "u" * 256, "a\nb", "a\x7f"]:
        ends(r, "user %r" % user[:5], world.run("token", "--data", data, "--user", user), 64)
    for arguments in [["--ttl", "0s"], ["--ttl", "x"], ["--count", "0"], ["--scope", "god"]]:
        user = [] if arguments[0] == "--count" else ["--user", "a"]
        ends(r, " ".join(arguments), world.run("token", "--data", data, *user, *arguments), 64)
    lines = world.run("token", "--data", data, "--count", "1000", "--prefix", "load").stdout.decode().split()
    subjects = [json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))["sub"] for text in lines]
    r.equal("--count", subjects, ["load%d" % number for number in range(1000)])
    two = world.run("token", "--data", data, "--count", "2").stdout.decode().split()
    with world.serve(data=data) as s:
        r.equal("they are good", s.ask("GET", "/v1/me/votes", token=lines[-1]).status, 200)
        r.equal("u by default", s.ask("POST", "/v1/votes", token=two[1], body=wire.vote("a")).status, 200)
        r.equal("u1 it was", s.summary(["a"], "u1").json()["items"]["a"]["user_state"], "like")
        beside = world.run("token", "--data", data, "--user", "beside").stdout.decode().strip()
        r.equal("token works beside a server", s.ask("GET", "/v1/me/votes", token=beside).status, 200)


def directories(r, world):
    """data directories"""
    with world.serve() as s:
        r.check("one line when it is ready", len(s.lines) == 1 and str(s.port) in s.lines[0], s.lines)
        for command in [["serve", "--port", "0"], ["audit"], ["recover"]]:
            ends(r, command[0] + " in use", world.run(*command, "--data", s.data), 78, "in use")
        empty = world.path("empty")
        open(empty, "w").close()
        ends(r, "import in use", world.run("import", "--data", s.data, empty), 78, "in use")
        r.check("the server is up", s.is_up())
        taken = world.run("serve", "--data", world.path("data"), "--port", str(s.port))
        ends(r, "a port in use", taken, 78)
        r.equal("SIGINT", s.stop(number=signal.SIGINT), 0)
        data = s.data
    foreign = world.path("foreign")
    os.makedirs(foreign)
    with open(foreign + "/letters.txt", "w") as other:
        other.write("mine")
    for command in [["serve", "--port", "0"], ["audit"], ["recover"]]:
        ends(r, command[0] + " on a foreign directory", world.run(*command, "--data", foreign), 78)
    r.equal("it is as it was", os.listdir(foreign), ["letters.txt"])
    for command in [["serve", "--port", "0"], ["audit"]]:
        ends(r, command[0] + " on a file", world.run(*command, "--data", foreign + "/letters.txt"), 78)
    ends(r, "audit of nothing", world.run("audit", "--data", world.path("nothing")), 78)
    for content, word in [("spillway 99\n", "newer"), ("something else\n", "FORMAT"), ("", "FORMAT"), ("spillway x\n", "FORMAT")]:
        other = world.path("other")
        os.makedirs(other)
        with open(other + "/FORMAT", "w") as format_:
            format_.write(content)
        for command in [["serve", "--port", "0"], ["audit"]]:
            ends(r, "%s with FORMAT %r" % (command[0], content), world.run(*command, "--data", other), 78, word)
        r.equal("it is as it was", os.listdir(other), ["FORMAT"])
    ends(r, "another number of partitions", world.run("serve", "--data", data, "--port", "0", "--partitions", "5"), 78, "partitions")
    ends(r, "the same directory again", world.run("audit", "--data", data), 0, "drift=0")
    short = world.path("short")
    os.makedirs(short)
    with open(short + "/key", "w") as key:
        key.write("short")
    ends(r, "a key that is too short", world.run("serve", "--data", short, "--port", "0"), 78, "key")


def draining(r, world):
    """draining"""
    with world.serve() as s:
        slow = wire.Wire(s.port)
        body = b'{"target_id":"d","target_type":"video","action":"like"}'
        request = wire.text("POST", "/v1/votes", s.token("slow"), body)
        slow.send(request[:-20])
        late = wire.Wire(s.port)
        late.send("GET /readyz HTTP/1.1\r\nHost: x\r\n")
        rest = wire.Wire(s.port)
        rest.request("GET", "/healthz")
        time.sleep(0.2)
        s.process.send_signal(signal.SIGTERM)
        r.check("an idle connection is closed", rest.is_closed(5))
        late.send("\r\n")
        r.answer("readyz while draining", late.answer(), 503)
        slow.send(request[-20:])
        answer = slow.answer()
        r.equal("a request that had begun is answered", answer.status, 200)
        r.check("and its connection closed", answer["Connection"] == "close" and slow.is_closed(5), answer)
        r.equal("exit 0", s.process.wait(30), 0)
        s.start()
        r.equal("its vote is there", s.summary(["d"], "slow").json()["items"]["d"]["user_state"], "like")
    # What has not arrived has half of the drain, and is no reason to call the shutdown unclean.
    with world.serve("--drain-timeout", "1s") as s:
        with wire.Wire(s.port) as half:
            half.send("POST /v1/votes HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
            time.sleep(0.2)
            s.process.send_signal(signal.SIGTERM)
            r.equal("half a request at the end of a drain", half.answer().status, 408)
            r.equal("and exit 0", s.process.wait(30), 0)
    with world.serve("--drain-timeout", "500ms", "--projections-paused", "--position-wait", "30s") as s:
        position = s.vote("d", "waits")["Spillway-Position"]
        with wire.Wire(s.port) as slow:
            slow.send("GET /v1/votes/summary?target_ids=d HTTP/1.1\r\nHost: x\r\nSpillway-Position: %s\r\n\r\n" % position)
            time.sleep(0.2)
            begin = time.monotonic()
            code = s.stop()
            r.equal("a drain past its deadline", code, 75)
            r.check("ends at it", time.monotonic() - begin < 5, time.monotonic() - begin)
        s.start()
        r.check("and starts again", s.is_up())


def damage(r, world):
    """a damaged log"""
    with world.serve("--projections-paused") as s:
        for number in range(400):
            s.vote("t%d" % number, "u")
        s.kill()
        folder = s.data + "/db"
        logs = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".log")]
        newest = max(logs, key=os.path.getsize)
        with open(newest, "r+b") as log:
            log.seek(os.path.getsize(newest) // 2)
            piece = log.read(64)
            log.seek(-len(piece), 1)
            log.write(bytes(byte ^ 0xFF for byte in piece))
        before = sorted((name, os.path.getsize(os.path.join(folder, name))) for name in os.listdir(folder) if name.endswith((".log", ".sst")))
        ends(r, "serve on a damaged log", world.run("serve", "--data", s.data, "--port", "0"), 74, "spillway recover")
        ends(r, "recover", world.run("recover", "--data", s.data), 1, "--accept-loss")
        after = sorted((name, os.path.getsize(os.path.join(folder, name))) for name in os.listdir(folder) if name.endswith((".log", ".sst")))
        r.equal("nothing was changed", after, before)
        ends(r, "recover --accept-loss", world.run("recover", "--data", s.data, "--accept-loss"), 0)
        s.options = []
        s.start()
        r.equal("it serves again", s.vote("new", "u").status, 200)
        r.equal("what was before the damage is there", s.summary(["t0"], "u").json()["items"]["t0"]["user_state"], "like")
        r.equal("SIGTERM", s.stop(), 0)
        ends(r, "recover of a whole log", world.run("recover", "--data", s.data), 0)
        ends(r, "audit after it", world.run("audit", "--data", s.data), 0, "drift=0")


def benchmark(r, world):
    """bench"""
    with world.serve() as s:
        for scenario in ["votes", "summary", "mixed"]:
            said = ends(r, "bench of " + scenario, world.run(
                "bench", "--url", "http://127.0.0.1:%d" % s.port, "--data", s.data, "--scenario", scenario, "--rate", "100",
                "--duration", "1s", "--users", "50"), 0)
            r.check("a latency table", re.search(r"p9[59]|99", said), said)
        targets = world.path("targets")
        with open(targets, "w") as file:
            file.write("target,weight\na,10\nb,1\n")
        tokens = world.path("tokens")
        with open(tokens, "wb") as file:
            file.write(world.run("token", "--data", s.data, "--count", "10").stdout)
        ends(r, "bench with files", world.run(
            "bench", "--url", "http://127.0.0.1:%d" % s.port, "--targets", targets, "--tokens", tokens, "--rate", "50",
            "--duration", "1s", "--scenario", "votes"), 0)
        found = s.summary(["a", "b"]).json()["items"]
        r.check("it voted on them", found["a"]["likes"] + found["a"]["dislikes"] > 0, found)
    ends(r, "bench without a server", world.run(
        "bench", "--url", "http://127.0.0.1:1", "--data", world.path("data"), "--duration", "1s"), 1)


def demo(r, world):
    """the demo page"""
    with world.serve() as s:
        r.answer("no page by default", s.ask("GET", "/"), 404)
    with world.serve("--demo") as s:
        page = s.ask("GET", "/")
        r.check("a page with --demo", page.status == 200 and page["Content-Type"].startswith("text/html"), page)
