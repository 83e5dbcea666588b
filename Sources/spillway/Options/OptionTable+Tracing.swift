extension OptionTable {
    static let otlpEndpoint = Option<String>(
        "otlp-endpoint", key: "tracing.otlp-endpoint", .text(placeholder: "URL"), meaning: "no tracing",
        for: .serving, "Collector that takes spans as OTLP over HTTP, such as http://localhost:4318; adds /v1/traces.")
    static let otlpHeaders = Option<[String]>(
        "otlp-headers", key: "tracing.otlp-headers", .list(placeholder: "NAME=VALUE,…"), default: "", for: .serving,
        "Headers for the collector, such as api-key=…; the variable keeps them out of the list of processes.")
    static let otlpCertificateAuthority = Option<String>(
        "otlp-ca-certificate", key: "tracing.otlp-ca-certificate", .text(placeholder: "FILE"), meaning: "the system's",
        for: .serving, "Certificates to trust for the collector, in PEM.")
    static let traceRatio = Option<Double>(
        "trace-ratio", key: "tracing.ratio", .share, default: "0", for: .serving,
        "Share of new traces that are recorded.")
    static let traceTrustClients = Option<Bool>(
        "trace-trust-clients", key: "tracing.trust-clients", .flag, default: "false", for: .serving,
        "Continue the traces of requests' traceparent, recorded if it says so. Not where strangers are clients.")
    static let traceServiceName = Option<String>(
        "trace-service-name", key: "tracing.service-name", .text(placeholder: "NAME"), default: "spillway",
        for: .serving, "The program's name in traces: service.name.")

    static let tracing: [OptionDefinition] = [
        otlpEndpoint.definition, otlpHeaders.definition, otlpCertificateAuthority.definition, traceRatio.definition,
        traceTrustClients.definition, traceServiceName.definition,
    ]
}
