internal import Reactions
internal import SpillwayRocksDB

/// Recounts everything from the rows, which are the truth: counts, both lists, and what the retained log says.
///
/// Never compares two figures of the same lineage: a count is compared with the rows, the lists with the rows, the rows
/// with the log. In a store that nobody writes.
///
/// A row that is there and can't be read is damage: what its target's counts and voters should be is not known then, so
/// they are neither compared nor repaired.
public struct ReactionAudit {
    private let store: RocksReactionStore
    private let repairs: Bool
    private let progress: (Int) -> Void
    private var report = AuditReport()
    private var repair = WriteBatch()
    /// Rows read so far.
    private var read = 0

    /// - Parameters:
    ///   - repairs: rewrite counts and lists from the rows. If anything was, the next opening of the database makes a
    ///     new epoch, also if the audit throws.
    ///   - progress: told the number of rows read, every million.
    public init(_ store: RocksReactionStore, repairs: Bool, progress: @escaping (Int) -> Void = { _ in }) {
        self.store = store
        self.repairs = repairs
        self.progress = progress
    }

    /// Recounts; what was repaired is synced when this returns.
    ///
    /// - Throws: `DatabaseError` where the database can't be read. A repair may have been begun then: what it wrote comes
    ///   from what had been read whole.
    public mutating func run() throws -> AuditReport {
        report = AuditReport()
        repair = WriteBatch()
        read = 0
        var rowDigest = Digest()
        try auditTargets(&rowDigest)
        try auditByUser(rowDigest)
        try auditOffsets()
        try flushRepair(atLeast: 1)
        if repairs { try store.database.sync() }
        return report
    }

    // MARK: Targets

    /// What the rows of a target come to.
    private struct Recount {
        var counts = Counts()
        var entries = Digest()
        /// False if one of the rows can't be read: then nothing follows from the others.
        var isWhole = true
    }

    /// Walks targets, rows and voters side by side: all are ordered by the target's number.
    private mutating func auditTargets(_ digest: inout Digest) throws {
        var names = try AuditWalk(store.database, store.families.targetNames)
        var rows = try AuditWalk(store.database, store.families.rows)
        var voters = try AuditWalk(store.database, store.families.voters)
        while names.isValid {
            let name = AuditName(names.iterator)
            if let number = name.number, let id = name.id {
                let recount = try recount(&rows, of: number, id, &digest)
                let (listed, isReadable) = try digestVoters(&voters, of: number)
                if recount.isWhole {
                    if recount.entries != listed || !isReadable { try compareVoters(of: number, id) }
                    try compareCounts(of: id, number, recount.counts)
                }
                report.targets += 1
            } else {
                report.foundDamage(
                    "the name of target \(name.number ?? 0) can't be read: it is not compared and not repaired")
            }
            try names.next()
        }
        while rows.isValid {
            report.found("row of unnamed target")
            try rows.next()
        }
        progress(read)
    }

    /// Counts a target's rows, and steps over those before it.
    private mutating func recount(
        _ rows: inout AuditWalk, of number: UInt64, _ id: String, _ digest: inout Digest
    ) throws -> Recount {
        var recount = Recount()
        while rows.isValid {
            let found = AuditRow(rows.iterator)
            if let target = found.target, target > number { break }
            if let target = found.target, target < number {
                report.found("row of unnamed target \(target)")
            } else if let (key, row) = found.entry {
                count(key, row, &recount)
                digest.add(key, row.reaction, row.version)
            } else if found.target == nil {
                report.foundDamage("a row's key can't be read: no vote and no answer comes to it")
            } else {
                recount.isWhole = false
                report.foundDamage(
                    "the row of user \(found.user ?? 0) on \(id) can't be read: the target is not compared and not repaired"
                )
            }
            read += 1
            if read.isMultiple(of: 1_000_000) { progress(read) }
            try rows.next()
        }
        return recount
    }

