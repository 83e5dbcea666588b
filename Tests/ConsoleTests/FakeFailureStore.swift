import Spillway
import Synchronization

/// Dead letters in memory, as far as the console needs them.
final class FakeFailureStore: FailureStore {
    struct State {
        var letters: [RecordName: DeadLetter] = [:]
        var requeued: [(name: RecordName, dueMs: Int64)] = []
        var room = Int.max
        var largestPage = 0
        var failure: FailureStoreError?
        /// What happens to a letter that went back.
        var comesBack = false
    }

    let state = Mutex(State())

    /// Buries this many letters of a group, in partition 0 of topic `t`.
    func bury(_ count: Int, group: String = "g", first: UInt64 = 1) {
        for number in 0..<UInt64(count) {
            bury(Self.letter(group: group, Position(high: 1, low: first + number)))
        }
    }

    func bury(_ letter: DeadLetter) { state.withLock { $0.letters[letter.name] = letter } }

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

    private func check() throws { if let failure = state.withLock({ $0.failure }) { throw failure } }

    func deadLetters(group: String?, after name: RecordName?, limit: Int) async throws -> [DeadLetter] {
        try check()
        return state.withLock { state in
            state.largestPage = max(state.largestPage, limit)
            let names = state.letters.keys.sorted().filter { candidate in
                group.map { candidate.group == $0 } ?? true && name.map { $0 < candidate } ?? true
            }
            return names.prefix(limit).compactMap { state.letters[$0] }
        }
    }

    func deadLetter(_ name: RecordName) async throws -> DeadLetter? {
        try check()
        return state.withLock { $0.letters[name] }
    }

    func discardDeadLetters(_ names: [RecordName]) async throws -> Int {
        try check()
        return state.withLock { state in names.count { state.letters.removeValue(forKey: $0) != nil } }
    }

    func requeueDeadLetters(_ names: [RecordName], dueMs: Int64) async throws -> Int {
        try check()
        return try state.withLock { state in
            let known = names.filter { state.letters[$0] != nil }
            guard known.count <= state.room else { throw FailureStoreError(.full, "the side queue is full") }
            state.room -= known.count
            for name in known {
                if !state.comesBack { state.letters[name] = nil }
                state.requeued.append((name, dueMs))
            }
            return known.count
        }
    }

    func apply(
        _ operations: [FailureOperation], group: String, generations: [TopicPartition: UInt64]
    ) async throws {}
    func open(group: String, partition: TopicPartition, generation: UInt64) async throws -> [HeldKeySummary] { [] }
    func heldKeys(group: String, partition: TopicPartition) async throws -> [HeldKeySummary] { [] }
    func heldEntries(
        group: String, partition: TopicPartition, key: [UInt8], from position: Position, limit: Int
    ) async throws -> [SideEntry] { [] }
    func delayedEntries(
        group: String, partition: TopicPartition, dueByMs: Int64, limit: Int
    ) async throws -> [SideEntry] { [] }
    func nextDelayedDueMs(group: String, partition: TopicPartition) async throws -> Int64? { nil }
    func sideCount(group: String) async throws -> FailureCount { FailureCount(records: 0, bytes: 0) }
    func deadLetterCount(group: String?) async throws -> FailureCount { FailureCount(records: 0, bytes: 0) }
}
