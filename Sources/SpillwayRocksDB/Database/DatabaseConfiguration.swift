internal import Glibc

extension Database {
    /// How a database is opened.
    public struct Configuration: Sendable {
        /// The families that the program uses; those not there are made. Families on disk that are not named here are
        /// opened too.
        public var families: [ColumnFamily.Options] = []
        /// What families are opened with if they are on disk; none of them is made. Those that are neither here nor in
        /// ``families`` are opened as this library makes them if it does, else with defaults.
        public var familiesIfThere: [ColumnFamily.Options] = []
        /// Makes the directory if it is not there; default true.
        public var createsDirectory = true
        /// Bytes of the cache of blocks that all families share, filters and indexes included; default 128 MiB.
        public var blockCacheBytes = 128 << 20
        /// Bytes of memtables of all families beyond which one is flushed; default 128 MiB.
        public var memtableBytes = 128 << 20
        /// Bytes of write-ahead log beyond which memtables are flushed; default 256 MiB. It bounds the time of a start.
        public var writeAheadLogBytes = 256 << 20
        /// Threads for flushes and compactions; default 2.
        public var backgroundJobs = 2
        /// Files that are open at a time; default 1,000.
        public var maxOpenFiles = 1_000
        /// Free bytes on the disk below which the log takes no more; at half of it projections wait too. `nil`, the
        /// default, is 512 MiB or a tenth of the file system, whichever is less, but at least twice ``memtableBytes``.
        public var reserveBytes: Int?
        /// Counts block cache hits, stalls and compactions for metrics; default true.
        public var countsStatistics = true
        /// Told when a sync has failed: the process must end, for what the kernel still holds may never reach the
        /// disk, and a second sync would not say so. Default: writes the reason to stderr and exits with 74.
        public var onFatal: @Sendable (String) -> Void = Configuration.endProcess
        /// Told what to do if the free bytes of a file system can't be had from the operating system: for tests.
        var freeBytes: (@Sendable (String) -> Int64)?

        /// A configuration with every default.
        public init() {}

        /// Writes the reason to stderr and ends the process with exit code 74, without any clean-up.
        public static func endProcess(_ reason: String) {
            let line = Array("spillway: fatal: \(reason)\n".utf8)
            unsafe line.withUnsafeBytes { _ = unsafe Glibc.write(2, $0.baseAddress, $0.count) }
            _exit(74)
        }
    }
}
