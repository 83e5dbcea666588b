internal import Glibc

/// The few calls on files that a data directory needs, with errors that name the path.
enum FileSystem {
    /// An error for the present `errno`.
    static func failure(_ doing: String, _ path: String, _ number: Int32 = errno) -> DatabaseError {
        let reason = unsafe String(cString: strerror(number))
        let code: DatabaseError.Code
        switch number {
        case EACCES, EPERM, EROFS: code = .notWritable
        case ENOSPC, EDQUOT: code = .noSpace
        case ENOENT, ENOTDIR: code = .notFound
        default: code = .ioError
        }
        return DatabaseError(code, "\(doing) \(path): \(reason)")
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Names in a directory, sorted, without `.` and `..`.
    static func names(in path: String) throws -> [String] {
        guard let directory = unsafe opendir(path) else { throw failure("read", path) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes a directory and the ones above it; their names are durable.
    static func makeDirectories(_ path: String, mode: mode_t = 0o700) throws {
        if isDirectory(path) { return }
        // What stands before the last slash is another directory, with another mode.
        let path = withoutSlashes(path)
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectories(String(path[..<slash]), mode: 0o755)
        }
        if unsafe mkdir(path, mode) == 0 { return try syncDirectory(parent(of: path)) }
        guard errno == EEXIST else { throw failure("make", path) }
        guard isDirectory(path) else { throw DatabaseError(.foreignDirectory, "\(path) is not a directory") }
    }

    static func read(_ path: String) throws -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("read", path) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw failure("read", path) }
        let size = Int(status.st_size)
        var offset = 0
        let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while offset < size {
                let n = unsafe Glibc.pread(file, buffer.baseAddress! + offset, size - offset, off_t(offset))
                if n < 0 && errno == EINTR { continue }
                if n < 0 { throw failure("read", path) }
                if n == 0 { break }
                offset += n
            }
            count = offset
        }
        return bytes
    }

    /// Writes a file beside its name, syncs it, renames it into place and syncs the directory.
    static func writeDurably(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws {
        let temporary = path + ".new"
        let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw failure("write", temporary) }
        defer { close(file) }
        try write(bytes, to: file, path: temporary)
        guard fsync(file) == 0 else { throw failure("sync", temporary) }
        guard unsafe rename(temporary, path) == 0 else { throw failure("rename", temporary) }
        try syncDirectory(parent(of: path))
    }

    private static func write(_ bytes: [UInt8], to file: Int32, path: String) throws {
        var offset = 0
        while offset < bytes.count {
            let n = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(file, $0.baseAddress! + offset, $0.count - offset)
            }
            if n < 0 && errno == EINTR { continue }
            guard n > 0 else { throw failure("write", path) }
            offset += n
        }
    }

    static func remove(_ path: String) throws {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    static func syncDirectory(_ path: String) throws {
        let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("open", path) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure("sync", path) }
    }

    /// The path without the slashes at its end.
    static func withoutSlashes(_ path: String) -> String {
        guard let last = path.lastIndex(where: { $0 != "/" }) else { return path.isEmpty ? "" : "/" }
        return String(path[...last])
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Copies one file, and syncs the copy.
    static func copy(_ from: String, to: String, mode: mode_t = 0o600) throws {
        let input = unsafe open(from, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw failure("read", from) }
        defer { close(input) }
        let output = unsafe open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard output >= 0 else { throw failure("write", to) }
        defer { close(output) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let n = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(input, $0.baseAddress!, $0.count) }
            if n < 0 && errno == EINTR { continue }
            guard n >= 0 else { throw failure("read", from) }
            if n == 0 { break }
            try write(Array(buffer[..<n]), to: output, path: to)
        }
        guard fsync(output) == 0 else { throw failure("sync", to) }
    }
}
