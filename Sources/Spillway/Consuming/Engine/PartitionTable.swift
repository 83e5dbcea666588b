/// The assignments that an engine has, each in a slot that does not move while it lasts, so that a record finds its own
/// without a search.
struct PartitionTable: Sendable {
    private var slots: ContiguousArray<PartitionState> = []
    private var free: [Int] = []
    private var slotOfEpoch: [UInt64: Int] = [:]

    var count: Int { slotOfEpoch.count }
    var isEmpty: Bool { slotOfEpoch.isEmpty }
    /// The epochs, oldest first.
    var epochs: [UInt64] { slotOfEpoch.keys.sorted() }
    /// The assignments, oldest first.
    var all: [PartitionState] { epochs.compactMap { self[epoch: $0] } }

    /// Where the assignment of an epoch is; `nil` if it has gone.
    func slot(of epoch: UInt64) -> Int? { slotOfEpoch[epoch] }

    /// True if the slot still holds that epoch.
    func isLive(_ slot: Int, _ epoch: UInt64) -> Bool { slots[slot].epoch == epoch }

    /// The assignment in a slot that is in use.
    subscript(slot: Int) -> PartitionState {
        get { slots[slot] }
        _modify { yield &slots[slot] }
    }

    // One field each, for what is done with every record, without a copy of the whole.

    func partition(_ slot: Int) -> TopicPartition { slots[slot].partition }
    func generation(_ slot: Int) -> UInt64 { slots[slot].generation }
    func isPaused(_ slot: Int) -> Bool { slots[slot].isPaused }

    /// True if some assignment has stopped its intake.
    var hasPaused: Bool { slots.contains { $0.isPaused } }

    /// True if the broker delivers records of some assignment.
    var canReceive: Bool {
        slots.contains { $0.epoch != 0 && $0.phase == .active && !$0.isPaused && !$0.isPausedByUser }
    }

    /// The assignment of an epoch, as a copy.
    subscript(epoch epoch: UInt64) -> PartitionState? { slotOfEpoch[epoch].map { slots[$0] } }

    /// Puts an assignment into a slot, and returns which.
    @discardableResult
    mutating func insert(_ state: PartitionState) -> Int {
        let slot = free.popLast() ?? slots.count
        if slot == slots.count { slots.append(state) } else { slots[slot] = state }
        slotOfEpoch[state.epoch] = slot
        return slot
    }

    @discardableResult
    mutating func remove(_ epoch: UInt64) -> PartitionState? {
        guard let slot = slotOfEpoch.removeValue(forKey: epoch) else { return nil }
        defer { slots[slot] = .none }
        free.append(slot)
        return slots[slot]
    }
}
