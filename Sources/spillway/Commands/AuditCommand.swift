/// What an audit found.
struct AuditOutcome: Sendable, Equatable {
    /// Targets with a count or a row.
    var targets: Int
    /// Rows whose reaction is like or dislike.
    var reactions: Int
    /// Counts that differ from the rows, rows in which the projections differ, and records of the log whose effect is
    /// missing; before a repair.
    var drift: Int
    /// Rows, names and entries that can't be read.
    var damaged = 0
    /// True if something was rewritten from rows.
    var isRepaired = false
}

/// `spillway audit`.
enum AuditCommand {
    static func run(_ values: OptionValues, _ terminal: Terminal) throws -> ExitCode {
        let store = StoreConfiguration(values)
        let repair = values[OptionTable.repair]
        let outcome = try Blocking.run {
            try await Wiring.audit(store, repair: repair) { finding in terminal.error(finding) }
        }
        if outcome.damaged > 0 {
            terminal.error(
                "\(outcome.damaged) rows, names or entries can't be read; targets of such rows are not repaired")
        }
        if outcome.isRepaired { terminal.error("repaired: counts were rewritten from rows") }
        terminal.print("targets=\(outcome.targets) reactions=\(outcome.reactions) drift=\(outcome.drift)")
        return outcome.drift == 0 ? .done : .foundWrong
    }
}
