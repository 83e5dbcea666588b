import Spillway
import SpillwayTesting
import Synchronization
import Testing

@Suite struct InMemorySettingsStoreTests {
    @Test(arguments: SettingsStoreConformance.checkNames)
    func conformance(_ name: String) async throws {
        try await SettingsStoreConformance { InMemorySettingsStore() }.run(name)
    }

    /// Checks that can't fail are worth nothing.
    @Test(arguments: BrokenSettingsStore.Fault.allCases)
    func theSuiteFindsThePlantedBug(_ fault: BrokenSettingsStore.Fault) async throws {
        let check = BrokenSettingsStore.expected[fault] ?? ""
        let suite = SettingsStoreConformance(
            reopen: { store in fault == .forgetsAtRestart ? BrokenSettingsStore(fault) : store },
            makeStore: { BrokenSettingsStore(fault) })
        await #expect(throws: (any Error).self) { try await suite.run(check) }
    }

    @Test func everyCheckFindsSomeBug() {
        #expect(Set(BrokenSettingsStore.expected.values) == Set(SettingsStoreConformance.checkNames))
    }
}

/// A settings store that breaks one promise.
final class BrokenSettingsStore: SettingsStore {
    enum Fault: CaseIterable {
        case losesTheAuthor
        case countsFromZero
        case forgetsAtRestart
        case tellsOldestFirst
        case ignoresTheLimit
        case overwritesUnseen
        case looksBeforeItWaits
        case comparesText
        case keepsEverything
    }

    static let expected: [Fault: String] = [
        .losesTheAuthor: "what is put comes back as it was",
        .countsFromZero: "revisions count from one, and the newest is the current one",
        .forgetsAtRestart: "revisions count from one, and the newest is the current one",
        .tellsOldestFirst: "a history is newest first, and no longer than asked for",
        .ignoresTheLimit: "a history is newest first, and no longer than asked for",
        .overwritesUnseen: "a change from another revision is refused, and changes nothing",
        .looksBeforeItWaits: "of concurrent changes from one revision one is made",
        .comparesText: "names are compared by their bytes",
        .keepsEverything: "the last thousand revisions are kept",
    ]

    private let fault: Fault
    private let entries = Mutex<[ExactName: [SettingsEntry]]>([:])

    init(_ fault: Fault) { self.fault = fault }

    private func key(_ name: String) -> ExactName {
        // The composed spelling stands for both.
        ExactName(fault == .comparesText && name == "cafe\u{301}" ? "caf\u{e9}" : name)
    }

    func current(_ name: String) async throws -> SettingsEntry? { entries.withLock { $0[key(name)]?.last } }

    func history(_ name: String, limit: Int) async throws -> [SettingsEntry] {
        let all = entries.withLock { $0[key(name)] ?? [] }
        let sorted = fault == .tellsOldestFirst ? all : all.reversed()
        return fault == .ignoresTheLimit ? sorted : Array(sorted.prefix(limit))
    }

    func put(
        _ name: String, value: [UInt8], author: String, atMs: Int64, after revision: Int
    ) async throws -> SettingsEntry {
        var last = entries.withLock { $0[key(name)]?.count ?? 0 }
        if fault == .looksBeforeItWaits { try await Task.sleep(for: .milliseconds(20)) }
        return try entries.withLock { entries in
            if fault != .looksBeforeItWaits { last = entries[key(name)]?.last?.revision ?? 0 }
            guard last == revision || fault == .overwritesUnseen || fault == .countsFromZero else {
                throw SettingsError(.conflict, "\(name) is at revision \(last)")
            }
            let number = fault == .countsFromZero ? entries[key(name)]?.count ?? 0 : last + 1
            let entry = SettingsEntry(
                name: name, revision: number, value: value, author: fault == .losesTheAuthor ? "" : author, atMs: atMs)
            entries[key(name), default: []].append(entry)
            if fault != .keepsEverything, (entries[key(name)]?.count ?? 0) > 1_000 {
                entries[key(name)]?.removeFirst()
            }
            return entry
        }
    }
}
