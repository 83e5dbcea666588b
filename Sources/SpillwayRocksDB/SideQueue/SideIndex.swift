internal import Spillway
internal import Synchronization

/// Where every entry of the side queues is: in memory, made from the rows when the store is opened.
///
/// It knows each name, so that what fails gets into the side queue and out of it without a look at the disk, and the order
/// in which delayed entries are due. An entry costs about a hundred bytes, so what it takes is bounded by the limit on the
/// records of a side queue.
final class SideIndex: Sendable {
    /// Where a stored entry is.
    enum Location: Equatable, Sendable {
        /// The row of its name says under which key.
        case held(byteCount: Int)
        case delayed(byteCount: Int, SideRemovals.Entry)

        var byteCount: Int {
            switch self {
            case .held(let byteCount), .delayed(let byteCount, _): byteCount
            }
        }
    }

    /// A delayed entry, to be read from its block.
    struct Reference: Equatable, Sendable {
        var position: Position
        var block: UInt64
        var start: UInt32
        var length: UInt32
    }

    /// What a write has changed in a place.
    struct PlaceChange: Sendable {
        let place: SidePlace
        /// Entries that went, or were put anew.
        var removed: [Position] = []
        var held: [(position: Position, byteCount: Int)] = []
        var blocks: [SideBlock] = []

        var isEmpty: Bool { removed.isEmpty && held.isEmpty && blocks.isEmpty }
    }

    /// What a write has changed.
    struct Change: Sendable {
        var places: [PlaceChange] = []
        /// The number of the row that names those of the removed entries that were in blocks; `nil` if none was.
        var removal: UInt64?
    }

    /// A row that nothing needs any more.
    enum DeadRow: Equatable, Sendable {
        case block(UInt64)
        case removals(UInt64)
    }

    private struct Removal: Sendable {
        var number: UInt64
        /// How many blocks are there that it names.
        var blocks = 0
    }

    private let empty: PlaceIndex
    private let places = Mutex<[[UInt8]: SidePlace]>([:])
    private let removals = Mutex(Slots<Removal>())

    /// - Parameter empty: what the index of a place begins with.
    init(_ empty: PlaceIndex = PlaceIndex()) { self.empty = empty }

    /// A place; one that was not seen before has no entries.
    func place(_ prefix: [UInt8]) -> SidePlace {
        places.withLock { places in
            if let place = places[prefix] { return place }
            let made = SidePlace(prefix, empty)
            places[prefix] = made
            return made
        }
    }

    /// A place that was seen before.
    func find(_ prefix: [UInt8]) -> SidePlace? { places.withLock { $0[prefix] } }

    /// Takes what a write has changed; one at a time.
    ///
    /// - Returns: the rows that nothing needs any more.
    func apply(_ change: Change) -> [DeadRow] {
        let removal = change.removal.map(addRemovals)
        var dead: [DeadRow] = []
        var (named, unnamed): (Int, [UInt32]) = (0, [])
        for part in change.places where !part.isEmpty {
            var effect = PlaceIndex.Effect()
            part.place.withIndex { $0.apply(part, removal: removal, &effect) }
            named += effect.named
            unnamed += effect.unnamed
            dead += effect.emptied.map { .block($0) }
        }
        removals.withLock { removals in
            if let removal { removals[removal].blocks += named }
            for removal in unnamed {
                removals[removal].blocks -= 1
                guard removals[removal].blocks == 0 else { continue }
                dead.append(.removals(removals[removal].number))
                removals.free(removal)
            }
        }
        return dead
    }

    /// How much each group has, by the bytes of its name.
    func counts() throws -> [[UInt8]: FailureCount] {
        var counts: [[UInt8]: FailureCount] = [:]
        for place in places.withLock({ Array($0.values) }) {
            let count = place.withIndex { $0.count }
            guard count.records > 0 else { continue }
            let group = try FailureKeys.group(ofName: place.prefix)
            counts[group, default: .zero].records += count.records
            counts[group, default: .zero].bytes += count.bytes
        }
        return counts
    }

    // MARK: Loading

    /// Puts what was added to places in its order.
    func settle() { for place in places.withLock({ Array($0.values) }) { place.withIndex { $0.settle() } } }

    /// Adds a row of removals, for blocks to be named by it; or to be freed.
    func addRemovals(_ number: UInt64) -> UInt32 { removals.withLock { $0.add(Removal(number: number)) } }

    func freeRemovals(_ slot: UInt32) { removals.withLock { $0.free(slot) } }

    /// Adds a block that was found, with those of its items that are there.
    ///
    /// - Parameter named: the rows of removals that name others of its items, each once.
    func add(_ block: SideBlock, in place: SidePlace, items: [SideBlock.Item], removals named: [UInt32]) {
        place.withIndex { $0.add(block, items: items, removals: named) }
        removals.withLock { removals in for removal in named { removals[removal].blocks += 1 } }
    }
}

extension WriteBatch {
    /// Deletes rows that nothing needs any more.
    func deleteRows(_ rows: [SideIndex.DeadRow], _ side: ColumnFamily) {
        for row in rows {
            let key =
                switch row {
                case .block(let number): SideBlock.key(number)
                case .removals(let number): SideRemovals.key(number)
                }
            unsafe key.withUnsafeBytes { unsafe singleDelete(side, $0) }
        }
    }
}
