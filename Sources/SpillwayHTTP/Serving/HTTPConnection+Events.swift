internal import SpillwayCore

/// A connection whose answer is a stream of events.
extension HTTPConnection {
    /// How many bytes may wait for the kernel; beyond it events wait in the stream's queue, where they can be replaced.
    private static let maximumUnsentBytes = 16 << 10

    /// Sends the head and runs the stream's closure, in the task of the request.
    func run(_ events: EventStream, _ response: HTTPResponse, _ request: HTTPRequest) async {
        let loop = server.loop
        let writer = EventStreamWriter(options: events.options) { [weak self] in
            loop.execute { [weak self] in if loop.isCurrent { self?.flushEvents() } }
        }
        begin(writer, heartbeat: events.options.heartbeat, response)
        do {
            try await events.body(writer)
        } catch is CancellationError {
            // The client has gone, reads too slowly, or the server shuts down.
        } catch {
            server.shared.logger.error(
                "an event stream failed",
                metadata: ["route": "\(request.route ?? "")", "error": "\(String(reflecting: error))"])
        }
        writer.close()
        guard server.loop.isCurrent else { return }
        server.streamEnded(request.storage.match, response.status, droppedEvents: writer.droppedEvents)
        flushEvents()
    }

    private func begin(_ writer: EventStreamWriter, heartbeat: Duration, _ response: HTTPResponse) {
        stream = writer
        machine.streams()
        deadline = .max
        server.shared.metrics.eventStreams.increment()
        server.withScratch { bytes, date in
            HTTPResponseEncoder.encode(response, isHead: false, persistence: .close, date: date, into: &bytes)
            write(bytes)
        }
        if server.isDraining { writer.close() }
        beat(every: heartbeat)
    }

    /// Sends a comment now and then, so that proxies keep the connection and a client that has gone is found.
    private func beat(every interval: Duration) {
        heartbeat = server.loop.schedule(after: interval) { [weak self] in
            guard let self, stream != nil, machine.phase == .streaming else { return }
            if tcp.pendingWriteBytes == 0 { write([UInt8(ascii: ":"), 10, 10]) }
            beat(every: interval)
        }
    }

    /// Writes what waits, as far as the reader takes it; after the stream's end, ends the connection.
    func flushEvents() {
        guard let stream, machine.phase == .streaming, !tcp.isClosed else { return }
        if stream.hasOverflowed {
            tcp.close()
            return
        }
        while tcp.pendingWriteBytes < Self.maximumUnsentBytes {
            let bytes = stream.take(upToBytes: Self.maximumUnsentBytes)
            if bytes.isEmpty { break }
            write(bytes)
            if tcp.isClosed { return }
        }
        if tcp.pendingWriteBytes > 0 {
            if deadline == .max { deadline = server.loop.nowMilliseconds + server.requestMs }
            return
        }
        deadline = .max
        if stream.isClosed && stream.isEmpty {
            heartbeat?.cancel()
            machine.ends()
            end()
        }
    }
}
