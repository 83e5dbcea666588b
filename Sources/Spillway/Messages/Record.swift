/// The bytes that records of one fetch share, so that a record costs no copies of its own.
public final class RecordStorage: Sendable {
    /// All the bytes.
    public let bytes: [UInt8]

    /// Keeps the bytes.
    public init(bytes: [UInt8]) { self.bytes = bytes }
}

/// A message as a consumer receives it.
public struct Record: Sendable {
    /// The bytes that ``keyRange`` and ``valueRange`` index.
    public let storage: RecordStorage
    /// Where in the storage the key is; `nil` if the record has no key.
    public let keyRange: Range<Int>?
    /// Where in the storage the value is; `nil` for a tombstone.
    public let valueRange: Range<Int>?
    /// Where the record stands in its partition; `nil` for one that did not come through the log (direct push).
    public let position: Position?
    /// In milliseconds since 1970 UTC.
    public let timestampMs: Int64
    /// What travelled with the message.
    public let headers: [Header]

    /// Makes a record whose key and value are slices of a shared storage.
    public init(
        storage: RecordStorage, keyRange: Range<Int>?, valueRange: Range<Int>?, position: Position?,
        timestampMs: Int64, headers: [Header]
    ) {
        self.storage = storage
        self.keyRange = keyRange
        self.valueRange = valueRange
        self.position = position
        self.timestampMs = timestampMs
        self.headers = headers
    }

    /// Makes a record with bytes of its own.
    public init(key: [UInt8]?, value: [UInt8]?, position: Position?, timestampMs: Int64, headers: [Header] = []) {
        self.init(
            storage: RecordStorage(bytes: (key ?? []) + (value ?? [])),
            keyRange: key.map { 0..<$0.count },
            valueRange: value.map { (key?.count ?? 0)..<((key?.count ?? 0) + $0.count) },
            position: position, timestampMs: timestampMs, headers: headers)
    }

    /// The record at a place, whatever place it was said to have.
    func standing(at place: Position) -> Record {
        if position == place { return self }
        return Record(
            storage: storage, keyRange: keyRange, valueRange: valueRange, position: place, timestampMs: timestampMs,
            headers: headers)
    }

    /// The key; a slice, not a copy.
    public var key: ArraySlice<UInt8>? { keyRange.map { storage.bytes[$0] } }
    /// The value; a slice, not a copy. `nil` is a tombstone.
    public var value: ArraySlice<UInt8>? { valueRange.map { storage.bytes[$0] } }
    /// What the record counts for against limits in bytes: key, value and headers.
    public var byteCount: Int {
        var count = (keyRange?.count ?? 0) + (valueRange?.count ?? 0)
        for header in headers { count += header.name.utf8.count + header.value.count }
        return count
    }
}
