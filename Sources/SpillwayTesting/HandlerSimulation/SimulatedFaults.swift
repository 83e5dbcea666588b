import Synchronization

/// Decides, from a seed, when a simulated store fails.
final class SimulatedFaults: Sendable {
    enum Fault: Sendable {
        /// The call failed, and changed nothing.
        case before
        /// The call took effect, and its answer was lost.
        case after
    }

    private struct State: Sendable {
        var random: SeededRandom
        var rate: Double
        var isOn = true
    }

    private let state: Mutex<State>

    init(seed: UInt64, rate: Double) { state = Mutex(State(random: SeededRandom(seed: seed), rate: rate)) }

    /// No call fails while it is off.
    func setOn(_ isOn: Bool) { state.withLock { $0.isOn = isOn } }

    /// How long the next half of a call takes.
    func delay() -> Duration {
        .microseconds(state.withLock { Int64.random(in: 1...2_000, using: &$0.random) })
    }

    /// What goes wrong with the next call.
    func next() -> Fault? {
        state.withLock { state in
            guard state.isOn, state.random.chance(state.rate) else { return nil }
            return state.random.chance(0.5) ? .before : .after
        }
    }
}
