internal import CSpillwayRocksDB
internal import Glibc
internal import Synchronization

extension Database {
    /// Writes the batch, all or none; it is durable after the next ``sync()``. Blocks briefly.
    ///
    /// - Parameters:
    ///   - sync: syncs before it returns; default false.
    ///   - mayUseReserve: writes also when the disk is nearly full; for what frees space. Default false.
    /// - Throws: `DatabaseError` with ``DatabaseError/Code/noSpace`` when the disk is nearly full; nothing was
    ///   written then.
    public func write(
        _ batch: WriteBatch, sync: Bool = false, mayUseReserve: Bool = false
    ) throws {
        if !mayUseReserve && reserve.level == .critical {
            throw DatabaseError(.noSpace, "the disk is nearly full: free some space")
        }
        if let failure = events.failure { throw failure }
        try append(batch)
        if sync { try self.sync() } else { unsynced.wrote() }
    }

    /// Whether something was written that no sync covers.
    var hasUnsynced: Bool { latestSequence > durableSequence }

    func append(_ batch: WriteBatch) throws {
        var witness = Witness(sequence: durableSequence)
        let error = unsafe witness.withBytes { bytes in
            unsafe spillway_db_write(handle, batch.handle, bytes, false).take("write")
        }
        guard let error else { return }
        // After a failed append the end of the log is not known, and what is written behind it may never be read.
        if error.code == .ioError { configuration.onFatal("\(error)") }
        throw error
    }

    /// Waits while compactions lag far behind: for projections, before a large write, so that they pile up no debt for
    /// which RocksDB would stall everyone, the log too. Blocks, at most for two seconds a call.
    ///
    /// RocksDB's own low priority is of no use here: it lets a megabyte a second through, and a batch of more than a
    /// tenth of that ends the process by an assertion of its rate limiter (7.8).
    public func giveWayToCompactions() {
        // The figure costs a lock of RocksDB's, and changes slowly.
        guard giveWayCalls.add(1, ordering: .relaxed).oldValue.isMultiple(of: 64) else { return }
        for _ in 0..<100 where compactionDebtBytes > Self.compactionDebtLimit {
            // A thread that may block, with nothing else to do.
            usleep(20_000)
        }
    }

    /// Bytes that compactions have to rewrite before the files are in order again, over all families.
    public var compactionDebtBytes: UInt64 {
        var bytes: UInt64 = 0
        let isKnown = unsafe spillway_db_aggregated_property(
            handle, "rocksdb.estimate-pending-compaction-bytes", &bytes)
        return isKnown ? bytes : 0
    }

    /// Half of what makes RocksDB slow writes down; see `family_options` in `open.cc`.
    private static let compactionDebtLimit: UInt64 = 4 << 30

    /// Makes everything durable that was written before the call. Other writes go on meanwhile. Blocks.
    ///
    /// A failed sync is fatal: ``Configuration/onFatal`` is called.
    ///
    /// - Throws: `DatabaseError` if `onFatal` returned.
    public func sync() throws {
        // What is visible now is in the log's file already, so this sync covers it, whatever is written meanwhile.
        let sequence = latestSequence
        let error = unsafe spillway_db_sync_wal(handle).take("sync the write-ahead log")
        if let error {
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
