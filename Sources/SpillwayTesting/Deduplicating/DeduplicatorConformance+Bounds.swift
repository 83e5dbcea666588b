import Spillway

extension DeduplicatorConformance {
    static let boundChecks: [(name: String, check: Check)] = [
        ("a mark lives for its lifetime", { try await $0.lifetime() }),
        ("a full store refuses what is new", { try await $0.fullRefuses() }),
        ("a full store makes room when marks expire", { try await $0.expiredMakesRoom() }),
        ("a full store makes room when leases pass", { try await $0.lapsedMakesRoom() }),
        ("a store may forget its oldest marks", { try await $0.evictsOldest() }),
        ("claims are never forgotten for new ones", { try await $0.claimsStay() }),
        ("bytes are bounded too", { try await $0.bytesAreBounded() }),
        ("entries are bounded over many lifetimes", { try await $0.manyLifetimes() }),
        ("a bad id is refused, and nothing is claimed", { try await $0.badIDs() }),
    ]

    private func lifetime() async throws {
        let subject = try await subject()
        let store = subject.store
        try await store.handle(Self.id("a"))
        try await subject.pass(.seconds(50))
        try await store.handle(Self.id("b"))
        try await subject.pass(.milliseconds(49_999))
        try await store.requireDuplicate(Self.id("a"), "just before its life is over")
        try await subject.pass(.milliseconds(1))
        try await store.handle(Self.id("a"))
        try await subject.pass(.seconds(50))
        // The new mark of a counts, not the old one.
        try await store.requireDuplicate(Self.id("a"), "the renewed mark")
        _ = try await store.first(Self.id("b"), "an event whose life is over")
    }

    private func fullRefuses() async throws {
        let store = try await subject(maxEntries: 3).store
        try await store.handle(Self.id("a"))
        try await store.handle(Self.id("b"))
        let held = try await store.first(Self.id("c"), "a third of three")
        try requireEqual(try await store.begin(Self.id("d")), .full, "a fourth of three")
        try await store.requireDuplicate(Self.id("a"), "a known event in a full store")
        try await store.requireInProgress(Self.id("c"), atMost: .seconds(10), "a claimed event in a full store")
        try requireEqual(store.figures.entries, 3, "the entries of a full store")
        try require(try await store.complete(held), "a completion never lacks room")
        try requireEqual(try await store.begin(Self.id("d")), .full, "a fourth of three")
        try await store.requireDuplicate(Self.id("c"), "the completed event")
    }

    private func expiredMakesRoom() async throws {
        let subject = try await subject(maxEntries: 3)
        for text in ["a", "b", "c"] {
            try await subject.store.handle(Self.id(text))
            try await subject.pass(.seconds(10))
        }
        try requireEqual(try await subject.store.begin(Self.id("d")), .full, "a fourth of three")
        try await subject.pass(.seconds(70))
        try await subject.store.handle(Self.id("d"))
        try requireEqual(try await subject.store.begin(Self.id("e")), .full, "a fifth, with one expired")
        try await subject.store.requireDuplicate(Self.id("b"), "one that has not expired")
        try requireEqual(subject.store.figures.evicted, 0, "what was forgotten before its time")
    }

    private func lapsedMakesRoom() async throws {
        let subject = try await subject(maxEntries: 2)
        let gone = try await subject.store.first(Self.id("a"), "a new id")
        try await subject.store.handle(Self.id("b"))
        try requireEqual(try await subject.store.begin(Self.id("c")), .full, "a third of two")
        try await subject.pass(.seconds(10))
        try await subject.store.handle(Self.id("c"))
        try require(try await !subject.store.complete(gone), "a claim that made room is not completed")
        let freed = try await self.subject(maxEntries: 1)
        await freed.store.abandon(try await freed.store.first(Self.id("a"), "a new id"))
        _ = try await freed.store.first(Self.id("b"), "an abandoned claim makes room")
    }

    private func evictsOldest() async throws {
        let subject = try await subject(maxEntries: 3, whenFull: .evictOldest)
        let store = subject.store
        for text in ["a", "b", "c", "d", "e"] {
            try await store.handle(Self.id(text))
            try await subject.pass(.seconds(1))
        }
        for text in ["c", "d", "e"] { try await store.requireDuplicate(Self.id(text), "\(text), of the newest three") }
        try requireEqual(store.figures.entries, 3, "the entries")
        try requireEqual(store.figures.evicted, 2, "what was forgotten before its time")
        _ = try await store.first(Self.id("a"), "a forgotten event")
        try await store.requireDuplicate(Self.id("d"), "the second newest")
    }

    private func claimsStay() async throws {
        let store = try await subject(maxEntries: 3, whenFull: .evictOldest).store
        let held = try await store.first(Self.id("a"), "a new id")
        try await store.handle(Self.id("b"))
        let other = try await store.first(Self.id("c"), "a new id")
        let third = try await store.first(Self.id("d"), "one that pushes a mark out")
        try requireEqual(try await store.begin(Self.id("e")), .full, "one that could only push a claim out")
        try requireEqual(try await store.complete([held, other, third]), [true, true, true], "completing them")
        try requireEqual(store.figures.evicted, 1, "what was forgotten before its time")
    }

    private func bytesAreBounded() async throws {
        func long(_ number: Int) -> EventID { Self.id(String(repeating: "\(number)", count: 1_000)) }
        let bound = 4 * long(0).byteCount + 10
        let store = try await subject(maxBytes: bound).store
        for number in 0..<4 { try await store.handle(long(number)) }
        try requireEqual(store.figures.bytes, 4 * long(0).byteCount, "the bytes")
        try requireEqual(try await store.begin(long(5)), .full, "a fifth of four")
        try requireEqual(try await store.begin(Self.id("short")), .full, "a short one in what is left")
        let small = try await subject(maxBytes: bound, whenFull: .evictOldest)
        for id in (0..<12).map({ Self.id("short \($0)") }) + (0..<4).map(long) {
            try await small.store.handle(id)
            try await small.pass(.seconds(1))
        }
        let figures = small.store.figures
        try require(figures.bytes <= bound, "bytes stay within \(bound), are \(figures.bytes)")
        try requireEqual(figures.evicted, 12, "short ones that made room for long ones")
    }

    private func manyLifetimes() async throws {
        let subject = try await subject(maxEntries: 200)
        for number in 0..<500 {
            try await subject.store.handle(Self.id("event \(number)"))
            try await subject.pass(.seconds(1))
        }
        // Without collecting a store of 200 would have been full after as many.
        try require(
            (100...200).contains(subject.store.figures.entries),
            "100 are alive and there is room for 200, but \(subject.store.figures.entries) are kept")
    }

    private func badIDs() async throws {
        let store = try await subject().store
        let bad = [
            EventID(scope: [], id: []), EventID(scope: [], id: Array(repeating: 1, count: 1_025)),
            EventID(scope: Array(repeating: 1, count: 256), id: [1]),
        ]
        for id in bad {
            do {
                _ = try await store.begin([Self.id("good"), id])
                throw ConformanceFailure("an id of \(id.id.count) in a scope of \(id.scope.count) should be refused")
            } catch let error as DeduplicatorError { try requireEqual(error.code, .invalidID, "the error") }
        }
        try await store.handle(Self.id("good"))
        let longest = EventID(scope: Array(repeating: 0xFF, count: 255), id: Array(repeating: 0, count: 1_024))
        try await store.handle(longest)
        try await store.requireDuplicate(longest, "the longest id")
    }
}
