import Reactions
import SpillwayCore
import SpillwayHTTP
import Testing

@testable import ReactionsHTTP

@Suite struct VotingRouteTests {
    private static let wantsOutcome = ("Prefer", "return=representation")

    @Test func aVoteIsAnsweredWithItsPosition() async throws {
        try await RouteHarness().run { client in
            let answer = try await client.vote("a", as: "me")
            #expect(answer.status == 200)
            #expect(answer.text.isEmpty)
            #expect(answer["Preference-Applied"] == nil)
            #expect(answer["Spillway-Position"].flatMap { LogPosition($0) } != nil)
        }
    }

    @Test func theOutcomeComesWhereItIsAskedFor() async throws {
        try await RouteHarness().run { client in
            _ = try await client.vote("a", as: "you")
            let first = try await client.vote("a", as: "me", headers: [Self.wantsOutcome])
            #expect(first["Preference-Applied"] == "return=representation")
            #expect(
                first.text
                    == #"{"target_id":"a","likes":2,"dislikes":0,"user_state":"like","previous_state":"none"}"#)
            let second = try await client.vote("a", as: "me", "dislike", headers: [Self.wantsOutcome])
            #expect(
                second.text
                    == #"{"target_id":"a","likes":1,"dislikes":1,"user_state":"dislike","previous_state":"like"}"#)
        }
    }

    @Test func withoutAProjectionInTimeTheBodyIsEmpty() async throws {
        var paused = ReactionsConfiguration()
        paused.projectionsPaused = true
        paused.outcomeWait = .milliseconds(20)
        try await RouteHarness(paused).run { client in
            let answer = try await client.vote("a", as: "me", headers: [Self.wantsOutcome])
            #expect(answer.status == 200 && answer.text.isEmpty && answer["Preference-Applied"] == nil)
            #expect(answer["Spillway-Position"] != nil)
        }
    }

    @Test func aKeyAnswersAsTheFirstTime() async throws {
        try await RouteHarness().run { client in
            let key = ("Idempotency-Key", "k")
            let first = try await client.vote("a", as: "me", headers: [key, Self.wantsOutcome])
            _ = try await client.vote("a", as: "me", "none", headers: [Self.wantsOutcome])
            let again = try await client.vote("a", as: "me", headers: [key, Self.wantsOutcome])
            #expect(again.status == 200)
            #expect(again["Spillway-Position"] == first["Spillway-Position"])
            #expect(again.json["previous_state"].string == "none")
            #expect(again.json["user_state"].string == "none", "a repeat changed something")
            #expect(again.json["likes"].number == 0)
            let other = try await client.vote("a", as: "me", "dislike", headers: [key])
            #expect(other.status == 422)
            #expect(other.json["type"].string == "idempotency-mismatch")
            let someoneElse = try await client.vote("a", as: "you", "dislike", headers: [key])
            #expect(someoneElse.status == 200, "keys are per user")
        }
    }

