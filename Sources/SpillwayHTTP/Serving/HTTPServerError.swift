/// A server ended otherwise than asked.
public struct HTTPServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What happened.
    public struct Code: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        /// Requests were still being answered when the time to drain was over; they were cut off.
        public static let drainDeadlinePassed = Code("drainDeadlinePassed")
    }

    /// What happened.
    public var code: Code
    /// The same for people.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Starting again is always possible.
    public var isRetriable: Bool { true }
    /// The message.
    public var description: String { message }
}
