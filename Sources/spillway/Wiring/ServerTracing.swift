import SpillwayCore
import SpillwayOTLP

/// A server's tracing, where a collector is configured: the tracer, and the service that sends its spans.
struct ServerTracing: Sendable {
    let tracer: Tracer
    let exporter: OTLPSpanExporter
    /// Continue the traces of requests.
    let trustsClients: Bool
    /// What the exporter may take at the end, beside what the rest takes.
    let shutdownTimeout: Duration

    /// - Throws: `OTLPError` for a field that is not allowed.
    init(_ configuration: TracingConfiguration, registry: MetricsRegistry) throws {
        var exporting = OTLPConfiguration(endpoint: configuration.endpoint)
        exporting.headers = configuration.headers.map { OTLPConfiguration.Header(name: $0.name, value: $0.value) }
        exporting.certificateAuthority = configuration.certificateAuthority
        exporting.serviceName = configuration.serviceName
        exporting.resourceAttributes = ["service.version": .string(VersionCommand.version)]
        exporter = try OTLPSpanExporter(exporting, metrics: registry, logger: Logger(label: "otlp"))
        tracer = Tracer(exporter: exporter, sampler: TraceSampler(ratio: configuration.ratio))
        trustsClients = configuration.trustsClients
        shutdownTimeout = exporting.shutdownTimeout
    }
}
