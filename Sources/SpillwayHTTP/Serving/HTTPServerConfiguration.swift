/// What a server listens on, and its bounds.
public struct HTTPServerConfiguration: Sendable {
    /// A numeric address, or `localhost`; 127.0.0.1 by default.
    public var host: String
    /// The port; 0 picks a free one. 8080 by default.
    public var port: UInt16
    /// The most connections at once; 20,000 by default. Beyond it they are answered with a 503 and closed. One counts
    /// until it is closed and its request's handler has returned, so this bounds the handlers at work too.
    public var maximumConnections = 20_000
    /// The most connections from one address (of IPv6: one /64); 1,000 by default. Loopback and trusted proxies are not
    /// counted.
    public var maximumConnectionsPerAddress = 1_000
    /// The bounds of a request.
    public var limits = HTTPLimits()
    /// The most bytes of bodies that are being received or handled, over all connections; 256 MiB by default. Beyond it
    /// large bodies are refused with a 503. Bodies below 16 KiB are not counted, the number of connections bounds them.
    public var maximumBufferedBodyBytes = 256 << 20
    /// From a request's first byte to its answer; 30 s by default. What was not received by then is a 408; what was not
    /// answered, a 503 that says that the outcome is unknown.
    public var requestTimeout = Duration.seconds(30)
    /// How long a connection may stay between requests; 75 s by default.
    public var idleTimeout = Duration.seconds(75)
    /// How long graceful shutdown waits for requests; 20 s by default.
    public var drainTimeout = Duration.seconds(20)
    /// The proxies whose `X-Forwarded-For` is believed; none by default.
    public var trustedProxies = TrustedProxies.none

    /// Makes a configuration with the defaults.
    public init(host: String = "127.0.0.1", port: UInt16 = 8080) {
        self.host = host
        self.port = port
    }
}
