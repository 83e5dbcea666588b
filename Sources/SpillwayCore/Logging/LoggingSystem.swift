import Synchronization

/// Decides, once for the process, what writes the messages of loggers made by `Logger(label:)`.
public enum LoggingSystem {
    private static let factory = Mutex<@Sendable (String) -> any LogHandler>({ TextLogHandler(label: $0) })

    /// Sets what makes the handler of each label. Loggers made before keep theirs; of several calls the last holds.
    /// Without a call, messages from `info` up go as text to standard error.
    public static func bootstrap(_ factory: @escaping @Sendable (String) -> any LogHandler) {
        self.factory.withLock { $0 = factory }
    }

    static func makeHandler(label: String) -> any LogHandler {
        let make = factory.withLock { $0 }
        return make(label)
    }
}
