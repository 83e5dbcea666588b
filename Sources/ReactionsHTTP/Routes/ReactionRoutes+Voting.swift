internal import Reactions
internal import SpillwayHTTP

extension ReactionRoutes {
    /// `POST /v1/votes`.
    func vote(_ request: HTTPRequest) async throws -> HTTPResponse {
        let principal = try authentication.principal(of: request)
        try request.requireJSON()
        let vote = try decoder.vote(request.body)
        let key = try request.idempotencyKey()
        let wantsOutcome =
            request.hasHeader(.prefer)
            && request.headers(.prefer).contains {
                Preference.wantsRepresentation($0)
            }
        try limits.take(1, user: principal.subject, address: request.clientAddress)
        let receipt: VoteReceipt
        do {
            receipt = try await service.vote(
                vote, user: principal.subject, idempotencyKey: key,
                fingerprint: key == nil ? 0 : BodyHash.hash(request.body), awaitOutcome: wantsOutcome)
        } catch let error as ReactionsError {
            throw ReactionProblems.problem(error)
        }
        var response: HTTPResponse
        if let outcome = receipt.outcome {
            response = .json(ReactionAnswers.outcome(outcome))
            response.fields.append(.preferenceApplied, "return=representation")
        } else {
            response = HTTPResponse()
        }
        response.fields.append(.spillwayPosition) { Self.write(receipt.position, to: &$0) }
        return response
    }

    /// `POST /v1/votes/batch`.
    func batch(_ request: HTTPRequest) async throws -> HTTPResponse {
        let principal = try authentication.principal(of: request)
        try request.requireJSON()
        let votes = try decoder.batch(request.body)
        let key = try request.idempotencyKey()
        try limits.take(votes.count, user: principal.subject, address: request.clientAddress)
        let positions = try await ReactionProblems.telling {
            try await service.vote(
                votes, user: principal.subject, idempotencyKey: key,
                // Seeded: one body may be a vote to the one route and a batch to the other.
                fingerprint: key == nil ? 0 : BodyHash.hash(request.body, seed: 1))
        }
        var response = HTTPResponse.json(ReactionAnswers.accepted(votes.count))
        response.fields.append(.spillwayPosition, Self.text(positions))
        return response
    }

    /// The position's text without a text: one goes with each vote.
    private static func write(_ position: LogPosition, to bytes: inout [UInt8]) {
        bytes.appendDecimal(magnitude: position.epoch)
        bytes.append(UInt8(ascii: "."))
        bytes.appendDecimal(position.partition)
        bytes.append(UInt8(ascii: "."))
        bytes.appendDecimal(magnitude: position.sequence)
    }

    /// The highest position of each partition: whoever presents them sees the whole batch.
    private static func text(_ positions: [LogPosition]) -> String {
        var highest: [Int: LogPosition] = [:]
        for position in positions {
            if let known = highest[position.partition], known.position >= position.position { continue }
            highest[position.partition] = position
        }
        return highest.values.sorted { $0.partition < $1.partition }.map(\.description).joined(separator: ",")
    }
}
