public import Reactions
internal import Spillway
internal import SpillwayRocksDB
internal import Synchronization

extension RocksReactionStore {
    /// See `ReactionStore`.
    public func targets(_ ids: [String], tier: Reactions.ReadTier) throws -> [TargetValue]? {
        // Before the read: an absent target is absent as of what had been applied then, at least.
        let applied = appliedInMemory()
        return try orNilIfIncomplete {
            try targets(ids, Database.ReadOptions(tier)) { partition in Self.lastSequence(before: applied[partition]) }
        }
    }

    /// See `ReactionStore`.
    public func ownRows(of user: String, targets ids: [String], tier: Reactions.ReadTier) throws -> [OwnRow]? {
        // Before the user's number: one that is given in between has no rows in the snapshot, whereas rows of a user who
        // had none before it would not be looked for.
        let snapshot = database.snapshot()
        guard let known = try users.number(of: user, tier: tier) else { return nil }
        let options = Database.ReadOptions(tier, snapshot: snapshot)
        return try orNilIfIncomplete {
            var applied = [Position?](repeating: nil, count: partitions)
            for id in ids {
                let partition = KeyPartitioner.partition(for: id.utf8, of: partitions)
                if applied[partition] == nil {
                    applied[partition] =
                        try Self.applied(database, families, partition, .target, options: options).next
                }
            }
            let values = try targets(ids, options) { partition in
                applied[partition].map { Self.lastSequence(before: $0) } ?? 0
            }
            let reactions = try states(user: known, targets: values.map(\.number), options)
            return ids.indices.map { index in
                let partition = KeyPartitioner.partition(for: ids[index].utf8, of: partitions)
                return OwnRow(
                    reaction: reactions[index], target: values[index], applied: applied[partition] ?? .start)
            }
        }
    }

    /// See `ReactionStore`.
    public func states(of user: String, targets: [UInt64], tier: Reactions.ReadTier) throws -> [Reaction]? {
        guard let known = try users.number(of: user, tier: tier) else { return nil }
        return try orNilIfIncomplete { try states(user: known, targets: targets, Database.ReadOptions(tier)) }
    }

    /// See `ReactionStore`.
    public func callerStates(of user: String, limit: Int, tier: Reactions.ReadTier) throws -> CallerStates? {
        let snapshot = database.snapshot()
        guard let known = try users.number(of: user, tier: tier) else { return nil }
        guard let number = known else { return CallerStates(storeSequence: snapshot.sequence, states: []) }
        return try orNilIfIncomplete {
            let lower = Numbers.bytes(number)
            var options = Database.IteratorOptions(
                lower: lower, upper: Numbers.bytes(number + 1), read: Database.ReadOptions(tier, snapshot: snapshot))
            options.staysInPrefix = true
            let iterator = database.iterator(families.byUser, options)
            var states: [(target: UInt64, reaction: Reaction)] = []
            var isValid = iterator.seek(to: lower)
            while isValid {
                if states.count == limit {
                    return CallerStates(storeSequence: snapshot.sequence, states: [], isPartial: true)
                }
                unsafe iterator.withKey { key in
                    guard let read = unsafe ListKey.read(key) else { return }
                    states.append((read.place.number, read.reaction))
                }
                isValid = iterator.next()
            }
            try iterator.check()
            return CallerStates(storeSequence: snapshot.sequence, states: states)
        }
    }

    /// See `ReactionStore`.
    public var userNumbers: Range<UInt64> { users.numbers }

    /// See `ReactionStore`.
    public func users(_ numbers: Range<UInt64>) throws -> [StoredUser] { try users.users(numbers) }

    /// See `ReactionStore`.
    public func callerStates(of numbers: Range<UInt64>, limit: Int) throws -> [CallerStates] {
        let snapshot = database.snapshot()
        let iterator = database.iterator(
            families.byUser,
            Database.IteratorOptions(
                lower: Numbers.bytes(numbers.lowerBound), upper: Numbers.bytes(numbers.upperBound),
                read: Database.ReadOptions(.disk, snapshot: snapshot)))
        var states = [[(target: UInt64, reaction: Reaction)]](repeating: [], count: numbers.count)
        var isValid = iterator.seekToFirst()
        while isValid {
            unsafe iterator.withKey { key in
                guard let read = unsafe ListKey.read(key) else { return }
                // One more than the limit tells that there are too many.
                let place = Int(read.owner - numbers.lowerBound)
                if states[place].count <= limit { states[place].append((read.place.number, read.reaction)) }
            }
            isValid = iterator.next()
        }
        try iterator.check()
        return states.map { states in
            let isPartial = states.count > limit
            return CallerStates(
                storeSequence: snapshot.sequence, states: isPartial ? [] : states, isPartial: isPartial)
        }
    }

    /// See `ReactionStore`.
    public func reactions(
        of user: String, reaction: Reaction, after: ListPlace, limit: Int
    ) throws -> [ListEntry] {
        guard case .some(.some(let number)) = try users.number(of: user, tier: .disk) else { return [] }
        return try list(families.byUser, names: families.targetNames, number, reaction, after, limit)
    }

