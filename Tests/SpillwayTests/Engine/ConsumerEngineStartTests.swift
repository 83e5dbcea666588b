import SpillwayCore
import Testing

@testable import Spillway

/// Where a group begins that has committed nothing.
@Suite struct ConsumerEngineStartTests {
    private let start = Position(high: 1, low: 5)

    private func time(_ seconds: UInt64) -> MonotonicInstant { MonotonicInstant(nanoseconds: seconds * 1_000_000_000) }

    private func engine(
        _ processor: Processor = .single(ConsumerEngineTests.Nothing()), start: SubscriptionRequest.Start = .latest
    ) -> ConsumerEngine {
        ConsumerEngineTests.engine(processor) {
            $0.start = start
            $0.commitInterval = .seconds(60)
        }
    }

    @Test func aGroupThatBeginsAtTheLatestRecordCommitsItsPlaceAtOnce() throws {
        var engine = engine()
        engine.assign([ConsumerEngineTests.assignment(start: 5)], now: time(0))
        let commits = try unwrap(engine.takeCommits(now: time(0)))
        check(commits.map(\.next) == [start] && commits[0].hint == nil)
        engine.commitEnded(.failed, now: time(0))
        check(engine.takeCommits(now: time(1))?.map(\.next) == [start], "one that failed is made again")
        engine.commitEnded(.stored, now: time(1))
        check(engine.takeCommits(now: time(100)) == nil)
    }

    @Test func itsPlaceIsCommittedBeforeThePartitionGoes() throws {
        var engine = engine()
        engine.assign([ConsumerEngineTests.assignment(start: 5)], now: time(0))
        engine.receive(ConsumerEngineTests.batch([5]), now: time(0))
        let work = try unwrap(engine.takeWork(now: time(0)))
        engine.revoke([ConsumerEngineTests.partition], now: time(0))
        engine.complete(work, [.retry(at: time(9))], now: time(0))
        check(engine.takeActions().completeRevocation.isEmpty)
        check(try unwrap(engine.takeCommits(now: time(0))).map(\.next) == [start])
        engine.commitEnded(.stored, now: time(0))
        check(engine.takeActions().completeRevocation == [ConsumerEngineTests.partition])
    }

    @Test func whereACommitIsKnownNoneIsMade() {
        var earliest = engine(start: .earliest)
        earliest.assign([ConsumerEngineTests.assignment(start: 5)], now: time(0))
        check(earliest.takeCommits(now: time(100)) == nil)
        var hinted = engine()
        hinted.assign([ConsumerEngineTests.assignment(start: 5, hint: [1])], now: time(0))
        check(hinted.takeCommits(now: time(100)) == nil, "it would take the hint's place")
        var ending = engine()
        ending.shutDown(now: time(0))
        ending.assign([ConsumerEngineTests.assignment(start: 5)], now: time(0))
        check(ending.takeCommits(now: time(100)) == nil && ending.isDrained(now: time(0)))
    }

    @Test func aHandlerWithAPlaceOfItsOwnIsAskedFirst() throws {
        for own in [nil, Position(high: 1, low: 3)] {
            var engine = engine(.partitionBatch(ConsumerEngineTests.Projecting()))
            engine.assign([ConsumerEngineTests.assignment(start: 5)], now: time(0))
            let opening = try unwrap(engine.takeActions().open.first)
            check(engine.takeCommits(now: time(0)) == nil)
            engine.opened(opening.partition, epoch: opening.epoch, at: own, now: time(0))
            check(engine.takeCommits(now: time(0))?.map(\.next) == (own == nil ? [start] : nil))
        }
    }
}
