import SpillwayCore
import Testing

@testable import SpillwayHTTP

/// What smugglers, scanners and broken clients send. Each gets its status, the connection ends, no handler runs, and
/// nothing of what follows is understood as a request. Sent whole and byte by byte.
@Suite struct HTTPRefusalTests {
    private static let host = "Host: a\r\n"
    private static let end = "\r\n"

    static let refused: [(String, Int)] = [
        // The request line.
        ("GET /\r\n", 400), ("GET / HTTP/0.9\r\n\(host)\(end)", 400), ("GET / HTTP/1.9\r\n\(host)\(end)", 400),
        ("GET / HTTP/2.0\r\n\(host)\(end)", 400), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\n\(host)\(end)", 400), ("G\u{0}T / HTTP/1.1\r\n\(host)\(end)", 400),
        ("FROB / HTTP/1.1\r\n\(host)\(end)", 400), ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", 400),
        ("GET http://a/ HTTP/1.1\r\n\(host)\(end)", 400), ("CONNECT a:80 HTTP/1.1\r\n\(host)\(end)", 400),
        ("GET * HTTP/1.1\r\n\(host)\(end)", 400), ("GET / HTTP/1.1 \r\n\(host)\(end)", 400),
        ("GET /\u{e9} HTTP/1.1\r\n\(host)\(end)", 400), ("GET /a\tb HTTP/1.1\r\n\(host)\(end)", 400),
        ("GET /a#b HTTP/1.1\r\n\(host)\(end)", 400), ("GET /%4 HTTP/1.1\r\n\(host)\(end)", 400),
        ("GET /%zz HTTP/1.1\r\n\(host)\(end)", 400), ("GET /?a=% HTTP/1.1\r\n\(host)\(end)", 400),
        ("GET /\u{7f} HTTP/1.1\r\n\(host)\(end)", 400),
        // Hosts and other fields that may stand once.
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\(host)\(host)\(end)", 400),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\(host)Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\(host)Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\(host)Upgrade: h2c\r\n\r\n", 400),
        // The form of fields.
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\(host)X y: z\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\(host)X: y\r\n z\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\(host)X: y\r\n\tz\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n", 400), ("GET / HTTP/1.1\r\n X: y\r\n\(host)\r\n", 400),
        ("GET / HTTP/1.1\r\n\(host): y\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\(host)X\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\(host)X: \u{0}\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\(host)X: a\u{1}b\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400), ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n", 400),
        ("\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\(host)\r\n", 400),
        // Lengths.
        ("POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: 1, 1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: +1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: -1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: 0x1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: 1 1\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length:\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: 18446744073709551616\r\n\r\na", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: 1000000\r\n\r\n", 413),
        // Transfer codings.
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: identity\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        // A head that the C parser alone would end at CR and any byte, and read the rest as chunks and trailers.
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\rX0;\r\nExpect: 100-continue\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\rX0\r\n\r\n", 400),
        // Chunks.
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1\rXa\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1\r\naXY0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0000000000000001\r\na\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\r\n", 400),
        ("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\n\rX", 400),
        // Expectations and sizes.
        ("POST / HTTP/1.1\r\n\(host)Expect: 200-ok\r\nContent-Length: 1\r\n\r\na", 417),
        ("POST / HTTP/1.1\r\n\(host)Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n", 413),
        ("GET /\(String(repeating: "a", count: 17 << 10)) HTTP/1.1\r\n\(host)\r\n", 414),
        ("GET / HTTP/1.1\r\n\(host)X: \(String(repeating: "a", count: 17 << 10))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\n\(host)\(String(repeating: "X: y\r\n", count: 120))\r\n", 431),
        (
            "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n"
                + "8001\r\n\(String(repeating: "a", count: 0x8001))\r\n8001\r\n"
                + "\(String(repeating: "a", count: 0x8001))\r\n0\r\n\r\n", 413
        ),
    ]

