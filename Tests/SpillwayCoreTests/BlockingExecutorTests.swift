import CSpillwaySystem
import SpillwayCore
import Synchronization
import Testing

@Suite struct BlockingExecutorTests {
    struct Failure: Error {}

    @Test func runsOnItsThreads() async throws {
        let executor = BlockingExecutor(name: "disk", threads: 1)
        let here = spillway_thread_id()
        let there = try await executor.run { spillway_thread_id() }
        let again = try await executor.run { spillway_thread_id() }
        #expect(here != there && there == again)
        await #expect(throws: Failure.self) { try await executor.run { throw Failure() } }
        executor.shutdown()
    }

    @Test func oneThreadKeepsTheOrder() async throws {
        let executor = BlockingExecutor(name: "order", threads: 1)
        let seen = Monitor<[Int]>([])
        for index in 0..<100 { try await executor.run { seen.withLock { $0.append(index) } } }
        #expect(seen.withLock { $0 } == Array(0..<100))
        executor.shutdown()
    }

    @Test func threadsBlockSideBySide() async throws {
        let executor = BlockingExecutor(name: "wide", threads: 4)
        let waiting = Monitor(0)
        // Each waits until all four are in: with fewer threads than four this would never end.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let met = try await executor.run {
                        waiting.withLock { $0 += 1 }
                        waiting.broadcast()
                        return waiting.wait(until: SystemTimeSource().now() + .seconds(60)) { $0 == 4 ? true : nil }
                    }
                    #expect(met == true)
                }
            }
            try await group.waitForAll()
        }
        executor.shutdown()
    }

    @Test func tasksCanPreferIt() async throws {
        let executor = BlockingExecutor(name: "prefer", threads: 1)
        let thread = try await executor.run { spillway_thread_id() }
        await withTaskExecutorPreference(executor) {
            let inside = spillway_thread_id()
            await Task.yield()
            #expect(inside == thread && spillway_thread_id() == thread)
        }
        executor.shutdown()
    }

    @Test func shutdownRunsWhatWaitsAndRefusesTheRest() async throws {
        let executor = BlockingExecutor(name: "down", threads: 1)
        let count = Mutex(0)
        let started = Monitor(false)
        let gate = Monitor(false)
        async let blocked: Void = executor.run {
            started.withLock { $0 = true }
            started.broadcast()
            _ = gate.wait { $0 ? true : nil }
        }
        async let queued: Void = executor.run { count.withLock { $0 += 1 } }
        #expect(await eventually { started.withLock { $0 } })
        let helper = BlockingExecutor(name: "helper", threads: 1)
        async let down: Void = helper.run { executor.shutdown() }
        gate.withLock { $0 = true }
        gate.broadcast()
        try await blocked
        // The second call was either taken before the shutdown, and then it ran, or refused.
        do {
            try await queued
            #expect(count.withLock { $0 } == 1)
        } catch let error as BlockingExecutorError {
            #expect(error.code == .shutDown && count.withLock { $0 } == 0)
        }
        try await down
        await #expect(throws: BlockingExecutorError.self) { try await executor.run {} }
        executor.shutdown()
        helper.shutdown()
    }

    @Test func tasksGoOnAfterShutdown() async throws {
        let executor = BlockingExecutor(name: "gone", threads: 1)
        executor.shutdown()
        let value = await withTaskExecutorPreference(executor) {
            await Task.yield()
            return 7
        }
        #expect(value == 7)
    }

    @Test func manyCallsFromManyTasks() async throws {
        let executor = BlockingExecutor(name: "many", threads: 3)
        let total = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<2_000 { group.addTask { try await executor.run { index } } }
            return try await group.reduce(0, +)
        }
        #expect(total == 1_999_000)
        executor.shutdown()
    }
}
