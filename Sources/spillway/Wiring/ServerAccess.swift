import SpillwayCore
import SpillwayHTTP

/// Who may connect and who they are: TLS, tokens, proxies; what can be read again while the server runs.
struct ServerAccess: Sendable {
    let authentication: Authentication
    let tls: TLSIdentity?
    /// Signs what this server takes; nil where an identity provider signs.
    let issuer: TokenIssuer?
    private let configuration: ServeConfiguration
    private let authenticator: TokenAuthenticator
    private let logger: Logger

    /// Reads keys and certificates; makes the data directory's key if there is none.
    init(_ configuration: ServeConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        var requirements = TokenVerifier.Requirements()
        requirements.issuer = configuration.tokens.issuer
        if let audience = configuration.tokens.audience { requirements.audiences = [audience] }
        let keys: TokenVerifier.Keys
        if let file = configuration.tokens.jwksFile {
            keys = .webKeys(try JSONWebKeySet(contentsOfFile: file))
            issuer = nil
        } else {
            let key = try SigningKey.loadOrCreate(path: configuration.store.dataDirectory + "/key")
            keys = .secret(key)
            issuer = TokenIssuer(
                key: key, issuer: configuration.tokens.issuer, audience: configuration.tokens.audience)
        }
        var limits = TokenCache.Limits()
        limits.tokens = configuration.tokens.cacheEntries
        authenticator = TokenAuthenticator(
            verifier: TokenVerifier(keys: keys, requirements: requirements), cacheLimits: limits)
        authentication = Authentication(authenticator)
        tls = try configuration.network.tls.map {
            try TLSIdentity(certificateChainFile: $0.certificate, privateKeyFile: $0.key)
        }
    }

    func serverConfiguration() throws -> HTTPServerConfiguration {
        let network = configuration.network
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

    /// Reads certificate and keys again; what is bad leaves the old in force, and is logged. One does not hold up the
    /// other.
    func reload() {
        if let file = configuration.tokens.jwksFile {
            reload("the keys for tokens") { try authenticator.reload(webKeysFile: file) }
        }
        if let tls { reload("the certificate") { try tls.reload() } }
    }

    private func reload(_ what: String, _ body: () throws -> Void) {
        do {
            try body()
            logger.notice("read again", metadata: ["what": "\(what)"])
        } catch {
            logger.error("could not be read; the old stays", metadata: ["what": "\(what)", "error": "\(error)"])
        }
    }
}
