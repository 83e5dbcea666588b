import COpenSSL
import Glibc
internal import SpillwayCore

extension SigningKey {
    /// Reads the key at the path.
    ///
    /// - Throws: ``TokenKeyError`` if it can't be read, if others than its owner may read or write it, or if it is no
    ///   key by its length.
    public init(contentsOfFile path: String) throws(TokenKeyError) {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK)
        var status = stat()
        // Asked of the open file, so that what is checked is what is read.
        guard unsafe fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw TokenKeyError(.inputOutput, "\(path) is not a regular file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw TokenKeyError(
                .permissions,
                "\(path) is open to others (mode \(String(status.st_mode & 0o777, radix: 8))): chmod 600 it, and think of who may have read it"
            )
        }
        guard let bytes = try file.readAll(limit: Self.maximumBytes, path: path) else {
            throw TokenKeyError(.size, "\(path) has more than \(Self.maximumBytes) bytes: not a key")
        }
        do {
            try self.init(bytes: bytes)
        } catch {
            throw TokenKeyError(error.code, "\(path): \(error.message)")
        }
    }

    /// Reads the key at the path, or makes one there if nothing is there yet.
    ///
    /// Safe with any number of processes at once, which all get the same key, and at any moment of a crash: the key
    /// appears under its name only when it is whole and on the disk, and never replaces another.
    public static func loadOrCreate(path: String) throws(TokenKeyError) -> SigningKey {
        if unsafe access(path, F_OK) != 0, errno == ENOENT {
            try create(path: path)
        }
        return try SigningKey(contentsOfFile: path)
    }

    /// Makes a key at the path, unless somebody else has made one there meanwhile.
    static func create(path: String) throws(TokenKeyError) {
        let key = try random()
        let temporary = path + ".new." + String(decoding: Base64URL.encode(try random().bytes.prefix(9)), as: UTF8.self)
        defer { unsafe unlink(temporary) }
        do {
            let file = try FileDescriptor(opening: temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.writeAll(key.bytes, path: temporary)
        }
        // Unlike rename, link refuses to replace what another process has made in the meantime.
        guard unsafe link(temporary, path) == 0 || errno == EEXIST else {
            throw TokenKeyError(.inputOutput, "can't make \(path): \(FileDescriptor.lastError())")
        }
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        try FileDescriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY).synchronize(path: directory)
    }
}
