import Glibc

/// Reads small files whole.
enum WholeFile {
    /// Why a file was not read.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads a file.
    ///
    /// - Throws: `Failure` if it can't be read or is longer than `limit` bytes.
    static func read(_ path: String, atMost limit: Int) throws -> [UInt8] {
        let source = try FileSource(path: path)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try source.read(into: &chunk)
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > limit { throw Failure(description: "longer than \(ByteText.format(limit))") }
        }
    }
}
