import Spillway

extension FailureStoreConformance {
    static let fencingChecks: [(name: String, check: Check)] = [
        ("what an earlier owner writes is refused", { try await $0.earlierOwner() }),
        ("a fence holds for its partition of its group only", { try await $0.otherPartitions() }),
        ("what is not of an owner passes every fence", { try await $0.withoutOwner() }),
        ("opening returns whatever an earlier owner has written", { try await $0.openedMeanwhile() }),
    ]

    private var partition: TopicPartition { RecordName.sample(0).partition }

    private func put(
        _ name: RecordName, _ generation: UInt64, in store: any FailureStore, key: [UInt8] = [1]
    ) async throws {
        try await store.apply(
            [.put(.sample(name, .held, key: key))], group: name.group, generations: [name.partition: generation])
    }

    private func earlierOwner() async throws {
        let store = try await store()
        try await put(.sample(1), 3, in: store)
        let opened = try await store.open(group: "g", partition: partition, generation: 4)
        try requireEqual(opened, try await store.heldKeys(), "what opening returns")
        try requireEqual(opened, [.sample([1], 1, 1, dueMs: 0)], "what the earlier owner had written")
        try await requireError(.fenced, "a put of generation 3") { try await put(.sample(2), 3, in: store) }
        try await requireError(.fenced, "a removal of generation 3") {
            try await store.apply([.remove(.sample(1))], group: "g", generations: [partition: 3])
        }
        try await requireError(.fenced, "a burial of generation 3") {
            try await store.apply([.bury(.sample(.sample(1)))], group: "g", generations: [partition: 3])
        }
        try await put(.sample(4), 4, in: store)
        try await put(.sample(5), 5, in: store)
        // One who comes late opens nothing for itself.
        _ = try await store.open(group: "g", partition: partition, generation: 2)
        try await requireError(.fenced, "a put of generation 2") { try await put(.sample(6), 2, in: store) }
        try requireEqual(try await store.held(), [1, 4, 5], "the held ones")
        try requireEqual(try await store.letters(), [], "the letters")
        try requireEqual(try await store.sideCount(group: "g").records, 3, "the count")
    }

    private func otherPartitions() async throws {
        let store = try await store()
        _ = try await store.open(group: "g", partition: partition, generation: 9)
        try await put(.sample(1, partition: 1), 1, in: store)
        try await put(.sample(1, topic: "u"), 1, in: store)
        try await put(.sample(1, source: "z"), 1, in: store)
        try await put(.sample(1, group: "h"), 1, in: store)
        // Names go by bytes: the one spelling of a name fences no other.
        _ = try await store.open(group: "caf\u{e9}", partition: partition, generation: 9)
        try await put(.sample(1, group: "cafe\u{301}"), 1, in: store)
        try requireEqual(try await store.sideCount(group: "g").records, 3, "the count of g")
        try requireEqual(try await store.sideCount(group: "h").records, 1, "the count of h")
        // A call for two partitions is one: refused where one of them is.
        let both = [partition: UInt64(1), RecordName.sample(1, partition: 1).partition: 1]
        try await requireError(.fenced, "a call for two partitions") {
            try await store.apply(
                [.put(.sample(.sample(2, partition: 1))), .put(.sample(.sample(2)))], group: "g", generations: both)
        }
        try requireEqual(try await store.sideCount(group: "g").records, 3, "the count after the refusal")
    }

    private func withoutOwner() async throws {
        let store = try await store()
        try await store.bury(.sample(.sample(1)), .sample(.sample(2)))
        _ = try await store.open(group: "g", partition: partition, generation: 9)
        try await store.put(.sample(.sample(3)))
        try requireEqual(try await store.requeueDeadLetters([.sample(1)], dueMs: 0), 1, "the number requeued")
        try requireEqual(try await store.discardDeadLetters([.sample(2)]), 1, "the number discarded")
        try requireEqual(try await store.delayed(), [1, 3], "the delayed ones")
    }

    /// Whatever comes while another owner opens is in what opening returns, or is refused: never in neither.
    private func openedMeanwhile() async throws {
        for round in 1...20 as ClosedRange<UInt64> {
            let store = try await store()
            let partition = partition
            let opened: [HeldKeySummary] = try await withThrowingTaskGroup(of: [HeldKeySummary]?.self) { group in
                for number in 0..<20 as Range<UInt8> {
                    if number == UInt8(round) % 20 {
                        group.addTask { try await store.open(group: "g", partition: partition, generation: 2) }
                    }
                    group.addTask {
                        do {
                            try await put(.sample(UInt64(number)), 1, in: store, key: [number])
                        } catch let error as FailureStoreError where error.code == .fenced {
                            // The other owner was first.
                        }
                        return nil
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 ?? [] }
            }
            let found = opened.map(\.key).sorted { $0.lexicographicallyPrecedes($1) }
            try requireEqual(found, try await store.heldKeys().map(\.key), "the keys that opening returned")
        }
    }
}
