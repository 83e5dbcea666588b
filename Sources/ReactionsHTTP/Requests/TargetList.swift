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
        var start = 0
        for index in 0...bytes.count where index == bytes.count || bytes[index] == UInt8(ascii: ",") {
            guard ids.count < maximum else {
                throw RequestError.field("target_ids", "must hold 1 to \(maximum) ids")
            }
            ids.append(try id(bytes.span.extracting(start..<index)))
            start = index + 1
        }
        guard ids.count < 2 || Set(ids).count == ids.count else {
            return ids.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
        return ids
    }

    private static func id(_ bytes: Span<UInt8>) throws(RequestError) -> String {
        var isGood = !bytes.isEmpty && bytes.count <= Identifiers.maximumTargetLength
        for index in bytes.indices where !Identifiers.isTargetByte(bytes[index]) { isGood = false }
        guard isGood else { throw .field("target_ids", RequestError.targetRule) }
        return bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}
