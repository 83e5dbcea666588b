import Spillway
import SpillwayCore
import Synchronization
import Testing

// MARK: The snippet of the page, word for word; `theSnippetOfThePageIsTheOneHere` compares them.

func makeBilling(_ broker: any Broker, _ failures: any FailureStore, _ handler: some SingleHandler) throws -> Consumer {
    var configuration = ConsumerConfiguration(topic: "usage", group: "billing")
    configuration.concurrency = 32
    configuration.maxInFlightRecords = 5_000
    configuration.maxInFlightBytes = 16 << 20
    configuration.rate = RateLimits(recordsPerSecond: 50_000, burstSeconds: 0.5)
    configuration.adaptiveConcurrency = AdaptiveConcurrency(minLimit: 2, initialLimit: 8)
    configuration.hotKeys = HotKeyPolicy(
        share: 0.2, minRecords: 500, workers: 2, maxQueuedRecords: 100, overflow: .sideQueue)
    return try Consumer(
        id: "billing-1", broker: broker, configuration: configuration, processor: .single(handler),
        failureStore: failures)
}

// MARK: What it is run with

/// Notes the order of each key's values; the hot key's wait until they are let go.
private final class Meter: Sendable {
    struct State {
        var values: [String: [Int]] = [:]
        var isOpen = false
    }

    let state = Mutex(State())

    func count(where isMeant: (String) -> Bool) -> Int {
        state.withLock { $0.values.filter { isMeant($0.key) }.reduce(0) { $0 + $1.value.count } }
    }
}

private struct MeterReader: SingleHandler {
    let meter: Meter

    func decode(_ record: Record) throws -> (key: String, value: Int) {
        (
            String(decoding: record.key ?? [], as: UTF8.self),
            Int(String(decoding: record.value ?? [], as: UTF8.self)) ?? -1
        )
    }

    func handle(_ event: (key: String, value: Int), context: HandlingContext) async throws {
        if event.key == "hot" { try await eventually { meter.state.withLock { $0.isOpen } } }
        meter.state.withLock { $0.values[event.key, default: []].append(event.value) }
    }
}

@Suite struct FlowControlPageTests {
    private func page() throws -> DocumentationPage {
        try DocumentationPage("Sources/Spillway/Spillway.docc/HotKeysAndFlowControl.md")
    }

    @Test func theSnippetOfThePageIsTheOneHere() throws { try page().expectSnippets(1, in: #filePath) }

    @Test func theTablesOfThePageSayTheDefaults() throws {
        let page = try page()
        let policy = HotKeyPolicy()
        page.expectRow("share", "\(policy.share)")
        page.expectRow("coolShare", "\(policy.coolShare)")
        page.expectRow("window", "\(policy.window.components.seconds) s")
        page.expectRow("minRecords", "\(policy.minRecords)")
        page.expectRow("workers", "\(policy.workers)")
        page.expectRow("maxQueuedRecords", "\(policy.maxQueuedRecords)")
        #expect(policy.overflow == .keep)
        page.expectRow("overflow", "`keep`")
        let configuration = ConsumerConfiguration(topic: "t", group: "g")
        page.expectRow("concurrency", "\(configuration.concurrency)")
        #expect(configuration.maxInFlightRecords == 10_000 && configuration.maxInFlightBytes == 64 << 20)
        #expect(configuration.maxUncommittedRecords == 1_000_000 && configuration.resumeIntakeAt == 0.75)
        #expect(configuration.rate == RateLimits() && configuration.adaptiveConcurrency == nil)
        let limits = FailureStoreLimits()
        #expect(limits.sideRecords == 1_000_000 && limits.sideBytes == 1 << 30)
        #expect(limits.deadLetters == 10_000_000 && limits.deadLetterBytes == 10 << 30)
    }

    /// A hot key that gets nowhere goes through the side queue, in order, and the others don't wait for it.
    @Test func aHotKeyOverflowsIntoTheSideQueueAndKeepsItsOrder() async throws {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic("usage", partitions: 1)
        let failures = InMemoryFailureStore()
        let meter = Meter()
        let consumer = try makeBilling(broker, failures, MeterReader(meter: meter))
        for number in 0..<12_000 {
            let key = number.isMultiple(of: 2) ? "hot" : "key\(number % 50)"
            _ = try await broker.send(Message(key: Array(key.utf8), value: Array("\(number)".utf8)), to: "usage")
        }
        try await ConsumerTests.run(consumer) {
            // More of the hot key than may be in the consumer: but for the side queue, nothing more would be fetched.
            try await eventually { meter.count { $0 != "hot" } == 6_000 }
            #expect(meter.count { $0 == "hot" } == 0)
            #expect(try await failures.sideCount(group: "billing").records > 0)
            meter.state.withLock { $0.isOpen = true }
            try await eventually { meter.count { _ in true } >= 12_000 }
        }
        let handled = meter.state.withLock { $0.values }
        #expect(handled["hot"] == (0..<6_000).map { $0 * 2 })
        for (key, values) in handled where key != "hot" { #expect(values == values.sorted() && values.count == 240) }
    }
}
