/// For how long a ``Deduplicator`` remembers, and how much.
public struct DeduplicatorLimits: Hashable, Sendable {
    /// What happens when a new id comes and there is no room, after what has expired was forgotten.
    public struct WhenFull: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        /// The id is answered with ``DeduplicationAnswer/full`` until room comes: no event takes effect twice, but
        /// new ones wait, up to the lifetime of what is remembered.
        public static let refuse = WhenFull("refuse")
        /// The oldest mark is forgotten before its time, and counted: nothing waits, but a late duplicate of a
        /// forgotten event takes effect again. Claims are never forgotten for that.
        public static let evictOldest = WhenFull("evict-oldest")
    }

    /// For how long an event is remembered after it was handled; above zero, default 24 hours. Must be longer than a
    /// duplicate can be late: the retries of producers, the retention that a consumer may be set back into, the life
    /// of dead letters that are requeued.
    public var lifetime: Duration = .seconds(86_400)
    /// For how long a claim holds its event back from others; above zero, default 5 minutes. Must be longer than a
    /// handler takes: after it somebody else may handle the event too.
    public var claimLease: Duration = .seconds(300)
    /// How many events may be remembered or claimed; at least 1, default a million.
    public var maxEntries = 1_000_000
    /// Bytes of them, as ``EventID/byteCount`` counts; at least 4,096, default 256 MiB.
    public var maxBytes = 256 << 20
    /// What happens when there is no room; default ``WhenFull/refuse``.
    public var whenFull = WhenFull.refuse

    /// Limits with every default.
    public init() {}

    /// Checks every range.
    ///
    /// - Throws: ``DeduplicatorError`` with ``DeduplicatorError/Code/invalidConfiguration``, naming the field.
    public func validate() throws {
        func require(_ holds: Bool, _ field: String, _ range: String) throws {
            guard holds else {
                throw DeduplicatorError(
                    .invalidConfiguration, "\(field) of a deduplicator must be \(range)", isRetriable: false)
            }
        }
        try require(lifetime > .zero, "lifetime", "above zero")
        try require(claimLease > .zero, "claimLease", "above zero")
        try require(maxEntries >= 1, "maxEntries", "at least 1")
        try require(maxBytes >= 4_096, "maxBytes", "at least 4096")
    }
}
