internal import Reactions
internal import SpillwayHTTP

/// The query of a list: `reaction`, `limit`, `cursor`.
struct PageRequest {
    var reaction = Reaction.like
    var limit = 50
    var cursor: String?

    init(_ query: HTTPQuery) throws {
        if let text = try query.first("reaction") {
            guard let reaction = Reaction(name: text), reaction != .none else {
                throw RequestError.field("reaction", "must be one of like, dislike")
            }
            self.reaction = reaction
        }
        if let text = try query.first("limit") {
            guard let limit = Int(text), (1...100).contains(limit), text.utf8.allSatisfy({ $0 >= 0x30 }) else {
                throw RequestError.field("limit", "must be 1 to 100")
            }
            self.limit = limit
        }
        cursor = try query.first("cursor")
    }
}
