import Reactions
import ReactionsRocksDB
import Testing

@testable import Spillway

@Suite struct ProjectionsDrainTests {
    @Test func theProjectionsDrainAsLongAsTheServiceIsTold() throws {
        var configuration = ReactionsConfiguration()
        configuration.drainTimeout = .seconds(77)
        let harness = try ServiceHarness(configuration)
        #expect(harness.service.consumers.map(\.configuration.shutdownDrainTimeout) == [.seconds(77)])
    }

    @Test func whatIsAcknowledgedIsAppliedOnceTheServiceHasSettled() async throws {
        let harness = try ServiceHarness()
        let store = harness.temporary.store
        try await harness.run { service in
            // The fetch behind a first vote has just begun to wait.
            for round in 1...20 {
                let receipt = try await service.like("v", "u\(round)")
                await service.settle()
                #expect(service.pendingVotes == 0)
                let applied = try store.appliedPositions()
                let (partition, position) = (receipt.position.partition, receipt.position.position)
                #expect(applied.byTarget[partition] > position && applied.byUser[partition] > position)
            }
        }
    }

    @Test func projectionsThatArePausedAreNotWaitedFor() async throws {
        var configuration = ReactionsConfiguration()
        configuration.projectionsPaused = true
        try await ServiceHarness(configuration).run { service in
            try await service.like("v", "u")
            await service.settle()
            #expect(service.pendingVotes == 1)
        }
    }
}
