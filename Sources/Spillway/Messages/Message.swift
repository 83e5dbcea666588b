/// A name and a value that travel with a message; names may repeat.
public struct Header: Hashable, Sendable {
    /// The header's name.
    public var name: String
    /// The header's value, any bytes.
    public var value: [UInt8]

    /// Makes a header.
    public init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// What a producer sends.
public struct Message: Hashable, Sendable {
    /// Decides the partition, and the order that is kept: records of one key are handled in the order of the log.
    /// Without a key the broker chooses the partition and no order is promised.
    public var key: [UInt8]?
    /// The payload; `nil` is a tombstone, which says that the key has gone.
    public var value: [UInt8]?
    /// Travel with the message.
    public var headers: [Header]
    /// When it happened, in milliseconds since 1970 UTC; `nil` lets the broker stamp it.
    public var timestampMs: Int64?
    /// Not to be handled before this time, in milliseconds since 1970 UTC; `nil` is at once. A broker that can't
    /// delay says so with `BrokerError.Code.unsupported`.
    public var deliverAtMs: Int64?
    /// Makes a second send of the same token harmless.
    public var deduplication: Deduplication?

    /// Makes a message; everything but the value is optional.
    public init(
        key: [UInt8]? = nil, value: [UInt8]?, headers: [Header] = [], timestampMs: Int64? = nil,
        deliverAtMs: Int64? = nil, deduplication: Deduplication? = nil
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.timestampMs = timestampMs
        self.deliverAtMs = deliverAtMs
        self.deduplication = deduplication
    }
}

/// A token that the broker keeps in the same write as the message: a second send with the same scope and token
/// changes nothing and gets the first one's receipt; concurrent ones wait for the first.
public struct Deduplication: Hashable, Sendable {
    /// Who the token belongs to, such as a user; tokens of different scopes never meet. The quota counts by scope.
    public var scope: [UInt8]
    /// The token, unique within its scope.
    public var token: [UInt8]
    /// A hash of what was asked. The same token with another fingerprint, or in front of another number of messages, is
    /// ``BrokerError/Code/deduplicationMismatch``.
    public var fingerprint: UInt64
    /// For how long the token is kept, in milliseconds from the send; default 24 hours.
    public var lifetimeMs: Int64
    /// How many live tokens one scope may have; beyond it ``BrokerError/Code/deduplicationQuota``. Default 10,000.
    public var quota: Int

    /// Makes a token.
    public init(
        scope: [UInt8], token: [UInt8], fingerprint: UInt64, lifetimeMs: Int64 = 86_400_000, quota: Int = 10_000
    ) {
        self.scope = scope
        self.token = token
        self.fingerprint = fingerprint
        self.lifetimeMs = lifetimeMs
        self.quota = quota
    }
}

/// What a send returns once the message is durable.
public struct SendReceipt: Hashable, Sendable {
    /// How the message became durable.
    public enum Durability: String, Hashable, Sendable {
        /// The log confirmed it.
        case logged
        /// The log is away; this node's spool is synced and will be replayed into the log.
        case spooled
        /// The log is away; spooled, and a consumer has it already.
        case pushed
    }

    /// How the message became durable.
    public var durability: Durability
    /// The partition it went to.
    public var partition: TopicPartition
    /// Where it stands in its partition; `nil` if it is not in the log yet.
    public var position: Position?
    /// True if a message with this deduplication token had been sent before; nothing was written then, and the
    /// receipt is the first one's.
    public var isDuplicate: Bool

    /// Makes a receipt.
    public init(durability: Durability, partition: TopicPartition, position: Position?, isDuplicate: Bool = false) {
        self.durability = durability
        self.partition = partition
        self.position = position
        self.isDuplicate = isDuplicate
    }
}
