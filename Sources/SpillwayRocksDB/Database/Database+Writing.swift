internal import CSpillwayRocksDB
internal import Synchronization

extension Database {
    /// Writes the batch, all or none; it is durable after the next ``sync()``. Blocks briefly.
    ///
    /// - Parameters:
    ///   - sync: syncs before it returns; default false.
    ///   - lowPriority: gives way when compactions lag behind, so that the log's own writes don't stall; for
    ///     projections. Default false.
    ///   - mayUseReserve: writes also when the disk is nearly full; for what frees space. Default false.
    /// - Throws: `DatabaseError` with ``DatabaseError/Code/noSpace`` when the disk is nearly full; nothing was
    ///   written then.
    public func write(
        _ batch: WriteBatch, sync: Bool = false, lowPriority: Bool = false, mayUseReserve: Bool = false
    ) throws {
        if !mayUseReserve && reserve.level == .critical {
            throw DatabaseError(.noSpace, "the disk is nearly full: free some space")
        }
        if let failure = events.failure { throw failure }
        try append(batch, lowPriority: lowPriority)
        if sync { try self.sync() } else { unsynced.wrote() }
    }

    /// Whether something was written that no sync covers.
    var hasUnsynced: Bool { latestSequence > durableSequence }

    func append(_ batch: WriteBatch, lowPriority: Bool) throws {
        var witness = Witness(sequence: durableSequence)
        let error = unsafe witness.withBytes { bytes in
            unsafe spillway_db_write(handle, batch.handle, bytes, false, lowPriority).take("write")
        }
        guard let error else { return }
        // After a failed append the end of the log is not known, and what is written behind it may never be read.
        if error.code == .ioError { configuration.onFatal("\(error)") }
        throw error
    }

    /// Makes everything durable that was written before the call. Other writes go on meanwhile. Blocks.
    ///
    /// A failed sync is fatal: ``Configuration/onFatal`` is called.
    ///
    /// - Throws: `DatabaseError` if `onFatal` returned.
    public func sync() throws {
        // What is visible now is in the log's file already, so this sync covers it, whatever is written meanwhile.
        let sequence = latestSequence
        if let error = unsafe spillway_db_sync_wal(handle).take("sync the write-ahead log") {
            configuration.onFatal("\(error)")
            throw error
        }
        advanceSynced(to: sequence)
    }

    private func advanceSynced(to sequence: UInt64) {
        var known = syncedSequence.load(ordering: .relaxed)
        while known < sequence {
            let (done, found) = syncedSequence.weakCompareExchange(
                expected: known, desired: sequence, ordering: .acquiringAndReleasing)
            if done { return }
            known = found
        }
    }

    /// Writes the family's memtable to a file. Blocks.
    public func flush(_ family: ColumnFamily) throws {
        try unsafe spillway_db_flush(handle, family.handle, true).check("flush")
    }

    /// Compacts the whole family. Blocks; for tools and tests.
    public func compact(_ family: ColumnFamily, rewritesBottom: Bool = false) throws {
        let none = unsafe spillway_bytes()
        try unsafe spillway_db_compact(handle, family.handle, none, none, rewritesBottom).check("compact")
    }
}
