/// What went wrong at an exporter. Spans that can't be delivered are not errors: they are counted.
public struct OTLPError: Error, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// A field of the configuration is out of its range.
        public static let invalidConfiguration = Code("invalid-configuration")
        /// libcurl can't be used.
        public static let noClient = Code("no-client")
        /// `run()` was called twice.
        public static let alreadyRun = Code("already-run")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// The error below, if there is one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
