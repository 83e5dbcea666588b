import Spillway
import SpillwayCore
import Synchronization
import Testing

@testable import SpillwayRocksDB

/// Fences against calls that wait for the writer.
@Suite struct RocksFencingTests {
    let homes = FailureHomes()
    private let partition = recordName(0).partition

    /// Waits until a generation is refused.
    private func eventuallyFenced(_ store: RocksFailureStore, _ generation: UInt64) async throws {
        try await eventually("generation \(generation) is fenced", looks: 500) {
            (try? store.fences.withLock { try $0.check(group: "g", [partition: generation]) }) == nil
        }
    }

    private func eventuallyPending(_ store: RocksFailureStore) async throws {
        try await eventually("a change waits for the writer") { store.writer.pendingChanges >= 1 }
    }

    /// A call is refused by who opened the partition while it waited, though nobody had when it came.
    @Test func aCallThatWaitsIsRefusedByWhoOpensMeanwhile() async throws {
        let store = try homes.open()
        let gate = Gate()
        let partition = partition
        let error = try await withThrowingTaskGroup(of: FailureStoreError?.self) { group in
            // Whatever fails, the group waits for the writer.
            defer { gate.open() }
            group.addTask {
                try await store.writer.executor.run { gate.wait() }
                return nil
            }
            group.addTask {
                do {
                    try await store.apply(
                        [.put(sideEntry(recordName(1), .held))], group: "g", generations: [partition: 1])
                } catch let error as FailureStoreError { return error }
                return nil
            }
            try await eventuallyPending(store)
            group.addTask {
                let held = try await store.open(group: "g", partition: partition, generation: 2)
                #expect(held.isEmpty)
                return nil
            }
            try await eventuallyFenced(store, 1)
            gate.open()
            return try await group.reduce(nil) { $0 ?? $1 }
        }
        #expect(error?.code == .fenced)
        #expect(error?.isRetriable == false)
        #expect(try await store.heldKeys(group: "g", partition: partition) == [])
        try homes.closeAll()
    }

    /// What was let through before the partition was opened is in what opening returns, though it was not written yet.
    @Test func openingWaitsForWhatWasLetThrough() async throws {
        let store = try homes.open()
        let gate = Gate()
        let partition = partition
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Whatever fails, the group waits for the writer.
            defer { gate.open() }
            group.addTask { try await store.writer.executor.run { gate.wait() } }
            group.addTask {
                try await store.apply(
                    [.put(sideEntry(recordName(1), .held))], group: "g", generations: [partition: 2])
            }
            try await eventuallyPending(store)
            group.addTask {
                let held = try await store.open(group: "g", partition: partition, generation: 2)
                #expect(held.map(\.records) == [1])
            }
            try await eventuallyFenced(store, 1)
            gate.open()
            try await group.waitForAll()
        }
        try homes.closeAll()
    }

    /// The fences of a group's partitions outlive the group.
    @Test func aGroupThatComesAgainIsNoEarlierOwner() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let store = try RocksFailureStore(fixture.database)
        let partition = TopicPartition(source: "embedded", topic: "t", partition: 0)
        for round: UInt64 in 1...3 {
            let subscription = try await fixture.broker.subscribe(.init(topic: "t", group: "g"))
            guard case .assigned(let assignments) = try await subscription.next() else {
                Issue.record("a member that is alone gets the partition")
                break
            }
            let generation = try #require(assignments.first?.generation)
            _ = try await store.open(group: "g", partition: partition, generation: generation)
            let name = RecordName(group: "g", partition: partition, position: Position(high: 1, low: round))
            try await store.apply([.put(sideEntry(name))], group: "g", generations: [partition: generation])
            await subscription.close()
            if round == 2 { #expect(try await fixture.broker.deleteGroup("g", topic: "t")) }
        }
        #expect(try await store.sideCount(group: "g").records == 3)
        store.close()
        try await fixture.close()
    }
}
