import Spillway
import SpillwayCache
import Testing

@testable import Reactions
@testable import ReactionsRocksDB

/// A cache that was warmed must say what the store says, and never what the store said.
@Suite struct CallersWarmingTests {
    private let temporary: TemporaryStore
    private let cache: LocalCache<ExactName, CallerStates>

    init() throws {
        temporary = try TemporaryStore()
        cache = LocalCache(LocalCacheConfiguration(name: "callers", maxBytes: 16 << 20)) { key, value in
            key.text.utf8.count + (value?.byteCount ?? 0)
        }
    }

    private func event(_ user: Int, _ target: Int, _ reaction: Reaction, version: UInt64) -> ReactionEvent {
        ReactionEvent(
            targetID: "target-\(target)", targetType: "video", userID: "user-\(user)", reaction: reaction,
            version: version)
    }

    private func cached(_ user: Int) -> CallerStates? {
        guard case .hit(let value, _) = cache.lookup(ExactName("user-\(user)")) else { return nil }
        return value
    }

    @Test func fillsWhatTheStoreHolds() throws {
        var events: [ReactionEvent] = []
        for user in 0..<2_500 {
            for step in 0..<(user % 5 + 1) {
                let reaction = Reaction.allCases[(user + step) % 3]
                events.append(event(user, (user * 7 + step) % 40, reaction, version: UInt64(events.count + 1) << 16))
            }
        }
        try temporary.apply(events, from: 1)
        let warming = CallersWarming(temporary.store, cache, limit: 4)
        while try warming.fillPage() {}
        for user in 0..<2_500 {
            let stored = try #require(try temporary.store.callerStates(of: "user-\(user)", limit: 4, tier: .disk))
            let found = try #require(cached(user))
            #expect(found.count == stored.count)
            #expect(found.isPartial == stored.isPartial)
            for target in 1...40 as ClosedRange<UInt64> {
                #expect(found.reaction(to: target) == stored.reaction(to: target))
            }
        }
        #expect(try !warming.fillPage())
    }

    /// A store whose answer is overtaken by a change before it is put into the cache.
    private final class Overtaken: WarmableStore {
        let store: RocksReactionStore
        let overtake: @Sendable () -> Void

        init(_ store: RocksReactionStore, _ overtake: @escaping @Sendable () -> Void) {
            self.store = store
            self.overtake = overtake
        }

        var epoch: UInt64 { store.epoch }
        var userNumbers: Range<UInt64> { store.userNumbers }
        func users(_ numbers: Range<UInt64>) throws -> [StoredUser] { try store.users(numbers) }
        func callerStates(of numbers: Range<UInt64>, limit: Int) throws -> [CallerStates] {
            let read = try store.callerStates(of: numbers, limit: limit)
            overtake()
            return read
        }
    }

    @Test func aChangeWhileItReadsVoidsTheFill() throws {
        try temporary.apply([event(1, 1, .like, version: 1 << 16)], from: 1)
        // Of no known version: only the lease can tell that the answer is from before it.
        let store = Overtaken(temporary.store) { [cache] in cache.invalidate(ExactName("user-1"), version: .absent) }
        _ = try CallersWarming(store, cache, limit: 4).fillPage()
        #expect(cached(1) == nil)
        cache.invalidate(ExactName("user-1"), version: CacheVersion(epoch: temporary.store.epoch, position: 1 << 40))
        _ = try CallersWarming(temporary.store, cache, limit: 4).fillPage()
        #expect(cached(1) == nil, "the store's answer is older than the change")
    }

    @Test func stopsBeforeItIsFull() throws {
        let small = LocalCache<ExactName, CallerStates>(
            LocalCacheConfiguration(name: "callers", maxBytes: 1 << 20, shards: 1)
        ) { key, value in key.text.utf8.count + (value?.byteCount ?? 0) }
        try temporary.apply(
            (0..<8_000).map { event($0, $0 % 10, .like, version: UInt64($0 + 1) << 16) }, from: 1)
        let warming = CallersWarming(temporary.store, small, limit: 4)
        while try warming.fillPage() {}
        let bytes = small.statistics().bytes
        #expect(bytes > 3 << 18 && bytes < 15 << 16)
        guard case .hit = small.lookup(ExactName("user-7999")) else {
            Issue.record("the newest user is not cached")
            return
        }
    }
}
