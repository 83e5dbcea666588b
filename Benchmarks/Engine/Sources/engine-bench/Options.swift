/// What is wrong with how a benchmark was started, or with what it found.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Options of whole numbers: `--name value`.
struct Options {
    private var values: [String: Int] = [:]

    init(_ arguments: some Collection<String>) throws {
        var rest = Array(arguments)[...]
        while let name = rest.popFirst() {
            guard name.hasPrefix("--"), let value = rest.popFirst().flatMap({ Int($0) }), value >= 0 else {
                throw BenchError("\(name) needs a number")
            }
            values[String(name.dropFirst(2))] = value
        }
    }

    mutating func take(_ name: String, _ fallback: Int) -> Int { values.removeValue(forKey: name) ?? fallback }

    /// Refuses what nobody has asked for.
    func finish() throws {
        if let name = values.keys.sorted().first { throw BenchError("this benchmark has no --\(name)") }
    }
}
