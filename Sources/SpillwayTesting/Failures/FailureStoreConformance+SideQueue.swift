import Spillway

extension FailureStoreConformance {
    static let sideQueueChecks: [(name: String, check: Check)] = [
        ("an entry comes back as it was put", { try await $0.wholeEntry() }),
        ("delayed entries come by due time, then by position", { try await $0.delayedOrder() }),
        ("held entries come by position", { try await $0.heldOrder() }),
        ("a read stops at its limit in bytes", { try await $0.boundedReads() }),
        ("held keys are summarized", { try await $0.heldSummaries() }),
        ("an entry replaces the one of its name", { try await $0.replaced() }),
        ("an entry is put only if there is none of its name", { try await $0.putIfAbsent() }),
        ("a removed entry is gone", { try await $0.removed() }),
        ("a repeated put or remove is harmless", { try await $0.repeatedPutAndRemove() }),
        ("operations are applied in their order", { try await $0.orderedOperations() }),
        ("concurrent calls all take effect", { try await $0.concurrentCalls() }),
    ]

    private func wholeEntry() async throws {
        let store = try await store()
        let full = SideEntry.sample(
            .sample(7), dueMs: -5, key: [0, 255], value: [1, 2, 0], attempts: 4, rounds: 2, reason: "nö\u{0}",
            headers: [Header(name: "a", value: [0]), Header(name: "a", value: []), Header(name: "", value: [9])])
        let bare = SideEntry.sample(.sample(8), .held, dueMs: 9, key: nil, value: nil, attempts: 0)
        let empty = SideEntry.sample(.sample(9), .held, key: [], value: [])
        try await store.put(full, bare, empty)
        try await alsoReopened(store) { store in
            let partition = full.name.partition
            let delayed = try await store.delayedEntries(
                group: "g", partition: partition, dueByMs: .max, limit: 10)
            try requireEqual(delayed.map { text($0) }, [text(full)], "the delayed entry")
            let held = try await store.heldEntries(
                group: "g", partition: partition, key: [], from: .start, limit: 10)
            try requireEqual(held.map { text($0) }, [text(bare), text(empty)], "the held entries")
            try requireEqual(
                try await store.sideCount(group: "g"),
                FailureCount(records: 3, bytes: full.byteCount + bare.byteCount + empty.byteCount), "the count")
        }
    }

