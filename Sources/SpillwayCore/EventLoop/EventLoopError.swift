internal import CLibuv

/// An operation on an event loop or one of its sockets failed.
public struct EventLoopError: Error, Sendable, CustomStringConvertible {
    /// What went wrong; match on the constants, other values are the operating system's.
    public struct Code: Hashable, Sendable {
        /// The number as libuv gives it: the negative errno on Unix.
        public var rawValue: Int32

        /// Makes a code from libuv's number.
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// The address is in use by another socket.
        public static let addressInUse = Code(rawValue: UV_EADDRINUSE.rawValue)
        /// The address is not one of this machine.
        public static let addressNotAvailable = Code(rawValue: UV_EADDRNOTAVAIL.rawValue)
        /// The port needs a right that this process lacks.
        public static let permissionDenied = Code(rawValue: UV_EACCES.rawValue)
        /// The text is no numeric address.
        public static let invalidAddress = Code(rawValue: UV_EINVAL.rawValue)
        /// The other side reset the connection.
        public static let connectionReset = Code(rawValue: UV_ECONNRESET.rawValue)
        /// The other side no longer reads.
        public static let brokenPipe = Code(rawValue: UV_EPIPE.rawValue)
        /// The operation was given up since its handle was closed.
        public static let cancelled = Code(rawValue: UV_ECANCELED.rawValue)
        /// Too many open files.
        public static let tooManyOpenFiles = Code(rawValue: UV_EMFILE.rawValue)
    }

    /// What went wrong.
    public var code: Code
    /// What was tried.
    public var operation: String

    /// Makes an error.
    public init(code: Code, operation: String) {
        self.code = code
        self.operation = operation
    }

    /// Whether the same operation may succeed when it is tried again.
    public var isRetriable: Bool { code == .tooManyOpenFiles || code == .addressInUse }

    /// The operation and the system's text.
    public var description: String {
        unsafe "\(operation): \(String(cString: uv_strerror(code.rawValue)))"
    }

    /// Throws when a call of libuv returned an error.
    static func check(_ result: Int32, _ operation: @autoclosure () -> String) throws(EventLoopError) {
        if result < 0 { throw EventLoopError(code: Code(rawValue: result), operation: operation()) }
    }
}
