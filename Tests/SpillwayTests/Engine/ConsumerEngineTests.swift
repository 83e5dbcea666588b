import SpillwayCore
import Testing

@testable import Spillway

extension ConsumerEngine {
    /// Ends all records of a piece of work.
    mutating func complete(_ work: Work, _ results: [WorkResult], now: MonotonicInstant) {
        guard case .records(let records) = work.content else { preconditionFailure("only records end one by one") }
        complete(work.id, zip(records, results).map { (record: $0, result: $1) }, now: now)
    }
}

@Suite struct ConsumerEngineTests {
    static let partition = TopicPartition(source: "s", topic: "t", partition: 0)
    static let second = TopicPartition(source: "s", topic: "t", partition: 1)

    struct Nothing: SingleHandler {
        func decode(_ record: Record) throws {}
        func handle(_ event: Void, context: HandlingContext) async throws {}
    }

    struct Projecting: PartitionBatchHandler {
        func handle(_ batch: RecordBatch) async throws {}
    }

    static func engine(
        _ processor: Processor = .single(Nothing()), _ change: (inout ConsumerConfiguration) -> Void = { _ in }
    ) -> ConsumerEngine {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.maxInFlightRecords = 100
        change(&configuration)
        return ConsumerEngine(EngineSettings(configuration, processor: processor))
    }

    static func assignment(
        _ partition: TopicPartition = partition, generation: UInt64 = 1, start: UInt64 = 0, hint: [UInt8]? = nil
    ) -> Assignment {
        Assignment(
            partition: partition, generation: generation, start: Position(high: 1, low: start), hint: hint)
    }

    static func batch(
        _ lows: [UInt64], partition: TopicPartition = partition, generation: UInt64 = 1
    ) -> RecordBatch {
        RecordBatch(
            partition: partition, generation: generation,
            records: lows.map {
                Record(key: [UInt8($0 % 8)], value: [1], position: Position(high: 1, low: $0), timestampMs: 0)
            })
    }

    static func batch(key: String, _ low: UInt64, partition: TopicPartition) -> RecordBatch {
        let record = Record(
            key: Array(key.utf8), value: [1], position: Position(high: 1, low: low), timestampMs: 0)
        return RecordBatch(partition: partition, generation: 1, records: [record])
    }

