import SpillwayCore

/// Finds the keys that take the largest shares of what passes, over a sliding window, in a fixed number of counters.
///
/// Two panes of the Space-Saving algorithm (Metwally, Agrawal, El Abbadi: "Efficient Computation of Frequent and Top-k
/// Elements in Data Streams", ICDT 2005): the present half of the window and the one before. A key that takes a
/// counter over inherits its count as its error; what is counted for sure is the count less the error. One record in
/// four is looked at, chosen by a Weyl sequence, so that no pattern of the stream can hide behind the choice.
struct HeavyHitters: Sendable {
    private struct Pane: Sendable {
        var hashes: ContiguousArray<UInt64> = []
        var counts: ContiguousArray<UInt32> = []
        var errors: ContiguousArray<UInt32> = []
        var total: UInt32 = 0

        func index(of hash: UInt64) -> Int? { hashes.firstIndex(of: hash) }

        func surely(_ hash: UInt64) -> UInt32 {
            guard let index = index(of: hash) else { return 0 }
            return counts[index] - errors[index]
        }

        mutating func add(_ hash: UInt64, capacity: Int) {
            total += 1
            if let index = index(of: hash) {
                counts[index] += 1
                return
            }
            if hashes.count < capacity {
                hashes.append(hash)
                counts.append(1)
                errors.append(0)
                return
            }
            var least = 0
            for index in counts.indices where counts[index] < counts[least] { least = index }
            hashes[least] = hash
            errors[least] = counts[least]
            counts[least] += 1
        }
    }

    /// One record in so many is counted.
    static let sampling = 4
    private let capacity: Int
    private let half: Duration
    private var present = Pane()
    private var past = Pane()
    private var paneEnd = MonotonicInstant.zero
    private var weyl: UInt64 = 0

    /// - Parameter capacity: counters in a pane: a key with a share above one over it can't be missed.
    init(window: Duration, capacity: Int = 64) {
        half = window / 2
        self.capacity = capacity
    }

    /// How many records were seen in the window, about.
    var total: Int { Int(present.total + past.total) * Self.sampling }

    /// A record's key passes.
    ///
    /// - Returns: true if it was counted, and its share is worth asking for.
    mutating func observe(_ hash: UInt64) -> Bool {
        weyl &+= 0x9e37_79b9_7f4a_7c15
        guard weyl >> 62 == 0 else { return false }
        present.add(hash, capacity: capacity)
        return true
    }

    /// The share of the window that a key has for sure, 0 to 1.
    func share(of hash: UInt64) -> Double {
        let total = present.total + past.total
        return total == 0 ? 0 : Double(present.surely(hash) + past.surely(hash)) / Double(total)
    }

    /// When the present half of the window is over.
    var nextSlide: MonotonicInstant { paneEnd }

    /// Begins another half of the window if one is over.
    ///
    /// - Returns: true if it did, and shares are to be looked at again.
    mutating func slide(now: MonotonicInstant) -> Bool {
        guard now >= paneEnd else { return false }
        if paneEnd == .zero {
            paneEnd = now + half
            return false
        }
        past = now >= paneEnd + half ? Pane() : present
        present = Pane()
        paneEnd = now + half
        return true
    }
}
