internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// Deduplication tokens: those in flight in memory, those that are durable in a family of their own.
///
/// A token is in flight from the first look for it until its message is durable or refused; whoever comes with the same
/// token meanwhile waits for that. Only the first one looks into the database.
final class DeduplicationTable: Sendable {
    static let family = "deduplication"

    private struct Key: Hashable {
        var scope: [UInt8]
        var token: [UInt8]
    }

    @safe private struct InFlight {
        var fingerprint: UInt64
        /// The stored counter of its scope has it.
        var isCounted = false
        var waiters: [TokenWaiter] = []
    }

    private struct State {
        var inFlight: [Key: InFlight] = [:]
        /// How many in flight the stored counters don't have.
        var uncounted: [[UInt8]: Int] = [:]

        mutating func change(_ scope: [UInt8], by change: Int) {
            let count = uncounted[scope, default: 0] + change
            uncounted[scope] = count == 0 ? nil : count
        }

        mutating func setCounted(_ key: Key, _ isCounted: Bool) {
            guard let before = inFlight[key]?.isCounted, before != isCounted else { return }
            inFlight[key]?.isCounted = isCounted
            change(key.scope, by: isCounted ? -1 : 1)
        }
    }

    private let database: Database
    private let family: ColumnFamily
    private let lookups: BlockingExecutor
    private let state = Mutex(State())
    /// Held from reading a scope's counter to writing it. The tokens that were written since a removal began to look at
    /// them; `nil` while there is none.
    private let counters = Mutex<Set<[UInt8]>?>(nil)
    /// Held from looking for tokens whose life is over to their removal: two who found the same ones would count them
    /// twice. Apart from the counters, for which the log's writer would have to wait while a removal reads the disk.
    private let removal = Mutex<Void>(())
    private let floor = Mutex(ExpiryFloor())
    private let afterLook: (@Sendable () throws -> Void)?

    /// - Parameter afterLook: for tests: called by each removal between its look at the tokens and their removal.
    init(_ database: Database, lookups: BlockingExecutor, afterLook: (@Sendable () throws -> Void)? = nil) throws {
        self.database = database
        self.lookups = lookups
        self.afterLook = afterLook
        family = try database.ensureFamily(Self.options)
    }

    /// What the family is opened with.
    static var options: ColumnFamily.Options {
        var options = ColumnFamily.Options(name: Self.family)
        options.writeBufferBytes = 16 << 20
        return options
    }

    private enum Entry {
        case first
        case duplicate([SendReceipt])
        case firstFailed
        case mismatch
    }

    /// Sends so many messages unless the token has been used; concurrent calls with one token wait for the first.
    ///
    /// - Returns: as many receipts.
    func send(
        _ deduplication: Deduplication, _ count: Int, to log: TopicLog, _ body: () async throws -> [SendReceipt]
    ) async throws -> [SendReceipt] {
        let key = Key(scope: deduplication.scope, token: deduplication.token)
        while true {
            switch await enter(key, deduplication.fingerprint) {
            case .mismatch: throw Self.mismatch
            case .duplicate(let receipts): return try Self.require(count, receipts)
            case .firstFailed: continue
            case .first: break
            }
            let earlier: [SendReceipt]
            do {
                guard let found = try await lookUp(deduplication, log) else {
                    let receipts = try await body()
                    leave(key, receipts.map(Self.duplicate))
                    return receipts
                }
                earlier = found
            } catch {
                leave(key, nil)
                throw error
            }
            leave(key, earlier)
            return try Self.require(count, earlier)
        }
    }

    private static let mismatch = BrokerError(
        .deduplicationMismatch, "this deduplication token was used for another request")

    /// Fingerprints can be equal by chance, or by intent; a receipt for each message is what callers rely on.
    private static func require(_ count: Int, _ receipts: [SendReceipt]) throws -> [SendReceipt] {
        guard receipts.count == count else { throw mismatch }
        return receipts
    }

    private static func duplicate(_ receipt: SendReceipt) -> SendReceipt {
        var receipt = receipt
        receipt.isDuplicate = true
        return receipt
    }

