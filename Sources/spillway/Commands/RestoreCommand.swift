/// `spillway restore`.
enum RestoreCommand {
    static func run(_ values: OptionValues, backup: String, _ terminal: Terminal) throws -> ExitCode {
        let store = StoreConfiguration(values)
        let epoch = try Blocking.run { try await Wiring.restore(backup: backup, to: store) }
        terminal.print("restored \(backup) to \(store.dataDirectory); epoch \(epoch)")
        return .done
    }
}
