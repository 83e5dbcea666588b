import Spillway

extension FailureStoreConformance {
    static let deadLetterChecks: [(name: String, check: Check)] = [
        ("a dead letter comes back as it was buried", { try await $0.wholeLetter() }),
        ("a buried record leaves the side queue", { try await $0.buriedFromSide() }),
        ("a repeated bury is harmless", { try await $0.repeatedBury() }),
        ("dead letters are paged over groups", { try await $0.pages() }),
        ("a discarded letter is gone", { try await $0.discarded() }),
        ("a requeued letter moves exactly once", { try await $0.requeuedOnce() }),
        ("a requeued letter replaces what is in the side queue", { try await $0.requeuedOver() }),
        ("concurrent requeues of one letter move it once", { try await $0.concurrentRequeues() }),
    ]

    private func wholeLetter() async throws {
        let store = try await store()
        let full = DeadLetter.sample(
            .sample(7), key: [0], value: [3, 0], reason: "why\u{0}", attempts: 9, failedAtMs: -1,
            headers: [Header(name: "h", value: [1])])
        let bare = DeadLetter.sample(.sample(8), key: nil, value: nil, reason: "", attempts: 1)
        try await store.bury(full, bare)
        try await alsoReopened(store) { store in
            let found = try await store.deadLetters(group: nil, after: nil, limit: 10)
            try requireEqual(found.map { text($0) }, [text(full), text(bare)], "the letters")
            let one = try await store.deadLetter(.sample(7))
            try requireEqual(one.map { text($0) }, text(full), "the letter by its name")
            let none = try await store.deadLetter(.sample(9))
            try require(none == nil, "there is no letter of another name")
            let count = FailureCount(records: 2, bytes: full.byteCount + bare.byteCount)
            try requireEqual(try await store.deadLetterCount(group: "g"), count, "the group's count")
            try requireEqual(try await store.deadLetterCount(group: nil), count, "the count of all")
        }
    }

