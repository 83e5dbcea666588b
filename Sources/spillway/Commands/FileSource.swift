import Glibc

/// A file that is read from its begin to its end; closed when this goes away.
final class FileSource {
    private let descriptor: Int32
    private let ownsDescriptor: Bool

    /// Opens a file; `-` is standard input.
    ///
    /// - Throws: `WholeFile.Failure` with the system's reason; also for a directory, which opens and then can't be read.
    init(path: String) throws {
        ownsDescriptor = path != "-"
        descriptor = unsafe ownsDescriptor ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO
        if descriptor < 0 { throw WholeFile.Failure(description: "\(path): \(Self.reason(errno))") }
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw WholeFile.Failure(description: "\(path): \(Self.reason(EISDIR))")
        }
    }

    /// Opens a file that the command line names.
    ///
    /// - Parameter purpose: what the file is, for the message.
    /// - Throws: `CommandError` of the usage.
    static func named(_ path: String, _ purpose: String) throws -> FileSource {
        do {
            return try FileSource(path: path)
        } catch {
            throw CommandError(.usage, "cannot read the \(purpose)", cause: error)
        }
    }

    deinit {
        if ownsDescriptor { close(descriptor) }
    }

    /// The file's size in bytes; nil if it is not a plain file.
    var size: Int? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// Reads the next bytes; 0 at the end.
    func read(into buffer: inout [UInt8]) throws -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            }
            if count >= 0 { return count }
            if errno != EINTR { throw WholeFile.Failure(description: Self.reason(errno)) }
        }
    }

    /// The system's words for an error number.
    static func reason(_ number: Int32) -> String {
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}
