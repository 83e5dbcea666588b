import SpillwayCore
import Testing

@testable import Spillway

/// How much of the side queue is read at a time, of whom, and how often.
@Suite struct ConsumerEngineSideRoomTests {
    private let second = ConsumerEngineTests.second

    private func delay(_ harness: EngineHarness, _ wait: Duration) -> WorkResult {
        .move(Move(.delay(until: harness.now + wait), reason: ""), orRetryAt: harness.now + wait)
    }

    private func harness(_ change: (inout ConsumerConfiguration) -> Void) throws -> EngineHarness {
        var harness = try EngineHarness {
            $0.retry.moveBudget = MoveBudgetPolicy(capacity: 10_000)
            change(&$0)
        }
        harness.assign()
        return harness
    }

    /// A key of a hundred bytes.
    private func long(_ name: String) -> String { String(repeating: "x", count: 100 - name.count) + name }

    @Test(arguments: [false, true])
    func whatComesBackIsBoundedInBytes(isHeld: Bool) throws {
        var harness = try harness { $0.maxInFlightBytes = 8_000 }
        check(harness.engine.settings.sideShare.bytes == 1_000 && harness.engine.settings.sideShare.records > 50)
        for low in UInt64(1)...50 {
            harness.receive([(long(isHeld && low > 25 ? "held" : "\(low)"), low)])
            for job in harness.takeAll() {
                let until = harness.now + .milliseconds(1)
                harness.end(job, isHeld ? hold(until: until) : delay(harness, .milliseconds(1)))
            }
            harness.answerWrites()
        }
        check(harness.sideRecords == 50)
        harness.advance(.seconds(1))
        var rounds = 0
        while harness.handled.values.reduce(0, { $0 + $1.count }) < 50 {
            let loads = harness.engine.takeSideLoads(now: harness.now, wallMs: harness.wallMs) ?? []
            check(loads.reduce(0) { $0 + $1.maxBytes } <= 1_000, "what is in memory is no room")
            harness.answer(loads)
            check(harness.engine.sideHeldBytes < 1_000 + 108, "\(harness.engine.sideHeldBytes)")
            harness.end(harness.takeAll())
            harness.answerWrites()
            harness.advance(.milliseconds(10))
            rounds += 1
            try #require(rounds < 200)
        }
        harness.run()
        check(harness.sideRecords == 0 && harness.engine.inFlightBytes == 0)
    }

    @Test func entriesThatAreInMemoryDontHideTheOthersFromALook() throws {
        var harness = try harness {
            $0.maxInFlightBytes = 8_000
            $0.concurrency = 20
        }
        for low in UInt64(1)...20 {
            harness.receive([(long("\(low)"), low)])
            harness.end(harness.takeAll()[0], delay(harness, .milliseconds(Int(low))))
            harness.answerWrites()
        }
        harness.advance(.seconds(1))
        harness.answerLoads()
        // All that came back but one stay with their workers.
        let stuck = harness.takeAll()
        check(stuck.count == 10)
        harness.end([stuck[9]])
        harness.answerWrites()
        for _ in 0..<30 {
            harness.advance(.milliseconds(100))
            harness.answerLoads()
            harness.end(harness.takeAll())
            harness.answerWrites()
        }
        check(harness.handled.count == 11)
    }

    @Test func delayedRecordsOfOnePartitionDontKeepThoseOfAnotherBack() throws {
        var harness = try harness { $0.maxInFlightRecords = 80 }
        harness.engine.assign(
            [Assignment(partition: second, generation: 1, start: Position(high: 1, low: 1))], now: harness.now)
        harness.settle()
        for low in UInt64(1)...105 {
            let key = low > 100 ? "second" : "first"
            harness.engine.receive(
                ConsumerEngineTests.batch(
                    key: "\(key)\(low)", low, partition: low > 100 ? second : EngineHarness.partition),
                now: harness.now)
            harness.settle()
            harness.end(harness.takeAll()[0], delay(harness, .milliseconds(1)))
            harness.answerWrites()
        }
        check(harness.sideRecords == 105)
        harness.advance(.seconds(1))
        while harness.handled.keys.count(where: { $0.hasPrefix("second") }) < 5 {
            harness.answerLoads()
            harness.end(harness.takeAll())
            harness.answerWrites()
            try #require(harness.handled.count < 40, "the second one's wait for all of the first one's")
        }
    }

    @Test func aHeldKeyIsNotReadAgainBeforeItMayBeTaken() throws {
        var harness = try harness { _ in }
        harness.receive([("a", 5), ("a", 6)])
        harness.end(harness.takeAll()[0], hold(until: harness.now + .milliseconds(1)))
        harness.answerWrites()
        harness.engine.lose([EngineHarness.partition], now: harness.now)
        harness.advance(.seconds(1))
        harness.generation = 2
        harness.assign(start: 1)
        func checkThatNothingIsRead() throws {
            harness.answerLoads()
            let loads = harness.engine.takeSideLoads(now: harness.now, wallMs: harness.wallMs)
            try #require(loads?.count ?? 0 == 0)
        }
        // The log has delivered everything before it, but not the record itself.
        harness.receive("other", 1...4)
        harness.end(harness.takeAll())
        try checkThatNothingIsRead()
        // It comes, and waits for the store, which has it already.
        harness.receive([("a", 5)])
        try checkThatNothingIsRead()
        harness.answerWrites()
        harness.run()
        check(harness.handled["a"] == [5])
        harness.receive([("a", 6)])
        harness.run()
        check(harness.handled["a"] == [5, 6] && harness.sideRecords == 0)
    }
}

extension SideLoad {
    fileprivate var maxBytes: Int {
        switch self {
        case .held(_, _, _, _, _, let maxBytes, _, _), .delayed(_, _, _, _, let maxBytes, _): maxBytes
        }
    }
}
