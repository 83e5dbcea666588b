import Reactions
internal import SpillwayCore
internal import SpillwayHTTP

/// The bodies of the answers, as CONTRACT.md words them.
enum ReactionAnswers {
    /// `{"items":{"a":{"likes":1,"dislikes":0,"user_state":"like"},…}}`; the ids were checked and need no escape.
    static func summary(_ ids: [String], _ items: [TargetSummary]) -> [UInt8] {
        var bound = 16
        // Beside the id 57 bytes of names and states, and two numbers of up to twenty.
        for id in ids { bound += id.utf8.count + 100 }
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            var json = FixedJSONWriter(buffer)
            json.raw("{\"items\":{")
            for index in ids.indices {
                json.raw(index > 0 ? ",\"" : "\"")
                json.plain(ids[index])
                let item = items[index]
                json.raw("\":{\"likes\":")
                json.integer(item.counts.likes)
                json.raw(",\"dislikes\":")
                json.integer(item.counts.dislikes)
                switch item.state {
                case .none: json.raw(",\"user_state\":\"none\"}")
                case .like: json.raw(",\"user_state\":\"like\"}")
                case .dislike: json.raw(",\"user_state\":\"dislike\"}")
                }
            }
            json.raw("}}")
            count = json.count
        }
    }

    /// What a vote came to, for `Prefer: return=representation`.
    static func outcome(_ outcome: VoteOutcome) -> [UInt8] {
        var json = JSONWriter(capacity: 128 + outcome.targetID.utf8.count)
        json.raw("{\"target_id\":")
        json.plain(outcome.targetID)
        json.raw(",\"likes\":")
        json.integer(outcome.counts.likes)
        json.raw(",\"dislikes\":")
        json.integer(outcome.counts.dislikes)
        json.raw(",\"user_state\":")
        json.plain(outcome.state.name)
        json.raw(",\"previous_state\":")
        json.plain(outcome.previous.name)
        json.raw("}")
        return json.bytes
    }

    /// `{"accepted":N}`.
    static func accepted(_ count: Int) -> [UInt8] {
        var json = JSONWriter(capacity: 24)
        json.raw("{\"accepted\":")
        json.integer(Int64(count))
        json.raw("}")
        return json.bytes
    }

    /// The data of a `counts` event.
    static func counts(_ change: CountsChange) -> [UInt8] {
        var json = JSONWriter(capacity: 96 + change.targetID.utf8.count)
        json.raw("{\"target_id\":")
        json.plain(change.targetID)
        json.raw(",\"likes\":")
        json.integer(change.counts.likes)
        json.raw(",\"dislikes\":")
        json.integer(change.counts.dislikes)
        json.raw(",\"version\":")
        json.string(change.version)
        json.raw("}")
        return json.bytes
    }

    /// What I reacted to: `{"items":[{"target_id","target_type","reaction","at"}],"next_cursor":…}`.
    static func mine(_ page: ReactionPage) -> [UInt8] { list(page, idName: "{\"target_id\":") }

    /// Who reacted: the same with `user_id`.
    static func voters(_ page: ReactionPage) -> [UInt8] { list(page, idName: "{\"user_id\":") }

    private static func list(_ page: ReactionPage, idName: StaticString) -> [UInt8] {
        var json = JSONWriter(capacity: 32 + page.entries.count * 112)
        json.raw("{\"items\":[")
        for (index, entry) in page.entries.enumerated() {
            if index > 0 { json.raw(",") }
            json.raw(idName)
            json.string(entry.id)
            json.raw(",\"target_type\":")
            json.string(entry.targetType)
            json.raw(",\"reaction\":")
            json.plain(entry.reaction.name)
            json.raw(",\"at\":")
            json.plain(RFC3339.text(milliseconds: entry.atMs))
            json.raw("}")
        }
        json.raw("],\"next_cursor\":")
        if let cursor = page.nextCursor { json.string(cursor) } else { json.raw("null") }
        json.raw("}")
        return json.bytes
    }
}
