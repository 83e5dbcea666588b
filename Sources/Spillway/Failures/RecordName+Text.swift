internal import SpillwayCore

extension RecordName {
    /// The greatest length of a group's, source's or topic's name that is read, in bytes: as stores take them.
    private static let longestName = 255
    /// The greatest length of a text that is read, in bytes; what names of that length need is less.
    private static let longestText = 1_200
    private static let version: UInt8 = 1

    /// The name in letters that need no escape in a URL or a shell: `A-Z a-z 0-9 - _`. Opaque; each name has one text.
    public var text: String {
        // Version, then length and bytes of group, source and topic, then partition and position; numbers as LEB128.
        var bytes = [Self.version]
        for name in [group, partition.source, partition.topic] {
            Self.append(UInt64(name.utf8.count), to: &bytes)
            bytes += name.utf8
        }
        Self.append(UInt64(UInt(bitPattern: partition.partition)), to: &bytes)
        Self.append(position.high, to: &bytes)
        Self.append(position.low, to: &bytes)
        return String(decoding: Base64URL.encode(bytes), as: UTF8.self)
    }

    /// Reads what ``text`` writes; `nil` for anything else, also for another way to write the same name, and for a group,
    /// source or topic of more than 255 bytes, of which no store keeps records.
    public init?(text: String) {
        guard text.utf8.count <= Self.longestText, let bytes = Base64URL.decode(Array(text.utf8).span),
            bytes.first == Self.version
        else { return nil }
        var rest = bytes[1...]
        guard let group = Self.name(&rest), let source = Self.name(&rest), let topic = Self.name(&rest),
            let partition = Self.number(&rest).flatMap({ Int(exactly: $0) }), let high = Self.number(&rest),
            let low = Self.number(&rest), rest.isEmpty
        else { return nil }
        self.init(
            group: group, partition: TopicPartition(source: source, topic: topic, partition: partition),
            position: Position(high: high, low: low))
        // A number with needless zeros would be a second text of the same name.
        guard self.text == text else { return nil }
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            // What does not fit is shifted out, and comparing the texts finds that.
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private static func name(_ bytes: inout ArraySlice<UInt8>) -> String? {
        guard let count = number(&bytes), count <= min(bytes.count, longestName) else { return nil }
        defer { bytes = bytes.dropFirst(Int(count)) }
        return String(validating: bytes.prefix(Int(count)), as: UTF8.self)
    }
}