    private func delayedOrder() async throws {
        let store = try await store()
        let dues: [Int64] = [30, -10, 20, .max, 20, .min, 0, 40]
        for (low, due) in dues.enumerated() {
            try await store.put(.sample(.sample(UInt64(10 - low)), dueMs: due))
        }
        // Of another partition and another group.
        try await store.put(
            .sample(.sample(99, partition: 1), dueMs: -100), .sample(.sample(98, group: "other"), dueMs: -100))
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [5, 9, 4, 6, 8, 10, 3, 7], "all by due time")
            try requireEqual(try await store.delayed(by: 20), [5, 9, 4, 6, 8], "those due at 20")
            try requireEqual(try await store.delayed(by: 19), [5, 9, 4], "those due at 19")
            try requireEqual(try await store.delayed(by: .min), [5], "those due at the beginning of time")
            try requireEqual(try await store.delayed(limit: 2), [5, 9], "the first two")
            try requireEqual(try await store.delayed(limit: 0), [], "none")
            let first = try await store.nextDelayedDueMs(group: "g", partition: RecordName.sample(0).partition)
            try requireEqual(first, .min, "the first due time")
            let other = try await store.nextDelayedDueMs(
                group: "g", partition: RecordName.sample(0, partition: 1).partition)
            try requireEqual(other, -100, "the first due time of the other partition")
            let none = try await store.nextDelayedDueMs(
                group: "g", partition: RecordName.sample(0, partition: 2).partition)
            try requireEqual(none, nil, "the first due time of a partition without entries")
        }
    }

    private func heldOrder() async throws {
        let store = try await store()
        for low in [5, 3, 9, 1] as [UInt64] {
            // Due times do not matter here.
            try await store.put(.sample(.sample(low), .held, dueMs: Int64(100 - low)))
            try await store.put(.sample(.sample(low + 20), .held, key: [2]))
        }
        try await alsoReopened(store) { store in
            try requireEqual(try await store.held(), [1, 3, 5, 9], "all of the key")
            try requireEqual(try await store.held(from: 3), [3, 5, 9], "from one that is there")
            try requireEqual(try await store.held(from: 4), [5, 9], "from one that is not there")
            try requireEqual(try await store.held(from: 10), [], "from behind the last")
            try requireEqual(try await store.held(limit: 2), [1, 3], "the first two")
            try requireEqual(try await store.held([3]), [], "those of another key")
            try requireEqual(try await store.delayed(), [], "delayed ones")
        }
    }

    private func heldSummaries() async throws {
        let store = try await store()
        try await store.put(
            .sample(.sample(5), .held, dueMs: 50), .sample(.sample(3), .held, dueMs: 30),
            .sample(.sample(9), .held, dueMs: 10), .sample(.sample(4), .held, dueMs: 7, key: nil),
            .sample(.sample(6), dueMs: 1))
        try await alsoReopened(store) { store in
            try requireEqual(
                try await store.heldKeys(),
                [.sample([], 1, 4, dueMs: 7), .sample([1], 3, 3, dueMs: 30)], "the held keys")
        }
        let again = try await self.store()
        try await again.put(
            .sample(.sample(1), .held, dueMs: 1), .sample(.sample(2), .held, dueMs: 2),
            .sample(.sample(3), .held, dueMs: 3), .sample(.sample(4), .held, dueMs: 4))
        try await again.apply([.remove(.sample(1))])
        try requireEqual(try await again.heldKeys(), [.sample([1], 3, 2, dueMs: 2)], "without the first")
        try await again.apply([.remove(.sample(4)), .remove(.sample(2))])
        try requireEqual(try await again.heldKeys(), [.sample([1], 1, 3, dueMs: 3)], "with one left")
        try await again.put(.sample(.sample(3), .held, dueMs: 33))
        try requireEqual(try await again.heldKeys(), [.sample([1], 1, 3, dueMs: 33)], "put off")
        try await again.apply([.put(.sample(.sample(2), .held, dueMs: 22)), .remove(.sample(3))])
        try requireEqual(try await again.heldKeys(), [.sample([1], 1, 2, dueMs: 22)], "with another one")
        try await again.apply([.remove(.sample(2))])
        try requireEqual(try await again.heldKeys(), [], "empty")
    }

    private func replaced() async throws {
        let store = try await store()
        let name = RecordName.sample(5)
        try await store.put(.sample(name, dueMs: 10, value: [1, 2, 3]), .sample(.sample(6), dueMs: 20))
        try await store.put(.sample(name, dueMs: 30, value: [1], attempts: 2))
        try requireEqual(try await store.delayed(), [6, 5], "after it was put off")
        try requireEqual(try await store.delayed(by: 10), [], "at its old time")
        try await store.put(.sample(name, .held, dueMs: 40))
        try requireEqual(try await store.delayed(), [6], "the delayed ones after it is held")
        try requireEqual(try await store.heldKeys(), [.sample([1], 1, 5, dueMs: 40)], "the held keys")
        try await store.put(.sample(name, .held, dueMs: 50, key: [2]))
        try requireEqual(
            try await store.heldKeys(), [.sample([2], 1, 5, dueMs: 50)], "the held keys after another key")
        try await store.put(.sample(name, dueMs: 1))
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [5, 6], "after it is delayed again")
            try requireEqual(try await store.heldKeys(), [], "the held keys then")
            try requireEqual(
                try await store.sideCount(group: "g"), FailureCount(records: 2, bytes: 2), "the count")
        }
    }

    private func boundedReads() async throws {
        let store = try await store()
        // A hundred and one bytes each, and one of a thousand and one.
        for low in UInt64(1)...9 {
            let value = [UInt8](repeating: 7, count: low == 5 ? 1_000 : 100)
            try await store.put(
                .sample(.sample(low), dueMs: Int64(low), value: value), .sample(.sample(low + 10), .held, value: value))
        }
        try await alsoReopened(store) { store in
            let partition = RecordName.sample(0).partition
            func check(_ maxBytes: Int, limit: Int = 100, _ lows: ClosedRange<UInt64>) async throws {
                let delayed = try await store.delayedEntries(
                    group: "g", partition: partition, dueByMs: .max, limit: limit, maxBytes: maxBytes)
                try requireEqual(delayed.map(\.name.position.low), Array(lows), "the delayed ones of \(maxBytes) bytes")
                let held = try await store.heldEntries(
                    group: "g", partition: partition, key: [1], from: .start, limit: limit, maxBytes: maxBytes)
                try requireEqual(
                    held.map(\.name.position.low), lows.map { $0 + 10 }, "the held ones of \(maxBytes) bytes")
            }
            try await check(1, 1...1)
            try await check(101, 1...1)
            try await check(102, 1...2)
            try await check(404, 1...4)
            try await check(405, 1...5)
            try await check(1_405, 1...5)
            try await check(1_406, 1...6)
            try await check(.max, 1...9)
            try await check(1_405, limit: 2, 1...2)
        }
    }

    private func removed() async throws {
        let store = try await store()
        try await store.put(
            .sample(.sample(1)), .sample(.sample(2), .held), .sample(.sample(3)), .sample(.sample(4), .held))
        try await store.apply([.remove(.sample(1)), .remove(.sample(2))])
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [3], "the delayed ones")
            try requireEqual(try await store.held(), [4], "the held ones")
            try requireEqual(
                try await store.sideCount(group: "g"), FailureCount(records: 2, bytes: 2), "the count")
        }
    }

    private func putIfAbsent() async throws {
        let store = try await store()
        let first = SideEntry.sample(.sample(1), .held, dueMs: 7, value: [1], attempts: 3)
        let other = SideEntry.sample(.sample(1), dueMs: 9, value: [1, 2])
        try await store.apply([.putIfAbsent(first)])
        // There is one in the store, then one that the same call has put, then none.
        try await store.apply([.putIfAbsent(other)])
        try await store.apply([
            .putIfAbsent(.sample(.sample(2), dueMs: 2)), .putIfAbsent(.sample(.sample(2), .held)),
            .put(.sample(.sample(3))), .remove(.sample(3)), .putIfAbsent(.sample(.sample(3), dueMs: 3)),
        ])
        try await alsoReopened(store) { store in
            let held = try await store.heldEntries(
                group: "g", partition: first.name.partition, key: first.key, from: .start, limit: 10)
            try requireEqual(held.map { text($0) }, [text(first)], "the entry that was there first")
            try requireEqual(try await store.delayed(), [2, 3], "the delayed ones")
            try requireEqual(try await store.sideCount(group: "g").records, 3, "the count")
        }
    }

    private func repeatedPutAndRemove() async throws {
        let store = try await store()
        for _ in 0..<3 {
            try await store.put(
                .sample(.sample(1), dueMs: 5), .sample(.sample(1), dueMs: 5), .sample(.sample(2), .held))
        }
        try requireEqual(try await store.delayed(), [1], "the delayed ones")
        try requireEqual(try await store.heldKeys(), [.sample([1], 1, 2, dueMs: 0)], "the held keys")
        try requireEqual(try await store.sideCount(group: "g"), FailureCount(records: 2, bytes: 2), "the count")
        for _ in 0..<3 {
            try await store.apply([.remove(.sample(1)), .remove(.sample(2)), .remove(.sample(2)), .remove(.sample(9))])
        }
        try await store.apply([])
        try await alsoReopened(store) { store in
            try requireEqual(try await store.sideCount(group: "g"), FailureCount(records: 0, bytes: 0), "the count")
            try requireEqual(try await store.delayed(), [], "the delayed ones")
            try requireEqual(try await store.heldKeys(), [], "the held keys")
        }
    }

    private func orderedOperations() async throws {
        let store = try await store()
        try await store.apply([
            .put(.sample(.sample(1), dueMs: 1)), .remove(.sample(1)), .remove(.sample(2)),
            .put(.sample(.sample(2), dueMs: 2)), .put(.sample(.sample(3), .held)), .put(.sample(.sample(3), dueMs: 3)),
            .put(.sample(.sample(4))), .bury(.sample(.sample(4))), .bury(.sample(.sample(5))),
            .put(.sample(.sample(5), dueMs: 5)),
        ])
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [2, 3, 5], "the delayed ones")
            try requireEqual(try await store.heldKeys(), [], "the held keys")
            try requireEqual(
                try await store.letters(), [text(.sample(4)), text(.sample(5))], "the dead letters")
        }
    }

    private func concurrentCalls() async throws {
        let store = try await store()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for low in 0..<200 as Range<UInt64> {
                group.addTask {
                    try await store.put(
                        .sample(.sample(low), low.isMultiple(of: 2) ? .held : .delayed, dueMs: Int64(low)))
                    if low.isMultiple(of: 5) { try await store.apply([.remove(.sample(low))]) }
                }
            }
            try await group.waitForAll()
        }
        try await alsoReopened(store) { store in
            let left = (0..<200 as Range<UInt64>).filter { !$0.isMultiple(of: 5) }
            try requireEqual(try await store.delayed(), left.filter { !$0.isMultiple(of: 2) }, "the delayed ones")
            try requireEqual(try await store.held(), left.filter { $0.isMultiple(of: 2) }, "the held ones")
            try requireEqual(
                try await store.heldKeys(), [.sample([1], 80, 2, dueMs: 2)], "the held keys")
            try requireEqual(
                try await store.sideCount(group: "g"), FailureCount(records: 160, bytes: 160), "the count")
        }
    }
}
