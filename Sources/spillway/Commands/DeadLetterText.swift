/// A dead letter as a server tells of it, and as people read it.
struct DeadLetterText: Decodable {
    /// A page of a list.
    struct Page: Decodable {
        var items: [DeadLetterText]
        var nextCursor: String?
    }

    /// A header of the record.
    struct Header: Decodable {
        var name: String
        var value: String?
        var valueBase64: String?
    }

    var id: String
    var group: String
    var topic: String
    var partition: Int
    var position: String
    var key: String?
    var keyBase64: String?
    var reason: String
    var attempts: Int
    var failedAt: String
    var valueBytes: Int?
    var timestamp: String?
    var headers: [Header]?
    var value: String?
    var valueBase64: String?

    /// The cells of a list.
    var row: [String] {
        [
            id, group, topic, "\(partition)=\(position)", Self.bytes(key, keyBase64), "\(attempts)", failedAt,
            valueBytes.map { "\($0)" } ?? "none", reason,
        ]
    }

    /// All of it; the value as it is at the end, but for what a terminal would act on.
    var whole: String {
        var lines = [
            ("id", id), ("group", group), ("topic", topic), ("position", "\(partition)=\(position)"),
            ("key", Self.bytes(key, keyBase64)), ("time", timestamp ?? ""), ("attempts", "\(attempts)"),
            ("failed at", failedAt), ("reason", reason),
        ]
        for header in headers ?? [] {
            lines.append(("header", "\(header.name): \(Self.bytes(header.value, header.valueBase64))"))
        }
        lines.append(("value", valueBytes.map { "\($0) bytes" } ?? "none: a tombstone"))
        var text = ""
        for (name, value) in lines {
            text += name + String(repeating: " ", count: 10 - name.count) + TextTable.harmless(value) + "\n"
        }
        guard valueBytes != nil else { return text }
        let content = Self.bytes(value, valueBase64).split(separator: "\n", omittingEmptySubsequences: false)
        return text + "\n" + content.map { TextTable.harmless(String($0)) }.joined(separator: "\n")
    }

    private static func bytes(_ text: String?, _ base64: String?) -> String {
        text ?? base64.map { "base64:" + $0 } ?? "none"
    }
}
