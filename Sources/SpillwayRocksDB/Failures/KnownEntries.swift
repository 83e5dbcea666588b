internal import Spillway

/// Where entries of the side queues are, as far as that is known without a look at the rows of their names.
///
/// Each place, a group and a partition, has a position above which everything is known: an entry that is not here does
/// not exist. Up to it only what was read or written lately is known. So what fails gets into the side queue, and what is
/// read there is taken out, without a look. When it holds too much it forgets all entries, and the positions rise.
///
/// What is read is as old as the reader's view of the rows: each read is registered, and what is written of its place
/// meanwhile is not learned from it.
struct KnownEntries: Sendable {
    enum Location: Equatable, Sendable {
        case delayed(dueMs: Int64, byteCount: Int)
        /// It is there, held under a key that only its row tells.
        case held
    }

    enum Finding: Equatable, Sendable {
        case absent
        case delayed(dueMs: Int64, byteCount: Int)
        /// The row of the name says it.
        case unknown
    }

    private struct Name: Hashable, Sendable {
        let place: Int
        let position: Position
    }

    private struct Place: Sendable {
        /// Above it everything is known; `nil` if everything is.
        var unknownTo: Position?
        /// No entry that was ever here has a higher position.
        var highest: Position?
        /// Reads that are under way.
        var reads = 0
        /// What was written since the first of them began; `nil` if that is too much.
        var written: Set<Position>? = []
    }

    private var numbers: [[UInt8]: Int] = [:]
    private var places: [Place] = []
    private var entries: [Name: Location] = [:]
    private let maxEntries: Int
    private let maxWritten: Int

    init(maxEntries: Int = 32_768, maxWritten: Int = 4_096) {
        self.maxEntries = maxEntries
        self.maxWritten = maxWritten
    }

    /// The number of a place; one that was not seen before has no entries.
    mutating func number(of prefix: [UInt8]) -> Int {
        let next = places.count
        let number = numbers.number(of: prefix, next: next)
        if number == next { places.append(Place()) }
        return number
    }

    /// Tells of a place that has entries, when the store is opened.
    mutating func load(_ prefix: [UInt8], highest: Position) {
        let number = number(of: prefix)
        places[number].highest = highest
        places[number].unknownTo = highest
    }

    func find(_ place: Int, _ position: Position) -> Finding {
        switch entries[Name(place: place, position: position)] {
        case .delayed(let dueMs, let byteCount): .delayed(dueMs: dueMs, byteCount: byteCount)
        case .held: .unknown
        case nil: places[place].unknownTo.map { position <= $0 } ?? false ? .unknown : .absent
        }
    }

    /// Tells of an entry that was written, or removed.
    mutating func set(_ place: Int, _ position: Position, _ location: Location?) {
        if places[place].reads > 0, let count = places[place].written?.count {
            if count < maxWritten { places[place].written?.insert(position) } else { places[place].written = nil }
        }
        guard let location else {
            entries[Name(place: place, position: position)] = nil
            return
        }
        makeRoom()
        if places[place].highest.map({ $0 < position }) ?? true { places[place].highest = position }
        entries[Name(place: place, position: position)] = location
    }

    private mutating func makeRoom() {
        guard entries.count >= maxEntries else { return }
        entries.removeAll(keepingCapacity: true)
        for index in places.indices { places[index].unknownTo = places[index].highest }
    }

    // MARK: Reading

    /// Begins a read of a place, in the same step in which its view of the rows is made.
    mutating func beginRead(_ place: Int) {
        if places[place].reads == 0 { places[place].written = [] }
        places[place].reads += 1
    }

    /// Ends a read, with the delayed entries that it found.
    mutating func endRead(_ place: Int, _ found: [(position: Position, location: Location)]) {
        places[place].reads -= 1
        guard let written = places[place].written else { return }
        for (position, location) in found.prefix(maxEntries / 2) where !written.contains(position) {
            makeRoom()
            entries[Name(place: place, position: position)] = location
        }
    }
}
