import Synchronization

/// Hands out numbers from zero, each once.
final class Cursor: Sendable {
    private let value = Atomic(0)

    func next(below limit: Int) -> Int? {
        let next = value.wrappingAdd(1, ordering: .relaxed).oldValue
        return next < limit ? next : nil
    }
}
