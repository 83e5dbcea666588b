/// What every remote cache must do: one case is one test.
public enum RemoteCacheCheck: String, CaseIterable, Sendable, CustomStringConvertible {
    /// A fill is read again, by one key and by many.
    case fillIsRead
    /// Answers of a read of many keys stand in the order of the keys, repeated keys too.
    case manyKeysKeepTheirOrder
    /// An older fill loses and hears what beat it (FAILURES.md 29).
    case olderFillIsSuperseded
    /// The versions' order is the epochs', then the positions'.
    case epochsComeFirst
    /// A placeholder is read as one, loses against a value of its version and wins when newer (28).
    case placeholders
    /// A fill read before the invalidation is refused (25).
    case fillAfterInvalidationIsRefused
    /// So is a placeholder (28).
    case placeholderAfterInvalidationIsRefused
    /// A read of a lagging replica after the delete is refused, the new version accepted (35).
    case laggingReadIsRefused
    /// An invalidation that repeats or comes late drops nothing newer (37).
    case repeatedInvalidationKeepsNewer
    /// An invalidation without a version drops whatever is there, and refuses what is older than that.
    case invalidationWithoutVersion
    /// A fill read before an invalidation that has no version is refused, also where nothing was cached; one read after
    /// it is not (25).
    case fillAcrossInvalidationWithoutVersionIsRefused
    /// A holder that slept until after the tombstone expired is refused (30, 36).
    case fillAfterTombstoneExpiredIsRefused
    /// After the tombstone's life a fresh read may fill again.
    case freshFillAfterTombstoneExpired
    /// Of concurrent fills of one key the newest stays.
    case concurrentFillsEndAtTheNewest

    /// The case's name.
    public var description: String { rawValue }
}
