public import Reactions
internal import Spillway
internal import SpillwayRocksDB
internal import Synchronization

extension RocksReactionStore {
    /// See `ReactionStore`.
    public func apply(_ batch: ProjectionBatch) throws -> ProjectionOutcome {
        try states[batch.partition].state.withLock { state in
            guard state.applied.next == batch.from, batch.from <= batch.next else {
                throw ReactionStoreError(
                    .offsetMoved,
                    "partition \(batch.partition) stands at \(state.applied.next), the batch goes from \(batch.from) to "
                        + "\(batch.next)")
            }
            let outcome = try ProjectionTransaction(store: self, batch: batch).run(&state)
            states[batch.partition].published.withLock { $0 = batch.next }
            return outcome
        }
    }
}

/// One transaction of a partition's projections: reads the old rows, folds, writes rows, lists, counts and offsets.
private struct ProjectionTransaction {
    let store: RocksReactionStore
    let batch: ProjectionBatch

    /// A target that the batch touches.
    private struct Touched {
        var id: String
        var value: TargetValue
        var isNew: Bool
    }

    func run(_ state: inout PartitionState.State) throws -> ProjectionOutcome {
        let resolved = try store.users.resolve(batch.events)
        var (numbers, touched) = try targets(&state)
        var fold = ReactionFold(capacity: batch.events.count)
        var version = state.applied.version
        for (index, positioned) in batch.events.enumerated() {
            let event = positioned.event
            version = max(version, event.version)
            fold.add(
                RowKey(target: numbers[index], user: resolved.numbers[index]), reaction: event.reaction,
                type: store.types.number(of: event.targetType), isBesideLog: event.origin != .log,
                version: event.version, sequence: positioned.position.low)
        }
        var previous: [Reaction] = []
        previous.reserveCapacity(batch.events.count)
        let (changes, deltas) = fold.fold(old: try rows(fold.keys)) { _, before in previous.append(before) }

        let write = state.batch
        write.removeAll()
        for change in changes { put(change, in: write, &state.scratch) }
        let (changed, negative) = putTargets(&touched, deltas, in: write, &state.scratch)
        putUsers(resolved.unsaved, in: write, &state.scratch)
        putKept(previous, in: write, &state.scratch)
        var applied = state.applied
        applied.next = batch.next
        applied.version = version
        for projection in AppliedOffset.Projection.allCases {
            write.put(
                store.families.meta, AppliedOffset.key(projection, partition: batch.partition), applied.encoded)
        }
        store.database.giveWayToCompactions()
        try store.database.write(write)
        // At least the transaction's own; a snapshot in between holds the changes already, and setting them again there
        // changes nothing.
        let sequence = store.database.latestSequence
        state.applied = applied
        store.users.saved(resolved.unsaved)
        for target in changed { state.targets.set(target.value, for: target.id) }
        return ProjectionOutcome(
            storeSequence: sequence, targets: changed, callers: callers(changes, resolved.numbers), previous: previous,
            negativeCounts: negative)
    }

    // MARK: Reading

    /// The number of each event's target, and the targets by number.
    private func targets(_ state: inout PartitionState.State) throws -> ([UInt64], [UInt64: Touched]) {
        var numbers = [UInt64](repeating: 0, count: batch.events.count)
        var touched: [UInt64: Touched] = [:]
        touched.reserveCapacity(batch.events.count)
        var missing: [Int] = []
        for (index, event) in batch.events.enumerated() {
            if let value = state.targets.value(event.event.targetID) {
                numbers[index] = value.number
                if touched[value.number] == nil {
                    touched[value.number] = Touched(id: event.event.targetID, value: value, isNew: false)
                }
            } else {
                missing.append(index)
            }
        }
        if missing.isEmpty { return (numbers, touched) }
        var keys = KeyBatch(reservingKeys: missing.count)
        for index in missing { keys.append(batch.events[index].event.targetID.utf8) }
        var stored = [TargetValue?](repeating: nil, count: missing.count)
        try unsafe store.database.multiGet(store.families.targets, keys) { place, value in
            if let value = unsafe value { stored[place] = unsafe RowCoding.target(value) }
        }
        var fresh: [String: UInt64] = [:]
        for (place, index) in missing.enumerated() {
            let id = batch.events[index].event.targetID
            let value: TargetValue
            let isNew: Bool
            if let known = stored[place] {
                (value, isNew) = (known, false)
                state.targets.set(known, for: id)
            } else {
                let number = fresh[id] ?? store.targetNumbers.add(1, ordering: .relaxed).oldValue
                fresh[id] = number
                // Newer than anything that was said of it while it was absent, also if no count changes.
                let sequence = batch.events[index].position.low
                (value, isNew) = (TargetValue(number: number, counts: Counts(), sequence: sequence), true)
            }
            numbers[index] = value.number
            if touched[value.number] == nil { touched[value.number] = Touched(id: id, value: value, isNew: isNew) }
        }
        return (numbers, touched)
    }

    private func rows(_ keys: [RowKey]) throws -> [ReactionRow?] {
        var rows = [ReactionRow?](repeating: nil, count: keys.count)
        var batch = KeyBatch(reservingKeys: keys.count, bytesPerKey: 2 * Numbers.width)
        for key in keys {
            batch.append { bytes in
                Numbers.append(number: key.target, to: &bytes)
                Numbers.append(number: key.user, to: &bytes)
            }
        }
        var damaged = 0
        try unsafe store.database.multiGet(store.families.rows, batch) { index, value in
            guard let value = unsafe value else { return }
            rows[index] = unsafe RowCoding.row(value)
            if rows[index] == nil { damaged += 1 }
        }
        if damaged > 0 { throw ReactionStoreError(.damaged, "\(damaged) rows can't be read; run spillway audit") }
        return rows
    }

