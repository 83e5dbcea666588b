/// Who of a consumer group owns which partition: cooperative, so that a partition stays with its owner unless the
/// balance asks for it, and goes to another only after its owner gave it back.
struct GroupState: Sendable {
    struct Stored: Sendable {
        var position: Position
        var hint: [UInt8]?
    }

    /// What the members are to be told.
    enum Event: Sendable, Equatable {
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
    var committed: [Int: Stored] = [:]
    var holdsRetention = false

    /// - Parameter generation: every generation that it gives is greater.
    init(partitions: Int, above generation: UInt64) {
        slots = Array(repeating: Slot(generation: generation), count: partitions)
    }

    /// No generation was given that is greater.
    var lastGeneration: UInt64 { slots.reduce(0) { max($0, $1.generation) } }

    /// True if the member may commit under this generation.
    func mayCommit(_ member: UInt64, partition: Int, generation: UInt64) -> Bool {
        slots.indices.contains(partition) && slots[partition].owner == member
            && slots[partition].generation == generation
    }

    func owns(_ member: UInt64, partition: Int) -> Bool {
        slots.indices.contains(partition) && slots[partition].owner == member
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

    /// The member gave a partition back.
    mutating func completeRevocation(_ member: UInt64, partition: Int) -> [Event] {
        guard owns(member, partition: partition), slots[partition].isRevoking else { return [] }
        release(partition)
        return balance()
    }

    /// The member has not been heard of for too long: everything it owned goes at once. It may own partitions again.
    mutating func expire(_ member: UInt64) -> [Event] {
        var events: [Event] = []
        for index in slots.indices where slots[index].owner == member {
            events.append(.lost(member: member, partition: index))
            release(index)
        }
        // Last in line now, so that its partitions go to others if there are any.
        members.removeAll { $0 == member }
        members.append(member)
        return events + balance()
    }

    private mutating func release(_ index: Int) {
        slots[index].owner = nil
        slots[index].isRevoking = false
    }

    private mutating func balance() -> [Event] {
        guard !members.isEmpty else { return [] }
        var events: [Event] = []
        var owned = Dictionary(members.map { ($0, 0) }, uniquingKeysWith: { first, _ in first })
        for slot in slots where !slot.isRevoking {
            if let owner = slot.owner { owned[owner, default: 0] += 1 }
        }
        // Free partitions go to whoever has the fewest.
        for index in slots.indices where slots[index].owner == nil {
            guard let member = members.min(by: { owned[$0, default: 0] < owned[$1, default: 0] }) else { break }
            slots[index].owner = member
            slots[index].generation += 1
            owned[member, default: 0] += 1
            events.append(.assigned(member: member, partition: index, generation: slots[index].generation))
        }
        // What is being given back will go to whoever has the fewest.
        for slot in slots where slot.isRevoking {
            guard let member = members.min(by: { owned[$0, default: 0] < owned[$1, default: 0] }) else { break }
            owned[member, default: 0] += 1
        }
        // Whoever has two more than another gives back.
        while let most = members.max(by: { owned[$0, default: 0] < owned[$1, default: 0] }),
            let least = members.min(by: { owned[$0, default: 0] < owned[$1, default: 0] }),
            owned[most, default: 0] - owned[least, default: 0] > 1,
            let index = slots.indices.last(where: { slots[$0].owner == most && !slots[$0].isRevoking })
        {
            slots[index].isRevoking = true
            owned[most, default: 0] -= 1
            owned[least, default: 0] += 1
            events.append(.revoking(member: most, partition: index))
        }
        return events
    }
}
