internal import SpillwayCore
internal import Synchronization

/// Sends requests to one HTTP address by libcurl.
///
/// Each request runs from start to end on one of the client's own threads, never on the caller's, and each thread keeps
/// its connection open for the next. Requests beyond the number of threads wait, in the order of the calls; how many may
/// wait is the caller's to bound, as a consumer's `concurrency` does. Only `http` and `https` are spoken, redirects are
/// answers, and nothing is sent twice.
///
/// ```swift
/// let client = try HTTPClient(url: "https://example.org/hook", connections: 4)
/// let response = try await client.send("POST", body: body, headers: ["Content-Type": "application/json"])
/// client.close()
/// ```
public final class HTTPClient: Sendable {
    /// What came back.
    public struct Response: Sendable, Equatable {
        /// The status, such as 200.
        public var status: Int
        /// The body, of which at most 16 MiB are kept.
        public var body: [UInt8]
        /// What `Retry-After` says, also where it names a date; `nil` without it.
        public var retryAfter: Duration?

        /// Makes a response, as tests of callers need.
        public init(status: Int, body: [UInt8] = [], retryAfter: Duration? = nil) {
            self.status = status
            self.body = body
            self.retryAfter = retryAfter
        }
    }

    /// A connection that is in the list, or with one request.
    private final class Connection: Sendable {
        let request: Mutex<CurlRequest>

        init(url: String) throws { request = Mutex(try CurlRequest(url: url)) }
    }

    private let url: String
    private let threads: BlockingExecutor
    private let idle: Mutex<[Connection]>

    /// Makes a client; connects at the first request.
    ///
    /// - Parameters:
    ///   - url: where every request goes.
    ///   - connections: how many requests may be under way, each on a thread; 1 to 1,024, default 4.
    /// - Throws: ``HTTPClientError`` with ``HTTPClientError/Code/invalidRequest`` for another number of connections, or an
    ///   address that does not begin with `http://` or `https://`.
    public init(url: String, connections: Int = 4) throws {
        guard (1...1_024).contains(connections) else {
            throw HTTPClientError(.invalidRequest, "connections must be 1 to 1024")
        }
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw HTTPClientError(.invalidRequest, "url must begin with http:// or https://")
        }
        self.url = url
        do {
            let first = try Connection(url: url)
            idle = Mutex([first])
        } catch { throw HTTPClientError(.invalidRequest, "\(error)", cause: error) }
        threads = BlockingExecutor(name: "http-client", threads: connections)
    }

    /// Sends a request and returns what came back, whatever its status.
    ///
    /// - Parameters:
    ///   - method: such as `POST`; letters only.
    ///   - body: the content; `nil` is none.
    ///   - headers: by name. A line break in one is refused.
    ///   - timeout: how long it may take from when a thread takes it, at least a millisecond; default 30 s.
    /// - Throws: ``HTTPClientError``; `CancellationError` if the task was cancelled: at once while it waits for a thread,
    ///   and nothing was sent; within a second after that, and the other side may have had the request or not.
    public func send(
        _ method: String, body: [UInt8]? = nil, headers: [String: String] = [:], timeout: Duration = .seconds(30)
    ) async throws -> Response {
        let lines = headers.map { "\($0.key): \($0.value)" }
        let isPlain = (lines + [method]).allSatisfy { !$0.utf8.contains { $0 < 0x20 && $0 != UInt8(ascii: "\t") } }
        guard isPlain, !method.isEmpty, method.utf8.allSatisfy({ (0x41...0x5A).contains($0 & 0xDF) }) else {
            throw HTTPClientError(.invalidRequest, "a method is letters, and a header has no control characters")
        }
        let cancellation = CurlCancellation()
        let queued = QueuedRequest()
        return try await withTaskCancellationHandler {
            do {
                return try await withCheckedThrowingContinuation { caller in
                    let perform: @Sendable () throws -> Response = {
                        try self.perform(method, body, lines, timeout: timeout, cancellation)
                    }
                    enqueue(queued, QueuedRequest.Call(perform: perform, caller: caller))
                }
            } catch let failure as CurlRequest.Failure {
                if cancellation.isCancelled { throw CancellationError() }
                throw HTTPClientError(.noAnswer, "\(url): \(failure)", cause: failure)
            }
        } onCancel: {
            cancellation.cancel()
            // Its place among those that wait stays, empty.
            queued.take()?.caller.resume(throwing: CancellationError())
        }
    }

    /// How many requests wait for a thread, those that were cancelled meanwhile included.
    var waitingCount: Int { threads.waitingCount }

    private func enqueue(_ queued: QueuedRequest, _ call: QueuedRequest.Call) {
        guard queued.wait(call) else { return call.caller.resume(throwing: CancellationError()) }
        let isAccepted = threads.execute {
            guard let call = queued.take() else { return }
            call.caller.resume(with: Result(catching: call.perform))
        }
        if !isAccepted {
            queued.take()?.caller.resume(throwing: HTTPClientError(.closed, "the client of \(url) is closed"))
        }
    }

    /// On one of the threads.
    private func perform(
        _ method: String, _ body: [UInt8]?, _ headers: [String], timeout: Duration, _ cancellation: CurlCancellation
    ) throws -> Response {
        let connection = try idle.withLock { $0.popLast() } ?? Connection(url: url)
        defer { idle.withLock { $0.append(connection) } }
        let answer = try connection.request.withLock {
            try $0.send(method, body, headers: headers, timeout: timeout, cancellation: cancellation)
        }
        return Response(status: answer.status, body: answer.body, retryAfter: answer.retryAfter)
    }

    /// Waits for the requests that have begun or wait, and refuses new ones. Blocks; may be called again.
    public func close() { threads.shutdown() }
}
