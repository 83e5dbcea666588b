import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// Fails for chosen values until it is told to recover, and notes what it handled.
final class RecoveringHandler: SingleHandler {
    let notebook = Notebook()
    private let failing: Mutex<Set<String>>
    private let tries = Mutex<[String: Int]>([:])
    private let failsAll = Mutex(false)

    init(failing: Set<String> = []) { self.failing = Mutex(failing) }

    func recover() {
        failing.withLock { $0 = [] }
        failsAll.withLock { $0 = false }
    }

    func breakDown() { failsAll.withLock { $0 = true } }

    func tries(_ value: String) -> Int { tries.withLock { $0[value] ?? 0 } }
    var values: [String] { notebook.values }
    func values(_ key: String) -> [String] { notebook.state.withLock { $0.byKey[key] ?? [] } }

    func decode(_ record: Record) throws -> String { String(decoding: record.value ?? [], as: UTF8.self) }

    func handle(_ event: String, context: HandlingContext) async throws {
        tries.withLock { $0[event, default: 0] += 1 }
        if event.hasPrefix("bad") { throw HandlerError(.rejected, "never", isRetriable: false) }
        if failsAll.withLock({ $0 }) || failing.withLock({ $0.contains(event) }) { throw Trouble() }
        notebook.note(context.record)
    }
}

/// A failure store whose writes fail for as long as somebody says so.
final class FailingStore: FailureStore {
    let inner = InMemoryFailureStore()
    private let trouble = Mutex<FailureStoreError.Code?>(nil)
    private let refusals = Mutex(0)

    var refused: Int { refusals.withLock { $0 } }
    func fail(_ code: FailureStoreError.Code?) { trouble.withLock { $0 = code } }

    private func check() throws {
        guard let code = trouble.withLock({ $0 }) else { return }
        refusals.withLock { $0 += 1 }
        throw FailureStoreError(code, "as told")
    }

    func apply(
        _ operations: [FailureOperation], group: String, generations: [TopicPartition: UInt64]
    ) async throws {
        let needsRoom = operations.contains { if case .remove = $0 { false } else { true } }
        if needsRoom || trouble.withLock({ $0 }) != .full { try check() }
        try await inner.apply(operations, group: group, generations: generations)
    }

    func open(group: String, partition: TopicPartition, generation: UInt64) async throws -> [HeldKeySummary] {
        try await inner.open(group: group, partition: partition, generation: generation)
    }

    func heldKeys(group: String, partition: TopicPartition) async throws -> [HeldKeySummary] {
        try await inner.heldKeys(group: group, partition: partition)
    }

    func heldEntries(
        group: String, partition: TopicPartition, key: [UInt8], from position: Position, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry] {
        if trouble.withLock({ $0 }) == .failed { try check() }
        return try await inner.heldEntries(
            group: group, partition: partition, key: key, from: position, limit: limit, maxBytes: maxBytes)
    }

    func delayedEntries(
        group: String, partition: TopicPartition, dueByMs: Int64, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry] {
        if trouble.withLock({ $0 }) == .failed { try check() }
        return try await inner.delayedEntries(
            group: group, partition: partition, dueByMs: dueByMs, limit: limit, maxBytes: maxBytes)
    }

    func nextDelayedDueMs(group: String, partition: TopicPartition) async throws -> Int64? {
        try await inner.nextDelayedDueMs(group: group, partition: partition)
    }

    func sideCount(group: String) async throws -> FailureCount { try await inner.sideCount(group: group) }

    func deadLetters(group: String?, after name: RecordName?, limit: Int) async throws -> [DeadLetter] {
        try await inner.deadLetters(group: group, after: name, limit: limit)
    }

    func deadLetter(_ name: RecordName) async throws -> DeadLetter? { try await inner.deadLetter(name) }

    func discardDeadLetters(_ names: [RecordName]) async throws -> Int { try await inner.discardDeadLetters(names) }

    func requeueDeadLetters(_ names: [RecordName], dueMs: Int64) async throws -> Int {
        try await inner.requeueDeadLetters(names, dueMs: dueMs)
    }

    func deadLetterCount(group: String?) async throws -> FailureCount { try await inner.deadLetterCount(group: group) }
}

@Suite struct FailureHandlingTests {
    let store = FailingStore()

