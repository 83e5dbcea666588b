/// In what order a consumer's records are handled.
public enum OrderMode: String, Hashable, Sendable, CaseIterable {
    /// Records of one key one after the other, in the log's order; different keys side by side.
    case key
    /// Records of one partition one after the other.
    case partition
    /// No order.
    case none
}

/// What a ``Consumer`` reads, and its limits.
public struct ConsumerConfiguration: Sendable {
    /// The topic.
    public var topic: String
    /// The consumer group; 1 to 255 bytes.
    public var group: String
    /// Where a group that has committed nothing begins; default earliest.
    public var start: SubscriptionRequest.Start = .earliest
    /// Also holds retention back; default true.
    public var holdsRetention = true
    /// The order that is kept; default by key. A ``PartitionBatchHandler`` is always by partition.
    public var order: OrderMode = .key
    /// How many handlers run at a time; 1 to 4,096, default 16. Those for hot keys come on top.
    public var concurrency = 16
    /// Which keys count as hot, and what happens then; `nil` treats all keys alike. Only with order by key.
    public var hotKeys: HotKeyPolicy? = HotKeyPolicy()
    /// How fast records are handled; default without limits.
    public var rate = RateLimits()
    /// A rate that other consumers share, beside ``rate``; default `nil`: none.
    public var globalRate: GlobalRateLimit?
    /// Lets concurrency follow what the handler's dependency can take; default `nil`: always ``concurrency``. A
    /// ``PartitionBatchHandler`` has no use for it: its batches take as long as they are large.
    public var adaptiveConcurrency: AdaptiveConcurrency?
    /// How many records may be in the consumer, waiting or being handled; 1 to 100 million, default 10,000. At least
    /// 2 with a ``FailureStore``: an eighth, and at least one, is kept for records that come back from the side queue.
    public var maxInFlightRecords = 10_000
    /// How many bytes may be in the consumer, waiting or being handled; passed by one fetch at most; at least 1,
    /// default 64 MiB.
    public var maxInFlightBytes = 64 << 20
    /// Intake that paused at a limit goes on when this share of the limit is in use or less; 0 to 1, default 0.75.
    public var resumeIntakeAt = 0.75
    /// How many records of a partition may lie between its lowest unfinished record and its newest one; beyond it the
    /// partition is paused. At least 1, default a million (32 bytes each).
    public var maxUncommittedRecords = 1_000_000
    /// What happens to records whose handling fails.
    public var retry = RetryPolicy()
    /// The longest time from a record's end to the commit of it; above zero, default 1 s.
    public var commitInterval: Duration = .seconds(1)
    /// So many finished records are committed at once, before the interval; at least 1, default 10,000.
    public var commitRecords = 10_000
    /// How many bytes a commit may carry to say what is finished above it; 0 for none, default 1,024.
    public var maxCommitHintBytes = 1_024
    /// A handler that runs longer than this is named in the log, in a metric and in inspections; above zero, default 5
    /// min. It holds its place in the window, and at `maxUncommittedRecords` its partition's intake.
    public var stuckAfter: Duration = .seconds(300)
    /// How long handlers may run on after the partition was asked back, or goes on elsewhere for a seek; default 10 s.
    public var revocationDrainTimeout: Duration = .seconds(10)
    /// How long handlers may run on after graceful shutdown began; default 20 s.
    public var shutdownDrainTimeout: Duration = .seconds(20)
    /// How often lag is measured; default 1 s.
    public var lagInterval: Duration = .seconds(1)
    /// The least time between two fetches: records that come meanwhile are handled together, and ``Consumer/fetchNow()``
    /// ends a wait. For batches whose handling costs little more with many records than with few. Zero to 10 s, default
    /// zero.
    public var fetchInterval: Duration = .zero
    /// The name of the processor that handles; `nil` is the first.
    public var processor: String?

    /// Makes a configuration with every default.
    public init(topic: String, group: String) {
        self.topic = topic
        self.group = group
    }

