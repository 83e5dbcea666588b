/// What a span, a link or an event says of itself: keys and values, in the order in which they were set.
///
/// Bounded: at most ``maximumCount`` keys, and a text keeps its first ``maximumTextBytes`` bytes. What is beyond the
/// first bound is counted in ``droppedCount``.
public struct SpanAttributes: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// A value.
    public enum Value: Hashable, Sendable {
        /// A text.
        case string(String)
        /// A whole number.
        case int(Int)
        /// A number.
        case double(Double)
        /// True or false.
        case bool(Bool)
        /// Several texts.
        case strings([String])
    }

    /// A key and its value.
    public struct Entry: Hashable, Sendable {
        /// The key, such as `messaging.destination.name`.
        public let key: String
        /// The value.
        public internal(set) var value: Value
    }

    /// The most keys there may be.
    public static let maximumCount = 128
    /// The most bytes of a text that are kept, in UTF-8.
    public static let maximumTextBytes = 4_096

    /// The keys and values, in the order in which they were set.
    public private(set) var entries: [Entry] = []
    /// How many keys were left out because there were too many.
    public private(set) var droppedCount = 0

    /// Makes an empty list.
    public init() {}

    /// Makes a list; of a key that comes twice the last value counts.
    public init(dictionaryLiteral elements: (String, Value)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// True if nothing was set.
    public var isEmpty: Bool { entries.isEmpty }

    /// The value of a key; setting `nil` removes it.
    public subscript(key: String) -> Value? {
        get { entries.first { $0.key == key }?.value }
        set {
            let index = entries.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value.shortened
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?):
                if entries.count < Self.maximumCount {
                    entries.append(Entry(key: key, value: value.shortened))
                } else {
                    droppedCount += 1
                }
            case (nil, nil): break
            }
        }
    }
}

extension SpanAttributes.Value {
    fileprivate var shortened: Self {
        switch self {
        case .string(let text): .string(Self.shortened(text))
        case .strings(let texts): .strings(texts.prefix(SpanAttributes.maximumCount).map(Self.shortened))
        case .int, .double, .bool: self
        }
    }

    /// Cuts a text between two scalars, so that it stays UTF-8.
    private static func shortened(_ text: String) -> String {
        let limit = SpanAttributes.maximumTextBytes
        guard text.utf8.count > limit else { return text }
        var kept = Array(text.utf8.prefix(limit + 1))
        // The byte behind the cut must begin a scalar.
        while let last = kept.popLast(), last & 0xC0 == 0x80 {}
        return String(decoding: kept, as: UTF8.self)
    }
}

extension SpanAttributes.Value: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}
