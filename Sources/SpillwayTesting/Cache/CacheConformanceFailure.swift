/// A cache does not do what every cache must.
public struct CacheConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// What was expected and what came.
    public var description: String

    /// Makes a failure.
    public init(_ description: String) {
        self.description = description
    }
}
