import Reactions
import Spillway
import SpillwayCore
import SpillwayHTTP
import SpillwayOTLP
import SpillwayRocksDB

/// The one place that names concrete drivers.
enum Wiring {
    /// Runs the service until it is told to stop.
    static func serve(_ configuration: ServeConfiguration) async throws -> ExitCode {
        try await EmbeddedServer(configuration).run()
        return .done
    }

    /// Makes a place for a data directory, and the directories above it, if it is not there.
    static func makeDataDirectory(_ path: String) throws { try Database.makeDirectory(path) }

    /// Audits a data directory; `report` gets a line for each finding.
    static func audit(
        _ configuration: StoreConfiguration, repair: Bool, report: @Sendable (String) -> Void
    ) async throws -> AuditOutcome {
        let node = try EmbeddedNode(configuration, targetTypes: [], create: false)
        let outcome = try await EmbeddedAudit(node).run(repair: repair, report: report)
        try await node.close()
        return outcome
    }

    /// Opens a data directory for an import.
    ///
    /// - Parameter nowMs: the present, in milliseconds since 1970 UTC: the one that the lines are read at, so that
    ///   both refuse the same.
    static func importSink(
        _ configuration: StoreConfiguration, targetTypes: [String], nowMs: Int64
    ) async throws -> any ImportSink {
        EmbeddedImport(
            try EmbeddedNode(configuration, targetTypes: targetTypes, create: true), targetTypes: targetTypes,
            nowMs: nowMs)
    }

    /// Makes a data directory from a backup; returns its epoch.
    static func restore(backup: String, to configuration: StoreConfiguration) async throws -> String {
        let opening = EmbeddedNode.opening(configuration, create: false, log: nil)
        try Database.restore(from: backup, to: configuration.dataDirectory, opening)
        let database = try Database.open(configuration.dataDirectory, opening)
        defer { try? database.close() }
        return String(database.logEpoch)
    }

    /// Says what a damaged log has lost; with `acceptLoss` makes the directory start again without it.
    static func recover(_ configuration: StoreConfiguration, acceptLoss: Bool) async throws -> RecoveryOutcome {
        let report = try Database.recover(
            configuration.dataDirectory, acceptLoss: acceptLoss,
            EmbeddedNode.opening(configuration, create: false, log: nil))
        return RecoveryOutcome(
            isWhole: report.isIntact, lines: report.description.split(separator: "\n").map(String.init),
            isRecovered: acceptLoss && !report.isIntact)
    }

    /// Opens a stopped server's data directory for an administrator; to be closed.
    static func administrator(_ configuration: StoreConfiguration) throws -> EmbeddedAdministrator {
        try EmbeddedAdministrator(configuration)
    }

    /// How the program ends after an error of the layers below.
    static func exitCode(for error: any Error) -> ExitCode {
        switch error {
        case let error as DatabaseError: exitCode(for: error.code)
        case let error as ServiceGroupError where error.code == .gracefulShutdownDeadlinePassed: .drainDeadline
        case let error as HTTPServerError where error.code == .drainDeadlinePassed: .drainDeadline
        case let error as ConsumerError where error.code == .drainDeadlinePassed: .drainDeadline
        case let error as ReactionStoreError: error.code == .damaged ? .diskFailed : .configuration
        case is OTLPError, is EventLoopError, is TokenKeyError, is TLSError, is AddressRangeError,
            is CrossOriginRulesError:
            .configuration
        default: .foundWrong
        }
    }

    private static func exitCode(for code: DatabaseError.Code) -> ExitCode {
        switch code {
        case .inUse, .foreignDirectory, .newerFormat, .notWritable, .notFound, .invalidArgument: .configuration
        default: .diskFailed
        }
    }
}
