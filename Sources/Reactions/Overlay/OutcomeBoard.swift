internal import SpillwayCore
internal import Synchronization

/// Where the projection leaves the previous state of votes that somebody waits for, by the vote's version.
///
/// Interest is noted before the vote is sent, so that the projection can't be faster than the one who asks.
final class OutcomeBoard: Sendable {
    private enum Slot {
        case wanted
        case waiting(CheckedContinuation<Reaction?, Never>, deadline: MonotonicInstant)
        case known(Reaction)
    }

    private let slots = Mutex<[UInt64: Slot]>([:])
    /// Read without the lock by the projection, which mostly finds nobody waiting.
    private let interest = Atomic<Int>(0)
    private let time: any TimeSource

    init(time: any TimeSource) { self.time = time }

    /// Somebody will ask for this version.
    func note(_ version: UInt64) {
        slots.withLock { slots in
            slots[version] = .wanted
            interest.store(slots.count, ordering: .releasing)
        }
    }

    /// Nobody asks any more.
    func forget(_ version: UInt64) {
        slots.withLock { slots in
            slots[version] = nil
            interest.store(slots.count, ordering: .releasing)
        }
    }

    /// The projection's word on a batch.
    func post(_ events: [PositionedEvent], previous: [Reaction]) {
        guard interest.load(ordering: .acquiring) > 0 else { return }
        var ready: [(CheckedContinuation<Reaction?, Never>, Reaction)] = []
        slots.withLock { slots in
            for (event, before) in zip(events, previous) {
                guard let slot = slots[event.event.version] else { continue }
                switch slot {
                case .wanted, .known: slots[event.event.version] = .known(before)
                case .waiting(let continuation, deadline: _):
                    slots[event.event.version] = .known(before)
                    ready.append((continuation, before))
                }
            }
        }
        for (continuation, before) in ready { continuation.resume(returning: before) }
    }

    /// Waits for the state before a vote; `nil` if it does not come by the deadline.
    func previous(of version: UInt64, until deadline: MonotonicInstant) async -> Reaction? {
        await withCheckedContinuation { continuation in
            let known = slots.withLock { slots -> Reaction?? in
                switch slots[version] {
                case .known(let before): return .some(before)
                case .wanted:
                    slots[version] = .waiting(continuation, deadline: deadline)
                    return nil
                case .waiting, nil: return .some(nil)
                }
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// Answers those whose deadline has come; all of them when the service ends.
    func expire(all: Bool = false) {
        guard interest.load(ordering: .acquiring) > 0 else { return }
        let now = time.now()
        var late: [CheckedContinuation<Reaction?, Never>] = []
        slots.withLock { slots in
            for (version, slot) in slots {
                guard case .waiting(let continuation, let deadline) = slot, all || deadline <= now else { continue }
                late.append(continuation)
                slots[version] = nil
            }
            interest.store(slots.count, ordering: .releasing)
        }
        for continuation in late { continuation.resume(returning: nil) }
    }
}
