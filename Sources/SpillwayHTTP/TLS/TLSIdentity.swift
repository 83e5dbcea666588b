import Synchronization

/// The certificate and key that new connections get, read anew on demand (SIGHUP).
public final class TLSIdentity: Sendable {
    private let certificateChainFile: String
    private let privateKeyFile: String
    private let context: Mutex<TLSContext>

    /// Reads both files; see ``TLSContext/init(certificateChainFile:privateKeyFile:)``.
    public init(certificateChainFile: String, privateKeyFile: String) throws(TLSError) {
        self.certificateChainFile = certificateChainFile
        self.privateKeyFile = privateKeyFile
        context = Mutex(
            try TLSContext(certificateChainFile: certificateChainFile, privateKeyFile: privateKeyFile))
    }

    /// What a new connection gets.
    public var current: TLSContext { context.withLock { $0 } }

    /// Reads both files anew. Connections that are open keep what they have; if either file is bad, new ones keep it
    /// too, and the error says why.
    public func reload() throws(TLSError) {
        let new = try TLSContext(certificateChainFile: certificateChainFile, privateKeyFile: privateKeyFile)
        context.withLock { $0 = new }
    }
}

extension TLSIdentity: ConnectionTransportFactory {
    package func makeTransport() throws -> any ConnectionTransport { try TLSSession(current) }
}
