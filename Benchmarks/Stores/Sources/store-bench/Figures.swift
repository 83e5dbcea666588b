/// Named figures, printed as one line of JSON.
struct Figures: Sendable {
    private var values: [(name: String, value: Double)] = []

    mutating func set(_ name: String, _ value: Double) { values.append((name, value)) }

    var line: String { "{" + values.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",") + "}" }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// How long a body takes.
func time(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    return (ContinuousClock.now - start).seconds
}

extension [Double] {
    var median: Double { sorted()[count / 2] }
}
