public import SpillwayCore
internal import Synchronization

/// A hybrid logical clock: versions that only grow, close to real time, also over restarts and when the machine's clock
/// goes back. The upper 48 bits are milliseconds since 1970, the lower 16 count within one.
///
/// After Kulkarni, Demirbas, Madeppa, Avva and Leone, "Logical Physical Clocks", OPODIS 2014.
public final class VersionClock: Sendable {
    /// How far a foreign version may be ahead of real time before it is refused: one minute.
    public static let boundMs: UInt64 = 60_000

    private let last: Mutex<UInt64>
    private let time: any TimeSource

    /// Makes a clock that continues after `last`, the greatest version known from before a restart.
    public init(time: any TimeSource, resumingAfter last: UInt64 = 0) {
        self.time = time
        self.last = Mutex(last)
    }

    /// A version greater than all before. Never refuses: if the machine's clock goes back, it counts on.
    public func next() -> UInt64 {
        let now = Self.version(atMs: time.wallMilliseconds())
        return last.withLock { last in
            last = max(last + 1, now)
            return last
        }
    }

    /// Continues after a version of our own from before, whatever real time says.
    public func resume(after version: UInt64) {
        last.withLock { $0 = max($0, version) }
    }

    /// Takes note of a foreign version, so that the next own one is greater.
    ///
    /// - Returns: false, and takes no note, if it claims to be ahead of real time by more than ``boundMs``.
    public func observe(_ version: UInt64) -> Bool {
        let limit = Self.version(atMs: time.wallMilliseconds() + Int64(Self.boundMs))
        guard version <= limit else { return false }
        resume(after: version)
        return true
    }

    /// Whether an instant that comes from elsewhere may be taken: from 1970 on, and not ahead of the present by more than
    /// ``boundMs``. Both in milliseconds since 1970 UTC.
    public static func accepts(atMs: Int64, nowMs: Int64) -> Bool {
        atMs >= 0 && atMs <= nowMs + Int64(boundMs)
    }

    /// The first version of a millisecond.
    public static func version(atMs milliseconds: Int64) -> UInt64 {
        UInt64(min(max(milliseconds, 0), (1 << 48) - 1)) << 16
    }

    /// The millisecond of a version, since 1970 UTC.
    public static func milliseconds(of version: UInt64) -> Int64 { Int64(version >> 16) }
}
