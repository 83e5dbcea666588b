public import Spillway
public import SpillwayCore
internal import Synchronization

/// A `Deduplicator` in the embedded database: marks survive a restart and a power loss.
///
/// A mark is synced when `complete` returns; all completions that come while a sync runs share the next one. Claims are
/// kept in memory only: whoever held one ended with the process, so after a restart every event that is not marked may
/// begin at once. Their numbers grow over restarts all the same, so that an effect of a process that was thought dead can
/// be refused. Marks that have expired are removed along with new ones, two for each and a few more, found without
/// looking at the rest.
///
/// Marks expire by the wall clock, as they outlive the process: set back, it makes them live longer.
///
/// ```swift
/// let store = try RocksDeduplicator(database)                 // blocks: makes its column family
/// switch try await store.begin(EventID(scope: scope, id: id)) { … }
/// await store.close()                                         // before the database is closed
/// ```
public final class RocksDeduplicator: Deduplicator {
    /// The column family's name if none is given.
    public static let defaultName = "handled"

    private struct State {
        var claims: ClaimTable
        var stored: MarkSize
        var evicted = 0
        /// Calls that may read the database or write to it.
        var calls = 0
        var isClosed = false
        /// Those who close it, until the last call has ended.
        var closers: [CheckedContinuation<Void, Never>] = []

        var entries: Int { stored.entries + claims.count }
        var bytes: Int { stored.bytes + claims.bytes }
    }

    /// Marks that wait for the next write.
    private final class Waiting: Sendable {
        let claims: [EventClaim]
        let outcome = Mutex<Result<Void, any Error>?>(nil)

        init(_ claims: [EventClaim]) { self.claims = claims }
    }

    /// What came of trying to claim ids.
    private struct Entered {
        var claims: [(place: Int, claim: EventClaim)] = []
        var crowded: [Int] = []
    }

    private let limits: DeduplicatorLimits
    private let timeSource: any TimeSource
    private let marks: MarkTable
    private let state: Mutex<State>
    private let waiting = Mutex<[Waiting]>([])
    /// One thread: what it writes follows each other, and so what it counts is right.
    private let writes = BlockingExecutor(name: "deduplicator", threads: 1)
    private let lookups = BlockingExecutor(name: "dedup-lookup", threads: 1)
    private let writeCount = Atomic<Int>(0)
    private let beforeLook: (@Sendable () async -> Void)?

    /// Opens the store; makes its column family if it is not there, and notes above which number its claims are numbered.
    /// Blocks.
    ///
    /// - Parameters:
    ///   - name: the column family's; of two stores in one database each has its own. What a family of another name than
    ///     the default one is opened with after a restart, ``Database/Configuration/familiesIfThere`` says.
    /// - Throws: `DeduplicatorError` with `invalidConfiguration`; `DatabaseError`.
    public convenience init(
        _ database: Database, name: String = RocksDeduplicator.defaultName,
        limits: DeduplicatorLimits = DeduplicatorLimits(),
        timeSource: any TimeSource = SystemTimeSource()
    ) throws {
        try self.init(database, name: name, limits: limits, timeSource: timeSource, beforeLook: nil)
    }

    /// Opens the store for a test, which is called by each `begin` between its claims and its look at the database.
    init(
        _ database: Database, name: String = RocksDeduplicator.defaultName,
        limits: DeduplicatorLimits = DeduplicatorLimits(),
        timeSource: any TimeSource = SystemTimeSource(), beforeLook: (@Sendable () async -> Void)?
    ) throws {
        try limits.validate()
        self.limits = limits
        self.timeSource = timeSource
        self.beforeLook = beforeLook
        marks = try MarkTable(database, name: name)
        let begin = try marks.beginClaims(nowMs: timeSource.wallMilliseconds())
        state = Mutex(
            State(claims: ClaimTable(lease: limits.claimLease, above: begin), stored: try marks.loadSize()))
    }

