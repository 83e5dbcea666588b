internal import FoundationEssentials
public import Spillway
internal import SpillwayCore
internal import Synchronization

/// Settings and their history in the embedded database, durable on return.
public final class RocksSettingsStore: SettingsStore {
    /// What is stored of a revision: format 1.
    private struct Row: Codable {
        var format = 1
        var author: String
        var atMs: Int64
        var value: Data
    }

    private let values: KeyValueStore
    /// One thread: between the look at the newest revision and the write nobody else writes.
    let work = BlockingExecutor(name: "settings", threads: 1)
    private let beforeWrite: @Sendable () -> Void

    /// Opens the store; makes its column family if it is not there. Blocks.
    public convenience init(_ database: Database) throws { try self.init(database) {} }

    /// Opens the store for a test, which is called by each change between its look at the newest revision and its write.
    init(_ database: Database, beforeWrite: @escaping @Sendable () -> Void) throws {
        values = try KeyValueStore(database)
        self.beforeWrite = beforeWrite
    }

    /// Waits for calls that have begun; to be called before the database is closed. Blocks.
    public func close() { work.shutdown() }

    /// The newest entry of a name; of the others none is looked at.
    public func current(_ name: String) async throws -> SettingsEntry? {
        try await work.run { [self] in try values.last(prefix: Self.prefix(name)).map { try Self.entry(name, $0) } }
    }

    /// The entries of a name, newest first.
    public func history(_ name: String, limit: Int) async throws -> [SettingsEntry] {
        try await work.run { [self] in try rows(name).suffix(max(0, limit)).reversed().map { try Self.entry(name, $0) }
        }
    }

    /// Stores the next revision of a name; durable on return. What the revisions before say does not matter, also if it
    /// can't be read.
    public func put(
        _ name: String, value: [UInt8], author: String, atMs: Int64, after revision: Int
    ) async throws -> SettingsEntry {
        try await work.run { [self] in
            let revisions = try rows(name).map { try Self.revision(name, $0.name) }
            let last = revisions.last ?? 0
            guard last == revision else { throw SettingsError.conflict(name, expected: revision, found: last) }
            beforeWrite()
            let row = Row(author: author, atMs: atMs, value: Data(value))
            let oldest = revisions.count >= keptSettingsRevisions ? Self.key(name, revisions[0]) : nil
            try values.put(Self.key(name, last + 1), Array(try JSONEncoder().encode(row)), removing: oldest)
            return SettingsEntry(name: name, revision: last + 1, value: value, author: author, atMs: atMs)
        }
    }

    /// All revisions of a name, oldest first. At most a thousand small rows.
    private func rows(_ name: String) throws -> [(name: String, value: [UInt8])] {
        try values.all(prefix: Self.prefix(name))
    }

    private static func entry(_ name: String, _ row: (name: String, value: [UInt8])) throws -> SettingsEntry {
        let revision = try revision(name, row.name)
        guard let stored = try? JSONDecoder().decode(Row.self, from: Data(row.value)), stored.format == 1 else {
            throw unreadable(row.name)
        }
        return SettingsEntry(
            name: name, revision: revision, value: Array(stored.value), author: stored.author, atMs: stored.atMs)
    }

    private static func revision(_ name: String, _ key: String) throws -> Int {
        guard let revision = Int(key.dropFirst(prefix(name).count)) else { throw unreadable(key) }
        return revision
    }

    private static func unreadable(_ key: String) -> SettingsError {
        SettingsError(.failed, "revision \(key) can't be read: it is damaged, or of a newer version")
    }

    private static func prefix(_ name: String) -> String { "revisions\u{0}\(name)\u{0}" }

    /// Numbers of one length, so that they sort as they count.
    private static func key(_ name: String, _ revision: Int) -> String {
        let digits = String(revision)
        return prefix(name) + String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }
}