    /// Checks every range.
    ///
    /// - Throws: ``ConsumerError`` with ``ConsumerError/Code/invalidConfiguration``, naming the field.
    public func validate() throws {
        func require(_ holds: Bool, _ field: String, _ range: String) throws {
            guard holds else {
                throw ConsumerError(.invalidConfiguration, "\(field) of consumer \(group)/\(topic) must be \(range)")
            }
        }
        try require(!topic.isEmpty, "topic", "named")
        try require((1...FailureOperation.longestName).contains(group.utf8.count), "group", "1 to 255 bytes")
        try require((1...4_096).contains(concurrency), "concurrency", "1 to 4096")
        try require((1...100_000_000).contains(maxInFlightRecords), "maxInFlightRecords", "1 to 100000000")
        try require(maxInFlightBytes >= 1, "maxInFlightBytes", "at least 1")
        try require((0...1).contains(resumeIntakeAt), "resumeIntakeAt", "0 to 1")
        try require(maxUncommittedRecords >= 1, "maxUncommittedRecords", "at least 1")
        try require(commitInterval > .zero, "commitInterval", "above zero")
        try require(commitRecords >= 1, "commitRecords", "at least 1")
        try require((0...65_536).contains(maxCommitHintBytes), "maxCommitHintBytes", "0 to 65536")
        try require(fetchInterval >= .zero && fetchInterval <= .seconds(10), "fetchInterval", "0 to 10 s")
        try require(lagInterval > .zero, "lagInterval", "above zero")
        try require(stuckAfter > .zero, "stuckAfter", "above zero")
        try validateFlow(require)
        try validateMoves(require)
    }

    /// Checks every range, also where it depends on whether records may be moved to a ``FailureStore``.
    package func validate(movesRecords: Bool) throws {
        try validate()
        guard movesRecords, maxInFlightRecords < 2 else { return }
        throw ConsumerError(
            .invalidConfiguration,
            "maxInFlightRecords of consumer \(group)/\(topic) must be at least 2 with a failureStore: one is kept for what "
                + "comes back from the side queue")
    }

    private func validateFlow(_ require: (Bool, String, String) throws -> Void) throws {
        func isRate(_ rate: Double?) -> Bool { rate.map(RateLimits.range.contains) ?? true }
        let range = "0.001 to 1000000000000"
        try require(isRate(rate.recordsPerSecond), "rate.recordsPerSecond", range)
        try require(isRate(rate.bytesPerSecond), "rate.bytesPerSecond", range)
        try require(rate.burstSeconds > 0 && rate.burstSeconds <= 3_600, "rate.burstSeconds", "above 0 to 3600")
        if let global = globalRate {
            try require(
                global.member.map { (1...255).contains($0.utf8.count) } ?? true, "globalRate.member", "1 to 255 bytes")
            try require(
                global.initialShare >= 0 && global.initialShare.isFinite, "globalRate.initialShare", "0 or more")
            try require((1...1_000_000).contains(global.maxLease), "globalRate.maxLease", "1 to 1000000")
        }
        if let adaptive = adaptiveConcurrency {
            let bounds = 1...concurrency
            try require(bounds.contains(adaptive.minLimit), "adaptiveConcurrency.minLimit", "1 to concurrency")
            try require(bounds.contains(adaptive.initialLimit), "adaptiveConcurrency.initialLimit", "1 to concurrency")
            try require((1...100).contains(adaptive.tolerance), "adaptiveConcurrency.tolerance", "1 to 100")
        }
        guard let hotKeys else { return }
        try require(hotKeys.share > 0 && hotKeys.share <= 1, "hotKeys.share", "above 0 to 1")
        try require((0...hotKeys.share).contains(hotKeys.coolShare), "hotKeys.coolShare", "0 to hotKeys.share")
        try require(hotKeys.window > .zero && hotKeys.window <= .seconds(3_600), "hotKeys.window", "above 0 to 3600 s")
        try require(hotKeys.minRecords >= 1, "hotKeys.minRecords", "at least 1")
        try require((1...4_096).contains(hotKeys.workers), "hotKeys.workers", "1 to 4096")
        try require(hotKeys.maxQueuedRecords >= 1, "hotKeys.maxQueuedRecords", "at least 1")
    }

    private func validateMoves(_ require: (Bool, String, String) throws -> Void) throws {
        let budget = retry.moveBudget
        try require(budget.capacity >= 1, "retry.moveBudget.capacity", "at least 1")
        try require((0...1).contains(budget.earnedBySuccess), "retry.moveBudget.earnedBySuccess", "0 to 1")
        try require(
            budget.earnedByMinute >= 0 && budget.earnedByMinute.isFinite, "retry.moveBudget.earnedByMinute",
            "0 or more")
        try require(retry.whenExhausted != .hold || order == .key, "retry.whenExhausted", "hold only with order by key")
        try require(
            retry.whenExhausted != .delay || order != .partition, "retry.whenExhausted",
            "delay only with order by key or none")
    }

    /// True if records may have to be moved to a ``FailureStore``.
    package var needsFailureStore: Bool {
        retry.whenExhausted == .hold || retry.whenExhausted == .delay || hotKeys?.overflow == .sideQueue
    }
}
