import Spillway
import SpillwayCore
import Synchronization

/// Runs a user's handlers for the simulation's world: each process has a processor of its own and loses it when it
/// crashes.
final class HandlerRunner: Sendable {
    enum Outcome: Sendable {
        case records([RecordOutcome])
        case batch((any Error)?)
    }

    /// Work whose handler has returned.
    struct Ended: Sendable {
        var process: Int
        var work: Work
        var outcome: Outcome
    }

    /// Where a handler that keeps its own positions begins; `nil` if it could not say.
    struct Answer: Sendable {
        var process: Int
        var opening: EngineActions.Opening
        var positions: [TopicPartition: Position]?
    }

    /// How a process handles what it is given.
    struct Handling: Sendable {
        var processor: Processor
        var interceptors: [any ConsumerInterceptor] = []
    }

    private struct Process: Sendable {
        var handling: Handling
        var executor = SimulatedExecutor()
    }

    private struct State: Sendable {
        var processes: [Int: Process] = [:]
        /// Executors of processes that have died.
        var dead: [SimulatedExecutor] = []
        var tasks: [Task<Void, Never>] = []
        var ended: [Ended] = []
        var answers: [Answer] = []
        /// Handlers of living processes that have not returned.
        var handling: [Int: Int] = [:]
    }

    let timeSource: ManualTimeSource
    let faults: SimulatedFaults
    private let order: OrderMode
    private let makeProcess: @Sendable () -> Handling
    private let state = Mutex(State())

    init(
        timeSource: ManualTimeSource, faults: SimulatedFaults, order: OrderMode,
        makeProcess: @escaping @Sendable () -> Handling
    ) {
        self.timeSource = timeSource
        self.faults = faults
        self.order = order
        self.makeProcess = makeProcess
    }

    /// Starts to handle a piece of work.
    func begin(_ work: Work, in number: Int) {
        start(in: number) { [order] handling in
            let outcome = await handling.handle(work, order: order)
            return { $0.ended.append(Ended(process: number, work: work, outcome: outcome)) }
        }
    }

    /// Asks where a partition begins.
    func ask(_ opening: EngineActions.Opening, in number: Int) {
        start(in: number) { handling in
            let positions = try? await handling.processor.positionOwner?.startPositions(for: [opening.partition])
            return { $0.answers.append(Answer(process: number, opening: opening, positions: positions)) }
        }
    }

    /// Starts something in a process, which begins if there is none of that number.
    private func start(
        in number: Int, _ body: @escaping @Sendable (Handling) async -> @Sendable (inout State) -> Void
    ) {
        let process =
            state.withLock { $0.processes[number] } ?? Process(handling: makeProcess())
        // The one place where a handler starts: its task is kept until the end of the run.
        let task = Task(executorPreference: process.executor) {
            let note = await body(process.handling)
            self.state.withLock { state in
                if let count = state.handling[number] { state.handling[number] = count - 1 }
                note(&state)
            }
        }
        state.withLock { state in
            state.processes[number] = process
            state.tasks.append(task)
            state.handling[number, default: 0] += 1
        }
    }

    /// A process dies where it stands; nothing of it happens any more.
    func kill(_ number: Int) {
        state.withLock { state in
            state.handling[number] = nil
            guard let process = state.processes.removeValue(forKey: number) else { return }
            state.dead.append(process.executor)
        }
    }

    /// Lets a handler of some process go on to its next suspension.
    func proceed(using random: inout SeededRandom) {
        let ready = state.withLock { $0.processes }.sorted { $0.key < $1.key }.map(\.value.executor)
            .filter { $0.readyCount > 0 }
        guard let executor = ready.randomElement(using: &random) else { return }
        executor.run(Int.random(in: 0..<executor.readyCount, using: &random))
    }

    /// What has ended since the last time.
    func takeEnded() -> [Ended] {
        state.withLock { state in
            defer { state.ended = [] }
            return state.ended
        }
    }

    /// What was answered since the last time.
    func takeAnswers() -> [Answer] {
        state.withLock { state in
            defer { state.answers = [] }
            return state.answers
        }
    }

    /// True if handlers wait for what the simulation can't bring. Exact only while no other handler is ready or sleeps: what
    /// a task waits for can't be told.
    var isStuck: Bool {
        let (handling, isReady) = state.withLock { state in
            (
                state.handling.values.reduce(0, +),
                state.processes.values.contains { $0.executor.readyCount > 0 }
            )
        }
        return handling > 0 && !isReady && timeSource.sleeperCount == 0
    }

    /// Ends what has not returned, so that nothing of the run is left behind.
    func finish() {
        faults.setOn(false)
        let (tasks, executors) = state.withLock { ($0.tasks, $0.dead + $0.processes.values.map(\.executor)) }
        for task in tasks { task.cancel() }
        var jobs = 0
        while jobs < 100_000, let executor = executors.first(where: { $0.readyCount > 0 }) {
            executor.run(0)
            jobs += 1
        }
    }
}

extension HandlerRunner.Handling {
    /// Handles a piece of work as a consumer does: through the interceptors, the first one outermost.
    func handle(_ work: Work, order: OrderMode) async -> HandlerRunner.Outcome {
        switch (work.content, processor.shape) {
        case (.records(let records), .records(let handler)):
            let whole = interceptors.around { await handler($0, order) }
            return .records(await whole(records.map(\.context)))
        case (.batch(let batch, let attempt), .partitionBatch(let handler)):
            let whole = interceptors.around(handler, attempt: attempt)
            do {
                try await whole(batch)
                return .batch(nil)
            } catch {
                return .batch(error)
            }
        case (.records, .partitionBatch), (.batch, .records):
            preconditionFailure("the engine hands out what its processor takes")
        }
    }
}
