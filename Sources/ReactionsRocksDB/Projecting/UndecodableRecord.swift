public import Spillway
internal import SpillwayRocksDB

/// A record that an earlier version of this program could not decode and kept in the store, under `undecodable/` in
/// `reactions.meta`. Now such records are dead letters.
public struct UndecodableRecord: Hashable, Sendable {
    /// The partition it came from.
    public var partition: Int
    /// Where it stands there.
    public var position: Position
    /// Its value.
    public var bytes: [UInt8]

    private static let prefix = Array("undecodable/".utf8)
    fileprivate static var bounds: Database.IteratorOptions {
        .init(lower: prefix, upper: Array("undecodable0".utf8))
    }

    fileprivate var key: [UInt8] {
        var key = Self.prefix
        PreviousKey.append(partition: partition, position: position, to: &key)
        return key
    }

    fileprivate init?(key: [UInt8], value: [UInt8]) {
        let rest = key.dropFirst(Self.prefix.count)
        guard rest.count == 18 else { return nil }
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        partition = Int(number(rest.prefix(2)))
        position = Position(high: number(rest.dropFirst(2).prefix(8)), low: number(rest.suffix(8)))
        bytes = value
    }
}

extension RocksReactionStore {
    /// The first records that earlier versions kept, at most so many. Blocks.
    ///
    /// - Throws: `DatabaseError`.
    public func undecodableRecords(limit: Int) throws -> [UndecodableRecord] {
        let walk = database.iterator(families.meta, UndecodableRecord.bounds)
        var found: [UndecodableRecord] = []
        var isValid = walk.seekToFirst()
        while isValid, found.count < limit {
            if let record = UndecodableRecord(key: walk.key, value: walk.value) { found.append(record) }
            isValid = walk.next()
        }
        try walk.check()
        return found
    }

    /// Removes them; durable on return. Blocks.
    ///
    /// - Throws: `DatabaseError`.
    public func removeUndecodable(_ records: [UndecodableRecord]) throws {
        let batch = WriteBatch()
        for record in records { batch.delete(families.meta, record.key) }
        try database.write(batch, sync: true)
    }
}
