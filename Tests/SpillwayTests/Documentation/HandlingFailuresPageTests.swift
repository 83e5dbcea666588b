import Spillway
import SpillwayCore
import Synchronization
import Testing

// MARK: The snippets of the page, word for word; `theSnippetsOfThePageAreTheseHere` compares them.

struct WebhookSender: SingleHandler {
    let endpoint: any Endpoint

    func decode(_ record: Record) throws -> String { String(decoding: record.value ?? [], as: UTF8.self) }

    func handle(_ body: String, context: HandlingContext) async throws {
        switch try await endpoint.post(body) {
        case 200..<300: return
        case 400..<500: throw HandlerError(.rejected, "the endpoint refuses it", isRetriable: false)
        case let status: throw HandlerError(.unavailable, "the endpoint answers \(status)", isRetriable: true)
        }
    }
}

func makeSender(_ broker: any Broker, _ failures: any FailureStore, _ endpoint: any Endpoint) throws -> Consumer {
    var configuration = ConsumerConfiguration(topic: "events", group: "webhooks")
    configuration.retry = RetryPolicy(
        backoff: Backoff(base: .milliseconds(10), maximum: .milliseconds(100)), maxAttempts: 3, whenExhausted: .hold,
        sideBackoff: Backoff(base: .milliseconds(20), maximum: .seconds(60)), maxRounds: 10)
    return try Consumer(
        id: "webhooks-1", broker: broker, configuration: configuration,
        processor: .single(WebhookSender(endpoint: endpoint)), failureStore: failures)
}

func sendBack(_ failures: any FailureStore, group: String, nowMs: Int64) async throws -> Int {
    var last: RecordName?
    var count = 0
    repeat {
        let letters = try await failures.deadLetters(group: group, after: last, limit: 100)
        // The reason is what the handler threw: what can never work is not worth another round.
        let names = letters.filter { !$0.reason.hasPrefix("rejected") }.map(\.name)
        count += try await failures.requeueDeadLetters(names, dueMs: nowMs)
        last = letters.last?.name
    } while last != nil
    return count
}

// MARK: What the snippets stand on

protocol Endpoint: Sendable {
    func post(_ body: String) async throws -> Int
}

/// Answers as it is told to, and notes what it has taken.
private final class FakeEndpoint: Endpoint {
    struct State {
        var answers: [String: Int] = [:]
        var taken: [String] = []
    }

    let state = Mutex(State())

    func post(_ body: String) async throws -> Int {
        state.withLock { state in
            let status = state.answers[body] ?? 200
            if status == 200 { state.taken.append(body) }
            return status
        }
    }
}

@Suite struct HandlingFailuresPageTests {
    private func page() throws -> DocumentationPage {
        try DocumentationPage("Sources/Spillway/Spillway.docc/HandlingFailures.md")
    }

    @Test func theSnippetsOfThePageAreTheseHere() throws { try page().expectSnippets(2, in: #filePath) }

    @Test func theTableOfThePageSaysTheDefaults() throws {
        let page = try page()
        let policy = RetryPolicy()
        page.expectRow("backoff", "\(milliseconds(policy.backoff.base)) ms to \(seconds(policy.backoff.maximum)) s")
        page.expectRow("maxAttempts", "\(policy.maxAttempts)")
        #expect(policy.whenExhausted == .retryForever)
        page.expectRow("whenExhausted", "`retryForever`")
        page.expectRow(
            "sideBackoff", "\(seconds(policy.sideBackoff.base)) s to \(seconds(policy.sideBackoff.maximum)) s")
        page.expectRow("maxRounds", policy.maxRounds.map { "\($0)" } ?? "none")
        page.expectRow("moveBudget.capacity", "\(policy.moveBudget.capacity)")
        page.expectRow("moveBudget.earnedBySuccess", "\(policy.moveBudget.earnedBySuccess)")
        page.expectRow("moveBudget.earnedByMinute", "\(policy.moveBudget.earnedByMinute)")
    }

    private func milliseconds(_ duration: Duration) -> Int64 { duration.wholeNanoseconds / 1_000_000 }
    private func seconds(_ duration: Duration) -> Int64 { duration.components.seconds }

    /// What the page tells of: a key is held and the others go on, what is refused is a letter, and letters go back.
    @Test func theSenderDoesWhatThePageSays() async throws {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic("events", partitions: 1)
        let failures = InMemoryFailureStore()
        let endpoint = FakeEndpoint()
        endpoint.state.withLock { $0.answers = ["a0": 503, "b0": 410] }
        try await ConsumerTests.run(makeSender(broker, failures, endpoint)) {
            for number in 0..<10 {
                for key in ["a", "b", "c"] {
                    let value = Array("\(key)\(number)".utf8)
                    _ = try await broker.send(Message(key: Array(key.utf8), value: value), to: "events")
                }
            }
            // All of c, of b all but the one that is refused, of a nothing; and the log is committed past all of them.
            try await eventually { endpoint.state.withLock { $0.taken.count } == 19 }
            try await eventually { (try? await failures.sideCount(group: "webhooks").records) == 10 }
            let letters = try await failures.deadLetters(group: "webhooks", after: nil, limit: 10)
            #expect(letters.map { $0.record.value.map(Array.init) } == [Array("b0".utf8)])
            #expect(letters.first?.reason.hasPrefix("rejected") == true && letters.first?.attempts == 1)
            #expect(try await sendBack(failures, group: "webhooks", nowMs: 0) == 0)
            endpoint.state.withLock { $0.answers = [:] }
            try await eventually { endpoint.state.withLock { $0.taken.count } == 29 }
            #expect(try await failures.requeueDeadLetters(letters.map(\.name), dueMs: 0) == 1)
            try await eventually { endpoint.state.withLock { $0.taken.contains("b0") } }
        }
        let taken = endpoint.state.withLock { $0.taken }
        for key in ["a", "c"] {
            #expect(taken.filter { $0.hasPrefix(key) } == (0..<10).map { "\(key)\($0)" })
        }
        #expect(taken.filter { $0.hasPrefix("b") } == (1..<10).map { "b\($0)" } + ["b0"])
        #expect(try await failures.sideCount(group: "webhooks").records == 0)
    }

    /// Goes through all pages, and leaves what can never work.
    @Test func whatIsWorthAnotherRoundGoesBack() async throws {
        let failures = InMemoryFailureStore()
        let partition = TopicPartition(source: "memory", topic: "t", partition: 0)
        for number in 0..<250 {
            let position = Position(high: 1, low: UInt64(number))
            let error = HandlerError(number % 5 == 0 ? .rejected : .unavailable, "no", isRetriable: true)
            try await failures.apply([
                .bury(
                    DeadLetter(
                        name: RecordName(group: "g", partition: partition, position: position),
                        record: Record(key: nil, value: nil, position: position, timestampMs: 0),
                        reason: "\(error)", attempts: 3, failedAtMs: 0))
            ])
        }
        #expect(try await sendBack(failures, group: "g", nowMs: 5) == 200)
        #expect(try await sendBack(failures, group: "g", nowMs: 5) == 0)
        #expect(try await failures.deadLetterCount(group: "g").records == 50)
        #expect(try await failures.sideCount(group: "g").records == 200)
    }
}
