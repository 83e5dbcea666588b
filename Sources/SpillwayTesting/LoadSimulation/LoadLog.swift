import Spillway
import SpillwayCore

/// A partition's log in a ``LoadSimulation``, and how its records ended.
struct LoadLog {
    enum End: UInt8 {
        case none
        case handled
        case givenUp
    }

    struct Entry {
        var arrived: MonotonicInstant
        var traffic: Int
        var key: Int
        var handling: Duration
        var end = End.none
        var ended = MonotonicInstant.zero
    }

    /// A key of some traffic.
    struct Key: Hashable {
        var traffic: Int
        var key: Int
    }

    let name: TopicPartition
    var entries: [Entry] = []
    /// How many were delivered.
    var delivered = 0
    /// Up to where everything has ended or is in the side queue.
    private(set) var prefix = 0
    /// Up to where it is committed.
    private(set) var committed = 0
    var isPaused = false
    /// The last record of each key that was handled.
    private var lastHandled: [Key: Int] = [:]
    /// The keys that are being handled.
    private var running: Set<Key> = []

    init(_ number: Int) { name = TopicPartition(source: "load", topic: "t", partition: number) }

    static func position(_ index: Int) -> Position { Position(high: 1, low: UInt64(index)) }
    static func index(of record: Record) -> Int { Int(record.position?.low ?? 0) }

    func record(_ index: Int, key: [UInt8]?) -> Record {
        Record(key: key, value: [], position: Self.position(index), timestampMs: 0)
    }

    func key(_ index: Int) -> Key { Key(traffic: entries[index].traffic, key: entries[index].key) }

    /// A worker begins with a record.
    mutating func begin(_ index: Int, order: OrderMode) throws(SimulationViolation) {
        guard order == .key else { return }
        guard running.insert(key(index)).inserted else {
            throw SimulationViolation("order: two at once of the key of record \(index) of \(name)")
        }
    }

    /// A worker is done with a record, however that ended.
    mutating func leave(_ index: Int) { running.remove(key(index)) }

    /// A record was handled. Where order holds it comes behind all of its key that were.
    mutating func handled(_ index: Int, keepsOrder: Bool, at now: MonotonicInstant) throws(SimulationViolation) {
        guard entries[index].end == .none else {
            throw SimulationViolation("repeat: record \(index) of \(name) was handled twice")
        }
        if keepsOrder, let last = lastHandled.updateValue(index, forKey: key(index)), last > index {
            throw SimulationViolation("order: record \(index) of \(name) behind \(last) of its key")
        }
        entries[index].end = .handled
        entries[index].ended = now
    }

    /// How many records lie between the lowest that is not safe and the last that was delivered.
    mutating func window(isStored: (Int) -> Bool) -> Int {
        while prefix < delivered, entries[prefix].end != .none || isStored(prefix) { prefix += 1 }
        return delivered - prefix
    }

    /// A commit passes nothing that is neither done nor stored when it is decided; later that may have changed.
    mutating func check(commit next: Position, isStored: (Int) -> Bool) throws(SimulationViolation) {
        _ = window(isStored: isStored)
        guard next <= Self.position(prefix) else {
            throw SimulationViolation("commit: \(next) passes record \(prefix) of \(name)")
        }
    }

    /// A commit has taken effect.
    mutating func commit(_ next: Position) { committed = next.high == 0 ? 0 : Int(next.low) }
}
