public import Spillway

/// What every settings store has to do, as checks that each store's tests run.
///
/// A test target runs them by name, so that each shows up as a test of its own:
///
///     @Test(arguments: SettingsStoreConformance.checkNames)
///     func conformance(_ name: String) async throws {
///         try await SettingsStoreConformance { InMemorySettingsStore() }.run(name)
///     }
///
/// Every check has a store of its own, and throws a ``ConformanceFailure`` that says what was expected.
public struct SettingsStoreConformance: ConformanceSuite {
    private let makeStore: @Sendable () async throws -> any SettingsStore
    private let reopen: (@Sendable (any SettingsStore) async throws -> any SettingsStore)?

    /// Makes a suite.
    ///
    /// - Parameters:
    ///   - reopen: closes the store and opens its data again, if the store outlives its process.
    ///   - makeStore: makes an empty store.
    public init(
        reopen: (@Sendable (any SettingsStore) async throws -> any SettingsStore)? = nil,
        makeStore: @escaping @Sendable () async throws -> any SettingsStore
    ) {
        self.reopen = reopen
        self.makeStore = makeStore
    }

    /// The checks, in their order.
    public static var checks: [ConformanceCheck<Self>] {
        let checks: [(name: String, check: Check)] = [
            ("what is put comes back as it was", { try await $0.roundTrip() }),
            ("revisions count from one, and the newest is the current one", { try await $0.revisions() }),
            ("a history is newest first, and no longer than asked for", { try await $0.history() }),
            ("a change from another revision is refused, and changes nothing", { try await $0.conflicts() }),
            ("of concurrent changes from one revision one is made", { try await $0.concurrentChanges() }),
            ("names are compared by their bytes", { try await $0.namesByBytes() }),
            ("the last thousand revisions are kept", { try await $0.keptRevisions() }),
        ]
        return checks.map { ConformanceCheck($0) }
    }

    /// Runs the check on the store, and again after a restart where it outlives one.
    private func alsoReopened(_ store: any SettingsStore, _ check: (any SettingsStore) async throws -> Void)
        async throws
    {
        try await check(store)
        if let reopen { try await check(try await reopen(store)) }
    }

    private func roundTrip() async throws {
        let store = try await makeStore()
        try requireEqual(try await store.current("a"), nil, "what is set before anybody has")
        try requireEqual(try await store.history("a", limit: 10), [], "the history before that")
        let put = try await store.put(
            "a", value: [0, 0xFF, 0x7B], author: "Zoë\u{0}\n|", atMs: 1_700_000_000_123, after: 0)
        let expected = SettingsEntry(
            name: "a", revision: 1, value: [0, 0xFF, 0x7B], author: "Zoë\u{0}\n|", atMs: 1_700_000_000_123)
        try requireEqual(put, expected, "what was put")
        let empty = try await store.put("empty", value: [], author: "", atMs: -1, after: 0)
        try await alsoReopened(store) { store in
            try requireEqual(try await store.current("a"), expected, "what is current")
            try requireEqual(try await store.history("a", limit: 10), [expected], "the history")
            try requireEqual(try await store.current("empty"), empty, "an entry with nothing in it")
        }
    }

    private func revisions() async throws {
        let store = try await makeStore()
        for number in 1...12 {
            let entry = try await store.put("a", value: [UInt8(number)], author: "", atMs: 0, after: number - 1)
            try requireEqual(entry.revision, number, "the revision of change \(number)")
            try requireEqual(try await store.current("a"), entry, "what is current after change \(number)")
        }
        let other = try await store.put("b", value: [1], author: "", atMs: 0, after: 0)
        try requireEqual(other.revision, 1, "the first revision of another name")
        guard let reopen else { return }
        let again = try await reopen(store)
        try requireEqual(try await again.current("a")?.value, [12], "what is current after a restart")
        let next = try await again.put("a", value: [13], author: "", atMs: 0, after: 12)
        try requireEqual(next.revision, 13, "the revision after a restart")
    }

    private func history() async throws {
        let store = try await makeStore()
        for number in 1...12 { _ = try await store.put("a", value: [], author: "", atMs: 0, after: number - 1) }
        try await alsoReopened(store) { store in
            for limit in [1, 3, 12, 100] {
                let found = try await store.history("a", limit: limit).map(\.revision)
                try requireEqual(found, Array((1...12).reversed().prefix(limit)), "the newest \(limit)")
            }
        }
    }

    private func conflicts() async throws {
        let store = try await makeStore()
        try await requireConflict("a change from a revision that is not there") {
            _ = try await store.put("a", value: [9], author: "", atMs: 0, after: 1)
        }
        try requireEqual(try await store.current("a"), nil, "what is set after a refusal")
        for number in 1...2 {
            _ = try await store.put("a", value: [UInt8(number)], author: "", atMs: 0, after: number - 1)
        }
        for revision in [0, 1, 3] {
            try await requireConflict("a change from revision \(revision) of two") {
                _ = try await store.put("a", value: [9], author: "", atMs: 0, after: revision)
            }
        }
        try await alsoReopened(store) { store in
            try requireEqual(
                try await store.history("a", limit: 10).map(\.value), [[2], [1]], "the history after refusals")
        }
    }

    private func concurrentChanges() async throws {
        let store = try await makeStore()
        for round in 0..<10 {
            let made = try await withThrowingTaskGroup(of: SettingsEntry?.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        do {
                            return try await store.put(
                                "a", value: [UInt8(number)], author: "", atMs: 0, after: round)
                        } catch let error as SettingsError where error.code == .conflict { return nil }
                    }
                }
                return try await group.reduce(into: [SettingsEntry]()) { made, entry in
                    if let entry { made.append(entry) }
                }
            }
            try requireEqual(made.count, 1, "the changes that were made of 16 from revision \(round)")
            try requireEqual(try await store.current("a"), made.first, "what is current in round \(round)")
        }
        try requireEqual(try await store.history("a", limit: 100).count, 10, "the changes that are kept")
    }

    private func namesByBytes() async throws {
        let store = try await makeStore()
        // The last two are the same text in two spellings; some begin as others do.
        let names = ["", "a", "a/b", "aa", "A", "caf\u{e9}", "cafe\u{301}"]
        for (number, name) in names.enumerated() {
            _ = try await store.put(name, value: [UInt8(number)], author: "", atMs: 0, after: 0)
        }
        try await alsoReopened(store) { store in
            for (number, name) in names.enumerated() {
                let found = try await store.history(name, limit: 10)
                try requireEqual(found.map(\.value), [[UInt8(number)]], "the history of \(Array(name.utf8))")
                try requireEqual(
                    found.map { Array($0.name.utf8) }, [Array(name.utf8)], "the bytes of the name in its entry")
            }
        }
    }

    private func keptRevisions() async throws {
        let store = try await makeStore()
        let last = keptSettingsRevisions + 5
        for revision in 0..<last { _ = try await store.put("a", value: [], author: "", atMs: 0, after: revision) }
        try await alsoReopened(store) { store in
            let found = try await store.history("a", limit: 10 * keptSettingsRevisions).map(\.revision)
            try requireEqual(
                found, Array((last - keptSettingsRevisions + 1...last).reversed()), "the revisions that are kept")
        }
    }

    private func requireConflict(_ what: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as SettingsError {
            return try requireEqual(error.code, .conflict, "the error of \(what)")
        }
        throw ConformanceFailure("\(what) should be a conflict, and was made")
    }
}
