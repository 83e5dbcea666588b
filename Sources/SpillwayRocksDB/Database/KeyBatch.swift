/// Keys for one ``Database/multiGet(_:_:sorted:options:_:)``, in one piece of memory; reusable.
public struct KeyBatch: Sendable {
    var bytes: [UInt8] = []
    var ends: [Int] = []

    /// Makes an empty batch with room for so many keys of about so many bytes.
    public init(reservingKeys: Int = 0, bytesPerKey: Int = 32) {
        bytes.reserveCapacity(reservingKeys * bytesPerKey)
        ends.reserveCapacity(reservingKeys)
    }

    /// How many keys it holds.
    public var count: Int { ends.count }

    /// Adds a key.
    public mutating func append(_ key: some Sequence<UInt8>) {
        bytes.append(contentsOf: key)
        ends.append(bytes.count)
    }

    /// Adds a key made of parts, without an array for it: `build` appends to the bytes that it is given.
    public mutating func append(building build: (inout [UInt8]) -> Void) {
        build(&bytes)
        ends.append(bytes.count)
    }

    /// Hands over each key, in the order in which they were added.
    func forEach(_ body: (ArraySlice<UInt8>) -> Void) {
        var start = 0
        for end in ends {
            body(bytes[start..<end])
            start = end
        }
    }

    /// Forgets the keys, and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }
}
