import Spillway
import SpillwayTesting
import Testing

@testable import SpillwayRocksDB

/// Rows of failure stores are read back as they were written, and odd bytes are errors.
@Suite struct FailureEncodingTests {
    let homes = FailureHomes()

    private let entry = SideEntry(
        name: recordName(7), mode: .held, dueMs: -3, attempts: 300, rounds: 2, reason: "nö",
        record: Record(
            key: [1, 0], value: [9], position: Position(high: 1, low: 7), timestampMs: 8,
            headers: [Header(name: "a", value: [1]), Header(name: "", value: [])]))

    private var letter: DeadLetter {
        DeadLetter(name: entry.name, record: entry.record, reason: "why", attempts: 3, failedAtMs: 4)
    }

    private func made(_ make: (inout [UInt8]) -> Void) -> [UInt8] {
        // What is left from the row before must not show.
        var bytes: [UInt8] = [1, 2, 3]
        make(&bytes)
        return bytes
    }

    private var entryValue: [UInt8] {
        var bytes: [UInt8] = []
        #expect(bytes[FailureEncoding.append(entry, to: &bytes)] == [1, 0])
        return bytes
    }

    private var letterValue: [UInt8] {
        var bytes: [UInt8] = []
        FailureEncoding.append(letter, to: &bytes)
        return bytes
    }

    private var blockValue: [UInt8] {
        var items = [
            SideBlock.Item(position: entry.name.position, dueMs: -1, byteCount: 3, start: 0, length: 2),
            SideBlock.Item(position: entry.name.position.successor, dueMs: 0, byteCount: 4, start: 0, length: 1),
        ]
        return made { SideBlock.makeHead([0x6e, 103, 0], &items, in: &$0) } + [7, 8, 9]
    }

    /// The heads of the two items.
    private let items: [UInt8] =
        [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7] + Array(repeating: 255, count: 8) + [0, 0, 0, 3, 0, 0, 0, 2]
        + [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1]

    private var removalsValue: [UInt8] { SideRemovals.value([SideRemovals.Entry(block: 5, start: 258)]) }

    @Test func blocksAreReadAsTheyWereWritten() throws {
        let block = try SideBlock(number: 5, blockValue)
        #expect(block.items.map(\.position.low) == [7, 8])
        #expect(block.items.map(\.dueMs) == [-1, 0])
        #expect(block.items.map(\.byteCount) == [3, 4])
        #expect(block.items.map { Array(blockValue[Int($0.start)..<Int($0.start + $0.length)]) } == [[7, 8], [9]])
        #expect(block.place == [0x6e, 103, 0])
        #expect(try SideBlock.parseKey(SideBlock.key(5)) == 5)
        #expect(try SideRemovals.parse(removalsValue) == [SideRemovals.Entry(block: 5, start: 258)])
        #expect(try SideRemovals.parseKey(SideRemovals.key(258)) == 258)
    }

