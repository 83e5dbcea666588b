import Reactions
import ReactionsRocksDB
import Spillway
import SpillwayCore

/// A whole service on an in-memory log and a store in a directory of its own.
final class ServiceHarness {
    let broker: InMemoryBroker
    let temporary: TemporaryStore
    let unreadable: UnreadableStore
    let failures: any FailureStore
    let service: ReactionService

    /// - Parameters:
    ///   - continuing: what was there before a restart.
    ///   - keepsStore: false loses what the projections had written.
    init(
        _ configuration: ReactionsConfiguration = ReactionsConfiguration(), continuing old: ServiceHarness? = nil,
        keepsStore: Bool = true, failures: (any FailureStore)? = nil, registry: MetricsRegistry = MetricsRegistry(),
        tracer: Tracer? = nil
    ) throws {
        var configuration = configuration
        configuration.partitions = 3
        broker = old?.broker ?? InMemoryBroker(sharesSequence: true)
        temporary = try (keepsStore ? old?.temporary : nil) ?? TemporaryStore(partitions: 3)
        unreadable = UnreadableStore(temporary.store)
        self.failures = failures ?? old?.failures ?? InMemoryFailureStore()
        service = try ReactionService(
            configuration: configuration, broker: broker, store: unreadable, failures: self.failures,
            blocking: BlockingExecutor(name: "reader", threads: 2),
            projections: BlockingExecutor(name: "projection", threads: 2), registry: registry,
            logger: Logger(label: "test"), tracer: tracer)
    }

    /// Runs the body while the service runs.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable (ReactionService) async throws -> Result
    ) async throws -> Result {
        try await service.start()
        let service = service
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                do { try await service.run() } catch is CancellationError {}
                return nil
            }
            let result = try await body(service)
            group.cancelAll()
            return result
        }
    }
}

extension ReactionServing {
    /// A vote without any extras.
    @discardableResult
    func like(_ target: String, _ user: String, _ reaction: Reaction = .like) async throws -> VoteReceipt {
        try await vote(
            Vote(targetID: target, targetType: "video", reaction: reaction), user: user, idempotencyKey: nil,
            fingerprint: 0, awaitOutcome: false)
    }

    func one(_ target: String, _ user: String?, after: [LogPosition] = []) async throws -> TargetSummary {
        try await summary(of: [target], user: user, after: after)[0]
    }
}
