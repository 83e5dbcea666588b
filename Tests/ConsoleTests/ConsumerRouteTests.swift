import Console
import FoundationEssentials
import Spillway
import SpillwayCore
import SpillwayHTTP
import Testing

/// What operators ask of consumers, and change.
@Suite struct ConsumerRouteTests {
    private struct Doing: SingleHandler {
        func decode(_ record: Record) throws {}
        func handle(_ event: Void, context: HandlingContext) async throws {}
    }

    private struct Inspections: Decodable {
        var items: [ConsumerInspection]
    }

    private struct Revised: Decodable {
        struct Settings: Decodable {
            var concurrency: Int?
            var isPaused: Bool?
        }

        var revision: Int
        var settings: Settings
    }

    private struct History: Decodable {
        struct Entry: Decodable {
            var revision: Int
            var author: String
            var at: String
        }

        var items: [Entry]
    }

    /// A consumer that runs while the body does.
    private func run(_ body: (ConsoleHarness) async throws -> Void) async throws {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic("orders", partitions: 2)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let consumer = try Consumer(
            id: "mail er", broker: broker, configuration: ConsumerConfiguration(topic: "orders", group: "mail"),
            processor: .single(Doing()), settings: InMemorySettingsStore(), logger: logger)
        let harness = try ConsoleHarness(consumers: [consumer])
        let running = Task { try await consumer.run() }
        while consumer.inspect().partitions.count < 2 { try await Task.sleep(for: .milliseconds(1)) }
        do {
            try await body(harness)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        _ = await running.result
    }

    private let path = "/v1/admin/consumers/mail%20er"

    @Test func consumersAreListedAndShown() async throws {
        try await run { harness in
            let list = try await harness.send(.get, "/v1/admin/consumers").read(Inspections.self).items
            #expect(list.map(\.id) == ["mail er"] && list[0].group == "mail" && list[0].isRunning)
            #expect(list[0].partitions.map(\.partition).sorted() == [0, 1])
            let one = try await harness.send(.get, path).read(ConsumerInspection.self)
            #expect(one.topic == "orders" && one.processor == "single" && one.inFlightRecords == 0)
            #expect(try await harness.send(.get, "/v1/admin/consumers/nobody").status == 404)
        }
    }

    @Test func settingsAreChangedFromARevisionAndKeptWithTheirAuthor() async throws {
        try await run { harness in
            let none = try await harness.send(.get, path + "/settings")
            #expect(none.text == #"{"revision":0,"settings":{}}"#)
            let change = #"{"revision":0,"settings":{"concurrency":3,"is_paused":true}}"#
            let set = try await harness.send(.put, path + "/settings", body: change)
            #expect(set.status == 200 && set.text == #"{"revision":1,"settings":{"concurrency":3,"is_paused":true}}"#)
            let late = try await harness.send(.put, path + "/settings", body: change)
            #expect(late.status == 409 && late.text.contains("settings-conflict"))
            let back = try await harness.send(.put, path + "/settings", body: #"{"settings":{}}"#)
            #expect(back.text == #"{"revision":2,"settings":{}}"#)
            let history = try await harness.send(.get, path + "/settings/history").read(History.self).items
            #expect(history.map(\.revision) == [2, 1] && history.map(\.author) == ["root", "root"])
            #expect(history[0].at.hasSuffix("Z"))
            #expect(try await harness.send(.get, path + "/settings/history?limit=0").status == 422)
        }
    }

    @Test(arguments: [
        (#"{"settings":{"concurency":3}}"#, "concurency"), (#"{"settings":{"concurrency":"3"}}"#, "concurrency"),
        (#"{"settings":{"concurrency":0}}"#, "concurrency"), (#"{"settings":{"processor":"gone"}}"#, "processor"),
        (#"{"settings":{"max_attempts":0}}"#, "max_attempts"), (#"{}"#, "settings"), (#"{"settings":3}"#, "settings"),
        (#"{"settings":{"topic":"missing"}}"#, "topic"),
    ])
    func whatDoesNotFitIsRefusedByName(_ body: String, _ word: String) async throws {
        try await run { harness in
            let answer = try await harness.send(.put, path + "/settings", body: body)
            #expect(answer.status == 422, "\(answer.text)")
            #expect(answer.text.contains(word), "\(answer.text)")
            #expect(try await harness.send(.get, path + "/settings").text == #"{"revision":0,"settings":{}}"#)
        }
    }

    @Test func aConsumerGoesOnWhereItIsTold() async throws {
        try await run { harness in
            #expect(try await harness.send(.post, path + "/seek", body: #"{"to":"earliest"}"#).status == 204)
            #expect(try await harness.send(.post, path + "/seek", body: #"{"positions":{"0":"1-7"}}"#).status == 204)
            #expect(try await harness.send(.post, path + "/seek", body: #"{"positions":{"9":"1-7"}}"#).status == 422)
            #expect(try await harness.send(.post, path + "/seek", body: #"{"to":"tomorrow"}"#).status == 422)
            let settings = try await harness.send(.get, path + "/settings").text
            #expect(settings == #"{"revision":2,"settings":{"last_seek":"0=1-7"}}"#)
        }
    }

    @Test func everyRouteIsForAdmins() async throws {
        try await run { harness in
            let requests: [(HTTPMethod, String, String?)] = [
                (.get, "/v1/admin/consumers", nil), (.get, path, nil), (.get, path + "/settings", nil),
                (.put, path + "/settings", #"{"settings":{"is_paused":true}}"#),
                (.get, path + "/settings/history", nil), (.post, path + "/seek", #"{"to":"latest"}"#),
            ]
            for (method, target, body) in requests {
                #expect(try await harness.send(method, target, body: body, scopes: nil).status == 401)
                #expect(try await harness.send(method, target, body: body, scopes: ["read"]).status == 403)
            }
            #expect(try await harness.send(.get, path + "/settings").text.contains(#""revision":0"#))
            let documented = try ConsoleRouteTests().documented(harness.console)
            #expect(documented == ConsoleRouteTests().served(harness.router))
        }
    }
}
