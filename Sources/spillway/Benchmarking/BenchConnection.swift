import Glibc

/// One connection of a load: at most one request at a time. Owned by the load's thread.
struct BenchConnection {
    enum State: Equatable {
        /// Not connected; tries again at this time.
        case closed(retryAt: Double)
        case connecting
        case idle
        case busy(BenchKind, due: Double)
    }

    var descriptor: Int32 = -1
    var state = State.closed(retryAt: 0)
    var output: [UInt8] = []
    var sent = 0
    var parser = ResponseParser()

    /// What to wait for.
    var events: Int16 {
        switch state {
        case .closed: 0
        case .connecting: Int16(POLLOUT)
        case .idle: Int16(POLLIN)
        case .busy: Int16(POLLIN) | (sent < output.count ? Int16(POLLOUT) : 0)
        }
    }

    /// Begins to connect.
    mutating func connect(to endpoint: BenchEndpoint, now: Double) {
        descriptor = endpoint.makeSocket()
        parser.reset()
        guard descriptor >= 0, endpoint.connect(descriptor) else { return close(retryAt: now + 0.1) }
        state = .connecting
    }

    /// Asks the kernel whether connecting succeeded.
    mutating func finishConnecting(now: Double) {
        guard BenchEndpoint.isConnected(descriptor) else { return close(retryAt: now + 0.1) }
        state = .idle
    }

    mutating func close(retryAt: Double) {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        state = .closed(retryAt: retryAt)
    }

    /// Sends what is left to send; false if the connection is gone.
    mutating func send() -> Bool {
        while sent < output.count {
            let count = unsafe output.withUnsafeBytes { bytes in
                unsafe Glibc.send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            sent += count
        }
        return true
    }

    /// Receives what is there; nil if the connection is gone.
    mutating func receive(into buffer: inout [UInt8]) -> ResponseParser.Outcome? {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
            }
            if count == 0 { return nil }
            if count < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN ? .incomplete : nil
            }
            let outcome = parser.receive(buffer.span.extracting(first: count))
            if outcome != .incomplete || count < buffer.count { return outcome }
        }
    }
}