    @Test func aBatchIsAllOrNone() async throws {
        try await RouteHarness().run { client in
            let good = #"{"target_id":"a","target_type":"video","action":"like"}"#
            let bad = #"{"target_id":"b","target_type":"song","action":"like"}"#
            let refused = try await client.send(
                .post, "/v1/votes/batch", as: "me", body: "{\"votes\":[\(good),\(bad)]}")
            #expect(refused.status == 422)
            #expect(refused.json["field"].string == "votes[1].target_type")
            #expect(
                try await client.send(.get, "/v1/votes/summary?target_ids=a", as: "me").json["items"]["a"]["user_state"]
                    .string == "none")
            let done = try await client.send(.post, "/v1/votes/batch", as: "me", body: "{\"votes\":[\(good),\(good)]}")
            #expect(done.text == #"{"accepted":2}"#)
            let positions = try #require(done["Spillway-Position"])
            #expect(positions.split(separator: ",").allSatisfy { LogPosition($0) != nil })
            let after = try await client.send(
                .get, "/v1/votes/summary?target_ids=a", headers: [("Spillway-Position", positions)])
            #expect(after.json["items"]["a"]["likes"].number == 1)
        }
    }

    @Test(arguments: ["/v1/votes", "/v1/votes/batch"]) func whoHasNoTokenIsRefused(path: String) async throws {
        let harness = try RouteHarness()
        let foreign = try RouteHarness().tokens.token(
            subject: "me", issuedAtMs: SystemTimeSource().wallMilliseconds(), lifetime: .seconds(60))
        try await harness.run { client in
            let none = try await client.send(.post, path, body: "{}")
            #expect(none.status == 401 && none["WWW-Authenticate"] == "Bearer")
            for value in [
                "Basic eA==", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c",
                "Bearer \(foreign)",
            ] {
                let bad = try await client.send(.post, path, headers: [("Authorization", value)], body: "{}")
                #expect(bad.status == 401 && bad["WWW-Authenticate"]?.hasPrefix("Bearer") == true, "\(value)")
            }
            let expired = try client.token("me", agedMs: 61_000)
            let answer = try await client.send(
                .post, path, headers: [("Authorization", "Bearer \(expired)")], body: "{}")
            #expect(answer.status == 401 && answer.json["detail"].string == "the token expired")
        }
    }

    @Test(arguments: ["/v1/votes", "/v1/votes/batch"]) func theBodyIsChecked(path: String) async throws {
        try await RouteHarness().run { client in
            #expect(try await client.send(.post, path, as: "me", body: "{").status == 400)
            #expect(try await client.send(.post, path, as: "me", body: "{}").status == 422)
            let plain = try await client.send(
                .post, path, as: "me", headers: [("Content-Type", "text/plain")], body: "{}")
            #expect(plain.status == 415 && plain["Content-Type"] == "application/problem+json")
            let key = try await client.send(
                .post, path, as: "me", headers: [("Idempotency-Key", "")],
                body: path == "/v1/votes"
                    ? #"{"target_id":"a","target_type":"video","action":"like"}"#
                    : #"{"votes":[{"target_id":"a","target_type":"video","action":"like"}]}"#)
            #expect(key.status == 422 && key.json["field"].string == "Idempotency-Key")
        }
    }

    @Test func aUserHasABurstAndThenARate() async throws {
        let time = StoppedTime()
        let harness = try RouteHarness(
            routes: {
                $0.voteRatePerUser = 2
                $0.voteBurstPerUser = 3
            }, time: time)
        try await harness.run { client in
            for _ in 0..<3 { #expect(try await client.vote("a", as: "me").status == 200) }
            let refused = try await client.vote("a", as: "me")
            #expect(refused.status == 429 && refused["Retry-After"] == "1")
            #expect(try await client.vote("a", as: "you").status == 200)
            time.advance(.milliseconds(500))
            #expect(try await client.vote("a", as: "me").status == 200)
            #expect(try await client.vote("a", as: "me").status == 429)
            let vote = #"{"target_id":"a","target_type":"video","action":"like"}"#
            func batch(_ count: Int) async throws -> Int {
                try await client.send(
                    .post, "/v1/votes/batch", as: "other",
                    body: "{\"votes\":[\(Array(repeating: vote, count: count).joined(separator: ","))]}"
                ).status
            }
            #expect(try await batch(2) == 200)
            #expect(try await batch(2) == 429, "each vote of a batch counts")
            #expect(try await batch(4) == 422, "there are never four at once")
        }
    }

    /// Behind one address there are many users.
    @Test func whatAUserHasTooManyOfCostsOthersAtTheAddressNothing() async throws {
        let harness = try RouteHarness(
            routes: {
                $0.voteRatePerUser = 1
                $0.voteBurstPerUser = 2
                $0.voteRatePerAddress = 1
                $0.voteBurstPerAddress = 4
            }, time: StoppedTime())
        try await harness.run { client in
            let far = try #require(ClientAddress("192.0.2.1"))
            for number in 0..<10 {
                #expect(try await client.vote("t", as: "many", from: far).status == (number < 2 ? 200 : 429))
            }
            for user in ["b", "c"] { #expect(try await client.vote("t", as: user, from: far).status == 200) }
        }
    }

    @Test func anAddressHasARateAndLoopbackNone() async throws {
        let harness = try RouteHarness(
            routes: {
                $0.voteRatePerAddress = 1
                $0.voteBurstPerAddress = 2
            }, time: StoppedTime())
        try await harness.run { client in
            let far = try #require(ClientAddress("192.0.2.1"))
            for user in ["a", "b"] { #expect(try await client.vote("t", as: user, from: far).status == 200) }
            let refused = try await client.vote("t", as: "c", from: far)
            #expect(refused.status == 429 && refused["Retry-After"] != nil)
            let other = try #require(ClientAddress("192.0.2.2"))
            #expect(try await client.vote("t", as: "c", from: other).status == 200)
            for user in ["d", "e", "f"] { #expect(try await client.vote("t", as: user).status == 200) }
        }
    }

    @Test func tooManyThatWaitAre429() async throws {
        var paused = ReactionsConfiguration()
        paused.projectionsPaused = true
        paused.pendingVotesRecords = 2
        try await RouteHarness(paused).run { client in
            for target in ["a", "b"] { #expect(try await client.vote(target, as: "me").status == 200) }
            let refused = try await client.vote("c", as: "me")
            #expect(refused.status == 429 && refused["Retry-After"] != nil)
            #expect(refused.json["type"].string == "overloaded")
        }
    }
}
