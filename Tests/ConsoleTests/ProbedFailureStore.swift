import Spillway
import Synchronization

/// An in-memory store that can fail, and says how much was read at once.
final class ProbedFailureStore: FailureStore {
    struct State {
        var largestPage = 0
        var failure: FailureStoreError?
        /// A letter that goes back fails again at once.
        var comesBack = false
    }

    let state = Mutex(State())
    private let store: InMemoryFailureStore

    init(limits: FailureStoreLimits = FailureStoreLimits()) { store = InMemoryFailureStore(limits: limits) }

    /// Buries this many letters of a group, in partition 0 of topic `t`.
    func bury(_ count: Int, group: String = "g", first: UInt64 = 1) async throws {
        for number in 0..<UInt64(count) {
            try await bury(Self.letter(group: group, Position(high: 1, low: first + number)))
        }
    }

    func bury(_ letter: DeadLetter) async throws { try await store.apply([.bury(letter)]) }

    static func letter(
        group: String = "g", _ position: Position = Position(high: 1, low: 42), key: [UInt8]? = Array("k".utf8),
        value: [UInt8]? = Array("v".utf8), headers: [Header] = [], reason: String = "broken"
    ) -> DeadLetter {
        DeadLetter(
            name: RecordName(
                group: group, partition: TopicPartition(source: "memory", topic: "t", partition: 0),
                position: position),
            record: Record(
                key: key, value: value, position: position, timestampMs: 1_767_225_600_000, headers: headers),
            reason: reason, attempts: 3, failedAtMs: 1_767_225_601_500)
    }

    /// What is in a group's side queue, of partition 0 of topic `t`.
    func sideEntries(group: String = "g") async throws -> [SideEntry] {
        try await delayedEntries(
            group: group, partition: Self.letter().name.partition, dueByMs: .max, limit: 10_000)
    }

    private func check() throws { if let failure = state.withLock({ $0.failure }) { throw failure } }

    func deadLetters(group: String?, after name: RecordName?, limit: Int) async throws -> [DeadLetter] {
        try check()
        state.withLock { $0.largestPage = max($0.largestPage, limit) }
        return try await store.deadLetters(group: group, after: name, limit: limit)
    }

    func deadLetter(_ name: RecordName) async throws -> DeadLetter? {
        try check()
        return try await store.deadLetter(name)
    }

    func discardDeadLetters(_ names: [RecordName]) async throws -> Int {
        try check()
        return try await store.discardDeadLetters(names)
    }

    func requeueDeadLetters(_ names: [RecordName], dueMs: Int64) async throws -> Int {
        try check()
        let comesBack = state.withLock { $0.comesBack }
        var letters: [DeadLetter] = []
        for name in names where comesBack {
            if let letter = try await store.deadLetter(name) { letters.append(letter) }
        }
        let count = try await store.requeueDeadLetters(names, dueMs: dueMs)
        try await store.apply(letters.map { .bury($0) })
        return count
    }

    func apply(
        _ operations: [FailureOperation], group: String, generations: [TopicPartition: UInt64]
    ) async throws {
        try await store.apply(operations, group: group, generations: generations)
    }

    func open(group: String, partition: TopicPartition, generation: UInt64) async throws -> [HeldKeySummary] {
        try await store.open(group: group, partition: partition, generation: generation)
    }

    func heldKeys(group: String, partition: TopicPartition) async throws -> [HeldKeySummary] {
        try await store.heldKeys(group: group, partition: partition)
    }

    func heldEntries(
        group: String, partition: TopicPartition, key: [UInt8], from position: Position, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry] {
        try await store.heldEntries(
            group: group, partition: partition, key: key, from: position, limit: limit, maxBytes: maxBytes)
    }

    func delayedEntries(
        group: String, partition: TopicPartition, dueByMs: Int64, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry] {
        try await store.delayedEntries(
            group: group, partition: partition, dueByMs: dueByMs, limit: limit, maxBytes: maxBytes)
    }

    func nextDelayedDueMs(group: String, partition: TopicPartition) async throws -> Int64? {
        try await store.nextDelayedDueMs(group: group, partition: partition)
    }

    func sideCount(group: String) async throws -> FailureCount { try await store.sideCount(group: group) }
    func deadLetterCount(group: String?) async throws -> FailureCount {
        try await store.deadLetterCount(group: group)
    }
}
