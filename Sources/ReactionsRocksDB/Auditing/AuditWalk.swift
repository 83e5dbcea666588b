internal import SpillwayRocksDB

/// One pass over a family that ends at the family's end or throws: a walk that broke off must not look like one that saw
/// everything.
struct AuditWalk {
    let iterator: Database.Iterator
    /// Whether it stands on a key.
    private(set) var isValid: Bool

    init(
        _ database: Database, _ family: ColumnFamily, _ bounds: Database.IteratorOptions = Database.IteratorOptions()
    ) throws {
        iterator = database.iterator(family, bounds)
        isValid = iterator.seekToFirst()
        if !isValid { try iterator.check() }
    }

    /// Goes to the next key. Only while ``isValid``.
    mutating func next() throws {
        isValid = iterator.next()
        if !isValid { try iterator.check() }
    }
}
