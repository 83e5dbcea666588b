internal import Reactions
internal import SpillwayHTTP

/// The query of a list: `reaction`, `limit`, `cursor`.
struct PageRequest {
    var reaction = Reaction.like
    var limit: Int
    var cursor: String?

    init(_ query: HTTPQuery) throws {
        if let text = try query.first("reaction") {
            guard let reaction = Reaction(name: text), reaction != .none else {
                throw RequestError.field("reaction", "must be one of like, dislike")
            }
            self.reaction = reaction
        }
        limit = try query.limit(1...100, default: 50)
        cursor = try query.first("cursor")
    }
}
