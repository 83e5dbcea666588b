/// When requests fall due: a Poisson process for each kind, whatever the server does (open loop).
struct BenchSchedule {
    private var nextDue: [Double]
    private let rates: [Double]
    private let end: Double
    private var random: FastRandom

    /// - Parameters:
    ///   - rates: requests a second of each kind.
    ///   - end: seconds from the begin after which nothing falls due.
    init(rates: [Double], end: Double, seed: UInt64) {
        self.rates = rates
        self.end = end
        random = FastRandom(seed: seed)
        nextDue = rates.map { $0 > 0 ? 0 : .infinity }
        for kind in rates.indices { advance(kind) }
    }

    /// The earliest time at which a request falls due that was not taken; nil if nothing more does.
    var next: Double? {
        let earliest = min(nextDue[0], nextDue[1])
        return earliest < end ? earliest : nil
    }

    /// Takes the earliest request if it is due.
    mutating func take(at now: Double) -> (kind: BenchKind, due: Double)? {
        let kind = nextDue[0] <= nextDue[1] ? 0 : 1
        let due = nextDue[kind]
        guard due <= now, due < end else { return nil }
        advance(kind)
        return (kind == 0 ? .vote : .summary, due)
    }

    private mutating func advance(_ kind: Int) {
        guard rates[kind] > 0 else { return }
        nextDue[kind] += random.exponential(rate: rates[kind])
    }
}
