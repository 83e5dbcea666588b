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
/// | reactions.meta | name | format, types, applied offsets, records set aside |
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
    static var options: [ColumnFamily.Options] {
        [
            named("targets"), named("target_names"), named("users"), named("user_names"), rows, list("voters"), byUser,
            .ascending(name: "reactions.previous"), named("meta"),
        ]
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

    private static var rows: ColumnFamily.Options {
        var options = ColumnFamily.Options(name: "reactions.rows")
        options.filter = .bloom(bitsPerKey: 10)
        options.blockBytes = 4 << 10
        options.memtableFilterRatio = 0.05
        return options
    }

    private static func list(_ name: String) -> ColumnFamily.Options {
        var options = ColumnFamily.Options(name: "reactions." + name)
        options.filter = .none
        options.blockBytes = 8 << 10
        return options
    }

    private static var byUser: ColumnFamily.Options {
        var options = list("by_user")
        options.prefixBytes = Numbers.width
        options.filter = .bloom(bitsPerKey: 8)
        options.filtersWholeKeys = false
        options.memtableFilterRatio = 0.02
        options.blockBytes = 4 << 10
        return options
    }
}
