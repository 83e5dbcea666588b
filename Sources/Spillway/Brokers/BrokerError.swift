/// What went wrong at a broker.
public struct BrokerError: Error, Sendable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// The topic does not exist.
        public static let unknownTopic = Code("unknown-topic")
        /// The topic's name is not 1 to 249 characters of `A-Z a-z 0-9 _ - .`.
        public static let invalidTopic = Code("invalid-topic")
        /// The topic exists with another number of partitions.
        public static let partitionCountDiffers = Code("partition-count-differs")
        /// A message is larger than the broker takes.
        public static let messageTooLarge = Code("message-too-large")
        /// The broker's send queue is at its limit in records or bytes; nothing was written.
        public static let queueFull = Code("queue-full")
        /// The disk is close to full; nothing was written.
        public static let storageFull = Code("storage-full")
        /// The broker is closed or draining; nothing was written.
        public static let closed = Code("closed")
        /// The message may or may not have become durable.
        public static let outcomeUnknown = Code("outcome-unknown")
        /// A deduplication token came again with another fingerprint.
        public static let deduplicationMismatch = Code("deduplication-mismatch")
        /// A scope has too many live deduplication tokens.
        public static let deduplicationQuota = Code("deduplication-quota")
        /// A commit for a partition that this member does not own (any more).
        public static let notOwner = Code("not-owner")
        /// The group has members; stop them first.
        public static let groupInUse = Code("group-in-use")
        /// The topic has no partition of that number.
        public static let unknownPartition = Code("unknown-partition")
        /// The broker can't do what was asked.
        public static let unsupported = Code("unsupported")
        /// Any other failure below; see the message and the cause.
        public static let failed = Code("failed")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// True if the same call may succeed later.
    public var isRetriable: Bool
    /// The error below, if there is one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, isRetriable: Bool = false, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}

extension BrokerError {
    /// The group has members, so that it can neither go nor be set.
    package static func groupInUse(_ group: String, members: Int) -> BrokerError {
        BrokerError(.groupInUse, "group \(group) has members (\(members)): stop them first")
    }

    /// The topic has no such partition.
    package static func unknownPartition(_ partition: TopicPartition) -> BrokerError {
        BrokerError(.unknownPartition, "there is no partition \(partition)")
    }
}
