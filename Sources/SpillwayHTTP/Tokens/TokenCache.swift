import Synchronization

/// Remembers verified tokens until they expire.
///
/// A hit costs one seeded hash of the token's end (its signature), an uncontended lock, a look-up and one comparison of
/// all the token's bytes; nothing is allocated. Tokens are spread over shards by their hash, so that event loops seldom
/// meet at a lock. Only verified tokens get in, so nobody chooses by guessing what is remembered, and the limits on
/// tokens and bytes hold whatever clients send.
public final class TokenCache: Sendable {
    /// How much is remembered.
    public struct Limits: Sendable, Equatable {
        /// Tokens, in all; default 400,000.
        public var tokens = 400_000
        /// Bytes, in all, with what each entry costs besides its token (``TokenCache/bytesBesidesToken``); default
        /// 128 MiB, which holds some 290,000 tokens of 200 bytes.
        public var bytes = 128 << 20

        /// The defaults.
        public init() {}

        /// Other limits, each at least 0; with 0 nothing is remembered.
        public init(tokens: Int, bytes: Int) {
            precondition(tokens >= 0 && bytes >= 0, "limits are not negative")
            self.tokens = tokens
            self.bytes = bytes
        }
    }

    /// What an entry costs besides the bytes of its token and its scopes: headers of the objects, rounding of the
    /// allocator, its places in the table (at its emptiest) and in the queue.
    public static let bytesBesidesToken = 256

    /// A power of two.
    private static let shardCount = 16
    /// A signature is at least 43 characters; its end is as good to hash as the whole.
    private static let hashedBytes = 40

    private let shards: [Shard]

    /// Makes an empty cache.
    public init(limits: Limits = Limits()) {
        let count = Self.shardCount
        shards = (0..<count).map { _ in Shard(tokens: limits.tokens / count, bytes: limits.bytes / count) }
    }

    /// How many tokens are remembered.
    public var count: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.count } } }
    /// How many bytes they take, by the same estimate as the limit.
    public var bytes: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.bytes } } }

    /// Whom the token was found to speak for; nil if it is not remembered or expired at that moment.
    func principal(for token: Span<UInt8>, nowMs: Int64) -> Principal? {
        let hash = Self.hash(token)
        return shard(of: hash).state.withLock { $0.principal(for: token, hash: hash, nowMs: nowMs) }
    }

    /// The state of the keys under which a verification starts: what was verified under an earlier one is not taken.
    func generation(for token: Span<UInt8>) -> UInt64 {
        shard(of: Self.hash(token)).state.withLock { $0.generation }
    }

    /// Remembers a token that was verified, unless the cache was emptied since that generation was read.
    func insert(_ token: Span<UInt8>, principal: Principal, generation: UInt64, nowMs: Int64) {
        let hash = Self.hash(token)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(token.count)
        for index in 0..<token.count { bytes.append(token[index]) }
        shard(of: hash).state.withLock {
            guard $0.generation == generation else { return }
            $0.insert(bytes, principal: principal, hash: hash, nowMs: nowMs)
        }
    }

    /// Forgets everything, for when keys change; verifications that are under way will not be remembered.
    public func removeAll() {
        for shard in shards {
            shard.state.withLock { $0.removeAll() }
        }
    }

    /// Swift's hasher is seeded at random for each process.
    private static func hash(_ token: Span<UInt8>) -> UInt64 {
        var hasher = Hasher()
        // The bytes are only read, inside the call.
        unsafe token.extracting(last: hashedBytes).withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    private func shard(of hash: UInt64) -> Shard {
        shards[Int(hash % UInt64(Self.shardCount))]
    }

    /// One part of the cache with its own lock.
    private final class Shard: Sendable {
        let state: Mutex<TokenCacheShard>

        init(tokens: Int, bytes: Int) {
            state = Mutex(TokenCacheShard(tokenLimit: tokens, byteLimit: bytes))
        }
    }
}
