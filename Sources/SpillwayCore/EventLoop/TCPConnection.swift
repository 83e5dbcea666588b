internal import CLibuv
internal import Glibc

/// What a connection tells its user, always on the loop.
package protocol TCPConnectionDelegate: AnyObject {
    /// Bytes came; they are valid in this call only.
    func connectionDidRead(_ bytes: UnsafeRawBufferPointer)
    /// The other side sends nothing more; it may still read.
    func connectionDidReachEnd()
    /// Everything that was written has been handed to the kernel, after some of it had to wait.
    func connectionDidDrain()
    /// The last call: closed by us, or by an error.
    func connectionDidClose(_ error: EventLoopError?)
}

/// A connected TCP socket. Bytes are written at once as far as the kernel takes them, the rest is copied and follows;
/// the order stays. Touched on its loop only.
package final class TCPConnection: TCPSocket {
    private var delegate: (any TCPConnectionDelegate)?
    private var isReading = false
    private var hasShutDown = false
    /// Bytes that wait for the kernel to take them.
    package private(set) var pendingWriteBytes = 0

    var hasDelegate: Bool { delegate != nil }

    init(accepting listener: TCPListener) throws(EventLoopError) {
        try super.init(loop: listener.loop, family: AF_UNSPEC)
        let result = unsafe uv_accept(listener.stream, stream)
        if result != 0 {
            close()
            throw EventLoopError(code: .init(rawValue: result), operation: "accepting a connection")
        }
        unsafe uv_tcp_nodelay(handle, 1)
    }

    /// Sets who hears of the connection; kept until it is closed.
    package func setDelegate(_ delegate: any TCPConnectionDelegate) {
        precondition(self.delegate == nil, "a connection has one delegate")
        if !isClosed { self.delegate = delegate }
    }

    /// Starts to read, or goes on after ``stopReading()``.
    package func startReading() {
        if isReading || isClosed { return }
        isReading = true
        let result = unsafe uv_read_start(
            stream,
            { handle, _, buffer in
                let connection = unsafe Unmanaged<TCPConnection>.fromOpaque(handle!.pointee.data)
                unsafe connection._withUnsafeGuaranteedRef { connection in
                    let memory = unsafe connection.loop.readBuffer
                    unsafe buffer!.pointee.base = memory.baseAddress?.assumingMemoryBound(to: CChar.self)
                    unsafe buffer!.pointee.len = memory.count
                }
            },
            { stream, count, buffer in
                let connection = unsafe Unmanaged<TCPConnection>.fromOpaque(stream!.pointee.data).takeUnretainedValue()
                if count > 0 {
                    let bytes = unsafe UnsafeRawBufferPointer(start: buffer!.pointee.base, count: count)
                    connection.loop.perform { unsafe connection.delegate?.connectionDidRead(bytes) }
                } else if count < 0 {
                    connection.loop.perform { connection.readEnded(Int32(count)) }
                }
            })
        if result != 0 { close(EventLoopError(code: .init(rawValue: result), operation: "reading")) }
    }

    private func readEnded(_ result: Int32) {
        isReading = false
        if result == UV_EOF.rawValue {
            delegate?.connectionDidReachEnd()
        } else {
            close(EventLoopError(code: .init(rawValue: result), operation: "reading"))
        }
    }

    /// Stops to read, so that the kernel's window slows the sender.
    package func stopReading() {
        if !isReading || isClosed { return }
        isReading = false
        unsafe uv_read_stop(stream)
    }

    /// Writes the bytes. An error closes the connection.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        if unsafe isClosed || bytes.isEmpty { return }
        precondition(!hasShutDown, "written after the end was sent")
        var sent = 0
        if pendingWriteBytes == 0 {
            let base = unsafe UnsafeMutablePointer(mutating: bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
            var buffer = unsafe uv_buf_init(base, UInt32(bytes.count))
            let result = unsafe uv_try_write(stream, &buffer, 1)
            if result >= 0 {
                sent = Int(result)
            } else if result != UV_EAGAIN.rawValue {
                close(EventLoopError(code: .init(rawValue: result), operation: "writing"))
                return
            }
            if sent == bytes.count { return }
        }
        unsafe queue(unsafe UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }

    /// Copies what the kernel did not take behind a write request, in one allocation that the callback frees.
    private func queue(_ bytes: UnsafeRawBufferPointer) {
        let headerSize = unsafe MemoryLayout<uv_write_t>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: headerSize + bytes.count, alignment: 16)
        unsafe (memory + headerSize).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        let request = unsafe memory.bindMemory(to: uv_write_t.self, capacity: 1)
        unsafe request.pointee.data = UnsafeMutableRawPointer(bitPattern: bytes.count)
        var buffer = unsafe uv_buf_init((memory + headerSize).assumingMemoryBound(to: CChar.self), UInt32(bytes.count))
        let result = unsafe uv_write(request, stream, &buffer, 1) { request, status in
            let connection = unsafe Unmanaged<TCPConnection>.fromOpaque(request!.pointee.handle.pointee.data)
                .takeUnretainedValue()
            let count = unsafe Int(bitPattern: request!.pointee.data)
            unsafe UnsafeMutableRawPointer(request!).deallocate()
            connection.loop.perform { connection.wrote(count, status) }
        }
        if result != 0 {
            unsafe memory.deallocate()
            close(EventLoopError(code: .init(rawValue: result), operation: "writing"))
        } else {
            pendingWriteBytes += bytes.count
        }
    }

    private func wrote(_ count: Int, _ status: Int32) {
        pendingWriteBytes -= count
        if status < 0 {
            close(EventLoopError(code: .init(rawValue: status), operation: "writing"))
        } else if pendingWriteBytes == 0 && !isClosed {
            delegate?.connectionDidDrain()
        }
    }

    /// Sends the end after all that was written; reading goes on.
    package func shutdownWriting() {
        if isClosed || hasShutDown { return }
        hasShutDown = true
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let result = unsafe uv_shutdown(request, stream) { request, _ in unsafe request!.deallocate() }
        if result != 0 {
            unsafe request.deallocate()
            close(EventLoopError(code: .init(rawValue: result), operation: "ending"))
        }
    }

    override func didClose(_ error: EventLoopError?) {
        let delegate = self.delegate
        self.delegate = nil
        delegate?.connectionDidClose(error)
    }
}
