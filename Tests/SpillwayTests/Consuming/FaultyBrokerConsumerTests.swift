import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@testable import Spillway

/// Ends a while after shutdown has begun, unless it is cancelled.
private final class LingeringHandler: SingleHandler {
    let begun = Mutex(0)
    let ended = Mutex(0)

    func decode(_ record: Record) throws {}

    func handle(_ event: Void, context: HandlingContext) async throws {
        begun.withLock { $0 += 1 }
        while !Task.isShuttingDownGracefully { try await Task.sleep(for: .milliseconds(1)) }
        try await Task.sleep(for: .milliseconds(50))
        ended.withLock { $0 += 1 }
    }
}

@Suite struct FaultyBrokerConsumerTests {
    @Test func aShutdownWaitsForHandlersWhoseSubscriptionBroke() async throws {
        let inner = try await ConsumerTests.broker()
        let broker = FaultInjectingBroker(inner)
        let handler = LingeringHandler()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(), processor: .single(handler),
            logger: quietLogger)
        try await ConsumerTests.run(consumer) {
            for number in 0..<3 { _ = try await inner.send(Message(key: [UInt8(number)], value: []), to: "t") }
            try await eventually { handler.begun.withLock { $0 } == 3 }
            var faults = BrokerFaults()
            faults.failedSubscribes = 1
            broker.faults = faults
            await broker.disconnectAll()
            try await eventually { consumer.inspect().partitions.isEmpty }
        }
        #expect(handler.ended.withLock { $0 } == 3)
    }

    @Test func aConsumerThatDrainsDoesNotJoinItsGroupAgain() async throws {
        let broker = FaultInjectingBroker(try await ConsumerTests.broker())
        let handler = WaitingHandler()
        let time = ManualTimeSource()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(), processor: .single(handler),
            timeSource: time, logger: quietLogger)
        func run<Value: Sendable>(_ look: @Sendable (ConsumerRun.State) -> Value) -> Value? {
            consumer.control.withLock { $0.run }?.state.withLock { look($0) }
        }
        let group = ServiceGroup(services: [consumer], logger: quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            _ = try await broker.send(Message(key: [1], value: []), to: "t")
            try await eventually { handler.running.withLock { $0 } == 1 }
            await broker.disconnectAll()
            try await eventually { run { $0.subscription == nil } == true }
            group.triggerGracefulShutdown()
            try await eventually { run { $0.engine.isShuttingDown } == true }
            // Past any wait before the next try to subscribe, but not past the drain.
            time.advance(by: .seconds(6))
            for _ in 0..<20 {
                try await Task.sleep(for: .milliseconds(1))
                #expect(run { $0.subscription == nil && !$0.isDrained } == true)
            }
            handler.isOpen.withLock { $0 = true }
            try await tasks.waitForAll()
        }
        #expect(handler.running.withLock { $0 } == 0)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func nothingIsLostBehindAFaultyBroker(_ seed: UInt64) async throws {
        let inner = try await ConsumerTests.broker(partitions: 3)
        var faults = BrokerFaults()
        faults.failedSends = 0.1
        faults.unknownSends = 0.1
        faults.failedCommits = 0.2
        faults.unknownCommits = 0.2
        faults.duplicateDeliveries = 0.2
        faults.disconnects = 0.02
        faults.failedSubscribes = 0.2
        faults.deliveryDelay = .milliseconds(1)
        let broker = FaultInjectingBroker(inner, faults: faults, seed: seed)
        let notebook = Notebook()
        var configuration = ConsumerTests.configuration()
        configuration.maxInFlightRecords = 50
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration,
            processor: .single(NotingHandler(notebook: notebook)), logger: quietLogger)
        try await ConsumerTests.run(consumer) {
            for number in 0..<200 {
                let token = Deduplication(scope: [1], token: Array("\(number)".utf8), fingerprint: 1)
                var isSent = false
                while !isSent {
                    do {
                        _ = try await broker.send(
                            Message(
                                key: Array("k\(number % 7)".utf8), value: Array("\(number)".utf8), deduplication: token),
                            to: "t")
                        isSent = true
                    } catch let error as BrokerError where error.isRetriable {}
                }
            }
            try await eventually { Set(notebook.values).count == 200 }
            broker.faults = BrokerFaults()
            await broker.disconnectAll()
            _ = try await broker.send(Message(key: [1], value: Array("last".utf8)), to: "t")
            try await eventually { (try? await ConsumerTests.committedAll(inner)) == true }
        }
        for (key, values) in notebook.state.withLock({ $0.byKey }) {
            // The first time of each record is in order.
            var seen: Set<String> = []
            let first = values.filter { seen.insert($0).inserted && $0 != "last" }
            #expect(first == (0..<200).filter { "k\($0 % 7)" == key }.map { "\($0)" })
        }
        #expect(notebook.values.contains("last"))
    }

    @Test func aSeekBackIsNotUndoneByWhatTheBrokerHadHandedOver() async throws {
        let inner = try await ConsumerTests.broker(partitions: 1)
        let time = ManualTimeSource()
        let broker = FaultInjectingBroker(inner, timeSource: time)
        let notebook = Notebook()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .single(NotingHandler(notebook: notebook)), logger: quietLogger)
        func send(_ numbers: Range<Int>) async throws {
            for number in numbers {
                _ = try await inner.send(Message(key: [1], value: Array("\(number)".utf8)), to: "t")
            }
        }
        try await ConsumerTests.run(consumer) {
            try await send(0..<10)
            try await eventually { notebook.values.count == 10 }
            var faults = BrokerFaults()
            faults.deliveryDelay = .seconds(1)
            broker.faults = faults
            try await send(10..<15)
            try await eventually { time.sleeperCount == 1 }
            broker.faults = BrokerFaults()
            try await consumer.seek(to: .earliest, by: "ann")
            time.advance(by: .seconds(1))
            try await soon("everything is handled again") { notebook.values.count == 25 }
        }
        #expect(notebook.values == ((0..<10) + Array(0..<15)).map { "\($0)" })
        #expect(try await ConsumerTests.committedAll(inner))
    }

    @Test func nothingComesAgainBeforeASeekIsStored() async throws {
        let inner = try await ConsumerTests.broker(partitions: 1)
        let broker = FaultInjectingBroker(inner)
        let notebook = Notebook()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .single(NotingHandler(notebook: notebook)), logger: quietLogger)
        try await ConsumerTests.run(consumer) {
            for number in 0..<10 {
                _ = try await inner.send(Message(key: [1], value: Array("\(number)".utf8)), to: "t")
            }
            try await eventually { notebook.values.count == 10 }
            try await eventually { (try? await ConsumerTests.committedAll(inner)) == true }
            var faults = BrokerFaults()
            faults.failedCommits = 1
            broker.faults = faults
            try await consumer.seek(to: .earliest, by: "ann")
            try await eventually {
                let run = consumer.control.withLock { $0.run }
                return run?.state.withLock { $0.engine.counters.failedCommits >= 5 } == true
            }
            #expect(notebook.values.count == 10)
            broker.faults = BrokerFaults()
            try await eventually { notebook.values.count == 20 }
        }
        #expect(notebook.values == ((0..<10) + Array(0..<10)).map { "\($0)" })
        #expect(try await ConsumerTests.committedAll(inner))
    }

    @Test func aProjectionIsExactBehindAFaultyBroker() async throws {
        let inner = try await ConsumerTests.broker(partitions: 2)
        var faults = BrokerFaults()
        faults.duplicateDeliveries = 0.3
        faults.disconnects = 0.05
        faults.deliveryDelay = .milliseconds(1)
        let broker = FaultInjectingBroker(inner, faults: faults, seed: 9)
        let projection = Projection()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .partitionBatch(projection, maxRecords: 20), logger: quietLogger)
        try await ConsumerTests.run(consumer) {
            for number in 0..<500 {
                _ = try await broker.send(
                    Message(key: Array("k\(number)".utf8), value: Array("\(number)".utf8)), to: "t")
            }
            try await eventually { projection.total >= 500 }
        }
        #expect(projection.total == 500)
        #expect(projection.state.withLock { $0.gaps } == 0)
    }
}
