/// What a store answered for a key: a value, or that there is none, and as of which version.
@frozen
public struct Versioned<Value: Sendable>: Sendable {
    /// The value; `nil` says that the store has none (a placeholder when cached).
    public var value: Value?
    /// The version as of which this holds. For an absent row, the version of the snapshot it was missed in.
    public var version: CacheVersion

    /// Makes an answer.
    @inlinable
    public init(_ value: Value?, version: CacheVersion) {
        self.value = value
        self.version = version
    }
}

extension Versioned: Equatable where Value: Equatable {}
