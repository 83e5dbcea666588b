/// What recovery found in a data directory, or did.
struct RecoveryOutcome: Sendable, Equatable {
    /// True if the log is whole: there is nothing to recover.
    var isWhole: Bool
    /// For people: what is missing, from where to where.
    var lines: [String]
    /// True if the directory was changed so that it starts again.
    var isRecovered: Bool
}

/// `spillway recover`.
enum RecoverCommand {
    static func run(_ values: OptionValues, _ terminal: Terminal) throws -> ExitCode {
        let store = StoreConfiguration(values)
        let acceptLoss = values[OptionTable.acceptLoss]
        let outcome = try Blocking.run { try await Wiring.recover(store, acceptLoss: acceptLoss) }
        for line in outcome.lines { terminal.print(line) }
        if outcome.isWhole {
            terminal.print("the log is whole: nothing to recover")
            return .done
        }
        if outcome.isRecovered {
            terminal.print("recovered: the next start is without what is lost, in a new epoch")
            return .done
        }
        let command = "spillway recover --data \(store.dataDirectory) --accept-loss"
        terminal.print("nothing was changed; `\(command)` makes the next start go without what is lost")
        return .foundWrong
    }
}
