import SpillwayCore
import Synchronization

/// A local cache (L1) over a remote one that nodes share (L2), over the store.
///
/// L2 is invalidated before L1, and L1 is filled only with what L2 holds or accepted: else a reader could fill L1 from an L2
/// that is about to be invalidated, or keep what another node's newer value beat. When L2 can't be reached,
/// reads go past it to the store, with L1's leases and single flight as the guard.
public final class MultiLevelCache<Remote: RemoteCache>: Sendable {
    /// The first level.
    public let local: LocalCache<Remote.Key, Remote.Value>
    /// The second level; `nil` in the embedded profile.
    public let remote: Remote?
    private let remoteFailureCount = Atomic<UInt64>(0)

    /// Combines the levels.
    public init(local: LocalCache<Remote.Key, Remote.Value>, remote: Remote?) {
        self.local = local
        self.remote = remote
    }

    /// How often L2 could not be reached.
    public var remoteFailures: UInt64 { remoteFailureCount.load(ordering: .relaxed) }

    /// The answer of the first level that has one. One load a key at a time, as `LocalCache.value(for:load:)`.
    ///
    /// - Throws: what `load` throws; `CancellationError`. A failing L2 is no error.
    public func value(
        for key: Remote.Key, load: (Remote.Key) async throws -> Versioned<Remote.Value>
    ) async throws -> Versioned<Remote.Value> {
        guard let remote else { return try await local.value(for: key, load: load) }
        return try await local.value(for: key, loadCacheable: { try await self.load($0, remote, load) })
    }

    private func load(
        _ key: Remote.Key, _ remote: Remote, _ load: (Remote.Key) async throws -> Versioned<Remote.Value>
    ) async throws -> CacheableAnswer<Remote.Value> {
        let token: RemoteToken
        switch await attempt({ try await remote.get(key) }) {
        case .hit(let answer): return CacheableAnswer(answer, isCacheable: true)
        case .miss(let given): token = given
        case nil: return CacheableAnswer(try await load(key), isCacheable: true)
        }
        let answer = try await load(key)
        switch await attempt({ try await remote.fill(key, answer, token: token) }) {
        case .accepted: return CacheableAnswer(answer, isCacheable: true)
        case .superseded(let newer): return CacheableAnswer(newer, isCacheable: true)
        // Not knowing whether L2 took it is not an acceptance.
        case .refused, nil: return CacheableAnswer(answer, isCacheable: false)
        }
    }

    /// Drops a key's value at both levels, L2 first, and keeps the version. Call it after the commit.
    ///
    /// - Throws: what L2 throws; L1 is invalidated all the same. Repeat the call until it returns, from somewhere that
    ///   survives this process.
    public func invalidate(_ key: Remote.Key, version: CacheVersion) async throws {
        // L1 is invalidated also when L2 fails, and when this task is cancelled while it waits for L2.
        defer { local.invalidate(key, version: version) }
        try await remote?.invalidate(key, version: version)
    }

    /// Drops a key at this node only: for invalidations that another node announced, which has dropped L2 already.
    public func invalidateLocally(_ key: Remote.Key, version: CacheVersion) {
        local.invalidate(key, version: version)
    }

    /// Empties L1: the stream of invalidations from the other nodes had a gap.
    public func invalidationsWereLost() {
        local.removeAll()
    }

    private func attempt<Answer>(_ operation: () async throws -> Answer) async -> Answer? {
        do {
            return try await operation()
        } catch {
            remoteFailureCount.add(1, ordering: .relaxed)
            return nil
        }
    }
}
