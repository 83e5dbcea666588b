internal import Reactions
internal import SpillwayHTTP

/// How the service's errors are told to clients.
enum ReactionProblems {
    /// Runs what may throw an error of the service.
    static func telling<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as ReactionsError {
            throw problem(error)
        }
    }

    static func problem(_ error: ReactionsError) -> Problem {
        let status: HTTPStatus =
            switch error.code {
            case .invalidField, .idempotencyMismatch: .unprocessableContent
            case .invalidCursor: .badRequest
            case .idempotencyQuota, .rateLimited, .overloaded: .tooManyRequests
            default: .serviceUnavailable
            }
        // Programs match on the type; for what the status says already there is none.
        let type: String =
            switch error.code {
            case .invalidField, .rateLimited, .unavailable: "about:blank"
            default: error.code.description
            }
        var problem = Problem(status, type: type, detail: error.message)
        if let field = error.field { problem.members.append(("field", .string(field))) }
        if status == .tooManyRequests || status == .serviceUnavailable {
            problem.fields.append(.retryAfter, error.retryAfterSeconds ?? 1)
        }
        return problem
    }
}
