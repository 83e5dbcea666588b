internal import CSpillwayRocksDB
internal import Synchronization

extension Database {
    /// Hands the value to a closure without copying it; `nil` if the key is not there.
    public func withValue<R>(
        _ family: ColumnFamily, _ key: UnsafeRawBufferPointer, options: ReadOptions = ReadOptions(),
        _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R? {
        var pin = spillway_pin()
        return try unsafe withUnsafeMutablePointer(to: &pin) { pin in
            var value = unsafe spillway_bytes()
            let status = unsafe spillway_db_get(
                handle, family.handle, options.raw, spillway_bytes(key), pin, &value)
            if unsafe status.isNotFound { return nil }
            try unsafe status.check("read")
            defer { unsafe spillway_pin_release(pin) }
            return try unsafe body(value.buffer)
        }
    }

    /// Hands the value to a closure without copying it; `nil` if the key is not there.
    public func withValue<R>(
        _ family: ColumnFamily, _ key: [UInt8], options: ReadOptions = ReadOptions(),
        _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R? {
        try unsafe key.withUnsafeBytes { key in
            try unsafe withValue(family, key, options: options, body)
        }
    }

    /// A copy of the value; `nil` if the key is not there.
    public func get(
        _ family: ColumnFamily, _ key: UnsafeRawBufferPointer, options: ReadOptions = ReadOptions()
    ) throws -> [UInt8]? {
        try unsafe withValue(family, key, options: options) { unsafe [UInt8]($0) }
    }

    /// A copy of the value; `nil` if the key is not there.
    public func get(
        _ family: ColumnFamily, _ key: [UInt8], options: ReadOptions = ReadOptions()
    ) throws -> [UInt8]? {
        try unsafe withValue(family, key, options: options) { unsafe [UInt8]($0) }
    }

    /// Hands over the rows whose keys begin with a prefix, in the order of the keys. Blocks.
    ///
    /// - Throws: `DatabaseError`, or what the closure throws, after which no more rows come.
    func forEachRow(
        _ family: ColumnFamily, prefix: [UInt8], _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void
    ) throws {
        let rows = iterator(family, .init(lower: prefix, upper: Self.end(ofPrefix: prefix)))
        rows.seekToFirst()
        while rows.isValid {
            try body(rows.key, rows.value)
            rows.next()
        }
        try rows.check()
    }

    /// The first key behind all that begin so; `nil` if none is.
    static func end(ofPrefix prefix: [UInt8]) -> [UInt8]? {
        var end = prefix
        while end.last == .max { end.removeLast() }
        guard let last = end.indices.last else { return nil }
        end[last] += 1
        return end
    }

    /// Reads many keys in one go, which shares the work on filters, indexes and blocks, and hands each value to a
    /// closure, in the order of the keys; `nil` for a key that is not there.
    ///
    /// - Parameter sorted: the keys ascend already, which saves sorting them.
    /// - Throws: `DatabaseError`, or what the closure throws, after which no more values come.
    public func multiGet(
        _ family: ColumnFamily, _ keys: KeyBatch, sorted: Bool = false, options: ReadOptions = ReadOptions(),
        _ body: (Int, UnsafeRawBufferPointer?) throws -> Void
    ) throws {
        guard keys.count > 0 else { return }
        try unsafe keys.bytes.withUnsafeBytes { bytes in
            try unsafe withUnsafeTemporaryAllocation(of: spillway_bytes.self, capacity: keys.count) { slices in
                var start = 0
                for index in 0..<keys.count {
                    let end = keys.ends[index]
                    unsafe slices.initializeElement(
                        at: index, to: spillway_bytes(UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
                    start = end
                }
                let multi = unsafe spillway_db_multi_get(
                    handle, family.handle, options.raw, keys.count, slices.baseAddress, sorted)
                guard let multi = unsafe multi else { throw DatabaseError(.failed, "out of memory") }
                defer { unsafe spillway_multi_free(multi) }
                for index in 0..<keys.count {
                    var value = unsafe spillway_bytes()
                    let status = unsafe spillway_multi_value(multi, index, &value)
                    if unsafe status.isNotFound {
                        try body(index, nil)
                    } else {
                        try unsafe status.check("read")
                        try unsafe body(index, value.buffer)
                    }
                }
            }
        }
    }

    /// Copies of the values of many keys, in the order of the keys.
    public func multiGet(
        _ family: ColumnFamily, _ keys: [[UInt8]], options: ReadOptions = ReadOptions()
    ) throws -> [[UInt8]?] {
        var batch = KeyBatch(reservingKeys: keys.count)
        for key in keys { batch.append(key) }
        var values: [[UInt8]?] = []
        values.reserveCapacity(keys.count)
        try unsafe multiGet(family, batch, options: options) { _, value in
            unsafe values.append(value.map { unsafe [UInt8]($0) })
        }
        return values
    }

    /// Walks the family's keys in order.
    public func iterator(_ family: ColumnFamily, _ options: IteratorOptions = IteratorOptions()) -> Iterator {
        Iterator(self, family, options)
    }

    /// A consistent view of the present state of all families.
    public func snapshot() -> Snapshot { Snapshot(self) }

    /// The sequence number of the newest write, durable or not.
    public var latestSequence: UInt64 { unsafe spillway_db_latest_sequence(handle) }

    /// The sequence number up to which a sync has returned.
    public var durableSequence: UInt64 { syncedSequence.load(ordering: .acquiring) }
}
