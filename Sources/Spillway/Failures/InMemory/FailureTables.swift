/// What an ``InMemoryFailureStore`` holds.
struct FailureTables: Sendable {
    /// A delayed entry's place in the order of its partition.
    private struct DelayedPlace: Comparable, Sendable {
        var dueMs: Int64
        var position: Position

        static func < (left: DelayedPlace, right: DelayedPlace) -> Bool {
            left.dueMs == right.dueMs ? left.position < right.position : left.dueMs < right.dueMs
        }
    }

    /// The orders of one group's entries of one partition.
    private struct Orders: Sendable {
        var delayed = SortedChunks<DelayedPlace>()
        var held: [[UInt8]: SortedChunks<Position>] = [:]

        var isEmpty: Bool { delayed.isEmpty && held.isEmpty }
    }

    private struct Counts: Equatable, Sendable {
        var side = FailureCount.zero
        var letters = FailureCount.zero
    }

    private let limits: FailureStoreLimits
    private var entries: [RecordName: SideEntry] = [:]
    /// By group and partition: the name of a record at the start of it.
    private var orders: [RecordName: Orders] = [:]
    private(set) var letters: [RecordName: DeadLetter] = [:]
    private var letterNames = SortedChunks<RecordName>()
    /// By the bytes of the group's name.
    private var counts: [[UInt8]: Counts] = [:]
    private(set) var allLetters = FailureCount.zero

    init(limits: FailureStoreLimits) { self.limits = limits }

    func side(_ group: [UInt8]) -> FailureCount { counts[group]?.side ?? .zero }
    func deadLetters(_ group: [UInt8]) -> FailureCount { counts[group]?.letters ?? .zero }

    // MARK: Changes

    mutating func apply(_ operations: [FailureOperation]) throws {
        try admit(operations)
        for operation in operations {
            switch operation {
            case .put(let entry): put(entry)
            case .putIfAbsent(let entry): if entries[entry.name] == nil { put(entry) }
            case .remove(let name): remove(name)
            case .bury(let letter):
                remove(letter.name)
                bury(letter)
            }
        }
    }

    mutating func discard(_ names: [RecordName]) -> Int { names.count { takeLetter($0) != nil } }

    mutating func requeue(_ names: [RecordName], dueMs: Int64) throws -> Int {
        var moved: [RecordName: SideEntry] = [:]
        for name in names { moved[name] = letters[name]?.requeued(dueMs: dueMs) }
        try admit(moved.values.map { .put($0) })
        for (name, entry) in moved {
            _ = takeLetter(name)
            put(entry)
        }
        return moved.count
    }

    /// Throws if a part would pass its limit.
    private func admit(_ operations: [FailureOperation]) throws {
        // What the operations before have made of a name: the bytes there, or that it is gone.
        var side: [RecordName: Int?] = [:]
        var buried: [RecordName: Int] = [:]
        var after: [[UInt8]: FailureCount] = [:]
        var lettersAfter = allLetters
        func bytes(of name: RecordName) -> Int? { side[name] ?? entries[name]?.byteCount }
        func change(_ name: RecordName, to changed: Int?) {
            let group = Array(name.group.utf8)
            var count = after[group] ?? self.side(group)
            if let old = bytes(of: name) { count.remove(old) }
            if let changed { count.add(changed) }
            after[group] = count
            side[name] = .some(changed)
        }
        for operation in operations {
            switch operation {
            case .put(let entry): change(entry.name, to: entry.byteCount)
            case .putIfAbsent(let entry):
                if bytes(of: entry.name) == nil { change(entry.name, to: entry.byteCount) }
            case .remove(let name): change(name, to: nil)
            case .bury(let letter):
                change(letter.name, to: nil)
                if let old = buried[letter.name] ?? letters[letter.name]?.byteCount { lettersAfter.remove(old) }
                lettersAfter.add(letter.byteCount)
                buried[letter.name] = letter.byteCount
            }
        }
        for (group, count) in after {
            let name = String(decoding: group, as: UTF8.self)
            if let refusal = limits.refusal(ofSide: name, from: self.side(group), to: count) { throw refusal }
        }
        if let refusal = limits.refusal(ofDeadLetters: allLetters, to: lettersAfter) { throw refusal }
    }

    private static func start(of name: RecordName) -> RecordName {
        RecordName(group: name.group, partition: name.partition, position: .start)
    }

