internal import Reactions
internal import SpillwayRocksDB

/// Recounts everything from the rows, which are the truth: counts, both lists, and what the retained log says.
///
/// Never compares two figures of the same lineage: a count is compared with the rows, the lists with the rows, the rows
/// with the log. In a store that nobody writes.
public struct ReactionAudit {
    private let store: RocksReactionStore
    private let repairs: Bool
    private let progress: (Int) -> Void
    private var report = AuditReport()
    private var repair = WriteBatch()

    /// - Parameters:
    ///   - repairs: rewrite counts and lists from the rows.
    ///   - progress: told the number of rows read, every million.
    public init(_ store: RocksReactionStore, repairs: Bool, progress: @escaping (Int) -> Void = { _ in }) {
        self.store = store
        self.repairs = repairs
        self.progress = progress
    }

    /// Recounts; what was repaired is synced when this returns.
    public mutating func run() throws -> AuditReport {
        report = AuditReport()
        var rowDigest = Digest()
        try auditTargets(&rowDigest)
        try auditByUser(rowDigest)
        try auditOffsets()
        try flushRepair(atLeast: 1)
        if repairs { try store.database.sync() }
        return report
    }

    // MARK: Targets

    /// Walks targets, rows and voters side by side: all are ordered by the target's number.
    private mutating func auditTargets(_ digest: inout Digest) throws {
        let names = store.database.iterator(store.families.targetNames)
        let rows = store.database.iterator(store.families.rows)
        let voters = store.database.iterator(store.families.voters)
        var hasRow = rows.seekToFirst()
        var hasVoter = voters.seekToFirst()
        var hasName = names.seekToFirst()
        var read = 0
        while hasName {
            let number = unsafe names.withKey { key in
                var reader = unsafe ByteReader(key)
                return reader.number() ?? 0
            }
            let id = unsafe names.withValue { unsafe String(decoding: $0, as: UTF8.self) }
            var counts = Counts()
            var expected = Digest()
            while hasRow, let (key, row) = Self.row(rows), key.target <= number {
                if key.target < number {
                    report.found("row of unnamed target \(key.target)")
                } else {
                    count(key, row, &counts, &expected)
                    digest.add(key, row.reaction, row.version)
                }
                read += 1
                if read.isMultiple(of: 1_000_000) { progress(read) }
                hasRow = rows.next()
            }
            var found = Digest()
            while hasVoter, let entry = Self.entry(voters), entry.owner <= number {
                if entry.owner == number {
                    found.add(
                        RowKey(target: number, user: entry.place.number), entry.reaction, entry.place.version)
                } else {
                    report.found("voters of unnamed target \(entry.owner)")
                }
                hasVoter = voters.next()
            }
            if expected != found { try compareVoters(of: number, id) }
            try compareCounts(of: id, number, counts)
            report.targets += 1
            hasName = names.next()
        }
        while hasRow {
            report.found("row of unnamed target")
            hasRow = rows.next()
        }
        try names.check()
        try rows.check()
        try voters.check()
        progress(read)
    }

    private mutating func count(_ key: RowKey, _ row: ReactionRow, _ counts: inout Counts, _ digest: inout Digest) {
        switch row.reaction {
        case .none: return
        case .like: counts.likes += 1
        case .dislike: counts.dislikes += 1
        }
        digest.add(key, row.reaction, row.version)
        report.reactions += 1
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

    private mutating func compareVoters(of target: UInt64, _ id: String) throws {
        var lower: [UInt8] = []
        Numbers.append(number: target, to: &lower)
        var upper: [UInt8] = []
        Numbers.append(number: target + 1, to: &upper)
        let bounds = Database.IteratorOptions(lower: lower, upper: upper)
        var expected: [[UInt8]: UInt8] = [:]
        let rows = store.database.iterator(store.families.rows, bounds)
        var isValid = rows.seekToFirst()
        while isValid, let (key, row) = Self.row(rows) {
            if row.reaction != .none {
                expected[Self.listKey(key.target, row, other: key.user)] = row.type
            }
            isValid = rows.next()
        }
        try compare(expected, store.families.voters, bounds, "voters of \(id)")
    }

    /// Compares the entries of one owner's list with what they should be, and repairs them.
    private mutating func compare(
        _ wanted: [[UInt8]: UInt8], _ family: ColumnFamily, _ bounds: Database.IteratorOptions, _ what: String
    ) throws {
        var missing = wanted
        let entries = store.database.iterator(family, bounds)
        var isValid = entries.seekToFirst()
        while isValid {
            let key = entries.key
            if missing.removeValue(forKey: key) == nil {
                report.found("\(what): an entry too many")
                if repairs { repair.delete(family, key) }
            }
            isValid = entries.next()
        }
        for (key, type) in missing {
            report.found("\(what): an entry lacks")
            if repairs { repair.put(family, key, type == 1 ? [] : [type]) }
        }
        try flushRepair(atLeast: 1_000)
    }

    // MARK: By user

    private mutating func auditByUser(_ rows: Digest) throws {
        var found = Digest()
        let entries = store.database.iterator(store.families.byUser)
        var isValid = entries.seekToFirst()
        while isValid, let entry = Self.entry(entries) {
            found.add(RowKey(target: entry.place.number, user: entry.owner), entry.reaction, entry.place.version)
            isValid = entries.next()
        }
        try entries.check()
        if found == rows { return }
        try locateByUser()
    }

    /// The two projections differ: looks every row up in the lists by user, and every entry in the rows.
    private mutating func locateByUser() throws {
        let rows = store.database.iterator(store.families.rows)
        var isValid = rows.seekToFirst()
        while isValid, let (key, row) = Self.row(rows) {
            if row.reaction != .none {
                let entry = Self.listKey(key.user, row, other: key.target)
                if try store.database.get(store.families.byUser, entry) == nil {
                    report.found("reactions of user \(key.user): target \(key.target) lacks")
                    if repairs { repair.put(store.families.byUser, entry, row.type == 1 ? [] : [row.type]) }
                }
            }
            isValid = rows.next()
        }
        let entries = store.database.iterator(store.families.byUser)
        isValid = entries.seekToFirst()
        while isValid, let entry = Self.entry(entries) {
            var key: [UInt8] = []
            Numbers.append(number: entry.place.number, to: &key)
            Numbers.append(number: entry.owner, to: &key)
            let row = try store.database.get(store.families.rows, key).flatMap { bytes in
                unsafe bytes.withUnsafeBytes { unsafe RowCoding.row($0) }
            }
            if row?.reaction != entry.reaction || row?.version != entry.place.version {
                report.found("reactions of user \(entry.owner): target \(entry.place.number) is not so in the rows")
                if repairs { repair.delete(store.families.byUser, entries.key) }
            }
            isValid = entries.next()
        }
        try flushRepair(atLeast: 1)
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
        try store.database.write(repair, sync: false, mayUseReserve: true)
        repair = WriteBatch()
    }

    private static func row(_ iterator: Database.Iterator) -> (RowKey, ReactionRow)? {
        unsafe iterator.withEntry { key, value in
            var reader = unsafe ByteReader(key)
            guard let target = reader.number(), let user = reader.number(), let row = unsafe RowCoding.row(value)
            else { return nil }
            return (RowKey(target: target, user: user), row)
        }
    }

    private static func entry(
        _ iterator: Database.Iterator
    ) -> (owner: UInt64, reaction: Reaction, place: ListPlace)? {
        unsafe iterator.withKey { unsafe ListKey.read($0) }
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
