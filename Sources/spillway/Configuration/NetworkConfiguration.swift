/// Addresses, TLS and the limits of connections and requests.
struct NetworkConfiguration: Sendable, Equatable {
    /// A certificate and its key.
    struct TLSFiles: Sendable, Equatable {
        /// Chain in PEM.
        var certificate: String
        /// Private key in PEM.
        var key: String
    }

    /// The address to listen on.
    var host: String
    /// The port; 0 takes a free one.
    var port: Int
    /// Threads that serve connections; 0 chooses by the number of cores.
    var eventLoops: Int
    /// Nil without TLS.
    var tls: TLSFiles?
    /// Origins whose pages may call the service.
    var allowedOrigins: [String]
    /// Addresses and networks whose X-Forwarded-For counts.
    var trustedProxies: [String]
    /// Connections at once.
    var maxConnections: Int
    /// Connections at once from one address; 0 is no limit.
    var maxConnectionsPerAddress: Int
    /// For a whole request.
    var requestTimeout: Duration
    /// Between requests.
    var idleTimeout: Duration
    /// From SIGTERM to the end.
    var drainTimeout: Duration
    /// Request line and headers, but path and query.
    var maxHeaderBytes: Int
    /// Body of a request.
    var maxBodyBytes: Int
    /// Body of a batch.
    var maxBatchBodyBytes: Int
    /// Bodies at once, over all connections.
    var maxBufferedBodyBytes: Int
    /// Event streams at once.
    var maxStreams: Int

    /// - Throws: `CommandError` if only one half of a pair was given.
    init(_ values: OptionValues) throws {
        host = values[OptionTable.host]
        port = values[OptionTable.port]
        eventLoops = values[OptionTable.eventLoops]
        switch (values.optional(OptionTable.tlsCertificate), values.optional(OptionTable.tlsKey)) {
        case (let certificate?, let key?): tls = TLSFiles(certificate: certificate, key: key)
        case (nil, nil): tls = nil
        case (_?, nil): throw CommandError(.configuration, "tls-certificate needs tls-key too")
        case (nil, _?): throw CommandError(.configuration, "tls-key needs tls-certificate too")
        }
        allowedOrigins = values[OptionTable.allowedOrigins]
        trustedProxies = values[OptionTable.trustedProxies]
        maxConnections = values[OptionTable.maxConnections]
        maxConnectionsPerAddress = values[OptionTable.maxConnectionsPerAddress]
        requestTimeout = values[OptionTable.requestTimeout]
        idleTimeout = values[OptionTable.idleTimeout]
        drainTimeout = values[OptionTable.drainTimeout]
        maxHeaderBytes = values[OptionTable.maxHeaderBytes]
        maxBodyBytes = values[OptionTable.maxBodyBytes]
        maxBatchBodyBytes = values[OptionTable.maxBatchBodyBytes]
        maxBufferedBodyBytes = values[OptionTable.maxBufferedBodyBytes]
        maxStreams = values[OptionTable.maxStreams]
    }
}
