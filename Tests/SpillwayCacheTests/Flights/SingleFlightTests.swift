import SpillwayCache
import Synchronization
import Testing

@Suite("One load a key: FAILURES.md 27", .timeLimit(.minutes(1)))
struct SingleFlightTests {
    let cache = makeCache()

    struct StoreDown: Error {}

    /// A load that stops at the gate, then answers with the value as its version.
    func loader(_ gate: Gate, _ value: Int) -> @Sendable (String) async throws -> Versioned<Int> {
        { _ in
            await gate.pass()
            return Versioned(value, version: version(UInt64(value)))
        }
    }

    /// Starts a reader that finds a load on its way, and waits until it has joined.
    func joiner(
        _ load: @escaping @Sendable (String) async throws -> Versioned<Int>
    ) async -> Task<Versioned<Int>, any Error> {
        let before = cache.statistics().misses
        let task = Task { try await cache.value(for: "a", load: load) }
        #expect(await eventually { cache.statistics().misses > before && cache.waiters("a") > 0 })
        return task
    }

    @Test("many readers, one load")
    func manyReaders() async throws {
        let gate = Gate()
        let load = loader(gate, 1)
        let tasks = (0..<100).map { _ in Task { try await cache.value(for: "a", load: load) } }
        #expect(await eventually { cache.waiters("a") == 99 })
        gate.open()
        for task in tasks { #expect(try await task.value.value == 1) }
        #expect(gate.count == 1)
        #expect(cache.cached("a")?.value == 1)
        #expect(cache.flightCount == 0)
    }

    @Test(
        "27: who comes after a change does not join the flight from before it",
        arguments: ["invalidate", "update", "batch", "gap"])
    func flightIsForgotten(change: String) async throws {
        let gate = Gate()
        let early = Task { try await cache.value(for: "a", load: loader(gate, 1)) }
        await gate.arrivals()
        switch change {
        case "invalidate": cache.invalidate("a", version: version(2))
        case "update": cache.update("a", 2, version: version(2))
        case "batch": cache.updateAll([CacheChange(key: "a", value: 2, version: version(2))])
        default: cache.removeAll()
        }
        let open = Gate()
        open.open()
        let late = try await cache.value(for: "a", load: loader(open, 2))
        #expect(late == Versioned(2, version: version(2)))
        gate.open()
        // The early one comes home last; what it read is neither cached nor handed out over the newer answer.
        #expect(try await early.value == Versioned(2, version: version(2)))
        #expect(cache.cached("a") == Versioned(2, version: version(2)))
        #expect(cache.flightCount == 0)
    }

    @Test("a waiter that is cancelled leaves the load and the others alone")
    func cancelledWaiter() async throws {
        let gate = Gate()
        let leader = Task { try await cache.value(for: "a", load: loader(gate, 1)) }
        await gate.arrivals()
        let waiter = await joiner(loader(gate, 9))
        let other = Task { try await cache.value(for: "a", load: loader(gate, 9)) }
        #expect(await eventually { cache.waiters("a") == 2 })
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        gate.open()
        #expect(try await leader.value.value == 1)
        #expect(try await other.value.value == 1)
    }

    @Test("a leader that is cancelled hands the load to a waiter")
    func cancelledLeader() async throws {
        let gate = Gate()
        let leader = Task {
            try await cache.value(for: "a") { _ in
                await gate.pass()
                try Task.checkCancellation()
                return Versioned(1, version: version(1))
            }
        }
        await gate.arrivals()
        let open = Gate()
        open.open()
        let waiters = [await joiner(loader(open, 2)), await joiner(loader(open, 2))]
        leader.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await leader.value }
        for waiter in waiters { #expect(try await waiter.value.value == 2) }
        #expect(open.count == 1)
        #expect(cache.flightCount == 0)
    }

    @Test("a cancelled leader without waiters leaves nothing behind")
    func cancelledLeaderAlone() async throws {
        let gate = Gate()
        let leader = Task {
            try await cache.value(for: "a") { _ in
                await gate.pass()
                try Task.checkCancellation()
                return Versioned(1, version: version(1))
            }
        }
        await gate.arrivals()
        leader.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await leader.value }
        #expect(cache.flightCount == 0)
        #expect(try await cache.value(for: "a", load: { _ in Versioned(3, version: version(3)) }).value == 3)
    }

    @Test("an error goes to all who wait and is not cached")
    func failedLoad() async throws {
        let gate = Gate()
        let leader = Task {
            try await cache.value(for: "a") { _ in
                await gate.pass()
                throw StoreDown()
            }
        }
        await gate.arrivals()
        let waiter = await joiner(loader(gate, 9))
        gate.open()
        await #expect(throws: StoreDown.self) { try await leader.value }
        await #expect(throws: StoreDown.self) { try await waiter.value }
        #expect(cache.flightCount == 0)
        #expect(try await cache.value(for: "a", load: { _ in Versioned(3, version: version(3)) }).value == 3)
    }

    @Test("absent rows are cached too")
    func absent() async throws {
        #expect(try await cache.value(for: "a", load: { _ in Versioned(nil, version: version(4)) }).value == nil)
        #expect(cache.cached("a") == Versioned(nil, version: version(4)))
    }
}