    private func enter(_ key: Key, _ fingerprint: UInt64) async -> Entry {
        let entry: Entry? = state.withLock { state in
            guard let found = state.inFlight[key] else {
                state.inFlight[key] = InFlight(fingerprint: fingerprint)
                state.change(key.scope, by: 1)
                return .first
            }
            return found.fingerprint == fingerprint ? nil : .mismatch
        }
        if let entry { return entry }
        let receipts = unsafe await withUnsafeContinuation {
            (continuation: UnsafeContinuation<[SendReceipt]?, Never>) in
            let waits = state.withLock { state in
                guard state.inFlight[key]?.fingerprint == fingerprint else { return false }
                unsafe state.inFlight[key]?.waiters.append(TokenWaiter(continuation))
                return true
            }
            // The first one has finished in between: look again.
            if !waits { unsafe continuation.resume(returning: nil) }
        }
        return receipts.map { .duplicate($0) } ?? .firstFailed
    }

    private func leave(_ key: Key, _ receipts: [SendReceipt]?) {
        let waiters = state.withLock { state in
            state.setCounted(key, true)
            return state.inFlight.removeValue(forKey: key)?.waiters ?? []
        }
        for waiter in waiters { waiter.resume(receipts) }
    }

    /// The first one's receipts if the token is stored and alive; checks the quota if not.
    private func lookUp(_ deduplication: Deduplication, _ log: TopicLog) async throws -> [SendReceipt]? {
        do {
            do {
                return try check(deduplication, log, tier: .cacheOnly)
            } catch let error as DatabaseError where error.code == .incomplete {
                // Something is on the disk: not on the caller's thread, which may be an event loop.
                return try await lookups.runUnlessClosed { try self.check(deduplication, log, tier: .all) }
            }
        } catch let error as BrokerError where error.code == .deduplicationQuota {
            // Tokens whose life is over count until they are removed.
            return try await lookups.runUnlessClosed {
                while try self.removeExpired() > 0 {}
                return try self.check(deduplication, log, tier: .all)
            }
        }
    }

    private func check(
        _ deduplication: Deduplication, _ log: TopicLog, tier: Database.ReadTier
    ) throws -> [SendReceipt]? {
        let options = Database.ReadOptions(tier: tier)
        let key = TokenEncoding.tokenKey(deduplication.scope, deduplication.token)
        if let value = try database.get(family, key, options: options) {
            let stored = try TokenEncoding.parse(value)
            if stored.expiresAtMs > wallMilliseconds() {
                guard stored.fingerprint == deduplication.fingerprint else { throw Self.mismatch }
                return stored.partitions.enumerated().map { index, partition in
                    Self.duplicate(log.receipt(partition, stored.epoch, stored.sequence + UInt64(index)))
                }
            }
        }
        // In this order: one that is being written meanwhile counts once or not at all, but never twice.
        let stored = try count(of: deduplication.scope, options)
        let live = stored + state.withLock { $0.uncounted[deduplication.scope] ?? 0 }
        guard live <= deduplication.quota else {
            throw BrokerError(
                .deduplicationQuota, "this scope has \(deduplication.quota) live deduplication tokens, its limit",
                isRetriable: true)
        }
        return nil
    }

