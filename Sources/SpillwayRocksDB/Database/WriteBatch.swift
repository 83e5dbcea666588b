internal import CSpillwayRocksDB

/// Changes that are written all or none, in their order; reusable after ``removeAll()``.
///
/// Not for use by two threads at once. It keeps no reference to the keys and values that it was given.
@safe public final class WriteBatch {
    let handle: OpaquePointer

    /// Makes an empty batch with room for so many bytes.
    public init(reservingBytes: Int = 0) {
        guard let made = unsafe spillway_batch_new(reservingBytes) else { preconditionFailure("out of memory") }
        unsafe handle = made
    }

    deinit { unsafe spillway_batch_free(handle) }

    /// How many changes it holds.
    public var count: Int { unsafe spillway_batch_count(handle) }
    /// How many bytes it will take in the write-ahead log.
    public var byteCount: Int { unsafe spillway_batch_bytes(handle) }
    /// True without changes.
    public var isEmpty: Bool { count == 0 }

    /// Forgets all changes, and keeps the memory.
    public func removeAll() { unsafe spillway_batch_clear(handle) }

    /// Stores a value under a key.
    public func put(_ family: ColumnFamily, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        unsafe must(spillway_batch_put(handle, family.handle, spillway_bytes(key), spillway_bytes(value)))
    }

    /// Stores a value under a key.
    public func put(_ family: ColumnFamily, _ key: [UInt8], _ value: [UInt8]) {
        unsafe key.withUnsafeBytes { key in
            unsafe value.withUnsafeBytes { value in unsafe put(family, key, value) }
        }
    }

    /// Stores a value under a key.
    public func put(_ family: ColumnFamily, _ key: RawSpan, _ value: RawSpan) {
        unsafe key.withUnsafeBytes { key in
            unsafe value.withUnsafeBytes { value in unsafe put(family, key, value) }
        }
    }

    /// Stores the value that two parts make, one behind the other.
    public func put(
        _ family: ColumnFamily, _ key: UnsafeRawBufferPointer, _ head: UnsafeRawBufferPointer,
        _ tail: UnsafeRawBufferPointer
    ) {
        let parts = unsafe (spillway_bytes(head), spillway_bytes(tail))
        unsafe withUnsafePointer(to: parts) { parts in
            unsafe parts.withMemoryRebound(to: spillway_bytes.self, capacity: 2) { parts in
                unsafe must(spillway_batch_put_parts(handle, family.handle, spillway_bytes(key), parts, 2))
            }
        }
    }

    /// Removes a key; nothing happens if it is not there.
    public func delete(_ family: ColumnFamily, _ key: UnsafeRawBufferPointer) {
        unsafe must(spillway_batch_delete(handle, family.handle, spillway_bytes(key)))
    }

    /// Removes a key; nothing happens if it is not there.
    public func delete(_ family: ColumnFamily, _ key: [UInt8]) {
        unsafe key.withUnsafeBytes { key in unsafe delete(family, key) }
    }

    /// Removes a key that was put exactly once since it was last removed; leaves less behind than `delete`.
    public func singleDelete(_ family: ColumnFamily, _ key: UnsafeRawBufferPointer) {
        unsafe must(spillway_batch_single_delete(handle, family.handle, spillway_bytes(key)))
    }

    /// Removes the keys from `begin` up to and without `end`.
    public func deleteRange(_ family: ColumnFamily, from begin: [UInt8], to end: [UInt8]) {
        unsafe begin.withUnsafeBytes { begin in
            unsafe end.withUnsafeBytes { end in
                unsafe must(
                    spillway_batch_delete_range(handle, family.handle, spillway_bytes(begin), spillway_bytes(end)))
            }
        }
    }

    /// Remembers the present state; ``rollBack()`` returns to it. They nest.
    public func setSavePoint() { unsafe spillway_batch_set_save_point(handle) }

    /// Forgets what was added since the last save point.
    public func rollBack() { unsafe must(spillway_batch_rollback(handle)) }

    /// Adding to a batch fails only for keys or values of 4 GiB and more, and for a save point that was not set.
    private func must(_ status: spillway_status) {
        if let error = unsafe status.take("write batch") { preconditionFailure(error.description) }
    }
}

extension spillway_bytes {
    init(_ buffer: UnsafeRawBufferPointer) {
        unsafe self.init(data: buffer.baseAddress, size: buffer.count)
    }

    var buffer: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: data, count: size) }
}
