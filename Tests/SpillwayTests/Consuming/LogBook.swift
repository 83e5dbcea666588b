import SpillwayCore
import Synchronization

/// Keeps what is logged.
final class LogBook: Sendable {
    let lines = Mutex<[(text: String, metadata: Logger.Metadata)]>([])

    struct Handler: LogHandler {
        let book: LogBook
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        func log(
            level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, file: String, function: String,
            line: UInt
        ) {
            book.lines.withLock { $0.append(("\(message)", metadata ?? [:])) }
        }
    }
}
