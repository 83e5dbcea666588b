internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// All consumer groups: their members, what they own, what they have committed and what of that is durable.
///
/// A commit is checked, written and remembered under one lock, as assignments are made: a member that has lost a
/// partition can't write over its successor's commit. Calls may wait for RocksDB, so they run on threads of ours.
final class GroupCoordinator: Sendable {
    private struct Name: Hashable {
        var topic: String
        private var exact: ExactName

        /// By bytes, as the rows are: of a name with an accent there are several spellings, each a name of its own.
        init(topic: String, group: String) {
            self.topic = topic
            exact = ExactName(group)
        }

        var group: String { exact.text }
    }

    /// A partition's commit: the present one becomes durable with the sync that covers its write.
    struct Slot: Sendable {
        var position: Position
        var hint: [UInt8]?
        var writtenAt: UInt64
        var durable: Position?

        /// The position that is durable when everything up to this sequence of the database is.
        func durablePosition(_ synced: UInt64) -> Position? { writtenAt <= synced ? position : durable }
    }

    private struct Group {
        var membership: GroupMembership
        var subscriptions: [UInt64: EmbeddedSubscription] = [:]
        var commits: [Int: Slot] = [:]
        var holdsRetention = false
        var isRegistered = false
        var beganAt: UInt64 = 0
    }

    private struct State {
        var groups: [Name: Group] = [:]
        var lastMember: UInt64 = 0
        /// No deleted group, and none of before the last restart, has given a greater generation. A group goes on above it:
        /// whoever has seen the old one, as the failure store, takes a generation that comes again for that of an earlier
        /// owner.
        var lastGeneration: UInt64
        var isClosed = false

        func newGroup(_ log: TopicLog) -> Group {
            Group(membership: GroupMembership(partitions: log.partitions.count, above: lastGeneration))
        }
    }

    private let database: Database
    private let store: GroupStore
    private let metrics: LogMetrics
    /// How long a member may take to give a partition back.
    private let revocationTimeout: Duration
    private let state: Mutex<State>

    /// Opens the groups, and notes above which generation they go on. Blocks.
    init(_ database: Database, _ metrics: LogMetrics, revocationTimeout: Duration) throws {
        self.database = database
        self.metrics = metrics
        self.revocationTimeout = revocationTimeout
        store = try GroupStore(database)
        state = Mutex(State(lastGeneration: try store.beginGenerations(nowMs: wallMilliseconds())))
    }

    /// Reads what a topic's groups have committed. Blocks.
    func load(_ log: TopicLog) throws {
        let stored = try store.load(topic: log.name)
        state.withLock { state in
            for (name, group) in stored {
                var made = state.newGroup(log)
                made.holdsRetention = group.holdsRetention
                made.isRegistered = true
                made.beganAt = group.beganAt
                made.commits = group.commits.mapValues {
                    Slot(position: $0.position, hint: $0.hint, writtenAt: 0, durable: $0.position)
                }
                state.groups[Name(topic: log.name, group: name.text)] = made
            }
        }
    }

    /// Joins a group. Blocks.
    func join(
        _ request: SubscriptionRequest, _ log: TopicLog, make: (UInt64) -> EmbeddedSubscription
    ) throws -> EmbeddedSubscription {
        let name = Name(topic: request.topic, group: request.group)
        let (subscription, woken) = try state.withLock { state in
            guard !state.isClosed else { throw BrokerError(.closed, "the broker is closed") }
            var group = state.groups[name] ?? state.newGroup(log)
            if !group.isRegistered || group.holdsRetention != request.holdsRetention {
                if !group.isRegistered { group.beganAt = log.start }
                group.holdsRetention = request.holdsRetention
                try store.register(
                    request.group, topic: request.topic, holdsRetention: request.holdsRetention,
                    beganAt: group.beganAt)
                group.isRegistered = true
            }
            state.lastMember += 1
            let id = state.lastMember
            let subscription = make(id)
            group.subscriptions[id] = subscription
            let events = group.membership.join(id)
            let woken = tell(events, &group, log)
            state.groups[name] = group
            return (subscription, woken)
        }
        wake(woken)
        return subscription
    }

    /// A change of membership by a member.
    func change(
        _ group: String, _ log: TopicLog, _ body: (inout GroupMembership) -> [GroupMembership.Event]
    ) {
        let name = Name(topic: log.name, group: group)
        let woken = state.withLock { state -> [EmbeddedSubscription] in
            guard var group = state.groups[name] else { return [] }
            let events = body(&group.membership)
            let woken = tell(events, &group, log)
            group.subscriptions = group.subscriptions.filter { group.membership.members.contains($0.key) }
            state.groups[name] = group
            return woken
        }
        wake(woken)
    }

