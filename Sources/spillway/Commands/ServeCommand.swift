/// `spillway serve`.
enum ServeCommand {
    static func run(_ values: OptionValues) throws -> ExitCode {
        let configuration = try ServeConfiguration(values)
        return try Blocking.run { try await Wiring.serve(configuration) }
    }
}
