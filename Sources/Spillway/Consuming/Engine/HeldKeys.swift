import SpillwayCore

/// The keys whose records wait in the side queue, and how many of them are where.
///
/// A key is here from the moment one of its records is to be held until its last record there is finished. Meanwhile
/// every record of the key that arrives follows the others: into the pending list, from there into the store, from the
/// store into the key's lane, in order all the way.
struct HeldKeys: Sendable {
    struct Key: Sendable {
        let epoch: UInt64
        let slot: Int
        let key: [UInt8]
        let hash: UInt64
        /// The lowest position that the store has, or had, of the key. Of those above it any may be missing: its last
        /// owner may have put a record there and gone before the ones in front of it were finished or there.
        var first: Position?
        /// Records of the key that come before what is in the store went through its lane, and a commit says of the later
        /// ones already that they are finished, but of these not for sure.
        var followsLane = false
        /// The commit that has to be stored before loading goes on; see ``followsLane``.
        var loadsAfterCommit: UInt64?
        /// In the store, and not in memory.
        var unloaded = 0
        /// In the store, and in the key's lane.
        var loaded = 0
        /// Finished; their removal waits or is with the store.
        var removing = 0
        /// With the store, to be put; and the first of them.
        var writing = 0
        var writingFrom: Position?
        /// The lowest position that was put while a load was under way: the load may have missed it.
        var putWhileLoading: Position?
        /// A put has failed, and nobody knows whether the store has its records all the same.
        var isUnsure = false
        /// The store had no room for the first of those that are pending, so that one is not there for sure.
        var isFirstAbsent = false
        /// The head's new due time is with the store, or waits for it.
        var isUpdating = false
        /// Arrived, and not with the store yet.
        var pending = EntryList()
        /// Stands in the queue of keys with something to put.
        var isQueued = false
        /// When the first record may be handled.
        var dueAt: MonotonicInstant
        /// Where loading goes on: the store has nothing of the key before it that is not in memory. `nil` until something
        /// of the key is there.
        var loadFrom: Position?
        /// The first record that the store has, where it was read and might not be taken yet.
        var waitsFor: Position?
        var isLoading = false
        /// When it will be handed out; `nil` if nobody has asked for that.
        var scheduledFor: MonotonicInstant?
        /// Stands among those that are kept for the next look.
        var isWaiting = false

        /// True if something of the key is in the store, or on its way back or out of it.
        var hasStored: Bool { unloaded > 0 || loaded > 0 || removing > 0 || isUpdating || isLoading }
        /// True if nothing of the key is in the store, or on its way there or back.
        var isEmptyInStore: Bool { !hasStored && writing == 0 && !isUnsure }
    }

    private var keys: ContiguousArray<Key> = []
    private static let none = Key(epoch: 0, slot: 0, key: [], hash: 0, dueAt: .zero)
    private var free: [Int] = []
    private var table = LaneTable()
    private(set) var due = ParkedLanes()
    /// Keys that are due and wait for something else.
    private var waiting: [Int] = []

    var count: Int { table.count }
    var isEmpty: Bool { table.count == 0 }

    /// The key in a place that is in use.
    subscript(place: Int) -> Key {
        get { keys[place] }
        _modify { yield &keys[place] }
    }

    /// True if the place holds a key of that assignment.
    func isLive(_ place: Int, _ epoch: UInt64) -> Bool { keys[place].epoch == epoch }

    /// True if the place holds a key; no key has the epoch zero.
    func isInUse(_ place: Int) -> Bool { keys[place].epoch != 0 }

    func find(_ hash: UInt64, epoch: UInt64, key: ArraySlice<UInt8>) -> Int? {
        if isEmpty { return nil }
        return table.find(hash) { place in
            keys[place].epoch == epoch && keys[place].key[...] == key
        }
    }

    mutating func add(_ key: Key) -> Int {
        let place = free.popLast() ?? keys.count
        if place == keys.count { keys.append(key) } else { keys[place] = key }
        table.insert(key.hash, place)
        return place
    }

    /// Lets a key go that has nothing pending.
    mutating func remove(_ place: Int) {
        table.remove(keys[place].hash, place)
        keys[place] = Self.none
        free.append(place)
    }

    /// Asks for the key to be handed out by ``popDue(_:)`` at its due time, once however often it is asked for.
    mutating func schedule(_ place: Int) {
        let dueAt = keys[place].dueAt
        if let before = keys[place].scheduledFor, before <= dueAt { return }
        keys[place].scheduledFor = dueAt
        due.insert(ParkedLanes.Entry(due: dueAt, lane: place))
    }

    /// A key whose first record may be handled by now; may name one that has another due time, or is another key, by
    /// now.
    mutating func popDue(_ now: MonotonicInstant) -> Int? {
        while let place = due.popDue(now) {
            guard isInUse(place) else { continue }
            keys[place].scheduledFor = nil
            return place
        }
        return nil
    }

    /// Keeps a key for the next look.
    mutating func wait(_ place: Int) {
        guard !keys[place].isWaiting else { return }
        keys[place].isWaiting = true
        waiting.append(place)
    }

    /// The keys that were kept.
    mutating func takeWaiting() -> [Int] {
        defer { waiting = [] }
        for place in waiting { keys[place].isWaiting = false }
        return waiting
    }

    var isWaiting: Bool { !waiting.isEmpty }

    /// The places of an assignment's keys.
    func places(of epoch: UInt64) -> [Int] { isEmpty ? [] : keys.indices.filter { keys[$0].epoch == epoch } }
}
