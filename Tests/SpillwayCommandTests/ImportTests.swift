import FoundationEssentials
import Glibc
import Reactions
import Synchronization
import Testing

@testable import spillway

@Suite("Reading lines of an import")
struct ImportTests {
    private let parser = ImportLineParser(targetTypes: ["video", "comment"], nowMs: 1_800_000_000_000)
    private static let good =
        #"{"user_id":"u1","target_id":"v:1","target_type":"video","reaction":"like","at":"2026-11-21T13:51:00Z"}"#

    private func parse(_ text: String) throws(ImportLineError) -> ImportedReaction {
        try parser.parse(Array(text.utf8)[...])
    }

    @Test("a line is read, whichever way it is written")
    func readings() throws {
        let wanted = ImportedReaction(
            userID: "u1", targetID: "v:1", targetType: "video", reaction: .like, atMs: 1_795_269_060_000)
        #expect(try parse(Self.good) == wanted)
        let others = [
            #" { "at" : "2026-11-21T14:51:00+01:00", "reaction":"like","target_type":"video","target_id":"v:1", "user_id":"u1" } "#,
            #"{"user_id":"\u0075\u0031","target_id":"v:1","target_type":"video","reaction":"like","at":"2026-11-21T13:51:00.000Z"}"#,
            #"{"user_id":"u1","more":[1,{"a":null}],"target_id":"v:1","target_type":"video","reaction":"like","at":"2026-11-21t13:51:00z"}"#,
        ]
        for other in others { #expect(try parse(other) == wanted) }
    }

    @Test("users are any text of 255 bytes without control characters")
    func users() throws {
        let line = { (user: String) in Self.good.split(separator: "u1").joined(separator: user) }
        #expect(try parse(line("Zoë@example.com")).userID == "Zoë@example.com")
        #expect(try parse(line(String(repeating: "x", count: 255))).userID.count == 255)
        for user in ["", "a\\u0007", "a\\u0085", String(repeating: "x", count: 256)] {
            #expect(throws: ImportLineError.self) { try parse(line(user)) }
        }
    }

    @Test(
        "a bad line says what is wrong",
        arguments: [
            ("", "JSON"), ("{}", "missing"), ("[]", ""), ("{\"user_id\":1}", ""), (good + "x", "JSON"),
            (good + good, "JSON"),
            (String(good.dropLast()), "JSON"), ("null", ""), (String(repeating: "[", count: 5_000), ""),
            // What the decoder would take.
            (good.dropLast() + ",}", "JSON"), (good.dropLast() + #","more":01}"#, "JSON"),
            (good.dropLast() + #","more":"\x"}"#, "JSON"),
        ])
    func badLines(text: String, reason: String) {
        let error = #expect(throws: ImportLineError.self) { try parse(text) }
        #expect(error?.reason.contains(reason) == true)
    }

    @Test(
        "a bad field is named",
        arguments: [
            ("v:1", "v 1", "target_id"), ("v:1", "", "target_id"),
            ("v:1", String(repeating: "x", count: 129), "target_id"),
            ("video", "Video", "target_type"), ("like", "love", "reaction"), ("2026-11-21T", "2026-13-21T", "at"),
            ("2026-11-21T", "2036-11-21T", "future"), ("user_id", "user", "user_id"),
        ])
    func badFields(old: String, new: String, named: String) {
        let parts = Self.good.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
        let error = #expect(throws: ImportLineError.self) { try parse(parts.joined(separator: new)) }
        #expect(error?.reason.contains(named) == true)
    }

    @Test("the quick way and the decoder agree on every plain line")
    func plainObjects() throws {
        let escaped = Self.good.split(separator: "like").joined(separator: "lik\\u0065")
        #expect(PlainObject(Array(escaped.utf8)[...]) == nil)
        #expect(PlainObject(Array(Self.good.utf8)[...]) != nil)
        #expect(try parse(escaped) == parse(Self.good))
        // Which of two members with one name counts is the decoder's to say.
        #expect(PlainObject(Array(#"{"a":"1","a":"2"}"#.utf8)[...]) == nil)
        // Cut or changed at any byte, a line never comes out as something else than the decoder makes of it.
        for index in Self.good.utf8.indices {
            #expect(throws: ImportLineError.self) { try parse(String(Self.good[..<index])) }
        }
    }
}

@Suite("Running an import")
struct ImportRunTests {
    private final class Sink: ImportSink {
        let rows = Mutex<[ImportedReaction]>([])
        let finished = Mutex(false)
        func add(_ rows: [ImportedReaction]) async throws -> Int {
            self.rows.withLock { $0 += rows }
            return rows.count
        }
        func finish() async throws { finished.withLock { $0 = true } }
    }

    private func line(_ user: String) -> String {
        #"{"user_id":"\#(user)","target_id":"v","target_type":"video","reaction":"like","at":"2026-01-01T00:00:00Z"}"#
    }

    private func run(
        _ text: String, strict: Bool = false
    ) async throws -> (ImportRun.Summary, [String], [(Int, String)], Bool) {
        let path = try temporaryFile(text)
        defer { unlink(path) }
        let sink = Sink()
        var bad: [(Int, String)] = []
        let run = ImportRun(
            parser: ImportLineParser(targetTypes: ["video"], nowMs: 1_800_000_000_000), sink: sink, isStrict: strict,
            reportBadLine: { bad.append(($0, $1)) }, reportProgress: { _, _ in })
        let summary = try await run.run(try FileSource(path: path))
        return (summary, sink.rows.withLock { $0.map(\.userID) }, bad, sink.finished.withLock { $0 })
    }

    @Test("bad lines are named by number and skipped; empty ones and a missing last end don't matter")
    func badLinesAreSkipped() async throws {
        let text = "\(line("a"))\n\nnonsense\r\n\(line("b"))\r\n  \n{}\n\(line("c"))"
        let (summary, users, bad, finished) = try await run(text)
        #expect(summary == ImportRun.Summary(read: 3, changed: 3, bad: 2, isStopped: false))
        #expect(users == ["a", "b", "c"])
        #expect(bad.map(\.0) == [3, 6])
        #expect(finished)
    }

    @Test("every bad line is named, however many there are")
    func everyBadLineIsNamed() async throws {
        let (summary, _, bad, _) = try await run(String(repeating: "nonsense\n", count: 1_000))
        #expect(summary.bad == 1_000 && bad.map(\.0) == Array(1...1_000))
    }

    @Test("strict ends at the first bad line and keeps what came before")
    func strictStops() async throws {
        let (summary, users, bad, finished) = try await run("\(line("a"))\nbad\n\(line("b"))\n", strict: true)
        #expect(summary == ImportRun.Summary(read: 1, changed: 1, bad: 1, isStopped: true))
        #expect(users == ["a"])
        #expect(bad.map(\.0) == [2])
        #expect(finished)
    }

    @Test("a line of megabytes is refused without being kept, and the next one is read")
    func longLine() async throws {
        let (summary, users, bad, _) = try await run(
            "\(line("a"))\n\(String(repeating: "x", count: 3 << 20))\n\(line("b"))\n")
        #expect(summary.bad == 1 && bad[0].0 == 2 && bad[0].1.contains("64 KiB"))
        #expect(users == ["a", "b"])
    }

    @Test("lines come out whole whatever the size of the chunks", arguments: [1, 2, 3, 7, 64, 4_096])
    func chunks(size: Int) throws {
        let path = try temporaryFile("one\n\nthree\r\n" + String(repeating: "4", count: 20) + "\nfive")
        defer { unlink(path) }
        var reader = LineReader(try FileSource(path: path), longest: 10, chunkBytes: size)
        var lines: [String] = []
        while let line = try reader.next() {
            if case .text(let bytes) = line {
                lines.append(String(decoding: bytes, as: UTF8.self))
            } else {
                lines.append("long")
            }
        }
        #expect(lines == ["one", "", "three", "long", "five"])
        #expect(reader.lineNumber == 5)
    }

    @Test(
        "an instant too far ahead is a bad line, which the store never sees",
        arguments: [(60_000, 3), (60_001, 2), (120_000, 2), (300_000, 2)])
    func aheadOfTheClock(aheadMs: Int64, changed: Int) async throws {
        // 2026-11-21T13:50:00Z
        let nowMs: Int64 = 1_795_269_000_000
        let seconds = (60_000 + aheadMs) / 1_000
        let minute = 49 + seconds / 60
        let milliseconds = String(1_000 + aheadMs % 1_000).dropFirst()
        let at = "2026-11-21T13:\(minute):\(String(100 + seconds % 60).dropFirst()).\(milliseconds)Z"
        let ahead =
            #"{"user_id":"b","target_id":"v","target_type":"video","reaction":"like","at":"\#(at)"}"#
        let path = try temporaryFile("\(line("a"))\n\(ahead)\n\(line("c"))\n")
        let directory = "/tmp/spillway-import-\(UUID().uuidString)"
        defer {
            unlink(path)
            try? FileManager.default.removeItem(atPath: directory)
        }
        let store = StoreConfiguration(try resolve(.import, ["--data", directory, path]))
        var bad: [Int] = []
        let run = ImportRun(
            parser: ImportLineParser(targetTypes: ["video"], nowMs: nowMs),
            sink: try await Wiring.importSink(store, targetTypes: ["video"], nowMs: nowMs), isStrict: false,
            reportBadLine: { number, _ in bad.append(number) }, reportProgress: { _, _ in })
        let summary = try await run.run(try FileSource(path: path))
        #expect(summary == ImportRun.Summary(read: changed, changed: changed, bad: 3 - changed, isStopped: false))
        #expect(bad == (changed == 3 ? [] : [2]))
    }

    @Test("several batches arrive in order")
    func batches() async throws {
        let count = ImportRun.batchRows * 2 + 5
        let (summary, users, _, _) = try await run((0..<count).map { line("u\($0)") }.joined(separator: "\n"))
        #expect(summary.read == count)
        #expect(users == (0..<count).map { "u\($0)" })
    }
}
