/// What went wrong with a request to the reactions service.
public struct ReactionsError: Error, Sendable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// A field is not valid; `field` names it (HTTP 422).
        public static let invalidField = Code("invalid-field")
        /// The idempotency key was used with another body (422).
        public static let idempotencyMismatch = Code("idempotency-mismatch")
        /// Too many live idempotency keys of one user (429).
        public static let idempotencyQuota = Code("idempotency-quota")
        /// Too many votes of one user (429).
        public static let rateLimited = Code("rate-limited")
        /// Too many votes wait for the projections, or for the log (429).
        public static let overloaded = Code("overloaded")
        /// The log or the store can't take or answer it now (503).
        public static let unavailable = Code("unavailable")
        /// The disk is close to full (503).
        public static let storageFull = Code("storage-full")
        /// A position that was asked for was not applied in time (503).
        public static let notYetApplied = Code("not-yet-applied")
        /// The vote may or may not be durable; send the same request again (503).
        public static let outcomeUnknown = Code("outcome-unknown")
        /// A cursor that this service did not make (400).
        public static let invalidCursor = Code("invalid-cursor")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do, for the client.
    public var message: String
    /// The request's field that is wrong, such as `votes[3].target_id`.
    public var field: String?
    /// Seconds after which to try again.
    public var retryAfterSeconds: Int?
    /// The error below, if there is one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(
        _ code: Code, _ message: String, field: String? = nil, retryAfterSeconds: Int? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.retryAfterSeconds = retryAfterSeconds
        self.cause = cause
    }

    /// True if the same call may succeed later.
    public var isRetriable: Bool { retryAfterSeconds != nil }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
