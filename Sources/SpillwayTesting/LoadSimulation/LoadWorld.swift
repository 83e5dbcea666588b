import Spillway
import SpillwayCore

/// The state of a ``LoadSimulation``.
struct LoadWorld {
    enum Event {
        case ended(work: UInt64, WorkRecord)
        case opened(EngineActions.Opening)
        case written(SideWrites)
        case loaded([SideLoad])
        case committed([Commit])
    }

    let plan: LoadSimulation.Plan
    private let mutation: LoadMutation?
    var engine: ConsumerEngine
    var store = SimulatedFailureStore()
    var logs: [LoadLog]
    private var arrivals: [LoadArrivals]
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000)
    private let lastArrival: MonotonicInstant
    private(set) var now: MonotonicInstant
    private var random: SeededRandom
    private var events = EventHeap<Event>()
    private var demandRecords = 0
    private var demandBytes = 0
    /// The partition that is looked at first for the next fetch.
    private var nextFetch = 0
    /// Records that have arrived and are to be handled, and are not.
    private var unfinished = 0
    private var failures: [Int]
    /// How long workers were busy with each traffic while records arrived.
    private var busyNanoseconds: [Int64]
    private var widestWindow = 0
    private var mostInFlight = 0
    /// The most records of one fetch.
    private static let fetchRecords = 500

    init(_ plan: LoadSimulation.Plan, seed: UInt64, mutation: LoadMutation? = nil) {
        self.plan = plan
        self.mutation = mutation
        let (start, end) = (start, start + plan.arrivals)
        now = start
        lastArrival = end
        random = SeededRandom(seed: seed)
        arrivals = plan.traffic.map { LoadArrivals($0, from: start, until: end, seed: seed) }
        logs = (0..<plan.partitions).map { LoadLog($0) }
        failures = Array(repeating: 0, count: plan.traffic.count)
        busyNanoseconds = Array(repeating: 0, count: plan.traffic.count)
        store.limit = plan.storeLimit
        var settings = EngineSettings(
            plan.consumer, processor: .single(Deaf()), usesFailureStore: plan.hasFailureStore)
        // What others take of a shared rate is not simulated, and nobody would answer what the engine asks of it.
        settings.leasedRate = nil
        engine = ConsumerEngine(settings)
    }

    private struct Deaf: SingleHandler {
        func decode(_ record: Record) throws {}
        func handle(_ event: Void, context: HandlingContext) async throws {}
    }

    // MARK: Time

    mutating func run() throws(SimulationViolation) {
        engine.assign(
            logs.map { Assignment(partition: $0.name, generation: 1, start: LoadLog.position(0)) }, now: now)
        try pump()
        let end = lastArrival + plan.settling
        while let next = nextInstant, next <= end {
            now = max(now, next)
            arrive()
            deliver()
            while let event = events.pop(due: now) { try take(event) }
            engine.tick(now: now)
            try pump()
            if unfinished == 0, arrivals.allSatisfy({ $0.next == nil }) { break }
        }
    }

    private var nextInstant: MonotonicInstant? {
        var next = engine.nextDeadline(now: now)
        func include(_ instant: MonotonicInstant?) {
            guard let instant else { return }
            next = next.map { min($0, instant) } ?? instant
        }
        include(events.first)
        if let first = nextArrival { include(arrivals[first].next?.at) }
        return next
    }

    // MARK: Broker

    /// Appends what has arrived to the logs, in the order of the arrivals.
    private mutating func arrive() {
        while let first = nextArrival, let arrival = arrivals[first].pop(due: now) {
            let number = KeyPartitioner.partition(for: key(first, arrival.key), of: logs.count)
            logs[number].entries.append(
                LoadLog.Entry(arrived: arrival.at, traffic: first, key: arrival.key, handling: arrival.handling))
            if plan.traffic[first].failing != .always { unfinished += 1 }
        }
    }

    /// The traffic of which the next record arrives.
    private var nextArrival: Int? {
        var first: Int?
        for index in arrivals.indices {
            guard let at = arrivals[index].next?.at else { continue }
            if let earliest = first, let other = arrivals[earliest].next?.at, other <= at { continue }
            first = index
        }
        return first
    }

    private func key(_ traffic: Int, _ key: Int) -> [UInt8] { Array("\(traffic)-\(key)".utf8) }

    /// Hands over what is asked for, of one partition after the other.
    private mutating func deliver() {
        var idle = 0
        while idle < logs.count {
            let records = fetch(nextFetch)
            if records.isEmpty {
                idle += 1
            } else {
                idle = 0
                engine.receive(
                    RecordBatch(partition: logs[nextFetch].name, generation: 1, records: records),
                    seeksDone: engine.seeksAsked, now: now)
            }
            nextFetch = (nextFetch + 1) % logs.count
        }
    }

    private mutating func fetch(_ number: Int) -> [Record] {
        var records: [Record] = []
        guard !logs[number].isPaused else { return records }
        while demandRecords > 0, demandBytes > 0, records.count < Self.fetchRecords,
            logs[number].delivered < logs[number].entries.count
        {
            let index = logs[number].delivered
            let entry = logs[number].entries[index]
            let isKeyless = mutation == .forgetsKeys
            let record = logs[number].record(index, key: isKeyless ? nil : key(entry.traffic, entry.key))
            demandRecords -= 1
            demandBytes -= record.byteCount
            logs[number].delivered += 1
            records.append(record)
        }
        return records
    }

    // MARK: Consumer

    private mutating func pump() throws(SimulationViolation) {
        while carryOut(engine.takeActions()) { deliver() }
        while let work = engine.takeWork(now: now) { try begin(work) }
        let wallMs = wallMs
        if let writes = engine.takeSideWrites(now: now, wallMs: wallMs) { push(.written(writes), plan.storeWrite) }
        if let loads = engine.takeSideLoads(now: now, wallMs: wallMs) { push(.loaded(loads), plan.storeRead) }
        if let commits = engine.takeCommits(now: now) { try begin(commits) }
        mostInFlight = max(mostInFlight, engine.inFlightRecords)
        guard engine.inFlightRecords + demandRecords <= plan.consumer.maxInFlightRecords else {
            throw SimulationViolation(
                "bound: \(engine.inFlightRecords) in flight and \(demandRecords) demanded, of"
                    + " \(plan.consumer.maxInFlightRecords)")
        }
        for number in logs.indices {
            widestWindow = max(widestWindow, logs[number].window(isStored: isStored(number)))
        }
    }

    /// Nothing takes no time at all, or the same instant might never end.
    private mutating func push(_ event: Event, _ time: ServiceTime) {
        events.push(now + max(.microseconds(1), time.next(using: &random)), event)
    }

    /// - Returns: true if the broker may have something to deliver that it had not before.
    private mutating func carryOut(_ actions: EngineActions) -> Bool {
        for partition in actions.pause { logs[partition.partition].isPaused = true }
        for seek in actions.seek { logs[seek.partition.partition].delivered = Int(seek.position.low) }
        for partition in actions.resume { logs[partition.partition].isPaused = false }
        for opening in actions.open { push(.opened(opening), plan.storeRead) }
        demandRecords += (actions.request?.records ?? 0) * (mutation == .demandsTooMuch ? 2 : 1)
        demandBytes += actions.request?.bytes ?? 0
        return actions.request != nil || !actions.resume.isEmpty
    }

    private mutating func begin(_ commits: [Commit]) throws(SimulationViolation) {
        for commit in commits {
            let number = commit.partition.partition
            let next = mutation == .commitsOneTooFar ? commit.next.successor : commit.next
            try logs[number].check(commit: next, isStored: isStored(number))
        }
        push(.committed(commits), plan.commit)
    }

    /// A worker takes one record after the other.
    private mutating func begin(_ work: Work) throws(SimulationViolation) {
        guard case .records(let records) = work.content else { return }
        var end = now
        for record in records {
            let number = record.context.partition.partition
            let index = LoadLog.index(of: record.context.record)
            try logs[number].begin(index, order: plan.consumer.order)
            let time = max(.nanoseconds(1), logs[number].entries[index].handling)
            let part = min(lastArrival, end + time) - min(lastArrival, end)
            busyNanoseconds[logs[number].entries[index].traffic] += part.wholeNanoseconds
            end += time
            events.push(end, .ended(work: work.id, record))
        }
    }

    private mutating func take(_ event: Event) throws(SimulationViolation) {
        switch event {
        case .ended(let work, let record):
            let result = try handle(record)
            engine.complete(work, [(record, result)], now: now)
        case .opened(let opening): engine.opened(opening.partition, epoch: opening.epoch, at: nil, now: now)
        case .written(let writes): write(writes)
        case .loaded(let loads):
            engine.sideLoaded(loads, loads.map { store.answer($0) }, now: now, wallMs: wallMs)
        case .committed(let commits):
            for commit in commits { logs[commit.partition.partition].commit(commit.next) }
            engine.commitEnded(.stored, now: now)
        }
        try pump()
    }

    private mutating func handle(_ record: WorkRecord) throws(SimulationViolation) -> WorkResult {
        let number = record.context.partition.partition
        let index = LoadLog.index(of: record.context.record)
        let traffic = logs[number].entries[index].traffic
        let fails =
            switch plan.traffic[traffic].failing {
            case .never: false
            case .always: true
            case .sometimes(let share): random.chance(share)
            }
        logs[number].leave(index)
        guard fails else {
            let isWaived = plan.consumer.retry.whenExhausted == .delay || plan.consumer.order != .key
            try logs[number].handled(index, keepsOrder: !isWaived, at: now)
            if plan.traffic[traffic].failing != .always { unfinished -= 1 }
            return mutation == .handlesAgain ? .retry(at: now) : .finished
        }
        failures[traffic] += 1
        let error = HandlerError(.unavailable, "planned", isRetriable: true)
        let result = plan.consumer.retry.result(
            of: .retry(error), record, hasFailureStore: plan.hasFailureStore, now: now, using: &random)
        if result == .finished { giveUp(number, index) }
        return result
    }

    private mutating func giveUp(_ number: Int, _ index: Int) {
        guard logs[number].entries[index].end == .none else { return }
        logs[number].entries[index].end = .givenUp
        logs[number].entries[index].ended = now
        if plan.traffic[logs[number].entries[index].traffic].failing != .always { unfinished -= 1 }
    }
}

