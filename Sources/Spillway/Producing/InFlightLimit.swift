/// What a producer has sent and not heard of yet, in records and bytes, against its limits.
struct InFlightLimit: Sendable {
    let maxRecords: Int
    let maxBytes: Int
    private(set) var records = 0
    private(set) var bytes = 0

    init(maxRecords: Int, maxBytes: Int) {
        self.maxRecords = maxRecords
        self.maxBytes = maxBytes
    }

    /// Takes room, or says that there is none. A send alone always has room, whatever its size.
    mutating func take(records count: Int, bytes size: Int) -> Bool {
        guard records == 0 || (records + count <= maxRecords && bytes + size <= maxBytes) else { return false }
        records += count
        bytes += size
        return true
    }

    /// Gives room back; exactly once for each ``take(records:bytes:)`` that said yes.
    mutating func giveBack(records count: Int, bytes size: Int) {
        records -= count
        bytes -= size
        precondition(records >= 0 && bytes >= 0, "more was given back than was taken")
    }
}
