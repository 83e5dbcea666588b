import FoundationEssentials
internal import SpillwayCore
import SpillwayCurl

/// What becomes of a batch after an attempt, as OTLP says
/// (https://opentelemetry.io/docs/specs/otlp/#otlphttp-response).
enum OTLPVerdict: Equatable {
    /// The collector took it, all but so many spans, and says why.
    case delivered(rejected: Int, message: String?)
    /// It is sent again after a wait.
    case retry(after: Duration, reason: String)
    /// It is given up.
    case giveUp(reason: String)

    /// The statuses after which the same request may work; after no other 4xx or 5xx it is sent again.
    private static let retriable: Set<Int> = [429, 502, 503, 504]

    /// Judges the outcome of an attempt, counted from 1.
    init(
        _ outcome: Result<CurlRequest.Answer, CurlRequest.Failure>, attempt: Int, configuration: OTLPConfiguration,
        using random: inout some RandomNumberGenerator
    ) {
        let reason: String
        var asked: Duration?
        switch outcome {
        case .success(let answer) where (200..<300).contains(answer.status):
            self = Self.delivered(answer.body)
            return
        case .success(let answer):
            reason = "the collector answered \(answer.status)"
            guard Self.retriable.contains(answer.status) else {
                self = .giveUp(reason: reason)
                return
            }
            asked = answer.retryAfter
        case .failure(let failure): reason = "no answer: \(failure)"
        }
        guard attempt < configuration.maxAttempts else {
            self = .giveUp(reason: "\(reason), \(attempt) times")
            return
        }
        let wait = asked.map { min($0, configuration.maxBackoff) }
        self = .retry(after: wait ?? Self.backoff(attempt, configuration, &random), reason: reason)
    }

    /// Exponential, with full jitter.
    private static func backoff(
        _ attempt: Int, _ configuration: OTLPConfiguration, _ random: inout some RandomNumberGenerator
    ) -> Duration {
        var bound = configuration.backoff
        for _ in 1..<attempt where bound < configuration.maxBackoff { bound *= 2 }
        let nanoseconds = min(bound, configuration.maxBackoff).wholeNanoseconds
        return .nanoseconds(Int64.random(in: 0...nanoseconds, using: &random))
    }

    /// A success may be partial; what was rejected is never sent again. An answer that can't be read is a whole success.
    private static func delivered(_ body: [UInt8]) -> Self {
        guard !body.isEmpty, let answer = try? JSONDecoder().decode(Response.self, from: Data(body)),
            let partial = answer.partialSuccess
        else { return .delivered(rejected: 0, message: nil) }
        let message = partial.errorMessage.flatMap { $0.isEmpty ? nil : $0 }
        return .delivered(rejected: max(0, partial.rejectedSpans?.value ?? 0), message: message)
    }

    private struct Response: Decodable {
        var partialSuccess: Partial?
    }

    private struct Partial: Decodable {
        var rejectedSpans: WideNumber?
        var errorMessage: String?
    }

    /// 64 bits come as a text or as a number.
    private struct WideNumber: Decodable {
        var value: Int

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                value = Int(text) ?? 0
            } else {
                value = try container.decode(Int.self)
            }
        }
    }
}
