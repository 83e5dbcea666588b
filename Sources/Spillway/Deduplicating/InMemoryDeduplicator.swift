public import SpillwayCore
import Synchronization

/// A ``Deduplicator`` in this process's memory: for tests, and where a restart may forget.
///
/// Durable means here: as long as the object lives, and claims are numbered anew by the next one. Each `begin` forgets up to two events that have expired for each id
/// that it is asked for, so no call is long.
public final class InMemoryDeduplicator: Deduplicator {
    fileprivate struct Mark: Sendable {
        var id: EventID
        var expires: MonotonicInstant
    }

    fileprivate struct State {
        var claims: ClaimTable
        var marks: [EventID: MonotonicInstant] = [:]
        /// Marks in the order in which they expire; one that was renewed since stands here twice.
        var order = Deque<Mark>()
        var markBytes = 0
        var evicted = 0
    }

    private let limits: DeduplicatorLimits
    private let timeSource: any TimeSource
    private let state: Mutex<State>

    /// Makes an empty store.
    ///
    /// - Throws: ``DeduplicatorError`` with ``DeduplicatorError/Code/invalidConfiguration``.
    public init(
        limits: DeduplicatorLimits = DeduplicatorLimits(), timeSource: any TimeSource = SystemTimeSource()
    ) throws {
        try limits.validate()
        self.limits = limits
        self.timeSource = timeSource
        state = Mutex(State(claims: ClaimTable(lease: limits.claimLease)))
    }

    /// Asks for ids in one go.
    public func begin(_ ids: [EventID]) async throws -> [DeduplicationAnswer] {
        for id in ids { try id.validate() }
        let now = timeSource.now()
        return state.withLock { state in
            state.forgetExpired(now, atMost: 2 * ids.count)
            return ids.map { state.begin($0, limits, now) }
        }
    }

    /// Marks events as handled.
    public func complete(_ claims: [EventClaim]) async throws -> [Bool] {
        let now = timeSource.now()
        return state.withLock { state in claims.map { state.complete($0, expires: now + limits.lifetime) } }
    }

    /// Gives claims back.
    public func abandon(_ claims: [EventClaim]) async {
        state.withLock { state in
            for claim in claims { state.claims.abandon(claim) }
        }
    }

    /// What the store holds.
    public var figures: DeduplicatorFigures {
        state.withLock { state in
            DeduplicatorFigures(
                entries: state.entries, bytes: state.bytes, claims: state.claims.count, evicted: state.evicted)
        }
    }
}

extension InMemoryDeduplicator.State {
    fileprivate var entries: Int { marks.count + claims.count }
    fileprivate var bytes: Int { markBytes + claims.bytes }

    fileprivate mutating func begin(
        _ id: EventID, _ limits: DeduplicatorLimits, _ now: MonotonicInstant
    ) -> DeduplicationAnswer {
        if let expires = marks[id], expires > now { return .duplicate }
        if let rest = claims.held(id, now: now) { return .inProgress(leaseEndsIn: rest) }
        guard claims.hasEntry(id) || makeRoom(for: id, limits, now) else { return .full }
        return .first(claims.claim(id, now: now))
    }

    fileprivate mutating func complete(_ claim: EventClaim, expires: MonotonicInstant) -> Bool {
        guard claims.startCompleting(claim) else { return false }
        if marks.updateValue(expires, forKey: claim.id) == nil { markBytes += claim.id.byteCount }
        order.append(.init(id: claim.id, expires: expires))
        claims.completed(claim)
        return true
    }

    fileprivate mutating func forgetExpired(_ now: MonotonicInstant, atMost limit: Int) {
        for _ in 0..<limit {
            guard let first = order.first, first.expires <= now else { return }
            forgetOldest()
        }
    }

    /// What goes is at least a tenth of what comes, so this takes a dozen steps at most.
    private mutating func makeRoom(
        for id: EventID, _ limits: DeduplicatorLimits, _ now: MonotonicInstant
    ) -> Bool {
        while entries + 1 > limits.maxEntries || bytes + id.byteCount > limits.maxBytes {
            if let first = order.first, first.expires <= now {
                forgetOldest()
            } else if claims.dropLapsed(now: now) {
                continue
            } else if limits.whenFull == .evictOldest, !order.isEmpty {
                if forgetOldest() { evicted += 1 }
            } else {
                return false
            }
        }
        return true
    }

    /// True if a mark went, false if only an earlier entry of one that was renewed.
    @discardableResult
    private mutating func forgetOldest() -> Bool {
        guard let first = order.popFirst(), marks[first.id] == first.expires else { return false }
        marks[first.id] = nil
        markBytes -= first.id.byteCount
        return true
    }
}
