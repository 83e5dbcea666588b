internal import SpillwayRocksDB

/// The column families of the reactions store.
///
/// | family | key | value |
/// |---|---|---|
/// | reactions.targets | target's id | number, likes, dislikes, sequence |
/// | reactions.target_names | target's number | target's id |
/// | reactions.users | user's id | number |
/// | reactions.user_names | user's number | user's id |
/// | reactions.rows | target, user | state, version, sequence |
/// | reactions.voters | target, reaction, newest first, user | type |
/// | reactions.by_user | user, reaction, newest first, target | type |
/// | reactions.previous | partition, position | the state before that event |
/// | reactions.meta | name | format, types, applied offsets; of old, records that could not be decoded |
///
/// Families are found by their names, never by their order.
struct ReactionFamilies: Sendable {
    let targets: ColumnFamily
    let targetNames: ColumnFamily
    let users: ColumnFamily
    let userNames: ColumnFamily
    let rows: ColumnFamily
    let voters: ColumnFamily
    let byUser: ColumnFamily
    let previous: ColumnFamily
    let meta: ColumnFamily

    /// What the families are opened with.
    static func options(memtableBytes: Int) -> [ColumnFamily.Options] {
        let options = [
            ids("targets"), named("target_names"), ids("users"), named("user_names"), rows, voters, list("by_user"),
            .ascending(name: "reactions.previous"), named("meta"),
        ]
        // A bucket takes eight bytes in each memtable, used or not: a thirtieth of the memory for all of them.
        return options.map { option in
            var option = option
            if case .hashed(let buckets) = option.memtable {
                option.memtable = .hashed(buckets: min(buckets, memtableBytes * buckets / (128 << 20)))
            }
            return option
        }
    }

    /// Finds the families in an open database.
    init(_ database: Database) throws {
        func family(_ name: String) throws -> ColumnFamily { try database.family("reactions." + name) }
        targets = try family("targets")
        targetNames = try family("target_names")
        users = try family("users")
        userNames = try family("user_names")
        rows = try family("rows")
        voters = try family("voters")
        byUser = try family("by_user")
        previous = try family("previous")
        meta = try family("meta")
    }

    private static func named(_ name: String) -> ColumnFamily.Options {
        var options = ColumnFamily.Options(name: "reactions." + name)
        options.writeBufferBytes = 16 << 20
        options.hashesBlocks = true
        return options
    }

    /// Read by whole keys only, so that each key may be a prefix of its own.
    private static func ids(_ name: String) -> ColumnFamily.Options {
        var options = named(name)
        options.prefixBytes = 255
        options.filtersWholeKeys = false
        options.memtable = .hashed(buckets: 131_072)
        return options
    }

    /// Each vote reads one row and asks the filter of every file in level 0, so fewer may be there than of lists.
    private static var rows: ColumnFamily.Options {
        var options = ColumnFamily.Options(name: "reactions.rows")
        options.filter = .bloom(bitsPerKey: 10)
        options.level0Files = 8
        options.blockBytes = 4 << 10
        options.prefixBytes = 2 * Numbers.width
        options.filtersWholeKeys = false
        options.memtable = .hashed(buckets: 262_144)
        return options
    }

    /// Written with every vote, and read only where somebody asks who voted. A target that everybody votes on has
    /// hundreds of thousands of entries in it, among which a skip list finds a place in microseconds.
    private static var voters: ColumnFamily.Options {
        var options = list("voters")
        options.memtable = .appended
        options.writeBufferBytes = 16 << 20
        return options
    }

    /// Walked within one owner's entries, of which few are read: many files to merge for those cost less than to rewrite
    /// all of them for every fourth that is flushed.
    private static func list(_ name: String) -> ColumnFamily.Options {
        var options = ColumnFamily.Options(name: "reactions." + name)
        options.prefixBytes = Numbers.width
        options.filter = .bloom(bitsPerKey: 8)
        options.level0Files = 12
        options.filtersWholeKeys = false
        options.blockBytes = 4 << 10
        options.memtable = .hashed(buckets: 262_144)
        return options
    }
}
