import Glibc
import SpillwayCore
import Testing

@testable import spillway

@Suite("The load generator")
struct BenchTests {
    private func feed(_ text: String, pieces: Int) -> [ResponseParser.Outcome] {
        var parser = ResponseParser()
        var outcomes: [ResponseParser.Outcome] = []
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let end = min(start + pieces, bytes.count)
            let outcome = parser.receive(Array(bytes[start..<end]).span)
            if outcome != .incomplete { outcomes.append(outcome) }
            start = end
        }
        return outcomes
    }

    @Test("answers are found whatever the pieces they come in", arguments: [1, 2, 3, 5, 16, 1_000])
    func answers(pieces: Int) {
        let cases: [(String, ResponseParser.Outcome)] = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .complete(status: 200, closes: false)),
            ("HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello", .complete(status: 200, closes: false)),
            (
                "HTTP/1.1 503 X\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nno",
                .complete(status: 503, closes: true)
            ),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", .complete(status: 304, closes: false)),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=1\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
                .complete(status: 200, closes: false)
            ),
        ]
        for (text, outcome) in cases { #expect(feed(text, pieces: pieces) == [outcome]) }
        #expect(feed("SSH-2.0-OpenSSH_9.2\r\n\r\n", pieces: pieces).first == .malformed)
    }

    @Test("requests fall due at the rate, in order, and none after the end")
    func schedule() {
        var schedule = BenchSchedule(rates: [8_000, 2_000], end: 10, seed: 7)
        var counts = [0, 0]
        var last = 0.0
        while let (kind, due) = schedule.take(at: .infinity) {
            #expect(due >= last && due < 10)
            last = due
            counts[kind.rawValue] += 1
        }
        #expect(schedule.next == nil)
        #expect(abs(counts[0] - 80_000) < 2_000)
        #expect(abs(counts[1] - 20_000) < 1_000)
    }

    @Test("nothing is taken before it is due")
    func notEarly() {
        var schedule = BenchSchedule(rates: [10, 0], end: 10, seed: 7)
        let next = schedule.next ?? 0
        #expect(schedule.take(at: next / 2) == nil)
        #expect(schedule.take(at: next)?.due == next)
    }

    @Test("answers other than 200, broken connections and requests without an answer are errors")
    func errors() {
        var recorder = BenchRecorder()
        recorder.record(status: 200, seconds: 0.001)
        recorder.record(status: 429, seconds: 0.001)
        recorder.record(status: 0, seconds: 0.001)
        recorder.recordUnanswered(seconds: 2)
        #expect(recorder.good == 1)
        #expect(recorder.errors == 3)
        let lines = BenchTable.lines([recorder, BenchRecorder()], rates: [4, 0], duration: 1)
        #expect(lines[1].split(separator: " ").first == "votes")
        #expect(lines[1].split(separator: " ").last == "3")
        #expect(lines.contains { $0.contains("1 answers 429") })
        #expect(recorder.latencies.maximum >= 2_000_000)
    }

    @Test("a run may last a part of a second more")
    func fractions() throws {
        #expect(BenchCommand.seconds(try resolve(.bench, ["--duration", "1500ms"])) == 1.5)
        #expect(BenchCommand.seconds(try resolve(.bench)) == 30)
    }

    @Test("of several addresses of a name the first is taken that somebody listens at; else the first")
    func addresses() async throws {
        try await withServer { _ in
        } _: { url in
            let port = try #require(url.split(separator: ":").last.map(String.init))
            let listening = try BenchAddress.lookUp("127.0.0.1", port)
            // Of IPv6, as `localhost` often is first; and a port that nobody has.
            let others = try BenchAddress.lookUp("::1", port) + BenchAddress.lookUp("127.0.0.1", "1")
            #expect(BenchEndpoint.firstReachable(of: others + listening) == listening.first)
            #expect(BenchEndpoint.firstReachable(of: others) == others.first)
            #expect(BenchEndpoint.firstReachable(of: []) == nil)
        }
    }

    @Test("targets are drawn by weight; lines without one are left out, a file without any is refused")
    func weights() throws {
        let path = try temporaryFile("video_id,likes\nrare,1,9\ncommon,99,9\nnever,0\n\n")
        defer { unlink(path) }
        let targets = try BenchTargets(file: path)
        var random = FastRandom(seed: 1)
        var counts: [String: Int] = [:]
        for _ in 0..<10_000 { counts[String(decoding: targets.draw(&random), as: UTF8.self), default: 0] += 1 }
        #expect(Set(counts.keys) == ["rare", "common"])
        #expect((50...150).contains(counts["rare"] ?? 0))
        let empty = try temporaryFile("video_id,likes\n")
        defer { unlink(empty) }
        #expect(throws: CommandError.self) { try BenchTargets(file: empty) }
        #expect(throws: CommandError.self) { try BenchAddress(url: "https://127.0.0.1") }
    }
}