    /// See `ReactionStore`.
    public func voters(
        of target: String, reaction: Reaction, after: ListPlace, limit: Int
    ) throws -> [ListEntry] {
        guard let number = try targets([target], tier: .disk)?.first?.number, number > 0 else { return [] }
        return try list(families.voters, names: families.userNames, number, reaction, after, limit)
    }

    /// A user's row on a target.
    func row(of user: String, on target: String) throws -> ReactionRow? {
        guard case .some(.some(let user)) = try users.number(of: user, tier: .disk),
            let target = try targets([target], tier: .disk)?.first?.number, target > 0
        else { return nil }
        var key: [UInt8] = []
        Numbers.append(number: target, to: &key)
        Numbers.append(number: user, to: &key)
        return try unsafe database.withValue(families.rows, key) { unsafe RowCoding.row($0) } ?? nil
    }

    // MARK: Inside

    /// As of which event an absent target is absent. The next one has the applied offset's own sequence, and must be newer:
    /// else a cache would take the first vote on a target for something that it has already.
    private static func lastSequence(before next: Position) -> UInt64 { next.low == 0 ? 0 : next.low - 1 }

    private func appliedInMemory() -> [Position] {
        states.map { $0.published.withLock { $0 } }
    }

    private func targets(
        _ ids: [String], _ options: Database.ReadOptions, absentSequence: (_ partition: Int) -> UInt64
    ) throws -> [TargetValue] {
        var keys = KeyBatch(reservingKeys: ids.count)
        for id in ids { keys.append(id.utf8) }
        var values = [TargetValue](
            repeating: TargetValue(number: 0, counts: Counts(), sequence: 0), count: ids.count)
        var damaged: Int?
        try unsafe database.multiGet(families.targets, keys, options: options) { index, value in
            guard let value = unsafe value else {
                values[index].sequence = absentSequence(KeyPartitioner.partition(for: ids[index].utf8, of: partitions))
                return
            }
            if let target = unsafe RowCoding.target(value) { values[index] = target } else { damaged = index }
        }
        if let damaged { throw ReactionStoreError(.damaged, "the counts of \(ids[damaged]) can't be read") }
        return values
    }

    private func states(user: UInt64?, targets: [UInt64], _ options: Database.ReadOptions) throws -> [Reaction] {
        var reactions = [Reaction](repeating: .none, count: targets.count)
        guard let user else { return reactions }
        var keys = KeyBatch(reservingKeys: targets.count, bytesPerKey: 2 * Numbers.width)
        for target in targets {
            keys.append { bytes in
                Numbers.append(number: target, to: &bytes)
                Numbers.append(number: user, to: &bytes)
            }
        }
        try unsafe database.multiGet(families.rows, keys, options: options) { index, value in
            if let value = unsafe value, let row = unsafe RowCoding.row(value) { reactions[index] = row.reaction }
        }
        return reactions
    }

    private func list(
        _ family: ColumnFamily, names: ColumnFamily, _ owner: UInt64, _ reaction: Reaction, _ after: ListPlace,
        _ limit: Int
    ) throws -> [ListEntry] {
        var lower: [UInt8] = []
        ListKey.append(owner: owner, reaction: reaction, place: after, to: &lower)
        var upper: [UInt8] = []
        Numbers.append(number: owner, to: &upper)
        upper.append(reaction.rawValue + 1)
        var options = Database.IteratorOptions(lower: lower, upper: upper)
        options.staysInPrefix = true
        let iterator = database.iterator(family, options)
        var entries: [(place: ListPlace, type: UInt8)] = []
        var isValid = iterator.seek(to: lower)
        while isValid, entries.count < limit {
            unsafe iterator.withEntry { key, value in
                guard let read = unsafe ListKey.read(key), read.place < after else { return }
                entries.append((read.place, unsafe value.first ?? 1))
            }
            isValid = iterator.next()
        }
        try iterator.check()
        var keys = KeyBatch(reservingKeys: entries.count, bytesPerKey: Numbers.width)
        for entry in entries { keys.append { Numbers.append(number: entry.place.number, to: &$0) } }
        var ids = [String?](repeating: nil, count: entries.count)
        try unsafe database.multiGet(names, keys) { index, value in
            if let value = unsafe value { unsafe ids[index] = String(decoding: value, as: UTF8.self) }
        }
        return try zip(entries, ids).map { entry, id in
            guard let id else {
                throw ReactionStoreError(.damaged, "number \(entry.place.number) has no name; run spillway audit")
            }
            return ListEntry(place: entry.place, id: id, targetType: types.name(entry.type))
        }
    }

    /// A read of the memory tier that would have to wait answers `nil`.
    private func orNilIfIncomplete<Value>(_ read: () throws -> Value) throws -> Value? {
        do {
            return try read()
        } catch let error as DatabaseError where error.code == .incomplete {
            return nil
        }
    }
}
