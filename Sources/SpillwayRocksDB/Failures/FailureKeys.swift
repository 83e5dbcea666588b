internal import Spillway

/// The keys of a failure store's rows.
///
/// A name is group, source and topic, each with its zeros doubled up (0 becomes 0 1) and 0 0 at its end, so that names
/// sort by their bytes and none begins another; then the partition (8 bytes, its sign turned, big endian) and the
/// position (8 and 8, big endian). In the family `side-names`: `n`,
/// name: under which key the held entry of that name is (``SideLocation``). In the family `side-queue`:
///
/// - `b` and `r`: delayed entries (``SideBlock``, ``SideRemovals``);
/// - `h`, the name up to its partition, the key's length (4, big endian), key, position: a held entry;
/// - `s`, the same without the position: what is held of a key (``HeldSummary``);
/// - `c`, group: how much is in its side queue.
///
/// In the family `dead-letters`: `l`, name: a letter; `c`, group: how many letters it has.
enum FailureKeys {
    static let name = UInt8(ascii: "n")
    static let held = UInt8(ascii: "h")
    static let summary = UInt8(ascii: "s")
    static let count = UInt8(ascii: "c")
    static let letter = UInt8(ascii: "l")

    /// The bytes of a position.
    static let positionBytes = 16

    // MARK: From names

    /// What all rows of a kind and a group begin with.
    static func group(_ kind: UInt8, _ group: String) -> [UInt8] {
        var key = [kind]
        append(terminated: group, to: &key)
        return key
    }

    /// What all rows of a kind, a group and a partition begin with.
    static func partition(_ kind: UInt8, _ group: String, _ partition: TopicPartition) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(96)
        key.append(kind)
        append(terminated: group, to: &key)
        append(terminated: partition.source, to: &key)
        append(terminated: partition.topic, to: &key)
        append(ordered(Int64(partition.partition)), to: &key)
        return key
    }

    // MARK: From what the names of a partition begin with

    /// Makes the key of a name's row, or with another kind of a letter's.
    static func make(_ kind: UInt8, _ partition: [UInt8], _ position: Position, in key: inout [UInt8]) {
        begin(kind, partition, in: &key)
        append(position, to: &key)
    }

    static func makeHeld(
        _ partition: [UInt8], _ recordKey: some Collection<UInt8>, _ position: Position, in key: inout [UInt8]
    ) {
        begin(held, partition, in: &key)
        append(recordKey, to: &key)
        append(position, to: &key)
    }

    /// What all held entries of a key begin with, or with another kind the key of their summary.
    static func held(_ kind: UInt8 = held, in partition: [UInt8], _ recordKey: some Collection<UInt8>) -> [UInt8] {
        var key: [UInt8] = []
        begin(kind, partition, in: &key)
        append(recordKey, to: &key)
        return key
    }

    static func letter(_ name: RecordName) -> [UInt8] {
        var key = partition(letter, name.group, name.partition)
        append(name.position, to: &key)
        return key
    }

    private static func begin(_ kind: UInt8, _ partition: [UInt8], in key: inout [UInt8]) {
        key.removeAll(keepingCapacity: true)
        key.append(contentsOf: partition)
        key[0] = kind
    }

    private static func append(_ recordKey: some Collection<UInt8>, to key: inout [UInt8]) {
        for shift in [24, 16, 8, 0] { key.append(UInt8(truncatingIfNeeded: recordKey.count >> shift)) }
        key.append(contentsOf: recordKey)
    }

    // MARK: Parts

    /// A word that sorts as the number does.
    static func ordered(_ number: Int64) -> UInt64 { UInt64(bitPattern: number) ^ 1 << 63 }
    static func number(_ ordered: UInt64) -> Int64 { Int64(bitPattern: ordered ^ 1 << 63) }

    static func append(_ word: UInt64, to key: inout [UInt8]) {
        unsafe withUnsafeBytes(of: word.bigEndian) { unsafe key.append(contentsOf: $0) }
    }

    static func append(_ position: Position, to key: inout [UInt8]) {
        append(position.high, to: &key)
        append(position.low, to: &key)
    }

    private static func append(terminated text: String, to key: inout [UInt8]) {
        let start = key.count
        key.append(contentsOf: text.utf8)
        if key[start...].contains(0) {
            key.removeSubrange(start...)
            for byte in text.utf8 {
                key.append(byte)
                if byte == 0 { key.append(1) }
            }
        }
        key.append(0)
        key.append(0)
    }

    // MARK: Parsing

    /// The bytes of the group's name in a name.
    static func group(ofName key: [UInt8]) throws -> [UInt8] {
        var reader = RowReader(key, of: .row("a name in the side queue"))
        try reader.expect(name)
        return Array(try reader.terminated().utf8)
    }

    /// The name in a letter's key.
    static func parseLetter(_ key: [UInt8]) throws -> RecordName {
        try parse(key, letter, "the key of a dead letter")
    }

    /// The name of a record, by what the names of its partition begin with.
    static func name(in partition: [UInt8], _ position: Position) throws -> RecordName {
        var key = partition
        append(position, to: &key)
        return try parse(key, name, "a name in the side queue")
    }

    private static func parse(_ key: [UInt8], _ kind: UInt8, _ what: StaticString) throws -> RecordName {
        var reader = RowReader(key, of: .row(what))
        try reader.expect(kind)
        let group = try reader.terminated()
        let source = try reader.terminated()
        let topic = try reader.terminated()
        guard let partition = Int(exactly: number(try reader.word())) else { throw reader.malformed() }
        let name = RecordName(
            group: group, partition: TopicPartition(source: source, topic: topic, partition: partition),
            position: try reader.position())
        try reader.end()
        return name
    }

    /// The position at the end of a key.
    static func position(endOf key: UnsafeRawBufferPointer) -> Position {
        let end = key.count
        guard end >= positionBytes else { return .start }
        func word(_ offset: Int) -> UInt64 {
            unsafe UInt64(bigEndian: key.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        return Position(high: word(end - 16), low: word(end - 8))
    }
}