// MARK: - Failure store

extension LoadWorld {
    private var wallMs: Int64 { Int64(now.nanoseconds / 1_000_000) }

    private func name(_ partition: TopicPartition, _ index: Int) -> RecordName {
        RecordName(group: plan.consumer.group, partition: partition, position: LoadLog.position(index))
    }

    private mutating func write(_ writes: SideWrites) {
        let isApplied = mutation == .storesNothing || store.apply(writes.operations)
        guard isApplied else { return engine.sideWritesEnded(.full, now: now) }
        for operation in writes.operations {
            guard case .bury(let letter) = operation else { continue }
            giveUp(letter.name.partition.partition, Int(letter.name.position.low))
        }
        engine.sideWritesEnded(.applied, now: now)
    }

    /// Tells which records of a partition are in the side queue.
    private func isStored(_ number: Int) -> (Int) -> Bool {
        let (store, partition, group) = (store, logs[number].name, plan.consumer.group)
        return { index in
            store.entries[RecordName(group: group, partition: partition, position: LoadLog.position(index))] != nil
        }
    }

    // MARK: Report

    func report() -> LoadSimulation.Report {
        var report = LoadSimulation.Report()
        for (number, traffic) in plan.traffic.enumerated() { report.traffic[traffic.name] = self.report(number) }
        report.duration = now - start
        report.widestWindow = widestWindow
        report.mostInFlight = mostInFlight
        report.moved = engine.counters.moved
        report.heated = engine.counters.heated
        report.commits = engine.counters.commits
        return report
    }

    private func report(_ traffic: Int) -> LoadSimulation.TrafficReport {
        var report = LoadSimulation.TrafficReport()
        var latencies: [Duration] = []
        for log in logs {
            var firstOpen: Int?
            for (index, entry) in log.entries.enumerated() where entry.traffic == traffic {
                report.arrived += 1
                switch entry.end {
                case .handled:
                    report.handled += 1
                    latencies.append(entry.ended - entry.arrived)
                case .givenUp: report.givenUp += 1
                case .none:
                    firstOpen = firstOpen ?? index
                    if store.entries[name(log.name, index)] != nil { report.stored += 1 }
                }
            }
            if let firstOpen { report.committedBeyond = max(report.committedBeyond, log.committed - firstOpen) }
        }
        report.failures = failures[traffic]
        report.busyWorkers = Double(busyNanoseconds[traffic]) / 1e9 / plan.arrivals.inSeconds
        report.latencies = LoadSimulation.Latencies(latencies)
        return report
    }
}
