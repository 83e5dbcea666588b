import SpillwayCore
import Testing

@testable import Spillway

/// An engine and what stands around it in tests: a log, workers that the test ends one by one, and a failure store that
/// answers when it is told to.
struct EngineHarness {
    /// A record with a worker.
    struct Job {
        var work: UInt64
        var record: WorkRecord
        var key: String { String(decoding: record.context.record.key ?? [], as: UTF8.self) }
        var low: UInt64 { record.context.record.position?.low ?? 0 }
        var attempt: Int { record.context.attempt }
    }

    static let partition = ConsumerEngineTests.partition
    var engine: ConsumerEngine
    var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    /// What the store holds.
    var stored = FailureTables(limits: FailureStoreLimits())
    var writes: SideWrites?
    var actions = EngineActions()
    /// What has been handled to its end, by key.
    var handled: [String: [UInt64]] = [:]
    var committed: Position?
    var generation: UInt64 = 1
    /// The high word of every position.
    var high: UInt64 = 1

    init(usesFailureStore: Bool = true, _ change: (inout ConsumerConfiguration) -> Void = { _ in }) throws {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.maxInFlightRecords = 1_000
        configuration.concurrency = 4
        configuration.hotKeys = nil
        configuration.maxCommitHintBytes = 0
        change(&configuration)
        try configuration.validate()
        engine = ConsumerEngine(
            EngineSettings(
                configuration, processor: .single(ConsumerEngineTests.Nothing()), usesFailureStore: usesFailureStore))
    }

    /// By how much the wall clock is behind the other one; both run alike.
    var wallBehind = Duration.zero
    var wallMs: Int64 { Int64((now - wallBehind).nanoseconds / 1_000_000) }

    // MARK: The log

    mutating func assign(start: UInt64 = 1) {
        var assignment = ConsumerEngineTests.assignment(generation: generation, start: start)
        assignment.start.high = high
        engine.assign([assignment], now: now)
        settle()
    }

    /// Delivers records, each a key and its place in the log.
    ///
    /// - Parameter seeksDone: how many seeks had been carried out when the broker was asked for them; by default all.
    mutating func receive(_ records: [(key: String, low: UInt64)], seeksDone: UInt64? = nil) {
        let batch = RecordBatch(
            partition: Self.partition, generation: generation,
            records: records.map {
                Record(
                    key: Array($0.key.utf8), value: [1], position: Position(high: high, low: $0.low), timestampMs: 0)
            })
        engine.receive(batch, seeksDone: seeksDone ?? engine.seeksAsked, now: now)
        settle()
    }

    mutating func receive(_ key: String, _ lows: ClosedRange<UInt64>) { receive(lows.map { (key, $0) }) }

    // MARK: Workers

    mutating func take() -> [Job] {
        guard let work = engine.takeWork(now: now), case .records(let records) = work.content else { return [] }
        return records.map { Job(work: work.id, record: $0) }
    }

    /// Takes everything that workers have room for.
    mutating func takeAll() -> [Job] {
        var jobs: [Job] = []
        while true {
            let next = take()
            if next.isEmpty { return jobs }
            jobs += next
        }
    }

    mutating func end(_ job: Job, _ result: WorkResult = .finished) {
        if result == .finished { handled[job.key, default: []].append(job.low) }
        engine.complete(job.work, [(record: job.record, result: result)], now: now)
        settle()
    }

    mutating func end(_ jobs: [Job]) { for job in jobs { end(job) } }

    /// Handles until nothing is ready, with a store that answers at once.
    mutating func run(_ judge: (Job) -> WorkResult = { _ in .finished }) {
        while true {
            let jobs = takeAll()
            for job in jobs { end(job, judge(job)) }
            let hasWritten = answerWrites()
            if jobs.isEmpty, !hasWritten, !answerLoads() { return }
        }
    }

    // MARK: The store

