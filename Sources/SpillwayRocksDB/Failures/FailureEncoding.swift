internal import Spillway

/// Where an entry is, as the row of its name says: a held one. (Up to format 1 of the directory delayed ones had such rows,
/// too.)
struct SideLocation: Equatable, Sendable {
    var mode: SideEntry.Mode
    /// When it is due.
    var dueMs: Int64
    /// What it counts for against the limit in bytes.
    var byteCount: Int
    /// The key of a held one; empty for a delayed one, whose row is found without.
    var key: [UInt8]
}

/// What is held of a key; its row is removed with the last entry.
struct HeldSummary: Equatable, Sendable {
    var records: Int
    var first: Position
    var last: Position
    /// When the first is due.
    var dueMs: Int64
}

/// The values of a failure store's rows: a byte of the format, now 1, then what follows; integers are big endian,
/// lengths and small counts varints.
///
/// - A location: mode (1), due time (8), bytes (8), key.
/// - A summary: records (8), first and last position (16 each), due time of the first (8).
/// - A count: records (8), bytes (8).
/// - An entry: mode (1), due time (8), attempts, rounds, reason, record.
/// - A letter: bytes (8), time (8), attempts, reason, record.
/// - A record: time (8), flags (1), then if bit 0 is set the key, bit 1 the value, bit 2 a count of headers and the name
///   and the value of each, every part behind its length.
enum FailureEncoding {
    static let version: UInt8 = 1
    private static let hasKey: UInt8 = 1
    private static let hasValue: UInt8 = 2
    private static let hasHeaders: UInt8 = 4

    // MARK: Small rows

    /// Makes the value of a location: where an entry is, and for a held one under which key.
    static func makeLocation(
        _ mode: SideEntry.Mode, dueMs: Int64, byteCount: Int, key: some Collection<UInt8>, in value: inout [UInt8]
    ) {
        value.removeAll(keepingCapacity: true)
        value.append(version)
        value.append(mode.rawValue)
        append(dueMs, to: &value)
        append(Int64(byteCount), to: &value)
        if mode == .held { value.append(contentsOf: key) }
    }

    static func location(_ value: [UInt8]) throws -> SideLocation {
        var reader = RowReader(value, of: .row("the place of an entry of the side queue"))
        try reader.expect(version)
        return SideLocation(
            mode: try mode(&reader), dueMs: try number(&reader), byteCount: try count(&reader), key: reader.rest())
    }

    static func value(_ summary: HeldSummary) -> [UInt8] {
        var value = [version]
        append(Int64(summary.records), to: &value)
        FailureKeys.append(summary.first, to: &value)
        FailureKeys.append(summary.last, to: &value)
        append(summary.dueMs, to: &value)
        return value
    }

    static func summary(_ value: [UInt8]) throws -> HeldSummary {
        var reader = RowReader(value, of: .row("the summary of a held key"))
        try reader.expect(version)
        let summary = HeldSummary(
            records: try count(&reader), first: try reader.position(), last: try reader.position(),
            dueMs: try number(&reader))
        try reader.end()
        return summary
    }

    static func value(_ count: FailureCount) -> [UInt8] {
        var value = [version]
        append(Int64(count.records), to: &value)
        append(Int64(count.bytes), to: &value)
        return value
    }

    static func count(_ value: [UInt8]) throws -> FailureCount {
        var reader = RowReader(value, of: .row("the count of a group"))
        try reader.expect(version)
        let found = FailureCount(records: try count(&reader), bytes: try count(&reader))
        try reader.end()
        return found
    }

    // MARK: Entries and letters

    /// Appends the value of an entry.
    ///
    /// - Returns: where in the bytes the record's key is; empty if it has none.
    static func append(_ entry: SideEntry, to value: inout [UInt8]) -> Range<Int> {
        value.append(version)
        value.append(entry.mode.rawValue)
        append(entry.dueMs, to: &value)
        LogEncoding.append(varint: small(entry.attempts), to: &value)
        LogEncoding.append(varint: small(entry.rounds), to: &value)
        append(entry.reason.utf8, to: &value)
        return append(entry.record, to: &value)
    }

    static func entry(_ value: [UInt8], name: RecordName) throws -> SideEntry {
        try entry(RecordStorage(bytes: value), in: 0..<value.count, name: name)
    }

