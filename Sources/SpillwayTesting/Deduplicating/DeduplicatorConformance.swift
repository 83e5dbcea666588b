public import Spillway

/// What every deduplicator has to do, as checks that each store's tests run.
///
/// A test target runs them by name, so that each shows up as a test of its own:
///
///     @Test(arguments: DeduplicatorConformance.checkNames)
///     func conformance(_ name: String) async throws {
///         try await DeduplicatorConformance { limits in
///             let time = ManualTimeSource()
///             let store = try InMemoryDeduplicator(limits: limits, timeSource: time)
///             return .init(store) { time.advance(by: $0) }
///         }.run(name)
///     }
///
/// Every check has a store of its own, and throws a ``ConformanceFailure`` that says what was expected.
public struct DeduplicatorConformance: ConformanceSuite {
    /// A store under test.
    public struct Subject: Sendable {
        /// The store.
        public var store: any Deduplicator
        /// Lets exactly this much time pass by the store's clocks; whole milliseconds.
        public var pass: @Sendable (Duration) async throws -> Void
        /// Ends the store and opens its data again, as after a restart; `nil` if the store does not outlive its process.
        public var reopen: (@Sendable () async throws -> any Deduplicator)?

        /// Makes a subject.
        public init(
            _ store: any Deduplicator, reopen: (@Sendable () async throws -> any Deduplicator)? = nil,
            pass: @escaping @Sendable (Duration) async throws -> Void
        ) {
            self.store = store
            self.reopen = reopen
            self.pass = pass
        }
    }

    private let makeSubject: @Sendable (DeduplicatorLimits) async throws -> Subject
    let walks: Range<UInt64>

    /// Makes a suite.
    ///
    /// - Parameters:
    ///   - walks: the seeds of the random walks, each in a store of its own; default 20.
    ///   - makeSubject: makes an empty store with the limits.
    public init(
        walks: Range<UInt64> = 0..<20, _ makeSubject: @escaping @Sendable (DeduplicatorLimits) async throws -> Subject
    ) {
        self.walks = walks
        self.makeSubject = makeSubject
    }

    /// The checks, in their order.
    public static var checks: [ConformanceCheck<Self>] {
        (claimChecks + boundChecks + walkChecks).map { ConformanceCheck($0) }
    }

    /// An empty store with a lifetime of 100 s and a lease of 10 s.
    func subject(
        maxEntries: Int = 1_000, maxBytes: Int = 1 << 20, whenFull: DeduplicatorLimits.WhenFull = .refuse
    ) async throws -> Subject {
        var limits = DeduplicatorLimits()
        limits.lifetime = .seconds(100)
        limits.claimLease = .seconds(10)
        limits.maxEntries = maxEntries
        limits.maxBytes = maxBytes
        limits.whenFull = whenFull
        return try await makeSubject(limits)
    }

    static func id(_ text: String, scope: String = "group") -> EventID {
        EventID(scope: Array(scope.utf8), id: Array(text.utf8))
    }
}

extension Deduplicator {
    /// Begins an id that must be the first.
    func first(_ id: EventID, _ what: @autoclosure () -> String) async throws -> EventClaim {
        let answer = try await begin(id)
        guard case .first(let claim) = answer else {
            throw ConformanceFailure("\(what()): should be the first, is \(answer)")
        }
        try requireEqual(claim.id, id, "the id of the claim")
        return claim
    }

    func requireDuplicate(_ id: EventID, _ what: @autoclosure () -> String) async throws {
        try requireEqual(try await begin(id), .duplicate, what())
    }

    func requireInProgress(_ id: EventID, atMost: Duration, _ what: @autoclosure () -> String) async throws {
        let answer = try await begin(id)
        guard case .inProgress(let rest) = answer, rest <= atMost else {
            throw ConformanceFailure("\(what()): should be in progress for \(atMost) at most, is \(answer)")
        }
    }

    /// Begins and completes an id.
    func handle(_ id: EventID) async throws {
        let claim = try await first(id, "a new id")
        try require(try await complete(claim), "a claim within its lease is completed")
    }
}
