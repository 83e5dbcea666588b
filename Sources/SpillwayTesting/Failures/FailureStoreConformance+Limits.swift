import Spillway

extension FailureStoreConformance {
    static let limitChecks: [(name: String, check: Check)] = [
        ("a call is applied as a whole or not at all", { try await $0.allOrNothing() }),
        ("the side queue is limited in records", { try await $0.sideRecords() }),
        ("the side queue is limited in bytes", { try await $0.sideBytes() }),
        ("dead letters are limited in records", { try await $0.deadLetterRecords() }),
        ("dead letters are limited in bytes", { try await $0.deadLetterBytes() }),
        ("what is full can be emptied", { try await $0.emptied() }),
        ("a requeue into a full side queue moves nothing", { try await $0.requeueIntoFull() }),
        ("concurrent calls never pass a limit", { try await $0.concurrentLimit() }),
    ]

    private func allOrNothing() async throws {
        var limits = FailureStoreLimits()
        limits.sideRecords = 2
        let store = try await store(limits)
        try await store.put(.sample(.sample(1), dueMs: 1))
        try await store.bury(.sample(.sample(2)))
        try await requireError(.full, "three records of two") {
            try await store.apply([
                .remove(.sample(1)), .bury(.sample(.sample(7))), .put(.sample(.sample(3))),
                .put(.sample(.sample(4), .held)), .put(.sample(.sample(5))),
            ])
        }
        try await requireError(.invalidName, "a name that is too long") {
            try await store.apply([
                .remove(.sample(1)), .put(.sample(.sample(1, group: String(repeating: "x", count: 256)))),
            ])
        }
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [1], "the delayed ones")
            try requireEqual(try await store.heldKeys(), [], "the held keys")
            try requireEqual(try await store.letters(), [text(.sample(2))], "the letters")
            try requireEqual(try await store.sideCount(group: "g"), FailureCount(records: 1, bytes: 1), "the count")
        }
    }

    private func sideRecords() async throws {
        var limits = FailureStoreLimits()
        limits.sideRecords = 2
        let store = try await store(limits)
        try await store.put(.sample(.sample(1)), .sample(.sample(2)))
        try await requireError(.full, "a third record") { try await store.put(.sample(.sample(3))) }
        // Not more than before.
        try await store.put(.sample(.sample(2), .held, value: [1, 2, 3]))
        try await store.apply([.put(.sample(.sample(3))), .remove(.sample(1))])
        try await store.put(.sample(.sample(1, group: "other")))
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [3], "the delayed ones")
            try await requireError(.full, "a third record later") { try await store.put(.sample(.sample(4))) }
        }
    }

    private func sideBytes() async throws {
        var limits = FailureStoreLimits()
        limits.sideBytes = 10
        let store = try await store(limits)
        // The key has a byte.
        try await store.put(.sample(.sample(1), value: [1, 2, 3, 4]), .sample(.sample(2), value: [1, 2, 3, 4]))
        try await requireError(.full, "an eleventh byte") { try await store.put(.sample(.sample(3))) }
        try await requireError(.full, "a longer value") {
            try await store.put(.sample(.sample(2), value: [1, 2, 3, 4, 5]))
        }
        try await requireError(.full, "a reason") {
            try await store.put(.sample(.sample(2), value: [1, 2, 3, 4], reason: "x"))
        }
        try await store.put(.sample(.sample(2), value: [1, 2, 3]))
        try await store.put(.sample(.sample(3)))
        try requireEqual(try await store.sideCount(group: "g"), FailureCount(records: 3, bytes: 10), "the count")
    }

    private func deadLetterRecords() async throws {
        var limits = FailureStoreLimits()
        limits.deadLetters = 2
        let store = try await store(limits)
        try await store.bury(.sample(.sample(1)), .sample(.sample(1, group: "other")))
        try await store.put(.sample(.sample(2)))
        try await requireError(.full, "a third letter") { try await store.bury(.sample(.sample(2))) }
        try requireEqual(try await store.delayed(), [2], "the entry that could not be buried")
        try await store.bury(.sample(.sample(1), attempts: 9))
        try requireEqual(try await store.discardDeadLetters([.sample(1)]), 1, "the number discarded")
        try await store.bury(.sample(.sample(2)))
        try requireEqual(try await store.deadLetterCount(group: nil).records, 2, "the count")
    }

    private func deadLetterBytes() async throws {
        var limits = FailureStoreLimits()
        limits.deadLetterBytes = 20
        let store = try await store(limits)
        // A key of one byte, a reason of six.
        try await store.bury(.sample(.sample(1), value: [1, 2, 3]), .sample(.sample(1, group: "other")))
        try await requireError(.full, "a letter too many") {
            try await store.bury(.sample(.sample(2), key: [], reason: "four"))
        }
        try await store.bury(.sample(.sample(2), key: [], reason: "abc"))
        try requireEqual(
            try await store.deadLetterCount(group: nil), FailureCount(records: 3, bytes: 20), "the count")
    }

    private func emptied() async throws {
        var limits = FailureStoreLimits()
        (limits.sideRecords, limits.sideBytes) = (3, 3)
        (limits.deadLetters, limits.deadLetterBytes) = (1, 7)
        let store = try await store(limits)
        try await store.put(.sample(.sample(1)), .sample(.sample(2), .held), .sample(.sample(3)))
        try await store.bury(.sample(.sample(3)))
        try await store.put(.sample(.sample(4)))
        try await requireError(.full, "one too many") { try await store.put(.sample(.sample(5))) }
        try await store.apply([.remove(.sample(1))])
        try await store.apply([.remove(.sample(2)), .remove(.sample(4))])
        try requireEqual(try await store.discardDeadLetters([.sample(3)]), 1, "the number discarded")
        try await alsoReopened(store) { store in
            try requireEqual(try await store.sideCount(group: "g"), FailureCount(records: 0, bytes: 0), "the count")
            let count = try await store.deadLetterCount(group: nil)
            try requireEqual(count, FailureCount(records: 0, bytes: 0), "the count of letters")
        }
    }

    private func requeueIntoFull() async throws {
        var limits = FailureStoreLimits()
        limits.sideRecords = 2
        let store = try await store(limits)
        try await store.bury(.sample(.sample(1)), .sample(.sample(2)), .sample(.sample(3)))
        try await requireError(.full, "three letters into room for two") {
            _ = try await store.requeueDeadLetters([.sample(1), .sample(2), .sample(3)], dueMs: 0)
        }
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [], "the delayed ones")
            try requireEqual(try await store.deadLetterCount(group: nil).records, 3, "the count of letters")
        }
    }

    private func concurrentLimit() async throws {
        var limits = FailureStoreLimits()
        limits.sideRecords = 10
        let store = try await store(limits)
        let refused = try await withThrowingTaskGroup(of: Int.self) { group in
            for low in 0..<50 as Range<UInt64> {
                group.addTask {
                    do {
                        try await store.put(.sample(.sample(low)))
                        return 0
                    } catch let error as FailureStoreError where error.code == .full { return 1 }
                }
            }
            return try await group.reduce(0, +)
        }
        try requireEqual(refused, 40, "the number of refused calls")
        try requireEqual(try await store.delayed().count, 10, "the number of entries")
        try requireEqual(try await store.sideCount(group: "g"), FailureCount(records: 10, bytes: 10), "the count")
    }
}