    // MARK: Writing

    private func put(_ change: ReactionFold.Change, in write: WriteBatch, _ scratch: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        Numbers.append(number: change.key.target, to: &scratch)
        Numbers.append(number: change.key.user, to: &scratch)
        let keyEnd = scratch.count
        RowCoding.append(change.new, to: &scratch)
        write.put(store.families.rows, scratch, splitAt: keyEnd)
        if let old = change.old, old.reaction != .none,
            old.reaction != change.new.reaction || old.version != change.new.version
        {
            unsafe list(change.key, old, &scratch) { family, key in unsafe write.delete(family, key) }
        }
        if change.new.reaction != .none {
            let type: [UInt8] = change.new.type == 1 ? [] : [change.new.type]
            unsafe list(change.key, change.new, &scratch) { family, key in
                unsafe type.withUnsafeBytes { type in unsafe write.put(family, key, type) }
            }
        }
    }

    /// The keys of a row's entries in both lists.
    private func list(
        _ key: RowKey, _ row: ReactionRow, _ scratch: inout [UInt8],
        _ body: (ColumnFamily, UnsafeRawBufferPointer) -> Void
    ) {
        scratch.removeAll(keepingCapacity: true)
        ListKey.append(
            owner: key.target, reaction: row.reaction, place: ListPlace(version: row.version, number: key.user),
            to: &scratch)
        unsafe scratch.withUnsafeBytes { unsafe body(store.families.voters, $0) }
        scratch.removeAll(keepingCapacity: true)
        ListKey.append(
            owner: key.user, reaction: row.reaction, place: ListPlace(version: row.version, number: key.target),
            to: &scratch)
        unsafe scratch.withUnsafeBytes { unsafe body(store.families.byUser, $0) }
    }

    private func putTargets(
        _ touched: inout [UInt64: Touched], _ deltas: [UInt64: ReactionFold.Delta], in write: WriteBatch,
        _ scratch: inout [UInt8]
    ) -> ([ProjectionOutcome.Target], negative: Int) {
        var changed: [ProjectionOutcome.Target] = []
        var negative = 0
        for (number, var target) in touched {
            let delta = deltas[number]
            guard delta != nil || target.isNew else { continue }
            if let delta {
                target.value.counts.likes += delta.likes
                target.value.counts.dislikes += delta.dislikes
                target.value.sequence = max(target.value.sequence, delta.sequence)
                if target.value.counts.likes < 0 { negative += 1 }
                if target.value.counts.dislikes < 0 { negative += 1 }
            }
            if target.isNew {
                scratch.removeAll(keepingCapacity: true)
                Numbers.append(number: number, to: &scratch)
                scratch.append(contentsOf: target.id.utf8)
                write.put(store.families.targetNames, scratch, splitAt: Numbers.width)
            }
            scratch.removeAll(keepingCapacity: true)
            scratch.append(contentsOf: target.id.utf8)
            let keyEnd = scratch.count
            RowCoding.append(target.value, to: &scratch)
            write.put(store.families.targets, scratch, splitAt: keyEnd)
            changed.append(ProjectionOutcome.Target(id: target.id, value: target.value))
        }
        return (changed, negative)
    }

    private func putUsers(_ users: [ExactName: UInt64], in write: WriteBatch, _ scratch: inout [UInt8]) {
        for (user, number) in users {
            scratch.removeAll(keepingCapacity: true)
            scratch.append(contentsOf: user.text.utf8)
            let keyEnd = scratch.count
            Numbers.append(number: number, to: &scratch)
            write.put(store.families.users, scratch, splitAt: keyEnd)
            scratch.removeAll(keepingCapacity: true)
            Numbers.append(number: number, to: &scratch)
            scratch.append(contentsOf: user.text.utf8)
            write.put(store.families.userNames, scratch, splitAt: Numbers.width)
        }
    }

    /// Previous states that somebody may ask for again.
    private func putKept(_ previous: [Reaction], in write: WriteBatch, _ scratch: inout [UInt8]) {
        for (index, event) in batch.events.enumerated() where event.event.keepsPrevious {
            scratch.removeAll(keepingCapacity: true)
            PreviousKey.append(partition: batch.partition, position: event.position, to: &scratch)
            let keyEnd = scratch.count
            scratch.append(previous[index].rawValue)
            write.put(store.families.previous, scratch, splitAt: keyEnd)
        }
    }

    private func callers(_ changes: [ReactionFold.Change], _ numbers: [UInt64]) -> [ProjectionOutcome.Caller] {
        var names: [UInt64: String] = [:]
        names.reserveCapacity(numbers.count)
        for (index, number) in numbers.enumerated() { names[number] = batch.events[index].event.userID }
        return changes.compactMap { change in
            guard let name = names[change.key.user], change.old?.reaction != change.new.reaction else { return nil }
            return ProjectionOutcome.Caller(id: name, target: change.key.target, reaction: change.new.reaction)
        }
    }
}

extension WriteBatch {
    /// Puts key and value that stand behind one another in one array.
    func put(_ family: ColumnFamily, _ bytes: [UInt8], splitAt keyEnd: Int) {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe put(
                family, UnsafeRawBufferPointer(rebasing: bytes[..<keyEnd]),
                UnsafeRawBufferPointer(rebasing: bytes[keyEnd...]))
        }
    }
}