    func time(_ seconds: UInt64) -> MonotonicInstant { MonotonicInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test func aLateCompletionCommitsNothing() throws {
        var engine = Self.engine()
        engine.assign([Self.assignment()], now: time(0))
        engine.receive(Self.batch([1, 2]), now: time(0))
        let work = try unwrap(engine.takeWork(now: time(0)))
        engine.lose([Self.partition], now: time(0))
        check(engine.inFlightRecords == 1)
        engine.complete(work, [.finished], now: time(0))
        check(engine.inFlightRecords == 0 && engine.counters.lateCompletions == 1)
        check(engine.takeCommits(now: time(100)) == nil)
        // Not even when the partition has come back meanwhile.
        engine.assign([Self.assignment(generation: 2)], now: time(0))
        engine.receive(Self.batch([1, 2], generation: 2), now: time(0))
        let again = try unwrap(engine.takeWork(now: time(0)))
        engine.lose([Self.partition], now: time(0))
        engine.assign([Self.assignment(generation: 3)], now: time(0))
        engine.receive(Self.batch([1, 2], generation: 3), now: time(0))
        engine.complete(again, [.finished], now: time(0))
        check(engine.takeCommits(now: time(100)) == nil)
    }

    @Test func aRevocationDrainsCommitsAndOnlyThenLetsGo() throws {
        var engine = Self.engine()
        engine.assign([Self.assignment()], now: time(0))
        _ = engine.takeActions()
        engine.receive(Self.batch([1, 2, 3]), now: time(0))
        let work = try unwrap(engine.takeWork(now: time(0)))
        engine.revoke([Self.partition], now: time(0))
        check(engine.takeWork(now: time(0)) == nil, "nothing new is started")
        check(engine.takeActions().completeRevocation.isEmpty)
        engine.complete(work, [.finished], now: time(0))
        check(engine.takeActions().completeRevocation.isEmpty, "the commit comes first")
        let commits = try unwrap(engine.takeCommits(now: time(0)))
        check(commits.map(\.next) == [Position(high: 1, low: 2)])
        engine.commitEnded(.stored, now: time(0))
        check(engine.takeActions().completeRevocation == [Self.partition])
        check(engine.inFlightRecords == 0)
    }

    @Test func aHandlerThatHangsLosesItsPartitionAtTheDeadline() throws {
        var engine = Self.engine { $0.revocationDrainTimeout = .seconds(5) }
        engine.assign([Self.assignment(start: 1)], now: time(0))
        engine.receive(Self.batch([1]), now: time(0))
        _ = engine.takeWork(now: time(0))
        engine.revoke([Self.partition], now: time(0))
        _ = engine.takeActions()
        check(engine.nextDeadline(now: time(0)) == time(5))
        engine.tick(now: time(4))
        check(engine.takeActions().completeRevocation.isEmpty)
        engine.tick(now: time(5))
        check(engine.takeActions().completeRevocation == [Self.partition])
    }

    @Test func commitsComeByIntervalAndByCount() throws {
        var engine = Self.engine {
            $0.commitInterval = .seconds(10)
            $0.commitRecords = 3
        }
        engine.assign([Self.assignment()], now: time(0))
        engine.receive(Self.batch([1, 2, 3, 4]), now: time(0))
        func finish(_ seconds: UInt64) throws {
            let work = try unwrap(engine.takeWork(now: time(seconds)))
            engine.complete(work, [.finished], now: time(seconds))
        }
        try finish(1)
        check(engine.takeCommits(now: time(10)) == nil)
        check(engine.takeCommits(now: time(11))?.first?.next == Position(high: 1, low: 2))
        try finish(12)
        check(engine.takeCommits(now: time(30)) == nil, "one set of commits is under way at a time")
        engine.commitEnded(.failed, now: time(30))
        check(engine.takeCommits(now: time(31))?.first?.next == Position(high: 1, low: 3))
        engine.commitEnded(.stored, now: time(31))
        try finish(32)
        try finish(32)
        check(engine.takeCommits(now: time(32)) == nil)
        engine.receive(Self.batch([5]), now: time(32))
        try finish(32)
        check(engine.takeCommits(now: time(32))?.first?.next == Position(high: 1, low: 6))
    }

    @Test func aRefusedCommitFencesThePartition() throws {
        var engine = Self.engine()
        engine.assign([Self.assignment()], now: time(0))
        engine.receive(Self.batch([1, 2]), now: time(0))
        let work = try unwrap(engine.takeWork(now: time(0)))
        engine.complete(work, [.finished], now: time(0))
        _ = engine.takeCommits(now: time(1))
        engine.commitEnded(.refused([Self.partition]), now: time(1))
        check(engine.takeWork(now: time(1)) == nil && engine.inFlightRecords == 0)
    }

    @Test func whatAHintSavesIsCommittedThoughNothingElseFinishes() throws {
        let hint = CommitHint(ranges: [Position(high: 1, low: 2)...Position(high: 1, low: 3)])
            .encoded(commit: Position(high: 1, low: 1), maxBytes: 100)
        var engine = Self.engine()
        engine.assign([Self.assignment(start: 1, hint: hint)], now: time(0))
        engine.receive(Self.batch([1]), now: time(0))
        engine.complete(try unwrap(engine.takeWork(now: time(0))), [.finished], now: time(0))
        check(engine.takeCommits(now: time(50))?.map(\.next.low) == [2])
        engine.commitEnded(.stored, now: time(50))
        engine.receive(Self.batch([2, 3]), now: time(50))
        check(engine.counters.skippedByHint == 2)
        check(engine.takeCommits(now: time(100))?.map(\.next.low) == [4])
    }

    @Test func hintsSaveWorkAndForeignOnesAreCounted() throws {
        let commit = Position(high: 1, low: 1)
        let hint = CommitHint(ranges: [Position(high: 1, low: 2)...Position(high: 1, low: 3)])
            .encoded(commit: commit, maxBytes: 100)
        var engine = Self.engine()
        engine.assign([Self.assignment(start: 1, hint: hint)], now: time(0))
        engine.receive(Self.batch([1, 2, 3, 4]), now: time(0))
        check(engine.counters.skippedByHint == 2 && engine.inFlightRecords == 2)
        var other = Self.engine()
        other.assign([Self.assignment(start: 0, hint: hint)], now: time(0))
        other.assign([Self.assignment(Self.second, hint: [1, 2, 3])], now: time(0))
        other.receive(Self.batch([1, 2, 3, 4]), now: time(0))
        check(other.counters.foreignHints == 2 && other.inFlightRecords == 4)
    }

    @Test func aStuckPartitionIsPausedAndTheOtherGoesOn() throws {
        var engine = Self.engine { $0.maxInFlightRecords = 16 }
        engine.assign([Self.assignment(), Self.assignment(Self.second)], now: time(0))
        var demand = 0
        func act() -> EngineActions {
            let actions = engine.takeActions()
            demand += actions.request?.records ?? 0
            return actions
        }
        _ = act()
        check(demand == 3)
        engine.receive(Self.batch([1, 2, 3]), now: time(0))
        demand -= 3
        check(act().pause == [Self.partition])
        check(demand > 0, "there is demand for the other partition")
        let work = try (0..<3).map { _ in try unwrap(engine.takeWork(now: time(0))) }
        for item in work { engine.complete(item, [.finished], now: time(0)) }
        check(act().resume == [Self.partition])
    }

    @Test func anOwnedPositionIsSoughtBeforeAnythingIsHandled() throws {
        var engine = Self.engine(.partitionBatch(Projecting()))
        engine.assign([Self.assignment(start: 50)], now: time(0))
        let actions = engine.takeActions()
        check(actions.pause == [Self.partition] && actions.open.count == 1)
        engine.receive(Self.batch([50, 51]), now: time(0))
        check(engine.takeWork(now: time(0)) == nil && engine.inFlightRecords == 0)
        engine.opened(Self.partition, epoch: actions.open[0].epoch, at: Position(high: 1, low: 7), now: time(0))
        let after = engine.takeActions()
        check(after.seek.map(\.position) == [Position(high: 1, low: 7)] && after.resume == [Self.partition])
        engine.receive(Self.batch([6, 7, 9]), now: time(0))
        let work = try unwrap(engine.takeWork(now: time(0)))
        guard case .batch(let batch, attempt: 1) = work.content else { throw Trouble() }
        check(batch.records.compactMap { $0.position?.low } == [7, 9])
        engine.completeBatch(work.id, .finished, now: time(0))
        check(engine.takeCommits(now: time(10)) == nil, "the group has committed more: it isn't set back")
    }

    @Test func staleGenerationsAndRepeatsAreDropped() {
        var engine = Self.engine()
        engine.receive(Self.batch([1]), now: time(0))
        engine.assign([Self.assignment(generation: 5)], now: time(0))
        engine.receive(Self.batch([1, 2], generation: 4), now: time(0))
        engine.receive(Self.batch([1, 2], generation: 5), now: time(0))
        engine.receive(Self.batch([2, 3], generation: 5), now: time(0))
        check(engine.counters.stale == 3 && engine.counters.repeated == 1 && engine.inFlightRecords == 3)
    }

    @Test func shutdownDrainsAndReleasesEverything() throws {
        var engine = Self.engine()
        engine.assign([Self.assignment(), Self.assignment(Self.second)], now: time(0))
        engine.receive(Self.batch([1, 2, 3]), now: time(0))
        let work = try unwrap(engine.takeWork(now: time(0)))
        engine.shutDown(now: time(0))
        check(!engine.isDrained(now: time(0)) && engine.takeActions().request == nil)
        engine.complete(work, [.finished], now: time(0))
        _ = try unwrap(engine.takeCommits(now: time(0)))
        engine.commitEnded(.stored, now: time(0))
        check(engine.isDrained(now: time(0)) && engine.inFlightRecords == 0 && engine.laneCount == 0)
        engine.assign([Self.assignment(generation: 9)], now: time(0))
        check(engine.isDrained(now: time(0)))
    }

    /// An engine that shuts down at 0 with a piece of work whose partition has gone.
    private func leavingBehind(_ leave: (inout ConsumerEngine) -> Void) throws -> (ConsumerEngine, Work) {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.shutdownDrainTimeout = .seconds(500)
        configuration.hotKeys = nil
        var engine = ConsumerEngine(EngineSettings(configuration, processor: .single(Nothing())))
        engine.assign([Self.assignment()], now: time(0))
        engine.receive(Self.batch([1]), now: time(0))
        let work = try unwrap(engine.takeWork(now: time(0)))
        leave(&engine)
        engine.shutDown(now: time(0))
        return (engine, work)
    }

    @Test func shutdownWaitsForWorkOfPartitionsThatHaveGone() throws {
        for isLost in [true, false] {
            var (engine, work) = try leavingBehind {
                if isLost { $0.lose([Self.partition], now: time(0)) } else { $0.disconnect() }
            }
            check(!engine.isDrained(now: time(499)) && engine.nextDeadline(now: time(0)) == time(500))
            engine.complete(work, [.finished], now: time(100))
            check(engine.isDrained(now: time(100)) && engine.nextDeadline(now: time(100)) == nil)
        }
    }

    @Test func workOfPartitionsThatHaveGoneHasNoLongerThanOther() throws {
        let (engine, _) = try leavingBehind { $0.lose([Self.partition], now: time(0)) }
        check(engine.isDrained(now: time(500)) && engine.hasRunningWork && engine.nextDeadline(now: time(500)) == nil)
    }
}