    private mutating func put(_ entry: SideEntry) {
        remove(entry.name)
        entries[entry.name] = entry
        let position = entry.name.position
        switch entry.mode {
        case .delayed:
            orders[Self.start(of: entry.name), default: Orders()].delayed.insert(
                DelayedPlace(dueMs: entry.dueMs, position: position))
        case .held:
            orders[Self.start(of: entry.name), default: Orders()].held[entry.key, default: SortedChunks()].insert(
                position)
        }
        counts[Array(entry.name.group.utf8), default: Counts()].side.add(entry.byteCount)
    }

    private mutating func remove(_ name: RecordName) {
        guard let entry = entries.removeValue(forKey: name) else { return }
        let start = Self.start(of: name)
        switch entry.mode {
        case .delayed:
            orders[start]?.delayed.remove(DelayedPlace(dueMs: entry.dueMs, position: name.position))
        case .held:
            let key = entry.key
            orders[start]?.held[key]?.remove(name.position)
            if orders[start]?.held[key]?.isEmpty == true { orders[start]?.held[key] = nil }
        }
        if orders[start]?.isEmpty == true { orders[start] = nil }
        count(name) { $0.side.remove(entry.byteCount) }
    }

    private mutating func bury(_ letter: DeadLetter) {
        _ = takeLetter(letter.name)
        letters[letter.name] = letter
        letterNames.insert(letter.name)
        allLetters.add(letter.byteCount)
        counts[Array(letter.name.group.utf8), default: Counts()].letters.add(letter.byteCount)
    }

    private mutating func takeLetter(_ name: RecordName) -> DeadLetter? {
        guard let letter = letters.removeValue(forKey: name) else { return nil }
        letterNames.remove(name)
        allLetters.remove(letter.byteCount)
        count(name) { $0.letters.remove(letter.byteCount) }
        return letter
    }

    private mutating func count(_ name: RecordName, _ change: (inout Counts) -> Void) {
        let group = Array(name.group.utf8)
        var found = counts[group] ?? Counts()
        change(&found)
        counts[group] = found == Counts() ? nil : found
    }

    // MARK: Reading

    func heldKeys(_ start: RecordName) -> [HeldKeySummary] {
        (orders[start]?.held ?? [:]).compactMap { key, positions in
            guard let first = positions.first else { return nil }
            let name = RecordName(group: start.group, partition: start.partition, position: first)
            guard let entry = entries[name] else { return nil }
            return HeldKeySummary(key: key, records: positions.count, first: first, dueMs: entry.dueMs)
        }
    }

    func heldEntries(_ from: RecordName, key: [UInt8], limit: Int, maxBytes: Int = .max) -> [SideEntry] {
        guard limit > 0, let positions = orders[Self.start(of: from)]?.held[key] else { return [] }
        var found: [SideEntry] = []
        var bytes = 0
        positions.walk(from: from.position) { position in
            let name = RecordName(group: from.group, partition: from.partition, position: position)
            if let entry = entries[name] {
                found.append(entry)
                bytes += entry.byteCount
            }
            return found.count < limit && bytes < maxBytes
        }
        return found
    }

    func delayedEntries(_ start: RecordName, dueByMs: Int64, limit: Int, maxBytes: Int = .max) -> [SideEntry] {
        guard limit > 0, let places = orders[start]?.delayed else { return [] }
        var found: [SideEntry] = []
        var bytes = 0
        places.walk(from: DelayedPlace(dueMs: .min, position: .start)) { place in
            guard place.dueMs <= dueByMs else { return false }
            let name = RecordName(group: start.group, partition: start.partition, position: place.position)
            if let entry = entries[name] {
                found.append(entry)
                bytes += entry.byteCount
            }
            return found.count < limit && bytes < maxBytes
        }
        return found
    }

    func nextDelayedDueMs(_ start: RecordName) -> Int64? { orders[start]?.delayed.first?.dueMs }

    func deadLetters(group: String?, after name: RecordName?, limit: Int) -> [DeadLetter] {
        guard limit > 0 else { return [] }
        // Before every name of the group, or before all.
        let first = RecordName(
            group: group ?? "", partition: TopicPartition(source: "", topic: "", partition: .min), position: .start)
        var found: [DeadLetter] = []
        letterNames.walk(from: max(first, name ?? first)) { candidate in
            if let name, candidate == name { return true }
            if let group, !candidate.group.hasSameBytes(as: group) { return false }
            if let letter = letters[candidate] { found.append(letter) }
            return found.count < limit
        }
        return found
    }
}
