/// The right to fill one key, given by a lookup that missed.
///
/// It is void as soon as the key is updated, invalidated or evicted, or the cache emptied. That is decided by counting
/// changes, never by a clock, so a holder may sleep for as long as it likes and still can't bring an old value back.
@frozen
public struct CacheLease<Key: Hashable & Sendable>: Sendable {
    /// The key that may be filled.
    public let key: Key
    @usableFromInline let hash: UInt64
    /// How many changes the key's shard had seen when the lease was given.
    @usableFromInline let sequence: UInt64

    @inlinable
    init(key: Key, hash: UInt64, sequence: UInt64) {
        self.key = key
        self.hash = hash
        self.sequence = sequence
    }
}

/// What a lookup found.
@frozen
public enum CacheLookup<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// A value, or `nil` where the store is known to have none, and its version.
    case hit(Value?, CacheVersion)
    /// Nothing that may be served. Read the store **after** this answer, then fill with the lease.
    case miss(CacheLease<Key>)
}

/// What became of a fill.
@frozen
public enum CacheFillOutcome: Hashable, Sendable, CaseIterable {
    /// The value is cached.
    case accepted
    /// The key was updated, invalidated or evicted, or the cache emptied, since the lease was given. Rarely, a change
    /// of another key in the same fence slot is taken for one of this key.
    case revoked
    /// A newer version is there, as a value or left behind by an invalidation.
    case older
    /// A placeholder does not replace a value of the same version.
    case placeholder
    /// The value alone is larger than half of a shard, which is the limit in bytes divided by the number of shards.
    case tooLarge

    /// The outcome's name, for labels.
    public var name: String {
        switch self {
        case .accepted: "accepted"
        case .revoked: "revoked"
        case .older: "older"
        case .placeholder: "placeholder"
        case .tooLarge: "too_large"
        }
    }
}
