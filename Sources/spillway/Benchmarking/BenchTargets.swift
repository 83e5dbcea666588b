/// The targets of a load, drawn by weight.
struct BenchTargets: Sendable {
    private let names: [[UInt8]]
    /// Sums of the weights up to each target; empty if all weigh the same.
    private let sums: [Double]

    /// Targets that are all alike: `video_0`, `video_1` and so on.
    init(uniform count: Int) {
        names = (0..<count).map { Array("video_\($0)".utf8) }
        sums = []
    }

    /// Reads lines of `ID,WEIGHT`; further columns and lines without a positive number are left out.
    ///
    /// - Throws: `CommandError` if the file can't be opened, no line is left or an id can't be one.
    init(file: String) throws {
        var names: [[UInt8]] = []
        var sums: [Double] = []
        var total = 0.0
        var reader = LineReader(try FileSource.named(file, "file of targets"))
        while let line = try reader.next() {
            guard case .text(let bytes) = line else { continue }
            let columns = bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            guard columns.count >= 2, let weight = Double(String(decoding: columns[1], as: UTF8.self)), weight > 0,
                weight.isFinite
            else { continue }
            let isText = columns[0].allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
            guard (1...128).contains(columns[0].count), isText else {
                throw CommandError(.usage, "\(file): line \(reader.lineNumber) has no target id")
            }
            total += weight
            names.append(Array(columns[0]))
            sums.append(total)
        }
        guard !names.isEmpty else { throw CommandError(.usage, "\(file) has no line of ID,WEIGHT") }
        self.names = names
        self.sums = sums
    }

    /// One target.
    func draw(_ random: inout FastRandom) -> [UInt8] {
        guard let total = sums.last else { return names[Int(random.next() % UInt64(names.count))] }
        let wanted = random.unit() * total
        var low = 0
        var high = sums.count - 1
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return names[low]
    }
}
