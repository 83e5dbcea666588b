/// The last steps of a simulation, in words, for whoever has to understand a failure.
struct SimulationTrace: Sendable {
    private static let capacity = 60
    private let isOn: Bool
    private var ring: [String] = []
    private var next = 0

    /// - Parameter isOn: false keeps nothing, and costs nothing.
    init(isOn: Bool) { self.isOn = isOn }

    mutating func note(_ line: @autoclosure () -> String) {
        guard isOn else { return }
        if ring.count < Self.capacity { ring.append(line()) } else { ring[next] = line() }
        next = (next + 1) % Self.capacity
    }

    /// The oldest first.
    var lines: [String] { ring.count < Self.capacity ? ring : Array(ring[next...] + ring[..<next]) }
}
