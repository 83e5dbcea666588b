import Reactions
import SpillwayHTTP
import Testing

@testable import ReactionsHTTP

@Suite struct ReactionProblemsTests {
    private static let statuses: [(ReactionsError.Code, Int, String)] = [
        (.invalidField, 422, "about:blank"), (.idempotencyMismatch, 422, "idempotency-mismatch"),
        (.invalidCursor, 400, "invalid-cursor"), (.idempotencyQuota, 429, "idempotency-quota"),
        (.rateLimited, 429, "about:blank"), (.overloaded, 429, "overloaded"), (.unavailable, 503, "about:blank"),
        (.storageFull, 503, "storage-full"), (.notYetApplied, 503, "not-yet-applied"),
        (.outcomeUnknown, 503, "outcome-unknown"),
    ]

    @Test(arguments: statuses) func everyCodeHasItsStatus(code: ReactionsError.Code, status: Int, type: String) {
        let problem = ReactionProblems.problem(ReactionsError(code, "why", field: "f", retryAfterSeconds: 7))
        #expect(Int(problem.status.rawValue) == status)
        #expect(problem.type == type)
        #expect(problem.detail == "why")
        #expect(problem.members.first?.value == .string("f"))
        #expect(problem.fields[.retryAfter] == (status == 429 || status == 503 ? "7" : nil))
    }

    @Test func thereIsAlwaysATimeToComeBack() {
        #expect(ReactionProblems.problem(ReactionsError(.unavailable, "why")).fields[.retryAfter] == "1")
    }

    @Test func aBadFieldIsNamed() {
        let problem = RequestError.field("votes[3].action", "must be like").problem
        #expect(problem.status == .unprocessableContent)
        #expect(problem.detail == "votes[3].action must be like.")
        #expect(problem.members.first?.name == "field")
        #expect(RequestError.malformed("no").problem.status == .badRequest)
    }
}
