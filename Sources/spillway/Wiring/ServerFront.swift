import FoundationEssentials
import ReactionsHTTP
import SpillwayCore
import SpillwayHTTP

/// Where clients reach the server. It listens before the data directory is opened, which may take long, and says until
/// then that it lives and is not ready.
struct ServerFront: Sendable {
    /// Nil without TLS.
    let tls: TLSIdentity?
    let server: HTTPServer
    /// Nil where no page of another origin may call.
    let crossOrigin: CrossOrigin?
    /// The address with the port that was picked.
    let url: String
    private let loops: [EventLoop]

    /// `http` or `https`.
    var scheme: String { Self.scheme(tls) }

    /// Reads certificates and listens.
    ///
    /// - Throws: `TLSError`, `CrossOriginRulesError`, `AddressRangeError`, `EventLoopError`, `MetricsError`.
    init(_ network: NetworkConfiguration, registry: MetricsRegistry) async throws {
        let tls = try network.tls.map { try TLSIdentity(certificateChainFile: $0.certificate, privateKeyFile: $0.key) }
        let rules = try CrossOriginRules(origins: network.allowedOrigins)
        let crossOrigin = rules.allowNothing ? nil : CrossOrigin(rules)
        var router = HTTPRouter(logger: Logger(label: "http"))
        if let crossOrigin { router.use(crossOrigin) }
        OperationRoutes.answerWhileOpening(
            on: &router, maximumBodyBytes: max(network.maxBodyBytes, network.maxBatchBodyBytes))
        let configuration = try Self.configuration(network)
        let loops = try Self.loops(network)
        do {
            server = try HTTPServer(
                configuration: configuration, router: router, loops: loops, transport: tls, metrics: registry,
                logger: Logger(label: "http"))
            url = "\(Self.scheme(tls))://\(try await server.listen())"
        } catch {
            for loop in loops { loop.shutdown() }
            throw error
        }
        self.tls = tls
        self.crossOrigin = crossOrigin
        self.loops = loops
    }

    /// Ends every connection and, where it runs on a loop, every request. A second call does nothing.
    func close() { for loop in loops { loop.shutdown() } }

    private static func scheme(_ tls: TLSIdentity?) -> String { tls == nil ? "http" : "https" }

    /// A loop a core on up to three: what one can carry is what bounds the votes. On more, half of them are for the rest.
    ///
    /// Where every core has its loop, the loops stay there. They and their clients wake one another all the time, and while a
    /// compaction has one of two cores, the kernel would put all of them on the other.
    private static func loops(_ network: NetworkConfiguration) throws -> [EventLoop] {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let usual = cores <= 3 ? cores : min(cores / 2, 16)
        let count = network.eventLoops > 0 ? network.eventLoops : usual
        return try (0..<count).map { try EventLoop(name: "loop-\($0)", processor: count == cores ? $0 : nil) }
    }

    private static func configuration(_ network: NetworkConfiguration) throws -> HTTPServerConfiguration {
        var server = HTTPServerConfiguration(host: network.host, port: UInt16(network.port))
        server.maximumConnections = network.maxConnections
        server.maximumConnectionsPerAddress =
            network.maxConnectionsPerAddress == 0 ? network.maxConnections : network.maxConnectionsPerAddress
        server.limits.maximumBodyBytes = network.maxBodyBytes
        server.limits.maximumHeaderBytes = network.maxHeaderBytes
        server.maximumBufferedBodyBytes = network.maxBufferedBodyBytes
        server.requestTimeout = network.requestTimeout
        server.idleTimeout = network.idleTimeout
        server.drainTimeout = network.drainTimeout
        server.trustedProxies = try TrustedProxies(parsing: network.trustedProxies)
        return server
    }
}
