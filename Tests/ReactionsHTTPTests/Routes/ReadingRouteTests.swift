import Reactions
import SpillwayCore
import Testing

@testable import ReactionsHTTP
@testable import SpillwayHTTP

@Suite struct ReadingRouteTests {
    @Test func aSummaryOfAStrangerMayBeCached() async throws {
        try await RouteHarness().run { client in
            let position = try #require(try await client.vote("a", as: "me")["Spillway-Position"])
            let answer = try await client.send(
                .get, "/v1/votes/summary?target_ids=b,a", headers: [("Spillway-Position", position)])
            #expect(answer.status == 200)
            #expect(
                answer.text == #"{"items":{"b":{"likes":0,"dislikes":0,"user_state":"none"},"#
                    + #""a":{"likes":1,"dislikes":0,"user_state":"none"}}}"#)
            #expect(answer["Cache-Control"] == "public, max-age=1")
            #expect(answer["Vary"] == "Authorization")
            let tag = try #require(answer["ETag"])
            let known = try await client.send(
                .get, "/v1/votes/summary?target_ids=b,a", headers: [("If-None-Match", tag)])
            #expect(known.status == 304 && known.text.isEmpty && known["ETag"] == tag)
            #expect(known["Vary"] == "Authorization")
            let other = try await client.send(
                .get, "/v1/votes/summary?target_ids=a,b", headers: [("If-None-Match", tag)])
            #expect(other.status == 200)
        }
    }

    @Test func aSummaryOfACallerIsPrivate() async throws {
        try await RouteHarness().run { client in
            _ = try await client.vote("a", as: "me", "dislike")
            let answer = try await client.send(
                .get, "/v1/votes/summary?target_ids=a", as: "me", headers: [("If-None-Match", "*")])
            #expect(answer.status == 200)
            #expect(answer.json["items"]["a"]["user_state"].string == "dislike")
            #expect(answer.json["items"]["a"]["dislikes"].number == 1)
            #expect(answer["Cache-Control"] == "private, no-store")
            #expect(answer["ETag"] == nil)
            #expect(answer["Vary"] == "Authorization")
        }
    }

    @Test func aBadTokenIsNotServedAsAStranger() async throws {
        try await RouteHarness().run { client in
            for path in ["/v1/votes/summary?target_ids=a", "/v1/votes/stream?target_ids=a", "/v1/me/votes"] {
                let answer = try await client.send(.get, path, headers: [("Authorization", "Bearer x")])
                #expect(answer.status == 401, "\(path)")
            }
        }
    }

    @Test func aPositionThatIsNotAppliedIs503() async throws {
        var paused = ReactionsConfiguration()
        paused.projectionsPaused = true
        paused.positionWait = .milliseconds(20)
        try await RouteHarness(paused).run { client in
            let position = try #require(try await client.vote("a", as: "me")["Spillway-Position"])
            for path in ["/v1/votes/summary?target_ids=a", "/v1/me/votes"] {
                let answer = try await client.send(
                    .get, path, as: "me", headers: [("Spillway-Position", position)])
                #expect(answer.status == 503 && answer["Retry-After"] != nil, "\(path)")
                #expect(answer.json["type"].string == "not-yet-applied")
                let bad = try await client.send(.get, path, as: "me", headers: [("Spillway-Position", "x")])
                #expect(bad.status == 400)
            }
        }
    }

    @Test func myVotesComeInPagesNewestFirst() async throws {
        try await RouteHarness().run { client in
            for number in 0..<5 { _ = try await client.vote("t\(number)", as: "me") }
            _ = try await client.vote("no", as: "me", "dislike")
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await client.send(.get, "/v1/me/votes?limit=2\(cursor)", as: "me")
                #expect(page.status == 200 && page["Cache-Control"] == "private, no-store")
                let items = page.json["items"].array ?? []
                #expect(items.allSatisfy { $0["reaction"].string == "like" && $0["target_type"].string == "video" })
                seen += items.compactMap { $0["target_id"].string }
                cursor = page.json["next_cursor"].string.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(seen == ["t4", "t3", "t2", "t1", "t0"])
            let dislikes = try await client.send(.get, "/v1/me/votes?reaction=dislike", as: "me")
            #expect(dislikes.json["items"][0]["target_id"].string == "no")
            for (query, status) in [("cursor=x", 400), ("cursor=1-2-3", 400), ("limit=0", 422), ("reaction=none", 422)]
            {
                #expect(try await client.send(.get, "/v1/me/votes?\(query)", as: "me").status == status, "\(query)")
            }
            #expect(try await client.send(.get, "/v1/me/votes").status == 401)
        }
    }

