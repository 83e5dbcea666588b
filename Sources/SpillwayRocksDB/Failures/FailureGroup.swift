internal import Spillway

/// What a group of calls makes of the store: each call is staged, or refused by itself, on top of those before it, and
/// then the difference to what is stored is written as one batch.
///
/// Staged is what a name has in the end, so a record that one call puts and the next one removes costs no row. A name's
/// slot holds numbers only: entries and letters stay in the bytes of their calls.
struct FailureGroup {
    /// What a group of calls changes, beside the rows, in what the store remembers.
    struct Change: Sendable {
        /// The counts of groups that have changed.
        var groups: [[UInt8]: FailureTables.Counts] = [:]
        var letters = FailureCount.zero
        /// Keys of rows of letters that are put.
        var letterRows = KeyBatch()
        var side = SideIndex.Change()
    }

    /// What a name has in the end.
    enum Staged: Sendable {
        /// As it is stored.
        case stored
        case gone
        /// What an operation of a call puts.
        case put(call: Int, operation: Int)
    }

    /// A group and a partition that the calls have names of.
    struct Place: Sendable {
        let call: FailureCall.Place
        /// The index of its group.
        let group: Int
        let side: SidePlace
    }

    /// A name that the calls are about.
    struct Slot: Sendable {
        /// The index of its place.
        let place: Int
        let position: Position
        var storedEntry: SideIndex.Location?
        var storedLetterBytes: Int?
        var entry = Staged.stored
        var letter = Staged.stored
    }

    struct Group: Sendable {
        let name: String
        let key: [UInt8]
        let stored: FailureTables.Counts
        var counts: FailureTables.Counts
    }

    let tables: FailureTables
    private let limits: FailureStoreLimits
    /// The calls, and behind them one for each requeue, with the entries that it puts.
    private(set) var calls: [FailureCall]
    private(set) var slots: [Slot] = []
    private(set) var places: [Place] = []
    private var slotsOfPlaces: [[Int]] = []
    private(set) var groups: [Group] = []
    private(set) var letters: FailureCount
    /// The keys of held entries that are stored, by slot.
    private(set) var storedKeys: [Int: [UInt8]] = [:]
    /// The slots of all operations, one call behind the other, and where each call's begin.
    private var slotsOfOperations: [Int] = []
    private var starts: [Int] = []
    private var slotIndex: SlotIndex
    private var placeIndexes: [[UInt8]: Int] = [:]
    private var groupIndexes: [[UInt8]: Int] = [:]
    /// What the call that is being staged has changed, to take it back.
    private var undo: [(index: Int, slot: Slot)] = []
    private var undoGroups: [(index: Int, counts: FailureTables.Counts)] = []

    /// Looks up what is stored of all names in the calls. Blocks.
    init(_ calls: [FailureCall], _ tables: FailureTables, limits: FailureStoreLimits) throws {
        self.calls = calls
        self.tables = tables
        self.limits = limits
        letters = tables.allLetters
        let count = calls.reduce(0) { $0 + $1.operations.count }
        slotIndex = SlotIndex(capacity: count)
        slots.reserveCapacity(count)
        slotsOfOperations.reserveCapacity(count)
        starts.reserveCapacity(calls.count)
        /// The slots whose letters must be known.
        var letterSlots: [Int] = []
        var placesOfCall: [Int] = []
        for number in calls.indices {
            starts.append(slotsOfOperations.count)
            placesOfCall.removeAll(keepingCapacity: true)
            for index in calls[number].places.indices { placesOfCall.append(place(number, index)) }
            for operation in calls[number].operations {
                let slot = slot(placesOfCall[operation.place], operation.position)
                slotsOfOperations.append(slot)
                if operation.concernsLetters { letterSlots.append(slot) }
            }
        }
        try loadEntries()
        try loadLetters(letterSlots)
    }

    private mutating func slot(_ place: Int, _ position: Position) -> Int {
        let next = slots.count
        let index = slotIndex.number(place, position, next: next) { [slots] index in
            slots[index].place == place && slots[index].position == position
        }
        if index == next {
            slots.append(Slot(place: place, position: position))
            slotsOfPlaces[place].append(index)
        }
        return index
    }

    /// From so many places on they are looked up.
    private static let manyPlaces = 16

    /// The index of a place of a call.
    private mutating func place(_ call: Int, _ index: Int) -> Int {
        // Mostly there are few, and comparing some bytes is cheaper than hashing them.
        if places.count < Self.manyPlaces {
            for known in places.indices where places[known].call.prefix == calls[call].places[index].prefix {
                return known
            }
        }
        let place = calls[call].places[index]
        let next = places.count
        let index = placeIndexes.number(of: place.prefix, next: next)
        if index == next {
            places.append(
                Place(
                    call: place, group: group(place.group), side: tables.index.place(place.prefix)))
            slotsOfPlaces.append([])
        }
        return index
    }

    private mutating func group(_ name: String) -> Int {
        let key = Array(name.utf8)
        if let index = groupIndexes[key] { return index }
        let counts = tables.counts(of: name)
        groups.append(Group(name: name, key: key, stored: counts, counts: counts))
        groupIndexes[key] = groups.count - 1
        return groups.count - 1
    }

    // MARK: What is stored

