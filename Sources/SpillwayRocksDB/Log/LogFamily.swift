/// The column family of one topic's log: key = base sequence of a batch (8 bytes, big endian), value = the batch.
enum LogFamily {
    static let prefix = "log."

    static func name(of topic: String) -> String { prefix + topic }

    static func topic(of name: String) -> String? {
        name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : nil
    }

    static func options(_ name: String) -> ColumnFamily.Options { .ascending(name: name) }
}
