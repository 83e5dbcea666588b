internal import Reactions
internal import SpillwayRocksDB

/// Gives target types their numbers, 1 to 31, which stay theirs; zero stands for any type beyond.
struct TypeTable: Sendable {
    /// The word for number zero.
    static let other = "other"
    /// The greatest number.
    static let greatest = 31

    private let names: [String]

    /// Reads the table, and stores types in it that are new.
    ///
    /// - Throws: `ReactionStoreError` if there would be more than 31.
    init(_ database: Database, _ families: ReactionFamilies, registering types: [String]) throws {
        var names: [String] = []
        while names.count < Self.greatest, let bytes = try database.get(families.meta, Self.key(names.count + 1)) {
            names.append(String(decoding: bytes, as: UTF8.self))
        }
        let batch = WriteBatch()
        for type in types where !names.contains(type) {
            guard names.count < Self.greatest else {
                throw ReactionStoreError(
                    .tooManyTypes, "target types: at most \(Self.greatest) over the life of a data directory")
            }
            names.append(type)
            batch.put(families.meta, Self.key(names.count), Array(type.utf8))
        }
        if !batch.isEmpty { try database.write(batch, sync: true) }
        self.names = names
    }

    func number(of type: String) -> UInt8 { UInt8((names.firstIndex(of: type) ?? -1) + 1) }

    func name(_ number: UInt8) -> String {
        number >= 1 && Int(number) <= names.count ? names[Int(number) - 1] : Self.other
    }

    private static func key(_ number: Int) -> [UInt8] { Array("type/\(number)".utf8) }
}
