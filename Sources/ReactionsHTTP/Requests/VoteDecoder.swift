import Reactions
internal import SpillwayHTTP

/// Turns the bodies of votes into votes: malformed JSON is 400, a field that is missing or not allowed is 422 and named.
/// Fields it does not know are left alone.
struct VoteDecoder: Sendable {
    /// The most votes of a batch.
    static let maximumBatch = 1_000

    private let targetTypes: [String]

    /// - Parameter targetTypes: the types that votes may have.
    init(targetTypes: [String]) {
        self.targetTypes = targetTypes
    }

    /// The body of `POST /v1/votes`.
    func vote(_ body: [UInt8]) throws -> Vote {
        let fields: VoteFields
        if let plain = VoteScanner.vote(in: body) {
            fields = plain
        } else {
            fields = try JSONBody.decode(VoteFields.self, body)
        }
        return try check(fields, prefix: "")
    }

    /// The body of `POST /v1/votes/batch`: 1 to 1,000 votes.
    func batch(_ body: [UInt8]) throws -> [Vote] {
        let fields: [VoteFields]
        if let plain = VoteScanner.batch(in: body) {
            fields = plain
        } else {
            fields = try JSONBody.decode(VoteBatchFields.self, body).votes
        }
        guard (1...Self.maximumBatch).contains(fields.count) else {
            throw RequestError.field("votes", "must hold 1 to \(Self.maximumBatch) votes, not \(fields.count)")
        }
        var votes: [Vote] = []
        votes.reserveCapacity(fields.count)
        for (index, vote) in fields.enumerated() { votes.append(try check(vote, prefix: "votes[\(index)].")) }
        return votes
    }

    private func check(_ fields: VoteFields, prefix: @autoclosure () -> String) throws -> Vote {
        guard Identifiers.isTarget(fields.targetID) else {
            throw RequestError.field(prefix() + "target_id", RequestError.targetRule)
        }
        guard targetTypes.contains(fields.targetType) else {
            throw RequestError.field(
                prefix() + "target_type", "must be one of \(targetTypes.joined(separator: ", "))")
        }
        guard let reaction = Reaction(name: fields.action) else {
            throw RequestError.field(prefix() + "action", "must be one of like, dislike, none")
        }
        return Vote(targetID: fields.targetID, targetType: fields.targetType, reaction: reaction)
    }
}
