import SpillwayCache
import Testing

@Suite("Leases: FAILURES.md 25, 28, 30, 34 to 37, 42")
struct LeaseTests {
    let time = ManualTime()
    let cache: LocalCache<String, Int>

    init() {
        cache = makeCache(time: time)
    }

    @Test("a fill is served with its version")
    func fill() throws {
        #expect(cache.fill(try cache.lease("a"), 7, version: version(1)) == .accepted)
        #expect(cache.cached("a") == Versioned(7, version: version(1)))
    }

    @Test("25: a reader that read before the commit can't fill after the invalidation")
    func readBeforeCommit() throws {
        let lease = try cache.lease("a")
        cache.invalidate("a", version: version(2))
        #expect(cache.fill(lease, 1, version: version(1)) == .revoked)
        #expect(cache.cached("a") == nil)
    }

    @Test("25: the same where the writer writes through and the key is not cached")
    func readBeforeUpdate() throws {
        let lease = try cache.lease("a")
        cache.update("a", 2, version: version(2))
        #expect(cache.fill(lease, 1, version: version(1)) == .revoked)
        #expect(cache.cached("a") == nil)
    }

    @Test("25: a batch of updates revokes too")
    func readBeforeBatch() throws {
        let leases = [try cache.lease("a"), try cache.lease("b")]
        cache.updateAll([CacheChange(key: "a", value: 2, version: version(2))])
        #expect(cache.fill(leases[0], 1, version: version(1)) == .revoked)
        #expect(cache.fill(leases[1], 1, version: version(1)) == .accepted)
    }

    @Test("28: a placeholder read before an insert is refused, with and without its lease")
    func placeholderAfterInsert() throws {
        let early = try cache.lease("a")
        cache.invalidate("a", version: version(2))
        #expect(cache.fill(early, nil, version: version(1)) == .revoked)
        #expect(cache.fill(try cache.lease("a"), nil, version: version(1)) == .older)
        #expect(cache.cached("a") == nil)
    }

    @Test("28: a placeholder never replaces a value of its version, a newer one does")
    func placeholderOverValue() throws {
        let leases = [try cache.lease("a"), try cache.lease("a"), try cache.lease("a")]
        #expect(cache.fill(leases[0], 5, version: version(3)) == .accepted)
        #expect(cache.fill(leases[1], nil, version: version(3)) == .placeholder)
        #expect(cache.fill(leases[1], nil, version: version(2)) == .older)
        #expect(cache.cached("a")?.value == 5)
        #expect(cache.fill(leases[2], nil, version: version(4)) == .accepted)
        #expect(cache.cached("a") == Versioned(nil, version: version(4)))
    }

    @Test("30: a lease holder that slept can't replace what the next one filled")
    func sleepingHolder() throws {
        let sleeper = try cache.lease("a")
        let next = try cache.lease("a")
        #expect(cache.fill(next, 2, version: version(2)) == .accepted)
        time.advance(by: .seconds(3_600))
        #expect(cache.fill(sleeper, 1, version: version(1)) == .older)
    }

    @Test("30: nor after that fill expired and was forgotten")
    func sleepingHolderAfterExpiry() throws {
        let sleeper = try cache.lease("a")
        #expect(cache.fill(try cache.lease("a"), 2, version: version(2)) == .accepted)
        time.advance(by: .seconds(3_600))
        #expect(cache.cached("a") == nil)
        #expect(cache.fill(sleeper, 1, version: version(1)) == .revoked)
    }

    @Test("30: nor after that fill was evicted")
    func sleepingHolderAfterEviction() throws {
        let cache = makeCache(bytes: 64 << 10)
        let sleeper = try cache.lease("a")
        #expect(cache.fill(try cache.lease("a"), 2, version: version(2)) == .accepted)
        for number in 0..<2_000 { cache.fill(try cache.lease("k\(number)"), 0, version: version(1)) }
        #expect(cache.cached("a") == nil)
        #expect(cache.fill(sleeper, 1, version: version(1)) == .revoked)
    }

    @Test("34: an invalidation before the commit does not bind; the one after it heals")
    func invalidatedBeforeCommit() throws {
        cache.invalidate("a", version: .absent)
        #expect(cache.fill(try cache.lease("a"), 1, version: version(1)) == .accepted)
        cache.invalidate("a", version: version(2))
        #expect(cache.cached("a") == nil)
    }

