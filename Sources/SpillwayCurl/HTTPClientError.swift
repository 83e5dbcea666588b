/// Why a request of an ``HTTPClient`` has no answer.
public struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// No connection, no answer within the time, or a broken one. The other side may have had the request or not.
        public static let noAnswer = Code("no-answer")
        /// The address, the method or a header can't be sent as it is; nothing was sent.
        public static let invalidRequest = Code("invalid-request")
        /// The client is closed; nothing was sent.
        public static let closed = Code("closed")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// True if the same request may succeed later.
    public var isRetriable: Bool { code == .noAnswer }
    /// The error below, if there is one.
    public var cause: (any Error)?

    /// Makes an error, as tests of callers need.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
