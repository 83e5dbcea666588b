internal import Spillway

/// A call that changes a failure store, put into bytes by whoever makes it, so that the writer's one thread only compares
/// numbers and copies bytes.
struct FailureCall: Sendable {
    enum Kind: Sendable {
        case put
        case putIfAbsent
        case remove
        case bury
        case discard
        case requeue
    }

    /// A group and a partition that the call has names of.
    struct Place: Sendable {
        let group: String
        let partition: TopicPartition
        /// What the rows of its names begin with.
        let prefix: [UInt8]

        func name(_ position: Position) -> RecordName {
            RecordName(group: group, partition: partition, position: position)
        }
    }

    /// What happens to one name. It refers to the call's places and bytes, and counts no references.
    struct Operation: Sendable {
        var kind: Kind
        /// The index of the name's place.
        var place: Int
        var position: Position
        /// Of an entry.
        var mode = SideEntry.Mode.delayed
        /// When the entry is due, or will be if it is requeued.
        var dueMs: Int64 = 0
        /// What the entry or the letter counts for against the limit in bytes.
        var byteCount = 0
        /// The entry or the letter as it is stored.
        var value = 0..<0
        /// The key of the record.
        var key = 0..<0

        /// Whether it has to be known what is stored of the letter.
        var concernsLetters: Bool {
            switch kind {
            case .put, .putIfAbsent, .remove: false
            case .bury, .discard, .requeue: true
            }
        }
    }

    private(set) var places: [Place] = []
    private(set) var operations: [Operation] = []
    private(set) var bytes: [UInt8] = []
    /// Whether it only takes away, which is done also on a disk that is nearly full.
    private(set) var onlyRemoves = true
    /// The indexes of the places by their prefixes, once there are many.
    private var indexes: [[UInt8]: Int] = [:]

    /// From so many places on they are looked up.
    private static let manyPlaces = 16

    /// An empty call.
    init() {}

    /// - Throws: `FailureStoreError` if one of the operations may not be.
    init(_ operations: [FailureOperation]) throws {
        self.operations.reserveCapacity(operations.count)
        for operation in operations {
            try operation.validate()
            switch operation {
            case .put(let entry): append(.put, entry)
            case .putIfAbsent(let entry): append(.putIfAbsent, entry)
            case .remove(let name):
                self.operations.append(Operation(kind: .remove, place: place(of: name), position: name.position))
            case .bury(let letter): append(letter)
            }
        }
    }

    init(discarding names: [RecordName]) {
        for name in names {
            operations.append(Operation(kind: .discard, place: place(of: name), position: name.position))
        }
    }

    init(requeueing names: [RecordName], dueMs: Int64) {
        onlyRemoves = names.isEmpty
        for name in names {
            operations.append(
                Operation(kind: .requeue, place: place(of: name), position: name.position, dueMs: dueMs))
        }
    }

    /// About what it takes in memory.
    var byteCount: Int { bytes.count + 128 * operations.count }

    /// Adds an entry; returns which operation that is.
    @discardableResult
    mutating func append(_ kind: Kind, _ entry: SideEntry) -> Int {
        onlyRemoves = false
        // Nearly always the others are much like it.
        if bytes.isEmpty { bytes.reserveCapacity(max(1, operations.capacity) * (64 + entry.byteCount)) }
        let start = bytes.count
        let key = FailureEncoding.append(entry, to: &bytes)
        operations.append(
            Operation(
                kind: kind, place: place(of: entry.name), position: entry.name.position, mode: entry.mode,
                dueMs: entry.dueMs, byteCount: entry.byteCount, value: start..<bytes.count, key: key))
        return operations.count - 1
    }

    private mutating func append(_ letter: DeadLetter) {
        onlyRemoves = false
        let start = bytes.count
        FailureEncoding.append(letter, to: &bytes)
        operations.append(
            Operation(
                kind: .bury, place: place(of: letter.name), position: letter.name.position,
                byteCount: letter.byteCount, value: start..<bytes.count))
    }

    private mutating func place(of name: RecordName) -> Int {
        guard places.count >= Self.manyPlaces else {
            if let index = places.lastIndex(where: { $0.isPlace(of: name) }) { return index }
            return append(name, FailureKeys.partition(FailureKeys.name, name.group, name.partition))
        }
        if indexes.isEmpty { for (index, place) in places.enumerated() { indexes[place.prefix] = index } }
        let prefix = FailureKeys.partition(FailureKeys.name, name.group, name.partition)
        if let index = indexes[prefix] { return index }
        indexes[prefix] = places.count
        return append(name, prefix)
    }

    private mutating func append(_ name: RecordName, _ prefix: [UInt8]) -> Int {
        places.append(Place(group: name.group, partition: name.partition, prefix: prefix))
        return places.count - 1
    }
}

extension FailureCall.Place {
    /// Compares bytes: of a name with an accent there are several spellings, and each is a name of its own.
    fileprivate func isPlace(of name: RecordName) -> Bool {
        partition.partition == name.partition.partition
            && group.hasSameBytes(as: name.group)
            && partition.topic.hasSameBytes(as: name.partition.topic)
            && partition.source.hasSameBytes(as: name.partition.source)
    }
}