    private func wake(_ subscriptions: [EmbeddedSubscription]) {
        for subscription in subscriptions { subscription.wake() }
    }

    /// Puts the events into the members' queues, in their order and under the lock; returns whom to wake after it.
    private func tell(
        _ events: [GroupMembership.Event], _ group: inout Group, _ log: TopicLog
    ) -> [EmbeddedSubscription] {
        var told: [EmbeddedSubscription] = []
        let deadline = MonotonicInstant(nanoseconds: monotonicNanoseconds()) + revocationTimeout
        for event in events {
            switch event {
            case .assigned(let member, let partition, let generation):
                guard let subscription = group.subscriptions[member] else { continue }
                let start = start(of: partition, group, log, subscription.request.start)
                subscription.assign(
                    Assignment(
                        partition: log.partitions[partition], generation: generation, start: start,
                        hint: group.commits[partition]?.hint))
                told.append(subscription)
            case .revoking(let member, let partition):
                guard let subscription = group.subscriptions[member] else { continue }
                subscription.revoke(partition, by: deadline)
                told.append(subscription)
            case .lost(let member, let partition):
                guard let subscription = group.subscriptions[member] else { continue }
                subscription.lose(partition)
                told.append(subscription)
            }
        }
        return told
    }

    private func start(
        of partition: Int, _ group: Group, _ log: TopicLog, _ start: SubscriptionRequest.Start
    ) -> Position {
        log.withState { state in
            let first = state.epochs.position(of: state.start)
            guard let commit = group.commits[partition] else {
                return start == .latest ? Position(high: state.epochs.current, low: state.end) : first
            }
            if state.epochs.sequence(atOrAfter: commit.position) >= state.start { return commit.position }
            metrics.skippedByRetention.increment()
            return first
        }
    }

    /// Stores commits of a member, all or none. Blocks.
    func commit(_ commits: [Commit], member: UInt64, group: String, _ log: TopicLog) throws {
        let name = Name(topic: log.name, group: group)
        try state.withLock { state in
            guard !state.isClosed else { throw BrokerError(.closed, "the broker is closed") }
            // A group that was deleted has no members.
            guard let group = state.groups[name] else {
                throw BrokerError(.notOwner, "group \(name.group) was deleted, and this member has left it")
            }
            for commit in commits {
                let partition = commit.partition.partition
                guard commit.partition.topic == log.name,
                    group.membership.mayCommit(member, partition: partition, generation: commit.generation)
                else {
                    throw BrokerError(
                        .notOwner, "\(commit.partition) is not this member's under generation \(commit.generation)")
                }
            }
            try store.store(commits, group: name.group, topic: name.topic)
            let writtenAt = database.latestSequence
            let synced = database.durableSequence
            for commit in commits {
                let partition = commit.partition.partition
                let before = group.commits[partition]
                let durable = before.flatMap { $0.durablePosition(synced) }
                state.groups[name]?.commits[partition] = Slot(
                    position: commit.next, hint: commit.hint, writtenAt: writtenAt, durable: durable)
            }
        }
    }

    /// What a group has committed.
    func committed(_ group: String, _ log: TopicLog) -> [TopicPartition: Position] {
        state.withLock { state in
            let commits = state.groups[Name(topic: log.name, group: group)]?.commits ?? [:]
            return Dictionary(uniqueKeysWithValues: commits.map { (log.partitions[$0.key], $0.value.position) })
        }
    }

    // MARK: Administration

    /// The groups of a topic, in the order of their names' bytes.
    func summaries(_ log: TopicLog) -> [GroupSummary] {
        state.withLock { state in
            state.groups.filter { $0.key.topic == log.name }.map { name, group in
                GroupSummary(
                    group: name.group, topic: log.name, members: group.membership.members.count,
                    holdsRetention: group.holdsRetention,
                    committed: Dictionary(
                        uniqueKeysWithValues: group.commits.map { (log.partitions[$0.key], $0.value.position) }),
                    lagRecords: lag(of: group, log))
            }
        }.sorted { $0.group.utf8.lexicographicallyPrecedes($1.group.utf8) }
    }

    private func lag(of group: Group, _ log: TopicLog) -> Int {
        log.withState { state in
            log.partitions.indices.reduce(0) { sum, partition in
                let position = group.commits[partition]?.position ?? state.epochs.position(of: group.beganAt)
                return sum + state.count(from: position, partition: partition, openedAt: log.openedAt)
            }
        }
    }

