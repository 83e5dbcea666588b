internal import CSpillwayRocksDB
public import SpillwayCore

extension Database {
    /// Registers RocksDB's own figures, read when scraped; after `close` they are zero.
    public func register(_ registry: MetricsRegistry) throws {
        let sums = [
            ("spillway_rocksdb_memtable_bytes", "Bytes of all memtables.", "rocksdb.cur-size-all-mem-tables"),
            (
                "spillway_rocksdb_pending_compaction_bytes", "Bytes that compactions have before them.",
                "rocksdb.estimate-pending-compaction-bytes"
            ),
            ("spillway_rocksdb_file_bytes", "Bytes of live files.", "rocksdb.live-sst-files-size"),
            (
                "spillway_rocksdb_table_reader_bytes", "Memory of open files outside the block cache.",
                "rocksdb.estimate-table-readers-mem"
            ),
            ("spillway_rocksdb_background_errors", "Background errors so far.", "rocksdb.background-errors"),
            ("spillway_rocksdb_running_compactions", "Compactions that run.", "rocksdb.num-running-compactions"),
            ("spillway_rocksdb_running_flushes", "Flushes that run.", "rocksdb.num-running-flushes"),
        ]
        for (name, help, property) in sums {
            try registry.meter(name, help: help) { [weak self] in Double(self?.sum(of: property) ?? 0) }
        }
        try registry.meter("spillway_rocksdb_block_cache_bytes", help: "Bytes in the block cache.") { [weak self] in
            Double(unsafe self?.reading { unsafe spillway_db_block_cache_usage($0) } ?? 0)
        }
        try registry.meter(
            "spillway_rocksdb_log_bytes", help: "Bytes of the write-ahead log that a start would replay."
        ) { [weak self] in Double(unsafe self?.reading { unsafe spillway_db_wal_bytes($0) } ?? 0) }
        try registry.meter("spillway_rocksdb_writable", help: "1 while writes are possible, else 0.") { [weak self] in
            self?.events.failure == nil ? 1 : 0
        }
        try registry.meter("spillway_disk_free_bytes", help: "Free bytes on the data directory's disk.") {
            [weak self] in
            guard let self else { return 0 }
            _ = reserve.level
            return Double(reserve.freeNow)
        }
        try registry.meter("spillway_disk_reserve_bytes", help: "Free bytes below which the log takes no more.") {
            [weak self] in Double(self?.reserve.bytes ?? 0)
        }
        try registerTickers(registry)
    }

    private func registerTickers(_ registry: MetricsRegistry) throws {
        let counters = [
            ("spillway_rocksdb_block_cache_hits_total", "Reads of blocks that were cached.", SPILLWAY_TICKER_CACHE_HIT),
            (
                "spillway_rocksdb_block_cache_misses_total", "Reads of blocks that were not cached.",
                SPILLWAY_TICKER_CACHE_MISS
            ),
            (
                "spillway_rocksdb_compaction_read_bytes_total", "Bytes that compactions read.",
                SPILLWAY_TICKER_COMPACT_READ
            ),
            (
                "spillway_rocksdb_compaction_written_bytes_total", "Bytes that compactions wrote.",
                SPILLWAY_TICKER_COMPACT_WRITE
            ),
            ("spillway_rocksdb_flushed_bytes_total", "Bytes that flushes wrote.", SPILLWAY_TICKER_FLUSH_WRITE),
            ("spillway_rocksdb_user_written_bytes_total", "Bytes of all batches.", SPILLWAY_TICKER_BYTES_WRITTEN),
            (
                "spillway_rocksdb_log_written_bytes_total", "Bytes written to the write-ahead log.",
                SPILLWAY_TICKER_WAL_BYTES
            ),
            ("spillway_rocksdb_log_syncs_total", "Syncs of the write-ahead log.", SPILLWAY_TICKER_WAL_SYNCS),
            (
                "spillway_rocksdb_filter_useful_total", "Reads of files that a filter has saved.",
                SPILLWAY_TICKER_FILTER_USEFUL
            ),
        ]
        for (name, help, ticker) in counters {
            try registry.counter(name, help: help) { [weak self] in Double(self?.ticker(ticker) ?? 0) }
        }
        try registry.counter(
            "spillway_rocksdb_stall_seconds_total", help: "Time that writes waited for flushes or compactions."
        ) { [weak self] in Double(self?.ticker(SPILLWAY_TICKER_STALL_MICROS) ?? 0) / 1e6 }
        try registry.meter(
            "spillway_rocksdb_write_amplification",
            help: "Bytes that flushes, compactions and the write-ahead log wrote, over the bytes of all batches."
        ) { [weak self] in
            guard let self else { return 0 }
            let user = Double(ticker(SPILLWAY_TICKER_BYTES_WRITTEN))
            let written = [SPILLWAY_TICKER_WAL_BYTES, SPILLWAY_TICKER_FLUSH_WRITE, SPILLWAY_TICKER_COMPACT_WRITE]
                .reduce(0) { $0 + Double(ticker($1)) }
            return user > 0 ? written / user : 0
        }
    }

    /// A ticker's count, of those that the shim numbers.
    func ticker(_ which: SPILLWAY_TICKER) -> UInt64 {
        unsafe reading { unsafe spillway_db_ticker($0, Int32(which.rawValue)) }
    }

    func sum(of property: String) -> UInt64 {
        unsafe reading { handle in
            var value: UInt64 = 0
            return unsafe spillway_db_aggregated_property(handle, property, &value) ? value : 0
        }
    }
}
