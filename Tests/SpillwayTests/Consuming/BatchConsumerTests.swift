import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

struct NotingBatchHandler: BatchHandler {
    let notebook: Notebook

    func decode(_ record: Record) throws -> String {
        let value = String(decoding: record.value ?? [], as: UTF8.self)
        if value == "undecodable" { throw Trouble() }
        return value
    }

    func prepare(_ events: [String]) async throws -> Int { events.count }

    func handle(_ items: [BatchItem<String>], prepared: Int) async throws -> [RecordOutcome] {
        notebook.state.withLock { $0.batchSizes.append(prepared) }
        return items.map { item in
            if notebook.fails(item.event) { return .retry(Trouble()) }
            notebook.note(item.context.record)
            return .done
        }
    }
}

final class CountingAggregate: AggregateHandler {
    let counts: Mutex<[String: Int]> = Mutex([:])
    let flushes: Mutex<Int> = Mutex(0)

    func decode(_ record: Record) throws -> Int { 1 }
    func fold(_ event: Int, into aggregate: inout Int?) { aggregate = (aggregate ?? 0) + event }
    func flush(_ aggregates: [KeyedAggregate<Int>]) async throws -> [RecordOutcome] {
        flushes.withLock { $0 += 1 }
        for item in aggregates {
            counts.withLock { $0[String(decoding: item.key, as: UTF8.self), default: 0] += item.aggregate }
        }
        return aggregates.map { _ in .done }
    }
}

/// Can't decode some values the first time, and says that it may later.
struct LateDecoder: BatchHandler, AggregateHandler {
    let notebook: Notebook

    func decode(_ record: Record) throws -> Record {
        if notebook.fails(String(decoding: record.value ?? [], as: UTF8.self)) {
            throw HandlerError(.unavailable, "the schema is not there yet", isRetriable: true)
        }
        return record
    }

    func handle(_ items: [BatchItem<Record>], prepared: Void) async throws -> [RecordOutcome] {
        for item in items { notebook.note(item.event) }
        return items.map { _ in .done }
    }

    func fold(_ record: Record, into records: inout [Record]?) { records = (records ?? []) + [record] }

    func flush(_ aggregates: [KeyedAggregate<[Record]>]) async throws -> [RecordOutcome] {
        for record in aggregates.flatMap(\.aggregate) { notebook.note(record) }
        return aggregates.map { _ in .done }
    }
}

@Suite struct BatchConsumerTests {
    /// A place that is kept by key would pass over what comes after later records of the key.
    @Test(arguments: [OrderMode.key, .partition, .none], [false, true])
    func nothingTakesEffectBeforeARecordThatCantBeDecodedYet(_ order: OrderMode, folds: Bool) async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let notebook = Notebook()
        notebook.state.withLock { $0.failuresLeft = ["4": 2, "7": 1] }
        for number in 0..<20 {
            let message = Message(key: Array("k\(number % 2)".utf8), value: Array("\(number)".utf8))
            _ = try await broker.send(message, to: "t")
        }
        var configuration = ConsumerTests.configuration()
        configuration.order = order
        let limits = BatchLimits(maxRecords: 50, maxDelay: .milliseconds(5))
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration,
            processor: folds
                ? .aggregate(LateDecoder(notebook: notebook), limits: limits)
                : .batch(LateDecoder(notebook: notebook), limits: limits), logger: quietLogger)
        try await ConsumerTests.run(consumer) { try await eventually { try await ConsumerTests.committedAll(broker) } }
        #expect(notebook.values.count == 20, "each once")
        switch order {
        case .key:
            for (key, values) in notebook.state.withLock({ $0.byKey }) {
                #expect(values == (0..<20).filter { "k\($0 % 2)" == key }.map { "\($0)" })
            }
        case .partition where !folds: #expect(notebook.values == (0..<20).map { "\($0)" })
        case .partition:
            // A fold has its keys one after the other; of those behind the record none is in it.
            #expect(Set(notebook.values.prefix(4)) == ["0", "1", "2", "3"])
        case .none: #expect(notebook.values.firstIndex(of: "19") ?? 20 < notebook.values.firstIndex(of: "4") ?? 0)
        }
    }

    @Test func batchesKeepOrderPerKeyThroughRetries() async throws {
        let broker = try await ConsumerTests.broker()
        let notebook = Notebook()
        for number in stride(from: 0, to: 300, by: 11) { notebook.state.withLock { $0.failuresLeft["\(number)"] = 2 } }
        for number in 0..<300 {
            let message = Message(key: Array("k\(number % 7)".utf8), value: Array("\(number)".utf8))
            _ = try await broker.send(message, to: "t")
            if number % 50 == 0 {
                _ = try await broker.send(Message(key: [1], value: Array("undecodable".utf8)), to: "t")
            }
        }
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .batch(
                NotingBatchHandler(notebook: notebook),
                limits: BatchLimits(maxRecords: 40, maxDelay: .milliseconds(5))))
        // What was behind a failed record is noted before it is handled again, so that each was noted once says little.
        try await ConsumerTests.run(consumer) { try await eventually { try await ConsumerTests.committedAll(broker) } }
        #expect(Set(notebook.values).count == 300)
        for (key, values) in notebook.state.withLock({ $0.byKey }) {
            // Records after a failed one are handled again: the last time of each is in order.
            var seen: Set<String> = []
            let last = values.reversed().filter { seen.insert($0).inserted }.reversed()
            #expect(Array(last) == (0..<300).filter { "k\($0 % 7)" == key }.map { "\($0)" })
        }
        #expect(notebook.state.withLock { $0.batchSizes.max() ?? 0 } > 1)
        #expect(notebook.state.withLock { $0.batchSizes.max() ?? 0 } <= 40)
    }

    @Test func aBatchClosesByTime() async throws {
        let broker = try await ConsumerTests.broker()
        let notebook = Notebook()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .batch(
                NotingBatchHandler(notebook: notebook),
                limits: BatchLimits(maxRecords: 1_000, maxDelay: .milliseconds(10))))
        try await ConsumerTests.run(consumer) {
            _ = try await broker.send(Message(key: [1], value: [65]), to: "t")
            try await eventually { notebook.values == ["A"] }
        }
    }

    @Test func aggregatesFoldByKey() async throws {
        let broker = try await ConsumerTests.broker()
        let aggregate = CountingAggregate()
        for number in 0..<1_000 {
            _ = try await broker.send(Message(key: Array("k\(number % 3)".utf8), value: [1]), to: "t")
        }
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .aggregate(aggregate, limits: BatchLimits(maxRecords: 500, maxDelay: .milliseconds(20))))
        try await ConsumerTests.run(consumer) {
            try await eventually { aggregate.counts.withLock { $0.values.reduce(0, +) } == 1_000 }
        }
        #expect(aggregate.counts.withLock { $0 } == ["k0": 334, "k1": 333, "k2": 333])
        #expect(aggregate.flushes.withLock { $0 } < 100)
    }
}
