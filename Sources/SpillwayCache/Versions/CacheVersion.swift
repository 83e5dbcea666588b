/// The version of a cached value: it only grows, for each key, at every level, also across failover, restore and an
/// unclean start (each of which begins a new epoch).
///
/// Versions of one key compare; versions of different keys need not.
@frozen
public struct CacheVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The store's epoch.
    public var epoch: UInt64
    /// The position in that epoch: the store's applied position, or its sequence number.
    public var position: UInt64

    /// Makes a version of its two words.
    @inlinable
    public init(epoch: UInt64, position: UInt64) {
        self.epoch = epoch
        self.position = position
    }

    /// Older than every version that a store gives out: nothing is known.
    public static let absent = CacheVersion(epoch: 0, position: 0)

    /// Orders by epoch, then by position.
    @inlinable
    public static func < (left: CacheVersion, right: CacheVersion) -> Bool {
        left.epoch == right.epoch ? left.position < right.position : left.epoch < right.epoch
    }

    /// `epoch.position`, decimal.
    public var description: String { "\(epoch).\(position)" }
}
