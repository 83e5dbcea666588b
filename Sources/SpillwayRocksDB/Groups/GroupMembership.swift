/// Who of a consumer group owns which partition, without I/O. Cooperative: a partition stays with its owner unless the
/// balance asks for it, and goes to another only after its owner has given it back, or has lost it.
struct GroupMembership: Sendable {
    /// What a member is to be told.
    enum Event: Equatable, Sendable {
        case assigned(member: UInt64, partition: Int, generation: UInt64)
        case revoking(member: UInt64, partition: Int)
        case lost(member: UInt64, partition: Int)
    }

    private struct Slot: Sendable {
        var owner: UInt64?
        var generation: UInt64 = 0
        var isRevoking = false
    }

    private var slots: [Slot]
    private(set) var members: [UInt64] = []

    /// - Parameter generation: every generation that it gives is greater.
    init(partitions: Int, above generation: UInt64 = 0) {
        slots = Array(repeating: Slot(generation: generation), count: partitions)
    }

    /// No generation was given that is greater.
    var lastGeneration: UInt64 { slots.reduce(0) { max($0, $1.generation) } }

    /// Whether the member may commit under this generation: also while it is giving the partition back.
    func mayCommit(_ member: UInt64, partition: Int, generation: UInt64) -> Bool {
        slots.indices.contains(partition) && slots[partition].owner == member
            && slots[partition].generation == generation
    }

    mutating func join(_ member: UInt64) -> [Event] {
        members.append(member)
        return balance()
    }

    mutating func leave(_ member: UInt64) -> [Event] {
        members.removeAll { $0 == member }
        for index in slots.indices where slots[index].owner == member { release(index) }
        return balance()
    }

    /// The member has given partitions back.
    mutating func completeRevocation(_ member: UInt64, _ partitions: [Int]) -> [Event] {
        for index in partitions where slots.indices.contains(index) {
            if slots[index].owner == member && slots[index].isRevoking { release(index) }
        }
        return balance()
    }

    /// The member has not given a partition back in time: it loses it.
    mutating func expireRevocation(_ member: UInt64, _ partition: Int, generation: UInt64) -> [Event] {
        guard mayCommit(member, partition: partition, generation: generation), slots[partition].isRevoking else {
            return []
        }
        release(partition)
        return [.lost(member: member, partition: partition)] + balance()
    }

    /// The generation under which the partition was last given to someone.
    func generation(of partition: Int) -> UInt64 { slots[partition].generation }

    private mutating func release(_ index: Int) {
        slots[index].owner = nil
        slots[index].isRevoking = false
    }

    /// How many partitions each member keeps, in the order of joining: no two differ by more than one, and whoever has
    /// more already keeps more.
    private func quotas(_ kept: [UInt64: Int]) -> [UInt64: Int] {
        let least = slots.count / members.count
        let extra = slots.count % members.count
        let order = members.enumerated().sorted {
            let (left, right) = (kept[$0.element, default: 0], kept[$1.element, default: 0])
            return left == right ? $0.offset < $1.offset : left > right
        }
        var quotas: [UInt64: Int] = [:]
        for (rank, member) in order.enumerated() { quotas[member.element] = least + (rank < extra ? 1 : 0) }
        return quotas
    }

    private mutating func balance() -> [Event] {
        guard !members.isEmpty else { return [] }
        var kept: [UInt64: Int] = [:]
        for slot in slots where !slot.isRevoking {
            if let owner = slot.owner { kept[owner, default: 0] += 1 }
        }
        let quotas = quotas(kept)
        var events: [Event] = []
        for index in slots.indices.reversed() {
            guard let owner = slots[index].owner, !slots[index].isRevoking,
                kept[owner, default: 0] > quotas[owner, default: 0]
            else { continue }
            slots[index].isRevoking = true
            kept[owner, default: 0] -= 1
            events.append(.revoking(member: owner, partition: index))
        }
        for index in slots.indices where slots[index].owner == nil {
            guard let member = members.first(where: { kept[$0, default: 0] < quotas[$0, default: 0] }) else { break }
            slots[index].owner = member
            slots[index].generation += 1
            kept[member, default: 0] += 1
            events.append(.assigned(member: member, partition: index, generation: slots[index].generation))
        }
        return events
    }
}
