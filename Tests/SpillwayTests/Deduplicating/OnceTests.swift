import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// What `Deduplicator.once` says of an effect: whether it ran.
@Suite final class OnceTests {
    private let store: FailingDeduplicator
    private let runs = Mutex(0)
    private let id = EventID(scope: [], id: [1])

    init() throws {
        var limits = DeduplicatorLimits()
        limits.maxEntries = 1
        store = FailingDeduplicator(try InMemoryDeduplicator(limits: limits))
    }

    private func failure(of id: EventID) async -> DeduplicatorError? {
        await #expect(throws: DeduplicatorError.self) {
            _ = try await store.once(id) { _ in runs.withLock { $0 += 1 } }
        }
    }

    @Test func aMarkThatFailsSaysThatTheEffectIsThere() async throws {
        store.completeFails.withLock { $0 = true }
        let error = await failure(of: id)
        #expect(error?.code == .markFailed && error?.isRetriable == false)
        #expect((error?.cause as? DeduplicatorError)?.code == .failed)
        #expect(runs.withLock { $0 } == 1)
    }

    @Test func everyOtherFailureOfTheStoreSaysThatTheEffectDidNotRun() async throws {
        #expect(await failure(of: EventID(scope: [], id: []))?.code == .invalidID)
        store.beginFails.withLock { $0 = true }
        #expect(await failure(of: id)?.code == .failed)
        store.beginFails.withLock { $0 = false }
        _ = try await store.begin(id)
        #expect(await failure(of: id)?.code == .inProgress)
        #expect(await failure(of: EventID(scope: [], id: [2]))?.code == .full)
        #expect(runs.withLock { $0 } == 0)
    }
}
