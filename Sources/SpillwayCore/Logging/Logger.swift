/// Emits log messages; shaped like swift-log's `Logger`, so that an adapter to it is a few lines.
///
/// A logger is a value: a change of its level or metadata affects only this copy. A message below the logger's level
/// costs one comparison; its text and metadata are not built.
public struct Logger: Sendable {
    /// Says who logs.
    public let label: String
    /// What writes the messages.
    public var handler: any LogHandler

    /// Makes a logger with the handler that ``LoggingSystem`` gives out for this label.
    public init(label: String) {
        self.label = label
        self.handler = LoggingSystem.makeHandler(label: label)
    }

    /// Makes a logger with a handler of its own.
    public init(label: String, factory: (String) -> any LogHandler) {
        self.label = label
        self.handler = factory(label)
    }

    /// Messages below this level are dropped.
    public var logLevel: Level {
        get { handler.logLevel }
        set { handler.logLevel = newValue }
    }

    /// A metadata value that every message of this logger carries.
    public subscript(metadataKey key: String) -> MetadataValue? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    /// Logs a message at a level; metadata given here wins over the logger's own of the same key.
    @inlinable
    public func log(
        level: Level, _ message: @autoclosure () -> Message, metadata: @autoclosure () -> Metadata? = nil,
        file: String = #fileID, function: String = #function, line: UInt = #line
    ) {
        if handler.logLevel <= level {
            handler.log(
                level: level, message: message(), metadata: metadata(), file: file, function: function, line: line)
        }
    }
}

extension Logger {
    /// The severity of a message, from least to most severe.
    public enum Level: String, Codable, CaseIterable, Comparable, Sendable {
        /// Traces the flow of a program, for those who write it.
        case trace
        /// Helps to debug a program.
        case debug
        /// Tells what goes on.
        case info
        /// Not an error, but may need attention.
        case notice
        /// Not an error, but more severe than notice.
        case warning
        /// Something failed.
        case error
        /// Needs immediate attention.
        case critical

        /// By severity.
        public static func < (left: Level, right: Level) -> Bool { left.severity < right.severity }

        private var severity: Int {
            switch self {
            case .trace: 0
            case .debug: 1
            case .info: 2
            case .notice: 3
            case .warning: 4
            case .error: 5
            case .critical: 6
            }
        }
    }

    /// What a message says, without its metadata.
    public struct Message: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, CustomStringConvertible,
        Hashable, Sendable
    {
        private let value: String

        /// Makes a message from a literal or an interpolation.
        public init(stringLiteral value: String) { self.value = value }

        /// The text.
        public var description: String { value }
    }
}
