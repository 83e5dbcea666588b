internal import CSpillwayRocksDB

extension Database {
    /// One of a family's files.
    public struct File: Equatable, Sendable {
        /// The level it is in; 0 holds what was flushed and not compacted yet.
        public var level: Int
        /// Its size.
        public var byteCount: Int
        /// Its least key.
        public var smallestKey: [UInt8]
        /// Its greatest key.
        public var largestKey: [UInt8]
    }

    /// The family's files as they are now, in the order of their least keys.
    public func files(of family: ColumnFamily) -> [File] {
        final class Files { var all: [File] = [] }
        let files = Files()
        unsafe spillway_db_files(
            handle, family.handle, Unmanaged.passUnretained(files).toOpaque()
        ) { context, level, bytes, smallest, largest in
            guard let context = unsafe context else { return }
            unsafe Unmanaged<Files>.fromOpaque(context).takeUnretainedValue().all.append(
                File(
                    level: Int(level), byteCount: Int(bytes), smallestKey: [UInt8](smallest.buffer),
                    largestKey: [UInt8](largest.buffer)))
        }
        return files.all.sorted { $0.smallestKey.lexicographicallyPrecedes($1.smallestKey) }
    }
}
