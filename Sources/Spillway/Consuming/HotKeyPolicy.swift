/// When a key counts as hot, and what happens then. A hot key's records go to workers of their own, so that they can't
/// crowd out the others; its order holds when it moves and when it comes back.
public struct HotKeyPolicy: Hashable, Sendable {
    /// What happens to records of a hot key beyond ``maxQueuedRecords``; more ways may come.
    public struct Overflow: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        /// They wait in the side queue, in order, and the partition goes on. Needs a ``FailureStore``.
        public static let sideQueue = Overflow("side-queue")
        /// They stay in the consumer, until its limits stop intake.
        public static let keep = Overflow("keep")
    }

    /// A key is hot from this share of its window's records on; above 0 to 1, default 0.1.
    public var share: Double
    /// A hot key is an ordinary one again below this share; 0 to ``share``, default half of it.
    public var coolShare: Double
    /// The window that shares are taken over, sliding in halves; above zero, default 10 s.
    public var window: Duration
    /// No key is hot before so many records were seen in the window; at least 1, default 1,000.
    public var minRecords: Int
    /// Workers for hot keys, beside the consumer's concurrency; at least 1, default 4.
    public var workers: Int
    /// How many records of one hot key may wait in the consumer; at least 1, default 1,000.
    public var maxQueuedRecords: Int
    /// What happens to those beyond; default ``Overflow/keep``.
    public var overflow: Overflow

    /// Makes a policy.
    public init(
        share: Double = 0.1, coolShare: Double? = nil, window: Duration = .seconds(10), minRecords: Int = 1_000,
        workers: Int = 4, maxQueuedRecords: Int = 1_000, overflow: Overflow = .keep
    ) {
        self.share = share
        self.coolShare = coolShare ?? share / 2
        self.window = window
        self.minRecords = minRecords
        self.workers = workers
        self.maxQueuedRecords = maxQueuedRecords
        self.overflow = overflow
    }
}
