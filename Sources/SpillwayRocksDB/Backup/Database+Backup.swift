internal import CSpillwayRocksDB
internal import Glibc

extension Database {
    /// Makes a consistent copy of the data directory, key included, while the database is used. Blocks.
    ///
    /// On the same file system files are linked, not copied. `FORMAT` is written last, so that a copy that was
    /// interrupted is not taken for one that was not.
    ///
    /// - Parameter path: a directory that does not exist or is empty, outside of the data directory.
    /// - Throws: `DatabaseError`; with ``DatabaseError/Code/foreignDirectory`` if something is there.
    public func checkpoint(to path: String) throws {
        let path = FileSystem.withoutSlashes(path)
        guard !DirectoryCopy.isInside(path, of: self.path) else {
            throw DatabaseError(.foreignDirectory, "\(path) is inside of the data directory: name one outside of it")
        }
        try DirectoryCopy.requireEmpty(path)
        try FileSystem.makeDirectories(path)
        try sync()
        try unsafe spillway_db_checkpoint(handle, path + "/db").check("make a checkpoint in \(path)")
        try DirectoryCopy.finish(from: self.path, to: path)
    }

    /// Makes a data directory of a copy. The store and the log get new epochs: positions of the old log are not
    /// waited for, and versions are greater than any that was given out before. Blocks.
    ///
    /// An epoch is at least the time in milliseconds, since the copy does not know which ones the directory has had that
    /// it was made of: what is said of versions holds while the clock is not behind the one by which those were made. Two
    /// restores of one copy in the same millisecond have the same epochs; serve one of them.
    ///
    /// Until it is done the target refuses to be opened: what was cut off is removed and begun again.
    ///
    /// - Parameters:
    ///   - source: a directory that ``checkpoint(to:)`` made, or a data directory that is not in use.
    ///   - target: a directory that does not exist or is empty.
    /// - Throws: `DatabaseError`.
    public static func restore(
        from source: String, to target: String, _ configuration: Configuration = Configuration()
    ) throws {
        try DirectoryCopy.requireEmpty(target)
        let lock = try DataDirectory.lockForReading(source)
        defer { if lock >= 0 { Glibc.close(lock) } }
        let directory = try DataDirectory.lockForRestore(target)
        let target = directory.path
        try FileSystem.makeDirectories(target + "/db")
        for name in try FileSystem.names(in: source + "/db") where name != "LOCK" && !name.hasPrefix("LOG") {
            if FileSystem.isDirectory(source + "/db/" + name) { continue }
            try FileSystem.copy(source + "/db/" + name, to: target + "/db/" + name)
        }
        try FileSystem.syncDirectory(target + "/db")
        try DirectoryCopy.finish(from: source, to: target)
        let database = try openCopy(directory, of: source, configuration)
        try UnfinishedWork.unmark(target)
        try database.close()
    }

    /// Stores the new epochs, durably.
    private static func openCopy(
        _ directory: consuming DataDirectory, of source: String, _ configuration: Configuration
    ) throws -> Database {
        do {
            return Database(
                try Opening.run(directory, configuration, newLogEpoch: true), configuration)
        } catch let error as DatabaseError where error.code == .damagedLog {
            // What names the target would have the half of a copy recovered.
            throw DatabaseError(
                .damagedLog,
                "the write-ahead log of \(source) has lost something that was durable: "
                    + "`spillway recover --data \(source)` says what")
        }
    }
}

/// What backup and restore share.
enum DirectoryCopy {
    static func requireEmpty(_ path: String) throws {
        guard FileSystem.exists(path) else { return }
        guard FileSystem.isDirectory(path), try FileSystem.names(in: path).allSatisfy({ $0 == "lost+found" }) else {
            throw DatabaseError(.foreignDirectory, "\(path) is not empty: name a directory that does not exist yet")
        }
    }

    /// Whether a path, there or not, leads into the directory.
    static func isInside(_ path: String, of directory: String) -> Bool {
        guard let directory = real(directory) else { return false }
        var ancestor = path
        while !FileSystem.exists(ancestor), ancestor != FileSystem.parent(of: ancestor) {
            ancestor = FileSystem.parent(of: ancestor)
        }
        guard let found = real(ancestor) else { return false }
        return found == directory || found.hasPrefix(directory + "/")
    }

    /// The path without links and dots; nil if it leads nowhere.
    private static func real(_ path: String) -> String? {
        guard let text = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    /// Copies the key and, last, what makes it a data directory.
    static func finish(from source: String, to target: String) throws {
        if FileSystem.exists(source + "/key") {
            try FileSystem.copy(source + "/key", to: target + "/key")
        }
        try FileSystem.syncDirectory(target)
        try FileSystem.writeDurably(try FileSystem.read(source + "/FORMAT"), to: target + "/FORMAT")
        try FileSystem.syncDirectory(FileSystem.parent(of: target))
    }
}
