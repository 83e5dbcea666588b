extension OptionTable {
    static let partitions = Option<Int>(
        "partitions", key: "storage.partitions", .integer(1...256, unit: "partitions"), default: "4",
        for: .openingStore,
        "Partitions of a new data directory; for one that exists it must be the number it was made with.")
    static let queueRecords = Option<Int>(
        "queue-records", key: "storage.queue-records", .integer(1_000...10_000_000, unit: "records"), default: "100000",
        for: .serving, "Records that wait for the log writer; beyond it votes get 429.")
    static let queueBytes = Option<Int>(
        "queue-bytes", key: "storage.queue-bytes", .bytes((1 << 20)...(1 << 36)), default: "64MiB", for: .serving,
        "Bytes that wait for the log writer; beyond it votes get 429.")
    static let tailBytes = Option<Int>(
        "tail-bytes", key: "storage.tail-bytes", .bytes((1 << 20)...(1 << 36)), default: "64MiB", for: .serving,
        "The log's newest records kept in memory, from which consumers near the end are fed.")
    static let logRetentionAge = Option<Duration>(
        "log-retention-age", key: "storage.log-retention-age",
        .duration(.seconds(60)...(.seconds(3_650 * 86_400))), default: "7d", for: .serving,
        "Records older than this leave the log once every projection has applied them durably.")
    static let logRetentionBytes = Option<Int>(
        "log-retention-bytes", key: "storage.log-retention-bytes", .bytes((1 << 20)...(1 << 50)), default: "8GiB",
        for: .serving, "The log's size above which its oldest records leave it, applied ones only.")
    static let diskReserveBytes = Option<Int>(
        "disk-reserve-bytes", key: "storage.disk-reserve-bytes", .bytes(0...(1 << 44)), default: "0",
        meaning: "512MiB or a tenth of the disk, whichever is less, but at least twice memtable-bytes", for: .serving,
        "Free space below which votes get 503, so that the store never runs out in mid-write.")
    static let blockCacheBytes = Option<Int>(
        "block-cache-bytes", key: "storage.block-cache-bytes", .bytes((1 << 20)...(1 << 44)), default: "128MiB",
        for: .openingStore, "RocksDB's cache of blocks.")
    static let memtableBytes = Option<Int>(
        "memtable-bytes", key: "storage.memtable-bytes", .bytes((1 << 20)...(1 << 40)), default: "128MiB",
        for: .openingStore, "All of RocksDB's write buffers together.")

    static let storage: [OptionDefinition] = [
        partitions.definition, queueRecords.definition, queueBytes.definition, tailBytes.definition,
        logRetentionAge.definition, logRetentionBytes.definition, diskReserveBytes.definition,
        blockCacheBytes.definition, memtableBytes.definition,
    ]

    static let l1CountsBytes = Option<Int>(
        "l1-counts-bytes", key: "caches.l1-counts-bytes", .bytes((64 << 10)...(1 << 40)), default: "64MiB",
        for: .serving, "The cache of counts by target.")
    static let l1CallersBytes = Option<Int>(
        "l1-callers-bytes", key: "caches.l1-callers-bytes", .bytes((64 << 10)...(1 << 40)), default: "128MiB",
        for: .serving, "The cache of callers' own states by user.")
    static let l1TimeToLive = Option<Duration>(
        "l1-ttl", key: "caches.l1-ttl", .duration(.milliseconds(100)...(.seconds(86_400))), default: "5m",
        for: .serving,
        "How long a cached value lives at most; each lives up to a fifth less, by chance. Changes reach it at once.")
    static let warmUp = Option<Duration>(
        "warm-up", key: "caches.warm-up", .duration(.zero...(.seconds(60))), default: "2s", for: .serving,
        "How long a start may fill the callers' cache, newest users first, before it is ready; the rest follows later.")

    static let caches: [OptionDefinition] = [
        l1CountsBytes.definition, l1CallersBytes.definition, l1TimeToLive.definition, warmUp.definition,
    ]
}
