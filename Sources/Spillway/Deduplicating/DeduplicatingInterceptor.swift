public import SpillwayCore
import Synchronization

/// Passes over records whose event was handled before.
///
/// ```swift
/// let consumer = try Consumer(
///     id: "mailer-1", broker: broker, configuration: configuration, processor: .single(Mailer()),
///     interceptors: [
///         try DeduplicatingInterceptor(store, scope: "mailer") { $0.headers.first { $0.name == "event-id" }?.value }
///     ])
/// ```
///
/// - A record whose event was handled is done, without the handler. One without an id is handled as if the interceptor
///   were not there.
/// - An event is marked when its outcome is ``RecordOutcome/done``, and only then. One that failed for good is not: it
///   must take effect when it is requeued from the dead letters.
/// - The mark is durable before the record is finished, so before it can be committed. If the mark can't be written the
///   record comes again, and then only the mark is tried, not the handler: for 24 hours, in the process that handled it,
///   and for the newest 65,536 such events.
/// - A record whose event is being handled elsewhere, or that there is no room to remember, is tried again later
///   (``RecordOutcome/retry(_:)`` with a ``DeduplicatorError``). The same event twice in one batch is handled once.
/// - An interceptor's place counts: what stands before it in the list sees duplicates, what stands behind it does not.
///
/// Batches of a ``PartitionBatchHandler`` go through untouched: it stores its offsets with its effects, see
/// `docs/IDEMPOTENCY.md`.
public final class DeduplicatingInterceptor: ConsumerInterceptor {
    /// How long it is remembered that only the mark is missing, and of how many events. A record may wait in the side queue
    /// or behind a pause before it comes again, so this is as long as marks are kept by default.
    private static let unmarkedLife = Duration.seconds(86_400)
    private static let mostUnmarked = 65_536

    private let deduplicator: any Deduplicator
    private let scope: [UInt8]
    private let order: OrderMode
    private let id: @Sendable (Record) -> [UInt8]?
    private let metrics: DeduplicationMetrics?
    private let timeSource: any TimeSource
    private let unmarked = Mutex(UnmarkedClaims(life: unmarkedLife, limit: mostUnmarked))

    /// Makes an interceptor.
    ///
    /// - Parameters:
    ///   - deduplicator: remembers; may be shared by many consumers.
    ///   - scope: whose handling is remembered, such as the consumer group; at most 255 bytes.
    ///   - order: the order that the consumer's configuration asks for; default by key.
    ///   - metrics: where `spillway_deduplicator_…` are registered, with the scope as label.
    ///   - id: the event's id, which every copy of it carries; `nil` if the record has none. 1 to 1,024 bytes, else
    ///     the record is given up.
    /// - Throws: ``DeduplicatorError`` with ``DeduplicatorError/Code/invalidID`` for a scope that is too long;
    ///   `MetricsError`.
    public init(
        _ deduplicator: any Deduplicator, scope: String, order: OrderMode = .key, metrics: MetricsRegistry? = nil,
        timeSource: any TimeSource = SystemTimeSource(), id: @escaping @Sendable (Record) -> [UInt8]?
    ) throws {
        try EventID(scope: Array(scope.utf8), id: [0]).validate()
        self.deduplicator = deduplicator
        self.scope = Array(scope.utf8)
        self.order = order
        self.id = id
        self.metrics = try metrics.map { try DeduplicationMetrics(registry: $0, scope: scope) }
        self.timeSource = timeSource
    }

    /// Hands on what is new.
    public func handle(_ records: [HandlingContext], next: HandleNext) async -> [RecordOutcome] {
        var plan = DeduplicationPlan(await steps(for: records), of: records, order: order)
        let heldBack = plan.holdBack()
        if !heldBack.isEmpty { await deduplicator.abandon(heldBack) }
        let handled = plan.handled
        let answers = handled.isEmpty ? [] : await next(handled.map { records[$0] })
        var conclusion = plan.conclude(answers)
        await write(conclusion.marks, &conclusion.outcomes)
        if !conclusion.abandoned.isEmpty { await deduplicator.abandon(conclusion.abandoned) }
        let repeats = plan.settleRepeats(&conclusion.outcomes)
        if let metrics {
            metrics.duplicates.increment(by: Int64(repeats))
            metrics.show(deduplicator.figures)
        }
        return conclusion.outcomes
    }

