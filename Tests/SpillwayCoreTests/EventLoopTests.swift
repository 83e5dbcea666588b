import FoundationEssentials
import Synchronization
import Testing

@testable import SpillwayCore

@Suite struct EventLoopTests {
    @Test func aDurationWithoutAnEndIsAHundredYears() {
        #expect(EventLoop.milliseconds(.seconds(Int64.max)) == 3_200_000_000_000)
        #expect(EventLoop.milliseconds(.microseconds(1_001)) == 2 && EventLoop.milliseconds(.seconds(-1)) == 0)
    }

    @Test func runsClosuresOfOneThreadInOrderOnItsOwnThread() async throws {
        let loop = try EventLoop(name: "order")
        defer { loop.shutdown() }
        let seen = Mutex<[Int]>([])
        for number in 0..<1000 {
            loop.execute {
                #expect(EventLoop.current === loop)
                seen.withLock { $0.append(number) }
            }
        }
        try await loop.run {}
        #expect(seen.withLock { $0 } == Array(0..<1000))
        #expect(EventLoop.current == nil)
    }

    /// The processors that the calling thread may run on, as the kernel lists them.
    private static func processors() throws -> String {
        let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
        return String(line.split(whereSeparator: \.isWhitespace)[1])
    }

    @Test func aLoopStaysOnItsProcessorAndThreadsThatItStartsDoNot() async throws {
        let everywhere = await withCheckedContinuation { continuation in
            _ = NativeThread(name: "free") { continuation.resume(returning: try? Self.processors()) }
        }
        let all = try #require(everywhere)
        let count = ProcessInfo.processInfo.activeProcessorCount
        var seen: Set<String> = []
        for processor in 0..<count {
            let loop = try EventLoop(name: "stays", processor: processor)
            defer { loop.shutdown() }
            let (its, started) = try await loop.run {
                let started = Mutex<String?>(nil)
                let thread = NativeThread(name: "started") { started.withLock { $0 = try? Self.processors() } }
                thread.join()
                return (try? Self.processors(), started.withLock { $0 })
            }
            seen.insert(try #require(its))
            #expect(started == all)
        }
        #expect(seen.count == count && seen.allSatisfy { Int($0) != nil }, "\(seen)")
        for processor in [nil, 100_000] {
            let loop = try EventLoop(name: "anywhere", processor: processor)
            defer { loop.shutdown() }
            #expect(try await loop.run { try? Self.processors() } == all)
        }
    }

    @Test func taskStaysOnTheLoopAcrossSuspensions() async throws {
        let loop = try EventLoop(name: "stay")
        defer { loop.shutdown() }
        let isDone = try await loop.run {
            let startedHere = Mutex(false)
            let task = Task.immediate(executorPreference: loop) {
                startedHere.withLock { $0 = EventLoop.current === loop }
                for _ in 0..<100 {
                    await Task.yield()
                    if !loop.isCurrent { return false }
                }
                // Resumed from another thread, it comes back.
                await withCheckedContinuation { continuation in
                    Task.detached { continuation.resume() }
                }
                return loop.isCurrent
            }
            #expect(startedHere.withLock { $0 }, "the task starts inside the callback")
            return task
        }.value
        #expect(isDone)
    }

    @Test func everythingFromManyThreadsArrives() async throws {
        let loop = try EventLoop(name: "many")
        defer { loop.shutdown() }
        let arrivals = Arrivals()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5000 { loop.execute { arrivals.count.wrappingAdd(1, ordering: .relaxed) } }
                }
            }
        }
        try await loop.run {}
        #expect(arrivals.count.load(ordering: .relaxed) == 40000)
    }

    @Test func tasksThatYieldForEverLeaveRoomForOthers() async throws {
        let loop = try EventLoop(name: "fair")
        defer { loop.shutdown() }
        let task = try await loop.run {
            Task.immediate(executorPreference: loop) { while !Task.isCancelled { await Task.yield() } }
        }
        try await loop.run {}
        task.cancel()
        await task.value
    }

    @Test func timersFireInOrderAndNotEarly() async throws {
        let loop = try EventLoop(name: "timers")
        defer { loop.shutdown() }
        let start = ContinuousClock.now
        let fired: [Int] = await withCheckedContinuation { continuation in
            loop.execute {
                let log = FiredLog()
                loop.schedule(after: .milliseconds(60)) { log.fired.append(60) }
                loop.schedule(after: .milliseconds(20)) { log.fired.append(20) }
                loop.schedule(after: .milliseconds(40)) { log.fired.append(40) }.cancel()
                loop.schedule(after: .milliseconds(90)) { continuation.resume(returning: log.fired) }
            }
        }
        #expect(fired == [20, 60])
        #expect(ContinuousClock.now - start >= .milliseconds(88))
    }

    @Test func aStoppedLoopClosesItsSocketsAndRunsWhatComesLater() async throws {
        let loop = try EventLoop(name: "stop")
        try await loop.run {
            _ = try TCPListener(loop: loop, address: SocketAddress(host: "127.0.0.1", port: 0)) { _ in }
            loop.schedule(after: .seconds(3600)) {}
        }
        loop.shutdown()
        // Both would wait for ever if a stopped loop dropped its work.
        try await loop.run {}
        await Task(executorPreference: loop) { await Task.yield() }.value
        loop.shutdown()
    }
}

private final class Arrivals: Sendable {
    let count = Atomic<Int>(0)
}

/// Touched by one loop's thread only.
private final class FiredLog: @unchecked Sendable {
    var fired: [Int] = []
}

@Suite struct DeadlineWheelTests {
    @Test func randomTimersFireOnceNotEarlyAndAtMostOneTickLate() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<4 {
            var wheel = DeadlineWheel()
            var now = UInt64.random(in: 0...1_000_000, using: &random)
            var waiting: [ObjectIdentifier: EventLoopTimer] = [:]
            for _ in 0..<2000 {
                if Bool.random(using: &random) {
                    let timer = EventLoopTimer(deadline: now + UInt64.random(in: 0...20_000, using: &random)) {}
                    waiting[ObjectIdentifier(timer)] = timer
                    _ = wheel.insert(timer, now: now)
                }
                // As the loop does it: never past the next deadline without looking.
                let step = UInt64.random(in: 0...50, using: &random)
                if let next = wheel.nextDeadline {
                    let earliest = waiting.values.map(\.deadline).min() ?? .max
                    #expect(next < max(earliest, now) + 2 * DeadlineWheel.tick, "the wheel would sleep past a timer")
                } else {
                    #expect(waiting.isEmpty)
                }
                now += step
                for timer in wheel.advance(to: now) {
                    #expect(waiting.removeValue(forKey: ObjectIdentifier(timer)) != nil, "fired twice")
                    #expect(timer.deadline <= now, "fired early")
                }
                for timer in waiting.values { #expect(timer.deadline + DeadlineWheel.tick > now, "fired late") }
            }
        }
    }
}
