import Testing

@testable import Spillway

@Suite struct InMemoryDeduplicationTests {
    private func token(_ number: Int, lifetimeMs: Int64, quota: Int = 1_000, scope: UInt8 = 1) -> Deduplication {
        Deduplication(
            scope: [scope], token: Array("\(number)".utf8), fingerprint: 1, lifetimeMs: lifetimeMs, quota: quota)
    }

    /// Sends with a token; true if it was the first.
    private func send(_ tokens: inout InMemoryDeduplication, _ token: Deduplication, nowMs: Int64) throws -> Bool {
        if try tokens.earlier(token, 0, nowMs: nowMs) != nil { return false }
        tokens.keep(token, receipts: [], nowMs: nowMs)
        return true
    }

    @Test func aTokenThatLivesLongHidesNoneThatHaveExpired() throws {
        var tokens = InMemoryDeduplication(maxTokens: 100)
        check(try send(&tokens, token(0, lifetimeMs: 1_000_000), nowMs: 0))
        for round in 0..<20 {
            for number in 1..<100 {
                check(try send(&tokens, token(round * 100 + number, lifetimeMs: 50), nowMs: Int64(round) * 50))
            }
            let error = #expect(throws: BrokerError.self) {
                try tokens.earlier(token(-1, lifetimeMs: 50), 0, nowMs: Int64(round) * 50 + 49)
            }
            #expect(error?.code == .queueFull)
        }
        check(try !send(&tokens, token(0, lifetimeMs: 1_000_000), nowMs: 999_999), "it lives")
        check(try send(&tokens, token(0, lifetimeMs: 1_000_000), nowMs: 1_000_000))
    }

    @Test func aTokenThatCameAgainOutlivesItsFirstTime() throws {
        var tokens = InMemoryDeduplication(maxTokens: 3)
        check(try send(&tokens, token(0, lifetimeMs: 1_000), nowMs: 0))
        check(try send(&tokens, token(1, lifetimeMs: 10), nowMs: 0))
        check(try send(&tokens, token(1, lifetimeMs: 500), nowMs: 10))
        check(try send(&tokens, token(2, lifetimeMs: 10), nowMs: 10))
        check(try send(&tokens, token(3, lifetimeMs: 10), nowMs: 20), "the last has expired")
        check(
            try !send(&tokens, token(1, lifetimeMs: 10), nowMs: 509)
                && send(&tokens, token(1, lifetimeMs: 1), nowMs: 510))
    }

    @Test func aLifetimeWithoutAnEndIsForEver() throws {
        var tokens = InMemoryDeduplication(maxTokens: 10)
        check(try send(&tokens, token(0, lifetimeMs: .max), nowMs: 1_700_000_000_000))
        check(try !send(&tokens, token(0, lifetimeMs: .max), nowMs: .max - 1))
        check(
            try send(&tokens, token(1, lifetimeMs: .min), nowMs: 5) && send(&tokens, token(1, lifetimeMs: 1), nowMs: 5))
    }

    @Test func whatWasReplacedIsNotKept() throws {
        var tokens = InMemoryDeduplication(maxTokens: 10)
        check(try send(&tokens, token(0, lifetimeMs: 1_000_000), nowMs: 0))
        for number in 1...10_000 {
            check(try send(&tokens, token(number, lifetimeMs: 1, quota: 1, scope: 2), nowMs: Int64(number)))
        }
        check(tokens.places < 100)
    }
}
