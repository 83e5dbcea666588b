/// One event of a stream (HTML standard, 9.2).
public struct ServerSentEvent: Sendable {
    /// The event's type; nil: `message`.
    public var name: String?
    /// What the client remembers and sends as `Last-Event-ID` when it comes back.
    public var id: String?
    /// The data; line breaks in it become several `data` lines.
    public var data: [UInt8]
    /// Events with the same key replace each other while they wait for a slow reader: the newest data, at the place of
    /// the oldest. Nil: never replaced.
    public var coalescingKey: String?

    /// Makes an event.
    public init(name: String? = nil, id: String? = nil, data: [UInt8], coalescingKey: String? = nil) {
        self.name = name
        self.id = id
        self.data = data
        self.coalescingKey = coalescingKey
    }

    /// The event as it goes over the wire.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + 48)
        if let name { bytes.appendLine("event: ", name) }
        if let id { bytes.appendLine("id: ", id) }
        bytes += "data: ".utf8
        var previous: UInt8 = 0
        for byte in data {
            // A line ends with LF, CR, or CR LF.
            if byte == 10 && previous == 13 {
                previous = byte
                continue
            }
            if byte == 10 || byte == 13 {
                bytes += "\ndata: ".utf8
            } else {
                bytes.append(byte)
            }
            previous = byte
        }
        bytes += "\n\n".utf8
        return bytes
    }
}

extension Array where Element == UInt8 {
    /// Appends one line; control characters in the text, which could end it, become spaces.
    fileprivate mutating func appendLine(_ field: StaticString, _ text: String) {
        self += "\(field)".utf8
        for byte in text.utf8 { append(byte < 32 ? 32 : byte) }
        append(10)
    }
}
