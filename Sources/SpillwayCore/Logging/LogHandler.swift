/// Writes the messages of one logger; shaped like swift-log's `LogHandler`.
///
/// A handler is a value: level and metadata set on a copy do not show on the original.
public protocol LogHandler: Sendable {
    /// Writes one message. `metadata` is of this message only and wins over the handler's own.
    func log(
        level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, file: String, function: String,
        line: UInt)

    /// One value of ``metadata``.
    subscript(metadataKey key: String) -> Logger.MetadataValue? { get set }

    /// What every message carries.
    var metadata: Logger.Metadata { get set }

    /// Messages below this level are not handed over.
    var logLevel: Logger.Level { get set }
}

extension LogHandler {
    /// One value of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// The handler's metadata and the message's, whose keys win; sorted, so that lines compare well.
    func merged(with explicit: Logger.Metadata?) -> [(key: String, value: Logger.MetadataValue)] {
        guard let explicit, !explicit.isEmpty else { return metadata.sorted { $0.key < $1.key } }
        return metadata.merging(explicit) { _, explicit in explicit }.sorted { $0.key < $1.key }
    }
}

/// Writes nothing.
public struct NoOpLogHandler: LogHandler {
    /// Kept, never written.
    public var metadata: Logger.Metadata = [:]
    /// Default critical, so that hardly a message is built.
    public var logLevel: Logger.Level = .critical

    /// Makes a handler that writes nothing.
    public init() {}

    /// Does nothing.
    public func log(
        level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, file: String, function: String,
        line: UInt
    ) {}
}
