import Testing

@testable import SpillwayRocksDB

@Suite struct GroupGatheringTests {
    /// What a crowd of clients in a closed loop does: those who were answered send again, and all come before the wait ends.
    private func settled(clients: Int) -> (gathering: GroupGathering, group: Int) {
        var gathering = GroupGathering()
        var group = 1
        for _ in 0..<100 {
            group = min(clients, max(1, gathering.wanted))
            gathering.wrote(sends: group, queued: clients - group)
        }
        return (gathering, group)
    }

    @Test(arguments: 1...3) func fewAreNeverWaitedFor(clients: Int) {
        #expect(settled(clients: clients).gathering.wanted == 1)
    }

    @Test(arguments: 4...32) func someAreTakenTogether(clients: Int) {
        #expect(settled(clients: clients).gathering.wanted == clients)
    }

    @Test(arguments: [(48, 32), (64, 32), (100, 50), (200, 100)]) func aCrowdIsNotWaitedForWhole(
        clients: Int, group: Int
    ) {
        #expect(settled(clients: clients).group == group)
    }

    @Test func whoHasLeftIsForgotten() {
        var gathering = settled(clients: 64).gathering
        var groups = 0
        while gathering.wanted > 1, groups < 100 {
            gathering.wrote(sends: 1, queued: 0)
            groups += 1
        }
        #expect(groups < 30)
    }
}
