internal import Spillway

/// Which topics there are, in the system family: `topic.NAME` → partitions (4), then epoch and first sequence (8 and 8)
/// of each epoch of the log; `start.NAME` → the sequences of the oldest record kept and of the next one (8 and 8). All
/// big endian.
struct TopicStore: Sendable {
    private let database: Database
    private let system: ColumnFamily
    private let tailBytes: Int

    init(_ database: Database, tailBytes: Int) throws {
        self.database = database
        self.tailBytes = tailBytes
        system = try database.family(OpenedDatabase.systemFamily)
    }

    private static let prefix = "topic."

    private static func key(_ topic: String) -> [UInt8] { Array((prefix + topic).utf8) }

    /// Reads all topics; begins the database's epoch of the log in those that don't have it yet.
    func loadAll() throws -> [TopicLog] {
        var logs: [TopicLog] = []
        let prefix = Array(Self.prefix.utf8)
        try database.forEachRow(system, prefix: prefix) { key, value in
            logs.append(try load(String(decoding: key.dropFirst(prefix.count), as: UTF8.self), value))
        }
        return logs
    }

    private func load(_ name: String, _ value: [UInt8]) throws -> TopicLog {
        let malformed = DatabaseError(.corruption, "the entry of topic \(name) is malformed")
        guard value.count >= 20, (value.count - 4) % 16 == 0 else { throw malformed }
        let partitions = value[..<4].reduce(0) { $0 << 8 | Int($1) }
        let starts = stride(from: 4, to: value.count, by: 16).map {
            LogEpochs.Start(epoch: Self.word(value, $0), sequence: Self.word(value, $0 + 8))
        }
        guard var epochs = LogEpochs(starts), (1...4_096).contains(partitions) else { throw malformed }
        let family = try database.ensureFamily(LogFamily.options(LogFamily.name(of: name)))
        let (start, end) = try bounds(name, family)
        if database.logEpoch > epochs.current {
            epochs.begin(database.logEpoch, at: end)
            try store(name, partitions, epochs)
        }
        return TopicLog(
            name: name, source: EmbeddedBroker.sourceName, partitions: partitions, family: family, epochs: epochs,
            start: start, end: end, tailBytes: tailBytes)
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt64 {
        bytes[at..<(at + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The first and the next sequence: of what is stored, but not before what retention has written down.
    private func bounds(_ name: String, _ family: ColumnFamily) throws -> (start: UInt64, end: UInt64) {
        let noted = try Self.noted(database, system, name)
        let walk = database.iterator(family)
        var start = noted.start
        var end = noted.end
        if walk.seekToFirst() {
            start = max(start, unsafe walk.withKey { unsafe LogEncoding.sequence(of: $0) })
            walk.seekToLast()
            try unsafe walk.withEntry { key, value in
                let base = unsafe LogEncoding.sequence(of: key)
                end = max(end, base + UInt64(try unsafe LogEntry.header(value, base: base).count))
            }
        }
        try walk.check()
        return (min(start, end), end)
    }

    private static func noted(
        _ database: Database, _ system: ColumnFamily, _ name: String
    ) throws -> (start: UInt64, end: UInt64) {
        guard let value = try database.get(system, startKey(name)), value.count == 16 else { return (1, 1) }
        return (word(value, 0), word(value, 8))
    }

    private static func startKey(_ topic: String) -> [UInt8] { Array(("start." + topic).utf8) }

    /// Writes down, durably, what is about to go: if everything goes, sequences must not begin again.
    static func note(start: UInt64, end: UInt64, of log: TopicLog, in database: Database) throws {
        let batch = WriteBatch()
        batch.put(
            try database.family(OpenedDatabase.systemFamily), startKey(log.name),
            Opening.bigEndian(start) + Opening.bigEndian(end))
        try database.write(batch, sync: true, mayUseReserve: true)
    }

    private func store(_ name: String, _ partitions: Int, _ epochs: LogEpochs) throws {
        var value = (0..<4).map { UInt8(truncatingIfNeeded: partitions >> (24 - 8 * $0)) }
        for start in epochs.starts { value += Opening.bigEndian(start.epoch) + Opening.bigEndian(start.sequence) }
        let batch = WriteBatch()
        batch.put(system, Self.key(name), value)
        try database.write(batch, sync: true)
    }

    /// Makes a topic; durable on return.
    func make(_ name: String, partitions: Int) throws -> TopicLog {
        let family = try database.ensureFamily(LogFamily.options(LogFamily.name(of: name)))
        let epochs = LogEpochs(first: database.logEpoch)
        // A recovery may have kept the log of a topic whose own row was lost. Else sequences begin at 1, so that zero is before
        // every record.
        let (start, end) = try bounds(name, family)
        try store(name, partitions, epochs)
        return TopicLog(
            name: name, source: EmbeddedBroker.sourceName, partitions: partitions, family: family, epochs: epochs,
            start: start, end: end, tailBytes: tailBytes)
    }
}
