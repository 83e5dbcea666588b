/// Everything that `spillway serve` is told.
struct ServeConfiguration: Sendable, Equatable {
    /// Serve the demo page with guest users.
    var demo: Bool
    /// Addresses and limits of connections.
    var network: NetworkConfiguration
    /// What is asked of tokens.
    var tokens: TokenConfiguration
    /// The service's rules.
    var reactions: ReactionsConfiguration
    /// The data directory.
    var store: StoreConfiguration
    /// The log's limits.
    var log: LogConfiguration
    /// Nil without tracing.
    var tracing: TracingConfiguration?

    /// - Throws: `CommandError` where values don't fit each other.
    init(_ values: OptionValues) throws {
        demo = values[OptionTable.demo]
        network = try NetworkConfiguration(values)
        tokens = TokenConfiguration(values)
        reactions = try ReactionsConfiguration(values)
        store = StoreConfiguration(values)
        log = LogConfiguration(values)
        tracing = try TracingConfiguration(values)
        guard !demo || tokens.jwksFile == nil else {
            throw CommandError(
                .configuration,
                "demo signs its guests with the data directory's key, which tokens.jwks-file puts out of use; "
                    + "leave one of them out")
        }
    }
}
