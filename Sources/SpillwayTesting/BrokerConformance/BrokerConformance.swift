public import Spillway

/// What every broker has to do, as checks that each driver's tests run.
///
/// A test target runs them by name, so that each shows up as a test of its own:
///
///     @Test(arguments: BrokerConformance.checkNames)
///     func conformance(_ name: String) async throws {
///         try await BrokerConformance { InMemoryBroker() }.run(name)
///     }
///
/// Every check has a broker, a topic and a group of its own, and throws a ``ConformanceFailure`` that says what was
/// expected. Checks of what a broker has no feature for, or is not declared to be, return at once.
public struct BrokerConformance: ConformanceSuite {
    /// What a broker can do beyond what every broker must.
    public struct Features: Sendable {
        /// Several messages are written as one, across partitions; default true. If not, they are refused.
        public var atomicBatches = true
        /// Deduplication tokens are kept; default true. If not, they are refused.
        public var deduplication = true
        /// The hint of a commit comes back with the next assignment; default true.
        public var commitHints = true
        /// Bytes delivered beyond the demand are taken off the next demand; default true.
        public var byteDemandCarriesOver = true
        /// What is left to read is counted exactly, as long as nothing has been removed; default true. If not, it is an
        /// estimate, and zero at the end alone.
        public var exactCounts = true
        /// The largest message in bytes, if the broker has a limit; default `nil`: not checked.
        public var maxMessageBytes: Int?

        /// Makes features with every default.
        public init() {}
    }

    let features: Features
    let timeout: Duration
    let makeBroker: @Sendable () async throws -> any Broker
    let reopen: (@Sendable (any Broker) async throws -> any Broker)?
    let trim: (@Sendable (any Broker, _ topic: String) async throws -> Void)?

    /// Makes a suite.
    ///
    /// - Parameters:
    ///   - timeout: how long something may take that has to happen; default 10 s.
    ///   - reopen: closes the broker and opens its data again, if the broker outlives its process.
    ///   - trim: has the broker drop the oldest record at least of a topic with one partition, which no group holds back;
    ///     it may send whatever it takes. Without it what is said of dropped records is not checked.
    ///   - makeBroker: makes a broker without topics.
    public init(
        features: Features = Features(), timeout: Duration = .seconds(10),
        reopen: (@Sendable (any Broker) async throws -> any Broker)? = nil,
        trim: (@Sendable (any Broker, _ topic: String) async throws -> Void)? = nil,
        makeBroker: @escaping @Sendable () async throws -> any Broker
    ) {
        self.features = features
        self.timeout = timeout
        self.reopen = reopen
        self.trim = trim
        self.makeBroker = makeBroker
    }

    /// The checks, in their order.
    public static var checks: [ConformanceCheck<Self>] {
        let checks =
            sendingChecks + refusingChecks + deliveryChecks + groupChecks + deduplicationChecks + administrationChecks
        return checks.map { ConformanceCheck($0) }
    }
}

/// Expects a `BrokerError` with a code.
func requireError(
    _ code: BrokerError.Code, _ what: String, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch let error as BrokerError {
        return try requireEqual(error.code, code, "the error of \(what)")
    }
    throw ConformanceFailure("\(what) should fail with \(code), and did not fail")
}
