internal import Spillway
internal import SpillwayCore
internal import SpillwayHTTP

/// Records that were given up: looking at them, sending them back, throwing them away.
struct DeadLetterRoutes: Sendable {
    /// Letters that are read at once: each may be as large as a message.
    private static let readAtOnce = 16
    /// Letters that go back in one transaction.
    private static let requeuedAtOnce = 64
    /// How long one request may go on sending letters back.
    private static let patience = Duration.seconds(10)

    private struct GroupFields: Decodable {
        var group: String
        var cursor: String?
    }

    let store: any FailureStore
    /// Groups that would never see again what is sent back to them.
    let groupsWithoutSideQueue: Set<String>
    let time: any TimeSource

    /// `GET /v1/admin/dead-letters?group=…&limit=…&cursor=…`, in the order of their names.
    func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        let query = request.query
        let limit = try query.limit(1...100, default: 50)
        let group = try query.first("group")
        if let group { try Self.requireName(group) }
        var last = try query.first("cursor").map(Self.cursor)
        var json = JSONWriter(capacity: 1_024)
        json.raw("{\"items\":[")
        var count = 0
        var hasMore = true
        while count < limit, hasMore {
            let wanted = min(Self.readAtOnce, limit - count)
            // One more than is shown says whether there are more.
            let letters = try await store.deadLetters(group: group, after: last, limit: wanted + 1)
            hasMore = letters.count > wanted
            for letter in letters.prefix(wanted) {
                if count > 0 { json.raw(",") }
                DeadLetterAnswers.write(letter, to: &json)
                last = letter.name
                count += 1
            }
        }
        json.raw("],\"next_cursor\":")
        if hasMore, let last { json.plain(last.text) } else { json.raw("null") }
        json.raw("}")
        return .json(json.bytes)
    }

    /// `GET /v1/admin/dead-letters/{id}`, with the record's bytes.
    func show(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let letter = try await store.deadLetter(try Self.name(request)) else {
            throw Problem(.notFound, detail: "there is no dead letter of this id: it was sent back or thrown away")
        }
        return .json(DeadLetterAnswers.whole(letter))
    }

    /// `POST /v1/admin/dead-letters/{id}/requeue`: 1 for a letter that went back, 0 for one that is not there (any more).
    /// The store moves it in one step, so asking again is harmless, also when an answer was lost.
    func requeue(_ request: HTTPRequest) async throws -> HTTPResponse {
        let name = try Self.name(request)
        try requireSideQueue(of: name.group)
        let count = try await store.requeueDeadLetters([name], dueMs: time.wallMilliseconds())
        return .json(Self.requeued(count))
    }

    /// `POST /v1/admin/dead-letters/requeue` of a group, page by page in the order of their names; who asks goes on with the
    /// cursor of the answer. It only rises, so a letter that comes back among the dead meanwhile is not sent again.
    func requeueGroup(_ request: HTTPRequest) async throws -> HTTPResponse {
        let fields = try request.decodeJSON(GroupFields.self)
        try Self.requireName(fields.group)
        try requireSideQueue(of: fields.group)
        var last = try fields.cursor.map(Self.cursor)
        let deadline = time.now() + Self.patience
        var count = 0
        repeat {
            let page = try await store.deadLetters(group: fields.group, after: last, limit: Self.requeuedAtOnce)
            do {
                count += try await store.requeueDeadLetters(page.map(\.name), dueMs: time.wallMilliseconds())
            } catch let error as FailureStoreError where error.code == .full && count > 0 {
                // What went back is told; the next request hears that there is no room.
                break
            }
            if page.count < Self.requeuedAtOnce { return .json(Self.requeued(count, next: .some(nil))) }
            last = page.last?.name
        } while time.now() < deadline
        return .json(Self.requeued(count, next: last))
    }

    /// `DELETE /v1/admin/dead-letters/{id}`: 204 also if it is not there (any more).
    func discard(_ request: HTTPRequest) async throws -> HTTPResponse {
        _ = try await store.discardDeadLetters([try Self.name(request)])
        return HTTPResponse(.noContent)
    }

    /// No store has a group of a longer name, and one that only reads does not say so.
    private static func requireName(_ group: String) throws {
        guard group.utf8.count <= 255 else { throw RequestError.field("group", "must be at most 255 bytes") }
    }

    private func requireSideQueue(of group: String) throws(Problem) {
        guard groupsWithoutSideQueue.contains(group) else { return }
        throw Problem(
            .conflict, type: "not-requeueable",
            detail: "group \(group) handles its records in the log's order only and takes none back: "
                + "read what it says, then discard it")
    }

    private static func name(_ request: HTTPRequest) throws(Problem) -> RecordName {
        guard let name = RecordName(text: request.parameter("id") ?? "") else {
            throw Problem(.notFound, detail: "this is not the id of a dead letter")
        }
        return name
    }

    private static func cursor(_ text: String) throws(Problem) -> RecordName {
        guard let name = RecordName(text: text) else {
            throw Problem(.badRequest, type: "invalid-cursor", detail: "the cursor is not one that an answer gave")
        }
        return name
    }

    /// `{"requeued":N}`, with `next_cursor` where it is asked for.
    private static func requeued(_ count: Int, next: RecordName?? = nil) -> [UInt8] {
        var json = JSONWriter()
        json.raw("{\"requeued\":")
        json.integer(Int64(count))
        if let next {
            json.raw(",\"next_cursor\":")
            if let next { json.plain(next.text) } else { json.raw("null") }
        }
        json.raw("}")
        return json.bytes
    }
}