    private mutating func count(_ key: RowKey, _ row: ReactionRow, _ recount: inout Recount) {
        switch row.reaction {
        case .none: return
        case .like: recount.counts.likes += 1
        case .dislike: recount.counts.dislikes += 1
        }
        recount.entries.add(key, row.reaction, row.version)
        report.reactions += 1
    }

    /// Sums up a target's voters, and steps over those before them; says whether each entry could be read.
    private mutating func digestVoters(
        _ voters: inout AuditWalk, of number: UInt64
    ) throws -> (listed: Digest, isReadable: Bool) {
        var listed = Digest()
        var isReadable = true
        while voters.isValid {
            let found = AuditListEntry(voters.iterator)
            if let owner = found.owner, owner > number { break }
            if let owner = found.owner, owner < number {
                report.found("voters of unnamed target \(owner)")
            } else if let (reaction, place) = found.entry {
                listed.add(RowKey(target: number, user: place.number), reaction, place.version)
            } else if found.owner == nil {
                report.foundDamage("the key of an entry of voters can't be read")
            } else {
                isReadable = false
            }
            try voters.next()
        }
        return (listed, isReadable)
    }

    private mutating func compareCounts(of id: String, _ number: UInt64, _ counts: Counts) throws {
        let stored = try store.database.get(store.families.targets, Array(id.utf8)).flatMap { bytes in
            unsafe bytes.withUnsafeBytes { unsafe RowCoding.target($0) }
        }
        if stored?.counts == counts, stored?.number == number { return }
        report.found("counts of \(id): \(stored?.counts ?? Counts()) stored, \(counts) in the rows")
        guard repairs else { return }
        let value = TargetValue(number: number, counts: counts, sequence: stored?.sequence ?? 0)
        var bytes: [UInt8] = []
        RowCoding.append(value, to: &bytes)
        repair.put(store.families.targets, Array(id.utf8), bytes)
        try flushRepair(atLeast: 1_000)
    }

    /// Finds out how the voters of a target differ whose rows can all be read.
    private mutating func compareVoters(of target: UInt64, _ id: String) throws {
        let bounds = Database.IteratorOptions(lower: Numbers.bytes(target), upper: Numbers.bytes(target + 1))
        var expected: [[UInt8]: UInt8] = [:]
        var rows = try AuditWalk(store.database, store.families.rows, bounds)
        while rows.isValid {
            if let (key, row) = AuditRow(rows.iterator).entry, row.reaction != .none {
                expected[Self.listKey(key.target, row, other: key.user)] = row.type
            }
            try rows.next()
        }
        try compare(expected, store.families.voters, bounds, "voters of \(id)")
    }

    /// Compares the entries of one owner's list with what they should be, and repairs them.
    private mutating func compare(
        _ wanted: [[UInt8]: UInt8], _ family: ColumnFamily, _ bounds: Database.IteratorOptions, _ what: String
    ) throws {
        var missing = wanted
        var tooMany: [[UInt8]] = []
        var entries = try AuditWalk(store.database, family, bounds)
        while entries.isValid {
            let key = entries.iterator.key
            if missing.removeValue(forKey: key) == nil { tooMany.append(key) }
            try entries.next()
        }
        for key in tooMany {
            report.found("\(what): an entry too many")
            if repairs { repair.delete(family, key) }
        }
        for (key, type) in missing {
            report.found("\(what): an entry lacks")
            if repairs { repair.put(family, key, type == 1 ? [] : [type]) }
        }
        try flushRepair(atLeast: 1_000)
    }

    // MARK: By user

    private mutating func auditByUser(_ rows: Digest) throws {
        var listed = Digest()
        var isReadable = true
        var entries = try AuditWalk(store.database, store.families.byUser)
        while entries.isValid {
            let found = AuditListEntry(entries.iterator)
            if let owner = found.owner, let (reaction, place) = found.entry {
                listed.add(RowKey(target: place.number, user: owner), reaction, place.version)
            } else {
                isReadable = false
            }
            try entries.next()
        }
        if isReadable, listed == rows { return }
        try locateLacking()
        try locateTooMany()
        try flushRepair(atLeast: 1)
    }

