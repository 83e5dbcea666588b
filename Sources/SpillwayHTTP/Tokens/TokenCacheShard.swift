import Glibc

/// The entries of one shard of a ``TokenCache``: a table by hash, and a queue that decides who goes when it is full.
///
/// The queue is CLOCK (Corbató, 1968) as a first-in-first-out queue with a second chance: an entry that was used since
/// it came up last goes to the end once more. Two tokens with the same 64-bit hash replace each other, which costs a
/// verification and is never wrong, since a hit compares all bytes.
struct TokenCacheShard {
    private struct Entry {
        let token: [UInt8]
        let principal: Principal
        let bytes: Int
        var wasUsed = false
    }

    /// So many entries in a row may stay for one more round; the next one goes even if it was used, so that an
    /// insertion never has to walk through all of them under the lock.
    private static let secondChancesInARow = 64

    private let tokenLimit: Int
    private let byteLimit: Int
    private var entries: [UInt64: Entry] = [:]
    /// The hashes in the order of their coming up; what lies before `queueStart` is gone. An expired entry leaves its
    /// hash behind, which is skipped when it comes up.
    private var queue: [UInt64] = []
    private var queueStart = 0
    /// What the entries take, by estimate.
    private(set) var bytes = 0
    /// How often everything was forgotten.
    private(set) var generation: UInt64 = 0

    init(tokenLimit: Int, byteLimit: Int) {
        self.tokenLimit = tokenLimit
        self.byteLimit = byteLimit
    }

    /// How many tokens are held.
    var count: Int { entries.count }

    mutating func principal(for token: Span<UInt8>, hash: UInt64, nowMs: Int64) -> Principal? {
        guard let index = entries.index(forKey: hash) else { return nil }
        let entry = entries.values[index]
        guard entry.token.span.hasSameBytes(as: token) else { return nil }
        guard nowMs < entry.principal.expiresAtMs else {
            remove(hash)
            return nil
        }
        if !entry.wasUsed { entries.values[index].wasUsed = true }
        return entry.principal
    }

    mutating func insert(_ token: [UInt8], principal: Principal, hash: UInt64, nowMs: Int64) {
        let cost = Self.cost(of: token, principal)
        guard nowMs < principal.expiresAtMs, cost <= byteLimit, tokenLimit > 0 else { return }
        if let old = entries[hash] {
            // Its hash keeps its place in the queue.
            bytes -= old.bytes
        } else {
            queue.append(hash)
        }
        entries[hash] = Entry(token: token, principal: principal, bytes: cost)
        bytes += cost
        var chances = Self.secondChancesInARow
        while entries.count > tokenLimit || bytes > byteLimit || queue.count - queueStart > 2 * entries.count + 64 {
            chances = evictOne(nowMs: nowMs, chances: chances)
        }
    }

    mutating func removeAll() {
        entries = [:]
        queue = []
        queueStart = 0
        bytes = 0
        generation += 1
    }

    /// Takes the next hash from the queue and removes its entry, or lets it stay for one more round if there are
    /// chances; returns how many are left.
    private mutating func evictOne(nowMs: Int64, chances: Int) -> Int {
        var chances = chances
        let hash = queue[queueStart]
        queueStart += 1
        if let index = entries.index(forKey: hash) {
            if chances > 0, entries.values[index].wasUsed, nowMs < entries.values[index].principal.expiresAtMs {
                entries.values[index].wasUsed = false
                queue.append(hash)
                chances -= 1
            } else {
                remove(hash)
                chances = Self.secondChancesInARow
            }
        }
        // Each element is moved once for at least as many that were taken out.
        if queueStart >= 1024, queueStart * 2 >= queue.count {
            queue.removeFirst(queueStart)
            queueStart = 0
        }
        return chances
    }

    private mutating func remove(_ hash: UInt64) {
        if let entry = entries.removeValue(forKey: hash) { bytes -= entry.bytes }
    }

    private static func cost(of token: [UInt8], _ principal: Principal) -> Int {
        // Texts of up to 15 bytes need no allocation of their own.
        principal.scopes.reduce(TokenCache.bytesBesidesToken + token.count + principal.subject.utf8.count) {
            $0 + 32 + $1.utf8.count
        }
    }
}

extension Span<UInt8> {
    /// Whether both are equal, by memcmp.
    func hasSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        // Both buffers have this many bytes and live for the call.
        return unsafe withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { theirs in
                unsafe count == 0 || memcmp(mine.baseAddress!, theirs.baseAddress!, count) == 0
            }
        }
    }
}