    @Test("35: a reader of a lagging replica can't fill what is older than the delete")
    func laggingReplica() throws {
        cache.fill(try cache.lease("a"), 1, version: version(1))
        cache.invalidate("a", version: version(2))
        #expect(cache.fill(try cache.lease("a"), 1, version: version(1)) == .older)
        #expect(cache.fill(try cache.lease("a"), 2, version: version(2)) == .accepted)
        #expect(cache.cached("a") == Versioned(2, version: version(2)))
    }

    @Test("35: an invalidation without a version keeps the one that was cached")
    func invalidationWithoutVersion() throws {
        cache.fill(try cache.lease("a"), 3, version: version(3))
        cache.invalidate("a", version: .absent)
        #expect(cache.fill(try cache.lease("a"), 2, version: version(2)) == .older)
        #expect(cache.fill(try cache.lease("a"), 3, version: version(3)) == .accepted)
    }

    @Test("35: an update raises the version that an invalidation left behind")
    func updateOfTombstone() throws {
        cache.invalidate("a", version: version(2))
        cache.update("a", 5, version: version(5))
        #expect(cache.cached("a") == nil)
        #expect(cache.fill(try cache.lease("a"), 4, version: version(4)) == .older)
    }

    @Test("35: the version outlives a value that was filled after the delete and evicted")
    func tombstoneUnderEvictedValue() throws {
        let cache = makeCache(bytes: 64 << 10)
        cache.invalidate("a", version: version(2))
        #expect(cache.fill(try cache.lease("a"), 2, version: version(2)) == .accepted)
        for number in 0..<2_000 { cache.fill(try cache.lease("k\(number)"), 0, version: version(1)) }
        #expect(cache.cached("a") == nil)
        #expect(cache.fill(try cache.lease("a"), 1, version: version(1)) == .older)
    }

    @Test("36: a fill that comes after the tombstone expired is refused")
    func fillAfterTombstone() throws {
        cache.invalidate("a", version: version(2))
        let lease = try cache.lease("a")
        time.advance(by: .seconds(61))
        // Its own key is looked at again, and others push expired tombstones out.
        for number in 0..<10 { cache.invalidate("k\(number)", version: version(1)) }
        _ = try cache.lease("a")
        #expect(cache.fill(lease, 1, version: version(1)) == .revoked)
        #expect(cache.fill(try cache.lease("a"), 1, version: version(1)) == .accepted)
    }

    @Test("36: a storm of invalidations that pushes tombstones out early leaves a floor for the rest of their time")
    func tombstoneStorm() throws {
        let cache = makeCache(bytes: 64 << 10, time: time)
        cache.invalidate("a", version: version(500))
        for number in 0..<1_000 { cache.invalidate("k\(number)", version: version(9)) }
        #expect(cache.statistics().tombstones < 200)
        #expect(cache.fill(try cache.lease("a"), 1, version: version(499)) == .older)
        time.advance(by: .seconds(61))
        #expect(cache.fill(try cache.lease("a"), 1, version: version(499)) == .accepted)
    }

    @Test("37: a change feed that repeats A B A B C is never visibly backwards and ends at C")
    func repeatedFeed() throws {
        cache.fill(try cache.lease("a"), 1, version: version(1))
        var seen: [Int] = []
        for step in [1, 2, 1, 2, 3] {
            cache.update("a", step, version: version(UInt64(step)))
            seen.append(try #require(cache.cached("a")?.value))
        }
        #expect(seen == [1, 2, 2, 2, 3])
        for step: UInt64 in [1, 2, 3] { cache.invalidate("a", version: version(step)) }
        #expect(cache.cached("a")?.value == 3)
    }

    @Test("42: a reply that was on its way when the invalidation came is not cached")
    func replyAfterInvalidation() throws {
        let lease = try cache.lease("a")
        cache.invalidate("a", version: .absent)
        #expect(cache.fill(lease, 1, version: version(1)) == .revoked)
    }

    @Test("a newer epoch wins whatever the positions")
    func epochs() throws {
        cache.fill(try cache.lease("a"), 1, version: version(900, epoch: 1))
        cache.update("a", 2, version: version(1, epoch: 2))
        cache.update("a", 3, version: version(901, epoch: 1))
        #expect(cache.cached("a") == Versioned(2, version: version(1, epoch: 2)))
    }
}