    /// The two projections differ: looks every row up in the lists by user. Rows that can't be read have been reported.
    private mutating func locateLacking() throws {
        var rows = try AuditWalk(store.database, store.families.rows)
        while rows.isValid {
            if let (key, row) = AuditRow(rows.iterator).entry, row.reaction != .none {
                let entry = Self.listKey(key.user, row, other: key.target)
                if try store.database.get(store.families.byUser, entry) == nil {
                    report.found("reactions of user \(key.user): target \(key.target) lacks")
                    if repairs { repair.put(store.families.byUser, entry, row.type == 1 ? [] : [row.type]) }
                }
            }
            try rows.next()
        }
    }

    /// Looks every entry of the lists by user up in the rows.
    private mutating func locateTooMany() throws {
        var entries = try AuditWalk(store.database, store.families.byUser)
        while entries.isValid {
            let found = AuditListEntry(entries.iterator)
            if let owner = found.owner, let (reaction, place) = found.entry {
                if try !mayBeInRows(owner, reaction, place) {
                    report.found("reactions of user \(owner): target \(place.number) is not so in the rows")
                    if repairs { repair.delete(store.families.byUser, entries.iterator.key) }
                }
            } else {
                report.foundDamage("reactions of user \(found.owner ?? 0): an entry can't be read")
                if repairs { repair.delete(store.families.byUser, entries.iterator.key) }
            }
            try entries.next()
        }
    }

    /// Whether the rows say what an entry of a user's list says. A row that can't be read may say anything.
    private func mayBeInRows(_ user: UInt64, _ reaction: Reaction, _ place: ListPlace) throws -> Bool {
        let key = Numbers.bytes(place.number) + Numbers.bytes(user)
        guard let bytes = try store.database.get(store.families.rows, key) else { return false }
        guard let row = unsafe bytes.withUnsafeBytes({ unsafe RowCoding.row($0) }) else { return true }
        return row.reaction == reaction && row.version == place.version
    }

    private mutating func auditOffsets() throws {
        let applied = try store.appliedPositions()
        for partition in 0..<store.partitions where applied.byTarget[partition] != applied.byUser[partition] {
            report.found("partition \(partition): the projections stand at different offsets")
        }
    }

    // MARK: Inside

    private mutating func flushRepair(atLeast limit: Int) throws {
        guard repair.count >= limit else { return }
        store.database.requireNewEpoch()
        try store.database.write(repair, sync: false, mayUseReserve: true)
        report.repaired += repair.count
        repair = WriteBatch()
    }

    private static func listKey(_ owner: UInt64, _ row: ReactionRow, other: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        ListKey.append(
            owner: owner, reaction: row.reaction, place: ListPlace(version: row.version, number: other), to: &key)
        return key
    }
}

/// A sum over entries that does not depend on their order: two sets with the same sum are the same, but for chance.
private struct Digest: Equatable {
    private var sum: UInt64 = 0
    private var rotated: UInt64 = 0
    private var count = 0

    mutating func add(_ key: RowKey, _ reaction: Reaction, _ version: UInt64) {
        if reaction == .none { return }
        var mixed = key.target &* 0x9E37_79B9_7F4A_7C15 &+ key.user
        mixed = (mixed ^ (mixed >> 29)) &* 0xBF58_476D_1CE4_E5B9 &+ version
        mixed = (mixed ^ (mixed >> 32)) &* 0x94D0_49BB_1331_11EB &+ UInt64(reaction.rawValue)
        mixed ^= mixed >> 31
        sum &+= mixed
        rotated &+= (mixed << 17 | mixed >> 47) &* 0xD6E8_FEB8_6659_FD93
        count += 1
    }
}
