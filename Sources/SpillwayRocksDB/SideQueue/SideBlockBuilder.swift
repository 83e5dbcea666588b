internal import Spillway

/// Puts delayed entries of a place, by due time and position, into blocks.
struct SideBlockBuilder {
    /// The most entries of a block: one that waits keeps the others' bytes.
    static let mostEntries = 32
    /// The most bytes of a block with more than one entry.
    static let mostBytes = 16 << 10
    /// The longest time between the first and the last of a block, in milliseconds: what is read together is due together.
    /// A block of few may be longer, or what is put by callers one by one would have a row for every few.
    static let longestSpanMs: Int64 = 8_192
    static let longestSpanOfFewMs: Int64 = 65_536
    /// So many entries are few.
    static let fewEntries = 16

    private let batch: WriteBatch
    private let family: ColumnFamily
    private let place: [UInt8]
    private var items: [SideBlock.Item] = []
    private var values: [UInt8] = []
    private var head: [UInt8] = []
    private(set) var blocks: [SideBlock] = []

    /// - Parameter place: what the names of the place begin with.
    init(_ batch: WriteBatch, _ family: ColumnFamily, place: [UInt8]) {
        self.batch = batch
        self.family = family
        self.place = place
    }

    /// Adds an entry, which comes behind those before it.
    ///
    /// - Parameter number: gives the next block its number.
    mutating func add(
        _ position: Position, dueMs: Int64, byteCount: Int, _ value: ArraySlice<UInt8>, number: () -> UInt64
    ) {
        if let first = items.first {
            let (span, overflows) = dueMs.subtractingReportingOverflow(first.dueMs)
            if items.count >= Self.mostEntries || values.count + value.count > Self.mostBytes || overflows
                || span > (items.count < Self.fewEntries ? Self.longestSpanOfFewMs : Self.longestSpanMs)
            {
                finish(number: number)
            }
        }
        items.append(
            SideBlock.Item(
                position: position, dueMs: dueMs, byteCount: UInt32(clamping: byteCount), start: 0,
                length: UInt32(value.count)))
        values.append(contentsOf: value)
    }

    /// Ends the last block.
    mutating func finish(number: () -> UInt64) {
        guard !items.isEmpty else { return }
        SideBlock.makeHead(place, &items, in: &head)
        let block = SideBlock(number: number(), place: place, items: items)
        unsafe SideBlock.key(block.number).withUnsafeBytes { key in
            unsafe head.withUnsafeBytes { head in
                unsafe values.withUnsafeBytes { values in unsafe batch.put(family, key, head, values) }
            }
        }
        blocks.append(block)
        items.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
    }
}