    private func consumer(
        _ broker: InMemoryBroker, _ handler: RecoveringHandler, _ exhaustion: RetryPolicy.Exhaustion,
        _ change: (inout ConsumerConfiguration) -> Void = { _ in }
    ) throws -> Consumer {
        var configuration = ConsumerTests.configuration()
        configuration.retry = RetryPolicy(
            backoff: Backoff(base: .milliseconds(1), maximum: .milliseconds(2)), maxAttempts: 2,
            whenExhausted: exhaustion, sideBackoff: Backoff(base: .milliseconds(1), maximum: .milliseconds(10)))
        change(&configuration)
        return try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .single(handler), failureStore: store,
            logger: quietLogger)
    }

    private func send(_ broker: InMemoryBroker, _ records: [(key: String, value: String)]) async throws {
        for record in records {
            _ = try await broker.send(Message(key: Array(record.key.utf8), value: Array(record.value.utf8)), to: "t")
        }
    }

    private var sideRecords: Int { get async throws { try await store.sideCount(group: "g").records } }

    private func letters() async throws -> [DeadLetter] {
        try await store.deadLetters(group: "g", after: nil, limit: 1_000)
    }

    @Test func aHeldKeyGoesOnAfterASeekToTheEarliestOfALogThatRetentionHasEmptied() async throws {
        var limits = InMemoryBroker.Limits()
        limits.maxRecords = 3
        let broker = InMemoryBroker(limits: limits)
        _ = try await broker.ensureTopic("t", partitions: 2)
        let keys = try (0..<2).map { number in
            try unwrap(
                (0...).lazy.map { "k\($0)" }.first { KeyPartitioner.partition(for: Array($0.utf8), of: 2) == number })
        }
        let first = TopicPartition(source: broker.source, topic: "t", partition: 0)
        let handler = RecoveringHandler(failing: ["a"])
        let consumer = try consumer(broker, handler, .hold)
        try await ConsumerTests.run(consumer) {
            try await send(broker, [(keys[0], "a")])
            let ends = try await broker.endPositions(of: "t")
            try await eventually { try await broker.committed(group: "g", topic: "t")[first] == ends[first] }
            for number in 0..<3 { try await send(broker, [(keys[1], "b\(number)")]) }
            #expect(try await broker.positions(of: "t", atOrAfterMs: .min)[first] == ends[first])
            try await consumer.seek(to: .earliest, by: "ann")
            handler.recover()
            try await soon("the held key goes on") { handler.values(keys[0]) == ["a"] }
        }
    }

    @Test func aHeldKeyKeepsItsOrderWhileTheOthersAndTheCommitGoOn() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["a0"])
        try await ConsumerTests.run(consumer(broker, handler, .hold)) {
            for number in 0..<20 { try await send(broker, [("a", "a\(number)"), ("b", "b\(number)")]) }
            try await eventually { handler.values("b").count == 20 }
            try await eventually { try await ConsumerTests.committedAll(broker) }
            #expect(handler.values("a").isEmpty)
            #expect(try await sideRecords == 20)
            #expect(handler.tries("a1") == 0, "nothing of the key is handled before its first")
            handler.recover()
            try await eventually { handler.values("a").count == 20 }
            try await eventually { try await sideRecords == 0 }
            try await send(broker, [("a", "a20")])
            try await eventually { handler.values("a").count == 21 }
        }
        #expect(handler.values("a") == (0..<21).map { "a\($0)" })
        #expect(handler.values.count == 41)
        #expect(try await letters().isEmpty)
    }

    @Test func aHeldKeySurvivesAStopAndIsTakenOnByAnotherConsumer() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["a0"])
        try await ConsumerTests.run(consumer(broker, handler, .hold)) {
            for number in 0..<10 { try await send(broker, [("a", "a\(number)")]) }
            try await eventually { try await sideRecords == 10 }
            try await eventually { try await ConsumerTests.committedAll(broker) }
        }
        handler.recover()
        try await ConsumerTests.run(consumer(broker, handler, .hold)) {
            for number in 10..<20 { try await send(broker, [("a", "a\(number)")]) }
            try await eventually { handler.values("a").count == 20 }
            try await eventually { try await sideRecords == 0 }
        }
        #expect(handler.values("a") == (0..<20).map { "a\($0)" })
    }

    @Test func aDelayedRecordLetsItsKeyGoOn() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["a0"])
        try await ConsumerTests.run(consumer(broker, handler, .delay)) {
            for number in 0..<5 { try await send(broker, [("a", "a\(number)")]) }
            try await eventually { handler.values("a").count == 4 }
            try await eventually { try await ConsumerTests.committedAll(broker) }
            handler.recover()
            try await eventually { handler.values("a").count == 5 }
            try await eventually { try await sideRecords == 0 }
        }
        #expect(handler.values("a") == ["a1", "a2", "a3", "a4", "a0"])
    }

    @Test func aDeadLetterHasItsReasonItsAttemptsAndTheOriginalBytes() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["a0"])
        let headers = [Header(name: "origin", value: Array("here".utf8))]
        try await ConsumerTests.run(consumer(broker, handler, .giveUp)) {
            _ = try await broker.send(
                Message(key: Array("a".utf8), value: Array("a0".utf8), headers: headers, timestampMs: 77), to: "t")
            try await send(broker, [("a", "a1"), ("b", "bad")])
            try await eventually { try await letters().count == 2 }
            try await eventually { try await ConsumerTests.committedAll(broker) }
        }
        #expect(handler.values == ["a1"])
        let found = try await letters()
        #expect(found.map(\.attempts) == [2, 1])
        #expect(found[0].reason == "\(Trouble())" && found[1].reason.contains("never"))
        #expect(found[0].record.key.map { Array($0) } == Array("a".utf8))
        #expect(found[0].record.value.map { Array($0) } == Array("a0".utf8))
        #expect(found[0].record.headers == headers && found[0].record.timestampMs == 77)
        #expect(found.map(\.name.position.low) == [1, 3] && found.allSatisfy { $0.name.group == "g" })
    }

    @Test(arguments: [RetryPolicy.Exhaustion.hold, .delay])
    func afterItsRoundsARecordIsGivenUp(exhaustion: RetryPolicy.Exhaustion) async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["a0"])
        let consumer = try consumer(broker, handler, exhaustion) { $0.retry.maxRounds = 3 }
        try await ConsumerTests.run(consumer) {
            try await send(broker, [("a", "a0"), ("a", "a1"), ("b", "b0")])
            try await eventually { try await letters().count == 1 }
            try await eventually { handler.values.count == 2 }
            try await eventually { try await sideRecords == 0 }
        }
        // Two attempts in place, and one in each round.
        #expect(handler.tries("a0") == 5)
        #expect(try await letters().map(\.attempts) == [5])
    }

    @Test func aRecordWhoseKeyIsTooLongToBeHeldBecomesADeadLetterAndStopsNoOther() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["long0", "a0"])
        let long = String(repeating: "k", count: 65_536)
        try await ConsumerTests.run(consumer(broker, handler, .hold)) {
            try await send(broker, [(long, "long0"), ("a", "a0"), (long, "long1"), ("b", "bad")])
            try await eventually { try await letters().count == 2 }
            try await eventually { try await sideRecords == 1 }
            try await eventually { try await ConsumerTests.committedAll(broker) }
        }
        #expect(handler.values == ["long1"], "its key goes on without it")
        let letter = try await letters()[0]
        #expect(letter.record.key?.count == 65_536 && letter.attempts == 2)
        #expect(letter.reason.contains("65535 bytes") && letter.reason.contains("\(Trouble())"))
    }

    @Test(arguments: [RetryPolicy.Exhaustion.delay, .giveUp])
    func aVeryLongKeyIsNoMatterToWhatIsNotHeld(exhaustion: RetryPolicy.Exhaustion) async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["long0"])
        let long = String(repeating: "k", count: 65_536)
        try await ConsumerTests.run(consumer(broker, handler, exhaustion)) {
            try await send(broker, [(long, "long0"), (long, "long1")])
            try await eventually { try await letters().count + sideRecords == 1 }
            handler.recover()
            _ = try await store.requeueDeadLetters(letters().map(\.name), dueMs: 0)
            try await eventually { handler.values.count == 2 }
        }
        #expect(handler.values.sorted() == ["long0", "long1"])
    }

    @Test func aGroupMustNotHaveANameThatNoStoreTakes() throws {
        var configuration = ConsumerTests.configuration()
        configuration.group = String(repeating: "g", count: 255)
        try configuration.validate()
        configuration.group += "g"
        let error = #expect(throws: ConsumerError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration && error?.message.contains("group") == true)
    }

    @Test func oneRecordInFlightIsTooFewWhereOneIsKeptForTheSideQueue() async throws {
        let broker = try await ConsumerTests.broker()
        let error = #expect(throws: ConsumerError.self) {
            try consumer(broker, RecoveringHandler(), .giveUp) { $0.maxInFlightRecords = 1 }
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("maxInFlightRecords of consumer g/t must be at least 2") == true)
        _ = try consumer(broker, RecoveringHandler(), .giveUp) { $0.maxInFlightRecords = 2 }
        var configuration = ConsumerTests.configuration()
        configuration.maxInFlightRecords = 1
        _ = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .single(RecoveringHandler()))
    }

    @Test func requeueBringsADeadLetterBack() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["a0"])
        try await ConsumerTests.run(consumer(broker, handler, .giveUp)) {
            try await send(broker, [("a", "a0"), ("a", "a1")])
            try await eventually { try await letters().count == 1 }
            let name = try await letters()[0].name
            // Still broken: it comes back to the dead letters, with its attempts counted anew.
            #expect(try await store.requeueDeadLetters([name], dueMs: 0) == 1)
            try await eventually { try await letters().count == 1 && handler.tries("a0") >= 3 }
            handler.recover()
            #expect(try await store.requeueDeadLetters([name, name], dueMs: 0) == 1)
            try await eventually { handler.values.count == 2 }
            try await eventually { try await sideRecords == 0 }
        }
        #expect(handler.values == ["a1", "a0"])
        #expect(try await letters().isEmpty)
    }

    @Test(arguments: [FailureStoreError.Code.failed, .full])
    func aStoreThatFailsLosesNothing(code: FailureStoreError.Code) async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler(failing: ["a0", "c0"])
        try await ConsumerTests.run(consumer(broker, handler, .hold)) {
            // One key is in the store already when it breaks.
            try await send(broker, [("c", "c0"), ("c", "c1")])
            try await eventually { try await sideRecords == 2 }
            store.fail(code)
            try await send(broker, [("a", "a0"), ("x", "bad1"), ("a", "a1"), ("b", "b0"), ("b", "b1")])
            try await eventually { handler.values("b").count == 2 }
            try await eventually { store.refused >= 3 }
            #expect(try await letters().isEmpty && handler.values("a").isEmpty)
            // What is not in the store yet holds the commit.
            #expect(try await broker.committed(group: "g", topic: "t").values.allSatisfy { $0.low <= 3 })
            handler.recover()
            store.fail(nil)
            try await eventually { handler.values("a").count == 2 && handler.values("c").count == 2 }
            try await eventually { try await letters().count == 1 }
            try await eventually { try await ConsumerTests.committedAll(broker) }
        }
        #expect(handler.values("a") == ["a0", "a1"] && handler.values("c") == ["c0", "c1"])
    }

    @Test func whenEverythingFailsTheBudgetStopsTheEmptying() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = RecoveringHandler()
        handler.breakDown()
        let consumer = try consumer(broker, handler, .giveUp) {
            // Successes earn nothing: else one that fails while they recover could still be moved.
            $0.retry.moveBudget = MoveBudgetPolicy(capacity: 5, earnedBySuccess: 0)
        }
        try await ConsumerTests.run(consumer) {
            for number in 0..<40 { try await send(broker, [("k\(number)", "v\(number)")]) }
            try await eventually { try await letters().count == 5 }
            // All the others are tried again, and again.
            try await eventually { (0..<40).count { handler.tries("v\($0)") >= 5 } == 35 }
            #expect(try await letters().count == 5)
            handler.recover()
            try await eventually { handler.values.count == 35 }
            try await eventually { try await ConsumerTests.committedAll(broker) }
        }
        #expect(Set(handler.values).count == 35)
        #expect(try await letters().count == 5)
    }

    @Test func aRecordThatTakesForEverDoesNotDelayThoseBehindIt() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = BlockingHandler()
        var configuration = ConsumerTests.configuration()
        configuration.concurrency = 2
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .single(handler), logger: quietLogger)
        try await ConsumerTests.run(consumer) {
            // Handling is known to be short: a worker takes many records at a time.
            for number in 0..<2_000 { try await send(broker, [("warm\(number)", "warm")]) }
            try await eventually { handler.count == 2_000 }
            let messages = (0..<500).map { number in
                Message(key: Array("k\(number)".utf8), value: Array((number == 7 ? "block" : "fast").utf8))
            }
            _ = try await broker.send(messages, to: "t")
            try await eventually { handler.count == 2_499 }
            #expect(handler.isBlocked)
            // Those that came before it in its worker's hands are finished too.
            let eighth = Position(high: 1, low: 2_008)
            try await eventually {
                let committed = try await broker.committed(group: "g", topic: "t")
                return committed.values.allSatisfy { $0 == eighth }
            }
            handler.release()
            try await eventually { handler.count == 2_500 }
        }
        #expect(try await ConsumerTests.committedAll(broker))
    }
}

/// Does nothing at all, but for one value, at which it stands until it is released.
final class BlockingHandler: SingleHandler {
    private struct State {
        var count = 0
        var blocked: CheckedContinuation<Void, Never>?
        var isReleased = false
    }

    private let state = Mutex(State())
    var count: Int { state.withLock { $0.count } }
    var isBlocked: Bool { state.withLock { $0.blocked != nil } }

    func release() {
        let blocked = state.withLock { state in
            state.isReleased = true
            defer { state.blocked = nil }
            return state.blocked
        }
        blocked?.resume()
    }

    func decode(_ record: Record) throws -> Bool { record.value?.first == UInt8(ascii: "b") }

    func handle(_ blocks: Bool, context: HandlingContext) async throws {
        if blocks {
            await withCheckedContinuation { continuation in
                let isReleased = state.withLock { state in
                    if !state.isReleased { state.blocked = continuation }
                    return state.isReleased
                }
                if isReleased { continuation.resume() }
            }
        }
        state.withLock { $0.count += 1 }
    }
}
