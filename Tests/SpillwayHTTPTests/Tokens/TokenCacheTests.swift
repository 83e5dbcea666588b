import FoundationEssentials
import Testing

@testable import SpillwayHTTP

@Suite struct TokenCacheTests {
    private func principal(_ name: String, expiresAtMs: Int64 = nowMs + 1000) -> Principal {
        Principal(subject: name, scopes: [], expiresAtMs: expiresAtMs)
    }

    @Test func whatWasVerifiedIsRememberedUntilItExpires() throws {
        let cache = TokenCache()
        let token = bytes("header.payload.signature")
        let alice = principal("alice")
        #expect(cache.principal(for: token, nowMs: nowMs) == nil)
        cache.insert(token.span, principal: alice, generation: cache.generation(for: token.span), nowMs: nowMs)
        #expect(cache.principal(for: token, nowMs: nowMs) === alice)
        #expect(cache.principal(for: token, nowMs: nowMs + 999) === alice)
        #expect(cache.principal(for: token, nowMs: nowMs + 1000) == nil)
        #expect(cache.count == 0 && cache.bytes == 0)
    }

    @Test func allBytesAreCompared() throws {
        // The hash covers the end only, so these two meet in one place of the table.
        let end = String(repeating: "s", count: 43)
        let one = bytes("header.payload1." + end)
        let other = bytes("header.payload2." + end)
        let cache = TokenCache()
        cache.insert(one.span, principal: principal("one"), generation: 0, nowMs: nowMs)
        #expect(cache.principal(for: other, nowMs: nowMs) == nil)
        cache.insert(other.span, principal: principal("other"), generation: 0, nowMs: nowMs)
        #expect(cache.principal(for: other, nowMs: nowMs)?.subject == "other")
        #expect(cache.principal(for: one, nowMs: nowMs) == nil)
        #expect(cache.count == 1 && cache.bytes == TokenCache.bytesBesidesToken + other.count + 5)
    }

    @Test func tokensAreLimited() {
        let cache = TokenCache(limits: .init(tokens: 160, bytes: 1 << 30))
        for number in 0..<10_000 {
            cache.insert(bytes("t\(number)").span, principal: principal("u"), generation: 0, nowMs: nowMs)
            #expect(cache.count <= 160)
        }
        #expect(cache.count > 100)
    }

    @Test func bytesAreLimitedAndOneThatIsTooLargeIsNotTaken() {
        let limit = 16 * 10_000
        let cache = TokenCache(limits: .init(tokens: 1 << 30, bytes: limit))
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let token = (0..<Int.random(in: 1...4096, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            cache.insert(token.span, principal: principal("u"), generation: 0, nowMs: nowMs)
            #expect(cache.bytes <= limit)
        }
        let count = cache.count
        #expect(count > 16)
        let tooLarge = [UInt8](repeating: 1, count: 10_000)
        cache.insert(tooLarge.span, principal: principal("u"), generation: 0, nowMs: nowMs)
        #expect(cache.count == count && cache.principal(for: tooLarge, nowMs: nowMs) == nil)
    }

    @Test func usedOnesOutliveUnusedOnes() {
        var shard = TokenCacheShard(tokenLimit: 10, byteLimit: 1 << 20)
        func insert(_ number: UInt64) {
            shard.insert(bytes("t\(number)"), principal: principal("u"), hash: number, nowMs: nowMs)
        }
        for number in 0..<10 { insert(UInt64(number)) }
        #expect(shard.principal(for: bytes("t0"), hash: 0, nowMs: nowMs) != nil)
        for number in 10..<19 { insert(UInt64(number)) }
        #expect(shard.principal(for: bytes("t0"), hash: 0, nowMs: nowMs) != nil)
        #expect(shard.principal(for: bytes("t1"), hash: 1, nowMs: nowMs) == nil)
    }

    @Test func aRandomWalkKeepsItsAccounts() {
        var shard = TokenCacheShard(tokenLimit: 50, byteLimit: 20_000)
        var random = SeededGenerator(seed: 11)
        var now = nowMs
        for _ in 0..<50_000 {
            let hash = UInt64.random(in: 0..<200, using: &random)
            let token = bytes("token \(hash % 150)")
            switch Int.random(in: 0..<100, using: &random) {
            case 0: now += 100
            case 1 where Int.random(in: 0..<100, using: &random) == 0: shard.removeAll()
            case 1..<50:
                let lifetime = Int64.random(in: 0...1000, using: &random)
                shard.insert(
                    token, principal: principal("\(hash % 150)", expiresAtMs: now + lifetime), hash: hash, nowMs: now)
            default:
                if let found = shard.principal(for: token, hash: hash, nowMs: now) {
                    #expect(found.subject == "\(hash % 150)" && found.expiresAtMs > now)
                }
            }
            #expect(shard.count <= 50 && shard.bytes <= 20_000 && (shard.count == 0) == (shard.bytes == 0))
        }
    }

    @Test func newKeysForgetWhatOldKeysVerified() throws {
        let cache = TokenCache()
        let token = bytes("a.b.c")
        let generation = cache.generation(for: token.span)
        cache.insert(token.span, principal: principal("u"), generation: generation, nowMs: nowMs)
        cache.removeAll()
        #expect(cache.principal(for: token, nowMs: nowMs) == nil)
        // A verification that began before, under the old keys, comes too late.
        cache.insert(token.span, principal: principal("u"), generation: generation, nowMs: nowMs)
        #expect(cache.principal(for: token, nowMs: nowMs) == nil)
    }

    @Test func authenticatorSharesPrincipalsAndReloadsKeys() throws {
        let authenticator = TokenAuthenticator(
            verifier: TokenVerifier(keys: .webKeys(try JSONWebKeySet(json: setOf(SignedElsewhere.ecKey)))))
        let token = bytes(SignedElsewhere.es256)
        let first = try authenticator.principal(for: token.span, nowMs: nowMs)
        #expect(try authenticator.principal(for: token, nowMs: nowMs) === first)
        #expect(authenticator.rememberedTokens == 1)
        #expect(throws: TokenError.self) { try authenticator.principal(for: token, nowMs: 4_102_444_800_000) }

        let file = "/tmp/security-test-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(#"{"keys":[{"kty":"EC"}]}"#.utf8).write(to: URL(filePath: file))
        #expect(throws: TokenKeyError.self) { try authenticator.reload(webKeysFile: file) }
        #expect(throws: TokenKeyError.self) { try authenticator.reload(webKeysFile: file + ".none") }
        // A bad file changes nothing.
        #expect(try authenticator.principal(for: token, nowMs: nowMs).subject == "alice")

        try Data(setOf(SignedElsewhere.edKey)).write(to: URL(filePath: file))
        try authenticator.reload(webKeysFile: file)
        // The old key's tokens are refused at once, however well they are remembered.
        let error = try #require(throws: TokenError.self) { try authenticator.principal(for: token, nowMs: nowMs) }
        #expect(error.code == .unknownKey)
        #expect(try authenticator.principal(for: bytes(SignedElsewhere.edDSA), nowMs: nowMs).subject == "alice")
    }
}
