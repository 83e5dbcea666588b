/// What must be brought to its end before a data directory is used: a durable mark, the file `UNFINISHED`.
///
/// It is written before the step that can't be taken back, and removed behind the last one. Who was killed in between
/// leaves a directory that RocksDB would open without complaint, though something is missing in it.
enum UnfinishedWork: Equatable, Sendable {
    /// A copy is being made in it: the log's new epoch may not be stored yet.
    case restore
    /// What stands behind a damage of the log is being taken over, from log files that are kept in the directory of
    /// that name.
    case recovery(kept: String)

    static let fileName = "UNFINISHED"

    private static func file(_ path: String) -> String { path + "/" + fileName }

    private var text: String {
        switch self {
        case .restore: "restore\n"
        case .recovery(let kept): "recover \(kept)\n"
        }
    }

    /// What is unfinished in a directory; `nil` is nothing.
    static func read(_ path: String) throws -> UnfinishedWork? {
        guard FileSystem.exists(file(path)) else { return nil }
        let bytes = try FileSystem.read(file(path))
        let words = String(decoding: bytes.prefix(1_024), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        switch words.first {
        case "restore" where words.count == 1: return .restore
        case "recover" where words.count == 2 && !words[1].contains("/"): return .recovery(kept: String(words[1]))
        default:
            throw DatabaseError(
                .corruption, "\(file(path)) is not ours or damaged: restore a backup into another directory")
        }
    }

    /// Durable on return.
    func mark(_ path: String) throws { try FileSystem.writeDurably(Array(text.utf8), to: Self.file(path)) }

    /// Removes the mark, for good.
    static func unmark(_ path: String) throws {
        try FileSystem.remove(file(path))
        try FileSystem.syncDirectory(path)
    }

    /// Why the directory can't be used.
    func refusal(_ path: String) -> DatabaseError {
        switch self {
        case .restore:
            DatabaseError(
                .foreignDirectory,
                "a restore into \(path) was cut off: remove the directory, and restore the backup again")
        case .recovery(let kept):
            DatabaseError(
                .damagedLog,
                "a recovery of \(path) was cut off, and part of the log is in \(path)/\(kept) only: "
                    + "`spillway recover --data \(path) --accept-loss` brings it to its end")
        }
    }
}
