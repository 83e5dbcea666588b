internal import Reactions
internal import Spillway
internal import SpillwayRocksDB
internal import Synchronization

/// Gives users their numbers.
///
/// A new number is in use before the transaction that stores it is written, and another partition may use it too; so
/// until one has been written, every transaction that refers to the user stores the mapping.
final class UserDirectory: Sendable {
    private struct State {
        var known: GenerationCache<ExactName, UInt64>
        var unsaved: [ExactName: UInt64] = [:]
        var next: UInt64
    }

    private let state: Mutex<State>
    private let database: Database
    private let families: ReactionFamilies

    init(_ database: Database, _ families: ReactionFamilies, next: UInt64, cachedEntries: Int = 500_000) {
        self.database = database
        self.families = families
        state = Mutex(State(known: GenerationCache(limit: cachedEntries / 2), next: next))
    }

    /// The numbers of the events' users, in their order, and the mappings that the transaction must store.
    func resolve(_ events: [PositionedEvent]) throws -> (numbers: [UInt64], unsaved: [ExactName: UInt64]) {
        var numbers = [UInt64](repeating: 0, count: events.count)
        var unsaved: [ExactName: UInt64] = [:]
        var missing: [Int] = []
        state.withLock { state in
            for (index, event) in events.enumerated() {
                let user = ExactName(event.event.userID)
                if let number = state.known.value(user) {
                    numbers[index] = number
                } else if let number = state.unsaved[user] {
                    numbers[index] = number
                    unsaved[user] = number
                } else {
                    missing.append(index)
                }
            }
        }
        if missing.isEmpty { return (numbers, unsaved) }
        let stored = try read(missing.map { events[$0].event.userID }, Database.ReadOptions())
        state.withLock { state in
            for (place, index) in missing.enumerated() {
                let user = ExactName(events[index].event.userID)
                if let number = stored[place] {
                    state.known.set(number, for: user)
                    numbers[index] = number
                } else if let number = state.known.value(user) {
                    numbers[index] = number
                } else {
                    let number = state.unsaved[user] ?? state.next
                    if number == state.next { state.next += 1 }
                    state.unsaved[user] = number
                    unsaved[user] = number
                    numbers[index] = number
                }
            }
        }
        return (numbers, unsaved)
    }

    /// These mappings are written.
    func saved(_ users: [ExactName: UInt64]) {
        if users.isEmpty { return }
        state.withLock { state in
            for (user, number) in users {
                state.unsaved[user] = nil
                state.known.set(number, for: user)
            }
        }
    }

    /// A user's number; `.some(nil)` if the user has none, `nil` if that can't be told without the disk.
    func number(of user: String, tier: Reactions.ReadTier) throws -> UInt64?? {
        if let number = state.withLock({ $0.known.value(ExactName(user)) }) { return .some(number) }
        do {
            // One get costs less than a multi-get of one.
            let number = try unsafe database.withValue(
                families.users, Array(user.utf8), options: Database.ReadOptions(tier), Self.number
            ).flatMap(\.self)
            if let number { state.withLock { $0.known.set(number, for: ExactName(user)) } }
            return .some(number)
        } catch let error as DatabaseError where error.code == .incomplete {
            return nil
        }
    }

    /// The numbers that have been given so far, or may have been.
    var numbers: Range<UInt64> { 1..<state.withLock { $0.next } }

    /// The users with these numbers, rising. Remembers them: who walks over users will be asked for them.
    func users(_ numbers: Range<UInt64>) throws -> [StoredUser] {
        let iterator = database.iterator(
            families.userNames,
            Database.IteratorOptions(
                lower: Numbers.bytes(numbers.lowerBound), upper: Numbers.bytes(numbers.upperBound)))
        var users: [StoredUser] = []
        users.reserveCapacity(numbers.count)
        var isValid = iterator.seekToFirst()
        while isValid {
            unsafe iterator.withEntry { key, value in
                var reader = unsafe ByteReader(key)
                guard let number = reader.number() else { return }
                let id = unsafe String(decoding: value, as: UTF8.self)
                users.append(StoredUser(number: number, id: id))
            }
            isValid = iterator.next()
        }
        try iterator.check()
        state.withLock { state in for user in users { state.known.set(user.number, for: ExactName(user.id)) } }
        return users
    }

    private func read(_ users: [String], _ options: Database.ReadOptions) throws -> [UInt64?] {
        var keys = KeyBatch(reservingKeys: users.count)
        for user in users { keys.append(user.utf8) }
        var numbers = [UInt64?](repeating: nil, count: users.count)
        try unsafe database.multiGet(families.users, keys, options: options) { index, value in
            if let value = unsafe value { numbers[index] = unsafe Self.number(value) }
        }
        return numbers
    }

    private static func number(_ value: UnsafeRawBufferPointer) -> UInt64? {
        var reader = unsafe ByteReader(value)
        return reader.number()
    }
}

extension Database.ReadOptions {
    init(_ tier: Reactions.ReadTier, snapshot: Database.Snapshot? = nil) {
        self.init()
        self.tier = tier == .memory ? .cacheOnly : .all
        self.snapshot = snapshot
    }
}