    /// Forgets a group without members; gone for good with the next sync. Blocks.
    ///
    /// - Returns: whether there was such a group.
    func delete(_ group: String, _ log: TopicLog) throws -> Bool {
        let name = Name(topic: log.name, group: group)
        return try state.withLock { state in
            guard let known = try Self.withoutMembers(name, state) else { return false }
            try store.remove(group, topic: log.name, partitions: known.commits.keys)
            state.groups[name] = nil
            state.lastGeneration = max(state.lastGeneration, known.membership.lastGeneration)
            return true
        }
    }

    /// Sets where a group without members begins; durable with the next sync. Blocks.
    func set(_ positions: [Int: Position], _ group: String, _ log: TopicLog) throws {
        let name = Name(topic: log.name, group: group)
        try state.withLock { state in
            let known = try Self.withoutMembers(name, state)
            var group = known ?? state.newGroup(log)
            let (first, end) = log.withState {
                ($0.epochs.position(of: $0.start), Position(high: $0.epochs.current, low: $0.end))
            }
            let kept = positions.mapValues { min(max($0, first), end) }
            if !group.isRegistered { group.beganAt = first.low }
            try store.set(
                kept, group: name.group, topic: name.topic, holdsRetention: group.holdsRetention,
                beganAt: group.beganAt)
            group.isRegistered = true
            let writtenAt = database.latestSequence
            let synced = database.durableSequence
            for (partition, position) in kept {
                // What a step back needs is held at once, before the sync.
                let durable = group.commits[partition].flatMap { $0.durablePosition(synced) }
                group.commits[partition] = Slot(
                    position: position, hint: nil, writtenAt: writtenAt, durable: durable.map { min($0, position) })
            }
            state.groups[name] = group
        }
    }

    /// The group, if there is one; refuses one that has members.
    private static func withoutMembers(_ name: Name, _ state: State) throws -> Group? {
        guard !state.isClosed else { throw BrokerError(.closed, "the broker is closed") }
        guard let group = state.groups[name] else { return nil }
        let members = group.membership.members.count
        guard members == 0 else { throw BrokerError.groupInUse(name.group, members: members) }
        return group
    }

    /// For each group that holds retention back: how far each partition is durably done; without a commit, where the
    /// group began.
    func durablePositions(_ log: TopicLog) -> [ExactName: [UInt64]] {
        let synced = database.durableSequence
        return state.withLock { Self.durablePositions(log, $0, synced) }
    }

    private static func durablePositions(_ log: TopicLog, _ state: State, _ synced: UInt64) -> [ExactName: [UInt64]] {
        var positions: [ExactName: [UInt64]] = [:]
        for (name, group) in state.groups where name.topic == log.name && group.holdsRetention {
            positions[ExactName(name.group)] = log.partitions.indices.map { partition in
                guard let position = group.commits[partition]?.durablePosition(synced) else { return group.beganAt }
                return log.withState { $0.epochs.sequence(atOrAfter: position) }
            }
        }
        return positions
    }

    /// Has a topic begin at a sequence, unless a group holds more back than it did before. Whoever is set or joins behind
    /// this can't be before that sequence.
    ///
    /// - Parameter before: the durable positions that allow it.
    /// - Returns: whether it begins there.
    func raiseStart(of log: TopicLog, to sequence: UInt64, unlessHeldBelow before: [ExactName: [UInt64]]) -> Bool {
        let synced = database.durableSequence
        return state.withLock { state in
            for (group, positions) in Self.durablePositions(log, state, synced) {
                guard let known = before[group], zip(positions, known).allSatisfy({ $0 >= $1 }) else { return false }
            }
            log.withState { $0.start = max($0.start, sequence) }
            return true
        }
    }

    /// Takes partitions from members that have not given them back in time.
    func expireRevocations(now: MonotonicInstant, _ log: (String) -> TopicLog?) {
        let members = state.withLock { state in
            state.groups.flatMap { name, group in
                group.subscriptions.map { (name, $0.key, $0.value) }
            }
        }
        for (name, id, subscription) in members {
            let late = subscription.lateRevocations(now)
            guard !late.isEmpty, let log = log(name.topic) else { continue }
            change(name.group, log) { membership in
                late.flatMap { membership.expireRevocation(id, $0.partition, generation: $0.generation) }
            }
        }
    }

    /// Ends all subscriptions.
    func close() {
        let subscriptions = state.withLock { state in
            state.isClosed = true
            return state.groups.values.flatMap { $0.subscriptions.values }
        }
        for subscription in subscriptions { subscription.end() }
    }
}
