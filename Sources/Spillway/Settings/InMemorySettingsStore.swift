import Synchronization

/// A settings store that lasts as long as its object: for tests, and for programs that are set up anew at each start.
public final class InMemorySettingsStore: SettingsStore {
    private let entries = Mutex<[ExactName: [SettingsEntry]]>([:])

    /// Makes an empty store.
    public init() {}

    /// The newest entry of a name.
    public func current(_ name: String) async throws -> SettingsEntry? {
        entries.withLock { $0[ExactName(name)]?.last }
    }

    /// The entries of a name, newest first.
    public func history(_ name: String, limit: Int) async throws -> [SettingsEntry] {
        entries.withLock { Array(($0[ExactName(name)] ?? []).reversed().prefix(max(0, limit))) }
    }

    /// Stores the next revision of a name.
    public func put(
        _ name: String, value: [UInt8], author: String, atMs: Int64, after revision: Int
    ) async throws -> SettingsEntry {
        try entries.withLock { entries in
            let key = ExactName(name)
            let last = entries[key]?.last?.revision ?? 0
            guard last == revision else { throw SettingsError.conflict(name, expected: revision, found: last) }
            let entry = SettingsEntry(name: name, revision: last + 1, value: value, author: author, atMs: atMs)
            entries[key, default: []].append(entry)
            if (entries[key]?.count ?? 0) > keptSettingsRevisions { entries[key]?.removeFirst() }
            return entry
        }
    }
}

extension SettingsError {
    /// Somebody was faster.
    package static func conflict(_ name: String, expected: Int, found: Int) -> SettingsError {
        var error = SettingsError(
            .conflict, "\(name) is at revision \(found), not \(expected): read it again, and make the change from there"
        )
        error.newestRevision = found
        return error
    }
}