    /// The format of stored data: it may be added to, not changed.
    @Test func theBytesAreTheFormats() {
        let name = recordName(7, group: "g\u{0}", partition: -1)
        let prefix = FailureKeys.partition(FailureKeys.name, name.group, name.partition)
        let partition: [UInt8] = [0x67, 0, 1, 0, 0, 0x73, 0, 0, 0x74, 0, 0, 0x7f] + Array(repeating: 255, count: 7)
        let position: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7]
        #expect(prefix == [0x6e] + partition)
        #expect(made { FailureKeys.make(FailureKeys.name, prefix, name.position, in: &$0) } == prefix + position)
        #expect(FailureKeys.letter(name) == [0x6c] + partition + position)
        #expect(
            SideBlock.key(258) == [0x62, 0, 0, 0, 0, 0, 0, 1, 2])
        #expect(blockValue == [1, 0, 2, 103, 0, 0, 2] + items + [7, 8, 9])
        #expect(SideRemovals.key(258) == [0x72, 0, 0, 0, 0, 0, 0, 1, 2])
        #expect(removalsValue == [1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 1, 2])
        #expect(
            made { FailureKeys.makeHeld(prefix, [5, 6], name.position, in: &$0) }
                == [0x68] + partition + [0, 0, 0, 2, 5, 6] + position)
        #expect(FailureKeys.held(in: prefix, [5, 6]) == [0x68] + partition + [0, 0, 0, 2, 5, 6])
        #expect(
            FailureKeys.held(FailureKeys.summary, in: prefix, [5, 6]) == [0x73] + partition + [0, 0, 0, 2, 5, 6])
        #expect(
            made { FailureEncoding.makeLocation(.held, dueMs: 1, byteCount: 2, key: [3], in: &$0) }
                == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 3])
        let record: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 8, 7, 2, 1, 0, 1, 9, 2, 1, 0x61, 1, 1, 0, 0]
        #expect(
            entryValue
                == [1, 1] + Array(repeating: 255, count: 7) + [0xfd, 0xac, 2, 2, 3, 0x6e, 0xc3, 0xb6] + record)
        #expect(
            letterValue
                == [1, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 4, 3, 3, 0x77, 0x68, 0x79] + record)
    }

    @Test func whatIsCutOrTooLongIsMalformed() throws {
        let decoders: [([UInt8], ([UInt8]) throws -> Void)] = [
            (entryValue, { [entry] in _ = try FailureEncoding.entry($0, name: entry.name) }),
            (letterValue, { [entry] in _ = try FailureEncoding.letter($0, name: entry.name) }),
            (
                FailureEncoding.value(HeldSummary(records: 1, first: .start, last: .start, dueMs: 2)),
                { _ = try FailureEncoding.summary($0) }
            ),
            (FailureEncoding.value(FailureCount(records: 1, bytes: 2)), { _ = try FailureEncoding.count($0) }),
            (FailureKeys.letter(entry.name), { _ = try FailureKeys.parseLetter($0) }),
            (blockValue, { _ = try SideBlock(number: 1, $0) }),
            (SideRemovals.key(1), { _ = try SideRemovals.parseKey($0) }),
        ]
        for (value, decode) in decoders {
            try decode(value)
            for count in 0..<value.count { malformed { try decode(Array(value.prefix(count))) } }
            malformed { try decode(value + [0]) }
            malformed { try decode([2] + value.dropFirst()) }
        }
        for count in 0..<removalsValue.count where count != 1 {
            malformed { _ = try SideRemovals.parse(Array(removalsValue.prefix(count))) }
        }
        malformed { _ = try SideRemovals.parse(removalsValue + [0]) }
        let location = made { FailureEncoding.makeLocation(.delayed, dueMs: 1, byteCount: 2, key: [], in: &$0) }
        for count in 0..<location.count {
            malformed { _ = try FailureEncoding.location(Array(location.prefix(count))) }
        }
    }

    private func malformed(_ body: () throws -> Void) {
        do {
            try body()
            Issue.record("odd bytes were taken")
        } catch { #expect((error as? DatabaseError)?.code == .corruption) }
    }

    @Test func oddBytesNeverEndTheProcess() throws {
        var random = SeededRandom(seed: 1)
        let values = [entryValue, letterValue, FailureKeys.letter(entry.name), blockValue, removalsValue]
        for round in 0..<30_000 {
            var value = values[round % values.count]
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                value[Int.random(in: 0..<value.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if random.chance(0.3) { value.removeLast(Int.random(in: 0..<value.count, using: &random)) }
            let decoders: [([UInt8]) throws -> Void] = [
                { [entry] in _ = try FailureEncoding.entry($0, name: entry.name) },
                { [entry] in _ = try FailureEncoding.letter($0, name: entry.name) },
                { _ = try FailureEncoding.location($0) }, { _ = try FailureEncoding.summary($0) },
                { _ = try FailureEncoding.count($0) }, { _ = try FailureKeys.parseLetter($0) },
                { _ = try SideBlock(number: 1, $0) }, { _ = try SideRemovals.parse($0) },
                { _ = try SideBlock.parseKey($0) }, { _ = try FailureEncoding.byteCount($0) },
            ]
            for decode in decoders {
                do { try decode(value) } catch { #expect((error as? DatabaseError)?.code == .corruption) }
            }
        }
    }

    @Test func anOddRowFailsTheCallsThatReadItAndNoOthers() async throws {
        let store = try homes.open()
        try await store.apply([
            .put(sideEntry(recordName(1), .held)), .put(sideEntry(recordName(2))), .bury(deadLetter(recordName(3))),
        ])
        let database = try #require(homes.database(store))
        let batch = WriteBatch()
        let place = FailureKeys.partition(FailureKeys.name, "g", recordName(1).partition)
        let name = made { FailureKeys.make(FailureKeys.name, place, recordName(1).position, in: &$0) }
        batch.put(store.tables.names, name, [1, 9])
        batch.put(store.tables.letters, FailureKeys.letter(recordName(3)), [1])
        try database.write(batch)
        for call: @Sendable () async throws -> Void in [
            { [store] in try await store.apply([.remove(recordName(2)), .remove(recordName(1))]) },
            { [store] in _ = try await store.requeueDeadLetters([recordName(3)], dueMs: 0) },
            { [store] in _ = try await store.deadLetter(recordName(3)) },
            { [store] in _ = try await store.deadLetters(group: nil, after: nil, limit: 1) },
        ] {
            let error = await #expect(throws: FailureStoreError.self) { try await call() }
            #expect(error?.code == .failed)
            #expect(error?.isRetriable == false)
            #expect((error?.cause as? DatabaseError)?.code == .corruption)
        }
        // Also where they wait for the same batch.
        let failed = try await withThrowingTaskGroup(of: Bool.self) { group in
            for low in 0..<40 as Range<UInt64> {
                group.addTask { [store] in
                    do {
                        try await store.apply([.put(sideEntry(recordName(low.isMultiple(of: 10) ? 1 : low + 10)))])
                        return false
                    } catch let error as FailureStoreError where error.code == .failed { return true }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failed == 4)
        #expect(try await store.sideCount(group: "g").records == 2 + 36)
        try homes.closeAll()
    }
}
