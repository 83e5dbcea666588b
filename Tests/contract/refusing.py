"""What the server refuses by itself: framing, sizes, deadlines, numbers."""

import resource
import select
import socket
import time

import wire
from wire import vote


def exchange(s, data, seconds=10):
    """Sends bytes and returns the first answer, None if there is none."""
    with wire.Wire(s.port, seconds) as connection:
        connection.send(data)
        try:
            return connection.answer()
        except (wire.Gone, TimeoutError):
            return None


def framing(r, s):
    """framing"""
    host = "Host: x\r\n"
    for name, data in [
        ("no HTTP", "hello\r\n\r\n"), ("HTTP/0.9", "GET /healthz\r\n\r\n"), ("HTTP/2.0", "GET /healthz HTTP/2.0\r\n%s\r\n" % host),
        ("HTTP/1.9", "GET /healthz HTTP/1.9\r\n%s\r\n" % host), ("no Host", "GET /healthz HTTP/1.1\r\n\r\n"),
        ("two Hosts", "GET /healthz HTTP/1.1\r\n%s%s\r\n" % (host, host)), ("an absolute target", "GET http://x/healthz HTTP/1.1\r\n%s\r\n" % host),
        ("CONNECT", "CONNECT x:1 HTTP/1.1\r\n%s\r\n" % host), ("an upgrade", "GET /healthz HTTP/1.1\r\n%sUpgrade: websocket\r\nConnection: upgrade\r\n\r\n" % host),
        ("a space before the colon", "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n"), ("folding", "GET /healthz HTTP/1.1\r\n%sA: b\r\n c\r\n\r\n" % host),
        ("NUL in a header", "GET /healthz HTTP/1.1\r\n%sA: \0\r\n\r\n" % host), ("a bare CR", "GET /healthz HTTP/1.1\r\n%sA: b\rc\r\n\r\n" % host),
        ("two lengths", "POST /v1/votes HTTP/1.1\r\n%sContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" % host),
        ("length and chunks", "POST /v1/votes HTTP/1.1\r\n%sContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % host),
        ("gzip, chunked", "POST /v1/votes HTTP/1.1\r\n%sTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" % host),
        ("chunks in HTTP/1.0", "POST /v1/votes HTTP/1.0\r\n%sTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % host),
        ("a bad length", "POST /v1/votes HTTP/1.1\r\n%sContent-Length: x\r\n\r\n" % host),
        ("a bad chunk", "POST /v1/votes HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\nzz\r\n" % host),
        ("an unknown method", "BREW /healthz HTTP/1.1\r\n%s\r\n" % host),
    ]:
        answer = exchange(s, data)
        r.check(name, answer is not None and answer.status in (400, 405) and answer.is_problem(), answer)
    expect = exchange(s, "POST /v1/votes HTTP/1.1\r\n%sExpect: a miracle\r\nContent-Length: 2\r\n\r\n{}" % host)
    r.answer("an Expect of something else", expect, 417)
    r.answer("40 KB of headers", exchange(s, "GET /healthz HTTP/1.1\r\n%sA: %s\r\n\r\n" % (host, "x" * 40_000)), 431)
    r.answer("200 headers", exchange(s, "GET /healthz HTTP/1.1\r\n%s%s\r\n" % (host, "A: b\r\n" * 200)), 431)
    r.answer("a target of 20 KB", exchange(s, "GET /%s HTTP/1.1\r\n%s\r\n" % ("x" * 20_000, host)), 414)
    with wire.Wire(s.port) as connection:
        body = b'{"target_id":"e","target_type":"video","action":"like"}'
        connection.send("POST /v1/votes HTTP/1.1\r\n%sAuthorization: Bearer %s\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (host, s.token("exp"), len(body)))
        r.equal("100 Continue", connection.head().status, 100)
        connection.send(body)
        r.equal("and then the answer", connection.answer().status, 200)
    with wire.Wire(s.port) as connection:
        token = s.token("pipe")
        connection.send(b"".join(wire.text("POST", "/v1/votes", token, vote("pipe%d" % number)) for number in range(20)))
        r.equal("20 pipelined votes", [connection.answer().status for _ in range(20)], [200] * 20)
    chunked = "POST /v1/votes HTTP/1.1\r\n%sAuthorization: Bearer %s\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" % (host, s.token("chunk"))
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [body[:7], body[7:30], body[30:]])
    r.equal("a chunked vote", exchange(s, chunked.encode() + pieces + b"0\r\n\r\n").status, 200)
    big = exchange(s, chunked.encode() + b"20000\r\n" + b" " * 0x20000 + b"\r\n0\r\n\r\n")
    r.answer("131 KB in chunks", big, 413)
    r.answer("a stream with a body", exchange(s, "GET /v1/votes/stream?target_ids=e HTTP/1.1\r\n%sContent-Length: 1\r\n\r\na" % host), 413)


def huge(r, s):
    """huge bodies and ids"""
    before = s.resident()
    body = b'{"target_id":"' + b"x" * 10_000_000 + b'","target_type":"video","action":"like"}'
    for path in ["/v1/votes", "/v1/votes/batch"]:
        with wire.Wire(s.port) as connection:
            try:
                connection.send(wire.text("POST", path, s.token("big"), body))
            except OSError:
                pass  # The refusal came before all was sent.
            try:
                r.answer("an id of 10 MB at " + path, connection.answer(), 413)
            except wire.Gone as gone:
                r.check("an id of 10 MB at " + path, False, gone)
    with wire.Wire(s.port) as connection:
        connection.send("POST /v1/votes HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        r.answer("100 GB announced", connection.answer(), 413)
    r.answer("an id of 10 MB in the path", exchange(s, b"GET /v1/targets/" + b"x" * 200_000), 414)
    r.check("memory does not grow", s.resident() - before < 64 << 20, "%d MiB" % ((s.resident() - before) >> 20))
    r.check("the server is up", s.is_up())


def deadlines(r, world):
    """half requests and silence"""
    with world.serve("--request-timeout", "700ms", "--idle-timeout", "700ms") as s:
        for name, data, status in [
            ("half a request line", "GET /hea", 408), ("half a head", "GET /healthz HTTP/1.1\r\nHost: x\r\n", 408),
            ("half a body", "POST /v1/votes HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", 408), ("silence", "", None),
            ("a request and silence", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        ]:
            with wire.Wire(s.port, 10) as connection:
                begin = time.monotonic()
                connection.send(data)
                if status:
                    answer = connection.answer()
                    r.equal(name, answer.status, status)
                    if status == 408:
                        r.check(name + ": is a problem", answer.is_problem(), answer)
                r.check(name + ": closed", connection.is_closed(5), "open after 5 s")
                took = time.monotonic() - begin
                r.check(name + ": in time", 0.5 < took < 4, "%.1f s" % took)
        with wire.Wire(s.port, 10) as connection:
            connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n")
            begin, closed = time.monotonic(), False
            while time.monotonic() - begin < 4 and not closed:
                try:
                    connection.send("A: b\r\n")
                except OSError:
                    closed = True
                closed = closed or bool(select.select([connection.socket], [], [], 0.1)[0])
            r.check("a byte now and then does not help", closed and time.monotonic() - begin < 3, time.monotonic() - begin)
        r.check("the server is up", s.is_up())


def bodies(r, world):
    """bytes of bodies over all connections"""
    with world.serve("--max-buffered-body-bytes", "1MiB", "--vote-rate-per-user", "0") as s:
        body = b'{"votes":[%s]}' % b",".join([b'{"target_id":"t","target_type":"video","action":"like"}'] * 1000)
        body += b" " * (900_000 - len(body))
        whole = wire.text("POST", "/v1/votes/batch", s.token("u1"), body, [("Expect", "100-continue")])
        with wire.Wire(s.port) as first:
            # It has its room from the moment it is asked for, and the next one finds none beside it.
            first.send(whole[:-len(body)])
            r.equal("the body is asked for", first.head().status, 100)
            r.answer("one more than there is room for", s.ask("POST", "/v1/votes/batch", "u2", body), 503)
            r.answer("a small one", s.vote("t", "u3"), 200)
            first.send(body)
            r.answer("the one that was there", first.answer(), 200)
        r.answer("after it", s.ask("POST", "/v1/votes/batch", "u2", body), 200)


def connections(r, world):
    """numbers of connections"""
    with world.serve("--max-connections", "4") as s:
        held = [wire.Wire(s.port) for _ in range(4)]
        for connection in held:
            r.equal("within the limit", connection.request("GET", "/healthz").status, 200)
        with wire.Wire(s.port) as fifth:
            answer = fifth.answer()
            r.answer("one more", answer, 503)
            r.check("and closed", fifth.is_closed(5))
        held.pop().close()
        deadline = time.monotonic() + 10
        status = 0
        while status != 200 and time.monotonic() < deadline:
            try:
                status = s.ask("GET", "/healthz").status
            except (wire.Gone, OSError):
                time.sleep(0.01)
        r.equal("after one has gone", status, 200)
        for connection in held:
            connection.close()


def own_address():
    """An address of this machine that is not loopback; None if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") or address == "0.0.0.0" else address


def addresses(r, world):
    """limits per address"""
    options = ["--max-connections-per-address", "3", "--vote-rate-per-address", "1", "--vote-burst-per-address", "2"]
    with world.serve(*options) as s:
        held = [wire.Wire(s.port) for _ in range(8)]
        r.equal("loopback has no limit of connections", [c.request("GET", "/healthz").status for c in held], [200] * 8)
        r.equal("nor of votes", [s.vote("a", "u%d" % n).status for n in range(8)], [200] * 8)
        spoofed = [s.vote("a", "u", headers=[("X-Forwarded-For", "192.0.2.7")]).status for _ in range(5)]
        r.equal("X-Forwarded-For of anyone counts for nothing", spoofed, [200] * 5)
        for connection in held:
            connection.close()
    with world.serve(*options, "--trusted-proxies", "127.0.0.0/8") as s:
        def through(address):
            return s.vote("a", "u", headers=[("X-Forwarded-For", address)])

        r.equal("a client's burst", [through("192.0.2.7").status for _ in range(2)], [200] * 2)
        r.answer("beyond it", through("192.0.2.7"), 429)
        r.answer("another client", through("192.0.2.8"), 200)
        r.answer("the last address counts", through("192.0.2.99, 192.0.2.7"), 429)
    address = own_address()
    if address is None:
        print("  skipped: connections per address, this machine has only loopback")
        return
    with world.serve(*options, host="0.0.0.0") as s:
        try:
            held = [wire.Wire(s.port, 10, address) for _ in range(3)]
            r.equal("three of one address", [c.request("GET", "/healthz").status for c in held], [200] * 3)
            with wire.Wire(s.port, 10, address) as fourth:
                answer = fourth.answer()
                r.check("a fourth", answer.status in (429, 503) and answer.is_problem() and answer["Retry-After"], answer)
            for connection in held:
                connection.close()
        except OSError as error:
            print("  skipped: connections per address, %s can't be reached: %s" % (address, error))


def idle(r, world):
    """10,000 idle connections"""
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 500:
        print("  skipped: only %d files may be open here" % hard)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 500), hard))
    with world.serve() as s:
        s.vote("a", "me")
        before, grown = s.resident(), []
        for _ in range(2):
            held = [wire.Wire(s.port) for _ in range(count)]
            for connection in held[::10]:
                r_status = connection.request("GET", "/v1/votes/summary?target_ids=a").status
                if r_status != 200:
                    r.equal("one of them", r_status, 200)
            r.equal("a vote beside them", s.vote("a", "me").status, 200)
            grown.append(s.resident() - before)
            for connection in held:
                connection.close()
            deadline = time.monotonic() + 20
            while b"spillway_http_connections 1\n" not in s.ask("GET", "/metrics").body and time.monotonic() < deadline:
                time.sleep(0.05)
        print("  %d idle connections take %d KiB each" % (count, grown[0] // count // 1024))
        r.check("memory is bounded", grown[0] < 256 << 20, "%d MiB" % (grown[0] >> 20))
        r.check("memory is given back or used again", grown[1] < grown[0] * 1.3 + (16 << 20), grown)
        r.check("the server is up", s.is_up())
