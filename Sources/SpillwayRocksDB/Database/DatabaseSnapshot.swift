internal import CSpillwayRocksDB

extension Database {
    /// A consistent view of the whole database, as it was when the snapshot was made; released with its last reference.
    ///
    /// Hold one briefly: while it lives, compactions keep every version that it can see.
    @safe public final class Snapshot: Sendable {
        private let database: Database
        /// Immutable; RocksDB allows its use from any thread.
        nonisolated(unsafe) let handle: OpaquePointer
        /// The sequence number of the last write that the snapshot sees.
        public let sequence: UInt64

        init(_ database: Database) {
            self.database = database
            database.retainUse()
            guard let made = unsafe spillway_db_snapshot(database.handle) else { preconditionFailure("no snapshot") }
            unsafe handle = made
            sequence = unsafe spillway_snapshot_sequence(made)
        }

        deinit {
            unsafe spillway_db_release_snapshot(database.handle, handle)
            database.releaseUse()
        }
    }
}
