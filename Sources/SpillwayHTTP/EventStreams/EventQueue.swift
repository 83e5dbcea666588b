internal import SpillwayCore

/// The events that wait for one reader, bounded in number and bytes.
struct EventQueue {
    private struct Entry {
        var key: String?
        var bytes: [UInt8]
    }

    /// What became of an event.
    enum Outcome {
        case queued
        /// It took the place of one that waited.
        case replaced
        /// It took the place of this many that were dropped.
        case dropped(Int)
        /// There is no room, and the options say that the stream ends then.
        case full
    }

    private let options: EventStream.Options
    private var entries: [Entry] = []
    private var head = 0
    private(set) var byteCount = 0

    init(options: EventStream.Options) { self.options = options }

    var isEmpty: Bool { head == entries.count }
    var count: Int { entries.count - head }

    mutating func push(_ event: ServerSentEvent) -> Outcome {
        let bytes = event.encoded
        if let key = event.coalescingKey, let index = entries[head...].firstIndex(where: { $0.key == key }) {
            byteCount += bytes.count - entries[index].bytes.count
            entries[index].bytes = bytes
            return .replaced
        }
        var dropped = 0
        while !isEmpty && (count >= options.maximumQueuedEvents || byteCount + bytes.count > options.maximumQueuedBytes)
        {
            if options.overflow == .close { return .full }
            _ = pop()
            dropped += 1
        }
        entries.append(Entry(key: event.coalescingKey, bytes: bytes))
        byteCount += bytes.count
        return dropped == 0 ? .queued : .dropped(dropped)
    }

    mutating func pop() -> [UInt8]? {
        if isEmpty { return nil }
        let bytes = entries[head].bytes
        entries[head] = Entry(key: nil, bytes: [])
        head += 1
        byteCount -= bytes.count
        if head == entries.count || head >= 256 {
            entries.removeFirst(head)
            head = 0
        }
        return bytes
    }
}
