import Spillway
import SpillwayCore

/// The state of a simulation.
struct SimulationWorld: Sendable {
    enum Phase: Sendable, Equatable {
        /// Everything goes wrong.
        case faulty
        /// Only the bad keys fail.
        case quiet
        /// Nothing fails.
        case healed
        /// Every process drains.
        case leaving
    }

    var random: SeededRandom
    let plan: SimulationPlan
    let mutation: EngineMutation?
    var ledger: SimulationLedger
    var broker: SimulatedBroker
    var nodes: [SimulatedNode]
    /// Where the handlers' own store stands, as far as is known; used by handlers that own their positions.
    var applied: [Position]
    var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    var phase = Phase.faulty
    var report = EngineSimulation.Report()
    /// The last batch that was delivered of each partition, to come again under a later assignment.
    var lastDelivered: [RecordBatch?]
    /// Work of processes that have lost the partition or their life; its effect comes late.
    var ghosts: [SimulatedNode.Running] = []
    var store = SimulatedFailureStore()
    /// Where operators have gone back, by partition.
    var operatorSeeks: [Int: OperatorSeek] = [:]
    /// When records were to come back that a planted bug lets come earlier.
    var promisedDue: [Position: MonotonicInstant] = [:]
    /// Runs a user's handlers; without it handling is drawn from the seed.
    let runner: HandlerRunner?
    var trace: SimulationTrace
    private var lastProcess: Int

    init(seed: UInt64, mutation: EngineMutation?) {
        var random = SeededRandom(seed: seed)
        let plan = SimulationPlan(&random)
        let ledger = SimulationLedger(plan, &random)
        self.init(plan: plan, ledger: ledger, random: random, mutation: mutation)
    }

    init(
        plan: SimulationPlan, ledger: SimulationLedger, random: SeededRandom, mutation: EngineMutation? = nil,
        runner: HandlerRunner? = nil
    ) {
        self.random = random
        self.plan = plan
        self.mutation = mutation
        self.ledger = ledger
        self.runner = runner
        trace = SimulationTrace(isOn: runner != nil)
        lastProcess = plan.nodes - 1
        broker = SimulatedBroker(partitions: plan.partitions)
        let settings = plan.settings
        nodes = (0..<plan.nodes).map { SimulatedNode(settings, process: $0) }
        applied = Array(repeating: .start, count: plan.partitions)
        lastDelivered = Array(repeating: nil, count: plan.partitions)
        store.limit = plan.storeLimit
    }

    mutating func run() throws(SimulationViolation) {
        for _ in 0..<plan.faultySteps {
            try step()
            try fault()
        }
        phase = .quiet
        runner?.faults.setOn(false)
        trace.note("everything heals")
        for index in nodes.indices {
            nodes[index].engine.setPaused(false, broker.slots.indices.map { SimulatedBroker.name($0) })
            try pump(index)
        }
        for number in broker.slots.indices { broker.available[number] = ledger.partitions[number].entries.count }
        try run("a key starved beside keys that fail, or a record was lost") { world in
            world.ledger.partitions.allSatisfy { partition in
                partition.entries.allSatisfy { $0.hasEffect || world.plan.badKeys.contains($0.key) }
            }
        }
        phase = .healed
        try run("a record was lost, or not committed") {
            $0.ledger.isComplete && $0.operatorSeeks.isEmpty && $0.firstUncommitted == nil && $0.store.entries.isEmpty
        }
        phase = .leaving
        for index in nodes.indices { nodes[index].isLeaving = true }
        for index in nodes.indices {
            nodes[index].engine.shutDown(now: now)
            try pump(index)
        }
        try run("a process did not drain") { world in
            world.nodes.allSatisfy { $0.engine.isDrained(now: world.now) && $0.running.isEmpty }
        }
        try checkEnd()
    }

    /// Steps until the condition holds.
    private mutating func run(
        _ complaint: String, until holds: (SimulationWorld) -> Bool
    ) throws(SimulationViolation) {
        for count in 0..<200_000 {
            if count.isMultiple(of: 16), holds(self) { return }
            try step()
        }
        throw SimulationViolation("\(complaint) (in phase \(phase)): \(describe())")
    }

    /// One step: something that can happen happens, or time passes.
    mutating func step() throws(SimulationViolation) {
        report.steps += 1
        let index = Int.random(in: nodes.indices, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            let number = Int.random(in: broker.slots.indices, using: &random)
            broker.available[number] = min(
                ledger.partitions[number].entries.count,
                broker.available[number] + Int.random(in: 1...5, using: &random))
            assignFree()
        case 1, 2: deliver(to: index)
        case 3, 4: try takeEvent(index)
        case 5, 6: try endWork(index)
        default: try passTime(index)
        }
        try letHandlersRun()
        try check(index)
    }

    // MARK: Broker

    mutating func assignFree() {
        for number in broker.slots.indices where broker.slots[number].owner == nil {
            let candidates = nodes.indices.filter { !nodes[$0].isLeaving }
            guard let node = candidates.randomElement(using: &random) else { return }
            forgetSeek(number)
            let assignment = broker.assign(number, to: node, ledger: ledger)
            trace.note("partition \(number) goes to process \(nodes[node].process), from \(assignment.start) on")
            nodes[node].inbox.append(.assigned(assignment))
        }
    }

