import Spillway

extension FailureStoreConformance {
    static let modelChecks: [(name: String, check: Check)] = (1...4 as ClosedRange<UInt64>).map { seed in
        ("random calls do what a dictionary does, seed \(seed)", { try await $0.model(seed: seed) })
    }

    private func model(seed: UInt64) async throws {
        var limits = FailureStoreLimits()
        (limits.sideRecords, limits.sideBytes) = (30, 200)
        (limits.deadLetters, limits.deadLetterBytes) = (25, 250)
        var walk = FailureWalk(seed: seed, limits)
        var store = try await store(limits)
        for step in 1...steps {
            do {
                try await walk.change(store)
                try await walk.look(store)
                if step.isMultiple(of: 100) || step == steps {
                    try await walk.lookAtAll(store)
                    if let reopen {
                        store = try await reopen(store)
                        try await walk.lookAtAll(store)
                    }
                }
            } catch { throw ConformanceFailure("seed \(seed), step \(step): \(error)") }
        }
        try require(walk.refused > 0, "some calls passed a limit")
    }
}

/// Random calls of a store and of a model, side by side.
private struct FailureWalk {
    private var random: SeededRandom
    private var model: FailureModel
    /// Calls that passed a limit.
    private(set) var refused = 0

    private static let groups = ["g", "g\u{0}", "ga"]
    private static let partitions = [("s", "t", 0), ("s", "t", 1), ("st", "", 0)].map {
        TopicPartition(source: $0, topic: $1, partition: $2)
    }
    private static let keys: [[UInt8]?] = [nil, [], [0], [0, 0], [1], [1, 0], [255]]

    init(seed: UInt64, _ limits: FailureStoreLimits) {
        random = SeededRandom(seed: seed)
        model = FailureModel(limits)
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }

    private mutating func name() -> RecordName {
        RecordName(
            group: pick(Self.groups), partition: pick(Self.partitions),
            position: Position(high: pick([1, 2, 256]), low: UInt64.random(in: 0..<8, using: &random)))
    }

    private mutating func bytes() -> [UInt8] { Array(repeating: 7, count: Int.random(in: 0...12, using: &random)) }

