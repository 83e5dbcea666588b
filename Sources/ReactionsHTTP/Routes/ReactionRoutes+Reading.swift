internal import Reactions
internal import SpillwayHTTP

extension ReactionRoutes {
    /// `GET /v1/votes/summary`.
    func summary(_ request: HTTPRequest) async throws -> HTTPResponse {
        let principal = try authentication.optionalPrincipal(of: request)
        let ids = try TargetList.read(request.query)
        let after = try request.positions()
        let items: [TargetSummary]
        do {
            items = try await service.summary(of: ids, user: principal?.subject, after: after)
        } catch let error as ReactionsError {
            throw ReactionProblems.problem(error)
        }
        let body = ReactionAnswers.summary(ids, items)
        if principal != nil {
            var response = HTTPResponse(.ok, body: body)
            response.fields = Self.privateFields
            return response
        }
        let tag = EntityTag(of: body)
        let isKnown = tag.isNamed(by: request)
        var response = isKnown ? HTTPResponse(.notModified) : HTTPResponse(.ok, body: body)
        response.fields = isKnown ? Self.unchangedFields : Self.publicFields
        response.fields.append(.etag, tag.text)
        return response
    }

    // Made once: a copy of an array costs a reference.
    private static let privateFields = HTTPFields([
        (.contentType, "application/json"), (.cacheControl, "private, no-store"), (.vary, "Authorization"),
    ])
    private static let publicFields = HTTPFields([
        (.contentType, "application/json"), (.cacheControl, "public, max-age=1"), (.vary, "Authorization"),
    ])
    private static let unchangedFields = HTTPFields([
        (.cacheControl, "public, max-age=1"), (.vary, "Authorization"),
    ])

    /// `GET /v1/votes/stream`.
    func stream(_ request: HTTPRequest) async throws -> HTTPResponse {
        _ = try authentication.optionalPrincipal(of: request)
        let ids = try TargetList.read(request.query)
        let place = try streams.enter()
        let changes = try await ReactionProblems.telling { try await service.changes(of: ids) }
        return .events { writer in
            defer { withExtendedLifetime(place) {} }
            for try await change in changes {
                try writer.send(
                    ServerSentEvent(
                        name: "counts", data: ReactionAnswers.counts(change), coalescingKey: change.targetID))
            }
        }
    }

    /// `GET /v1/me/votes`.
    func mine(_ request: HTTPRequest) async throws -> HTTPResponse {
        let principal = try authentication.principal(of: request)
        let page = try PageRequest(request.query)
        let after = try request.positions()
        let answer = try await ReactionProblems.telling {
            try await service.reactions(
                of: principal.subject, reaction: page.reaction, limit: page.limit, cursor: page.cursor, after: after)
        }
        var response = HTTPResponse.json(ReactionAnswers.mine(answer))
        response.fields.append(.cacheControl, "private, no-store")
        return response
    }

    /// `GET /v1/targets/{id}/voters`.
    func voters(_ request: HTTPRequest) async throws -> HTTPResponse {
        switch configuration.votersAccess {
        case .anyone: _ = try authentication.optionalPrincipal(of: request)
        case .token: _ = try authentication.principal(of: request)
        case .admin: _ = try authentication.principal(of: request, scope: "admin")
        }
        let id = request.parameter("id") ?? ""
        guard Identifiers.isTarget(id) else { throw RequestError.field("id", RequestError.targetRule) }
        let page = try PageRequest(request.query)
        let answer = try await ReactionProblems.telling {
            try await service.voters(of: id, reaction: page.reaction, limit: page.limit, cursor: page.cursor)
        }
        var response = HTTPResponse.json(ReactionAnswers.voters(answer))
        response.fields.append(.cacheControl, "no-store")
        return response
    }
}
