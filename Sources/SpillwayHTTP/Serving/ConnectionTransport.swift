/// What stands between a connection's socket and its HTTP: bytes in, bytes out, no I/O. TLS is one.
///
/// A transport belongs to one connection and is called on that connection's loop only. The connection sends what is
/// appended to `outgoing` at once and in order, also when the call throws: an alert still reaches the other side. After
/// a throw the connection is closed.
package protocol ConnectionTransport: AnyObject {
    /// Takes bytes from the socket.
    ///
    /// - Parameters:
    ///   - bytes: what was read; valid in this call only.
    ///   - plaintext: what HTTP reads is appended here; may stay as it is, as in a handshake.
    ///   - outgoing: what must go to the socket is appended here: handshake, alerts, tickets.
    /// - Throws: when the other side must be given up.
    func receive(_ bytes: UnsafeRawBufferPointer, plaintext: inout [UInt8], outgoing: inout [UInt8]) throws

    /// Takes what HTTP writes; called only when ``isEstablished``. What goes to the socket is appended to `outgoing`.
    func send(_ plaintext: UnsafeRawBufferPointer, outgoing: inout [UInt8]) throws

    /// Appends what announces the end to the other side (TLS: close_notify); nothing is sent after it.
    func close(outgoing: inout [UInt8])

    /// Whether the handshake is done, so that HTTP may be written.
    var isEstablished: Bool { get }

    /// Whether the other side announced that it sends no more (TLS: its close_notify was received).
    var hasReceivedEnd: Bool { get }
}

/// Makes the transports of a server's connections. A new one may be made from changed settings at any time (certificates
/// that were read again); connections that exist keep theirs.
package protocol ConnectionTransportFactory: Sendable {
    /// Makes the transport of a connection that was just accepted.
    func makeTransport() throws -> any ConnectionTransport
}
