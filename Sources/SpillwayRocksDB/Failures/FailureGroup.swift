internal import Spillway

/// A call that changes a failure store.
enum FailureChange: Sendable {
    case apply([FailureOperation])
    case discard([RecordName])
    case requeue([RecordName], dueMs: Int64)

    /// Whether it only takes away, which is done also on a disk that is nearly full.
    var onlyRemoves: Bool {
        switch self {
        case .discard: true
        case .requeue: false
        case .apply(let operations):
            operations.allSatisfy { if case .remove = $0 { true } else { false } }
        }
    }

    /// About what it takes in memory.
    var byteCount: Int {
        switch self {
        case .discard(let names), .requeue(let names, _): 64 * names.count
        case .apply(let operations):
            operations.reduce(0) { sum, operation in
                switch operation {
                case .put(let entry), .putIfAbsent(let entry): sum + 128 + entry.byteCount
                case .remove: sum + 128
                case .bury(let letter): sum + 128 + letter.byteCount
                }
            }
        }
    }
}

/// What a group of calls makes of the store: each call is staged, or refused by itself, on top of those before it, and
/// then the difference to what is stored is written as one batch.
///
/// Staged is what a name has in the end, so a record that one call puts and the next one removes costs no row.
struct FailureGroup {
    /// What a group of calls changes, beside the rows, in what the store remembers.
    struct Change: Sendable {
        /// The counts of groups that have changed.
        var groups: [[UInt8]: FailureTables.Counts] = [:]
        var letters = FailureCount.zero
        /// Keys of rows of delayed entries and of letters that are put.
        var delayedRows: [[UInt8]] = []
        var letterRows: [[UInt8]] = []
    }

    enum Staged<Value: Sendable>: Sendable {
        /// As it is stored.
        case stored
        case gone
        case value(Value)
    }

    /// A name that the calls are about.
    struct Slot: Sendable {
        let name: RecordName
        /// The key of the name's row.
        let key: [UInt8]
        /// The index of its group.
        let group: Int
        var storedEntry: SideLocation?
        var storedLetterBytes: Int?
        var entry = Staged<SideEntry>.stored
        var letter = Staged<DeadLetter>.stored
    }

    struct Group: Sendable {
        let name: String
        let key: [UInt8]
        let stored: FailureTables.Counts
        var counts: FailureTables.Counts
    }

    private let tables: FailureTables
    private let limits: FailureStoreLimits
    private(set) var slots: [Slot] = []
    private(set) var groups: [Group] = []
    private(set) var letters: FailureCount
    /// The slots of each call's names, in their order.
    private var slotsOfCalls: [[Int]] = []
    private var slotIndexes: [[UInt8]: Int] = [:]
    private var groupIndexes: [[UInt8]: Int] = [:]
    /// What the call that is being staged has changed, to take it back.
    private var undo: [Slot] = []
    private var undoIndexes: [Int] = []

    /// Looks up what is stored of all names in the calls. Blocks.
    init(_ changes: [FailureChange], _ tables: FailureTables, limits: FailureStoreLimits) throws {
        self.tables = tables
        self.limits = limits
        letters = tables.allLetters
        /// The slots of which entries and letters must be known.
        var letterSlots: [Int] = []
        for change in changes {
            var indexes: [Int] = []
            switch change {
            case .discard(let names), .requeue(let names, _):
                indexes = names.map { slot($0) }
                letterSlots += indexes
            case .apply(let operations):
                indexes.reserveCapacity(operations.count)
                for operation in operations {
                    switch operation {
                    case .put(let entry), .putIfAbsent(let entry): indexes.append(slot(entry.name))
                    case .remove(let name): indexes.append(slot(name))
                    case .bury(let letter):
                        indexes.append(slot(letter.name))
                        letterSlots.append(indexes[indexes.count - 1])
                    }
                }
            }
            slotsOfCalls.append(indexes)
        }
        try loadEntries()
        try loadLetters(letterSlots)
    }

    /// The index of a name's slot, which is made if there is none.
    private mutating func slot(_ name: RecordName) -> Int {
        let key = FailureKeys.name(name)
        let next = slots.count
        // Looked up and put in one step: keys are long, and hashing them is a good part of a call.
        let index = Self.value(&slotIndexes[key, default: next])
        if index == next { slots.append(Slot(name: name, key: key, group: group(name.group))) }
        return index
    }

    private static func value(_ index: inout Int) -> Int { index }

    private mutating func group(_ name: String) -> Int {
        // Nearly always there is one, or it is the last one's.
        if let last = groups.last, name.utf8.elementsEqual(last.key) { return groups.count - 1 }
        let key = Array(name.utf8)
        if let index = groupIndexes[key] { return index }
        let counts = tables.counts(of: name)
        groups.append(Group(name: name, key: key, stored: counts, counts: counts))
        groupIndexes[key] = groups.count - 1
        return groups.count - 1
    }

