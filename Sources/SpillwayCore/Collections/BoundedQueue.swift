/// A queue with a limit in records and one in bytes; appending and taking are O(1), amortized.
///
/// It is a value without a lock: its owner guards it, and tells the caller when it is full.
public struct BoundedQueue<Element> {
    /// The most elements it holds.
    public let maximumRecords: Int
    /// The most bytes that its elements may add up to.
    public let maximumBytes: Int
    /// The bytes of the elements that are here.
    public private(set) var bytes = 0
    private var elements = Deque<(element: Element, bytes: Int)>()

    /// Makes an empty queue; both limits are at least 1.
    public init(maximumRecords: Int, maximumBytes: Int) {
        precondition(maximumRecords >= 1 && maximumBytes >= 1, "a queue holds at least one record of one byte")
        self.maximumRecords = maximumRecords
        self.maximumBytes = maximumBytes
    }

    /// How many elements are here.
    public var count: Int { elements.count }

    /// True if nothing is here.
    public var isEmpty: Bool { elements.isEmpty }

    /// The oldest element.
    public var first: Element? { elements.first?.element }

    /// True if an element of that size would be taken now. One that is larger than ``maximumBytes`` never is.
    public func hasRoom(forBytes size: Int) -> Bool {
        elements.count < maximumRecords && size <= maximumBytes - bytes
    }

    /// Appends an element that counts for so many bytes; not negative.
    ///
    /// - Returns: False if it would pass a limit; then nothing has changed.
    public mutating func append(_ element: Element, bytes size: Int) -> Bool {
        precondition(size >= 0, "a size is not negative")
        guard hasRoom(forBytes: size) else { return false }
        elements.append((element, size))
        bytes += size
        return true
    }

    /// Takes the oldest element.
    public mutating func popFirst() -> Element? {
        guard let first = elements.popFirst() else { return nil }
        bytes -= first.bytes
        return first.element
    }

    /// Takes elements, oldest first, up to both limits; at least one if there is one, whatever its size.
    public mutating func popFirst(maximumRecords records: Int, maximumBytes size: Int) -> [Element] {
        var taken: [Element] = []
        var takenBytes = 0
        while taken.count < max(1, records), let next = elements.first,
            taken.isEmpty || next.bytes <= size - takenBytes
        {
            _ = elements.popFirst()
            taken.append(next.element)
            takenBytes += next.bytes
        }
        bytes -= takenBytes
        return taken
    }

    /// Takes all elements, oldest first.
    public mutating func removeAll() -> [Element] {
        bytes = 0
        return elements.removeAll().map(\.element)
    }
}

extension BoundedQueue: Sendable where Element: Sendable {}
