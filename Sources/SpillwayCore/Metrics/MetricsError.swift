/// Why a metric could not be registered.
public struct MetricsError: Error, Sendable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name.
        public var description: String { name }

        /// The name is not what ``MetricsRegistry`` asks for.
        public static let invalidName = Code("invalid-name")
        /// A label's name is not what ``MetricsRegistry`` asks for, or comes twice.
        public static let invalidLabel = Code("invalid-label")
        /// The buckets are empty, not finite, or do not ascend.
        public static let invalidBuckets = Code("invalid-buckets")
        /// The name is registered as another kind, or with another help, other label names or other buckets.
        public static let conflict = Code("conflict")
        /// A metric that is read when scraped is registered already with these labels.
        public static let alreadyRegistered = Code("already-registered")
        /// The name has as many combinations of labels as the registry allows.
        public static let tooManySeries = Code("too-many-series")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// The error below; metrics have none.
    public var cause: (any Error)? { nil }
    /// Always false: the call is wrong.
    public var isRetriable: Bool { false }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
