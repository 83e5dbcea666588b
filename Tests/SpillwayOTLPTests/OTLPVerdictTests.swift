import SpillwayCore
import SpillwayCurl
import Testing

@testable import SpillwayOTLP

@Suite struct OTLPVerdictTests {
    private var configuration: OTLPConfiguration {
        var configuration = OTLPConfiguration(endpoint: "http://localhost:4318")
        configuration.maxAttempts = 3
        configuration.backoff = .milliseconds(100)
        configuration.maxBackoff = .milliseconds(150)
        return configuration
    }

    private func verdict(
        _ status: Int, _ body: String = "", retryAfter: Duration? = nil, attempt: Int = 1
    ) -> OTLPVerdict {
        let answer = CurlRequest.Answer(status: status, body: Array(body.utf8), retryAfter: retryAfter)
        return verdict(.success(answer), attempt: attempt)
    }

    private func verdict(
        _ outcome: Result<CurlRequest.Answer, CurlRequest.Failure>, attempt: Int
    ) -> OTLPVerdict {
        var random = SystemRandomNumberGenerator()
        return OTLPVerdict(outcome, attempt: attempt, configuration: configuration, using: &random)
    }

    @Test func aBackoffMayBeAsLongAsCanBeSaid() {
        var configuration = configuration
        configuration.backoff = .seconds(Int64.max)
        configuration.maxBackoff = .seconds(Int64.max)
        var random = SystemRandomNumberGenerator()
        let answer = CurlRequest.Answer(status: 503, body: [], retryAfter: nil)
        let verdict = OTLPVerdict(.success(answer), attempt: 1, configuration: configuration, using: &random)
        if case .retry(let wait, _) = verdict { #expect(wait >= .zero) } else { Issue.record("\(verdict)") }
    }

    @Test(arguments: ["", "{}", "{\"partialSuccess\":{}}", "not JSON", "{\"unknown\":1}"])
    func aSuccessIsASuccess(body: String) {
        #expect(verdict(200, body) == .delivered(rejected: 0, message: nil))
    }

    @Test func aPartialSuccessIsNotSentAgain() {
        #expect(
            verdict(200, #"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#)
                == .delivered(rejected: 3, message: "too old"))
        #expect(
            verdict(200, #"{"partialSuccess":{"rejectedSpans":2,"errorMessage":""}}"#)
                == .delivered(rejected: 2, message: nil))
        #expect(
            verdict(200, #"{"partialSuccess":{"errorMessage":"slow down"}}"#)
                == .delivered(rejected: 0, message: "slow down"))
    }

    @Test(arguments: [429, 502, 503, 504])
    func theseStatusesAreTriedAgain(status: Int) {
        guard case .retry(let wait, let reason) = verdict(status) else {
            Issue.record("\(status) is not tried again")
            return
        }
        #expect(wait >= .zero && wait <= .milliseconds(100) && reason.contains("\(status)"))
    }

    @Test(arguments: [301, 400, 401, 404, 408, 413, 500, 501, 505])
    func noOtherStatusIsTriedAgain(status: Int) {
        #expect(verdict(status) == .giveUp(reason: "the collector answered \(status)"))
        #expect(verdict(status, retryAfter: .seconds(1)) == .giveUp(reason: "the collector answered \(status)"))
    }

    @Test func theWaitIsWhatTheCollectorAsksForWithinABound() {
        for (asked, waited) in [
            (Duration.milliseconds(120), Duration.milliseconds(120)), (.seconds(60), .milliseconds(150)),
        ] {
            guard case .retry(let wait, _) = verdict(503, retryAfter: asked) else {
                Issue.record("503 is not tried again")
                return
            }
            #expect(wait == waited)
        }
    }

    @Test func theWaitDoublesUpToItsBoundWithFullJitter() {
        var longest: [Int: Duration] = [:]
        for attempt in 1...2 {
            for _ in 0..<2_000 {
                guard case .retry(let wait, _) = verdict(503, attempt: attempt) else {
                    Issue.record("503 is not tried again")
                    return
                }
                longest[attempt] = max(longest[attempt] ?? .zero, wait)
            }
        }
        #expect(longest[1].map { $0 > .milliseconds(95) && $0 <= .milliseconds(100) } == true)
        #expect(longest[2].map { $0 > .milliseconds(140) && $0 <= .milliseconds(150) } == true)
    }

    @Test func withoutAnAnswerItIsTriedAgainUntilTheAttemptsAreUsedUp() {
        let failure = CurlRequest.Failure(description: "refused")
        guard case .retry = verdict(.failure(failure), attempt: 2) else {
            Issue.record("a failure is not tried again")
            return
        }
        #expect(verdict(.failure(failure), attempt: 3) == .giveUp(reason: "no answer: refused, 3 times"))
    }
}
