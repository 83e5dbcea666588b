import SpillwayCore
import Synchronization

/// What goes to the failure store, and comes back.
extension ConsumerRun {
    /// Writes what the engine moves away, one set of operations at a time.
    func move() async {
        guard let store = consumer.failureStore else { return }
        while !Task.isCancelled {
            guard let writes = state.withLock({ $0.sideWrites }) else {
                await moverSignal.wait()
                continue
            }
            let result = await apply(writes, to: store)
            state.withLock { $0.sideWrites = nil }
            step { engine, now in engine.sideWritesEnded(result, now: now) }
        }
    }

    private func apply(_ writes: SideWrites, to store: any FailureStore) async -> SideWriteResult {
        do {
            try await store.apply(
                writes.operations, group: configuration.group, generations: writes.generations)
            logBurials(writes.operations)
            return .applied
        } catch let error as FailureStoreError where error.code == .full {
            logFailure("the side queue or the dead letters are full, and records wait for room", error)
            return .full
        } catch {
            logFailure("records could not be moved away, which is tried again", error)
            return .failed
        }
    }

    private func logBurials(_ operations: [FailureOperation]) {
        for operation in operations {
            guard case .bury(let letter) = operation else { continue }
            noteGivenUp(
                letter.name.partition, position: letter.name.position, attempts: letter.attempts, reason: letter.reason)
        }
    }

    /// Reads what is due in the side queue.
    func load() async {
        guard let store = consumer.failureStore else { return }
        while !Task.isCancelled {
            guard let loads = state.withLock({ $0.sideLoads }) else {
                await loaderSignal.wait()
                continue
            }
            var answers: [SideLoaded?] = []
            for load in loads { answers.append(await answer(load, store)) }
            state.withLock { $0.sideLoads = nil }
            let wallMs = consumer.timeSource.wallMilliseconds()
            step { engine, now in engine.sideLoaded(loads, answers, now: now, wallMs: wallMs) }
        }
    }

    private func answer(_ load: SideLoad, _ store: any FailureStore) async -> SideLoaded? {
        do {
            switch load {
            case .held(let group, let partition, let key, let position, let limit, let maxBytes, _, _):
                return SideLoaded(
                    entries: try await store.heldEntries(
                        group: group, partition: partition, key: key, from: position, limit: limit,
                        maxBytes: maxBytes))
            case .delayed(let group, let partition, let dueByMs, let limit, let maxBytes, _):
                let next = try await store.nextDelayedDueMs(group: group, partition: partition)
                guard let next, next <= dueByMs else { return SideLoaded(entries: [], nextDueMs: next) }
                return SideLoaded(
                    entries: try await store.delayedEntries(
                        group: group, partition: partition, dueByMs: dueByMs, limit: limit, maxBytes: maxBytes),
                    nextDueMs: nil)
            }
        } catch {
            logFailure("the side queue could not be read, which is tried again", error)
            return nil
        }
    }

    /// The keys of partitions that wait in the side queue.
    func heldKeys(of openings: [EngineActions.Opening]) async throws -> [[HeldKeySummary]] {
        guard let store = consumer.failureStore else { return openings.map { _ in [] } }
        var held: [[HeldKeySummary]] = []
        for opening in openings {
            held.append(
                try await store.open(
                    group: configuration.group, partition: opening.partition, generation: opening.generation))
        }
        return held
    }
}
