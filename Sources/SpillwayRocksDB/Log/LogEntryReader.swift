internal import Spillway

/// Walks the records of an entry, and makes a `Record` only of those that are wanted.
struct LogEntryReader {
    /// One record's place: what is needed to decide whether it is wanted.
    struct Place {
        var sequence: UInt64
        var partition: Int
        var start: Int
        var end: Int
    }

    private let entry: LogEntry
    private var offset = LogEncoding.headerBytes
    private var index = 0

    init(_ entry: LogEntry) { self.entry = entry }

    private func malformed() -> DatabaseError {
        DatabaseError(.corruption, "the log's entry at \(entry.base) is malformed at byte \(offset)")
    }

    /// The next record's place; `nil` behind the last.
    mutating func next() throws -> Place? {
        guard index < entry.count else { return nil }
        let start = offset
        let (length, partition) = try unsafe entry.storage.bytes.withUnsafeBytes { bytes in
            guard bytes.count - start >= LogEncoding.recordHeadBytes - 4 else { throw malformed() }
            let word = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            return (Int(word & 0xffff_ffff), Int(word >> 32 & 0xffff))
        }
        let end = start + 4 + length
        guard length >= 12, end <= entry.storage.bytes.count else { throw malformed() }
        defer {
            offset = end
            index += 1
        }
        return Place(sequence: entry.base + UInt64(index), partition: partition, start: start, end: end)
    }

    /// Makes the record at a place.
    func record(at place: Place) throws -> Record {
        try unsafe entry.storage.bytes.withUnsafeBytes { bytes in
            let flags = unsafe bytes[place.start + 6]
            let timestamp = unsafe Int64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: place.start + 8, as: Int64.self))
            var cursor = unsafe Cursor(bytes: bytes, offset: place.start + 16, end: place.end)
            var key: Range<Int>?
            var value: Range<Int>?
            var headers: [Header] = []
            do {
                if flags & LogEncoding.hasKey != 0 { key = try unsafe cursor.part() }
                if flags & LogEncoding.hasValue != 0 { value = try unsafe cursor.part() }
                if flags & LogEncoding.hasHeaders != 0 { headers = try unsafe cursor.headers() }
            } catch { throw malformed() }
            return Record(
                storage: entry.storage, keyRange: key, valueRange: value,
                position: Position(high: entry.epoch, low: place.sequence), timestampMs: timestamp, headers: headers)
        }
    }

    private struct Malformed: Error {}

    /// Reads within one record's bytes.
    @unsafe private struct Cursor {
        let bytes: UnsafeRawBufferPointer
        var offset: Int
        let end: Int

        mutating func varint() throws -> Int {
            var value = 0
            var shift = 0
            while true {
                guard unsafe offset < end, shift <= 28 else { throw Malformed() }
                let byte = unsafe bytes[offset]
                unsafe offset += 1
                value |= Int(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
        }

        mutating func part() throws -> Range<Int> {
            let count = try unsafe varint()
            guard unsafe count <= end - offset else { throw Malformed() }
            defer { unsafe offset += count }
            return unsafe offset..<(offset + count)
        }

        mutating func headers() throws -> [Header] {
            let count = try unsafe varint()
            guard unsafe count <= end - offset else { throw Malformed() }
            var headers: [Header] = []
            for _ in 0..<count {
                let name = try unsafe part()
                let value = try unsafe part()
                unsafe headers.append(
                    Header(
                        name: String(decoding: UnsafeRawBufferPointer(rebasing: bytes[name]), as: UTF8.self),
                        value: [UInt8](UnsafeRawBufferPointer(rebasing: bytes[value]))))
            }
            return headers
        }
    }
}
