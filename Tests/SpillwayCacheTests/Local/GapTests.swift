import SpillwayCache
import Testing

@Suite("A gap in the invalidations: FAILURES.md 41")
struct GapTests {
    @Test("41: removeAll drops every value and voids every lease")
    func everythingGoes() throws {
        let cache = makeCache(shards: 4)
        for number in 0..<100 { cache.fill(try cache.lease("k\(number)"), number, version: version(1)) }
        let early = try cache.lease("late")
        cache.removeAll()
        #expect((0..<100).allSatisfy { cache.cached("k\($0)") == nil })
        #expect(cache.fill(early, 1, version: version(1)) == .revoked)
        #expect(cache.statistics().entries == 0)
        #expect(cache.fill(try cache.lease("late"), 1, version: version(1)) == .accepted)
    }

    @Test("41: what an invalidation left behind survives")
    func tombstonesStay() throws {
        let cache = makeCache()
        cache.invalidate("a", version: version(5))
        cache.invalidate("b", version: version(5))
        cache.fill(try cache.lease("b"), 5, version: version(5))
        cache.removeAll()
        #expect(cache.fill(try cache.lease("a"), 4, version: version(4)) == .older)
        #expect(cache.fill(try cache.lease("b"), 4, version: version(4)) == .older)
    }

    @Test("41: without any invalidation a value is gone after its time to live")
    func boundedLife() throws {
        let time = ManualTime()
        let cache = makeCache(time: time)
        cache.fill(try cache.lease("value"), 1, version: version(1))
        cache.fill(try cache.lease("absent"), nil, version: version(1))
        time.advance(by: .milliseconds(9_999))
        #expect(cache.cached("value") != nil && cache.cached("absent") != nil)
        time.advance(by: .milliseconds(1))
        #expect(cache.cached("value") != nil && cache.cached("absent") == nil)
        time.advance(by: .seconds(20))
        #expect(cache.cached("value") == nil)
    }
}
