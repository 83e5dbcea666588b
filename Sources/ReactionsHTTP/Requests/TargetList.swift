internal import SpillwayCore
internal import SpillwayHTTP

/// The ids of `target_ids=a,b,…`: decoded once, then split at commas.
enum TargetList {
    /// The most ids of one request.
    static let maximum = 100

    /// 1 to 100 different ids, in their order.
    static func read(_ query: HTTPQuery) throws -> [String] {
        var bytes: [UInt8] = []
        guard query.decodeValue("target_ids", into: &bytes) else {
            throw RequestError.malformed("target_ids is missing: 1 to \(maximum) ids with commas between.")
        }
        var ids: [String] = []
        ids.reserveCapacity(24)
        var hashes: [UInt64] = []
        hashes.reserveCapacity(24)
        var start = 0
        let all = bytes.span
        while start <= all.count {
            guard ids.count < maximum else {
                throw RequestError.field("target_ids", "must hold 1 to \(maximum) ids")
            }
            let end = all.place(of: UInt8(ascii: ","), from: start)
            let text = all.extracting(start..<end)
            ids.append(try id(text))
            hashes.append(ByteHash.process.hash(text))
            start = end + 1
        }
        return areDifferent(hashes.span) ? ids : ids.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// Whether no two ids are equal: two that are have one hash. False also if two that differ do.
    private static func areDifferent(_ hashes: Span<UInt64>) -> Bool {
        for index in hashes.indices {
            for other in 0..<index where hashes[other] == hashes[index] { return false }
        }
        return true
    }

    private static func id(_ bytes: Span<UInt8>) throws(RequestError) -> String {
        var isGood = !bytes.isEmpty && bytes.count <= Identifiers.maximumTargetLength
        for index in bytes.indices where !Identifiers.isTargetByte(bytes[index]) { isGood = false }
        guard isGood else { throw .field("target_ids", RequestError.targetRule) }
        return bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}
