internal import Spillway
internal import Synchronization

/// How many marks there are, and what they count for.
struct MarkSize: Equatable, Sendable {
    var entries = 0
    var bytes = 0
}

/// The marks of handled events, in a column family of their own.
///
/// `t`, varint length of the scope, scope, id: when it expires, in ms since 1970 (8, big endian). `e`, when it expires (8,
/// big endian), scope and id as above: nothing. `n`: entries and bytes (8 and 8, big endian). `c`: above which number
/// claims were numbered since the last opening (8, big endian). For each `t` there is exactly one `e` and the other way
/// round, so the oldest marks are found, and removed, without looking at any other.
///
/// Reads may come from any thread; ``write(_:)`` from one at a time.
final class MarkTable: Sendable {
    /// What one write does.
    struct Change {
        /// New marks.
        var marks: [EventID] = []
        var nowMs: Int64
        var expiresAtMs: Int64
        /// How many marks that have expired are removed at most.
        var expiredAtMost: Int
        /// What has not expired is removed too, the oldest first, until so much has gone in all.
        var evicting = MarkSize()
        /// What is stored before.
        var size: MarkSize
        var syncs: Bool
    }

    /// What a write has come to.
    struct Written {
        var size: MarkSize
        var removed = 0
        var evicted = 0
    }

    private static let countKey = TokenEncoding.counterKey([])
    private static let claimKey = [UInt8(ascii: "c")]

    private let database: Database
    private let family: ColumnFamily
    /// No `e` is below it: what lies there is the remains of removed ones, which a walk would have to step over.
    private let floor = Mutex<[UInt8]>([TokenEncoding.expiry])

    init(_ database: Database, name: String) throws {
        self.database = database
        family = try database.ensureFamily(Self.options(name))
    }

    /// What a family of marks is opened with.
    static func options(_ name: String) -> ColumnFamily.Options {
        var options = ColumnFamily.Options(name: name)
        options.writeBufferBytes = 16 << 20
        return options
    }

    /// What is stored.
    func loadSize() throws -> MarkSize {
        guard let value = try database.get(family, Self.countKey) else { return MarkSize() }
        let words = value.count == 16 ? [Self.word(value[..<8]), Self.word(value[8...])] : []
        guard words.count == 2, words.allSatisfy({ $0 < 1 << 60 }) else {
            throw DatabaseError(.corruption, "the count of marks is malformed")
        }
        return MarkSize(entries: Int(words[0]), bytes: Int(words[1]))
    }

    /// The number above which claims are numbered from now on. Blocks.
    ///
    /// Nobody gives a million million numbers before the next opening, nor a million in a millisecond; and until the year
    /// 2109 what comes of the clock leaves half of the numbers of a signed word free.
    func beginClaims(nowMs: Int64) throws -> UInt64 {
        let time = UInt64(min(max(0, nowMs), 1 << 42)) << 20
        return try database.beginCount(Self.claimKey, in: family, step: 1 << 40, time: time)
    }

    /// For each id whether it is marked and has not expired. Blocks, unless the tier is the cache.
    func areMarked(_ ids: [EventID], nowMs: Int64, tier: Database.ReadTier) throws -> [Bool] {
        let options = Database.ReadOptions(tier: tier)
        return try ids.map { id in
            let key = TokenEncoding.tokenKey(id.scope, id.id)
            guard let value = try database.get(family, key, options: options) else { return false }
            return try Self.expiry(value) > nowMs
        }
    }

    /// Removes old marks, adds new ones, and syncs if it is to. Blocks.
    func write(_ change: Change) throws -> Written {
        try floor.withLock { floor in
            let batch = WriteBatch()
            var written = Written(size: change.size)
            var next = floor
            let removed = try remove(change, into: batch, &written, &next)
            for id in change.marks {
                let added = try put(id, change, removed, into: batch, &written)
                // Only after the wall clock was set back.
                if added.lexicographicallyPrecedes(next) { next = added }
            }
            if !batch.isEmpty {
                let count =
                    Opening.bigEndian(UInt64(written.size.entries)) + Opening.bigEndian(UInt64(written.size.bytes))
                batch.put(family, Self.countKey, count)
                // What only removes may use the reserve: it makes room.
                try database.write(batch, sync: change.syncs, mayUseReserve: change.marks.isEmpty)
            }
            floor = next
            return written
        }
    }

    /// Returns the `t` keys that it removes.
    private func remove(
        _ change: Change, into batch: WriteBatch, _ written: inout Written, _ floor: inout [UInt8]
    ) throws -> Set<[UInt8]> {
        var removed: Set<[UInt8]> = []
        var freed = MarkSize()
        let walk = database.iterator(family, .init(lower: floor, upper: [TokenEncoding.expiry + 1]))
        walk.seekToFirst()
        while walk.isValid {
            let key = walk.key
            guard let (at, scope, id) = TokenEncoding.parseExpiry(key) else {
                throw DatabaseError(.corruption, "the expiry of a mark is malformed")
            }
            let bytes = EventID(scope: scope, id: id).byteCount
            if at <= change.nowMs {
                guard removed.count < change.expiredAtMost else { break }
            } else {
                let isEnough = freed.entries >= change.evicting.entries && freed.bytes >= change.evicting.bytes
                guard !isEnough else { break }
                written.evicted += 1
            }
            freed.entries += 1
            freed.bytes += bytes
            let token = TokenEncoding.tokenKey(scope, id)
            batch.delete(family, key)
            batch.delete(family, token)
            removed.insert(token)
            floor = key + [0]
            walk.next()
        }
        try walk.check()
        written.removed = removed.count
        // A count that were wrong would be wrong until the marks behind it expire; it ends nothing.
        written.size.entries = max(0, written.size.entries - freed.entries)
        written.size.bytes = max(0, written.size.bytes - freed.bytes)
        return removed
    }

    /// Returns the `e` key that it adds.
    private func put(
        _ id: EventID, _ change: Change, _ removed: Set<[UInt8]>, into batch: WriteBatch, _ written: inout Written
    ) throws -> [UInt8] {
        let token = TokenEncoding.tokenKey(id.scope, id.id)
        let expiry = TokenEncoding.expiryKey(change.expiresAtMs, id.scope, id.id)
        if !removed.contains(token), let earlier = try database.get(family, token) {
            // It has expired and was not removed yet: replaced.
            batch.delete(family, TokenEncoding.expiryKey(try Self.expiry(earlier), id.scope, id.id))
        } else {
            written.size.entries += 1
            written.size.bytes += id.byteCount
        }
        batch.put(family, token, Opening.bigEndian(UInt64(change.expiresAtMs)))
        batch.put(family, expiry, [])
        return expiry
    }

    private static func expiry(_ value: [UInt8]) throws -> Int64 {
        guard value.count == 8 else { throw DatabaseError(.corruption, "a mark is malformed") }
        return Int64(bitPattern: word(value[...]))
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
