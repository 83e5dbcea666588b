internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// Group commit: what queued while the last sync ran is written in one batch, and synced once.
///
/// Each call queues its change and then runs on the writer's one thread. The first to run there writes the changes of
/// everyone who queued; the others find theirs done.
final class FailureWriter: Sendable {
    /// A change that waits for its batch.
    private final class Pending: Sendable {
        let change: FailureChange
        /// Asked on the writer's thread, before the change is made.
        let admission: (@Sendable () throws -> Void)?
        private let outcome = Mutex<Result<Int, any Error>?>(nil)

        init(_ change: FailureChange, _ admission: (@Sendable () throws -> Void)?) {
            self.change = change
            self.admission = admission
        }

        var result: Result<Int, any Error>? { outcome.withLock { $0 } }

        /// Sets the outcome; the first one stays.
        func finish(_ result: Result<Int, any Error>) { outcome.withLock { if $0 == nil { $0 = result } } }
    }

    /// Bytes beyond which a batch takes no more changes.
    private static let batchBytes = 8 << 20

    private let tables: FailureTables
    private let limits: FailureStoreLimits
    private let metrics: FailureStoreMetrics
    private let queue = Mutex<Deque<Pending>>(Deque())
    /// One thread: there is one batch at a time.
    let executor = BlockingExecutor(name: "side-queue", threads: 1)

    init(_ tables: FailureTables, limits: FailureStoreLimits, _ metrics: FailureStoreMetrics) {
        self.tables = tables
        self.limits = limits
        self.metrics = metrics
    }

    /// Changes that wait.
    var pendingChanges: Int { queue.withLock { $0.count } }

    /// Makes a change; durable on return.
    ///
    /// - Parameter admission: throws if the change may not be made any more; asked at the last moment.
    /// - Returns: how many letters were discarded or moved.
    func make(_ change: FailureChange, unless admission: (@Sendable () throws -> Void)? = nil) async throws -> Int {
        let pending = Pending(change, admission)
        queue.withLock { $0.append(pending) }
        return try await executor.run { try self.finish(pending) }
    }

    private func finish(_ pending: Pending) throws -> Int {
        while true {
            if let result = pending.result { return try result.get() }
            write(takeBatch())
        }
    }

    private func takeBatch() -> [Pending] {
        queue.withLock { queue in
            var taken: [Pending] = []
            var bytes = 0
            while bytes < Self.batchBytes, let next = queue.popFirst() {
                bytes += next.change.byteCount
                taken.append(next)
            }
            return taken
        }
    }

    /// Writes changes as one batch, and gives each its outcome.
    private func write(_ calls: [Pending]) {
        let prepared: Prepared
        do { prepared = try prepare(calls) } catch {
            // What can't be read concerns one of them, so each goes by itself.
            let left = calls.filter { $0.result == nil }
            guard calls.count > 1 else { return left.forEach { $0.finish(.failure(error)) } }
            return left.forEach { write([$0]) }
        }
        do {
            // What changes nothing needs no sync: whatever it found was synced by the batch that made it so.
            if !prepared.batch.isEmpty {
                try tables.write(prepared.batch, prepared.change)
                try sync()
                metrics.update(prepared.change)
            }
            for (call, count) in prepared.staged { call.finish(.success(count)) }
        } catch {
            for (call, _) in prepared.staged { call.finish(.failure(error)) }
        }
    }

    private struct Prepared {
        let batch: WriteBatch
        let change: FailureGroup.Change
        /// The calls that were not refused.
        let staged: [(call: Pending, count: Int)]
    }

    /// Makes a batch of the changes that are not refused; those that are have their outcome then.
    private func prepare(_ calls: [Pending]) throws -> Prepared {
        var group = try FailureGroup(calls.map(\.change), tables, limits: limits)
        let isDiskFull = tables.database.reserve.level == .critical
        var staged: [(call: Pending, count: Int)] = []
        for call in calls {
            if isDiskFull, !call.change.onlyRemoves {
                call.finish(.failure(Self.diskFull))
                continue
            }
            do {
                try call.admission?()
                staged.append((call, try group.stage(call.change)))
            } catch { call.finish(.failure(error)) }
        }
        let batch = WriteBatch()
        return Prepared(batch: batch, change: try group.write(into: batch, tables), staged: staged)
    }

    private func sync() throws {
        let start = monotonicNanoseconds()
        try tables.database.sync()
        metrics.sync.recordNanoseconds(Int64(monotonicNanoseconds() - start))
    }

    private static let diskFull = FailureStoreError(
        .failed, "the disk is nearly full: free some space",
        cause: DatabaseError(.noSpace, "the disk is nearly full: free some space"))
}
