extension Database {
    /// Where numbers begin that are given in memory and have to grow over restarts too: above all that were given while
    /// the database was open before, also if the clock was set back. Synced on return, and kept under a key of its own.
    /// Blocks.
    ///
    /// - Parameters:
    ///   - step: more than are given while the database is open.
    ///   - time: the clock's, in whatever unit grows faster than the numbers: what a backup does not know of was given
    ///     before now.
    func beginCount(_ key: [UInt8], in family: ColumnFamily, step: UInt64, time: UInt64) throws -> UInt64 {
        let last = try get(family, key).map { try Self.count($0) } ?? 0
        let begin = max(min(last, .max - step) + step, time)
        let batch = WriteBatch()
        batch.put(family, key, Opening.bigEndian(begin))
        // A full disk must not keep the store from opening: who makes room needs it.
        try write(batch, sync: true, mayUseReserve: true)
        return begin
    }

    private static func count(_ value: [UInt8]) throws -> UInt64 {
        guard value.count == 8 else { throw DatabaseError(.corruption, "where a count began is malformed") }
        return value.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