    private mutating func operation() -> FailureOperation {
        let name = name()
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<6:
            let entry = SideEntry.sample(
                name, random.chance(0.5) ? .held : .delayed, dueMs: Int64.random(in: -5...20, using: &random),
                key: pick(Self.keys), value: bytes(), attempts: Int.random(in: 0...300, using: &random),
                reason: pick(["", "why"]))
            return random.chance(0.3) ? .putIfAbsent(entry) : .put(entry)
        case 6..<8: return .remove(name)
        default: return .bury(.sample(name, key: pick(Self.keys), value: bytes()))
        }
    }

    /// Names, most of them of letters.
    private mutating func letterNames() -> [RecordName] {
        let known = model.letters(nil, after: nil).map(\.name)
        return (0...Int.random(in: 0..<4, using: &random)).map { _ in
            known.isEmpty || random.chance(0.2) ? name() : pick(known)
        }
    }

    mutating func change(_ store: any FailureStore) async throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            let names = letterNames()
            try requireEqual(
                try await store.discardDeadLetters(names), model.discard(names), "the number of discarded letters")
        case 1:
            let (names, dueMs) = (letterNames(), Int64.random(in: -5...20, using: &random))
            let moved = model.requeue(names, dueMs: dueMs)
            if moved == nil { refused += 1 }
            let found = try await Self.unlessFull { try await store.requeueDeadLetters(names, dueMs: dueMs) }
            try requireEqual(found, moved, "the number of moved letters")
        default:
            let operations = (0...Int.random(in: 0..<5, using: &random)).map { _ in operation() }
            let isTaken = model.apply(operations)
            if !isTaken { refused += 1 }
            let found: Bool? = try await Self.unlessFull {
                try await store.apply(operations)
                return true
            }
            try requireEqual(found ?? false, isTaken, "whether \(operations) are taken")
        }
    }

    private static func unlessFull<Result>(_ body: () async throws -> Result) async throws -> Result? {
        do { return try await body() } catch let error as FailureStoreError where error.code == .full { return nil }
    }

    /// Asks one thing of both.
    mutating func look(_ store: any FailureStore) async throws {
        let (group, partition) = (pick(Self.groups), pick(Self.partitions))
        let limit = Int.random(in: 1...10, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: try await lookAtCounts(store, group)
        case 1:
            let dueMs = Int64.random(in: -6...21, using: &random)
            try await lookAtDelayed(store, group, partition, dueMs, limit)
        case 2:
            let from = Position(high: pick([0, 1, 2, 256, 257]), low: UInt64.random(in: 0..<8, using: &random))
            try await lookAtHeld(store, group, partition, pick(Self.keys) ?? [], from, limit)
        case 3:
            try await lookAtLetters(store, random.chance(0.5) ? group : nil, random.chance(0.7) ? name() : nil, limit)
        default:
            let name = name()
            let found = try await store.deadLetter(name)
            try requireEqual(found.map { text($0) }, model.letters[name].map { text($0) }, "the letter")
        }
    }

    /// Asks everything of both.
    func lookAtAll(_ store: any FailureStore) async throws {
        for group in Self.groups {
            try await lookAtCounts(store, group)
            for partition in Self.partitions {
                try await lookAtDelayed(store, group, partition, .max, 1_000)
                for key in Self.keys { try await lookAtHeld(store, group, partition, key ?? [], .start, 1_000) }
            }
        }
        try await lookAtLetters(store, nil, nil, 1_000)
    }

    private func lookAtCounts(_ store: any FailureStore, _ group: String) async throws {
        try requireEqual(try await store.sideCount(group: group), model.sideCount(group), "the count of \(group)")
        try requireEqual(
            try await store.deadLetterCount(group: group), model.letterCount(group), "the letters of \(group)")
        try requireEqual(try await store.deadLetterCount(group: nil), model.letterCount(nil), "all letters")
    }

    private func lookAtDelayed(
        _ store: any FailureStore, _ group: String, _ partition: TopicPartition, _ dueMs: Int64, _ limit: Int
    ) async throws {
        let found = try await store.delayedEntries(group: group, partition: partition, dueByMs: dueMs, limit: limit)
        let expected = model.delayed(group, partition, by: dueMs).prefix(limit)
        try requireEqual(found.map { text($0) }, expected.map { text($0) }, "the delayed entries due at \(dueMs)")
        try requireEqual(
            try await store.nextDelayedDueMs(group: group, partition: partition),
            model.delayed(group, partition, by: .max).first?.dueMs, "the first due time")
    }

    private func lookAtHeld(
        _ store: any FailureStore, _ group: String, _ partition: TopicPartition, _ key: [UInt8], _ from: Position,
        _ limit: Int
    ) async throws {
        let found = try await store.heldEntries(
            group: group, partition: partition, key: key, from: from, limit: limit)
        let expected = model.held(group, partition, key, from: from).prefix(limit)
        try requireEqual(found.map { text($0) }, expected.map { text($0) }, "the held entries of \(key) from \(from)")
        let keys = try await store.heldKeys(group: group, partition: partition)
        try requireEqual(
            keys.sorted { $0.key.lexicographicallyPrecedes($1.key) }, model.heldKeys(group, partition),
            "the held keys")
    }

    private func lookAtLetters(
        _ store: any FailureStore, _ group: String?, _ name: RecordName?, _ limit: Int
    ) async throws {
        let found = try await store.deadLetters(group: group, after: name, limit: limit)
        let expected = model.letters(group, after: name).prefix(limit)
        try requireEqual(found.map { text($0) }, expected.map { text($0) }, "the letters behind a name")
    }
}