    private mutating func loadEntries() throws {
        var held: [Int] = []
        for (place, indexes) in zip(places, slotsOfPlaces) {
            place.side.withIndex { [indexes] index in
                for slot in indexes {
                    let location = index.location(slots[slot].position)
                    slots[slot].storedEntry = location
                    if case .held? = location { held.append(slot) }
                }
            }
        }
        try unsafe tables.database.multiGet(tables.names, keys(of: held, FailureKeys.name)) { number, value in
            guard let value = unsafe value else {
                throw DatabaseError(.corruption, "a held entry has no name in the side queue")
            }
            storedKeys[held[number]] = try FailureEncoding.location(unsafe [UInt8](value)).key
        }
    }

    private mutating func loadLetters(_ indexes: [Int]) throws {
        // Where a group has no letters there is nothing to look for.
        let indexes = indexes.filter { groups[places[slots[$0].place].group].stored.letters.records > 0 }
        var found: [Int?] = []
        try unsafe tables.database.multiGet(tables.letters, keys(of: indexes, FailureKeys.letter)) { _, value in
            found.append(
                try unsafe value.map {
                    try unsafe FailureEncoding.byteCount([UInt8]($0.prefix(FailureEncoding.letterHeadBytes)))
                })
        }
        for (index, bytes) in zip(indexes, found) { slots[index].storedLetterBytes = bytes }
    }

    private func keys(of indexes: [Int], _ kind: UInt8) -> KeyBatch {
        var keys = KeyBatch(reservingKeys: indexes.count, bytesPerKey: 64)
        var key: [UInt8] = []
        for index in indexes {
            FailureKeys.make(kind, places[slots[index].place].call.prefix, slots[index].position, in: &key)
            keys.append(key)
        }
        return keys
    }

    // MARK: Staging

    /// Stages a call on top of those before it, or throws and leaves everything as it was.
    ///
    /// - Parameter number: the call's, among those that the group was made of.
    /// - Returns: how many letters were discarded or moved.
    mutating func stage(_ number: Int) throws -> Int {
        let letters = letters
        undo.removeAll(keepingCapacity: true)
        undoGroups.removeAll(keepingCapacity: true)
        do {
            let count = try perform(number)
            for (index, before) in undoGroups {
                let refusal = limits.refusal(
                    ofSide: groups[index].name, from: before.side, to: groups[index].counts.side)
                if let refusal { throw refusal }
            }
            if let refusal = limits.refusal(ofDeadLetters: letters, to: self.letters) { throw refusal }
            return count
        } catch {
            for (index, slot) in undo.reversed() { slots[index] = slot }
            for (index, counts) in undoGroups { groups[index].counts = counts }
            self.letters = letters
            throw error
        }
    }

    private mutating func perform(_ number: Int) throws -> Int {
        var moved = 0
        /// The call whose bytes hold the entries that this one requeues.
        var requeued: Int?
        let start = starts[number]
        for index in calls[number].operations.indices {
            let slot = slotsOfOperations[start + index]
            switch calls[number].operations[index].kind {
            case .put: set(slot, entry: .put(call: number, operation: index))
            case .putIfAbsent:
                if entryBytes(slot) == nil { set(slot, entry: .put(call: number, operation: index)) }
            case .remove: set(slot, entry: .gone)
            case .bury:
                set(slot, entry: .gone)
                set(slot, letter: .put(call: number, operation: index))
            case .discard:
                guard letterBytes(slot) != nil else { continue }
                set(slot, letter: .gone)
                moved += 1
            case .requeue:
                guard let letter = try letter(slot) else { continue }
                let entry = letter.requeued(dueMs: calls[number].operations[index].dueMs)
                let call = requeued ?? calls.count
                if requeued == nil { calls.append(FailureCall()) }
                requeued = call
                let operation = calls[call].append(.put, entry)
                set(slot, letter: .gone)
                set(slot, entry: .put(call: call, operation: operation))
                moved += 1
            }
        }
        return moved
    }

    /// What an operation of a call puts.
    func operation(_ call: Int, _ index: Int) -> FailureCall.Operation { calls[call].operations[index] }

    private func entryBytes(_ index: Int) -> Int? {
        switch slots[index].entry {
        case .stored: slots[index].storedEntry?.byteCount
        case .gone: nil
        case .put(let call, let operation): self.operation(call, operation).byteCount
        }
    }

    private func letterBytes(_ index: Int) -> Int? {
        switch slots[index].letter {
        case .stored: slots[index].storedLetterBytes
        case .gone: nil
        case .put(let call, let operation): self.operation(call, operation).byteCount
        }
    }

    private func letter(_ index: Int) throws -> DeadLetter? {
        let name = places[slots[index].place].call.name(slots[index].position)
        switch slots[index].letter {
        case .gone: return nil
        case .put(let call, let operation):
            let value = Array(calls[call].bytes[self.operation(call, operation).value])
            return try FailureEncoding.letter(value, name: name)
        case .stored:
            guard slots[index].storedLetterBytes != nil else { return nil }
            return try tables.deadLetter(name)
        }
    }

    private mutating func set(_ index: Int, entry: Staged) {
        let group = remember(index)
        if let bytes = entryBytes(index) { groups[group].counts.side.remove(bytes) }
        slots[index].entry = entry
        if let bytes = entryBytes(index) { groups[group].counts.side.add(bytes) }
    }

    private mutating func set(_ index: Int, letter: Staged) {
        let group = remember(index)
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

    /// Remembers a slot and its group as they are before a change; returns the index of the group.
    private mutating func remember(_ index: Int) -> Int {
        undo.append((index, slots[index]))
        let group = places[slots[index].place].group
        if !undoGroups.contains(where: { $0.index == group }) { undoGroups.append((group, groups[group].counts)) }
        return group
    }
}
