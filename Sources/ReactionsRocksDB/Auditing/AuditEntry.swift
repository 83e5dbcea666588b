internal import Reactions
internal import SpillwayRocksDB

/// A name as the audit finds it: what of it can be read.
struct AuditName {
    var number: UInt64?
    var id: String?

    init(_ iterator: Database.Iterator) {
        (number, id) = unsafe iterator.withEntry { key, value in
            var reader = unsafe ByteReader(key)
            let id = unsafe String(validating: value, as: UTF8.self)
            return (reader.number(), id?.isEmpty == false ? id : nil)
        }
    }
}

/// A row as the audit finds it: what of it can be read.
struct AuditRow {
    var target: UInt64?
    var user: UInt64?
    var row: ReactionRow?

    init(_ iterator: Database.Iterator) {
        (target, user, row) = unsafe iterator.withEntry { key, value in
            var reader = unsafe ByteReader(key)
            let target = reader.number()
            return (target, reader.number(), unsafe RowCoding.row(value))
        }
    }

    /// The whole of it, if all can be read.
    var entry: (key: RowKey, row: ReactionRow)? {
        guard let target, let user, let row else { return nil }
        return (RowKey(target: target, user: user), row)
    }
}

/// An entry of a list as the audit finds it: what of it can be read.
struct AuditListEntry {
    var owner: UInt64?
    var entry: (reaction: Reaction, place: ListPlace)?

    init(_ iterator: Database.Iterator) {
        (owner, entry) = unsafe iterator.withKey { key in
            if let read = unsafe ListKey.read(key) { return (read.owner, (read.reaction, read.place)) }
            var reader = unsafe ByteReader(key)
            return (reader.number(), nil)
        }
    }
}
