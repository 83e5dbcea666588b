/// The embedded log's limits.
struct LogConfiguration: Sendable, Equatable {
    /// Records that may wait for the log writer.
    var queueRecords: Int
    /// Bytes that may wait for the log writer.
    var queueBytes: Int
    /// The newest records kept in memory, in bytes.
    var tailBytes: Int
    /// Age at which applied records leave the log.
    var retentionAge: Duration
    /// Size of the log above which applied records leave it, in bytes.
    var retentionBytes: Int
    /// Free space of the disk below which votes are refused, in bytes; nil chooses by the disk and the memtables.
    var diskReserveBytes: Int?

    init(_ values: OptionValues) {
        queueRecords = values[OptionTable.queueRecords]
        queueBytes = values[OptionTable.queueBytes]
        tailBytes = values[OptionTable.tailBytes]
        retentionAge = values[OptionTable.logRetentionAge]
        retentionBytes = values[OptionTable.logRetentionBytes]
        let reserve = values[OptionTable.diskReserveBytes]
        diskReserveBytes = reserve == 0 ? nil : reserve
    }
}
