public import SpillwayCache

/// Runs the checks that every `RemoteCache` must pass against one implementation.
///
/// Use it with Swift Testing as `@Test(arguments: RemoteCacheCheck.allCases)`, and call ``run(_:)`` in the test.
public struct RemoteCacheConformance<Cache: RemoteCache>: Sendable where Cache.Key == String, Cache.Value == String {
    /// An empty cache under test.
    public struct Subject: Sendable {
        /// The cache.
        public var cache: Cache
        /// For how long it keeps versions.
        public var tombstoneLifetime: Duration
        /// Lets at least this much time pass by the cache's clock: by waiting, or by moving a clock of the test's own.
        public var pass: @Sendable (Duration) async throws -> Void

        /// Makes a subject.
        public init(
            cache: Cache, tombstoneLifetime: Duration, pass: @escaping @Sendable (Duration) async throws -> Void
        ) {
            self.cache = cache
            self.tombstoneLifetime = tombstoneLifetime
            self.pass = pass
        }
    }

    private let makeSubject: @Sendable () async throws -> Subject

    /// Makes a suite.
    ///
    /// - Parameter makeSubject: makes an empty cache, anew for each check.
    public init(_ makeSubject: @escaping @Sendable () async throws -> Subject) {
        self.makeSubject = makeSubject
    }

    /// Runs one check.
    ///
    /// - Throws: `CacheConformanceFailure`, or what the cache throws.
    public func run(_ check: RemoteCacheCheck) async throws {
        let subject = try await makeSubject()
        let cache = RemoteCacheProbe(cache: subject.cache)
        switch check {
        case .fillIsRead: try await fillIsRead(cache)
        case .manyKeysKeepTheirOrder: try await manyKeysKeepTheirOrder(cache)
        case .olderFillIsSuperseded: try await olderFillIsSuperseded(cache)
        case .epochsComeFirst: try await epochsComeFirst(cache)
        case .placeholders: try await placeholders(cache)
        case .fillAfterInvalidationIsRefused: try await fillAfterInvalidation(cache, "old")
        case .placeholderAfterInvalidationIsRefused: try await fillAfterInvalidation(cache, nil)
        case .laggingReadIsRefused: try await laggingRead(cache)
        case .repeatedInvalidationKeepsNewer: try await repeatedInvalidation(cache)
        case .invalidationWithoutVersion: try await invalidationWithoutVersion(cache)
        case .fillAcrossInvalidationWithoutVersionIsRefused: try await fillAcrossInvalidationWithoutVersion(cache)
        case .fillAfterTombstoneExpiredIsRefused: try await fillAfterTombstone(cache, subject)
        case .freshFillAfterTombstoneExpired: try await freshFillAfterTombstone(cache, subject)
        case .concurrentFillsEndAtTheNewest: try await concurrentFills(cache)
        }
    }
}

extension RemoteCacheConformance {
    private typealias Probe = RemoteCacheProbe<Cache>

    private func fillIsRead(_ cache: Probe) async throws {
        try await cache.expectFill("a", "1", 1, try await cache.token("a"), .accepted)
        try await cache.expectCached("a", "1", 1)
        try await cache.expectMiss("b")
    }

    private func manyKeysKeepTheirOrder(_ cache: Probe) async throws {
        for key in ["a", "c"] { try await cache.expectFill(key, key, 1, try await cache.token(key), .accepted) }
        let found = try await cache.cache.get(["c", "b", "a", "c"]).map { lookup -> String? in
            guard case .hit(let answer) = lookup else { return nil }
            return answer.value
        }
        guard found == ["c", nil, "a", "c"] else {
            throw CacheConformanceFailure("read c, b, a, c and got \(found)")
        }
    }

    private func olderFillIsSuperseded(_ cache: Probe) async throws {
        let early = try await cache.token("a")
        try await cache.expectFill("a", "2", 2, try await cache.token("a"), .accepted)
        try await cache.expectFill("a", "1", 1, early, .superseded(2))
        try await cache.expectCached("a", "2", 2)
    }

