internal import CSpillwayRocksDB

/// A column family: a key space of its own inside the database, with its own tuning, in the same write-ahead log.
///
/// The database owns the handle behind it; a family must not be used after `close`.
@safe public final class ColumnFamily: Sendable {
    /// The family's name.
    public let name: String
    /// RocksDB allows its handles to be used from any thread; freed once, by the database that made it.
    nonisolated(unsafe) let handle: OpaquePointer

    init(name: String, handle: OpaquePointer) {
        self.name = name
        unsafe self.handle = handle
    }

    /// How a family stores its rows. Everything but the name has a default for rows that are read by key.
    public struct Options: Sendable {
        /// How blocks are compressed.
        public enum Compression: Int32, Sendable {
            /// Not at all.
            case none = 0
            /// LZ4: fast, for levels that are rewritten soon.
            case lz4 = 4
            /// Zstandard: small, for the level where most rows live.
            case zstd = 7
        }

        /// Lets a point read skip files that don't hold its key.
        public enum Filter: Sendable {
            /// No filter.
            case none
            /// Bloom filter, with so many bits a key.
            case bloom(bitsPerKey: Double)
            /// Ribbon filter: a third smaller than Bloom for the same quality, slower to build.
            case ribbon(bloomEquivalentBitsPerKey: Double)
        }

        /// How what is not flushed yet is kept.
        public enum Memtable: Sendable {
            /// RocksDB's skip list.
            case skipList
            /// A hash table of so many lists, by prefix: inserts and point reads of a large memtable are several times
            /// cheaper than a skip list's, walks must stay in a prefix. Each takes 8 bytes a bucket. Needs
            /// ``Options/prefixBytes``.
            case hashed(buckets: Int)
            /// Appended, and sorted when it is read: inserts cost nearly nothing; the first read behind a write sorts
            /// what was written since the last one and merges it with what came lately, and now and then with the rest.
            case appended
        }

        /// The family's name.
        public var name: String
        /// Bytes of a memtable before it is flushed; default 32 MiB.
        public var writeBufferBytes = 32 << 20
        /// How many memtables may exist before writes wait; default 4.
        public var writeBuffers = 4
        /// Uncompressed bytes of a block; default 8 KiB. Larger blocks compress better and cost more to read.
        public var blockBytes = 8 << 10
        /// After how many keys a full key is stored again; default 16. Keys in between store only how they differ.
        public var restartInterval = 16
        /// Default a Bloom filter of 10 bits a key.
        public var filter = Filter.bloom(bitsPerKey: 10)
        /// Whether the filter holds whole keys; default true.
        public var filtersWholeKeys = true
        /// The first so many bytes of a key are its prefix: filters hold prefixes too, and an iterator can be kept in
        /// one. A shorter key is its own prefix. Default none.
        public var prefixBytes: Int?
        /// How what is not flushed yet is kept; default a skip list.
        public var memtable = Memtable.skipList
        /// Compression of all levels but the last; default LZ4.
        public var compression = Compression.lz4
        /// Compression of the last level; default Zstandard.
        public var bottomCompression = Compression.zstd
        /// Level of Zstandard; default 3.
        public var zstdLevel = 3
        /// Bytes of a Zstandard dictionary made for each file of the last level; 0 is none, the default.
        public var dictionaryBytes = 0
        /// No filter on the last level: right where nearly every key that is asked for exists. Default false.
        public var skipsBottomFilter = false
        /// A small hash index in each block; point reads are quicker, blocks a little larger. Default false.
        public var hashesBlocks = false
        /// Keys ascend, none is written twice: files are moved between levels and never rewritten. Default false.
        public var isAscending = false
        /// Files in level 0 that start a compaction; default 4.
        public var level0Files = 4
        /// Bytes of a file that a compaction writes; default 64 MiB.
        public var fileBytes = 64 << 20
        /// Bytes of the first level below level 0; default 256 MiB.
        public var levelBaseBytes = 256 << 20

        /// Options with every default.
        public init(name: String) { self.name = name }

        /// What a log of ascending sequences wants: no filters, large blocks, no rewriting.
        public static func ascending(name: String) -> Options {
            var options = Options(name: name)
            options.isAscending = true
            options.blockBytes = 64 << 10
            options.filter = .none
            options.bottomCompression = .lz4
            options.level0Files = 1
            return options
        }

        @unsafe func withRaw<R>(_ body: (spillway_family_options) throws -> R) rethrows -> R {
            var raw = unsafe spillway_family_options()
            unsafe raw.write_buffer_bytes = UInt64(writeBufferBytes)
            unsafe raw.target_file_bytes = UInt64(fileBytes)
            unsafe raw.level_base_bytes = UInt64(levelBaseBytes)
            unsafe raw.write_buffers = Int32(writeBuffers)
            unsafe raw.block_bytes = Int32(blockBytes)
            unsafe raw.restart_interval = Int32(restartInterval)
            switch filter {
            case .none: unsafe raw.filter = 0
            case .bloom(let bits): unsafe (raw.filter, raw.filter_bits) = (1, bits)
            case .ribbon(let bits): unsafe (raw.filter, raw.filter_bits) = (2, bits)
            }
            unsafe raw.prefix_bytes = Int32(prefixBytes ?? -1)
            switch memtable {
            case .skipList: break
            case .hashed(let buckets): unsafe raw.memtable_buckets = UInt32(buckets)
            case .appended: unsafe raw.memtable_appends = true
            }
            unsafe raw.compression = compression.rawValue
            unsafe raw.bottom_compression = bottomCompression.rawValue
            unsafe raw.zstd_level = Int32(zstdLevel)
            unsafe raw.dictionary_bytes = Int32(dictionaryBytes)
            unsafe raw.level0_trigger = Int32(level0Files)
            unsafe raw.whole_key_filter = filtersWholeKeys
            unsafe raw.optimize_filters_for_hits = skipsBottomFilter
            unsafe raw.hash_index_in_blocks = hashesBlocks
            unsafe raw.ascending = isAscending
            unsafe raw.dynamic_levels = true
            return try unsafe Array(name.utf8CString).withUnsafeBufferPointer { text in
                unsafe raw.name = text.baseAddress
                unsafe raw.name_size = text.count - 1
                return try unsafe body(raw)
            }
        }
    }
}
