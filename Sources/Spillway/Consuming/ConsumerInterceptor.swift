/// Handles records: the next interceptor, and at last the processor.
public typealias HandleNext = @Sendable (_ records: [HandlingContext]) async -> [RecordOutcome]

/// Handles a partition's batch: the next interceptor, and at last the processor.
public typealias HandleBatchNext = @Sendable (_ batch: RecordBatch) async throws -> Void

/// Wraps every handling of a ``Consumer``, for tracing, metrics or validation.
///
/// Order, from the outside: retry and giving up, then the interceptors (the first of the list is the outermost), then
/// decoding, preparing and handling. So an interceptor sees every attempt, and what it answers is what retry judges.
public protocol ConsumerInterceptor: Sendable {
    /// Wraps the handling of records; must answer one outcome for each record that it was given, in their order.
    func handle(_ records: [HandlingContext], next: HandleNext) async -> [RecordOutcome]

    /// Wraps the handling of a whole batch by a ``PartitionBatchHandler``; throwing makes the batch come again.
    func handle(_ batch: RecordBatch, attempt: Int, next: HandleBatchNext) async throws
}

extension ConsumerInterceptor {
    /// Hands the records on.
    public func handle(_ records: [HandlingContext], next: HandleNext) async -> [RecordOutcome] { await next(records) }

    /// Hands the batch on.
    public func handle(_ batch: RecordBatch, attempt: Int, next: HandleBatchNext) async throws {
        try await next(batch)
    }
}

extension [any ConsumerInterceptor] {
    /// The interceptors around a handler of records, the first one outermost.
    package func around(_ handler: @escaping HandleNext) -> HandleNext {
        reversed().reduce(handler) { next, interceptor in
            { await interceptor.handle($0, next: next) }
        }
    }

    /// The interceptors around a handler of partition batches, the first one outermost.
    package func around(_ handler: @escaping HandleBatchNext, attempt: Int) -> HandleBatchNext {
        reversed().reduce(handler) { next, interceptor in
            { try await interceptor.handle($0, attempt: attempt, next: next) }
        }
    }
}
