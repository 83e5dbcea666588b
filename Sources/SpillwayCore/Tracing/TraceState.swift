/// What tracing vendors send along: a list of keys and values (`tracestate`,
/// https://www.w3.org/TR/trace-context/#tracestate-header). The newest entry comes first.
public struct TraceState: Hashable, Sendable {
    /// One vendor's entry.
    public struct Entry: Hashable, Sendable {
        /// Up to 256 of `a-z 0-9 _ - * /`, a letter or digit first, or `tenant@vendor`.
        public let key: String
        /// Up to 256 printable characters without comma and equals sign, no space at the end.
        public let value: String

        /// Makes an entry; nil if the key or the value is not allowed.
        public init?(key: String, value: String) {
            guard TraceStateText.isKey(Array(key.utf8)[...]), TraceStateText.isValue(Array(value.utf8)[...]) else {
                return nil
            }
            self.key = key
            self.value = value
        }
    }

    /// The most entries there may be.
    public static let maximumEntries = 32

    /// The entries, newest first; at most ``maximumEntries``, each key once.
    public private(set) var entries: [Entry] = []

    /// Makes an empty list.
    public init() {}

    /// Reads the headers of that name, in order; nil if any part is invalid, a key comes twice or there are too many.
    /// Spaces and tabs around entries, and empty entries, are allowed.
    public init?(headers: [String]) {
        for header in headers {
            for member in header.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: true) {
                let member = TraceStateText.trimmed(Array(member)[...])
                if member.isEmpty { continue }
                guard let equals = member.firstIndex(of: UInt8(ascii: "=")), entries.count < Self.maximumEntries,
                    let entry = Entry(
                        key: String(decoding: member[..<equals], as: UTF8.self),
                        value: String(decoding: member[(equals + 1)...], as: UTF8.self)),
                    self[entry.key] == nil
                else { return nil }
                entries.append(entry)
            }
        }
    }

    /// The value of a key.
    public subscript(key: String) -> String? { entries.first { $0.key == key }?.value }

    /// Adds or replaces an entry, which becomes the first; the last one goes if there are too many.
    public mutating func update(_ entry: Entry) {
        entries.removeAll { $0.key == entry.key }
        entries.insert(entry, at: 0)
        if entries.count > Self.maximumEntries { entries.removeLast() }
    }

    /// The header to send along; nil if there are no entries. Entries at the end are left out until 512 characters
    /// remain, those longer than 128 first, as the standard asks (section 3.3.1.5).
    public var header: String? {
        var kept = entries
        while Self.length(kept) > 512 {
            let long = kept.lastIndex { $0.key.utf8.count + 1 + $0.value.utf8.count > 128 }
            kept.remove(at: long ?? kept.count - 1)
        }
        return kept.isEmpty ? nil : kept.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    private static func length(_ entries: [Entry]) -> Int {
        entries.reduce(entries.count - 1) { $0 + $1.key.utf8.count + 1 + $1.value.utf8.count }
    }
}
