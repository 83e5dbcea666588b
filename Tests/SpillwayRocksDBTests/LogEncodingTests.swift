import Spillway
import Testing

@testable import SpillwayRocksDB

@Suite struct LogEncodingTests {
    func entry(_ messages: [(Message, Int)], base: UInt64 = 5) throws -> LogEntry {
        var bytes: [UInt8] = []
        LogEncoding.appendHeader(to: &bytes)
        for (message, partition) in messages {
            let before = bytes.count
            LogEncoding.append(message, partition: partition, timestampMs: -3, to: &bytes)
            #expect(bytes.count - before <= LogEncoding.bound(message))
        }
        LogEncoding.setHeader(&bytes, count: messages.count, appendedAtMs: 17, epoch: 9)
        return try LogEntry(base: base, bytes: bytes)
    }

    @Test func everyShapeOfMessageComesBack() throws {
        let long = [UInt8](repeating: 3, count: 70_000)
        let messages: [(Message, Int)] = [
            (Message(value: nil), 0), (Message(key: [], value: []), 65_535), (Message(key: [1], value: nil), 3),
            (Message(key: nil, value: long, headers: [Header(name: "é", value: long)]), 2),
        ]
        let entry = try entry(messages)
        #expect(entry.count == 4)
        #expect(entry.epoch == 9)
        #expect(entry.appendedAtMs == 17)
        #expect(entry.end == 9)
        var reader = LogEntryReader(entry)
        for (index, (message, partition)) in messages.enumerated() {
            let place = try #require(try reader.next())
            #expect(place.partition == partition)
            let record = try reader.record(at: place)
            #expect(record.key.map(Array.init) == message.key)
            #expect(record.value.map(Array.init) == message.value)
            #expect(record.headers == message.headers)
            #expect(record.timestampMs == -3)
            #expect(record.position == Position(high: 9, low: 5 + UInt64(index)))
            #expect(record.storage === entry.storage)
        }
        #expect(try reader.next() == nil)
    }

    @Test func noBytesTrapTheReader() throws {
        let good = try entry([
            (Message(key: [1, 2], value: [3, 4, 5], headers: [Header(name: "ab", value: [9])]), 1),
            (Message(key: [7], value: nil), 0),
        ]).storage.bytes
        for length in 0...good.count { try read(Array(good[..<length])) }
        var random = Generator(state: 4)
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try read(bytes)
        }
    }

    /// Reads what may be damaged: an error of ours is fine, anything else is not.
    func read(_ bytes: [UInt8]) throws {
        do {
            var reader = LogEntryReader(try LogEntry(base: 1, bytes: bytes))
            while let place = try reader.next() { _ = try reader.record(at: place) }
        } catch let error as DatabaseError { #expect(error.code == .corruption) }
    }

    @Test func epochsSayWhatAPositionMeans() {
        var epochs = LogEpochs(first: 10)
        epochs.begin(20, at: 100)
        epochs.begin(20, at: 500)
        epochs.begin(30, at: 200)
        let cases: [(UInt64, UInt64, UInt64)] = [
            (0, 0, 0), (5, 50, 0), (10, 50, 50), (10, 100, 100), (10, 170, 100), (15, 3, 100), (20, 150, 150),
            (20, 50, 100), (20, 999, 200), (30, 250, 250), (30, 1, 200), (40, 1, .max),
        ]
        for (high, low, sequence) in cases {
            #expect(epochs.sequence(atOrAfter: Position(high: high, low: low)) == sequence, "\(high) \(low)")
        }
        #expect(epochs.epoch(of: 99) == 10)
        #expect(epochs.epoch(of: 100) == 20)
        #expect(epochs.position(of: 200) == Position(high: 30, low: 200))
    }

    @Test func tokensComeBack() throws {
        var write = TokenWrite(
            Deduplication(scope: [1, 2], token: [3], fingerprint: .max, lifetimeMs: 5), partitions: [0, 300],
            nowMs: 1_000)
        write.index = 4
        let stored = try TokenEncoding.parse(TokenEncoding.value(write, epoch: 8, base: 20))
        #expect(
            stored
                == StoredToken(fingerprint: .max, expiresAtMs: 1_005, epoch: 8, sequence: 24, partitions: [0, 300]))
        let key = TokenEncoding.expiryKey(1_005, [1, 2], [3])
        let parsed = try #require(TokenEncoding.parseExpiry(key))
        #expect(parsed.at == 1_005 && parsed.scope == [1, 2] && parsed.token == [3])
        for length in 0..<key.count { _ = TokenEncoding.parseExpiry(Array(key[..<length])) }
        #expect(throws: DatabaseError.self) { try TokenEncoding.parse([1, 2, 3]) }
    }
}
