/// What opens a data directory, whichever command does it.
struct StoreConfiguration: Sendable, Equatable {
    /// The data directory.
    var dataDirectory: String
    /// Partitions of a new data directory.
    var partitions: Int
    /// True if the user named the number: a directory made with another one is then refused.
    var partitionsAreGiven: Bool
    /// RocksDB's cache of blocks, in bytes.
    var blockCacheBytes: Int
    /// RocksDB's write buffers together, in bytes.
    var memtableBytes: Int

    init(_ values: OptionValues) {
        dataDirectory = values[OptionTable.data]
        partitions = values[OptionTable.partitions]
        partitionsAreGiven = values.isGiven(OptionTable.partitions)
        blockCacheBytes = values[OptionTable.blockCacheBytes]
        memtableBytes = values[OptionTable.memtableBytes]
    }

    /// For a directory that is there, with every default.
    init(administering values: OptionValues) {
        self.init(values)
        partitionsAreGiven = false
    }
}
