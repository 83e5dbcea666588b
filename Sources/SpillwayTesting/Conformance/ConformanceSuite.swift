/// Checks that every implementation of something has to pass, each under a name.
public protocol ConformanceSuite: Sendable {
    /// The checks, in their order.
    static var checks: [ConformanceCheck<Self>] { get }
}

/// A check of a ``ConformanceSuite``.
public struct ConformanceCheck<Suite: Sendable>: Sendable {
    /// What holds if it passes.
    public let name: String
    let body: @Sendable (Suite) async throws -> Void

    init(_ check: (name: String, check: @Sendable (Suite) async throws -> Void)) {
        name = check.name
        body = check.check
    }
}

extension ConformanceSuite {
    typealias Check = @Sendable (Self) async throws -> Void

    /// The names of all checks.
    public static var checkNames: [String] { checks.map(\.name) }

    /// Runs one check.
    ///
    /// - Throws: ``ConformanceFailure`` if what is checked does not do what it must, or what it threw.
    public func run(_ name: String) async throws {
        guard let check = Self.checks.first(where: { $0.name == name }) else {
            throw ConformanceFailure("there is no check called \(name)")
        }
        try await check.body(self)
    }

    /// Runs all checks, one after the other.
    public func runAll() async throws {
        for check in Self.checks {
            do { try await check.body(self) } catch { throw ConformanceFailure("\(check.name): \(error)") }
        }
    }
}