    /// Reads an entry whose value is a part of bytes, which its record shares.
    static func entry(_ storage: RecordStorage, in value: Range<Int>, name: RecordName) throws -> SideEntry {
        var reader = RowReader(storage.bytes, in: value, of: .entry(name))
        try reader.expect(version)
        let (mode, due) = (try mode(&reader), try number(&reader))
        let (attempts, rounds) = (try reader.varint(), try reader.varint())
        let reason = try reader.text()
        return SideEntry(
            name: name, mode: mode, dueMs: due, attempts: attempts, rounds: rounds, reason: reason,
            record: try record(&reader, storage, name.position))
    }

    /// Appends the value of a letter.
    static func append(_ letter: DeadLetter, to value: inout [UInt8]) {
        value.append(version)
        append(Int64(letter.byteCount), to: &value)
        append(letter.failedAtMs, to: &value)
        LogEncoding.append(varint: small(letter.attempts), to: &value)
        append(letter.reason.utf8, to: &value)
        _ = append(letter.record, to: &value)
    }

    static func letter(_ value: [UInt8], name: RecordName) throws -> DeadLetter {
        var reader = RowReader(value, of: .letter(name))
        try reader.expect(version)
        _ = try count(&reader)
        let (failedAt, attempts) = (try number(&reader), try reader.varint())
        let reason = try reader.text()
        return DeadLetter(
            name: name, record: try record(&reader, RecordStorage(bytes: value), name.position), reason: reason,
            attempts: attempts, failedAtMs: failedAt)
    }

    /// How many bytes of a letter's value ``byteCount(_:)`` needs.
    static let letterHeadBytes = 9

    /// What a letter counts for against the limit in bytes, from the head of its value.
    static func byteCount(_ head: [UInt8]) throws -> Int {
        var reader = RowReader(head, of: .row("the head of a dead letter"))
        try reader.expect(version)
        return try count(&reader)
    }

    /// Returns where its key is; empty if it has none.
    private static func append(_ record: Record, to value: inout [UInt8]) -> Range<Int> {
        append(record.timestampMs, to: &value)
        var flags: UInt8 = 0
        if record.keyRange != nil { flags |= hasKey }
        if record.valueRange != nil { flags |= hasValue }
        if !record.headers.isEmpty { flags |= hasHeaders }
        value.append(flags)
        var keyRange = 0..<0
        if let key = record.key {
            append(key, to: &value)
            keyRange = (value.count - key.count)..<value.count
        }
        if let payload = record.value { append(payload, to: &value) }
        guard !record.headers.isEmpty else { return keyRange }
        LogEncoding.append(varint: record.headers.count, to: &value)
        for header in record.headers {
            append(header.name.utf8, to: &value)
            append(header.value, to: &value)
        }
        return keyRange
    }

    /// Reads the record, which ends the value; its key and its value are slices of the storage.
    private static func record(
        _ reader: inout RowReader, _ storage: RecordStorage, _ position: Position
    ) throws -> Record {
        let timestamp = try number(&reader)
        let flags = try reader.byte()
        guard flags & ~(hasKey | hasValue | hasHeaders) == 0 else { throw reader.malformed() }
        let key = flags & hasKey != 0 ? try reader.part() : nil
        let value = flags & hasValue != 0 ? try reader.part() : nil
        var headers: [Header] = []
        if flags & hasHeaders != 0 {
            for _ in 0..<(try reader.varint()) {
                let name = try reader.text()
                headers.append(Header(name: name, value: Array(storage.bytes[try reader.part()])))
            }
        }
        try reader.end()
        return Record(
            storage: storage, keyRange: key, valueRange: value, position: position, timestampMs: timestamp,
            headers: headers)
    }

    // MARK: Parts

    /// What a varint of ours can hold; nobody counts attempts beyond it, or below zero.
    private static func small(_ count: Int) -> Int { min(max(0, count), Int(Int32.max)) }

    private static func append(_ number: Int64, to value: inout [UInt8]) {
        FailureKeys.append(UInt64(bitPattern: number), to: &value)
    }

    private static func append(_ part: some Collection<UInt8>, to value: inout [UInt8]) {
        LogEncoding.append(varint: part.count, to: &value)
        value.append(contentsOf: part)
    }

    private static func number(_ reader: inout RowReader) throws -> Int64 { Int64(bitPattern: try reader.word()) }

    private static func count(_ reader: inout RowReader) throws -> Int {
        guard let count = Int(exactly: try number(&reader)), count >= 0 else { throw reader.malformed() }
        return count
    }

    private static func mode(_ reader: inout RowReader) throws -> SideEntry.Mode {
        guard let mode = SideEntry.Mode(rawValue: try reader.byte()) else { throw reader.malformed() }
        return mode
    }
}
