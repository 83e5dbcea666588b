import Synchronization

/// A fixed number of counts that threads share.
// Unchecked: the memory is made once and freed once, and every access to it is atomic.
@safe
final class AtomicCounts: @unchecked Sendable {
    private let cells: UnsafeMutablePointer<Atomic<Int64>>
    let count: Int

    init(count: Int) {
        self.count = count
        unsafe cells = .allocate(capacity: count)
        for index in 0..<count {
            unsafe (cells + index).initialize(to: Atomic(0))
        }
    }

    deinit {
        unsafe cells.deinitialize(count: count)
        unsafe cells.deallocate()
    }

    func increment(_ index: Int) {
        precondition(index >= 0 && index < count, "no such cell")
        unsafe cells[index].wrappingAdd(1, ordering: .relaxed)
    }

    func load() -> [Int64] {
        (0..<count).map { unsafe cells[$0].load(ordering: .relaxed) }
    }
}
