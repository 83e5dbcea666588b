internal import Spillway

/// How a batch of records stands in the log: what one sync made durable for one topic.
///
/// All integers are little endian. Header, 24 bytes: version (1 byte, now 1), three zeros, count of records (4), time of
/// the append in ms since 1970 (8), the log's epoch (8). Then the records: length of the rest (4), partition (2), flags
/// (1), zero (1), timestamp in ms (8); if bit 0 of the flags is set the key, bit 1 the value, each a varint of its
/// length and its bytes; if bit 2, a varint of the count of headers, then name and value of each, as key and value are.
/// The n-th record's sequence is the entry's key plus n.
enum LogEncoding {
    static let version: UInt8 = 1
    static let headerBytes = 24
    static let recordHeadBytes = 20

    static let hasKey: UInt8 = 1
    static let hasValue: UInt8 = 2
    static let hasHeaders: UInt8 = 4

    /// An upper bound of what a message takes.
    static func bound(_ message: Message) -> Int {
        var bytes = recordHeadBytes + 20 + (message.key?.count ?? 0) + (message.value?.count ?? 0)
        for header in message.headers { bytes += 20 + header.name.utf8.count + header.value.count }
        return bytes
    }

    static func appendHeader(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: repeatElement(0, count: headerBytes))
        bytes[0] = version
    }

    /// Completes the header when the batch is written.
    static func setHeader(_ bytes: inout [UInt8], count: Int, appendedAtMs: Int64, epoch: UInt64) {
        unsafe bytes.withUnsafeMutableBytes { raw in
            unsafe raw.storeBytes(of: UInt32(count).littleEndian, toByteOffset: 4, as: UInt32.self)
            unsafe raw.storeBytes(of: appendedAtMs.littleEndian, toByteOffset: 8, as: Int64.self)
            unsafe raw.storeBytes(of: epoch.littleEndian, toByteOffset: 16, as: UInt64.self)
        }
    }

    static func append(_ message: Message, partition: Int, timestampMs: Int64, to bytes: inout [UInt8]) {
        let start = bytes.count
        var flags: UInt8 = 0
        if message.key != nil { flags |= hasKey }
        if message.value != nil { flags |= hasValue }
        if !message.headers.isEmpty { flags |= hasHeaders }
        var head = (UInt64(0), UInt64(0))
        head.0 = (UInt64(UInt16(partition)) << 32 | UInt64(flags) << 48).littleEndian
        head.1 = UInt64(bitPattern: timestampMs).littleEndian
        // The length stands in the low half of the first word, and is known only at the end.
        unsafe withUnsafeBytes(of: &head) { unsafe bytes.append(contentsOf: $0) }
        if let key = message.key { append(part: key, to: &bytes) }
        if let value = message.value { append(part: value, to: &bytes) }
        if !message.headers.isEmpty {
            append(varint: message.headers.count, to: &bytes)
            for header in message.headers {
                append(varint: header.name.utf8.count, to: &bytes)
                bytes.append(contentsOf: header.name.utf8)
                append(part: header.value, to: &bytes)
            }
        }
        let length = UInt32(bytes.count - start - 4).littleEndian
        unsafe bytes.withUnsafeMutableBytes { unsafe $0.storeBytes(of: length, toByteOffset: start, as: UInt32.self) }
    }

    private static func append(part: [UInt8], to bytes: inout [UInt8]) {
        append(varint: part.count, to: &bytes)
        bytes.append(contentsOf: part)
    }

    static func append(varint value: Int, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// The key of an entry in its family.
    static func key(of sequence: UInt64) -> [UInt8] { Opening.bigEndian(sequence) }

    static func sequence(of key: UnsafeRawBufferPointer) -> UInt64 {
        unsafe key.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// One batch of the log in memory, shared by all who read it.
struct LogEntry: Sendable {
    /// The sequence of the first record.
    let base: UInt64
    let count: Int
    let epoch: UInt64
    let appendedAtMs: Int64
    let storage: RecordStorage

    /// The sequence behind the last record.
    var end: UInt64 { base + UInt64(count) }
    var byteCount: Int { storage.bytes.count }

    init(base: UInt64, count: Int, epoch: UInt64, appendedAtMs: Int64, storage: RecordStorage) {
        self.base = base
        self.count = count
        self.epoch = epoch
        self.appendedAtMs = appendedAtMs
        self.storage = storage
    }

    /// Reads the header of stored bytes.
    init(base: UInt64, bytes: [UInt8]) throws {
        let (count, at, epoch) = try unsafe bytes.withUnsafeBytes { try unsafe Self.header($0, base: base) }
        self.init(
            base: base, count: count, epoch: epoch, appendedAtMs: at, storage: RecordStorage(bytes: bytes))
    }

    static func header(
        _ bytes: UnsafeRawBufferPointer, base: UInt64
    ) throws -> (count: Int, appendedAtMs: Int64, epoch: UInt64) {
        guard bytes.count >= LogEncoding.headerBytes, unsafe bytes[0] == LogEncoding.version else {
            throw DatabaseError(.corruption, "the log's entry at \(base) has no header that this program knows")
        }
        return unsafe (
            Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))),
            Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self)),
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        )
    }
}
