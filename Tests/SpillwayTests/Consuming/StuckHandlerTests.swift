import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@Suite struct StuckHandlerTests {
    @Test(arguments: [false, true])
    func aHandlerThatDoesNotReturnIsNamedInTheLog(hasMetrics: Bool) async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let handler = WaitingHandler()
        let book = LogBook()
        let time = ManualTimeSource()
        var configuration = ConsumerTests.configuration()
        configuration.stuckAfter = .seconds(60)
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .single(handler),
            metrics: hasMetrics ? MetricsRegistry() : nil, timeSource: time,
            logger: Logger(label: "test") { _ in LogBook.Handler(book: book) })
        _ = try await broker.send(Message(key: [7], value: [1]), to: "t")
        try await ConsumerTests.run(consumer) {
            try await eventually { handler.running.withLock { $0 } == 1 }
            try await eventually {
                time.advance(by: .seconds(1))
                return book.lines.withLock { $0.contains { $0.text.contains("does not return") } }
            }
            let line = book.lines.withLock { $0.first { $0.text.contains("does not return") } }
            #expect(line?.metadata["partition"] == "memory/t/0")
            #expect(time.now().nanoseconds >= 60_000_000_000)
            handler.isOpen.withLock { $0 = true }
            try await eventually {
                time.advance(by: .seconds(1))
                return handler.running.withLock { $0 } == 0
            }
        }
    }
}
