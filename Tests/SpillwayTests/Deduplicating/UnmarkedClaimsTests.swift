import SpillwayCore
import Testing

@testable import Spillway

@Suite struct UnmarkedClaimsTests {
    private func claim(_ number: UInt64) -> EventClaim {
        EventClaim(id: EventID(scope: [1], id: Array("\(number)".utf8)), number: number, expires: .zero)
    }

    private func time(_ seconds: UInt64) -> MonotonicInstant { MonotonicInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test func aClaimIsKeptForItsLifeAndTakenOnce() {
        var claims = UnmarkedClaims(life: .seconds(10), limit: 5)
        for number in UInt64(1)...3 { claims.keep(claim(number), now: time(number)) }
        check(claims.take(claim(9).id, now: time(10)) == nil && claims.count == 3)
        check(claims.take(claim(2).id, now: time(10)) == claim(2) && claims.take(claim(2).id, now: time(10)) == nil)
        check(claims.take(claim(1).id, now: time(11)) == nil && claims.take(claim(3).id, now: time(11)) == claim(3))
        check(claims.count == 0)
    }

    @Test func beyondTheLimitTheOldestGoes() {
        var claims = UnmarkedClaims(life: .seconds(1_000), limit: 3)
        for number in UInt64(1)...3 { claims.keep(claim(number), now: time(0)) }
        // The first is kept anew, so the second is the oldest now.
        _ = claims.take(claim(1).id, now: time(0))
        claims.keep(claim(1), now: time(0))
        claims.keep(claim(4), now: time(0))
        check(claims.count == 3 && claims.take(claim(2).id, now: time(0)) == nil)
        for number in [UInt64(1), 3, 4] { check(claims.take(claim(number).id, now: time(0)) != nil) }
    }

    @Test func whatIsTriedAgainAndAgainTakesOnePlace() {
        var claims = UnmarkedClaims(life: .seconds(1_000_000), limit: 100)
        for second in UInt64(0)..<10_000 {
            check(second == 0 || claims.take(claim(1).id, now: time(second)) != nil)
            claims.keep(claim(1), now: time(second))
        }
        check(claims.count == 1 && claims.places < 100)
    }
}
