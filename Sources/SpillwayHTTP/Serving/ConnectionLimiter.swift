internal import Synchronization

/// Counts a server's connections, in all and by address, over all its loops.
final class ConnectionLimiter: Sendable {
    private struct State {
        var total = 0
        var byAddress: [ClientAddress: Int] = [:]
    }

    private let maximum: Int
    private let maximumPerAddress: Int
    private let exempt: TrustedProxies
    private let state = Mutex(State())

    init(maximum: Int, maximumPerAddress: Int, exempt: TrustedProxies) {
        self.maximum = maximum
        self.maximumPerAddress = maximumPerAddress
        self.exempt = exempt
    }

    /// The present number of connections that have entered and not left.
    var count: Int { state.withLock { $0.total } }

    /// Counts a new connection, or says why it must not be.
    func enter(_ address: ClientAddress) -> HTTPRefusal? {
        let isCounted = isCountedByAddress(address)
        return state.withLock { state in
            if state.total >= maximum {
                return HTTPRefusal(
                    .connections,
                    problem: .retry(
                        .serviceUnavailable, after: .seconds(1), detail: "the server has too many connections"))
            }
            if isCounted {
                let count = state.byAddress[address.limitKey, default: 0]
                if count >= maximumPerAddress {
                    return HTTPRefusal(
                        .connectionsPerAddress,
                        problem: .retry(
                            .tooManyRequests, after: .seconds(1), detail: "too many connections from this address"))
                }
                state.byAddress[address.limitKey] = count + 1
            }
            state.total += 1
            return nil
        }
    }

    /// Forgets a connection that had entered.
    func leave(_ address: ClientAddress) {
        let isCounted = isCountedByAddress(address)
        state.withLock { state in
            state.total -= 1
            guard isCounted, let count = state.byAddress[address.limitKey] else { return }
            state.byAddress[address.limitKey] = count > 1 ? count - 1 : nil
        }
    }

    private func isCountedByAddress(_ address: ClientAddress) -> Bool {
        !address.isLoopback && (exempt.isEmpty || !exempt.contains(address))
    }
}
