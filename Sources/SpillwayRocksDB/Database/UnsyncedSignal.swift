internal import Synchronization

/// Wakes the log writer when someone else has written something that no sync covers, but only while it is parked, so
/// that it sleeps without a timer when all is durable.
final class UnsyncedSignal: Sendable {
    private let isParked = Atomic<Bool>(false)
    private let observer = Mutex<(@Sendable () -> Void)?>(nil)

    func observe(_ body: (@Sendable () -> Void)?) { observer.withLock { $0 = body } }

    /// Asks to be woken. Returns true, and doesn't, if there is something to sync after all.
    func park(_ hasUnsynced: @autoclosure () -> Bool) -> Bool {
        isParked.store(true, ordering: .sequentiallyConsistent)
        guard hasUnsynced() else { return false }
        isParked.store(false, ordering: .sequentiallyConsistent)
        return true
    }

    func wrote() {
        guard isParked.load(ordering: .sequentiallyConsistent),
            isParked.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        observer.withLock { $0 }?()
    }
}