    private func steps(for records: [HandlingContext]) async -> [DeduplicationPlan.Step] {
        var steps = [DeduplicationPlan.Step](repeating: .handle(nil), count: records.count)
        var first: [EventID: Int] = [:]
        var asked: [(place: Int, id: EventID)] = []
        let now = timeSource.now()
        for (place, context) in records.enumerated() {
            guard let bytes = id(context.record) else { continue }
            let id = EventID(scope: scope, id: bytes)
            if let earlier = first[id] {
                steps[place] = .repeats(earlier)
                continue
            }
            first[id] = place
            if let claim = unmarked.withLock({ $0.take(id, now: now) }) {
                steps[place] = .mark(claim)
            } else if let refusal = Self.refusal(of: id) {
                steps[place] = .refuse(refusal)
            } else {
                asked.append((place, id))
            }
        }
        guard !asked.isEmpty else { return steps }
        do {
            let answers = try await deduplicator.begin(asked.map(\.id))
            for (answer, (place, _)) in zip(answers, asked) { steps[place] = step(for: answer) }
        } catch {
            metrics?.failures.increment()
            for (place, _) in asked { steps[place] = .putOff(error) }
        }
        return steps
    }

    private static func refusal(of id: EventID) -> (any Error)? {
        do { try id.validate() } catch { return error }
        return nil
    }

    private func step(for answer: DeduplicationAnswer) -> DeduplicationPlan.Step {
        switch answer {
        case .first(let claim): return .handle(claim)
        case .duplicate:
            metrics?.duplicates.increment()
            return .passOver
        case .inProgress(let rest):
            metrics?.inProgress.increment()
            return .putOff(
                DeduplicatorError(.inProgress, "the event is being handled, for \(rest) at most under that claim"))
        case .full:
            metrics?.full.increment()
            return .putOff(DeduplicatorError.storeIsFull)
        }
    }

    /// Marks events; a record whose mark can't be written comes again.
    private func write(_ marks: [(place: Int, claim: EventClaim)], _ outcomes: inout [RecordOutcome]) async {
        guard !marks.isEmpty else { return }
        do {
            let accepted = try await deduplicator.complete(marks.map(\.claim))
            let refused = zip(marks, accepted).filter { !$1 }.map(\.0)
            if !refused.isEmpty { await writeAnew(refused, &outcomes) }
        } catch {
            metrics?.failures.increment()
            keepUnmarked(marks, error, &outcomes)
        }
    }

    /// Marks events whose claims have ended, under new ones: a claim whose lease has passed may have been dropped to make
    /// room, and then nobody else marks the event.
    private func writeAnew(_ marks: [(place: Int, claim: EventClaim)], _ outcomes: inout [RecordOutcome]) async {
        metrics?.refusedClaims.increment(by: Int64(marks.count))
        var claimed: [(place: Int, claim: EventClaim)] = []
        do {
            for (answer, mark) in zip(try await deduplicator.begin(marks.map(\.claim.id)), marks) {
                switch answer {
                case .first(let claim): claimed.append((mark.place, claim))
                case .full:
                    metrics?.full.increment()
                    keepUnmarked([mark], DeduplicatorError.storeIsFull, &outcomes)
                // The effect is there all the same, and so the record is done.
                case .duplicate, .inProgress: break
                }
            }
        } catch {
            metrics?.failures.increment()
            return keepUnmarked(marks, error, &outcomes)
        }
        guard !claimed.isEmpty else { return }
        do { _ = try await deduplicator.complete(claimed.map(\.claim)) } catch {
            metrics?.failures.increment()
            keepUnmarked(claimed, error, &outcomes)
        }
    }

    /// Records whose marks can't be written come again, and then only the marks are tried.
    private func keepUnmarked(
        _ marks: [(place: Int, claim: EventClaim)], _ error: any Error, _ outcomes: inout [RecordOutcome]
    ) {
        let now = timeSource.now()
        unmarked.withLock { unmarked in
            for (_, claim) in marks { unmarked.keep(claim, now: now) }
        }
        for (place, _) in marks { outcomes[place] = .retry(error) }
    }
}
