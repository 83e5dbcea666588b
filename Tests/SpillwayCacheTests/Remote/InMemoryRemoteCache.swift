import SpillwayCache
import SpillwayCore
import Synchronization

/// A remote cache in memory with the semantics of the real ones: compare-and-set by version, tombstones that expire by its
/// own clock, and a link that a test can cut.
final class InMemoryRemoteCache: RemoteCache {
    typealias Key = String
    typealias Value = String

    struct Unreachable: Error {}

    private struct Entry {
        var answer: Versioned<String>?
        var version: CacheVersion
        var tombstoneUntil: UInt64
        /// When it was last invalidated without a version; tokens from before fill nothing.
        var droppedAt: UInt64 = 0
    }

    private struct State {
        /// The clock's last tick, which no two operations share.
        private var lastTick: UInt64 = 0

        mutating func tick(_ now: MonotonicInstant) -> UInt64 {
            lastTick = max(lastTick + 1, now.nanoseconds)
            return lastTick
        }

        var entries: [String: Entry] = [:]
        var isReachable = true
        var reads = 0
    }

    private let state = Mutex(State())
    private let time: ManualTime
    private let tombstoneLifetime: Duration
    /// Runs before an operation touches anything, so that a test can stand in between.
    private let beforeOperation: @Sendable (Operation) async -> Void

    enum Operation: Equatable {
        case get
        case fill
        case invalidate
    }

    init(
        time: ManualTime, tombstoneLifetime: Duration = .seconds(60),
        beforeOperation: @escaping @Sendable (Operation) async -> Void = { _ in }
    ) {
        self.time = time
        self.tombstoneLifetime = tombstoneLifetime
        self.beforeOperation = beforeOperation
    }

    func cut(_ isCut: Bool) { state.withLock { $0.isReachable = !isCut } }

    var reads: Int { state.withLock { $0.reads } }

    func get(_ keys: [String]) async throws -> [RemoteLookup<String>] {
        await beforeOperation(.get)
        let now = time.now()
        return try state.withLock { state in
            guard state.isReachable else { throw Unreachable() }
            state.reads += 1
            let tick = state.tick(now)
            return keys.map { key in
                if let answer = state.entries[key]?.answer { return .hit(answer) }
                return .miss(RemoteToken(value: tick))
            }
        }
    }

    func fill(
        _ key: String, _ answer: Versioned<String>, token: RemoteToken
    ) async throws -> RemoteFillOutcome<String> {
        await beforeOperation(.fill)
        let now = time.now()
        return try state.withLock { state in
            guard state.isReachable else { throw Unreachable() }
            // A tombstone that was there when the token was given, or came since, may be gone by now.
            guard now - MonotonicInstant(nanoseconds: token.value) < tombstoneLifetime else { return .refused }
            let entry = state.entries[key]
            if let entry, let there = entry.answer {
                if there.version > answer.version { return .superseded(there) }
                let isPlaceholder = answer.value == nil && there.value != nil
                if isPlaceholder && there.version == answer.version { return .superseded(there) }
            } else if let entry, entry.tombstoneUntil > now.nanoseconds, entry.version > answer.version {
                return .refused
            }
            if let entry, token.value < entry.droppedAt { return .refused }
            state.entries[key] = Entry(
                answer: answer, version: answer.version, tombstoneUntil: entry?.tombstoneUntil ?? 0,
                droppedAt: entry?.droppedAt ?? 0)
            return .accepted
        }
    }

    func invalidate(_ key: String, version: CacheVersion) async throws {
        await beforeOperation(.invalidate)
        let now = time.now()
        try state.withLock { state in
            guard state.isReachable else { throw Unreachable() }
            let tick = state.tick(now)
            let there = state.entries[key]?.version ?? .absent
            if version != .absent, let answer = state.entries[key]?.answer, answer.version >= version { return }
            state.entries[key] = Entry(
                answer: nil, version: max(version, there), tombstoneUntil: (now + tombstoneLifetime).nanoseconds,
                droppedAt: version == .absent ? tick : state.entries[key]?.droppedAt ?? 0)
        }
    }
}
