/// Figures by name, as one line of JSON.
struct Figures {
    private var fields: [(name: String, values: [Double], isList: Bool)] = []

    mutating func set(_ name: String, _ value: Double) { fields.append((name, [value], false)) }
    mutating func set(_ name: String, _ values: [Double]) { fields.append((name, values, true)) }

    var json: String {
        let members = fields.map { field in
            let values = field.values.map { "\($0)" }.joined(separator: ", ")
            return "\"\(field.name)\": " + (field.isList ? "[\(values)]" : values)
        }
        return "{" + members.joined(separator: ", ") + "}"
    }
}

/// Seconds that something takes.
func seconds(_ body: () async throws -> Void) async throws -> Double {
    let start = ContinuousClock.now
    try await body()
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) + Double(attoseconds) * 1e-18
}
