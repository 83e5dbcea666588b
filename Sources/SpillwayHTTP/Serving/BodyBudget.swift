internal import Synchronization

/// The bytes of large bodies that a server holds, over all its connections.
final class BodyBudget: Sendable {
    /// Bodies up to this size are not counted.
    static let freeBytes = 16 << 10

    private let maximum: Int
    private let used = Atomic<Int>(0)

    init(maximum: Int) { self.maximum = maximum }

    /// Takes that many bytes out of the budget; false if they are not there.
    func reserve(_ count: Int) -> Bool {
        if used.wrappingAdd(count, ordering: .relaxed).newValue <= maximum { return true }
        used.wrappingSubtract(count, ordering: .relaxed)
        return false
    }

    func release(_ count: Int) {
        if count > 0 { used.wrappingSubtract(count, ordering: .relaxed) }
    }

    var usedBytes: Int { used.load(ordering: .relaxed) }
}
