/// A queue in one buffer that grows by doubling; append and remove at the front are O(1).
struct Ring<Element: Sendable>: Sendable {
    private var storage: [Element?]
    private var head = 0
    private(set) var count = 0

    /// Makes an empty ring; the capacity is a power of two.
    init(capacity: Int = 16) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a capacity is a power of two")
        storage = Array(repeating: nil, count: capacity)
    }

    var isEmpty: Bool { count == 0 }
    var first: Element? { count == 0 ? nil : storage[head] }

    /// The element at a distance from the front.
    subscript(offset: Int) -> Element {
        get {
            precondition(offset >= 0 && offset < count, "outside of the ring")
            guard let element = storage[(head + offset) & (storage.count - 1)] else {
                preconditionFailure("a slot in use is filled")
            }
            return element
        }
        set {
            precondition(offset >= 0 && offset < count, "outside of the ring")
            storage[(head + offset) & (storage.count - 1)] = newValue
        }
    }

    mutating func append(_ element: Element) {
        if count == storage.count { grow() }
        storage[(head + count) & (storage.count - 1)] = element
        count += 1
    }

    mutating func prepend(_ element: Element) {
        if count == storage.count { grow() }
        head = (head - 1) & (storage.count - 1)
        storage[head] = element
        count += 1
    }

    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = storage[head]
        storage[head] = nil
        head = (head + 1) & (storage.count - 1)
        count -= 1
        return element
    }

    /// Keeps only what the predicate holds for, in order.
    mutating func keep(where holds: (Element) -> Bool) {
        let size = count
        for _ in 0..<size {
            guard let element = popFirst() else { return }
            if holds(element) { append(element) }
        }
    }

    mutating func removeAll() { self = Ring() }

    private mutating func grow() {
        var larger: [Element?] = Array(repeating: nil, count: storage.count * 2)
        for offset in 0..<count { larger[offset] = storage[(head + offset) & (storage.count - 1)] }
        storage = larger
        head = 0
    }
}
