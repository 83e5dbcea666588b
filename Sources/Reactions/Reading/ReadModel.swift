internal import Spillway
internal import SpillwayCache
internal import SpillwayCore

/// Answers reads: the caller's own pending votes first, then caches, then the store.
///
/// The order matters (G6): the overlay is looked into before any cache. An entry leaves the overlay only after the
/// caches hold nothing from before it, so whoever does not find one sees it in the caches.
final class ReadModel: Sendable {
    let store: any ReactionStore
    let overlay: Overlay
    let counts: LocalCache<String, TargetValue>
    let callers: LocalCache<ExactName, CallerStates>
    private let callerStatesLimit: Int

    init(
        store: any ReactionStore, overlay: Overlay, configuration: ReactionsConfiguration, time: any TimeSource
    ) {
        self.store = store
        self.overlay = overlay
        callerStatesLimit = configuration.callerStatesLimit
        // Every change passes through `apply`, so entries live long; the time to live only bounds a mistake.
        counts = LocalCache(
            LocalCacheConfiguration(
                name: "counts", maxBytes: configuration.countsCacheBytes, timeToLive: configuration.cacheTimeToLive,
                absentTimeToLive: .seconds(60)), time: time
        ) { key, _ in key.utf8.count > 15 ? key.utf8.count + 32 : 0 }
        callers = LocalCache(
            LocalCacheConfiguration(
                name: "callers", maxBytes: configuration.callersCacheBytes, timeToLive: configuration.cacheTimeToLive,
                absentTimeToLive: .seconds(60)), time: time
        ) { key, value in key.text.utf8.count + 32 + (value?.byteCount ?? 0) }
    }

    /// Shows both caches by their names, `counts` and `callers`.
    func register(_ registry: MetricsRegistry) throws {
        try CacheMetrics.register(counts, in: registry)
        try CacheMetrics.register(callers, in: registry)
    }

    // MARK: Summaries

    /// Counts and the caller's states; `nil` if the tier is memory and the answer is not there.
    func summary(of targets: [String], user: String?, tier: ReadTier) throws -> [TargetSummary]? {
        let own = user.map { overlay.votes(of: $0, on: targets) } ?? []
        guard let values = try values(of: targets, tier: tier) else { return nil }
        guard let user else { return values.map { TargetSummary(counts: $0.counts, state: .none) } }
        guard let states = try states(of: user, on: values, tier: tier) else { return nil }
        var answer: [TargetSummary] = []
        answer.reserveCapacity(targets.count)
        for index in targets.indices {
            answer.append(TargetSummary(counts: values[index].counts, state: states[index]))
        }
        guard try put(own, of: user, into: &answer, tier: tier) else { return nil }
        return answer
    }

    /// The own-row rule: row and counts in one snapshot past the caches; below a pending vote the count is adjusted from
    /// the row's state to the pending one, else the vote is inside already.
    private func put(
        _ own: [(index: Int, vote: PendingVote)], of user: String, into answer: inout [TargetSummary], tier: ReadTier
    ) throws -> Bool {
        if own.isEmpty { return true }
        guard let rows = try store.ownRows(of: user, targets: own.map(\.vote.targetID), tier: tier) else {
            return false
        }
        for (place, (index, vote)) in own.enumerated() { answer[index] = Self.own(rows[place], vote) }
        return true
    }

    /// What the caller sees of a target on which there is a pending vote.
    static func own(_ row: OwnRow, _ vote: PendingVote) -> TargetSummary {
        guard row.applied <= vote.position.position else {
            return TargetSummary(counts: row.target.counts, state: row.reaction)
        }
        var delta = ReactionFold.Delta()
        delta.move(from: row.reaction, to: vote.reaction)
        let counts = Counts(
            likes: row.target.counts.likes + delta.likes, dislikes: row.target.counts.dislikes + delta.dislikes)
        return TargetSummary(counts: counts, state: vote.reaction)
    }

