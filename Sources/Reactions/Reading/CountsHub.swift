internal import Synchronization

/// Passes changes of counts on to those who watch, each target's at most once a flush, the newest value only.
///
/// A subscriber holds at most one waiting change for each of its targets, so a slow reader costs no memory.
final class CountsHub: Sendable {
    fileprivate struct Subscriber {
        var targets: [String]
        /// The last version handed out, by target: nothing older is handed out after it.
        var delivered: [String: String] = [:]
        var waiting: [String: CountsChange] = [:]
        var ready: [CountsChange] = []
        var continuation: CheckedContinuation<CountsChange?, Never>?

        mutating func offer(_ change: CountsChange) {
            if let known = waiting[change.targetID], known.version >= change.version { return }
            waiting[change.targetID] = change
        }

        /// The next change to hand out.
        mutating func take() -> CountsChange? {
            while let change = ready.popLast() {
                if let last = delivered[change.targetID], last >= change.version { continue }
                delivered[change.targetID] = change.version
                return change
            }
            return nil
        }

        mutating func flush() {
            guard ready.isEmpty, !waiting.isEmpty else { return }
            ready = Array(waiting.values)
            waiting.removeAll(keepingCapacity: true)
        }
    }

    private struct State {
        var subscribers: [Int: Subscriber] = [:]
        var watchers: [String: Set<Int>] = [:]
        var lastNumber = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Read without the lock by the projection, which mostly finds nobody watching.
    private let subscriberCount = Atomic<Int>(0)

    /// How many watch.
    var count: Int { subscriberCount.load(ordering: .relaxed) }

    /// Begins to collect changes of these targets.
    func subscribe(to targets: [String]) -> Int {
        state.withLock { state in
            state.lastNumber += 1
            let number = state.lastNumber
            state.subscribers[number] = Subscriber(targets: targets)
            for target in targets { state.watchers[target, default: []].insert(number) }
            subscriberCount.store(state.subscribers.count, ordering: .releasing)
            return number
        }
    }

    /// Offers a subscriber its first values, to be handed out at once.
    func offer(_ changes: [CountsChange], to number: Int) {
        state.withLock { state in
            for change in changes { state.subscribers[number]?.offer(change) }
            state.subscribers[number]?.flush()
        }
    }

    func unsubscribe(_ number: Int) {
        let continuation = state.withLock { state -> CheckedContinuation<CountsChange?, Never>? in
            guard let subscriber = state.subscribers.removeValue(forKey: number) else { return nil }
            for target in subscriber.targets {
                state.watchers[target]?.remove(number)
                if state.watchers[target]?.isEmpty == true { state.watchers[target] = nil }
            }
            subscriberCount.store(state.subscribers.count, ordering: .releasing)
            return subscriber.continuation
        }
        continuation?.resume(returning: nil)
    }

    /// Notes what a transaction changed.
    func publish(_ outcome: ProjectionOutcome, epoch: UInt64) {
        guard subscriberCount.load(ordering: .acquiring) > 0 else { return }
        state.withLock { state in
            for target in outcome.targets {
                guard let watchers = state.watchers[target.id] else { continue }
                let change = CountsChange(
                    targetID: target.id, counts: target.value.counts,
                    version: Self.version(epoch: epoch, sequence: target.value.sequence))
                for number in watchers { state.subscribers[number]?.offer(change) }
            }
        }
    }

    /// Hands waiting changes out; called ten times a second.
    func flush() {
        guard subscriberCount.load(ordering: .acquiring) > 0 else { return }
        var ready: [(CheckedContinuation<CountsChange?, Never>, CountsChange)] = []
        state.withLock { state in
            for number in state.subscribers.keys {
                state.subscribers[number]?.flush()
                guard let continuation = state.subscribers[number]?.continuation,
                    let change = state.subscribers[number]?.take()
                else { continue }
                state.subscribers[number]?.continuation = nil
                ready.append((continuation, change))
            }
        }
        for (continuation, change) in ready { continuation.resume(returning: change) }
    }

    /// Ends every stream.
    func close() {
        let numbers = state.withLock { state in
            state.isClosed = true
            return Array(state.subscribers.keys)
        }
        for number in numbers { unsubscribe(number) }
    }

    /// The next change for a subscriber; `nil` when it has been closed.
    func next(for number: Int) async -> CountsChange? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> CountsChange?? in
                    guard !state.isClosed, state.subscribers[number] != nil else { return .some(nil) }
                    if let change = state.subscribers[number]?.take() { return .some(change) }
                    state.subscribers[number]?.continuation = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            unsubscribe(number)
        }
    }

    /// A version as text that sorts: epoch and sequence, 16 hexadecimal digits each.
    static func version(epoch: UInt64, sequence: UInt64) -> String {
        hexadecimal(epoch) + "-" + hexadecimal(sequence)
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// The changes that one subscriber sees; ends when the service stops. One iteration only.
struct CountsChanges: AsyncSequence, Sendable {
    typealias Element = CountsChange
    typealias Failure = any Error

    fileprivate let subscription: Subscription

    /// Owns the place in the hub; gone when the last iterator is.
    fileprivate final class Subscription: Sendable {
        let hub: CountsHub
        let number: Int

        init(hub: CountsHub, number: Int) {
            self.hub = hub
            self.number = number
        }

        deinit { hub.unsubscribe(number) }
    }

    init(hub: CountsHub, number: Int) {
        subscription = Subscription(hub: hub, number: number)
    }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate let subscription: Subscription

        mutating func next() async throws -> CountsChange? {
            await subscription.hub.next(for: subscription.number)
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(subscription: subscription) }
}
