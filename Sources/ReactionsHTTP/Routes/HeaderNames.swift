internal import Reactions
internal import SpillwayHTTP

extension HTTPFieldName {
    /// Where a vote stands in the log, and what a read asks to be applied.
    static let spillwayPosition = HTTPFieldName("Spillway-Position")
}

extension HTTPRequest {
    /// The positions that must be applied before this read is answered.
    func positions() throws(RequestError) -> [LogPosition] {
        guard hasHeader(.spillwayPosition) else { return [] }
        var positions: [LogPosition] = []
        for header in headers(.spillwayPosition) {
            for part in header.split(separator: ",", omittingEmptySubsequences: false) {
                var text = part.drop { $0 == " " }
                while text.last == " " { text.removeLast() }
                guard let position = LogPosition(text), positions.count < 1_024 else {
                    throw .malformed("Spillway-Position must be positions as answers to votes carry them.")
                }
                positions.append(position)
            }
        }
        return positions
    }

    /// The idempotency key, checked.
    func idempotencyKey() throws(RequestError) -> String? {
        guard hasHeader(.idempotencyKey) else { return nil }
        let keys = headers(.idempotencyKey)
        guard keys.count == 1, Identifiers.isIdempotencyKey(keys[0]) else {
            throw .field("Idempotency-Key", "must be one key of 1 to 128 visible ASCII characters")
        }
        return keys[0]
    }
}
