extension Opening {
    /// Whether RocksDB makes a database here: it never was one, or its first start was cut off.
    ///
    /// Without `CURRENT` RocksDB takes a directory for an empty one, and deletes the tables of the old one. A first start
    /// has `CURRENT` before its first log file and its first table, then the mark that a database was made, before
    /// anything is acknowledged, and the clean mark when it ends.
    ///
    /// - Throws: ``DatabaseError/Code/corruption`` if there was a database; nothing has changed then.
    static func isFirstStart(_ directory: borrowing DataDirectory) throws -> Bool {
        let database = directory.database
        if FileSystem.exists(database + "/CURRENT") { return false }
        let found =
            FileSystem.isDirectory(database)
            ? try FileSystem.names(in: database).first { $0.hasSuffix(".sst") || $0.hasSuffix(".log") } : nil
        let wasUsed = directory.hasMadeMark || directory.hasCleanMark
        let trace = found.map { "but db/\($0)" } ?? (wasUsed ? "but was used before" : nil)
        guard let trace else { return true }
        throw DatabaseError(
            .corruption,
            "\(directory.path) has no db/CURRENT, \(trace); nothing was changed: mount what is missing, or restore a "
                + "backup")
    }
}
