/// What went wrong at a ``Deduplicator``.
public struct DeduplicatorError: RetriableError, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// A limit is out of its range.
        public static let invalidConfiguration = Code("invalid-configuration")
        /// A scope or an id is too short or too long.
        public static let invalidID = Code("invalid-id")
        /// Somebody else handles the event now.
        public static let inProgress = Code("in-progress")
        /// An earlier record of the same key has to be handled first.
        public static let heldBack = Code("held-back")
        /// The store is at its limit in entries or bytes, and none may be forgotten yet.
        public static let full = Code("full")
        /// The store is closed.
        public static let closed = Code("closed")
        /// The store failed; see the cause.
        public static let failed = Code("failed")
        /// The event took effect, and its mark could not be written; see the cause. Only ``Deduplicator/once(_:_:)``
        /// throws it: there every other code means that the effect did not run.
        public static let markFailed = Code("mark-failed")
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
    public init(_ code: Code, _ message: String, isRetriable: Bool = true, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
