/// A sorted set, kept in pieces so that an insertion into a large one moves a few hundred elements and not all.
struct SortedChunks<Element: Comparable & Sendable>: Sendable {
    private let chunkSize: Int
    /// None is empty.
    private var chunks: [[Element]] = []
    /// How many elements there are.
    private(set) var count = 0

    /// - Parameter chunkSize: a piece that grows beyond it becomes two; at least 2.
    init(chunkSize: Int = 512) { self.chunkSize = chunkSize }

    var isEmpty: Bool { count == 0 }
    var first: Element? { chunks.first?.first }
    var last: Element? { chunks.last?.last }

    /// Adds an element; nothing happens if it is there.
    mutating func insert(_ element: Element) {
        guard !chunks.isEmpty else {
            chunks.append([element])
            count = 1
            return
        }
        let chunk = min(chunk(at: element), chunks.count - 1)
        let index = Self.lowerBound(chunks[chunk].count) { chunks[chunk][$0] < element }
        if index < chunks[chunk].count, chunks[chunk][index] == element { return }
        chunks[chunk].insert(element, at: index)
        count += 1
        guard chunks[chunk].count > chunkSize else { return }
        let half = chunks[chunk].count / 2
        chunks.insert(Array(chunks[chunk][half...]), at: chunk + 1)
        chunks[chunk].removeLast(chunks[chunk].count - half)
    }

    /// Removes an element; nothing happens if it is not there.
    mutating func remove(_ element: Element) {
        let chunk = chunk(at: element)
        guard chunk < chunks.count else { return }
        let index = Self.lowerBound(chunks[chunk].count) { chunks[chunk][$0] < element }
        guard index < chunks[chunk].count, chunks[chunk][index] == element else { return }
        chunks[chunk].remove(at: index)
        count -= 1
        if chunks[chunk].isEmpty { chunks.remove(at: chunk) }
    }

    /// Hands over elements in their order, from the first that is not less than the one given, until the body returns
    /// false.
    func walk(from element: Element, _ body: (Element) -> Bool) {
        var chunk = chunk(at: element)
        guard chunk < chunks.count else { return }
        var index = Self.lowerBound(chunks[chunk].count) { chunks[chunk][$0] < element }
        while chunk < chunks.count {
            while index < chunks[chunk].count {
                guard body(chunks[chunk][index]) else { return }
                index += 1
            }
            chunk += 1
            index = 0
        }
    }

    /// The first piece that does not end before an element; their count if all do.
    private func chunk(at element: Element) -> Int {
        Self.lowerBound(chunks.count) { index in chunks[index].last.map { $0 < element } ?? false }
    }

    /// The first index for which the condition, true up to some index and false behind it, is false.
    private static func lowerBound(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
