import Spillway
import SpillwayHTTP
import Testing

@Suite struct GroupRouteTests {
    struct Groups: Decodable {
        struct Item: Decodable {
            var topic: String
            var group: String
            var members: Int
            var holdsRetention: Bool
            var lagRecords: Int
            var committed: [String: String]
        }
        var items: [Item]
    }

    struct Offsets: Decodable {
        var topic: String
        var group: String
        var committed: [String: String]
    }

    @Test func groupsAreListedWithWhatTheyHaveDone() async throws {
        let harness = try ConsoleHarness()
        #expect(try await harness.send(.get, "/v1/admin/groups").text == #"{"items":[]}"#)
        try await harness.fill("orders", records: 5)
        let subscription = try await harness.broker.subscribe(SubscriptionRequest(topic: "orders", group: "mail \"1\""))
        let during = try await harness.send(.get, "/v1/admin/groups")
        #expect(during.status == 200 && during["Cache-Control"] == "no-store")
        #expect(try during.read(Groups.self).items.map(\.members) == [1])
        await subscription.close()
        let position = Position(high: 1, low: 3)
        try await harness.broker.setCommitted(
            [harness.partition("orders"): position], group: "mail \"1\"", topic: "orders")
        let item = try #require(try await harness.send(.get, "/v1/admin/groups").read(Groups.self).items.first)
        #expect(item.topic == "orders" && item.group == "mail \"1\"" && item.members == 0 && item.holdsRetention)
        #expect(item.lagRecords == 3 && item.committed == ["0": "1-3"])
    }

    /// What it has committed is what retention keeps for it, though it has no members now.
    @Test func aGroupThatKeepsItsOwnPositionsIsNeitherMovedNorDeleted() async throws {
        let harness = try ConsoleHarness()
        try await harness.fill("orders", records: 1)
        await (try await harness.broker.subscribe(SubscriptionRequest(topic: "orders", group: "projection"))).close()
        let path = "/v1/admin/groups/orders/projection"
        for answer in [
            try await harness.send(.delete, path),
            try await harness.send(.put, path + "/offsets", body: #"{"to":"latest"}"#),
        ] {
            #expect(try answer.status == 409 && answer.problem.type == "group-in-use")
        }
        #expect(try await harness.broker.groups().map(\.group) == ["projection"])
    }

    @Test func aGroupIsDeletedOnce() async throws {
        let harness = try ConsoleHarness()
        try await harness.fill("orders", records: 1)
        let subscription = try await harness.broker.subscribe(SubscriptionRequest(topic: "orders", group: "a/b"))
        let path = "/v1/admin/groups/orders/a%2Fb"
        let inUse = try await harness.send(.delete, path)
        #expect(try inUse.status == 409 && inUse.problem.type == "group-in-use")
        await subscription.close()
        let gone = try await harness.send(.delete, path)
        #expect(gone.status == 204 && gone.text.isEmpty)
        #expect(try await harness.broker.groups().isEmpty)
        #expect(try await harness.send(.delete, path).status == 404)
        #expect(try await harness.send(.delete, "/v1/admin/groups/unknown/g").status == 404)
    }

    @Test(
        arguments: [
            (#"{"to":"earliest"}"#, "1-1"), (#"{"to":"latest"}"#, "1-6"),
            (#"{"time":"2026-01-01T00:00:02Z"}"#, "1-3"), (#"{"time":"2026-01-01T01:00:01.001+01:00"}"#, "1-3"),
            (#"{"time":"2027-01-01T00:00:00Z"}"#, "1-6"), (#"{"positions":{"0":"1-4"}}"#, "1-4"),
            (#"{"positions":{"0":"99-4"}}"#, "1-6"), (#"{"to":null,"time":null,"positions":{"0":"0-0"}}"#, "1-1"),
        ]) func aGroupIsSet(body: String, position: String) async throws
    {
        let harness = try ConsoleHarness()
        try await harness.fill("orders", records: 5)
        let answer = try await harness.send(.put, "/v1/admin/groups/orders/g/offsets", body: body)
        #expect(answer.status == 200, "\(answer.text)")
        let offsets = try answer.read(Offsets.self)
        #expect(offsets.topic == "orders" && offsets.group == "g" && offsets.committed == ["0": position])
        let committed = try await harness.broker.committed(group: "g", topic: "orders")
        #expect(committed[harness.partition("orders")]?.text == position)
    }

    @Test(
        arguments: [
            ("{}", "to"), (#"{"to":"now"}"#, "to"), (#"{"to":"latest","time":"2026-01-01T00:00:00Z"}"#, "to"),
            (#"{"to":1}"#, "to"), (#"{"time":"yesterday"}"#, "time"), (#"{"positions":{}}"#, "positions"),
            (#"{"positions":{"1":"1-1"}}"#, "positions"), (#"{"positions":{"00":"1-1"}}"#, "positions"),
            (#"{"positions":{"-1":"1-1"}}"#, "positions"), (#"{"positions":{"0":"1"}}"#, "positions[0]"),
            (#"{"positions":{"0":1}}"#, "positions[0]"),
        ]) func whatIsNoPlaceIs422AndChangesNothing(body: String, field: String) async throws
    {
        let harness = try ConsoleHarness()
        try await harness.fill("orders", records: 5)
        let answer = try await harness.send(.put, "/v1/admin/groups/orders/g/offsets", body: body)
        #expect(try answer.status == 422 && answer.problem.field == field, "\(answer.text)")
        #expect(try await harness.broker.groups().isEmpty)
    }

    @Test func aGroupInUseOrOfNoTopicIsNotSet() async throws {
        let harness = try ConsoleHarness()
        try await harness.fill("orders", records: 1)
        let body = #"{"to":"latest"}"#
        let subscription = try await harness.broker.subscribe(SubscriptionRequest(topic: "orders", group: "g"))
        let path = "/v1/admin/groups/orders/g/offsets"
        #expect(try await harness.send(.put, path, body: body).status == 409)
        await subscription.close()
        #expect(try await harness.send(.put, path, body: body).status == 200)
        #expect(try await harness.send(.put, "/v1/admin/groups/other/g/offsets", body: body).status == 404)
        let long = "/v1/admin/groups/orders/\(String(repeating: "g", count: 256))/offsets"
        #expect(try await harness.send(.put, long, body: body).problem.field == "group")
        #expect(try await harness.send(.put, path, body: "{").status == 400)
        #expect(try await harness.send(.put, path).status == 415)
        harness.broker.close()
        let closed = try await harness.send(.put, path, body: body)
        #expect(closed.status == 503 && closed["Retry-After"] != nil)
    }
}
