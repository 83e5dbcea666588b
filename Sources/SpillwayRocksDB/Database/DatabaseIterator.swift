internal import CSpillwayRocksDB

extension Database {
    /// Walks the keys of a family in their order, in a consistent view of the moment when it was made.
    ///
    /// For one thread at a time. Hold one briefly: it keeps memtables and files that it reads from being freed.
    @safe public final class Iterator {
        private let database: Database
        private let snapshot: Snapshot?
        private let handle: OpaquePointer

        init(_ database: Database, _ family: ColumnFamily, _ options: IteratorOptions) {
            self.database = database
            self.snapshot = options.read.snapshot
            database.retainUse()
            var raw = unsafe spillway_iterator_options()
            unsafe raw.read = options.read.raw
            unsafe raw.prefix_same_as_start = options.staysInPrefix
            unsafe raw.total_order = !options.staysInPrefix
            unsafe raw.pin = options.pinsBlocks
            unsafe raw.readahead = options.readaheadBytes
            let made = unsafe (options.lower ?? []).withUnsafeBytes { lower in
                unsafe (options.upper ?? []).withUnsafeBytes { upper in
                    // An empty array may have no address, and no address means no bound.
                    if options.lower?.isEmpty == false { unsafe raw.lower = spillway_bytes(lower) }
                    if options.upper?.isEmpty == false { unsafe raw.upper = spillway_bytes(upper) }
                    return unsafe spillway_iterator_new(database.handle, family.handle, &raw)
                }
            }
            guard let made = unsafe made else { preconditionFailure("no iterator") }
            unsafe handle = made
        }

        deinit {
            unsafe spillway_iterator_free(handle)
            database.releaseUse()
        }

        /// Whether it stands on a key; false at the end, and after a failure, which ``check()`` throws.
        public var isValid: Bool { unsafe spillway_iterator_valid(handle) }

        /// Goes to the first key; returns whether there is one.
        @discardableResult public func seekToFirst() -> Bool { unsafe spillway_iterator_first(handle) }
        /// Goes to the last key; returns whether there is one.
        @discardableResult public func seekToLast() -> Bool { unsafe spillway_iterator_last(handle) }

        /// Goes to the first key at or after this one; returns whether there is one.
        @discardableResult public func seek(to key: UnsafeRawBufferPointer) -> Bool {
            unsafe spillway_iterator_seek(handle, spillway_bytes(key))
        }

        /// Goes to the first key at or after this one; returns whether there is one.
        @discardableResult public func seek(to key: [UInt8]) -> Bool {
            unsafe key.withUnsafeBytes { key in unsafe seek(to: key) }
        }

        /// Goes to the last key at or before this one; returns whether there is one.
        @discardableResult public func seek(backTo key: UnsafeRawBufferPointer) -> Bool {
            unsafe spillway_iterator_seek_for_previous(handle, spillway_bytes(key))
        }

        /// Goes to the last key at or before this one; returns whether there is one.
        @discardableResult public func seek(backTo key: [UInt8]) -> Bool {
            unsafe key.withUnsafeBytes { key in unsafe seek(backTo: key) }
        }

        /// Goes to the next key; returns whether there is one. Only while ``isValid``.
        @discardableResult public func next() -> Bool { unsafe spillway_iterator_next(handle) }
        /// Goes to the key before; returns whether there is one. Only while ``isValid``.
        @discardableResult public func previous() -> Bool { unsafe spillway_iterator_previous(handle) }

        /// The key it stands on, valid inside the closure. Only while ``isValid``.
        public func withKey<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
            try unsafe body(spillway_iterator_key(handle).buffer)
        }

        /// The value it stands on, valid inside the closure. Only while ``isValid``.
        public func withValue<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
            try unsafe body(spillway_iterator_value(handle).buffer)
        }

        /// Key and value, valid inside the closure. Only while ``isValid``.
        public func withEntry<R>(
            _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> R
        ) rethrows -> R {
            try unsafe body(spillway_iterator_key(handle).buffer, spillway_iterator_value(handle).buffer)
        }

        /// A copy of the key.
        public var key: [UInt8] { unsafe withKey { unsafe [UInt8]($0) } }
        /// A copy of the value.
        public var value: [UInt8] { unsafe withValue { unsafe [UInt8]($0) } }

        /// How many marks of removed keys the iterators of this thread have stepped over so far; they stay until a
        /// compaction drops them, and cost as much as a key. Only differences say something.
        static var skippedDeletes: Int { Int(truncatingIfNeeded: spillway_skipped_deletes()) }

        /// Throws what ended the walk, if it was not the end: call it when ``isValid`` has become false.
        ///
        /// - Throws: `DatabaseError`; with ``DatabaseError/Code/incomplete`` when the tier was
        ///   ``ReadTier/cacheOnly`` and the next block is on the disk.
        public func check() throws { try unsafe spillway_iterator_status(handle).check("iterate") }
    }

    /// What an iterator reads.
    public struct IteratorOptions: Sendable {
        /// How it reads.
        public var read = ReadOptions()
        /// The least key; `nil` is none.
        public var lower: [UInt8]?
        /// The key before which it ends; `nil` is none.
        public var upper: [UInt8]?
        /// Ends where the prefix of the key that was sought ends, and lets prefix filters work. Default false.
        public var staysInPrefix = false
        /// Keeps every block that it has read; default false.
        public var pinsBlocks = false
        /// Bytes to read ahead from files; 0, the default, lets RocksDB grow it as it goes.
        public var readaheadBytes = 0

        /// Options with every default.
        public init() {}
        /// Options with bounds.
        public init(lower: [UInt8]?, upper: [UInt8]?, read: ReadOptions = ReadOptions()) {
            self.lower = lower
            self.upper = upper
            self.read = read
        }
    }
}