    mutating func deliver(to index: Int) {
        let candidates = broker.slots.indices.filter { number in
            let slot = broker.slots[number]
            return slot.owner == index && !slot.isRevoking && !nodes[index].paused.contains(number)
                && slot.next < broker.available[number]
        }
        guard nodes[index].demandRecords > 0, nodes[index].demandBytes > 0, nodes[index].inbox.count < 3,
            let number = candidates.randomElement(using: &random)
        else { return }
        // A record or two come again.
        if phase == .faulty, random.chance(0.05) {
            broker.slots[number].next = max(broker.slots[number].floor, broker.slots[number].next - 2)
        }
        let most = min(nodes[index].demandRecords, Int.random(in: 1...12, using: &random))
        var records: [Record] = []
        while records.count < most, broker.slots[number].next < broker.available[number],
            nodes[index].demandBytes > 0
        {
            let record = ledger.record(
                number, broker.slots[number].next, keyless: mutation == .forgetsKeys)
            broker.slots[number].next += 1
            nodes[index].demandBytes -= record.byteCount
            records.append(record)
        }
        nodes[index].demandRecords -= records.count
        let batch = RecordBatch(
            partition: SimulatedBroker.name(number), generation: broker.slots[number].generation, records: records)
        lastDelivered[number] = batch
        trace.note(
            "process \(nodes[index].process) is sent \(Self.names(batch.records)) of partition \(number), generation"
                + " \(batch.generation)")
        nodes[index].inbox.append(.records(batch))
    }

    // MARK: Processes

    mutating func takeEvent(_ index: Int) throws(SimulationViolation) {
        if nodes[index].hand == nil {
            guard !nodes[index].inbox.isEmpty else { return }
            nodes[index].hand = nodes[index].inbox.removeFirst()
            // Others may come to the engine before it does: a seek does not reach it any more.
            if random.chance(0.3) { return }
        }
        guard let event = nodes[index].hand else { return }
        nodes[index].hand = nil
        let now = now
        switch event {
        case .assigned(let assignment):
            nodes[index].generations[assignment.partition.partition] = assignment.generation
            nodes[index].engine.assign([assignment], now: now)
        case .revoking(let number):
            trace.note("process \(nodes[index].process) is asked to give partition \(number) back")
            nodes[index].revokedAt[number] = now
            nodes[index].engine.revoke([SimulatedBroker.name(number)], now: now)
            if mutation == .givesBackAtOnce { try completeRevocation(number, by: index) }
        case .lost(let number):
            trace.note("process \(nodes[index].process) hears that it has lost partition \(number)")
            nodes[index].lost[number, default: []].insert(nodes[index].generations[number] ?? 0)
            if mutation != .hearsNoLoss { nodes[index].engine.lose([SimulatedBroker.name(number)], now: now) }
        case .records(var batch):
            if mutation == .ignoresGenerations {
                batch.generation = broker.slots[batch.partition.partition].generation
            }
            let seeksDone = mutation == .takesWhatCameDuringASeek ? .max : nodes[index].seeksDone
            nodes[index].engine.receive(batch, seeksDone: seeksDone, now: now)
        }
        try pump(index)
        nodes[index].seeksDone = nodes[index].engine.seeksAsked
    }

    mutating func passTime(_ index: Int) throws(SimulationViolation) {
        let passed = Duration.microseconds(Int64.random(in: 1...8_000, using: &random))
        now += passed
        runner?.timeSource.advance(by: passed)
        if let commits = nodes[index].commits, commits.at <= now {
            nodes[index].commits = nil
            let result = try commit(commits.value, of: index)
            trace.note(
                "process \(nodes[index].process) commits"
                    + " \(commits.value.map { "partition \($0.partition.partition) at \($0.next)" }.joined(separator: ", "))"
                    + ": \(result)")
            if mutation != .believesCommitsTooEarly { nodes[index].engine.commitEnded(result, now: now) }
        }
        if let opening = nodes[index].openings.first, opening.at <= now {
            nodes[index].openings.removeFirst()
            if phase == .faulty, random.chance(0.2), nodes[index].engine.isOpening(epoch: opening.value.epoch) {
                nodes[index].openings.append(SimulatedNode.Pending(value: opening.value, at: later(20)))
            } else if let runner, plan.settings.asksForPositions {
                runner.ask(opening.value, in: nodes[index].process)
            } else {
                open(
                    opening.value,
                    at: plan.settings.asksForPositions ? applied[opening.value.partition.partition] : nil,
                    by: index)
            }
        }
        try passStoreTime(index)
        nodes[index].engine.tick(now: now)
        try pump(index)
    }

    /// Has the broker store commits, unless that fails; of those that fail it has stored half all the same.
    private mutating func commit(_ commits: [Commit], of index: Int) throws(SimulationViolation) -> CommitResult {
        let fails = phase == .faulty && random.chance(0.1)
        if fails, random.chance(0.5) { return .failed }
        let (store, group) = (store, plan.settings.group)
        let result = try broker.commit(commits, of: index, ledger: ledger) { partition, position in
            store.entries[RecordName(group: group, partition: partition, position: position)] != nil
        }
        try noteStored(commits, result, by: index)
        return fails ? .failed : result
    }

    /// Tells a process where a partition begins.
    mutating func open(_ opening: EngineActions.Opening, at position: Position?, by index: Int) {
        let held = held(opening)
        nodes[index].engine.opened(opening.partition, epoch: opening.epoch, at: position, held: held, now: now)
    }

    /// Names the next process.
    mutating func nextProcess() -> Int {
        lastProcess += 1
        return lastProcess
    }

    /// What the wall clock shows when a run begins.
    static var startMs: Int64 { 1_000 }

    static func names(_ records: [Record]) -> String {
        records.map { $0.position.map { "\($0)" } ?? "-" }.joined(separator: " ")
    }

    mutating func later(_ milliseconds: Int64) -> MonotonicInstant {
        now + .microseconds(Int64.random(in: 0...milliseconds * 1_000, using: &random))
    }
}
