internal import CSpillwayRocksDB

/// What went wrong in the embedded database.
public struct DatabaseError: Error, Sendable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// Stored bytes are not what was written.
        public static let corruption = Code("corruption")
        /// The write-ahead log lacks something that had been synced; `spillway recover` says what.
        public static let damagedLog = Code("damaged-log")
        /// The disk is full, or so close to it that writing would endanger what is stored.
        public static let noSpace = Code("no-space")
        /// The operating system reported a failure of the disk.
        public static let ioError = Code("io-error")
        /// The same call may succeed in a moment.
        public static let busy = Code("busy")
        /// A read of tier ``Database/ReadTier/cacheOnly`` would have had to wait for the disk.
        public static let incomplete = Code("incomplete")
        /// Another process, or another database of this one, has the directory open.
        public static let inUse = Code("in-use")
        /// The directory holds something else.
        public static let foreignDirectory = Code("foreign-directory")
        /// The directory was written by a newer version of this program.
        public static let newerFormat = Code("newer-format")
        /// The directory, or its file system, can't be written.
        public static let notWritable = Code("not-writable")
        /// There is no data directory there.
        public static let notFound = Code("not-found")
        /// An argument that can't be.
        public static let invalidArgument = Code("invalid-argument")
        /// The database is closed.
        public static let closed = Code("closed")
        /// Any other failure; see the message.
        public static let failed = Code("failed")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// True if the same call may succeed later.
    public var isRetriable: Bool

    /// Makes an error.
    public init(_ code: Code, _ message: String, isRetriable: Bool? = nil) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable ?? (code == .busy || code == .noSpace || code == .incomplete)
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    /// RocksDB's numbers as a code of ours.
    static func code(status: Int32, subcode: Int32) -> Code {
        switch (status, subcode) {
        case (5, 4), (_, 8): .noSpace
        case (5, _): .ioError
        case (2, _): .corruption
        case (4, _), (3, _): .invalidArgument
        case (7, _): .incomplete
        case (9, _), (11, _), (13, _), (10, _): .busy
        case (8, _): .closed
        default: .failed
        }
    }
}

extension spillway_status {
    /// Turns the status into an error and frees its message; the one place where that happens.
    consuming func take(_ doing: @autoclosure () -> String) -> DatabaseError? {
        guard unsafe code != 0 else { return nil }
        let kind = unsafe DatabaseError.code(status: code, subcode: subcode)
        guard let text = unsafe message else { return DatabaseError(kind, doing()) }
        defer { unsafe spillway_status_free(text) }
        return unsafe DatabaseError(kind, "\(doing()): \(String(cString: text))")
    }

    /// Throws unless the status is success.
    consuming func check(_ doing: @autoclosure () -> String) throws {
        if let error = unsafe take(doing()) { throw error }
    }

    var isNotFound: Bool { unsafe code == 1 }
}
