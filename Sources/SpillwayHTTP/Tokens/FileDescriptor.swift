import Glibc

/// An open file that is closed when its owner goes away.
struct FileDescriptor: ~Copyable {
    let number: Int32

    /// Opens a file; throws with the call's error number in words.
    init(opening path: String, flags: Int32, mode: mode_t = 0) throws(TokenKeyError) {
        number = unsafe open(path, flags | O_CLOEXEC, mode)
        guard number >= 0 else {
            throw TokenKeyError(.inputOutput, "can't open \(path): \(Self.lastError())")
        }
    }

    deinit {
        close(number)
    }

    /// Everything in the file, or nil if that is more than the limit.
    func readAll(limit: Int, path: String) throws(TokenKeyError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var filled = 0
        while filled < bytes.count {
            // The slice is inside the array, which outlives the call.
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe read(number, $0.baseAddress! + filled, $0.count - filled)
            }
            if count == 0 { return Array(bytes[..<filled]) }
            guard count > 0 || errno == EINTR else {
                throw TokenKeyError(.inputOutput, "can't read \(path): \(Self.lastError())")
            }
            filled += max(count, 0)
        }
        return nil
    }

    /// Writes all bytes and has them on the disk before it returns.
    func writeAll(_ bytes: [UInt8], path: String) throws(TokenKeyError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe write(number, $0.baseAddress! + written, $0.count - written)
            }
            guard count > 0 || errno == EINTR else {
                throw TokenKeyError(.inputOutput, "can't write \(path): \(Self.lastError())")
            }
            written += max(count, 0)
        }
        try synchronize(path: path)
    }

    /// Has the file (or the directory's entries) on the disk before it returns.
    func synchronize(path: String) throws(TokenKeyError) {
        guard fsync(number) == 0 else {
            throw TokenKeyError(.inputOutput, "can't sync \(path): \(Self.lastError())")
        }
    }

    /// The error number of the thread's last call, in words.
    static func lastError() -> String {
        let number = errno
        // strerror's text is static for every number that the kernel gives; only unknown numbers share a buffer.
        return unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}
