import Glibc
import Spillway
import SpillwayCore

/// The arrivals of some traffic, one after the other, each drawn when it is asked for.
struct LoadArrivals {
    struct Arrival {
        var at: MonotonicInstant
        var key: Int
        var handling: Duration
    }

    let traffic: LoadSimulation.Traffic
    private let end: MonotonicInstant
    private var random: SeededRandom
    /// The share of all keys up to one, where they are not alike.
    private let shares: [Double]
    /// The next one; `nil` when the time is over.
    private(set) var next: Arrival?

    init(_ traffic: LoadSimulation.Traffic, from start: MonotonicInstant, until end: MonotonicInstant, seed: UInt64) {
        self.traffic = traffic
        self.end = end
        // From the name, not the place: other traffic beside it changes nothing here.
        random = SeededRandom(seed: seed ^ KeyPartitioner.hash(of: traffic.name.utf8))
        var total = 0.0
        let weights = traffic.skew == 0 ? [] : (1...traffic.keys).map { 1 / pow(Double($0), traffic.skew) }
        shares = weights.map { weight in
            total += weight
            return total
        }
        draw(after: start)
    }

    /// Takes the next one if it has arrived by a time.
    mutating func pop(due now: MonotonicInstant) -> Arrival? {
        guard let arrival = next, arrival.at <= now else { return nil }
        draw(after: arrival.at)
        return arrival
    }

    private mutating func draw(after last: MonotonicInstant) {
        let gap = -log(Double.random(in: Double.ulpOfOne...1, using: &random)) / traffic.recordsPerSecond
        let at = last + .nanoseconds(Int64(gap * 1e9))
        let key = drawKey()
        let handling = traffic.handling.next(using: &random)
        next = at < end ? Arrival(at: at, key: key, handling: handling) : nil
    }

    private mutating func drawKey() -> Int {
        guard let total = shares.last else { return Int.random(in: 0..<traffic.keys, using: &random) }
        let point = Double.random(in: 0..<total, using: &random)
        var low = 0
        var high = shares.count - 1
        while low < high {
            let middle = (low + high) / 2
            if shares[middle] <= point { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
