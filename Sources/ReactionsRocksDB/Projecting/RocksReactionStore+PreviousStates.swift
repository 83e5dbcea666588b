public import Reactions
public import Spillway
internal import SpillwayRocksDB

/// The states before votes that somebody may send again.
extension RocksReactionStore {
    /// See `ReactionStore`.
    public func previousState(partition: Int, position: Position) throws -> Reaction? {
        let key = PreviousKey.bytes(partition: partition, position: position)
        guard let value = try database.get(families.previous, key), let byte = value.first else { return nil }
        return Reaction(rawValue: byte)
    }

    /// See `ReactionStore`.
    public func previousStateMarks() throws -> [PreviousStateMark] {
        let walk = database.iterator(families.meta, MarkCoding.bounds)
        var marks: [PreviousStateMark] = []
        var isValid = walk.seekToFirst()
        while isValid {
            // One that can't be read keeps what it marks for longer.
            if let mark = MarkCoding.mark(walk.key, walk.value, partitions: partitions) { marks.append(mark) }
            isValid = walk.next()
        }
        try walk.check()
        return marks
    }

    /// See `ReactionStore`.
    public func mark(_ mark: PreviousStateMark, forgetting old: [PreviousStateMark]) throws {
        let batch = WriteBatch()
        batch.put(families.meta, MarkCoding.key(atMs: mark.atMs), MarkCoding.value(mark))
        for (partition, position) in (old.last?.positions ?? []).enumerated() {
            batch.deleteRange(
                families.previous, from: PreviousKey.bytes(partition: partition, position: .start),
                to: PreviousKey.bytes(partition: partition, position: position))
        }
        for old in old { batch.delete(families.meta, MarkCoding.key(atMs: old.atMs)) }
        try database.write(batch)
    }
}

/// How marks stand in the meta family: `previous/` and the time in big endian, so that they rise; the positions by
/// partition.
private enum MarkCoding {
    private static let prefix = Array("previous/".utf8)

    static var bounds: Database.IteratorOptions {
        Database.IteratorOptions(lower: prefix, upper: Array("previous0".utf8))
    }

    static func key(atMs: Int64) -> [UInt8] {
        var key = prefix
        Numbers.append(fixed: UInt64(max(0, atMs)), to: &key)
        return key
    }

    static func value(_ mark: PreviousStateMark) -> [UInt8] {
        var value: [UInt8] = []
        for position in mark.positions {
            Numbers.append(fixed: position.high, to: &value)
            Numbers.append(fixed: position.low, to: &value)
        }
        return value
    }

    static func mark(_ key: [UInt8], _ value: [UInt8], partitions: Int) -> PreviousStateMark? {
        guard let words = words(Array(key.dropFirst(prefix.count))), words.count == 1,
            let atMs = Int64(exactly: words[0]), let parts = self.words(value), parts.count == 2 * partitions
        else { return nil }
        return PreviousStateMark(
            atMs: atMs, positions: (0..<partitions).map { Position(high: parts[2 * $0], low: parts[2 * $0 + 1]) })
    }

    private static func words(_ bytes: [UInt8]) -> [UInt64]? {
        guard bytes.count.isMultiple(of: 8) else { return nil }
        return unsafe bytes.withUnsafeBytes { bytes in
            var reader = unsafe ByteReader(bytes)
            return (0..<bytes.count / 8).compactMap { _ in reader.fixed() }
        }
    }
}