    /// Refuses new calls, waits for those that have begun, and ends the store's threads. The database stays open.
    public func close() async {
        await withCheckedContinuation { closer in
            let isIdle = state.withLock { state in
                state.isClosed = true
                if state.calls > 0 { state.closers.append(closer) }
                return state.calls == 0
            }
            if isIdle { closer.resume() }
        }
        // Joining blocks, and the caller's thread may be one of the pool.
        await NativeThread.run(name: "dedup-close") { [writes, lookups] in
            writes.shutdown()
            lookups.shutdown()
        }
    }

    /// Begins a call that uses the database, unless the store is closed.
    private func startCall() throws {
        try state.withLock { state in
            guard !state.isClosed else { throw DeduplicatorError(.closed, "the store is closed", isRetriable: false) }
            state.calls += 1
        }
    }

    private func endCall() {
        let closers = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.calls -= 1
            guard state.calls == 0 else { return [] }
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    /// What the store holds.
    public var figures: DeduplicatorFigures {
        state.withLock { state in
            DeduplicatorFigures(
                entries: state.entries, bytes: state.bytes, claims: state.claims.count, evicted: state.evicted)
        }
    }

    /// How many writes with marks there were, each with one sync.
    var markWrites: Int { writeCount.load(ordering: .relaxed) }

    // MARK: Beginning

    /// Asks for ids in one go.
    public func begin(_ ids: [EventID]) async throws -> [DeduplicationAnswer] {
        for id in ids { try id.validate() }
        try startCall()
        defer { endCall() }
        var answers = [DeduplicationAnswer](repeating: .full, count: ids.count)
        var claimed: [EventClaim] = []
        do {
            var open = Array(ids.indices)
            for mayMakeRoom in [true, false] {
                let entered = enter(open, ids, &answers)
                claimed += entered.claims.map(\.claim)
                await beforeLook?()
                // The claim comes before the look: whoever marks the id after the look must have held it.
                for (claim, isMarked) in zip(entered.claims, try await areMarked(entered.claims.map(\.claim.id))) {
                    answers[claim.place] = isMarked ? .duplicate : .first(claim.claim)
                    if isMarked { state.withLock { $0.claims.abandon(claim.claim) } }
                }
                let known = try await areMarked(entered.crowded.map { ids[$0] })
                for (place, isMarked) in zip(entered.crowded, known) where isMarked { answers[place] = .duplicate }
                open = zip(entered.crowded, known).filter { !$0.1 }.map(\.0)
                if open.isEmpty || !mayMakeRoom { break }
                try await makeRoom(for: open.map { ids[$0] })
            }
        } catch {
            await abandon(claimed)
            throw Self.failure(error)
        }
        if ids.count > 1 { Self.answerRepeats(ids, &answers) }
        return answers
    }

    /// An id that stands twice in a list was claimed by itself when it was looked at again.
    private static func answerRepeats(_ ids: [EventID], _ answers: inout [DeduplicationAnswer]) {
        let held = answers.indices.filter { if case .inProgress = answers[$0] { true } else { false } }
        if held.isEmpty { return }
        let marked = Set(answers.indices.filter { answers[$0] == .duplicate }.map { ids[$0] })
        for place in held where marked.contains(ids[place]) { answers[place] = .duplicate }
    }

    private func enter(
        _ places: [Int], _ ids: [EventID], _ answers: inout [DeduplicationAnswer]
    ) -> Entered {
        let now = timeSource.now()
        return state.withLock { state in
            var entered = Entered()
            for place in places {
                let id = ids[place]
                if let rest = state.claims.held(id, now: now) {
                    answers[place] = .inProgress(leaseEndsIn: rest)
                } else if state.claims.hasEntry(id) || hasRoom(for: id, &state, now) {
                    entered.claims.append((place, state.claims.claim(id, now: now)))
                } else {
                    entered.crowded.append(place)
                }
            }
            return entered
        }
    }

    private func hasRoom(for id: EventID, _ state: inout State, _ now: MonotonicInstant) -> Bool {
        while state.entries + 1 > limits.maxEntries || state.bytes + id.byteCount > limits.maxBytes {
            guard state.claims.dropLapsed(now: now) else { return false }
        }
        return true
    }

    private func areMarked(_ ids: [EventID]) async throws -> [Bool] {
        if ids.isEmpty { return [] }
        let (marks, nowMs) = (marks, timeSource.wallMilliseconds())
        do {
            return try marks.areMarked(ids, nowMs: nowMs, tier: .cacheOnly)
        } catch let error as DatabaseError where error.code == .incomplete {
            // Something is on the disk: not on the caller's thread, which may be an event loop.
            return try await lookups.run { try marks.areMarked(ids, nowMs: nowMs, tier: .all) }
        }
    }

    /// Removes what has expired, up to a bound, and if it may the oldest of what has not.
    private func makeRoom(for ids: [EventID]) async throws {
        let needed = MarkSize(entries: ids.count, bytes: ids.reduce(0) { $0 + $1.byteCount })
        try await writes.run { [self] in
            let lacking = state.withLock { state in
                MarkSize(
                    entries: state.entries + needed.entries - limits.maxEntries,
                    bytes: state.bytes + needed.bytes - limits.maxBytes)
            }
            if lacking.entries <= 0 && lacking.bytes <= 0 { return }
            // Not synced: what a power loss brings back has expired, or is evicted again.
            try write(
                [], expiredAtMost: max(1_024, 10 * ids.count),
                evicting: limits.whenFull == .evictOldest ? lacking : MarkSize())
        }
    }

    // MARK: Ending

    /// Marks events as handled; the marks are synced on return.
    public func complete(_ claims: [EventClaim]) async throws -> [Bool] {
        try startCall()
        defer { endCall() }
        let accepted = state.withLock { state in claims.map { state.claims.startCompleting($0) } }
        let own = zip(claims, accepted).filter(\.1).map(\.0)
        if own.isEmpty { return accepted }
        let entry = Waiting(own)
        waiting.withLock { $0.append(entry) }
        // Calls run one after the other, and each writes all that waits: after this one the entry has been written, by it
        // or by an earlier one.
        do {
            try await writes.run { [self] in writeWaiting() }
            try entry.outcome.withLock { $0 }?.get()
        } catch { throw Self.failure(error) }
        return accepted
    }

    /// Gives claims back.
    public func abandon(_ claims: [EventClaim]) async {
        state.withLock { state in
            for claim in claims { state.claims.abandon(claim) }
        }
    }

    private func writeWaiting() {
        let entries = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        if entries.isEmpty { return }
        let claims = entries.flatMap(\.claims)
        let outcome = Result { try write(claims, expiredAtMost: 2 * claims.count + 16) }
        if case .failure = outcome {
            state.withLock { state in
                for claim in claims { state.claims.completionFailed(claim) }
            }
        }
        for entry in entries { entry.outcome.withLock { $0 = outcome } }
    }

    /// On the writing thread only.
    private func write(_ claims: [EventClaim], expiredAtMost: Int, evicting: MarkSize = MarkSize()) throws {
        let nowMs = timeSource.wallMilliseconds()
        let lifetimeMs = limits.lifetime.wholeNanoseconds / 1_000_000
        let (expiresAtMs, overflow) = nowMs.addingReportingOverflow(max(1, lifetimeMs))
        let written = try marks.write(
            .init(
                marks: claims.map(\.id), nowMs: nowMs, expiresAtMs: overflow ? .max : max(0, expiresAtMs),
                expiredAtMost: expiredAtMost, evicting: evicting, size: state.withLock { $0.stored },
                syncs: !claims.isEmpty))
        if !claims.isEmpty { writeCount.add(1, ordering: .relaxed) }
        state.withLock { state in
            state.stored = written.size
            state.evicted += written.evicted
            for claim in claims { state.claims.completed(claim) }
        }
    }

    private static func failure(_ error: any Error) -> any Error {
        if error is DeduplicatorError { return error }
        return DeduplicatorError(.failed, "the store of handled events failed: \(error)", cause: error)
    }
}
