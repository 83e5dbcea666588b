internal import Spillway

/// What groups have committed, in a column family: `c` and `g` rows under (topic, group).
///
/// `g`, varint length of the topic, topic, group: whether it holds retention (1), the sequence where it began (8, big
/// endian). `c`, the same, partition (2, big endian): position (8 and 8, big endian), then the hint if there is one. `n`:
/// above which number generations were given since the last opening (8, big endian).
struct GroupStore: Sendable {
    static let familyName = "groups"
    private static let commit = UInt8(ascii: "c")
    private static let group = UInt8(ascii: "g")
    private static let generation = UInt8(ascii: "n")

    struct Stored: Sendable {
        var holdsRetention = false
        var beganAt: UInt64 = 0
        var commits: [Int: (position: Position, hint: [UInt8]?)] = [:]
    }

    private let database: Database
    private let family: ColumnFamily

    init(_ database: Database) throws {
        self.database = database
        family = try database.ensureFamily(Self.options)
    }

    /// What the family is opened with.
    static var options: ColumnFamily.Options {
        var options = ColumnFamily.Options(name: Self.familyName)
        options.writeBufferBytes = 4 << 20
        return options
    }

    /// The number above which generations are given from now on; synced on return. Blocks.
    ///
    /// Nobody moves a partition four thousand million times before the next opening, nor a thousand times a second.
    func beginGenerations(nowMs: Int64) throws -> UInt64 {
        try database.beginCount([Self.generation], in: family, step: 1 << 32, time: UInt64(max(0, nowMs)))
    }

    private static func key(_ kind: UInt8, _ topic: String, _ group: String) -> [UInt8] {
        var key = [kind]
        LogEncoding.append(varint: topic.utf8.count, to: &key)
        key += topic.utf8
        LogEncoding.append(varint: group.utf8.count, to: &key)
        return key + group.utf8
    }

    /// All groups of a topic.
    func load(topic: String) throws -> [ExactName: Stored] {
        var groups: [ExactName: Stored] = [:]
        try scan(Self.group, topic) { name, rest, value in
            guard rest.isEmpty, value.count == 9 else { return }
            groups[name, default: Stored()].holdsRetention = value[0] != 0
            groups[name, default: Stored()].beganAt = Self.word(value, 1)
        }
        try scan(Self.commit, topic) { name, rest, value in
            guard rest.count == 2, value.count >= 16 else { return }
            let position = Position(high: Self.word(value, 0), low: Self.word(value, 8))
            let hint = value.count > 16 ? Array(value[16...]) : nil
            groups[name, default: Stored()].commits[Int(rest[0]) << 8 | Int(rest[1])] = (position, hint)
        }
        return groups
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt64 {
        bytes[at..<(at + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func scan(_ kind: UInt8, _ topic: String, _ body: (ExactName, [UInt8], [UInt8]) -> Void) throws {
        var prefix = [kind]
        LogEncoding.append(varint: topic.utf8.count, to: &prefix)
        prefix += topic.utf8
        try database.forEachRow(family, prefix: prefix) { key, value in
            var index = prefix.count
            var length = 0
            var shift = 0
            while index < key.count {
                length |= Int(key[index] & 0x7f) << shift
                shift += 7
                index += 1
                if key[index - 1] < 0x80 { break }
            }
            if index + length <= key.count {
                let name = ExactName(String(decoding: key[index..<(index + length)], as: UTF8.self))
                body(name, Array(key[(index + length)...]), value)
            }
        }
    }

    func register(_ group: String, topic: String, holdsRetention: Bool, beganAt: UInt64) throws {
        let batch = WriteBatch()
        batch.put(family, Self.key(Self.group, topic, group), Self.groupValue(holdsRetention, beganAt))
        try database.write(batch)
    }

    /// Stores positions; durable with the next sync.
    func store(_ commits: [Commit], group: String, topic: String) throws {
        let batch = WriteBatch()
        let prefix = Self.key(Self.commit, topic, group)
        for commit in commits {
            batch.put(
                family, Self.key(of: commit.partition.partition, prefix),
                Opening.bigEndian(commit.next.high) + Opening.bigEndian(commit.next.low) + (commit.hint ?? []))
        }
        try database.write(batch)
    }

    /// Stores positions without hints and the group itself, all or none; durable with the next sync.
    func set(
        _ positions: [Int: Position], group: String, topic: String, holdsRetention: Bool, beganAt: UInt64
    ) throws {
        let batch = WriteBatch()
        batch.put(family, Self.key(Self.group, topic, group), Self.groupValue(holdsRetention, beganAt))
        let prefix = Self.key(Self.commit, topic, group)
        for (partition, position) in positions {
            batch.put(
                family, Self.key(of: partition, prefix),
                Opening.bigEndian(position.high) + Opening.bigEndian(position.low))
        }
        try database.write(batch)
    }

    private static func groupValue(_ holdsRetention: Bool, _ beganAt: UInt64) -> [UInt8] {
        [holdsRetention ? 1 : 0] + Opening.bigEndian(beganAt)
    }

    /// Removes a group with its commits; gone for good with the next sync.
    func remove(_ group: String, topic: String, partitions: some Sequence<Int>) throws {
        let batch = WriteBatch()
        batch.delete(family, Self.key(Self.group, topic, group))
        let prefix = Self.key(Self.commit, topic, group)
        for partition in partitions { batch.delete(family, Self.key(of: partition, prefix)) }
        // Retention waits for it to free space.
        try database.write(batch, mayUseReserve: true)
    }

    private static func key(of partition: Int, _ prefix: [UInt8]) -> [UInt8] {
        prefix + [UInt8(truncatingIfNeeded: partition >> 8), UInt8(truncatingIfNeeded: partition)]
    }
}
