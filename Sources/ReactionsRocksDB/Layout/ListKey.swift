internal import Reactions

/// The key of an entry in a list: whose list, which reaction, newest first, the other side.
///
/// Version and the other side's number stand complemented, so that rising keys are falling places. The value is empty,
/// or the type's number where it is not the first type.
enum ListKey {
    static let width = Numbers.width + 1 + 8 + Numbers.width

    static func append(owner: UInt64, reaction: Reaction, place: ListPlace, to bytes: inout [UInt8]) {
        Numbers.append(number: owner, to: &bytes)
        bytes.append(reaction.rawValue)
        Numbers.append(fixed: ~place.version, to: &bytes)
        Numbers.append(number: ~place.number & Numbers.greatest, to: &bytes)
    }

    static func read(_ key: UnsafeRawBufferPointer) -> (owner: UInt64, reaction: Reaction, place: ListPlace)? {
        var reader = unsafe ByteReader(key)
        guard let owner = reader.number(), let byte = reader.byte(), let reaction = Reaction(rawValue: byte),
            let version = reader.fixed(), let number = reader.number()
        else { return nil }
        return (owner, reaction, ListPlace(version: ~version, number: ~number & Numbers.greatest))
    }
}
