import SpillwayCache
import Synchronization
import Testing

@Suite("Two levels: FAILURES.md 25 to 27, 29, 30, 35, 42", .timeLimit(.minutes(1)))
struct MultiLevelCacheTests {
    let time = ManualTime()

    /// One row of a store; its version is its number.
    final class Store: Sendable {
        let row = Mutex<UInt64>(1)
        let reads = Mutex(0)

        func read() -> Versioned<String> {
            reads.withLock { $0 += 1 }
            let number = row.withLock { $0 }
            return Versioned("v\(number)", version: version(number))
        }

        func commit(_ number: UInt64) { row.withLock { $0 = number } }
    }

    func makeLocal() -> LocalCache<String, String> {
        LocalCache(LocalCacheConfiguration(name: "test", jitter: 0), time: time, seed: 1) {
            $0.utf8.count + ($1?.utf8.count ?? 0)
        }
    }

    func makeNode(_ remote: InMemoryRemoteCache) -> MultiLevelCache<InMemoryRemoteCache> {
        MultiLevelCache(local: makeLocal(), remote: remote)
    }

    @Test("a second node reads from L2, not from the store")
    func sharing() async throws {
        let store = Store()
        let remote = InMemoryRemoteCache(time: time)
        let nodes = [makeNode(remote), makeNode(remote)]
        for node in nodes {
            #expect(try await node.value(for: "a", load: { _ in store.read() }).value == "v1")
            #expect(node.local.cached("a")?.value == "v1")
        }
        #expect(store.reads.withLock { $0 } == 1)
    }

    @Test("26: L1 can't be filled again from an L2 that is yet to be invalidated")
    func remoteFirst() async throws {
        let store = Store()
        let gate = Gate()
        let remote = InMemoryRemoteCache(time: time) { if $0 == .invalidate { await gate.pass() } }
        let node = makeNode(remote)
        _ = try await node.value(for: "a", load: { _ in store.read() })
        store.commit(2)
        let writer = Task { try await node.invalidate("a", version: .absent) }
        await gate.arrivals()
        // The writer stands before L2. A reader whose L1 is empty fills it from L2 now, which still holds v1.
        node.invalidationsWereLost()
        #expect(try await node.value(for: "a", load: { _ in store.read() }).value == "v1")
        gate.open()
        try await writer.value
        #expect(node.local.cached("a") == nil)
        #expect(try await node.value(for: "a", load: { _ in store.read() }).value == "v2")
    }

    @Test("27, 42: a flight that read L2 before the invalidation is joined by nobody after it, and caches nothing")
    func flightOverRemote() async throws {
        let store = Store()
        let remote = InMemoryRemoteCache(time: time)
        let gate = Gate()
        let node = makeNode(remote)
        let early = Task {
            try await node.value(for: "a") { _ in
                let answer = store.read()
                await gate.pass()
                return answer
            }
        }
        await gate.arrivals()
        store.commit(2)
        try await node.invalidate("a", version: version(2))
        #expect(try await node.value(for: "a", load: { _ in store.read() }).value == "v2")
        gate.open()
        // It hears what beat it.
        #expect(try await early.value.value == "v2")
        #expect(node.local.cached("a")?.value == "v2")
    }

    @Test("29: L1 takes what L2 holds when its own fill lost")
    func loserTakesRemote() async throws {
        let store = Store()
        let remote = InMemoryRemoteCache(time: time)
        let nodes = [makeNode(remote), makeNode(remote)]
        let gate = Gate()
        let slow = Task {
            try await nodes[0].value(for: "a") { _ in
                let answer = store.read()
                await gate.pass()
                return answer
            }
        }
        await gate.arrivals()
        store.commit(2)
        #expect(try await nodes[1].value(for: "a", load: { _ in store.read() }).value == "v2")
        gate.open()
        #expect(try await slow.value.value == "v2")
        #expect(nodes[0].local.cached("a")?.value == "v2")
    }

    @Test("29, 35: what L2 refused enters no level")
    func refusedEverywhere() async throws {
        let remote = InMemoryRemoteCache(time: time)
        let node = makeNode(remote)
        try await remote.invalidate("a", version: version(2))
        let lagging = Versioned("v1", version: version(1))
        #expect(try await node.value(for: "a", load: { _ in lagging }).value == "v1")
        #expect(node.local.cached("a") == nil)
        guard case .miss = try await remote.get("a") else {
            Issue.record("L2 holds what it refused")
            return
        }
    }

    @Test("30, 36: a reader that slept past the tombstone's life fills neither level")
    func sleeper() async throws {
        let store = Store()
        let remote = InMemoryRemoteCache(time: time)
        let node = makeNode(remote)
        let gate = Gate()
        let sleeper = Task {
            try await node.value(for: "a") { _ in
                let answer = store.read()
                await gate.pass()
                return answer
            }
        }
        await gate.arrivals()
        store.commit(2)
        try await node.invalidate("a", version: version(2))
        time.advance(by: .seconds(300))
        gate.open()
        _ = try await sleeper.value
        #expect(node.local.cached("a") == nil)
        #expect(try await node.value(for: "a", load: { _ in store.read() }).value == "v2")
    }

    @Test("an L2 that can't be reached: the store answers, L1 keeps guarding, the writer hears of it")
    func unreachableRemote() async throws {
        let store = Store()
        let remote = InMemoryRemoteCache(time: time)
        let node = makeNode(remote)
        remote.cut(true)
        #expect(try await node.value(for: "a", load: { _ in store.read() }).value == "v1")
        #expect(node.local.cached("a")?.value == "v1")
        store.commit(2)
        await #expect(throws: InMemoryRemoteCache.Unreachable.self) {
            try await node.invalidate("a", version: version(2))
        }
        #expect(node.local.cached("a") == nil)
        #expect(try await node.value(for: "a", load: { _ in store.read() }).value == "v2")
        #expect(node.remoteFailures == 2)
    }

    @Test("a fill that L2 may or may not have taken enters no L1")
    func unknownFill() async throws {
        let store = Store()
        let remote = InMemoryRemoteCache(time: time)
        let node = makeNode(remote)
        let answer = try await node.value(for: "a") { _ in
            remote.cut(true)
            return store.read()
        }
        #expect(answer.value == "v1")
        #expect(node.local.cached("a") == nil)
    }

    @Test("without an L2 the store is read once")
    func embedded() async throws {
        let store = Store()
        let node = MultiLevelCache<InMemoryRemoteCache>(local: makeLocal(), remote: nil)
        for _ in 0..<3 { _ = try await node.value(for: "a", load: { _ in store.read() }) }
        #expect(store.reads.withLock { $0 } == 1)
        try await node.invalidate("a", version: version(2))
        #expect(node.local.cached("a") == nil)
    }
}
