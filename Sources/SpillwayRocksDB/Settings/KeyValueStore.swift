/// A small store of settings by name, in the embedded database.
public struct KeyValueStore: Sendable {
    /// The column family's name.
    static let familyName = "settings"

    private let database: Database
    private let family: ColumnFamily

    /// Opens the store; makes its column family if it is not there. Blocks.
    public init(_ database: Database) throws {
        self.database = database
        family = try database.ensureFamily(Self.options)
    }

    /// What the family is opened with.
    static var options: ColumnFamily.Options {
        var options = ColumnFamily.Options(name: Self.familyName)
        options.writeBufferBytes = 1 << 20
        return options
    }

    /// The value of a name; `nil` if there is none.
    public func get(_ name: String) throws -> [UInt8]? { try database.get(family, Array(name.utf8)) }

    /// Stores a value, durably. Blocks.
    public func put(_ name: String, _ value: [UInt8]) throws { try put(name, value, removing: nil) }

    /// Stores a value and removes another name, durably: both or none. Blocks.
    func put(_ name: String, _ value: [UInt8], removing other: String?) throws {
        let batch = WriteBatch()
        batch.put(family, Array(name.utf8), value)
        if let other { batch.delete(family, Array(other.utf8)) }
        try database.write(batch, sync: true)
    }

    /// Removes a name, durably. Blocks.
    public func delete(_ name: String) throws {
        let batch = WriteBatch()
        batch.delete(family, Array(name.utf8))
        try database.write(batch, sync: true)
    }

    /// The last of the names that begin so, in the order of the names' bytes, with its value; `nil` if there is none.
    func last(prefix: String) throws -> (name: String, value: [UInt8])? {
        let start = Array(prefix.utf8)
        let walk = database.iterator(family, .init(lower: start, upper: nil))
        // No byte of a name is greater.
        walk.seek(backTo: start + [.max])
        try walk.check()
        guard walk.isValid, walk.key.starts(with: start) else { return nil }
        return (String(decoding: walk.key, as: UTF8.self), walk.value)
    }

    /// All names that begin so, with their values, in the order of the names' bytes.
    public func all(prefix: String = "") throws -> [(name: String, value: [UInt8])] {
        var found: [(name: String, value: [UInt8])] = []
        try database.forEachRow(family, prefix: Array(prefix.utf8)) { key, value in
            found.append((String(decoding: key, as: UTF8.self), value))
        }
        return found
    }
}
