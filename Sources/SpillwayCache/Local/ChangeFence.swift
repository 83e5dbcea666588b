/// Revokes leases exactly: counts the changes of a shard, and remembers for each key at which count it last changed.
///
/// The memory is a fixed table indexed by hash, so it never forgets a change, however many follow: two keys that share a
/// cell share their changes, which can refuse a good fill (4,096 cells a shard: once in some thousand fills under load),
/// never let a bad one pass.
@usableFromInline
struct ChangeFence: Sendable {
    @usableFromInline static let cellCount = 4096
    @usableFromInline var cells = ContiguousArray<UInt64>(repeating: 0, count: ChangeFence.cellCount)
    /// How many changes there were.
    @usableFromInline var sequence: UInt64 = 0
    /// Leases given before this are void, whatever their key.
    @usableFromInline var emptiedAt: UInt64 = 0

    @inlinable
    init() {}

    @inlinable
    static func cell(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32) & (cellCount &- 1) }

    /// Voids all leases for the key.
    @inlinable
    mutating func revoke(_ hash: UInt64) {
        sequence &+= 1
        cells[Self.cell(hash)] = sequence
    }

    /// Voids all leases.
    @inlinable
    mutating func revokeAll() {
        sequence &+= 1
        emptiedAt = sequence
    }

    @inlinable
    func isValid(hash: UInt64, since given: UInt64) -> Bool {
        given >= emptiedAt && cells[Self.cell(hash)] <= given
    }
}
