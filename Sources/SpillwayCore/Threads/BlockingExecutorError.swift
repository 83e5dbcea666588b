/// Why a ``BlockingExecutor`` did not run a call.
public struct BlockingExecutorError: Error, Sendable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name.
        public var description: String { name }

        /// The executor has been shut down.
        public static let shutDown = Code("shut-down")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// The error below; executors have none.
    public var cause: (any Error)? { nil }
    /// Always false: an executor that was shut down does not come back.
    public var isRetriable: Bool { false }

    package static func shutDown(_ name: String) -> BlockingExecutorError {
        BlockingExecutorError(code: .shutDown, message: "the executor '\(name)' is shut down; the call did not run")
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
