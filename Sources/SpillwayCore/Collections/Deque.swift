/// A queue with two ends on a ring that doubles when it is full; appending and taking are O(1), amortized.
// Inlinable, as all generic types here that other targets use where it counts: else they would run unspecialized there.
package struct Deque<Element> {
    @usableFromInline var ring: [Element?] = []
    @usableFromInline var head = 0
    /// How many elements there are.
    package internal(set) var count = 0

    /// Makes an empty queue.
    @inlinable
    package init() {}

    /// True if there is no element.
    @inlinable
    package var isEmpty: Bool { count == 0 }

    /// The oldest element.
    @inlinable
    package var first: Element? { count == 0 ? nil : ring[head] }

    /// The element so many places behind the first.
    package subscript(index: Int) -> Element {
        precondition((0..<count).contains(index), "an index of the queue")
        // Safe to unwrap: every place from the head on, as many as the count says, holds an element.
        return ring[(head + index) & (ring.count - 1)]!
    }

    /// Adds an element at the end.
    @inlinable
    package mutating func append(_ element: Element) {
        if count == ring.count { grow() }
        ring[(head + count) & (ring.count - 1)] = element
        count += 1
    }

    /// Adds an element before the first.
    @inlinable
    package mutating func prepend(_ element: Element) {
        if count == ring.count { grow() }
        head = (head - 1) & (ring.count - 1)
        ring[head] = element
        count += 1
    }

    /// Takes the oldest element.
    @inlinable
    package mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        var element: Element?
        swap(&element, &ring[head])
        head = (head + 1) & (ring.count - 1)
        count -= 1
        return element
    }

    /// Takes all elements, oldest first, and lets the memory go.
    @inlinable
    package mutating func removeAll() -> [Element] {
        var elements: [Element] = []
        elements.reserveCapacity(count)
        while let element = popFirst() { elements.append(element) }
        self = Deque()
        return elements
    }

    // The capacity stays a power of two, so that an index wraps by a mask.
    @inlinable
    mutating func grow() {
        var larger: [Element?] = []
        let capacity = max(8, ring.count * 2)
        larger.reserveCapacity(capacity)
        for offset in 0..<count { larger.append(ring[(head + offset) & (ring.count - 1)]) }
        larger.append(contentsOf: repeatElement(nil, count: capacity - count))
        ring = larger
        head = 0
    }
}

extension Deque: Sendable where Element: Sendable {}
