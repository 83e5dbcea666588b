internal import CLibuv
internal import Glibc

/// What owns one TCP handle of libuv: the memory belongs to libuv until its close callback, which frees it and lets the
/// object go. Touched on its loop only.
@safe package class TCPSocket {
    /// The loop whose thread alone may touch this socket.
    package let loop: EventLoop
    /// Whether the socket is closed or about to be.
    package private(set) var isClosed = false

    let handle: UnsafeMutablePointer<uv_tcp_t>
    private var closeError: EventLoopError?

    /// The handle's other faces; libuv's structures begin with the same members.
    var stream: UnsafeMutablePointer<uv_stream_t> {
        unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_stream_t.self)
    }
    private var anyHandle: UnsafeMutablePointer<uv_handle_t> {
        unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)
    }

    init(loop: EventLoop, family: Int32) throws(EventLoopError) {
        assert(loop.isCurrent)
        if loop.isClosing { throw EventLoopError(code: .cancelled, operation: "making a socket on a stopped loop") }
        self.loop = loop
        unsafe handle = .allocate(capacity: 1)
        let result = unsafe uv_tcp_init_ex(loop.uv, handle, UInt32(family))
        if result != 0 {
            unsafe handle.deallocate()
            throw EventLoopError(code: .init(rawValue: result), operation: "making a socket")
        }
        // Given back by the close callback.
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    /// Closes the socket; ``didClose(_:)`` follows on the loop. A second call does nothing.
    package func close(_ error: EventLoopError? = nil) {
        if isClosed { return }
        isClosed = true
        closeError = error
        unsafe uv_close(anyHandle) { handle in
            let pointer = unsafe handle!.pointee.data!
            let socket = unsafe Unmanaged<TCPSocket>.fromOpaque(pointer).takeRetainedValue()
            unsafe handle!.pointee.data = nil
            unsafe socket.handle.deallocate()
            socket.loop.perform { socket.didClose(socket.closeError) }
        }
    }

    /// The last call that a subclass hears.
    func didClose(_ error: EventLoopError?) {}

    /// The address at this end.
    package func localAddress() throws -> SocketAddress {
        var storage = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe uv_tcp_getsockname(handle, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
        }
        try EventLoopError.check(result, "reading a socket's address")
        guard let address = SocketAddress(storage) else {
            throw EventLoopError(code: .invalidAddress, operation: "reading a socket's address")
        }
        return address
    }

    /// The address at the other end; nil when the connection has already gone.
    package func peerAddress() -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe uv_tcp_getpeername(handle, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
        }
        return result == 0 ? SocketAddress(storage) : nil
    }
}
