import Testing

/// Waits for a condition.
///
/// - Parameter looks: how often it is looked at, 2 ms apart, so that a machine that is busy has longer; default half a
///   minute.
func eventually(
    _ what: Comment, looks: Int = 15_000, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    for _ in 0..<looks {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(2))
    }
    try #require(Bool(false), "did not happen: \(what)", sourceLocation: sourceLocation)
}
