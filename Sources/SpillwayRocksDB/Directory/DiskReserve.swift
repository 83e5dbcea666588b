internal import CSpillwaySystem
internal import Glibc
internal import Synchronization

/// Watches the free space of the disk, so that writes are refused before RocksDB runs out: Debian's build of it ends
/// the process when an append to the write-ahead log finds no space.
final class DiskReserve: Sendable {
    enum Level: Int, Comparable, Sendable {
        /// Enough space.
        case normal
        /// Below the reserve: the log takes no more.
        case low
        /// Below half of it: projections wait too.
        case critical

        static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// Bytes that must stay free.
    let bytes: Int64
    private let path: String
    private let freeBytes: @Sendable (String) -> Int64
    private let checkedAt = Atomic<UInt64>(0)
    private let current = Atomic<Int>(0)
    private let free = Atomic<Int64>(0)

    /// How long an answer of the operating system is believed, in nanoseconds: with a writer of 1 GB/s, less than
    /// 5 MB go by meanwhile.
    private static let interval: UInt64 = 5_000_000

    init(path: String, _ configuration: Database.Configuration) {
        self.path = path
        freeBytes = configuration.freeBytes ?? { unsafe spillway_free_bytes($0) }
        bytes = Int64(
            configuration.reserveBytes
                ?? Self.standard(diskBytes: Self.diskBytes(path), memtableBytes: configuration.memtableBytes))
    }

    /// The reserve where none is given: at half of it, where projections wait too, memtables can still be flushed.
    static func standard(diskBytes: Int, memtableBytes: Int) -> Int {
        max(min(512 << 20, diskBytes / 10), memtableBytes * 2)
    }

    private static func diskBytes(_ path: String) -> Int {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return .max }
        return Int(clamping: UInt64(status.f_blocks) * UInt64(status.f_frsize))
    }

    /// The present level; asks the operating system at most every 5 ms.
    var level: Level {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        let now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        let last = checkedAt.load(ordering: .relaxed)
        if last == 0 || now &- last >= Self.interval {
            checkedAt.store(now, ordering: .relaxed)
            refresh()
        }
        return Level(rawValue: current.load(ordering: .relaxed)) ?? .normal
    }

    /// Free bytes as last seen.
    var freeNow: Int64 { free.load(ordering: .relaxed) }

    private func refresh() {
        let found = freeBytes(path)
        guard found >= 0 else { return }
        free.store(found, ordering: .relaxed)
        let level: Level = found < bytes / 2 ? .critical : found < bytes ? .low : .normal
        current.store(level.rawValue, ordering: .relaxed)
    }
}
