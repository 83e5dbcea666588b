internal import CLibuv
internal import Glibc

/// A listening socket of one loop.
package final class TCPListener: TCPSocket {
    private var onConnection: ((TCPConnection) -> Void)?

    /// Binds and listens. To be called on the loop.
    ///
    /// - Parameters:
    ///   - address: where to listen; port 0 picks a free one.
    ///   - reusePort: let several loops listen on one port, among which the kernel spreads the connections.
    ///   - backlog: connections that the kernel holds until they are accepted.
    ///   - onConnection: called on the loop for each connection; reading has not started.
    /// - Throws: ``EventLoopError``.
    package init(
        loop: EventLoop, address: SocketAddress, reusePort: Bool = false, backlog: Int32 = 1024,
        onConnection: @escaping (TCPConnection) -> Void
    ) throws(EventLoopError) {
        self.onConnection = onConnection
        try super.init(loop: loop, family: address.isIPv4 ? AF_INET : AF_INET6)
        do {
            try bind(address, reusePort: reusePort)
            let result = unsafe uv_listen(stream, backlog) { stream, status in
                let listener = unsafe Unmanaged<TCPListener>.fromOpaque(stream!.pointee.data).takeUnretainedValue()
                // An error here is one of accept (a client that has gone, no descriptor left): the next one may succeed.
                if status == 0 { listener.loop.perform { listener.accept() } }
            }
            try EventLoopError.check(result, "listening on \(address)")
        } catch {
            close()
            throw error
        }
    }

    private func bind(_ address: SocketAddress, reusePort: Bool) throws(EventLoopError) {
        if reusePort {
            var descriptor: Int32 = -1
            var one: Int32 = 1
            let handle = unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)
            try EventLoopError.check(unsafe uv_fileno(handle, &descriptor), "making a listening socket")
            if unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, socklen_t(MemoryLayout<Int32>.size)) != 0 {
                throw EventLoopError(code: .init(rawValue: -errno), operation: "sharing port \(address.port)")
            }
        }
        var storage = address.storage
        let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe uv_tcp_bind(handle, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), 0)
        }
        try EventLoopError.check(result, "binding \(address)")
    }

    private func accept() {
        guard !isClosed, let onConnection, let connection = try? TCPConnection(accepting: self) else { return }
        onConnection(connection)
        // Nobody wanted it.
        if !connection.hasDelegate { connection.close() }
    }

    override func didClose(_ error: EventLoopError?) { onConnection = nil }
}
