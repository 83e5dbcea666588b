public import SpillwayCore
import Synchronization

/// Sends spans to a collector as OTLP over HTTP, in JSON: a service that runs beside what is traced.
///
/// It is never in the way: ``export(_:)`` appends to a queue that is bounded in spans and in bytes, and drops and counts
/// what finds it full. Batches leave on a thread of their own, one request at a time; a collector that is busy or away is
/// tried again with backoff, its `Retry-After` honoured, up to a bound; then the batch is given up and counted. On
/// graceful shutdown what waits is sent within ``OTLPConfiguration/shutdownTimeout``: put it first into a
/// `ServiceGroup`, so that it ends last. Spans come at most once from here; a collector may see some twice, where an
/// answer was lost.
public final class OTLPSpanExporter: SpanExporter, Service, CustomStringConvertible {
    private struct State {
        var queue: BoundedQueue<FinishedSpan>
        var troubleLogged = LogLimit(interval: .seconds(60))
        var isEnded = false
    }

    private enum Ending {
        case sent
        case timeUp
        case ticked
    }

    /// The service's name in logs.
    public let description = "otlp-exporter"
    private let configuration: OTLPConfiguration
    private let encoder: OTLPSpanEncoder
    private let metrics: OTLPMetrics
    private let time: any TimeSource
    private let logger: Logger
    private let state: Mutex<State>
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    private let hasRun = Atomic(false)

    /// Makes an exporter; ``run()`` sends.
    ///
    /// - Throws: ``OTLPError`` with ``OTLPError/Code/invalidConfiguration``; `MetricsError` if the registry has metrics
    ///   of these names and another shape.
    public init(
        _ configuration: OTLPConfiguration, metrics: MetricsRegistry = MetricsRegistry(),
        time: any TimeSource = SystemTimeSource(), logger: Logger = Logger(label: "spillway.otlp")
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        encoder = OTLPSpanEncoder(
            serviceName: configuration.serviceName, resourceAttributes: configuration.resourceAttributes)
        self.metrics = try OTLPMetrics(metrics)
        self.time = time
        self.logger = logger
        state = Mutex(
            State(
                queue: BoundedQueue(
                    maximumRecords: configuration.maxQueuedSpans, maximumBytes: configuration.maxQueuedBytes)))
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How many spans wait.
    public var queuedSpans: Int { state.withLock { $0.queue.count } }

    /// Takes spans over, or drops and counts them when the queue is full or the exporter has ended.
    public func export(_ spans: [FinishedSpan]) {
        for span in spans {
            let size = OTLPSpanEncoder.byteCount(span)
            enum Answer { case taken, full, ended, batchIsFull }
            let answer = state.withLock { state -> Answer in
                if state.isEnded { return .ended }
                guard state.queue.append(span, bytes: size) else { return .full }
                return state.queue.count == configuration.maxBatchSpans ? .batchIsFull : .taken
            }
            switch answer {
            case .taken: break
            case .full: metrics.droppedFull.increment()
            case .ended: metrics.droppedShutdown.increment()
            case .batchIsFull: wake.yield()
            }
        }
    }

    /// Sends until graceful shutdown, which sends what waits, or cancellation, which drops it.
    ///
    /// - Throws: ``OTLPError``; `CancellationError` when cancelled.
    public func run() async throws {
        guard !hasRun.exchange(true, ordering: .relaxed) else {
            throw OTLPError(.alreadyRun, "an OTLP exporter runs once; make another one")
        }
        let transport = try OTLPTransport(configuration)
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Ending.self) { group in
                group.addTask {
                    await self.send(through: transport)
                    return .sent
                }
                group.addTask {
                    while !Task.isCancelled {
                        do { try await self.time.sleep(for: self.configuration.interval) } catch { break }
                        self.wake.yield()
                    }
                    return .ticked
                }
                group.addTask {
                    do {
                        try await gracefulShutdown()
                        try await self.time.sleep(for: self.configuration.shutdownTimeout)
                    } catch { return .ticked }
                    return .timeUp
                }
                for await ending in group where ending != .ticked { group.cancelAll() }
            }
        } onGracefulShutdown: { [wake] in
            wake.finish()
        }
        let left = state.withLock { state in
            state.isEnded = true
            return state.queue.removeAll().count
        }
        dropAtShutdown(left)
        try Task.checkCancellation()
    }

    /// Sends what waits whenever it is woken; when no more wakes come, once more.
    private func send(through transport: OTLPTransport) async {
        for await _ in wakes { await sendAll(through: transport) }
        await sendAll(through: transport)
    }

    private func sendAll(through transport: OTLPTransport) async {
        while !Task.isCancelled {
            let batch = state.withLock {
                $0.queue.popFirst(
                    maximumRecords: configuration.maxBatchSpans, maximumBytes: configuration.maxBatchBytes)
            }
            if batch.isEmpty { return }
            await deliver(batch, through: transport)
        }
    }

    /// Sends a batch until the collector has it, refuses it, or was asked often enough.
    private func deliver(_ batch: [FinishedSpan], through transport: OTLPTransport) async {
        var random = SystemRandomNumberGenerator()
        var attempt = 1
        while true {
            let start = time.now()
            let outcome = await transport.post(timeout: configuration.timeout) { [encoder] in encoder.encode(batch) }
            metrics.request.record(time.now() - start)
            switch OTLPVerdict(outcome, attempt: attempt, configuration: configuration, using: &random) {
            case .delivered(let rejected, let message):
                let rejected = min(rejected, batch.count)
                metrics.exported.increment(by: batch.count - rejected)
                metrics.failed.increment(by: rejected)
                if let message { warn("the collector has something to say of spans", "\(message)", spans: rejected) }
                return
            case .giveUp(let reason):
                if Task.isCancelled { return dropAtShutdown(batch.count) }
                metrics.failed.increment(by: batch.count)
                return warn("spans were given up", reason, spans: batch.count)
            case .retry(let wait, let reason):
                if Task.isCancelled { return dropAtShutdown(batch.count) }
                warn("spans could not be sent and are sent again", reason, spans: batch.count)
                do { try await time.sleep(for: wait) } catch { return dropAtShutdown(batch.count) }
                metrics.retries.increment()
                attempt += 1
            }
        }
    }

    private func dropAtShutdown(_ spans: Int) {
        guard spans > 0 else { return }
        metrics.droppedShutdown.increment(by: spans)
        logger.warning("spans were dropped at shutdown", metadata: ["spans": "\(spans)"])
    }

    private func warn(_ what: Logger.Message, _ reason: String, spans: Int) {
        let now = time.now()
        guard let suppressed = state.withLock({ $0.troubleLogged.admit(now) }) else { return }
        logger.warning(
            what,
            metadata: [
                "reason": "\(reason)", "spans": "\(spans)", "endpoint": "\(configuration.url)",
                "suppressed": "\(suppressed)",
            ])
    }
}