    private func count(of scope: [UInt8], _ options: Database.ReadOptions = .init()) throws -> Int {
        let value = try database.get(family, TokenEncoding.counterKey(scope), options: options) ?? []
        return value.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private func put(count: Int, of scope: [UInt8], _ batch: WriteBatch) {
        let key = TokenEncoding.counterKey(scope)
        if count <= 0 {
            batch.delete(family, key)
        } else {
            batch.put(family, key, (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
        }
    }

    /// Runs the body, which writes the batch, while no one else changes the counters of scopes.
    func write(
        _ tokens: [(write: TokenWrite, epoch: UInt64, base: UInt64)], into batch: WriteBatch, _ body: () throws -> Void
    ) throws {
        if tokens.isEmpty { return try body() }
        try counters.withLock { writtenSince in
            var added: [[UInt8]: Int] = [:]
            for (write, epoch, base) in tokens {
                let key = TokenEncoding.tokenKey(write.scope, write.token)
                writtenSince?.insert(key)
                batch.put(family, key, TokenEncoding.value(write, epoch: epoch, base: base))
                batch.put(family, TokenEncoding.expiryKey(write.expiresAtMs, write.scope, write.token), [])
                added[write.scope, default: 0] += 1
            }
            for (scope, more) in added { put(count: try count(of: scope) + more, of: scope, batch) }
            setCounted(tokens.map(\.write), true)
            do { try body() } catch {
                setCounted(tokens.map(\.write), false)
                throw error
            }
        }
        // Not before: a walk that begins in between would not find them, and leave the floor above them.
        let least = tokens.lazy.map(\.write.expiresAtMs).min() ?? .max
        floor.withLock { $0.added(expiringAtMs: least) }
    }

    private func setCounted(_ tokens: [TokenWrite], _ areCounted: Bool) {
        state.withLock { state in
            for token in tokens { state.setCounted(Key(scope: token.scope, token: token.token), areCounted) }
        }
    }

    /// Removes tokens whose life is over, at most so many; returns how many it removed. Blocks.
    func removeExpired(atMost limit: Int = 200, now: Int64 = wallMilliseconds()) throws -> Int {
        try removal.withLock { _ in
            let from = floor.withLock { $0.beginWalk() }
            let expired = try expiryKeys(from: from, upTo: now, atMost: limit)
            guard let last = expired.last else { return 0 }
            try remove(expired)
            floor.withLock { $0.removed(upTo: last) }
            return expired.count
        }
    }

    private func expiryKeys(from lower: [UInt8], upTo now: Int64, atMost limit: Int) throws -> [[UInt8]] {
        let end = [TokenEncoding.expiry] + Opening.bigEndian(UInt64(max(0, now)) + 1)
        guard lower.lexicographicallyPrecedes(end) else { return [] }
        let walk = database.iterator(family, .init(lower: lower, upper: end))
        var expired: [[UInt8]] = []
        walk.seekToFirst()
        while walk.isValid, expired.count < limit {
            expired.append(walk.key)
            walk.next()
        }
        try walk.check()
        return expired
    }

    private func remove(_ expired: [[UInt8]]) throws {
        counters.withLock { $0 = [] }
        defer { counters.withLock { $0 = nil } }
        let found = try lookAtTokens(of: expired)
        try afterLook?()
        try counters.withLock { writtenSince in
            let batch = WriteBatch()
            for key in expired { batch.delete(family, key) }
            for token in found.over where writtenSince?.contains(token) != true { batch.delete(family, token) }
            for (scope, fewer) in found.removed { put(count: try count(of: scope) - fewer, of: scope, batch) }
            try database.write(batch, mayUseReserve: true)
        }
    }

    /// The tokens of these expiries whose life is over, and how many expiries each scope has among them. Reads the scopes'
    /// counters too, so that whoever holds their lock finds them in memory.
    private func lookAtTokens(of expired: [[UInt8]]) throws -> (over: [[UInt8]], removed: [[UInt8]: Int]) {
        let parsed = expired.compactMap { TokenEncoding.parseExpiry($0) }
        var removed: [[UInt8]: Int] = [:]
        for expiry in parsed { removed[expiry.scope, default: 0] += 1 }
        let tokens = parsed.map { TokenEncoding.tokenKey($0.scope, $0.token) }
        let values = try database.multiGet(family, tokens + removed.keys.map { TokenEncoding.counterKey($0) })
        var over: [[UInt8]] = []
        for ((expiry, token), value) in zip(zip(parsed, tokens), values) {
            // The token may have been used again, with a later end.
            guard let value, try TokenEncoding.parse(value).expiresAtMs <= expiry.at else { continue }
            over.append(token)
        }
        return (over, removed)
    }
}

/// A send that waits for the first one with its token; resumed exactly once, by whoever takes it out of the table.
@safe private struct TokenWaiter: Sendable {
    private let continuation: UnsafeContinuation<[SendReceipt]?, Never>

    init(_ continuation: UnsafeContinuation<[SendReceipt]?, Never>) { unsafe self.continuation = continuation }

    func resume(_ receipts: [SendReceipt]?) { unsafe continuation.resume(returning: receipts) }
}
