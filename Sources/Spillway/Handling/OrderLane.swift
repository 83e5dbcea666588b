/// What the records of a list wait for each other by: their key, or their partition.
struct OrderLane: Hashable, Sendable {
    private var partition: TopicPartition
    private var key: ArraySlice<UInt8>?

    /// The lane of a record; `nil` if it waits for no other.
    init?(_ context: HandlingContext, order: OrderMode) {
        switch order {
        case .key:
            guard let key = context.record.key else { return nil }
            self.init(partition: context.partition, key: key)
        case .partition: self.init(partition: context.partition, key: nil)
        case .none: return nil
        }
    }

    private init(partition: TopicPartition, key: ArraySlice<UInt8>?) {
        self.partition = partition
        self.key = key
    }
}

/// The lanes of a batch with a record that comes again before it could be handled. The records behind it stay out of the
/// batch: the consumer handles them again after it, and their effect must not be there before.
struct BlockedLanes {
    private let order: OrderMode
    private var lanes: Set<OrderLane> = []

    init(_ order: OrderMode) { self.order = order }

    /// The outcome of a record that stands behind one that comes again; `nil` if there is none.
    func outcome(of context: HandlingContext) -> RecordOutcome? {
        guard !lanes.isEmpty, let lane = OrderLane(context, order: order), lanes.contains(lane) else { return nil }
        return .retry(HandlerError(.heldBack, "an earlier record of the key comes first", isRetriable: true))
    }

    /// Notes what became of a record that was not handled.
    mutating func note(_ outcome: RecordOutcome, of context: HandlingContext) {
        guard case .retry = outcome, let lane = OrderLane(context, order: order) else { return }
        lanes.insert(lane)
    }
}
