/// What should have been done.
public struct ConformanceFailure: Error, CustomStringConvertible {
    /// What was expected, and what happened.
    public let description: String

    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ expectation: @autoclosure () -> String) throws {
    guard condition else { throw ConformanceFailure(expectation()) }
}

func requireEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String) throws {
    guard found == expected else { throw ConformanceFailure("\(what) should be \(expected), is \(found)") }
}