    /// The values of targets through the cache.
    func values(of targets: [String], tier: ReadTier) throws -> [TargetValue]? {
        var found: [CacheLookup<String, TargetValue>] = []
        counts.lookup(targets, into: &found)
        var values: [TargetValue] = []
        values.reserveCapacity(targets.count)
        var missing: [Int] = []
        for (index, lookup) in found.enumerated() {
            switch lookup {
            case .hit(let value, let version):
                values.append(value ?? TargetValue(number: 0, counts: Counts(), sequence: version.position))
            case .miss:
                missing.append(index)
                values.append(TargetValue(number: 0, counts: Counts(), sequence: 0))
            }
        }
        if missing.isEmpty { return values }
        guard let read = try store.targets(missing.map { targets[$0] }, tier: tier) else { return nil }
        for (place, index) in missing.enumerated() {
            values[index] = read[place]
            guard case .miss(let lease) = found[index] else { continue }
            let version = CacheVersion(epoch: store.epoch, position: read[place].sequence)
            counts.fill(lease, read[place].number == 0 ? nil : read[place], version: version)
        }
        return values
    }

    private func states(of user: String, on values: [TargetValue], tier: ReadTier) throws -> [Reaction]? {
        let states: CallerStates
        switch callers.lookup(ExactName(user)) {
        case .hit(let value, _):
            states = value ?? CallerStates(storeSequence: 0, states: [])
        case .miss(let lease):
            guard let read = try store.callerStates(of: user, limit: callerStatesLimit, tier: tier) else { return nil }
            callers.fill(lease, read, version: CacheVersion(epoch: store.epoch, position: read.storeSequence))
            states = read
        }
        if states.isPartial {
            return try store.states(of: user, targets: values.map(\.number), tier: tier)
        }
        if states.count == 0 { return [Reaction](repeating: .none, count: values.count) }
        return values.map { states.reaction(to: $0.number) }
    }

    // MARK: Lists

    /// A user's reactions after a place, newest first, with the user's pending votes put in.
    func reactions(of user: String, reaction: Reaction, after: ListPlace, limit: Int) throws -> [ListEntry] {
        let pending = overlay.votes(of: user) ?? []
        if pending.isEmpty {
            return try store.reactions(of: user, reaction: reaction, after: after, limit: limit)
        }
        // A pending vote may take an entry off the page, so read that many more.
        let stored = try store.reactions(of: user, reaction: reaction, after: after, limit: limit + pending.count)
        let changed = Set(pending.map(\.targetID))
        var entries = stored.filter { !changed.contains($0.id) }
        for vote in pending where vote.reaction == reaction {
            // If it has been applied meanwhile, this is its place in the store too, but for the target's number.
            let place = ListPlace(version: vote.version, number: Self.pendingNumber)
            guard place < after else { continue }
            entries.append(ListEntry(place: place, id: vote.targetID, targetType: vote.targetType))
        }
        entries.sort { $0.place > $1.place }
        return Array(entries.prefix(limit))
    }

    /// Stands for a target's number in the place of a pending vote: versions of votes never meet, so any will do.
    private static let pendingNumber: UInt64 = 0

    // MARK: Changes

    /// Brings the caches up to a transaction; only afterwards may the overlay forget what it applied.
    func apply(_ outcome: ProjectionOutcome) {
        counts.updateAll(
            outcome.targets.map {
                CacheChange(
                    key: $0.id, value: $0.value,
                    version: CacheVersion(epoch: store.epoch, position: $0.value.sequence))
            })
        let version = CacheVersion(epoch: store.epoch, position: outcome.storeSequence)
        for caller in outcome.callers {
            callers.modify(ExactName(caller.id), version: version) { [callerStatesLimit] (states: inout CallerStates) in
                if states.storeSequence >= outcome.storeSequence { return true }
                return states.set(caller.reaction, to: caller.target, limit: callerStatesLimit)
            }
        }
    }

    /// Forgets everything cached: after a doubt about what was applied.
    func forgetAll() {
        counts.removeAll()
        callers.removeAll()
    }
}
