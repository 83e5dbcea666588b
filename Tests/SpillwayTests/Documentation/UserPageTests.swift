import Spillway
import SpillwayCore
import SpillwayTesting
import Testing

// MARK: Snippets of Tuning and Observability, word for word; `theSnippetsOfThePagesAreTheseHere` compares them.

func makeLoader(_ broker: any Broker, _ handler: some BatchHandler) throws -> Consumer {
    var configuration = ConsumerConfiguration(topic: "orders", group: "loader")
    configuration.concurrency = 4
    configuration.maxInFlightRecords = 20_000
    configuration.commitInterval = .milliseconds(200)
    return try Consumer(
        id: "loader-1", broker: broker, configuration: configuration,
        processor: .batch(
            handler, limits: BatchLimits(maxRecords: 1_000, maxBytes: 4 << 20, maxDelay: .milliseconds(50))),
        executor: BlockingExecutor(name: "loader", threads: 4))
}

func makeTraced(
    _ broker: any Broker, _ handler: some SingleHandler, _ tracer: Tracer, _ registry: MetricsRegistry
) throws -> (producer: Producer, consumer: Consumer) {
    var sending = ProducerConfiguration()
    sending.interceptors = [TracingInterceptor(tracer: tracer)]
    let producer = try Producer(broker: broker, topic: "orders", configuration: sending, metrics: registry)
    let consumer = try Consumer(
        id: "billing-1", broker: broker, configuration: ConsumerConfiguration(topic: "orders", group: "billing"),
        processor: .single(handler), interceptors: [TracingInterceptor(tracer: tracer, group: "billing")],
        metrics: registry)
    return (producer, consumer)
}

// MARK: What the snippets are run with

private struct Taking: SingleHandler, BatchHandler {
    func decode(_ record: Record) throws -> String { record.valueString ?? "" }
    func handle(_ event: String, context: HandlingContext) async throws {}
    func handle(_ items: [BatchItem<String>], prepared: Void) async throws -> [RecordOutcome] {
        items.map { _ in .done }
    }
}

/// The pages for those who begin, and those who run it: what they say is what the code says.
@Suite struct UserPageTests {
    private func page(_ name: String) throws -> DocumentationPage {
        try DocumentationPage("Sources/Spillway/Spillway.docc/\(name).md")
    }

    @Test func theSnippetsOfThePagesAreTheseHere() throws {
        try page("Tuning").expectSnippets(1, in: #filePath)
        try page("Observability").expectSnippets(1, in: #filePath)
    }

    /// `scripts/examples` builds, kills and checks that package.
    @Test func gettingStartedShowsTheExampleWordForWord() throws {
        let text = try page("GettingStarted").text
        for file in ["Package.swift", "Sources/GettingStarted/main.swift"] {
            let source = try DocumentationPage("Examples/GettingStarted/\(file)").text
            #expect(text.contains("```swift\n\(source)```"), "not on the page as it is: \(file)")
        }
    }

    @Test func everyMetricOfTheLibraryIsOnThePageAndNoOther() throws {
        let registry = MetricsRegistry()
        let broker = InMemoryBroker()
        _ = try makeTraced(
            broker, Taking(), Tracer(exporter: SpanCollector(), sampler: TraceSampler(ratio: 1)), registry)
        _ = try DeduplicatingInterceptor(InMemoryDeduplicator(), scope: "s", metrics: registry) {
            $0.key.map(Array.init)
        }
        let exposition = String(decoding: registry.exposition(), as: UTF8.self)
        let registered = Set(
            exposition.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map {
                String($0.split(separator: " ")[2])
            })
        #expect(registered.count > 30)
        let text = try page("Observability").text
        for name in registered { #expect(text.contains("| `\(name)` | "), "not on the page: \(name)") }
        // What the page names is registered here, or shown by the server.
        let shown = try DocumentationPage("docs/METRICS.md").text
        for page in ["Observability", "Tuning", "HandlingFailures"] {
            for name in try self.page(page).text.split(separator: "`") where name.hasPrefix("spillway_") {
                // A prefix of a family's names, and gauges by group that a server without moves does not show.
                if name.hasSuffix("_") || ["spillway_side_queue_records", "spillway_side_queue_bytes"].contains(name) {
                    continue
                }
                #expect(
                    registered.contains(String(name)) || shown.contains("| `\(name)` |"), "\(page): no metric \(name)")
            }
        }
    }

    @Test func theNumbersOfThePagesAreTheDefaults() throws {
        let configuration = ConsumerConfiguration(topic: "t", group: "g")
        let tuning = try page("Tuning").text
        #expect(tuning.contains("`concurrency` (\(configuration.concurrency))") && configuration.concurrency == 16)
        #expect(tuning.contains("`maxInFlightRecords` (10,000)") && configuration.maxInFlightRecords == 10_000)
        #expect(tuning.contains("`maxInFlightBytes` (64 MiB)") && configuration.maxInFlightBytes == 64 << 20)
        #expect(
            tuning.contains("`maxUncommittedRecords` (a million)") && configuration.maxUncommittedRecords == 1_000_000)
        #expect(tuning.contains("`commitInterval` (1 s)") && configuration.commitInterval == .seconds(1))
        #expect(tuning.contains("`commitRecords` (10,000)") && configuration.commitRecords == 10_000)
        #expect(tuning.contains("500 records, 4 MiB or 20 ms"))
        #expect(BatchLimits() == BatchLimits(maxRecords: 500, maxBytes: 4 << 20, maxDelay: .milliseconds(20)))
        #expect(try page("DeliveryGuarantees").text.contains("`commitInterval` (1 s)"))
    }

    @Test func aLoaderTakesBatchesAsThePageSays() async throws {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic("orders", partitions: 1)
        let consumer = try makeLoader(broker, Taking())
        try await ConsumerTests.run(consumer) {
            for number in 0..<100 {
                _ = try await broker.send(Message(key: [UInt8(number)], value: [1]), to: "orders")
            }
            let ends = try await broker.endPositions(of: "orders")
            try await eventually { try await broker.committed(group: "loader", topic: "orders") == ends }
        }
    }
}
