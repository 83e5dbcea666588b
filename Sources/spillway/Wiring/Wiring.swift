import SpillwayCore

/// The one place that names concrete drivers.
enum Wiring {
    /// Runs the service until it is told to stop.
    static func serve(_ configuration: ServeConfiguration) async throws -> ExitCode {
        throw CommandError(.configuration, "this build serves nothing")
    }

    /// Audits a data directory; `report` gets a line for each finding.
    static func audit(
        _ store: StoreConfiguration, repair: Bool, report: @Sendable (String) -> Void
    ) async throws -> AuditOutcome {
        throw CommandError(.configuration, "this build audits nothing")
    }

    /// Opens a data directory for an import.
    static func importSink(_ store: StoreConfiguration) async throws -> any ImportSink {
        throw CommandError(.configuration, "this build imports nothing")
    }

    /// Makes a data directory from a backup; returns its epoch.
    static func restore(backup: String, to store: StoreConfiguration) async throws -> String {
        throw CommandError(.configuration, "this build restores nothing")
    }

    /// Says what a damaged log has lost; with `acceptLoss` makes the directory start again without it.
    static func recover(_ store: StoreConfiguration, acceptLoss: Bool) async throws -> RecoveryOutcome {
        throw CommandError(.configuration, "this build recovers nothing")
    }

    /// How the program ends after an error of the layers below.
    static func exitCode(for error: any Error) -> ExitCode { .diskFailed }
}
