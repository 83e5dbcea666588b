/// A change of one key, as a projection tells it to the cache after its transaction is committed.
@frozen
public struct CacheChange<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// The key.
    public var key: Key
    /// The new value; `nil` if the row is gone.
    public var value: Value?
    /// The version that the change gave the key.
    public var version: CacheVersion

    /// Makes a change.
    @inlinable
    public init(key: Key, value: Value?, version: CacheVersion) {
        self.key = key
        self.value = value
        self.version = version
    }
}