    @Test func votersCarryUsersOfAnyName() async throws {
        try await RouteHarness().run { client in
            let users = ["auth0|5f7", "a@b.example", "Zoë \"Q\"", "ü/%2F"]
            var position = ""
            for user in users { position = try await client.vote("t", as: user)["Spillway-Position"] ?? "" }
            _ = try await client.send(
                .get, "/v1/votes/summary?target_ids=t", headers: [("Spillway-Position", position)])
            let page = try await client.send(.get, "/v1/targets/t/voters", as: "me")
            #expect((page.json["items"].array ?? []).compactMap { $0["user_id"].string } == users.reversed())
            #expect(page.json["next_cursor"] == .null)
            #expect(try await client.send(.get, "/v1/targets/a%2Fb/voters", as: "me").json["field"].string == "id")
            #expect(try await client.send(.get, "/v1/targets/%74/voters", as: "me").json["items"][0] != .null)
            #expect(try await client.send(.get, "/v1/targets//voters", as: "me").status == 404)
        }
    }

    @Test(arguments: [
        (VotersAccess.anyone, [200, 200, 200]), (.token, [401, 200, 200]), (.admin, [401, 403, 200]),
    ])
    func whoMayListVoters(access: VotersAccess, statuses: [Int]) async throws {
        try await RouteHarness(routes: { $0.votersAccess = access }).run { client in
            let path = "/v1/targets/t/voters"
            let answers = [
                try await client.send(.get, path), try await client.send(.get, path, as: "me"),
                try await client.send(.get, path, as: "me", scopes: ["admin"]),
            ]
            #expect(answers.map(\.status) == statuses)
        }
    }

    @Test func aStreamSendsThePresentThenChanges() async throws {
        let sent = try await RouteHarness().run { client in
            _ = try await client.vote("t", as: "a", headers: [("Prefer", "return=representation")])
            let answer = try await client.send(.get, "/v1/votes/stream?target_ids=t,u")
            #expect(answer.status == 200 && answer["Content-Type"] == "text/event-stream")
            guard case .events(let stream) = answer.response.body else { throw NoStream() }
            let task = Task { try await stream.collect(limit: 1 << 20) }
            _ = try await client.vote("t", as: "b", headers: [("Prefer", "return=representation")])
            try await Task.sleep(for: .milliseconds(400))
            return task
        }.value
        let events = String(decoding: sent, as: UTF8.self).split(separator: "\n").compactMap { line in
            line.hasPrefix("data: ") ? try? JSON(String(line.dropFirst(6))) : nil
        }
        let likes = events.filter { $0["target_id"].string == "t" }.compactMap { $0["likes"].number }
        #expect(likes.last == 2 && likes == likes.sorted())
        let versions = events.filter { $0["target_id"].string == "t" }.compactMap { $0["version"].string }
        #expect(versions == versions.sorted())
        #expect(events.contains { $0["target_id"].string == "u" && $0["likes"].number == 0 })
    }

    private struct NoStream: Error {}

    /// It would hold the memory for large bodies as long as it lives.
    @Test func aStreamTakesNoBody() throws {
        let router = try RouteHarness().router
        for method in [HTTPMethod.get, .head] {
            let path = Array("/v1/votes/stream".utf8)
            #expect(router.match(method, path: path.span).route?.maximumBodyBytes == 0)
        }
    }

    @Test func thereAreOnlySoManyStreams() async throws {
        try await RouteHarness(routes: { $0.maximumStreams = 2 }).run { client in
            let path = "/v1/votes/stream?target_ids=t"
            var open = [try await client.send(.get, path), try await client.send(.get, path)]
            #expect(open.map(\.status) == [200, 200])
            let refused = try await client.send(.get, path)
            #expect(refused.status == 503 && refused["Retry-After"] != nil)
            open.removeLast()
            let next = try await client.send(.get, path)
            #expect(next.status == 200, "a place was not given back")
            #expect(try await client.send(.get, "/v1/votes/stream").status == 400)
            withExtendedLifetime((open, next)) {}
        }
    }
}
