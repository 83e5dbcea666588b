/// Where spans go, and which traces are recorded.
struct TracingConfiguration: Sendable, Equatable {
    /// One header for the collector.
    struct Header: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// The collector.
    var endpoint: String
    /// Headers for the collector.
    var headers: [Header]
    /// Certificates to trust for the collector, a file in PEM; nil: the system's.
    var certificateAuthority: String?
    /// Share of new traces that are recorded.
    var ratio: Double
    /// Continue the traces of requests.
    var trustsClients: Bool
    /// The program's name in traces.
    var serviceName: String

    /// Nil without a collector: nothing is traced then.
    ///
    /// - Throws: `CommandError` for a header that is none.
    init?(_ values: OptionValues) throws {
        guard let endpoint = values.optional(OptionTable.otlpEndpoint) else { return nil }
        self.endpoint = endpoint
        headers = try values[OptionTable.otlpHeaders].map { text in
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                // The text may be a secret.
                throw CommandError(.configuration, "otlp-headers: must be NAME=VALUE,…; a member is not")
            }
            return Header(name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
        }
        certificateAuthority = values.optional(OptionTable.otlpCertificateAuthority)
        ratio = values[OptionTable.traceRatio]
        trustsClients = values[OptionTable.traceTrustClients]
        serviceName = values[OptionTable.traceServiceName]
    }
}
