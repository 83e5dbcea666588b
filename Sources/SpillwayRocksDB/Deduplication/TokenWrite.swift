internal import Spillway

/// A deduplication token that is stored in the same write as the messages it covers.
struct TokenWrite: Sendable {
    var scope: [UInt8]
    var token: [UInt8]
    var fingerprint: UInt64
    var expiresAtMs: Int64
    /// The partitions of the messages, in their order.
    var partitions: [Int]
    /// The index of the first message in its batch.
    var index = 0

    init(_ deduplication: Deduplication, partitions: [Int], nowMs: Int64) {
        scope = deduplication.scope
        token = deduplication.token
        fingerprint = deduplication.fingerprint
        let (expiry, overflow) = nowMs.addingReportingOverflow(max(0, deduplication.lifetimeMs))
        expiresAtMs = overflow ? .max : expiry
        self.partitions = partitions
    }
}

/// What is stored under a token.
struct StoredToken: Equatable, Sendable {
    var fingerprint: UInt64
    var expiresAtMs: Int64
    var epoch: UInt64
    /// The first message's sequence.
    var sequence: UInt64
    var partitions: [Int]
}

/// How tokens stand in their family.
///
/// `t`, varint length of the scope, scope, token: fingerprint (8), expiry in ms (8), epoch (8), sequence (8), then the
/// partition of each message (2 each), little endian. `e`, expiry (8, big endian), scope and token as above: nothing.
/// `n`, scope: how many `e` the scope has (4).
enum TokenEncoding {
    static let token = UInt8(ascii: "t")
    static let expiry = UInt8(ascii: "e")
    static let counter = UInt8(ascii: "n")

    private static func append(_ scope: [UInt8], _ token: [UInt8], to key: inout [UInt8]) {
        LogEncoding.append(varint: scope.count, to: &key)
        key += scope
        key += token
    }

    static func tokenKey(_ scope: [UInt8], _ token: [UInt8]) -> [UInt8] {
        var key = [Self.token]
        append(scope, token, to: &key)
        return key
    }

    static func expiryKey(_ at: Int64, _ scope: [UInt8], _ token: [UInt8]) -> [UInt8] {
        var key = expiryKeys(from: at)
        append(scope, token, to: &key)
        return key
    }

    /// What the `e` keys of a time and of later ones are not below.
    static func expiryKeys(from at: Int64) -> [UInt8] {
        [expiry] + Opening.bigEndian(UInt64(bitPattern: max(0, at)))
    }

    static func counterKey(_ scope: [UInt8]) -> [UInt8] { [counter] + scope }

    /// The parts of an `e` key.
    static func parseExpiry(_ key: [UInt8]) -> (at: Int64, scope: [UInt8], token: [UInt8])? {
        guard key.count > 9, key[0] == expiry else { return nil }
        let at = Int64(bitPattern: key[1..<9].reduce(0) { $0 << 8 | UInt64($1) })
        var length = 0
        var shift = 0
        var index = 9
        while index < key.count, shift <= 28 {
            length |= Int(key[index] & 0x7f) << shift
            shift += 7
            index += 1
            if key[index - 1] < 0x80 {
                guard length <= key.count - index else { return nil }
                return (at, Array(key[index..<(index + length)]), Array(key[(index + length)...]))
            }
        }
        return nil
    }

    static func value(_ write: TokenWrite, epoch: UInt64, base: UInt64) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(32 + 2 * write.partitions.count)
        let words = [
            write.fingerprint, UInt64(bitPattern: write.expiresAtMs), epoch, base + UInt64(write.index),
        ]
        for word in words { append(word, to: &value) }
        for partition in write.partitions {
            value.append(UInt8(truncatingIfNeeded: partition))
            value.append(UInt8(truncatingIfNeeded: partition >> 8))
        }
        return value
    }

    private static func append(_ word: UInt64, to value: inout [UInt8]) {
        for shift in stride(from: 0, to: 64, by: 8) { value.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
    }

    static func parse(_ value: [UInt8]) throws -> StoredToken {
        guard value.count >= 34, value.count % 2 == 0 else {
            throw DatabaseError(.corruption, "a deduplication token's entry is malformed")
        }
        func word(_ at: Int) -> UInt64 { value[at..<(at + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        return StoredToken(
            fingerprint: word(0), expiresAtMs: Int64(bitPattern: word(8)), epoch: word(16), sequence: word(24),
            partitions: stride(from: 32, to: value.count, by: 2).map { Int(value[$0]) | Int(value[$0 + 1]) << 8 })
    }
}
