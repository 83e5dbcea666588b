extension OptionTable {
    static let host = Option<String>(
        "host", key: "http.host", .text(placeholder: "HOST"), default: "127.0.0.1", for: .serving,
        "The address to listen on; 0.0.0.0 or :: for all.")
    static let port = Option<Int>(
        "port", key: "http.port", .integer(0...65_535, unit: "port"), default: "8080", for: .serving,
        "The port to listen on; 0 takes a free one, which the ready line names.")
    static let eventLoops = Option<Int>(
        "event-loops", key: "http.event-loops", .integer(0...64, unit: "threads"), default: "0",
        meaning: "one a core on up to three, else half as many, at most 16", for: .serving,
        "Threads that serve connections. As many as there are cores: each stays on one.")
    static let tlsCertificate = Option<String>(
        "tls-certificate", key: "http.tls.certificate", .text(placeholder: "FILE"), meaning: "no TLS", for: .serving,
        "Certificate chain in PEM; read again on SIGHUP. Needs tls-key.")
    static let tlsKey = Option<String>(
        "tls-key", key: "http.tls.key", .text(placeholder: "FILE"), meaning: "no TLS", for: .serving,
        "The certificate's private key in PEM; read again on SIGHUP. Needs tls-certificate.")
    static let allowedOrigins = Option<[String]>(
        "allowed-origins", key: "http.allowed-origins", .list(placeholder: "ORIGIN,…"), default: "", for: .serving,
        "Origins whose pages may call this service, such as https://example.com.")
    static let trustedProxies = Option<[String]>(
        "trusted-proxies", key: "http.trusted-proxies", .list(placeholder: "CIDR,…"), default: "", for: .serving,
        "Addresses or networks of proxies whose X-Forwarded-For counts.")
    static let maxConnections = Option<Int>(
        "max-connections", key: "http.max-connections", .integer(1...1_000_000, unit: "connections"), default: "20000",
        for: .serving, "Connections at once; more are answered 503 and closed.")
    static let maxConnectionsPerAddress = Option<Int>(
        "max-connections-per-address", key: "http.max-connections-per-address",
        .integer(0...1_000_000, unit: "connections"), default: "1000", for: .serving,
        "Connections at once from one address; 0 is no limit. Loopback has none.")
    static let requestTimeout = Option<Duration>(
        "request-timeout", key: "http.request-timeout", .duration(.milliseconds(100)...(.seconds(3_600))),
        default: "30s", for: .serving,
        "A whole request, from its first byte to its answer; streams, backups and moves of groups are exempt.")
    static let idleTimeout = Option<Duration>(
        "idle-timeout", key: "http.idle-timeout", .duration(.milliseconds(100)...(.seconds(86_400))), default: "75s",
        for: .serving, "How long a connection may be idle between requests.")
    static let drainTimeout = Option<Duration>(
        "drain-timeout", key: "http.drain-timeout", .duration(.zero...(.seconds(3_600))), default: "20s",
        for: .serving,
        "After SIGTERM: how long requests and projections may take to finish; past it the exit code is 75.")
    static let maxHeaderBytes = Option<Int>(
        "max-header-bytes", key: "http.max-header-bytes", .bytes(1_024...1_048_576), default: "16KiB", for: .serving,
        "Request line and headers of one request, but path and query, which have 16 KiB of their own; more is 431.")
    static let maxBodyBytes = Option<Int>(
        "max-body-bytes", key: "http.max-body-bytes", .bytes(1_024...(16 << 20)), default: "64KiB", for: .serving,
        "Body of one request; more is 413.")
    static let maxBatchBodyBytes = Option<Int>(
        "max-batch-body-bytes", key: "http.max-batch-body-bytes", .bytes(1_024...(64 << 20)), default: "1MiB",
        for: .serving, "Body of one batch of votes; more is 413.")
    static let maxBufferedBodyBytes = Option<Int>(
        "max-buffered-body-bytes", key: "http.max-buffered-body-bytes", .bytes((1 << 20)...(1 << 40)),
        default: "256MiB", for: .serving,
        "Bodies of 16 KiB and more that are being received or handled, over all connections; more are answered 503.")
    static let maxStreams = Option<Int>(
        "max-streams", key: "http.max-streams", .integer(0...1_000_000, unit: "streams"), default: "10000",
        for: .serving, "Open event streams at once; more are answered 503.")

    static let http: [OptionDefinition] = [
        host.definition, port.definition, eventLoops.definition, tlsCertificate.definition, tlsKey.definition,
        allowedOrigins.definition, trustedProxies.definition, maxConnections.definition,
        maxConnectionsPerAddress.definition, requestTimeout.definition, idleTimeout.definition,
        drainTimeout.definition, maxHeaderBytes.definition, maxBodyBytes.definition, maxBatchBodyBytes.definition,
        maxBufferedBodyBytes.definition, maxStreams.definition,
    ]

    static let jwksFile = Option<String>(
        "jwks-file", key: "tokens.jwks-file", .text(placeholder: "FILE"), meaning: "the data directory's key alone",
        for: .serving, "JWK set with the public keys of your identity provider (RS256, ES256, EdDSA).")
    static let tokenIssuer = Option<String>(
        "token-issuer", key: "tokens.issuer", .text(placeholder: "ISSUER"), meaning: "not checked",
        for: [.serve, .token, .bench],
        "What a token's iss must be.")
    static let tokenAudience = Option<String>(
        "token-audience", key: "tokens.audience", .text(placeholder: "AUDIENCE"), meaning: "none",
        for: [.serve, .token, .bench],
        "What a token's aud must contain. Without it a token that has an aud is refused.")
    static let tokenCacheEntries = Option<Int>(
        "token-cache-entries", key: "tokens.cache-entries", .integer(0...10_000_000, unit: "tokens"),
        default: "400000", for: .serving,
        "Verified tokens that are remembered within their life; at most 128 MiB of them.")

    static let tokens: [OptionDefinition] = [
        jwksFile.definition, tokenIssuer.definition, tokenAudience.definition, tokenCacheEntries.definition,
    ]
}
