internal import Reactions
internal import SpillwayRocksDB

/// The version of the families' layout, and the steps from one to the next.
enum StoreFormat {
    private static let versionKey = Array("format".utf8)
    private static let partitionsKey = Array("partitions".utf8)

    typealias Upgrade = @Sendable (Database, ReactionFamilies, WriteBatch) throws -> Void

    /// The steps, by the version that they start from; each is one synced write, and ends by storing the next version.
    static let upgrades: [UInt64: Upgrade] = [
        0: { _, _, _ in }
    ]

    /// Brings a store to this program's format, or makes a new one.
    ///
    /// - Parameters:
    ///   - current: the program's format; another one is for tests, as other steps are.
    static func check(
        _ database: Database, _ families: ReactionFamilies, partitions: Int,
        current: UInt64 = RocksReactionStore.formatVersion, upgrades: [UInt64: Upgrade] = Self.upgrades
    ) throws {
        var version = try number(database, families, versionKey) ?? 0
        guard version <= current else {
            throw ReactionStoreError(
                .newerFormat,
                "the reactions store has format \(version), this program reads up to \(current): use a newer program")
        }
        if let stored = try number(database, families, partitionsKey), stored != UInt64(partitions) {
            throw ReactionStoreError(
                .partitionsDiffer,
                "partitions is \(partitions), but this data directory was made with \(stored); "
                    + "the number changes only by a drain into a new directory")
        }
        while version < current {
            guard let upgrade = upgrades[version] else {
                throw ReactionStoreError(.damaged, "no step leads from format \(version) of the reactions store")
            }
            let batch = WriteBatch()
            try upgrade(database, families, batch)
            version += 1
            batch.put(families.meta, versionKey, bytes(version))
            batch.put(families.meta, partitionsKey, bytes(UInt64(partitions)))
            try database.write(batch, sync: true)
        }
    }

    /// The number of partitions that a store was made with; `nil` for a new one.
    static func partitions(_ database: Database, _ families: ReactionFamilies) throws -> Int? {
        try number(database, families, partitionsKey).map { Int($0) }
    }

    private static func number(_ database: Database, _ families: ReactionFamilies, _ key: [UInt8]) throws -> UInt64? {
        guard let bytes = try database.get(families.meta, key) else { return nil }
        return unsafe bytes.withUnsafeBytes { bytes in
            var reader = unsafe ByteReader(bytes)
            return reader.fixed()
        }
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        Numbers.append(fixed: value, to: &bytes)
        return bytes
    }
}
