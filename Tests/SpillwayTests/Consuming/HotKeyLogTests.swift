import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@testable import Spillway

/// The log names hot keys, which metrics only count.
@Suite struct HotKeyLogTests {
    private struct Taking: SingleHandler {
        func decode(_ record: Record) throws -> Int { 0 }
        func handle(_ event: Int, context: HandlingContext) async throws {}
    }

    private static func message(_ key: String) -> Message { Message(key: Array(key.utf8), value: [1]) }

    @Test func aHotKeyIsNamedAndNamedAgainWhenItHasCooledDown() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let book = LogBook()
        let time = ManualTimeSource()
        var configuration = ConsumerTests.configuration()
        configuration.hotKeys = HotKeyPolicy(share: 0.5, coolShare: 0.3, window: .seconds(4), minRecords: 100)
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .single(Taking()), timeSource: time,
            logger: Logger(label: "test") { _ in LogBook.Handler(book: book) })
        func line(_ text: String) -> Logger.Metadata? {
            book.lines.withLock { $0.first { $0.text.hasPrefix(text) }?.metadata }
        }
        try await ConsumerTests.run(consumer) {
            for number in 0..<400 {
                _ = try await broker.send(Self.message(number % 4 == 0 ? "k\(number)" : "hot"), to: "t")
            }
            try await eventually {
                time.advance(by: .milliseconds(100))
                return line("a key is hot") != nil
            }
            #expect(line("a key is hot")?["key"] == "hot" && line("a key is hot")?["partition"] == "memory/t/0")
            #expect(line("a key is no longer hot") == nil)
            var number = 0
            try await eventually {
                time.advance(by: .seconds(1))
                for _ in 0..<20 {
                    number += 1
                    _ = try await broker.send(Self.message("cold\(number)"), to: "t")
                }
                return line("a key is no longer hot") != nil
            }
            #expect(line("a key is no longer hot")?["key"] == "hot")
        }
        #expect(book.lines.withLock { $0.count { $0.text.hasPrefix("a key is") } } == 2)
    }

    @Test func aPolicyThatMakesEverythingHotDoesNotFloodTheLog() {
        func hot(_ keys: Range<UInt8>) -> [EngineInspection.HotKeyFigures] {
            keys.map {
                .init(
                    partition: TopicPartition(source: "s", topic: "t", partition: 0), key: [$0], share: 0.1,
                    since: .zero)
            }
        }
        var watch = HotKeyWatch()
        #expect(watch.look(at: hot(0..<200)).heated.map(\.key) == (0..<20).map { [$0] })
        #expect(watch.look(at: hot(0..<200)).heated.isEmpty)
        let next = watch.look(at: hot(5..<200))
        #expect(Set(next.cooled.map(\.key)) == Set((0..<5).map { [$0] }))
        #expect(next.heated.map(\.key) == (20..<25).map { [$0] })
        #expect(watch.look(at: []).cooled.count == 20)
    }
}
