import Spillway
import SpillwayCore
import SpillwayOTLP
import Synchronization
import Testing

// MARK: The snippets of the front page and of docs/OBSERVABILITY.md, word for word

struct Signup: Decodable {
    let address: String
}

struct Greeter: SingleHandler {
    let mail: @Sendable (Signup) async throws -> Void

    func decode(_ record: Record) throws -> Signup { try record.json() }

    func handle(_ signup: Signup, context: HandlingContext) async throws { try await mail(signup) }
}

func greet(_ broker: any Broker, _ greeter: Greeter, _ logger: Logger) async throws {
    let consumer = try Consumer(
        id: "greeter-1", broker: broker, configuration: ConsumerConfiguration(topic: "signups", group: "greeter"),
        processor: .single(greeter))
    let group = ServiceGroup(services: [consumer], gracefulShutdownSignals: [.sigterm], logger: logger)
    try await group.run()
}

/// The producer, and the services of a group. First in, last out: the last spans of the consumer are sent too.
func makeTracedBilling(
    _ broker: any Broker, _ billing: some SingleHandler, _ registry: MetricsRegistry
) throws -> (producer: Producer, services: [any Service]) {
    let exporter = try OTLPSpanExporter(OTLPConfiguration(endpoint: "http://localhost:4318"), metrics: registry)
    let tracer = Tracer(exporter: exporter, sampler: TraceSampler(ratio: 0.01))

    var sending = ProducerConfiguration()
    sending.interceptors = [TracingInterceptor(tracer: tracer)]
    let producer = try Producer(broker: broker, topic: "orders", configuration: sending)

    let consumer = try Consumer(
        id: "billing", broker: broker, configuration: ConsumerConfiguration(topic: "orders", group: "billing"),
        processor: .single(billing), interceptors: [TracingInterceptor(tracer: tracer, group: "billing")])
    return (producer, [exporter, consumer])
}

// MARK: What the snippets are run with

private struct Billing: SingleHandler {
    func decode(_ record: Record) throws -> [UInt8] { Array(record.value ?? []) }
    func handle(_ event: [UInt8], context: HandlingContext) async throws {}
}

@Suite struct FrontPageTests {
    @Test func theSnippetsOfThePagesAreTheseHere() throws {
        try DocumentationPage("Sources/Spillway/Spillway.docc/Spillway.md").expectSnippets(1, in: #filePath)
        try DocumentationPage("docs/OBSERVABILITY.md").expectSnippets(1, in: #filePath)
    }

    /// `scripts/examples` builds and runs the example that the README shows a part of.
    @Test func theReadmeShowsLinesOfTheExample() throws {
        let example = try DocumentationPage("Examples/GettingStarted/Sources/GettingStarted/main.swift").text
        let lines = Set(example.split(separator: "\n"))
        let readme = try DocumentationPage("README.md").text
        let snippet = try #require(
            readme.split(separator: "```swift\n").dropFirst().first?.split(separator: "```").first)
        for line in snippet.split(separator: "\n") { #expect(lines.contains(line), "not in the example: \(line)") }
    }

    @Test func theGreeterGreets() async throws {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic("signups", partitions: 1)
        _ = try await broker.send(Message(value: Array(#"{"address":"ann@example.com"}"#.utf8)), to: "signups")
        let greeted = Mutex<[String]>([])
        let greeter = Greeter { signup in greeted.withLock { $0.append(signup.address) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await greet(broker, greeter, Logger(label: "test")) }
            try await eventually { greeted.withLock { $0 == ["ann@example.com"] } }
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    @Test func whatIsTracedIsMade() throws {
        let made = try makeTracedBilling(InMemoryBroker(), Billing(), MetricsRegistry())
        #expect(made.services.count == 2)
    }
}
