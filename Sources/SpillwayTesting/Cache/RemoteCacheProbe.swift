import SpillwayCache

/// Asks a remote cache and compares, for the conformance checks.
struct RemoteCacheProbe<Cache: RemoteCache>: Sendable where Cache.Key == String, Cache.Value == String {
    /// What a fill must come to.
    enum Expected: Equatable {
        case accepted
        /// With the position of what is there.
        case superseded(UInt64)
        case refused
    }

    let cache: Cache

    /// The token of a read that must miss.
    func token(_ key: String) async throws -> RemoteToken {
        guard case .miss(let token) = try await cache.get(key) else {
            throw CacheConformanceFailure("\(key) is cached, and must not be")
        }
        return token
    }

    func expectMiss(_ key: String) async throws { _ = try await token(key) }

    func invalidate(_ key: String, _ position: UInt64) async throws {
        try await cache.invalidate(key, version: CacheVersion(epoch: 1, position: position))
    }

    func expectCached(_ key: String, _ value: String?, _ position: UInt64, epoch: UInt64 = 1) async throws {
        let expected = Versioned(value, version: CacheVersion(epoch: epoch, position: position))
        guard case .hit(let found) = try await cache.get(key), found == expected else {
            throw CacheConformanceFailure("\(key) must be cached as \(expected), but is \(try await cache.get(key))")
        }
    }

    func expectFill(
        _ key: String, _ value: String?, _ position: UInt64, epoch: UInt64 = 1, _ token: RemoteToken,
        _ expected: Expected
    ) async throws {
        let answer = Versioned(value, version: CacheVersion(epoch: epoch, position: position))
        let outcome: Expected =
            switch try await cache.fill(key, answer, token: token) {
            case .accepted: .accepted
            case .superseded(let newer): .superseded(newer.version.position)
            case .refused: .refused
            }
        guard outcome == expected else {
            throw CacheConformanceFailure("filling \(key) with \(answer) must be \(expected), was \(outcome)")
        }
    }
}