    private func buriedFromSide() async throws {
        let store = try await store()
        try await store.put(.sample(.sample(1)), .sample(.sample(2), .held), .sample(.sample(3), .held))
        try await store.bury(.sample(.sample(1)), .sample(.sample(2)))
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [], "the delayed ones")
            try requireEqual(try await store.heldKeys(), [.sample([1], 1, 3, dueMs: 0)], "the held keys")
            try requireEqual(try await store.letters(), [text(.sample(1)), text(.sample(2))], "the letters")
            try requireEqual(try await store.sideCount(group: "g"), FailureCount(records: 1, bytes: 1), "the count")
        }
    }

    private func repeatedBury() async throws {
        let store = try await store()
        for attempts in 1...3 {
            let letter = DeadLetter.sample(.sample(1), value: Array(repeating: 0, count: attempts), attempts: attempts)
            try await store.bury(letter, letter)
        }
        try await alsoReopened(store) { store in
            let found = try await store.deadLetters(group: "g", after: nil, limit: 10)
            try requireEqual(found.map(\.attempts), [3], "the attempts of the letter")
            // Key, value and reason.
            let count = FailureCount(records: 1, bytes: 1 + 3 + 6)
            try requireEqual(try await store.deadLetterCount(group: nil), count, "the count")
        }
    }

    private func pages() async throws {
        let store = try await store()
        var names: [RecordName] = []
        for group in ["a", "ab", "b", "ä"] {
            for (topic, partition) in [("t", 0), ("t", 10), ("t", 9), ("u", 0)] {
                for low in 0..<3 as Range<UInt64> {
                    names.append(.sample(low, high: low % 2, group: group, topic: topic, partition: partition))
                }
            }
        }
        for name in names.reversed() { try await store.bury(.sample(name)) }
        names.sort()
        try await alsoReopened(store) { store in
            for limit in [1, 5, 12, 100] {
                var found: [String] = []
                var last: RecordName?
                while let page = Optional(try await store.deadLetters(group: nil, after: last, limit: limit)),
                    !page.isEmpty
                {
                    try require(page.count <= limit, "a page has \(limit) letters at most")
                    found += page.map { text($0.name) }
                    last = page.last?.name
                }
                try requireEqual(found, names.map { text($0) }, "all letters, \(limit) at a time")
            }
            let ofGroup = names.filter { $0.group == "ab" }
            try requireEqual(try await store.letters(group: "ab"), ofGroup.map { text($0) }, "the letters of a group")
            let behind = try await store.letters(group: "ab", after: ofGroup[6], limit: 3)
            try requireEqual(behind, ofGroup[7..<10].map { text($0) }, "three behind the seventh")
            let before = try await store.letters(group: "ab", after: .sample(0, group: "a"))
            try requireEqual(before, ofGroup.map { text($0) }, "those behind a name of the group before")
            try requireEqual(
                try await store.letters(group: "ab", after: .sample(0, group: "b")), [],
                "those behind a name of the group that follows")
            try requireEqual(try await store.letters(group: "c"), [], "those of a group without letters")
            try requireEqual(try await store.deadLetterCount(group: "b").records, 12, "the count of a group")
        }
    }

    private func discarded() async throws {
        let store = try await store()
        try await store.bury(
            .sample(.sample(1)), .sample(.sample(2)), .sample(.sample(3)), .sample(.sample(1, group: "h")))
        let discarded = try await store.discardDeadLetters([.sample(1), .sample(3), .sample(3), .sample(9)])
        try requireEqual(discarded, 2, "the number of discarded letters")
        try requireEqual(try await store.discardDeadLetters([.sample(1)]), 0, "the number at the second time")
        try requireEqual(try await store.discardDeadLetters([]), 0, "the number of none")
        try await alsoReopened(store) { store in
            try requireEqual(
                try await store.letters(), [text(.sample(2)), text(.sample(1, group: "h"))], "the letters left")
            try requireEqual(try await store.deadLetterCount(group: "g").records, 1, "the count of the group")
            try requireEqual(try await store.deadLetterCount(group: nil).records, 2, "the count of all")
        }
    }

    private func requeuedOnce() async throws {
        let store = try await store()
        let letter = DeadLetter.sample(.sample(1), value: [4], headers: [Header(name: "h", value: [5])])
        try await store.bury(letter, .sample(.sample(2)))
        let moved = try await store.requeueDeadLetters([.sample(1), .sample(1), .sample(8)], dueMs: 70)
        try requireEqual(moved, 1, "the number of moved letters")
        try requireEqual(try await store.requeueDeadLetters([.sample(1)], dueMs: 90), 0, "the number then")
        try await alsoReopened(store) { store in
            try requireEqual(try await store.letters(), [text(.sample(2))], "the letters left")
            let entries = try await store.delayedEntries(
                group: "g", partition: letter.name.partition, dueByMs: 70, limit: 10)
            try requireEqual(
                entries.map { text($0) },
                [
                    text(
                        SideEntry(
                            name: letter.name, mode: .delayed, dueMs: 70, attempts: 0, rounds: 0, reason: "broken",
                            record: letter.record))
                ], "the entry")
            try requireEqual(
                try await store.sideCount(group: "g"), FailureCount(records: 1, bytes: letter.byteCount),
                "the count of the side queue")
            try requireEqual(try await store.deadLetterCount(group: nil).records, 1, "the count of letters")
        }
    }

    private func requeuedOver() async throws {
        let store = try await store()
        try await store.bury(.sample(.sample(1)))
        // The record came once more from the log.
        try await store.put(.sample(.sample(1), .held))
        try requireEqual(try await store.requeueDeadLetters([.sample(1)], dueMs: 3), 1, "the number moved")
        try await alsoReopened(store) { store in
            try requireEqual(try await store.delayed(), [1], "the delayed ones")
            try requireEqual(try await store.heldKeys(), [], "the held keys")
            try requireEqual(try await store.letters(), [], "the letters")
            try requireEqual(try await store.sideCount(group: "g").records, 1, "the count")
        }
    }

    private func concurrentRequeues() async throws {
        let store = try await store()
        for low in 0..<20 as Range<UInt64> { try await store.bury(.sample(.sample(low))) }
        let names = (0..<20 as Range<UInt64>).map { RecordName.sample($0) }
        let moved = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<30 {
                group.addTask {
                    if number.isMultiple(of: 3) { return try await store.discardDeadLetters(names) }
                    return try await store.requeueDeadLetters(names, dueMs: 1)
                }
            }
            return try await group.reduce(0, +)
        }
        try requireEqual(moved, 20, "the number of letters moved or discarded")
        try requireEqual(try await store.deadLetterCount(group: nil).records, 0, "the count of letters")
        try requireEqual(
            try await store.sideCount(group: "g").records, try await store.delayed().count, "the count of entries")
    }
}