    /// Lets the store apply what the engine wants, or refuse it.
    ///
    /// - Returns: false if there was nothing.
    @discardableResult
    mutating func answerWrites(_ result: SideWriteResult = .applied) -> Bool {
        if writes == nil { writes = engine.takeSideWrites(now: now, wallMs: wallMs) }
        guard let taken = writes else { return false }
        writes = nil
        var result = result
        if result == .applied, (try? stored.apply(taken.operations)) == nil { result = .full }
        engine.sideWritesEnded(result, now: now)
        settle()
        return true
    }

    /// Answers everything that the engine wants to read.
    ///
    /// - Returns: false if nothing came of it.
    @discardableResult
    mutating func answerLoads(fails: Bool = false) -> Bool {
        let first = answerSet(fails: fails)
        let second = answerSet(fails: fails)
        return first || second
    }

    private mutating func answerSet(fails: Bool) -> Bool {
        answer(engine.takeSideLoads(now: now, wallMs: wallMs) ?? [], fails: fails)
    }

    /// Answers reads.
    ///
    /// - Returns: false if nothing came of it.
    @discardableResult
    mutating func answer(_ loads: [SideLoad], fails: Bool = false) -> Bool {
        if loads.isEmpty { return false }
        var count = 0
        var answers: [SideLoaded?] = []
        for load in loads {
            switch load {
            case .held(let group, let partition, let key, let position, let limit, let maxBytes, _, _):
                let from = RecordName(group: group, partition: partition, position: position)
                answers.append(
                    SideLoaded(entries: stored.heldEntries(from, key: key, limit: limit, maxBytes: maxBytes)))
            case .delayed(let group, let partition, let dueByMs, let limit, let maxBytes, _):
                let start = RecordName(group: group, partition: partition, position: .start)
                answers.append(
                    SideLoaded(
                        entries: stored.delayedEntries(start, dueByMs: dueByMs, limit: limit, maxBytes: maxBytes),
                        nextDueMs: stored.nextDelayedDueMs(start)))
            }
            count += answers.last??.entries.count ?? 0
        }
        engine.sideLoaded(loads, fails ? answers.map { _ in nil } : answers, now: now, wallMs: wallMs)
        settle()
        return count > 0 && !fails
    }

    /// The places of what is in the side queue, with those among the dead letters apart.
    var sideRecords: Int { stored.side(Array("g".utf8)).records }
    var letters: [DeadLetter] { stored.deadLetters(group: nil, after: nil, limit: 1_000) }

    // MARK: Time

    mutating func advance(_ duration: Duration) {
        now += duration
        engine.tick(now: now)
        settle()
    }

    /// Notes what the engine wants, and opens what is to be opened.
    mutating func settle() {
        let new = engine.takeActions()
        actions.pause += new.pause
        actions.seek += new.seek
        actions.resume += new.resume
        actions.completeRevocation += new.completeRevocation
        for opening in new.open {
            let held = stored.heldKeys(RecordName(group: "g", partition: opening.partition, position: .start))
            engine.opened(
                opening.partition, epoch: opening.epoch, at: nil,
                held: held.map { ($0, now + .milliseconds(max(0, $0.dueMs - wallMs))) }, now: now)
        }
        if !new.open.isEmpty { settle() }
    }

    /// Commits everything that may be.
    mutating func commit() {
        now += .seconds(1)
        guard let commits = engine.takeCommits(now: now) else { return }
        committed = commits.first?.next ?? committed
        engine.commitEnded(.stored, now: now)
        settle()
    }

    /// Lets the broker store what is to be committed now, as the places where partitions go on that were sought.
    mutating func place() {
        guard engine.takeCommits(now: now) != nil else { return }
        engine.commitEnded(.stored, now: now)
        settle()
    }

    /// What was noted of actions since the last look.
    mutating func takeActions() -> EngineActions {
        defer { actions = EngineActions() }
        return actions
    }
}

extension ConsumerEngine {
    /// Takes in records that the broker was asked for when it had carried out every seek.
    mutating func receive(_ batch: RecordBatch, now: MonotonicInstant) {
        receive(batch, seeksDone: seeksAsked, now: now)
    }
}

func hold(until instant: MonotonicInstant) -> WorkResult {
    .move(Move(.hold(until: instant), reason: "trouble"), orRetryAt: instant)
}
