/// A cache that several nodes share (L2), such as Redis.
///
/// Values carry versions, and what is older than what is there loses, also against the version that an invalidation left
/// behind. A fill presents the token of the read that missed. The token tells the remote cache, by **its own** clock, how
/// long ago that read was: a fill that took longer than tombstones live is refused, so that a reader that slept
/// can't bring an old value back after the tombstone is gone, whatever the clocks of the nodes say.
///
/// Each operation may throw when the remote cache can't be reached; the caller then goes on without it.
public protocol RemoteCache<Key, Value>: Sendable {
    /// What values are found by.
    associatedtype Key: Hashable & Sendable
    /// What is cached.
    associatedtype Value: Sendable

    /// Reads one key.
    func get(_ key: Key) async throws -> RemoteLookup<Value>

    /// Reads many keys in one round trip; the answers are in the order of the keys.
    func get(_ keys: [Key]) async throws -> [RemoteLookup<Value>]

    /// Stores an answer of the store if nothing newer is there, in one atomic step.
    ///
    /// A placeholder does not replace a value of the same version.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - answer: the store's.
    ///   - token: from the read that missed.
    func fill(_ key: Key, _ answer: Versioned<Value>, token: RemoteToken) async throws -> RemoteFillOutcome<Value>

    /// Drops the value if it is older than the version, and keeps the version for the tombstone's lifetime, which is the
    /// remote cache's own configuration. Repeating it does no harm.
    ///
    /// Without a version nobody can tell whether what a reader has read is from before the change, so the token decides:
    /// for the tombstone's lifetime a fill is refused whose token was given before the invalidation, whatever the
    /// version of its answer. The version of the value that was dropped is kept: what is older than that is refused
    /// with newer tokens too.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - version: of the change; `.absent` when it is not known: then the value is dropped whatever its version.
    func invalidate(_ key: Key, version: CacheVersion) async throws
}

extension RemoteCache {
    /// Reads one key.
    public func get(_ key: Key) async throws -> RemoteLookup<Value> {
        try await get([key])[0]
    }
}

/// When, by the remote cache's own clock, a read missed; opaque to everybody else. It tells misses before an invalidation
/// from those after it, so of two in one tick of the clock it must not be the same.
public struct RemoteToken: Hashable, Sendable {
    /// The remote cache's own number.
    public var value: UInt64

    /// Makes a token; for remote caches.
    public init(value: UInt64) {
        self.value = value
    }
}

/// What a remote cache found.
public enum RemoteLookup<Value: Sendable>: Sendable {
    /// A value or a placeholder.
    case hit(Versioned<Value>)
    /// Nothing; the store's answer may be filled with the token.
    case miss(RemoteToken)
}

/// What became of a fill.
public enum RemoteFillOutcome<Value: Sendable>: Sendable {
    /// It is stored.
    case accepted
    /// A newer answer is there; take it instead.
    case superseded(Versioned<Value>)
    /// Refused: an invalidation left a newer version behind, or came without one after the read that missed, or the
    /// fill took too long. The answer may be given to the
    /// caller that read it, and must not be cached anywhere.
    case refused
}
