"""Server-sent events."""

import json
import time

import wire


class Stream:
    """Reads events as they come."""

    def __init__(self, port, targets, headers=()):
        self.wire = wire.Wire(port, 20)
        self.wire.send(wire.text("GET", "/v1/votes/stream?target_ids=" + ",".join(targets), headers=headers))
        self.answer = self.wire.head()
        self.events = []

    def read(self, seconds, enough=lambda events: False):
        """Collects (time, name, data) for so many seconds, or until it is enough."""
        end = time.monotonic() + seconds
        self._parse()
        while not enough(self.events):
            left = end - time.monotonic()
            if left <= 0:
                break
            self.wire.socket.settimeout(left)
            try:
                self.wire.more()
            except TimeoutError:
                break
            self._parse()
        return self.events

    def _parse(self):
        while b"\n\n" in self.wire.rest:
            block, self.wire.rest = self.wire.rest.split(b"\n\n", 1)
            lines = [line for line in block.decode().split("\n") if ": " in line and not line.startswith(":")]
            fields = dict(line.split(": ", 1) for line in lines)
            if "data" in fields:
                self.events.append((time.monotonic(), fields.get("event"), json.loads(fields["data"])))

    def of(self, target):
        return [data for _, _, data in self.events if data["target_id"] == target]

    def close(self):
        self.wire.close()


def streams(r, s):
    """streams"""
    s.applied(s.vote("st", "ann")["Spillway-Position"], ["st"])
    stream = Stream(s.port, ["st", "empty"])
    r.equal("a stream's head", (stream.answer.status, stream.answer["Content-Type"], stream.answer["Cache-Control"]),
            (200, "text/event-stream", "no-store"))
    stream.read(5, lambda events: len(events) >= 2)
    r.check("the present values come at once", {data["target_id"]: data["likes"] for _, _, data in stream.events} == {"st": 1, "empty": 0}, stream.events)
    r.check("an event", all(name == "counts" and set(data) == {"target_id", "likes", "dislikes", "version"}
                            and isinstance(data["version"], str) for _, name, data in stream.events), stream.events)
    begin = time.monotonic()
    with wire.Wire(s.port) as connection:
        tokens = [s.token("st%d" % number) for number in range(20)]
        count = 0
        while time.monotonic() - begin < 2:
            for token in tokens:
                connection.request("POST", "/v1/votes", token, wire.vote("st", ("like", "dislike")[count % 2]))
                count += 1
    last = s.vote("st", "ann", "none")
    final = s.applied(last["Spillway-Position"], ["st"])["st"]
    wanted = (final["likes"], final["dislikes"])
    stream.read(5, lambda _: [(data["likes"], data["dislikes"]) for data in stream.of("st")][-1:] == [wanted])
    took = time.monotonic() - begin
    found = stream.of("st")
    r.equal("the last value comes", (found[-1]["likes"], found[-1]["dislikes"]), (final["likes"], final["dislikes"]))
    versions = [data["version"] for data in found]
    r.check("versions never go back", versions == sorted(versions), versions)
    r.check("at most ten a second for a target", 3 <= len(found) <= 10 * took + 3, "%d in %.1f s" % (len(found), took))
    r.equal("a target without changes is silent", len(stream.of("empty")), 1)
    stream.close()
    again = Stream(s.port, ["st"], [("Last-Event-ID", "x")])
    again.read(5, lambda events: events)
    r.check("a new stream does not begin behind the old one", again.of("st")[0]["version"] >= versions[-1], (again.events, versions[-1]))
    again.close()
    for query, status in [("", 400), ("?target_ids=", 422), ("?target_ids=a%20b", 422), ("?target_ids=" + ",".join("t%d" % n for n in range(101)), 422)]:
        r.answer("a stream of %r" % query[:20], s.ask("GET", "/v1/votes/stream" + query), status)
    r.answer("a stream with a bad token", s.ask("GET", "/v1/votes/stream?target_ids=a", token="x"), 401)
    hundred = Stream(s.port, ["h%d" % number for number in range(100)])
    hundred.read(5, lambda events: len(events) >= 100)
    r.equal("a hundred targets", len(hundred.events), 100)
    hundred.close()


def restarts(r, world):
    """versions across restarts, own votes after a kill"""
    with world.serve() as s:
        position = s.vote("v", "ann")["Spillway-Position"]
        s.applied(position, ["v"])
        versions = []

        def note():
            stream = Stream(s.port, ["v"])
            stream.read(5, lambda events: events)
            versions.append(stream.of("v")[0]["version"])
            stream.close()

        note()
        r.equal("SIGTERM", s.stop(), 0)
        s.start()
        note()
        before = s.vote("v", "ben")["Spillway-Position"]
        s.kill()
        s.start()
        r.equal("my vote, at the first answer after SIGKILL", s.summary(["v"], "ben").json()["items"]["v"],
                {"likes": 2, "dislikes": 0, "user_state": "like"})
        r.equal("and behind its position", s.applied(before, ["v"])["v"]["likes"], 2)
        note()
        r.check("versions never go back", versions == sorted(versions), versions)
        stream = Stream(s.port, ["v"])
        stream.read(2, lambda events: events)
        r.equal("SIGTERM with a stream open", s.stop(), 0)
        stream.close()


def limits(r, world):
    """how many streams"""
    with world.serve("--max-streams", "3") as s:
        open_ = [Stream(s.port, ["a"]) for _ in range(3)]
        r.equal("three", [stream.answer.status for stream in open_], [200] * 3)
        r.answer("a fourth", s.ask("GET", "/v1/votes/stream?target_ids=a"), 503)
        open_.pop().close()
        deadline = time.monotonic() + 20
        status = 503
        while status == 503 and time.monotonic() < deadline:
            s.vote("a", "u%d" % time.monotonic_ns())
            stream = Stream(s.port, ["a"])
            status = stream.answer.status
            stream.close()
        r.equal("after one has gone", status, 200)
