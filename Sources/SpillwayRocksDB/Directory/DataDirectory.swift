internal import Glibc

/// A data directory that this process has locked: `FORMAT` says what it is, `LOCK` who has it, `clean` whether it was
/// closed, `made` that there was a database in it, `UNFINISHED` what was begun and has to end first, `key` signs tokens,
/// `db` is RocksDB's.
///
/// `FORMAT` is read and the lock is taken before RocksDB is touched, since a second opener of RocksDB's own lock
/// rotates the first one's log file before it fails. A refusal leaves everything as it was.
struct DataDirectory: ~Copyable {
    /// The version of a new directory. It rises with what is written (``requireFormat(_:)``), so that what uses nothing new
    /// stays open to the programs before.
    static let firstFormat = 1
    /// From this one on delayed entries are in blocks: an earlier program would take the side queues for empty.
    static let blocksFormat = 2
    /// The newest that this program reads.
    static let newestFormat = 2

    let path: String
    private let lock: Int32

    var database: String { path + "/db" }
    private var clean: String { path + "/clean" }
    private var made: String { path + "/made" }
    private static func format(_ path: String) -> String { path + "/FORMAT" }

    /// Names that may be in a directory that becomes ours: the token key may have been made before the first start.
    private static let allowedBeforeFormat: Set<String> = [
        "key", "LOCK", "FORMAT.new", UnfinishedWork.fileName + ".new", "lost+found",
    ]
    /// What a token key that is being made, or never was, stands in.
    private static let unfinishedKeys = "key.new."

    /// Locks the directory; makes it if it is not there and `create` says so.
    ///
    /// - Parameter endsRecovery: also takes a directory whose recovery was cut off, for who brings it to its end.
    static func lock(_ path: String, create: Bool, endsRecovery: Bool = false) throws -> DataDirectory {
        let path = FileSystem.withoutSlashes(path)
        var isNew = false
        if !FileSystem.exists(path) {
            guard create else { throw DatabaseError(.notFound, "there is no data directory at \(path)") }
            try FileSystem.makeDirectories(path)
        }
        guard FileSystem.isDirectory(path) else {
            throw DatabaseError(.foreignDirectory, "\(path) is not a directory")
        }
        if let format = try Self.readFormat(path) {
            try Self.check(format, path)
        } else if let unfinished = try UnfinishedWork.read(path) {
            // Who is still at it holds the lock.
            close(try Self.takeLock(path))
            throw unfinished.refusal(path)
        } else {
            let strangers = try FileSystem.names(in: path).filter {
                !Self.allowedBeforeFormat.contains($0) && !$0.hasPrefix(Self.unfinishedKeys)
            }
            guard strangers.isEmpty else {
                throw DatabaseError(
                    .foreignDirectory, "\(path) holds something else (\(strangers[0])): give an empty directory")
            }
            guard create else { throw DatabaseError(.notFound, "there is no data directory at \(path)") }
            isNew = true
        }
        let directory = DataDirectory(path: path, lock: try Self.takeLock(path))
        switch try UnfinishedWork.read(path) {
        case nil: break
        case .recovery? where endsRecovery: break
        case let unfinished?: throw unfinished.refusal(path)
        }
        if isNew {
            try FileSystem.writeDurably(Self.format(version: Self.firstFormat), to: Self.format(path))
        }
        return directory
    }

    private static func format(version: Int) -> [UInt8] { Array("spillway \(version)\n".utf8) }

    /// Has programs refuse the directory that do not know a version; durable on return. Nothing happens if it has it, or
    /// a later one.
    func requireFormat(_ version: Int) throws {
        guard let found = try Self.readFormat(path), try Self.check(found, path) < version else { return }
        try FileSystem.writeDurably(Self.format(version: version), to: Self.format(path))
    }

    /// Locks a directory, which it makes if it is not there, for a copy to be made in it; marked as unfinished before
    /// anything is in it.
    static func lockForRestore(_ path: String) throws -> DataDirectory {
        let path = FileSystem.withoutSlashes(path)
        try FileSystem.makeDirectories(path)
        let directory = DataDirectory(path: path, lock: try Self.takeLock(path))
        try UnfinishedWork.restore.mark(path)
        return directory
    }

    /// Makes sure that a directory is ours and that no one writes to it; returns a descriptor to close, or -1 if there
    /// is nothing to lock.
    static func lockForReading(_ path: String) throws -> Int32 {
        guard let format = try readFormat(path) else {
            if let unfinished = try UnfinishedWork.read(path) { throw unfinished.refusal(path) }
            throw DatabaseError(.notFound, "\(path) is no data directory: it has no FORMAT")
        }
        try check(format, path)
        let file = unsafe open(path + "/LOCK", O_RDONLY | O_CLOEXEC)
        if file >= 0 && flock(file, LOCK_SH | LOCK_NB) != 0 {
            close(file)
            throw DatabaseError(.inUse, "\(path) is in use by another process: stop it first, or copy it by a backup")
        }
        do {
            if let unfinished = try UnfinishedWork.read(path) { throw unfinished.refusal(path) }
        } catch {
            if file >= 0 { close(file) }
            throw error
        }
        return file
    }

    private init(path: String, lock: Int32) {
        self.path = path
        self.lock = lock
    }

    deinit { close(lock) }

    private static func readFormat(_ path: String) throws -> [UInt8]? {
        let file = format(path)
        return FileSystem.exists(file) ? try FileSystem.read(file) : nil
    }

    @discardableResult
    private static func check(_ format: [UInt8], _ path: String) throws -> Int {
        let words = String(decoding: format.prefix(64), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, words[0] == "spillway", let version = Int(words[1]), version > 0 else {
            throw DatabaseError(.foreignDirectory, "\(path)/FORMAT is not ours: is this the right directory?")
        }
        guard version <= newestFormat else {
            throw DatabaseError(
                .newerFormat,
                "\(path) has format \(version), this program reads up to \(newestFormat): use a newer program")
        }
        return version
    }

    private static func takeLock(_ path: String) throws -> Int32 {
        let file = unsafe open(path + "/LOCK", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileSystem.failure("open", path + "/LOCK") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(file)
            guard number == EWOULDBLOCK else { throw FileSystem.failure("lock", path + "/LOCK", number) }
            throw DatabaseError(.inUse, "\(path) is in use by another process: stop it first")
        }
        return file
    }

    /// Whether the last user closed it.
    var hasCleanMark: Bool { FileSystem.exists(clean) }

    /// From now on it counts as not closed, also after a power loss.
    func removeCleanMark() throws {
        try FileSystem.remove(clean)
        try FileSystem.syncDirectory(path)
    }

    func putCleanMark() throws { try FileSystem.writeDurably([], to: clean) }

    /// Whether a database was opened in it before.
    var hasMadeMark: Bool { FileSystem.exists(made) }

    /// From now on there must be a database in it: if there is none, it has gone. Before anything is acknowledged.
    func putMadeMark() throws {
        if !hasMadeMark { try FileSystem.writeDurably([], to: made) }
    }
}