    @Test func eachIsRefusedAndTheConnectionEnds() async throws {
        let handled = TestCount()
        try await HTTPTestServer.run { _, router in
            for method in [HTTPMethod.get, .post] {
                router.on(method, "/") { _ in
                    handled.add()
                    return HTTPResponse()
                }
            }
        } _: { server in
            for (text, status) in Self.refused {
                let client = try server.client()
                // What follows must not be taken for a request.
                try await client.send(text + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try await client.receiveAll("\(text.debugDescription.prefix(200))")
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(text.debugDescription.prefix(200)): \(answer)")
                #expect(answer.contains("Connection: close\r\n"), "\(text.debugDescription.prefix(200))")
                #expect(answer.contains("Content-Type: application/problem+json\r\n"))
                #expect(answer.components(of: "HTTP/1.1 4") == 1, "one answer: \(text.debugDescription.prefix(200))")
            }
            #expect(handled.value == 0, "a refused request reached a handler")
            let refusals = Double(Self.refused.count)
            let counted = HTTPRefusal.Reason.allCases.compactMap {
                server.metric("spillway_http_refusals_total{reason=\"\($0.rawValue)\"}")
            }
            #expect(counted.reduce(0, +) == refusals)
        }
    }

    /// The same through the parser alone, in pieces of every size up to a few bytes: where the bytes are split must not
    /// matter.
    @Test func eachIsRefusedInPieces() {
        for (text, status) in Self.refused {
            for size in [1, 2, 3, 7] {
                let outcome = HTTPConnectionReplay(Array(text.utf8) + Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) {
                    _ in
                    size
                }
                #expect(outcome.requests.isEmpty, "\(text.debugDescription.prefix(200)) in pieces of \(size)")
                #expect(
                    Int(outcome.refusal?.problem.status.rawValue ?? 0) == status,
                    "\(text.debugDescription.prefix(200)) in pieces of \(size): \(String(describing: outcome.refusal))")
            }
        }
    }

    /// The C parser's own limit, 80 KiB, is none of ours.
    @Test(arguments: [1000, 65_536, .max]) func aLimitOnHeadsHoldsWhateverTheCParserThinks(pieceSize: Int) {
        let limits = HTTPLimits(maximumHeaderBytes: 1 << 20)
        for (count, isTaken) in [(100 << 10, true), ((1 << 20) - 100, true), (1 << 20, false)] {
            let text = "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: count))\r\n\r\n"
            let outcome = HTTPConnectionReplay(Array(text.utf8), limits: limits) { _ in min(pieceSize, 1 << 21) }
            #expect(outcome.requests.count == (isTaken ? 1 : 0), "\(count): \(String(describing: outcome.refusal))")
            #expect(outcome.refusal?.problem.status == (isTaken ? nil : .requestHeaderFieldsTooLarge))
        }
    }

    @Test func whatIsAllowedIsServed() async throws {
        let accepted = [
            "GET /a%2Fb?x=%00&y=a|b HTTP/1.1\r\n\(Self.host)\r\n", "\r\nGET / HTTP/1.1\r\nHost:\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost:a\r\nX:\r\nY: \t a \t\r\n\r\n",
            "POST / HTTP/1.1\r\n\(Self.host)Transfer-Encoding: Chunked\r\n\r\n1;x=\"y\"\r\na\r\n0\r\nT: u\r\n\r\n",
            "POST / HTTP/1.1\r\n\(Self.host)Content-Length: 0\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\(Self.host)\r\n",
            "GET / HTTP/1.1\r\nHost: [::1]:8080\r\nX: \u{e9}\r\n\r\n", "GET / HTTP/1.0\r\nExpect: x\r\n\r\n",
        ]
        for text in accepted {
            for size in [1, 3, 1000] {
                let outcome = HTTPConnectionReplay(Array(text.utf8)) { _ in size }
                #expect(outcome.requests.count == 1, "\(text.debugDescription): \(String(describing: outcome.refusal))")
            }
        }
    }
}

extension String {
    fileprivate func components(of text: String) -> Int { self.ranges(of: text).count }
}
