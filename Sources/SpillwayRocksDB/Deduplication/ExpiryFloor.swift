/// Below which key of a token's expiry there is none: what lies there is the remains of removed ones, which a walk would
/// have to step over.
///
/// Tokens are added while a walk is under way, also below the place to which it comes: after the wall clock was set back,
/// and those with a short life. They are told of once a walk would find them.
struct ExpiryFloor {
    private var key = [TokenEncoding.expiry]
    /// The first key that one of those could have that were added since the last walk began; `nil` without any.
    private var leastAdded: [UInt8]?

    /// Where a walk begins.
    mutating func beginWalk() -> [UInt8] {
        leastAdded = nil
        return key
    }

    mutating func added(expiringAtMs: Int64) {
        let added = TokenEncoding.expiryKeys(from: expiringAtMs)
        key = Self.lesser(key, added)
        leastAdded = Self.lesser(leastAdded ?? added, added)
    }

    /// The walk has found all up to this key, and they have been removed.
    mutating func removed(upTo last: [UInt8]) {
        let next = last + [0]
        key = leastAdded.map { Self.lesser($0, next) } ?? next
    }

    private static func lesser(_ one: [UInt8], _ other: [UInt8]) -> [UInt8] {
        other.lexicographicallyPrecedes(one) ? other : one
    }
}
