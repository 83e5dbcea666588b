import Spillway
import SpillwayCore
import Synchronization

/// Does nothing but count.
struct NoOpHandler: SingleHandler {
    let countdown: Countdown

    func decode(_ record: Record) {}

    // Not inlined: the plain loop is to pay for the call as the engine does.
    @inline(never)
    func handle(_ event: Void, context: HandlingContext) async throws { countdown.hit() }
}

/// Waits as long as the record says, in microseconds.
struct WaitingHandler: SingleHandler {
    let countdown: Countdown
    let waits: [Duration]

    func decode(_ record: Record) throws -> Int { BenchTopic.number(of: record) }

    func handle(_ event: Int, context: HandlingContext) async throws {
        try await Task.sleep(for: waits[event], tolerance: .zero)
        countdown.hit()
    }
}

/// Notes how old a record is once it has been handled, if there is somebody to note it, and waits before that.
struct AgeingHandler: SingleHandler, BatchHandler {
    let countdown: Countdown
    let ages: Ages?
    let work: Duration

    func decode(_ record: Record) throws -> Int { BenchTopic.number(of: record) }

    func handle(_ event: Int, context: HandlingContext) async throws {
        if work > .zero { try await Task.sleep(for: work, tolerance: .zero) }
        ages?.note(event)
        countdown.hit()
    }

    func handle(_ items: [BatchItem<Int>], prepared: Void) async throws -> [RecordOutcome] {
        if work > .zero { try await Task.sleep(for: work, tolerance: .zero) }
        if let ages { for item in items { ages.note(item.event) } }
        countdown.hit(items.count)
        return Array(repeating: .done, count: items.count)
    }
}

/// How old records were, in nanoseconds, by the time in their values.
final class Ages: Sendable {
    private let histogram = Mutex(HDRHistogram(highestTrackableValue: 60_000_000_000))
    private let clock = SystemTimeSource()

    var now: Int { Int(clock.now().nanoseconds) }

    func note(_ stamp: Int) {
        let age = Int64(max(1, now - stamp))
        histogram.withLock { $0.record(age) }
    }

    func microseconds(atPercentile percentile: Double) -> Double {
        histogram.withLock { Double($0.value(atPercentile: percentile)) / 1_000 }
    }
}
