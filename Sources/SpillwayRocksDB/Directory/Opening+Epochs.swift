internal import CSpillwayRocksDB

extension Opening {
    private static let storeKey = Array("epoch.store".utf8)
    private static let logKey = Array("epoch.log".utf8)

    /// Reads both epochs, and makes new ones, synced, where asked: the greater of the last one plus one and the time.
    static func setEpochs(_ opened: inout OpenedDatabase, newStoreEpoch: Bool, newLogEpoch: Bool) throws {
        guard let system = opened.families[OpenedDatabase.systemFamily] else {
            throw DatabaseError(.corruption, "the family \(OpenedDatabase.systemFamily) is missing")
        }
        opened.storeEpoch = try unsafe read(storeKey, opened.handle, system)
        opened.logEpoch = try unsafe read(logKey, opened.handle, system)
        let now = UInt64(max(0, wallMilliseconds()))
        let batch = WriteBatch()
        if newStoreEpoch || opened.storeEpoch == 0 {
            opened.storeEpoch = max(opened.storeEpoch + 1, now)
            batch.put(system, storeKey, bigEndian(opened.storeEpoch))
        }
        if newLogEpoch || opened.logEpoch == 0 {
            opened.logEpoch = max(opened.logEpoch + 1, now)
            batch.put(system, logKey, bigEndian(opened.logEpoch))
        }
        // Also without a new epoch: what was replayed from the log is durable before anything is served.
        var witness = unsafe Witness(sequence: spillway_db_latest_sequence(opened.handle))
        try unsafe witness.withBytes { bytes in
            try unsafe spillway_db_write(opened.handle, batch.handle, bytes, true).check("write the epochs")
        }
    }

    private static func read(_ key: [UInt8], _ handle: OpaquePointer, _ family: ColumnFamily) throws -> UInt64 {
        var pin = spillway_pin()
        return try unsafe withUnsafeMutablePointer(to: &pin) { pin in
            try unsafe key.withUnsafeBytes { key in
                var value = unsafe spillway_bytes()
                let read = unsafe spillway_read(snapshot: nil, tier: 0, fill_cache: true)
                let status = unsafe spillway_db_get(handle, family.handle, read, spillway_bytes(key), pin, &value)
                if unsafe status.isNotFound { return 0 }
                try unsafe status.check("read the epochs")
                defer { unsafe spillway_pin_release(pin) }
                return unsafe value.buffer.reduce(0) { $0 << 8 | UInt64($1) }
            }
        }
    }

    static func bigEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
    }
}
