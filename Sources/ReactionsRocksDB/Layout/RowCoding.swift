internal import Reactions

/// How rows and targets stand in the store.
///
/// A row: one byte (reaction in bits 0-1, beside the log in bit 2, type in bits 3-7), the version in eight bytes, the
/// sequence as a varint that is left out when it is zero. A target: its number, likes, dislikes, the sequence.
enum RowCoding {
    static func append(_ row: ReactionRow, to bytes: inout [UInt8]) {
        bytes.append(row.reaction.rawValue | (row.isBesideLog ? 4 : 0) | row.type << 3)
        Numbers.append(fixed: row.version, to: &bytes)
        if row.sequence > 0 { Numbers.append(varint: row.sequence, to: &bytes) }
    }

    static func row(_ bytes: UnsafeRawBufferPointer) -> ReactionRow? {
        var reader = unsafe ByteReader(bytes)
        guard let head = reader.byte(), let reaction = Reaction(rawValue: head & 3), let version = reader.fixed()
        else { return nil }
        var sequence: UInt64 = 0
        if reader.remaining > 0 {
            guard let value = reader.varint() else { return nil }
            sequence = value
        }
        return ReactionRow(
            reaction: reaction, type: head >> 3, isBesideLog: head & 4 != 0, version: version, sequence: sequence)
    }

    static func append(_ target: TargetValue, to bytes: inout [UInt8]) {
        Numbers.append(number: target.number, to: &bytes)
        Numbers.append(signed: target.counts.likes, to: &bytes)
        Numbers.append(signed: target.counts.dislikes, to: &bytes)
        Numbers.append(varint: target.sequence, to: &bytes)
    }

    static func target(_ bytes: UnsafeRawBufferPointer) -> TargetValue? {
        var reader = unsafe ByteReader(bytes)
        guard let number = reader.number(), let likes = reader.signed(), let dislikes = reader.signed(),
            let sequence = reader.varint()
        else { return nil }
        return TargetValue(number: number, counts: Counts(likes: likes, dislikes: dislikes), sequence: sequence)
    }
}