    private mutating func loadEntries() throws {
        var keys = KeyBatch(reservingKeys: slots.count, bytesPerKey: 64)
        for slot in slots { keys.append(slot.key) }
        var found: [SideLocation?] = []
        found.reserveCapacity(slots.count)
        try unsafe tables.database.multiGet(tables.names, keys) { _, value in
            found.append(try unsafe value.map { try unsafe FailureEncoding.location([UInt8]($0)) })
        }
        for (index, location) in found.enumerated() { slots[index].storedEntry = location }
    }

    private mutating func loadLetters(_ indexes: [Int]) throws {
        var keys = KeyBatch(reservingKeys: indexes.count, bytesPerKey: 64)
        for index in indexes { keys.append(FailureKeys.letter(slots[index].key)) }
        var found: [Int?] = []
        try unsafe tables.database.multiGet(tables.letters, keys) { _, value in
            found.append(
                try unsafe value.map {
                    try unsafe FailureEncoding.byteCount([UInt8]($0.prefix(FailureEncoding.letterHeadBytes)))
                })
        }
        for (index, bytes) in zip(indexes, found) { slots[index].storedLetterBytes = bytes }
    }

    // MARK: Staging

    /// Stages a call on top of those before it, or throws and leaves everything as it was.
    ///
    /// - Parameter number: the call's, among those that the group was made of.
    /// - Returns: how many letters were discarded or moved.
    mutating func stage(_ change: FailureChange, _ number: Int) throws -> Int {
        let (groups, letters) = (groups, letters)
        undo.removeAll(keepingCapacity: true)
        undoIndexes.removeAll(keepingCapacity: true)
        do {
            let count = try perform(change, slotsOfCalls[number])
            for (before, after) in zip(groups, self.groups) {
                let refusal = limits.refusal(
                    ofSide: before.name, from: before.counts.side, to: after.counts.side)
                if let refusal { throw refusal }
            }
            if let refusal = limits.refusal(ofDeadLetters: letters, to: self.letters) { throw refusal }
            return count
        } catch {
            for (index, slot) in zip(undoIndexes, undo).reversed() { slots[index] = slot }
            (self.groups, self.letters) = (groups, letters)
            throw error
        }
    }

    private mutating func perform(_ change: FailureChange, _ slots: [Int]) throws -> Int {
        switch change {
        case .apply(let operations):
            for (operation, slot) in zip(operations, slots) {
                switch operation {
                case .put(let entry): set(slot, entry: .value(entry))
                case .putIfAbsent(let entry): if entryBytes(slot) == nil { set(slot, entry: .value(entry)) }
                case .remove: set(slot, entry: .gone)
                case .bury(let letter):
                    set(slot, entry: .gone)
                    set(slot, letter: .value(letter))
                }
            }
            return 0
        case .discard:
            return slots.count { slot in
                guard letterBytes(slot) != nil else { return false }
                set(slot, letter: .gone)
                return true
            }
        case .requeue(_, let dueMs):
            var moved = 0
            for slot in slots {
                guard let letter = try letter(slot) else { continue }
                set(slot, letter: .gone)
                set(slot, entry: .value(letter.requeued(dueMs: dueMs)))
                moved += 1
            }
            return moved
        }
    }

    private func entryBytes(_ index: Int) -> Int? {
        switch slots[index].entry {
        case .stored: slots[index].storedEntry?.byteCount
        case .gone: nil
        case .value(let entry): entry.byteCount
        }
    }

    private func letterBytes(_ index: Int) -> Int? {
        switch slots[index].letter {
        case .stored: slots[index].storedLetterBytes
        case .gone: nil
        case .value(let letter): letter.byteCount
        }
    }

    private func letter(_ index: Int) throws -> DeadLetter? {
        switch slots[index].letter {
        case .gone: return nil
        case .value(let letter): return letter
        case .stored:
            guard slots[index].storedLetterBytes != nil,
                let value = try tables.database.get(tables.letters, FailureKeys.letter(slots[index].key))
            else { return nil }
            return try FailureEncoding.letter(value, name: slots[index].name)
        }
    }

    private mutating func set(_ index: Int, entry: Staged<SideEntry>) {
        remember(index)
        let group = slots[index].group
        if let bytes = entryBytes(index) { groups[group].counts.side.remove(bytes) }
        slots[index].entry = entry
        if let bytes = entryBytes(index) { groups[group].counts.side.add(bytes) }
    }

    private mutating func set(_ index: Int, letter: Staged<DeadLetter>) {
        remember(index)
        let group = slots[index].group
        if let bytes = letterBytes(index) {
            groups[group].counts.letters.remove(bytes)
            letters.remove(bytes)
        }
        slots[index].letter = letter
        if let bytes = letterBytes(index) {
            groups[group].counts.letters.add(bytes)
            letters.add(bytes)
        }
    }

    private mutating func remember(_ index: Int) {
        undo.append(slots[index])
        undoIndexes.append(index)
    }
}