    private func epochsComeFirst(_ cache: Probe) async throws {
        let tokens = [try await cache.token("a"), try await cache.token("a"), try await cache.token("a")]
        try await cache.expectFill("a", "old", 900, tokens[0], .accepted)
        try await cache.expectFill("a", "new", 1, epoch: 2, tokens[1], .accepted)
        try await cache.expectFill("a", "old", 901, tokens[2], .superseded(1))
        try await cache.expectCached("a", "new", 1, epoch: 2)
    }

    private func placeholders(_ cache: Probe) async throws {
        let tokens = [try await cache.token("a"), try await cache.token("a"), try await cache.token("a")]
        try await cache.expectFill("a", "1", 1, tokens[0], .accepted)
        try await cache.expectFill("a", nil, 1, tokens[1], .superseded(1))
        try await cache.expectCached("a", "1", 1)
        try await cache.expectFill("a", nil, 2, tokens[2], .accepted)
        try await cache.expectCached("a", nil, 2)
    }

    private func fillAfterInvalidation(_ cache: Probe, _ value: String?) async throws {
        let token = try await cache.token("a")
        try await cache.invalidate("a", 2)
        try await cache.expectFill("a", value, 1, token, .refused)
        try await cache.expectMiss("a")
    }

    private func laggingRead(_ cache: Probe) async throws {
        try await cache.expectFill("a", "1", 1, try await cache.token("a"), .accepted)
        try await cache.invalidate("a", 2)
        try await cache.expectMiss("a")
        try await cache.expectFill("a", "1", 1, try await cache.token("a"), .refused)
        try await cache.expectFill("a", "2", 2, try await cache.token("a"), .accepted)
    }

    private func repeatedInvalidation(_ cache: Probe) async throws {
        try await cache.invalidate("a", 2)
        try await cache.expectFill("a", "3", 3, try await cache.token("a"), .accepted)
        for position: UInt64 in [1, 2, 3] { try await cache.invalidate("a", position) }
        try await cache.expectCached("a", "3", 3)
    }

    private func invalidationWithoutVersion(_ cache: Probe) async throws {
        try await cache.expectFill("a", "3", 3, try await cache.token("a"), .accepted)
        try await cache.cache.invalidate("a", version: .absent)
        try await cache.expectMiss("a")
        try await cache.expectFill("a", "2", 2, try await cache.token("a"), .refused)
        try await cache.expectFill("a", "3", 3, try await cache.token("a"), .accepted)
    }

    private func fillAcrossInvalidationWithoutVersion(_ cache: Probe) async throws {
        for (key, isCached) in [("empty", false), ("cached", true)] {
            let early = try await cache.token(key)
            if isCached { try await cache.expectFill(key, "1", 1, try await cache.token(key), .accepted) }
            try await cache.cache.invalidate(key, version: .absent)
            // The change may have been to version 2, or this version may be of behind the change: nobody knows.
            try await cache.expectFill(key, "1", 1, early, .refused)
            try await cache.expectFill(key, nil, 3, early, .refused)
            try await cache.expectMiss(key)
            try await cache.expectFill(key, "2", 2, try await cache.token(key), .accepted)
            try await cache.expectCached(key, "2", 2)
        }
    }

    private func fillAfterTombstone(_ cache: Probe, _ subject: Subject) async throws {
        let token = try await cache.token("a")
        try await cache.invalidate("a", 2)
        try await subject.pass(subject.tombstoneLifetime * 2)
        try await cache.expectFill("a", "1", 1, token, .refused)
        try await cache.expectMiss("a")
    }

    private func freshFillAfterTombstone(_ cache: Probe, _ subject: Subject) async throws {
        try await cache.invalidate("a", 2)
        try await subject.pass(subject.tombstoneLifetime * 2)
        try await cache.expectFill("a", "2", 2, try await cache.token("a"), .accepted)
        try await cache.expectCached("a", "2", 2)
    }

    private func concurrentFills(_ cache: Probe) async throws {
        let token = try await cache.token("a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for position in 1...64 as ClosedRange<UInt64> {
                group.addTask {
                    let answer = Versioned("\(position)", version: CacheVersion(epoch: 1, position: position))
                    _ = try await cache.cache.fill("a", answer, token: token)
                }
            }
            try await group.waitForAll()
        }
        try await cache.expectCached("a", "64", 64)
    }
}
