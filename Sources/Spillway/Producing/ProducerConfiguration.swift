/// A producer's limits.
public struct ProducerConfiguration: Sendable {
    /// How many messages may be sent and not confirmed; at least 1, default 100,000.
    public var maxInFlightRecords = 100_000
    /// How many bytes may be sent and not confirmed; at least 1, default 64 MiB.
    public var maxInFlightBytes = 64 << 20
    /// Wrap each send; the first is the outermost. Default none.
    public var interceptors: [any ProducerInterceptor] = []

    /// Makes a configuration with every default.
    public init() {}
}
