import Testing

@testable import SpillwayRocksDB

/// Who owns what: vectors, and walks at random that check what must hold after every step.
@Suite struct GroupMembershipTests {
    @Test func theFirstMemberGetsEverything() {
        var group = GroupMembership(partitions: 3)
        #expect(
            group.join(1) == (0..<3).map { .assigned(member: 1, partition: $0, generation: 1) })
        #expect(group.mayCommit(1, partition: 2, generation: 1))
        #expect(!group.mayCommit(1, partition: 2, generation: 0))
        #expect(!group.mayCommit(2, partition: 2, generation: 1))
    }

    @Test func aPartitionMovesOnlyAfterItWasGivenBack() {
        var group = GroupMembership(partitions: 2)
        _ = group.join(1)
        #expect(group.join(2) == [.revoking(member: 1, partition: 1)])
        #expect(group.mayCommit(1, partition: 1, generation: 1))
        #expect(group.completeRevocation(2, [1]) == [])
        #expect(
            group.completeRevocation(1, [1]) == [.assigned(member: 2, partition: 1, generation: 2)])
        #expect(!group.mayCommit(1, partition: 1, generation: 1))
    }

    @Test func aLateMemberLosesWhatItDidNotGiveBack() {
        var group = GroupMembership(partitions: 2)
        _ = group.join(1)
        _ = group.join(2)
        #expect(group.expireRevocation(1, 1, generation: 7) == [])
        #expect(
            group.expireRevocation(1, 1, generation: 1) == [
                .lost(member: 1, partition: 1), .assigned(member: 2, partition: 1, generation: 2),
            ])
        #expect(group.completeRevocation(1, [1]) == [])
    }

    @Test(arguments: 0..<50)
    func walks(_ seed: UInt64) throws {
        var random = Generator(state: seed &* 0x9e37_79b9_7f4a_7c15 | 1)
        let partitions = Int.random(in: 1...7, using: &random)
        var group = GroupMembership(partitions: partitions)
        var owned: [Int: (member: UInt64, generation: UInt64)] = [:]
        var revoking: Set<Int> = []
        var generations = [Int: UInt64]()
        var nextMember: UInt64 = 1
        func apply(_ events: [GroupMembership.Event]) throws {
            for event in events {
                switch event {
                case .assigned(let member, let partition, let generation):
                    #expect(owned[partition] == nil, "no one else owns it, seed \(seed)")
                    #expect(generation > generations[partition, default: 0])
                    generations[partition] = generation
                    owned[partition] = (member, generation)
                case .revoking(let member, let partition):
                    #expect(owned[partition]?.member == member)
                    revoking.insert(partition)
                case .lost(let member, let partition):
                    #expect(owned[partition]?.member == member)
                    owned[partition] = nil
                    revoking.remove(partition)
                }
            }
        }
        for _ in 0..<200 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                try apply(group.join(nextMember))
                nextMember += 1
            case 1:
                guard let member = group.members.randomElement(using: &random) else { continue }
                for (partition, owner) in owned where owner.member == member {
                    owned[partition] = nil
                    revoking.remove(partition)
                }
                try apply(group.leave(member))
            case 2:
                guard let partition = revoking.randomElement(using: &random), let owner = owned[partition] else {
                    continue
                }
                owned[partition] = nil
                revoking.remove(partition)
                try apply(group.completeRevocation(owner.member, [partition]))
            default:
                guard let partition = revoking.randomElement(using: &random), let owner = owned[partition] else {
                    continue
                }
                try apply(group.expireRevocation(owner.member, partition, generation: owner.generation))
            }
            for (partition, owner) in owned {
                #expect(group.mayCommit(owner.member, partition: partition, generation: owner.generation))
            }
        }
        // Everything that is asked for is given back: then all is owned, and evenly.
        while let partition = revoking.first, let owner = owned[partition] {
            owned[partition] = nil
            revoking.remove(partition)
            try apply(group.completeRevocation(owner.member, [partition]))
        }
        guard !group.members.isEmpty else { return }
        #expect(owned.count == partitions)
        let counts = group.members.map { member in owned.values.count { $0.member == member } }
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }
}

/// SplitMix64, so that a seed gives one walk everywhere.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
