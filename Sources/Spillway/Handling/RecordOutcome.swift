/// How the handling of a record ended.
public enum RecordOutcome: Sendable {
    /// It took effect.
    case done
    /// It may work later: tried again in place, with its key (or partition) waiting behind it.
    case retry(any Error)
    /// It can't ever work: given up.
    case fail(any Error)

    /// The outcome that a thrown error stands for: errors are retriable unless they are a ``RetriableError`` that
    /// says otherwise.
    public init(thrown error: any Error) {
        if let known = error as? any RetriableError, !known.isRetriable {
            self = .fail(error)
        } else {
            self = .retry(error)
        }
    }
}

/// An error that knows whether trying again may help.
public protocol RetriableError: Error {
    /// True if the same call may succeed later.
    var isRetriable: Bool { get }
}

extension BrokerError: RetriableError {}

/// What handlers throw to say whether a record is worth another try.
public struct HandlerError: RetriableError, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// The record can't be decoded.
        public static let undecodable = Code("undecodable")
        /// The record can be decoded and is refused.
        public static let rejected = Code("rejected")
        /// Something that handling needs is not available.
        public static let unavailable = Code("unavailable")
        /// An earlier record of the same key, or partition, comes again, and this one after it.
        public static let heldBack = Code("held-back")
        /// A handler answered with another number of outcomes than it was given records.
        public static let outcomeCountDiffers = Code("outcome-count-differs")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// True if the same record may succeed later.
    public var isRetriable: Bool
    /// The error below, if there is one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, isRetriable: Bool, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
