import SpillwayCore
import SpillwayCurl
import Synchronization

/// The exporter's connection: one request at a time, on a thread of its own.
final class OTLPTransport: Sendable {
    private let request: Mutex<CurlRequest>
    private let headers: [String]
    private let thread = BlockingExecutor(name: "otlp", threads: 1, nice: 10)
    private let cancellation = CurlCancellation()

    init(_ configuration: OTLPConfiguration) throws {
        do {
            let request = try CurlRequest(url: configuration.url)
            if let file = configuration.certificateAuthority { try request.trust(certificates: file) }
            self.request = Mutex(request)
        } catch {
            throw OTLPError(.noClient, "the OTLP exporter can't use libcurl: \(error)", cause: error)
        }
        // Without "Expect:" libcurl asks before it sends a large body, which costs a round trip.
        headers =
            ["Content-Type: application/json", "Expect:"] + configuration.headers.map { "\($0.name): \($0.value)" }
    }

    /// Makes a request's body and sends it; cancelling the task ends it within a second.
    func post(
        timeout: Duration, _ body: @escaping @Sendable () -> [UInt8]
    ) async -> Result<CurlRequest.Answer, CurlRequest.Failure> {
        await withTaskCancellationHandler {
            do {
                return .success(
                    try await thread.run { [self] in
                        let content = body()
                        // Only this thread takes the lock: it is what lets a handle that is not thread-safe live here.
                        return try request.withLock {
                            try $0.send("POST", content, headers: headers, timeout: timeout, cancellation: cancellation)
                        }
                    })
            } catch let failure as CurlRequest.Failure {
                return .failure(failure)
            } catch {
                return .failure(CurlRequest.Failure(description: "\(error)"))
            }
        } onCancel: {
            cancellation.cancel()
        }
    }
}
