/// A handler in the form in which a ``Consumer`` takes it.
///
/// A consumer holds one or more, each with a name of its own; one of them handles.
public struct Processor: Sendable {
    package enum Shape: Sendable {
        /// Records with an outcome each, in the order that the consumer keeps.
        case records(@Sendable ([HandlingContext], OrderMode) async -> [RecordOutcome])
        /// A whole slice of a partition, which works or throws.
        case partitionBatch(@Sendable (RecordBatch) async throws -> Void)
    }

    package typealias Single = @Sendable (HandlingContext) async -> RecordOutcome

    /// The processor's name, unique within its consumer.
    public let name: String
    /// How much it is handed at a time.
    public let limits: BatchLimits
    package let shape: Shape
    /// Of a processor of single records: the same for one record.
    package let single: Single?
    package let positionOwner: (any PositionOwner)?

    package var isPartitionBatch: Bool {
        switch shape {
        case .records: false
        case .partitionBatch: true
        }
    }

    /// True if it takes one record at a time.
    package var isSingle: Bool { single != nil }

    private init(
        name: String, limits: BatchLimits, shape: Shape, single: Single? = nil, positionOwner: (any PositionOwner)?
    ) {
        self.name = name
        self.limits = limits
        self.shape = shape
        self.single = single
        self.positionOwner = positionOwner
    }

    /// Hands over a partition's records in order, as many as there are up to the limits, without delay.
    ///
    /// - Parameters:
    ///   - maxRecords: the most records in one batch, default 4,096.
    ///   - maxBytes: the most bytes in one batch, passed by one record at most; default 16 MiB.
    public static func partitionBatch(
        _ handler: some PartitionBatchHandler, name: String = "partition-batch", maxRecords: Int = 4_096,
        maxBytes: Int = 16 << 20
    ) -> Processor {
        Processor(
            name: name, limits: BatchLimits(maxRecords: maxRecords, maxBytes: maxBytes, maxDelay: .zero),
            shape: .partitionBatch { try await handler.handle($0) }, positionOwner: handler)
    }

    /// Handles records one by one. A handler that is also a ``PositionOwner`` is asked where to begin.
    public static func single(_ handler: some SingleHandler, name: String = "single") -> Processor {
        Processor(
            name: name, limits: BatchLimits(maxRecords: 1, maxBytes: 1, maxDelay: .zero),
            shape: .records { records, _ in await SingleRun(handler: handler).outcomes(of: records) },
            single: { await SingleRun(handler: handler).outcome(of: $0) },
            positionOwner: handler as? any PositionOwner)
    }

    /// Handles many records at once. A handler that is also a ``PositionOwner`` is asked where to begin.
    public static func batch(
        _ handler: some BatchHandler, name: String = "batch", limits: BatchLimits = BatchLimits()
    ) -> Processor {
        Processor(
            name: name, limits: limits,
            shape: .records { await BatchRun(handler: handler, order: $1).outcomes(of: $0) },
            positionOwner: handler as? any PositionOwner)
    }

    /// Folds many records of a key into one. A handler that is also a ``PositionOwner`` is asked where to begin.
    public static func aggregate(
        _ handler: some AggregateHandler, name: String = "aggregate",
        limits: BatchLimits = BatchLimits(maxRecords: 5_000, maxBytes: 16 << 20, maxDelay: .seconds(1))
    ) -> Processor {
        Processor(
            name: name, limits: limits,
            shape: .records { await AggregateRun(handler: handler, order: $1).outcomes(of: $0) },
            positionOwner: handler as? any PositionOwner)
    }
}
