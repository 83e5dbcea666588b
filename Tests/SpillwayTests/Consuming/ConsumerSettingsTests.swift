import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// Notes batches.
private struct NotingBatches: BatchHandler {
    let notebook: Notebook

    func decode(_ record: Record) throws -> Record { record }

    func handle(_ items: [BatchItem<Record>], prepared: Void) async throws -> [RecordOutcome] {
        for item in items { notebook.note(item.event) }
        notebook.state.withLock { $0.batchSizes.append(items.count) }
        return items.map { _ in .done }
    }
}

/// Waits in each record until it is let go.
final class WaitingHandler: SingleHandler {
    let running = Mutex(0)
    let isOpen = Mutex(false)

    func decode(_ record: Record) throws {}

    func handle(_ event: Void, context: HandlingContext) async throws {
        running.withLock { $0 += 1 }
        while !isOpen.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
        running.withLock { $0 -= 1 }
    }
}

@Suite struct ConsumerSettingsTests {
    private func send(_ numbers: Range<Int>, to broker: InMemoryBroker, topic: String = "t") async throws {
        for number in numbers {
            let message = Message(
                key: Array("k\(number % 5)".utf8), value: Array("\(number)".utf8), timestampMs: Int64(number) * 1_000)
            _ = try await broker.send(message, to: topic)
        }
    }

