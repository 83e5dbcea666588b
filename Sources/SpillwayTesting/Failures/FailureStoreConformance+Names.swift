import Spillway

extension FailureStoreConformance {
    static let nameChecks: [(name: String, check: Check)] = [
        ("keys that begin each other are kept apart", { try await $0.similarKeys() }),
        ("positions are ordered by both words", { try await $0.positions() }),
        ("names with separators are kept apart", { try await $0.similarNames() }),
        ("names and keys of the longest size are taken", { try await $0.longNames() }),
    ]

    private func similarKeys() async throws {
        let store = try await store()
        let keys: [[UInt8]] = [
            [], [0], [0, 0], [0, 0, 0], [0, 1], [1], [1, 0], [1, 0, 0], [1, 1], [255], [255, 255], [255, 255, 255],
            Array(repeating: 0, count: 16), Array(repeating: 0, count: 17), Array(repeating: 255, count: 24),
        ]
        for (index, key) in keys.enumerated() {
            try await store.put(
                .sample(.sample(UInt64(index)), .held, key: key),
                .sample(.sample(UInt64(index) + 1_000), .held, key: key))
        }
        try await alsoReopened(store) { store in
            for (index, key) in keys.enumerated() {
                let positions = [UInt64(index), UInt64(index) + 1_000]
                try requireEqual(try await store.held(key), positions, "the entries of \(key)")
            }
            let summaries = keys.enumerated().map { index, key in
                HeldKeySummary.sample(key, 2, UInt64(index), dueMs: 0)
            }
            try requireEqual(
                try await store.heldKeys(), summaries.sorted { $0.key.lexicographicallyPrecedes($1.key) }, "the keys")
        }
    }

    private func positions() async throws {
        let store = try await store()
        let words: [UInt64] = [0, 1, 255, 256, 1 << 32, .max >> 1, 1 << 63, .max]
        let positions = words.flatMap { high in words.map { Position(high: high, low: $0) } }
        for position in positions.reversed() {
            let name = RecordName.sample(position.low, high: position.high)
            try await store.apply([
                .put(.sample(name, .held)), .bury(.sample(.sample(position.low, high: position.high, partition: 1))),
            ])
        }
        try await alsoReopened(store) { store in
            let partition = RecordName.sample(0).partition
            func held(_ from: Position) async throws -> [Position] {
                try await store.heldEntries(group: "g", partition: partition, key: [1], from: from, limit: 100)
                    .map(\.name.position)
            }
            try requireEqual(try await held(.start), positions, "all positions")
            try requireEqual(
                try await held(Position(high: 255, low: .max)), Array(positions[23...]), "those of later epochs")
            let letters = try await store.deadLetters(group: "g", after: nil, limit: 100)
            try requireEqual(letters.map(\.name.position), positions, "the positions of the letters")
        }
    }

    private func similarNames() async throws {
        let store = try await store()
        // The last two are the same text in two spellings.
        let texts = ["", "/", "a", "a/b", "a\u{0}", "a\u{0}b", "a\u{0}\u{1}", "ab", "b", "\u{e9}", "e\u{301}"]
        var names: [RecordName] = []
        for group in texts {
            for text in texts {
                names.append(.sample(1, group: group, source: text, topic: "t"))
                names.append(.sample(1, group: group, source: "s", topic: text, partition: 1))
            }
        }
        for chunk in stride(from: 0, to: names.count, by: 50) {
            let part = names[chunk..<min(chunk + 50, names.count)]
            try await store.apply(part.map { .put(.sample($0)) })
            try await store.apply(
                part.map {
                    .bury(
                        .sample(
                            RecordName.sample(
                                2, group: $0.group, source: $0.partition.source, topic: $0.partition.topic,
                                partition: $0.partition.partition)))
                })
        }
        try await alsoReopened(store) { store in
            for name in names {
                let entries = try await store.delayedEntries(
                    group: name.group, partition: name.partition, dueByMs: .max, limit: 10)
                try requireEqual(entries.map { text($0.name) }, [text(name)], "the entries of the partition")
            }
            let letters = try await store.deadLetters(group: nil, after: nil, limit: 1_000)
            let expected = names.map { name in
                RecordName(group: name.group, partition: name.partition, position: Position(high: 1, low: 2))
            }
            try requireEqual(letters.map { text($0.name) }, expected.sorted().map { text($0) }, "the letters")
            for group in texts {
                try requireEqual(
                    try await store.sideCount(group: group).records, 2 * texts.count, "the count of \(group)")
                try requireEqual(
                    try await store.letters(group: group).count, 2 * texts.count, "the letters of \(group)")
            }
        }
    }

    private func longNames() async throws {
        let store = try await store()
        let text = String(repeating: "\u{0}", count: 255)
        let name = RecordName.sample(1, group: text, source: text, topic: text)
        let key = [UInt8](repeating: 0, count: 65_535)
        try await store.put(.sample(name, .held, key: key))
        try await store.bury(.sample(.sample(2, group: text, source: text, topic: text), key: key))
        for (what, wrong) in [
            ("group", RecordName.sample(1, group: text + "x")), ("source", .sample(1, source: text + "x")),
            ("topic", .sample(1, topic: text + "x")),
        ] {
            try await requireError(.invalidName, "a \(what) of 256 bytes") { try await store.put(.sample(wrong)) }
            try await requireError(.invalidName, "a buried \(what) of 256 bytes") {
                try await store.bury(.sample(wrong))
            }
        }
        try await requireError(.invalidName, "a held key of 65,536 bytes") {
            try await store.put(.sample(.sample(1), .held, key: key + [0]))
        }
        let longer = SideEntry.sample(.sample(1, group: "longer"), key: key + [0])
        try await store.put(longer)
        try await store.bury(.sample(.sample(2, group: "longer"), key: key + [0]))
        let moved = try await store.requeueDeadLetters([.sample(2, group: "longer")], dueMs: 0)
        try requireEqual(moved, 1, "the number of letters with a longer key that were moved back")
        try await alsoReopened(store) { store in
            let held = try await store.heldEntries(
                group: text, partition: name.partition, key: key, from: .start, limit: 10)
            try requireEqual(held.count, 1, "the number of held entries")
            let none = try await store.heldEntries(
                group: text, partition: name.partition, key: key + [0], from: .start, limit: 10)
            try requireEqual(none.count, 0, "the number of held entries of a longer key")
            let keys = try await store.heldKeys(group: text, partition: name.partition)
            try requireEqual(keys.map(\.key), [key], "the held keys")
            let letters = try await store.deadLetters(group: text, after: nil, limit: 10)
            try requireEqual(letters.map { $0.record.key.map(Array.init) }, [key], "the keys of the letters")
            let delayed = try await store.delayedEntries(
                group: "longer", partition: longer.name.partition, dueByMs: .max, limit: 10)
            try requireEqual(
                delayed.map { $0.record.key.map(Array.init) }, [key + [0], key + [0]],
                "the longer keys of delayed entries")
        }
    }
}
