import CSQLite

/// What SQLite answered instead of doing it.
struct SQLiteError: Error, CustomStringConvertible {
    let code: Int32
    let description: String
}

/// One connection to an SQLite file: statements that are prepared once, and transactions. Calls block; owned by one
/// thread at a time, which the `Mutex` around it sees to.
final class SQLite {
    private var handle: OpaquePointer?
    private var statements: [String: OpaquePointer] = [:]

    init(path: String) throws {
        try check(sqlite3_open(path, &handle))
        // Whoever reads or reports meanwhile is waited for.
        sqlite3_busy_timeout(handle, 10_000)
        // Committed is durable: what the loader says it has done must still be there after a power loss.
        try run("PRAGMA journal_mode = WAL")
        try run("PRAGMA synchronous = FULL")
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close(handle)
    }

    /// Runs a statement; the answer is its rows, whose columns are all taken as integers.
    @discardableResult
    func run(_ sql: String, _ values: Value...) throws -> [[Int64]] {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() { try check(value.bind(to: statement, at: Int32(index + 1))) }
        var rows: [[Int64]] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                rows.append((0..<sqlite3_column_count(statement)).map { sqlite3_column_int64(statement, $0) })
            case SQLITE_DONE: return rows
            case let code: try check(code)
            }
        }
    }

    /// How many rows the last statement changed.
    var changedRows: Int { Int(sqlite3_changes(handle)) }

    /// Commits what the body did, or nothing of it if it throws.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try run("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            _ = try? run("ROLLBACK")
            throw error
        }
    }

    private func prepared(_ sql: String) throws -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v2(handle, sql, -1, &statement, nil))
        guard let statement else { throw SQLiteError(code: SQLITE_MISUSE, description: "no statement: \(sql)") }
        statements[sql] = statement
        return statement
    }

    private func check(_ code: Int32) throws {
        guard code != SQLITE_OK else { return }
        throw SQLiteError(code: code, description: "SQLite (\(code)): \(String(cString: sqlite3_errmsg(handle)))")
    }

    /// A value for a `?` of a statement.
    enum Value: ExpressibleByStringLiteral {
        case integer(Int64)
        case text(String)

        init(stringLiteral text: String) { self = .text(text) }
        init(_ text: String) { self = .text(text) }
        init(_ integer: some BinaryInteger) { self = .integer(Int64(truncatingIfNeeded: integer)) }

        fileprivate func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
            switch self {
            case .integer(let integer): return sqlite3_bind_int64(statement, index, integer)
            // -1: the destructor that makes SQLite copy the text.
            case .text(let text):
                return sqlite3_bind_text(
                    statement, index, text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
            }
        }
    }
}
