/// The fields of a vote as they came, before they are checked.
struct VoteFields: Decodable, Equatable {
    var targetID: String
    var targetType: String
    var action: String

    enum CodingKeys: String, CodingKey {
        case targetID = "target_id"
        case targetType = "target_type"
        case action
    }
}

/// The body of `POST /v1/votes/batch`.
struct VoteBatchFields: Decodable {
    var votes: [VoteFields]
}
