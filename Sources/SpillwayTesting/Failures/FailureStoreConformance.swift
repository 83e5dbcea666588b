public import Spillway

/// What every failure store has to do, as checks that each store's tests run.
///
/// A test target runs them by name, so that each shows up as a test of its own:
///
///     @Test(arguments: FailureStoreConformance.checkNames)
///     func conforms(_ name: String) async throws {
///         try await FailureStoreConformance { InMemoryFailureStore(limits: $0) }.run(name)
///     }
///
/// Every check has a store of its own, and throws a ``ConformanceFailure`` that says what was expected.
public struct FailureStoreConformance: ConformanceSuite {
    let makeStore: @Sendable (FailureStoreLimits) async throws -> any FailureStore
    let reopen: (@Sendable (any FailureStore) async throws -> any FailureStore)?
    let steps: Int

    /// Makes a suite.
    ///
    /// - Parameters:
    ///   - steps: how many random calls each model check makes; at least 1, default 400.
    ///   - reopen: closes the store and opens its data again with the same limits, if it outlives its process.
    ///   - makeStore: makes an empty store with limits.
    public init(
        steps: Int = 400, reopen: (@Sendable (any FailureStore) async throws -> any FailureStore)? = nil,
        makeStore: @escaping @Sendable (FailureStoreLimits) async throws -> any FailureStore
    ) {
        self.steps = steps
        self.reopen = reopen
        self.makeStore = makeStore
    }

    /// The checks, in their order.
    public static var checks: [ConformanceCheck<Self>] {
        (sideQueueChecks + deadLetterChecks + limitChecks + nameChecks + fencingChecks + modelChecks).map {
            ConformanceCheck($0)
        }
    }

    func store(_ limits: FailureStoreLimits = FailureStoreLimits()) async throws -> any FailureStore {
        try await makeStore(limits)
    }

    /// Runs a body with the store, and then with the same data opened again, if that is possible.
    func alsoReopened(
        _ store: any FailureStore, _ body: (any FailureStore) async throws -> Void
    ) async throws {
        try await body(store)
        guard let reopen else { return }
        let again = try await reopen(store)
        do { try await body(again) } catch { throw ConformanceFailure("after reopening: \(error)") }
    }
}

/// Expects a `FailureStoreError` with a code.
func requireError(
    _ code: FailureStoreError.Code, _ what: String, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch let error as FailureStoreError {
        return try requireEqual(error.code, code, "the error of \(what)")
    }
    throw ConformanceFailure("\(what) should fail with \(code), and did not fail")
}
