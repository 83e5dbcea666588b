/// What a consumer may fetch: every record owns one permit (a count and its bytes) from fetch to its final state.
///
/// A permit is in one of two places: *demanded* of the broker, or *in flight* with a record. Both together never pass
/// the limit in records; in bytes they pass it by what one fetch delivers beyond its demand. All figures of what is in
/// flight come from here, so none can leak apart from the others. Intake pauses when no demand is left and goes on
/// with hysteresis: when what is in flight has fallen to `resumeAt` of both limits.
struct Permits: Sendable {
    struct Demand: Equatable, Sendable {
        var records: Int
        var bytes: Int
    }

    private static let mostOfAll = 1 << 58

    let limit: Demand
    private let resumeAt: Demand
    private(set) var demanded = Demand(records: 0, bytes: 0)
    private(set) var inFlight = Demand(records: 0, bytes: 0)
    private(set) var isPaused = false
    private(set) var isClosed = false

    init(maxRecords: Int, maxBytes: Int, resumeAt share: Double) {
        precondition(maxRecords >= 1 && maxBytes >= 1, "limits are at least 1")
        // Without a limit it is one that can be counted with, eight times over.
        limit = Demand(records: min(maxRecords, Self.mostOfAll), bytes: min(maxBytes, Self.mostOfAll))
        resumeAt = Demand(records: Int(Double(limit.records) * share), bytes: Int(Double(limit.bytes) * share))
    }

    /// True if nothing is demanded before some of what is in flight have ended.
    var isStopped: Bool { isPaused && (inFlight.records > resumeAt.records || inFlight.bytes > resumeAt.bytes) }

    /// Moves permits from demand to the records that have arrived.
    mutating func received(records: Int, bytes: Int) {
        demanded.records -= records
        demanded.bytes -= bytes
        inFlight.records += records
        inFlight.bytes += bytes
        if demanded.records <= 0 || demanded.bytes <= 0 { isPaused = true }
    }

    /// Gives the permits of finished records back; exactly once for each record.
    mutating func release(records: Int, bytes: Int) {
        inFlight.records -= records
        inFlight.bytes -= bytes
        precondition(inFlight.records >= 0 && inFlight.bytes >= 0, "a permit was given back twice")
    }

    /// Forgets the demand: the broker that it was made of has gone.
    mutating func forgetDemand() { demanded = Demand(records: 0, bytes: 0) }

    /// Demands nothing any more.
    mutating func close() { isClosed = true }

    /// What to demand of the broker now, if anything.
    ///
    /// Without partitions nothing is demanded. Free permits are demanded in steps of an eighth of the cap or more, so that a finished record does not cost a
    /// call. At most the cap is demanded at a time: see ``share(of:)``.
    mutating func takeDemand(partitions: Int) -> Demand? {
        guard !isClosed, partitions > 0 else { return nil }
        if isPaused {
            guard inFlight.records <= resumeAt.records && inFlight.bytes <= resumeAt.bytes else { return nil }
            isPaused = false
        }
        let cap = share(of: partitions)
        let free = Demand(
            records: min(limit.records - inFlight.records, cap.records) - demanded.records,
            bytes: min(limit.bytes - inFlight.bytes, cap.bytes) - demanded.bytes)
        let isWorthIt =
            free.records * 8 >= cap.records || free.bytes * 8 >= cap.bytes
            || (free.records > 0 && demanded.records <= 0) || (free.bytes > 0 && demanded.bytes <= 0)
        guard isWorthIt else { return nil }
        let grant = Demand(records: max(0, free.records), bytes: max(0, free.bytes))
        guard grant.records > 0 || grant.bytes > 0 else { return nil }
        demanded.records += grant.records
        demanded.bytes += grant.bytes
        return grant
    }

    /// How much one partition may hold before it is paused, and how much is demanded at a time.
    ///
    /// One partition that is stuck holds its share and at most one more demand. Both are half of a partition's part
    /// of what is in flight when intake resumes, so that stuck partitions can't take the permits of the last one that
    /// isn't.
    func share(of partitions: Int) -> Demand {
        guard partitions > 1 else { return limit }
        return Demand(
            records: max(1, resumeAt.records / (2 * partitions)), bytes: max(1, resumeAt.bytes / (2 * partitions)))
    }
}