    private func consumer(
        _ broker: InMemoryBroker, _ notebook: Notebook, store: (any SettingsStore)? = nil
    ) throws -> Consumer {
        try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processors: [
                .single(NotingHandler(notebook: notebook)),
                .batch(NotingBatches(notebook: notebook), limits: BatchLimits(maxRecords: 10, maxDelay: .zero)),
            ], settings: store, logger: quietLogger)
    }

    @Test func aPauseStopsHandlingAndSurvivesARestart() async throws {
        let broker = try await ConsumerTests.broker()
        let notebook = Notebook()
        let store = InMemorySettingsStore()
        let first = try consumer(broker, notebook, store: store)
        try await ConsumerTests.run(first) {
            try await send(0..<20, to: broker)
            try await eventually { notebook.values.count == 20 }
            try await first.pause(by: "ann")
            try await send(20..<40, to: broker)
            for _ in 0..<20 {
                try await Task.sleep(for: .milliseconds(1))
                #expect(notebook.values.count == 20)
            }
            #expect(first.inspect().isPaused)
        }
        let second = try consumer(broker, notebook, store: store)
        try await ConsumerTests.run(second) {
            try await eventually { second.inspect().partitions.count == 2 }
            for _ in 0..<20 {
                try await Task.sleep(for: .milliseconds(1))
                #expect(notebook.values.count == 20)
            }
            try await second.resume(by: "bob")
            try await eventually { notebook.values.count == 40 }
        }
        let history = try await store.history("consumer/c", limit: 10)
        #expect(history.map(\.author) == ["bob", "ann"] && history.map(\.revision) == [2, 1])
        #expect(history[1].value == Array("{\"is_paused\":true}".utf8))
        #expect(try await ConsumerTests.committedAll(broker))
    }

    @Test func theProcessorChangesWhileRecordsFlow() async throws {
        let broker = try await ConsumerTests.broker()
        let notebook = Notebook()
        let consumer = try consumer(broker, notebook)
        try await ConsumerTests.run(consumer) {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await send(0..<600, to: broker) }
                for mode in ["batch", "single", "batch"] {
                    try await eventually { notebook.values.count > 50 }
                    var settings = ConsumerSettings()
                    settings.processor = mode
                    try await consumer.change(settings, by: "ann")
                    try await eventually { consumer.inspect().processor == mode && consumer.inspect().isRunning }
                }
                try await tasks.waitForAll()
            }
            try await eventually { notebook.values.count >= 600 }
        }
        // Each mode was drained and committed before the next: nothing twice, order by key.
        #expect(notebook.values.count == 600)
        for (key, values) in notebook.state.withLock({ $0.byKey }) {
            #expect(values == (0..<600).filter { "k\($0 % 5)" == key }.map { "\($0)" })
        }
        #expect(!notebook.state.withLock { $0.batchSizes }.isEmpty)
        #expect(try await ConsumerTests.committedAll(broker))
    }

    @Test func theTopicChangesWhileItRuns() async throws {
        let broker = try await ConsumerTests.broker()
        _ = try await broker.ensureTopic("other", partitions: 1)
        let notebook = Notebook()
        let consumer = try consumer(broker, notebook)
        try await ConsumerTests.run(consumer) {
            try await send(0..<10, to: broker)
            try await send(10..<20, to: broker, topic: "other")
            try await eventually { notebook.values.count == 10 }
            var settings = ConsumerSettings()
            settings.topic = "missing"
            await #expect(throws: SettingsError.self) { try await consumer.change(settings, by: "ann") }
            settings.topic = "other"
            try await consumer.change(settings, by: "ann")
            try await eventually { notebook.values.count == 20 }
            #expect(consumer.inspect().topic == "other")
        }
        #expect(Set(notebook.values) == Set((0..<20).map { "\($0)" }))
    }

    @Test func moreWorkersComeWhileOthersAreBusy() async throws {
        let broker = try await ConsumerTests.broker()
        let handler = WaitingHandler()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(), processor: .single(handler),
            logger: quietLogger)
        try await ConsumerTests.run(consumer) {
            for number in 0..<20 { _ = try await broker.send(Message(key: [UInt8(number)], value: []), to: "t") }
            try await eventually { handler.running.withLock { $0 } == 4 }
            var settings = ConsumerSettings()
            settings.concurrency = 12
            try await consumer.change(settings, by: "ann")
            try await eventually { handler.running.withLock { $0 } == 12 }
            handler.isOpen.withLock { $0 = true }
            try await eventually { consumer.inspect().inFlightRecords == 0 }
        }
        #expect(try await ConsumerTests.committedAll(broker))
    }

    @Test func aSeekGoesBackAndForthAndToATime() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let notebook = Notebook()
        let store = InMemorySettingsStore()
        let consumer = try consumer(broker, notebook, store: store)
        func since(_ count: Int) -> [String] { Array(notebook.values.dropFirst(count)).sorted() }
        try await ConsumerTests.run(consumer) {
            try await send(0..<10, to: broker)
            try await eventually { notebook.values.count == 10 }
            try await consumer.seek(to: .earliest, by: "ann")
            try await eventually { notebook.values.count == 20 }
            try await consumer.seek(to: .time(ms: 7_000), by: "ann")
            try await eventually { notebook.values.count == 23 }
            #expect(since(20) == ["7", "8", "9"])
            try await consumer.pause(by: "ann")
            try await send(10..<15, to: broker)
            try await consumer.seek(to: .latest, by: "ann")
            try await consumer.resume(by: "ann")
            try await send(15..<18, to: broker)
            try await eventually { notebook.values.count >= 26 }
            #expect(since(23) == ["15", "16", "17"])
            await #expect(throws: BrokerError.self) { try await consumer.seek(to: .positions([7: .start]), by: "ann") }
            let beyond = Dictionary(uniqueKeysWithValues: (0..<4).map { ($0, Position(high: .max, low: 1_000)) })
            let partitions = try await broker.partitionCount(of: "t")
            try await consumer.seek(to: .positions(beyond.filter { $0.key < partitions }), by: "ann")
            try await send(18..<20, to: broker)
            try await eventually { notebook.values.count >= 28 }
            #expect(since(26) == ["18", "19"])
        }
        #expect(try await ConsumerTests.committedAll(broker))
        #expect(try await store.history("consumer/c", limit: 9).count == 6)
    }

    /// A batch of one is a batch, and another limit holds for it too.
    @Test func batchesAreAsLargeAsTheSettingsSay() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let notebook = Notebook()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processors: [
                .batch(
                    NotingBatches(notebook: notebook), name: "ones", limits: BatchLimits(maxRecords: 1, maxDelay: .zero)
                ),
                .batch(
                    NotingBatches(notebook: notebook), name: "tens",
                    limits: BatchLimits(maxRecords: 10, maxDelay: .zero)),
            ], logger: quietLogger)
        func largest(_ change: (inout ConsumerSettings) -> Void) async throws -> Int {
            var settings = ConsumerSettings()
            change(&settings)
            settings.isPaused = true
            try await consumer.change(settings, by: "ann")
            try await eventually { consumer.inspect().isPaused && consumer.inspect().isRunning }
            let before = notebook.values.count
            notebook.state.withLock { $0.batchSizes = [] }
            for _ in 0..<40 { _ = try await broker.send(Message(key: nil, value: []), to: "t") }
            try await consumer.resume(by: "ann")
            try await eventually { notebook.values.count == before + 40 }
            return notebook.state.withLock { $0.batchSizes.max() ?? 0 }
        }
        try await ConsumerTests.run(consumer) {
            let one = try await largest { _ in }
            let five = try await largest { $0.maxBatchRecords = 5 }
            let ten = try await largest { $0.processor = "tens" }
            let oneOfTen = try await largest {
                $0.processor = "tens"
                $0.maxBatchRecords = 1
            }
            #expect([one, five, ten, oneOfTen] == [1, 5, 10, 1])
        }
    }

    @Test func settingsThatDontFitAreRefusedByName() async throws {
        let broker = try await ConsumerTests.broker()
        let store = InMemorySettingsStore()
        let consumer = try consumer(broker, Notebook(), store: store)
        func problem(_ change: (inout ConsumerSettings) -> Void) async -> String {
            var settings = ConsumerSettings()
            change(&settings)
            do {
                try await consumer.change(settings, by: "ann")
                return "none"
            } catch { return "\(error)" }
        }
        #expect(await problem { $0.concurrency = 0 }.contains("concurrency"))
        #expect(await problem { $0.processor = "nobody" }.contains("processor must be one of single, batch"))
        for rate in [-1, 0, 1e-11, 1e19, .infinity] {
            #expect(await problem { $0.recordsPerSecond = rate }.contains("rate.recordsPerSecond of consumer g/t"))
            #expect(await problem { $0.bytesPerSecond = rate }.contains("must be 0.001 to 1000000000000"))
        }
        #expect(await problem { $0.maxBatchRecords = 0 }.contains("max_batch_records must be at least 1"))
        #expect(await problem { $0.maxAttempts = 0 }.contains("max_attempts"))
        #expect(await problem { $0.hotKeyShare = 2 }.contains("hotKeys.share"))
        #expect(try await store.current("consumer/c") == nil)
        for (text, word) in [
            ("{\"concurency\":3}", "concurency"), ("{\"concurrency\":\"3\"}", "concurrency"), ("[]", "object"),
            ("{", "object"),
        ] {
            let error = #expect(throws: SettingsError.self) { try ConsumerSettings(json: Array(text.utf8)) }
            #expect(
                error?.code == .invalid && error?.message.contains(word) == true, "\(text): \(error?.message ?? "")")
        }
    }

    @Test func aChangeFromAnOldRevisionIsAConflict() async throws {
        let broker = try await ConsumerTests.broker()
        let store = InMemorySettingsStore()
        let consumer = try consumer(broker, Notebook(), store: store)
        var settings = ConsumerSettings()
        settings.recordsPerSecond = 10
        #expect(try await consumer.change(settings, by: "ann", after: 0) == 1)
        settings.recordsPerSecond = 20
        let error = await #expect(throws: SettingsError.self) {
            try await consumer.change(settings, by: "bob", after: 0)
        }
        #expect(error?.code == .conflict && consumer.settings.settings.recordsPerSecond == 10)
        // Another process was faster.
        _ = try await store.put("consumer/c", value: Array("{}".utf8), author: "eve", atMs: 0, after: 1)
        let late = await #expect(throws: SettingsError.self) { try await consumer.change(settings, by: "bob") }
        #expect(late?.code == .conflict)
    }

    @Test func storedSettingsThatNoLongerFitAreLeftOut() async throws {
        let broker = try await ConsumerTests.broker()
        let store = InMemorySettingsStore()
        _ = try await store.put(
            "consumer/c", value: Array("{\"processor\":\"gone\"}".utf8), author: "ann", atMs: 0, after: 0)
        let notebook = Notebook()
        let consumer = try consumer(broker, notebook, store: store)
        try await ConsumerTests.run(consumer) {
            try await send(0..<5, to: broker)
            try await eventually { notebook.values.count == 5 }
            #expect(try await consumer.change(ConsumerSettings(), by: "ann") == 2)
        }
    }

    @Test(
        arguments: [
            ("{\"is_paused\":true,\"processor\":\"gone\"}", true), ("{\"is_paused\":true,\"concurrency\":9999}", true),
            ("{\"is_paused\":true,\"of_a_newer_version\":{}}", true), ("{\"is_paused\":{\"since\":1}}", true),
            ("[]", true), ("{", true), ("", true), ("{\"is_paused\":false,\"processor\":\"gone\"}", false),
            ("{\"is_paused\":null,\"of_a_newer_version\":1}", false), ("{\"of_a_newer_version\":1}", false),
        ])
    func aStoredPauseHoldsWhateverElseDoesNotFit(_ value: String, isPaused: Bool) async throws {
        let broker = try await ConsumerTests.broker()
        let store = InMemorySettingsStore()
        _ = try await store.put("consumer/c", value: Array(value.utf8), author: "ann", atMs: 0, after: 0)
        let notebook = Notebook()
        let consumer = try consumer(broker, notebook, store: store)
        try await ConsumerTests.run(consumer) {
            try await send(0..<5, to: broker)
            try await eventually { consumer.inspect().partitions.count == 2 }
            #expect(consumer.inspect().isPaused == isPaused)
            #expect(consumer.settings.revision == 1 && consumer.settings.settings.processor == nil)
            if isPaused { #expect(notebook.values.isEmpty) }
            try await consumer.resume(by: "bob")
            try await eventually { notebook.values.count == 5 }
        }
        #expect(try await store.current("consumer/c")?.value == Array("{}".utf8))
    }

    @Test func fewerHandlersThanTheAdaptiveLimitsAreNoMistake() async throws {
        let broker = try await ConsumerTests.broker()
        let handler = WaitingHandler()
        var configuration = ConsumerTests.configuration()
        configuration.concurrency = 16
        configuration.adaptiveConcurrency = AdaptiveConcurrency(minLimit: 5, initialLimit: 10)
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .single(handler), logger: quietLogger)
        var settings = ConsumerSettings()
        settings.concurrency = 3
        try await consumer.change(settings, by: "ann")
        try await ConsumerTests.run(consumer) {
            for number in 0..<20 { _ = try await broker.send(Message(key: [UInt8(number)], value: []), to: "t") }
            try await eventually { handler.running.withLock { $0 } == 3 }
            settings.concurrency = nil
            try await consumer.change(settings, by: "ann")
            try await eventually { handler.running.withLock { $0 } == 10 }
            settings.concurrency = 1
            try await consumer.change(settings, by: "ann")
            handler.isOpen.withLock { $0 = true }
            try await eventually { consumer.inspect().inFlightRecords == 0 }
        }
        #expect(try await ConsumerTests.committedAll(broker))
    }

    @Test(arguments: ["0.00000000001", "1e19"])
    func aStoredRateBeyondTheLimitsIsHeldToThem(_ rate: String) async throws {
        let broker = try await ConsumerTests.broker()
        let store = InMemorySettingsStore()
        let row = "{\"is_paused\":true,\"records_per_second\":\(rate),\"bytes_per_second\":\(rate)}"
        _ = try await store.put("consumer/c", value: Array(row.utf8), author: "ann", atMs: 0, after: 0)
        let consumer = try consumer(broker, Notebook(), store: store)
        try await ConsumerTests.run(consumer) {
            try await send(0..<5, to: broker)
            try await eventually { consumer.inspect().partitions.count == 2 }
            #expect(consumer.inspect().isPaused)
            let rates: Set = [0.001, 1e12]
            #expect(rates.contains(consumer.settings.settings.recordsPerSecond ?? 0))
            #expect(rates.contains(consumer.settings.settings.bytesPerSecond ?? 0))
        }
    }

    @Test func anInspectionNamesWhatHoldsTheCommitBack() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let notebook = Notebook()
        notebook.state.withLock { $0.failuresLeft = ["0": .max] }
        let consumer = try consumer(broker, notebook)
        try await ConsumerTests.run(consumer) {
            try await send(0..<20, to: broker)
            try await eventually { notebook.values.count == 16 }
            try await eventually { (consumer.inspect().partitions.first?.blockedBy?.attempts ?? 0) >= 2 }
            let inspection = consumer.inspect()
            let partition = try #require(inspection.partitions.first)
            #expect(partition.next == "1-1" && partition.window == 20 && partition.records == 4)
            #expect(partition.blockedBy?.position == "1-1" && partition.blockedBy?.key == "k0")
            #expect(inspection.longestLanes.first?.records == 4 && inspection.longestLanes.first?.key == "k0")
            notebook.state.withLock { $0.failuresLeft = [:] }
            try await eventually { notebook.values.count == 20 }
        }
    }

    @Test func aRateHoldsAndIsLiftedWhileItRuns() async throws {
        let broker = try await ConsumerTests.broker()
        let notebook = Notebook()
        let time = ManualTimeSource()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .single(NotingHandler(notebook: notebook)), timeSource: time, logger: quietLogger)
        var settings = ConsumerSettings()
        settings.recordsPerSecond = 5
        try await consumer.change(settings, by: "ann")
        let running = Task { try await consumer.run() }
        try await send(0..<30, to: broker)
        try await eventually { notebook.values.count == 5 }
        for _ in 0..<20 { await Task.yield() }
        #expect(notebook.values.count == 5)
        settings.recordsPerSecond = nil
        try await consumer.change(settings, by: "ann")
        try await eventually { notebook.values.count == 30 }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
    }
}
