import Spillway
import SpillwayCore
import Synchronization
import Testing

@testable import SpillwayRocksDB

/// What still runs on the broker's threads when it is closed.
@Suite struct EmbeddedBrokerClosingTests {
    private final class Ends: Sendable {
        private let state = Mutex((isGateOpen: false, closedBefore: Bool?.none))

        /// Whether the broker was closed before the gate was opened; `nil` while it is not closed.
        var closedBefore: Bool? { state.withLock { $0.closedBefore } }

        func close() { state.withLock { $0.closedBefore = !$0.isGateOpen } }
        func openGate() { state.withLock { $0.isGateOpen = true } }
    }

    /// The database is closed next, which what still reads it would not survive.
    @Test func closingWaitsForWhatRunsOnTheBrokersThreads() async throws {
        let fixture = try BrokerFixture()
        let broker = fixture.broker
        _ = try await broker.ensureTopic("t", partitions: 1)
        let gate = Gate()
        let ends = Ends()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Whatever fails, the group waits for the threads.
            defer { gate.open() }
            let begun = Seen()
            group.addTask {
                try await broker.work.run {
                    begun.add(1)
                    gate.wait()
                }
            }
            try await eventually("a thread is held") { begun.count == 1 }
            group.addTask {
                await broker.close()
                ends.close()
            }
            try await eventually("sends are refused") {
                do {
                    _ = try await broker.send(Message(value: [1]), to: "t")
                    return false
                } catch let error as BrokerError { return error.code == .closed }
            }
            // Nothing is left for it to do but to wait: what has to hold is that it does.
            for _ in 0..<50 where ends.closedBefore == nil {
                try await Task.sleep(for: .milliseconds(2))
            }
            ends.openGate()
            gate.open()
            try await group.waitForAll()
        }
        #expect(ends.closedBefore == false)
        try fixture.database.close()
    }

    @Test func whatComesAfterTheEndIsToldSo() async throws {
        let fixture = try BrokerFixture()
        let broker = fixture.broker
        _ = try await broker.ensureTopic("t", partitions: 1)
        _ = try await broker.send(Message(value: [1], timestampMs: 5), to: "t")
        await broker.close()
        await broker.close()
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await broker.positions(of: "t", atOrAfterMs: 5) },
            { _ = try await broker.committed(group: "g", topic: "t") },
            { _ = try await broker.subscribe(.init(topic: "t", group: "g")) },
            { _ = try await broker.ensureTopic("another", partitions: 1) },
            { _ = try await broker.groups() },
            { try await broker.runRetention() },
        ]
        for (number, call) in calls.enumerated() {
            let error = await #expect(throws: BrokerError.self, "call \(number)") { try await call() }
            #expect(error?.code == .closed, "call \(number)")
        }
        try fixture.database.close()
    }
}
