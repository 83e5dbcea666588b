import Glibc
import Synchronization

/// Where whole lines of log go.
///
/// Lines of several threads do not mix: each is written by one call. A write that fails is given up, since there is
/// nowhere left to say so. Standard error may block the caller when it is a pipe that nobody reads.
public struct LogOutput: Sendable {
    private let body: @Sendable ([UInt8]) -> Void

    /// Makes an output; the closure gets one line with its newline, from any thread.
    public init(_ body: @escaping @Sendable (_ line: [UInt8]) -> Void) { self.body = body }

    /// The process's standard error.
    public static let standardError = LogOutput { StandardError.write($0) }

    func write(_ line: [UInt8]) { body(line) }
}

private enum StandardError {
    private static let lock = Mutex<Void>(())

    static func write(_ line: [UInt8]) {
        lock.withLock { _ in
            var rest = line[...]
            while !rest.isEmpty {
                // Safe: the pointer is used within the call only, and the count is the buffer's own.
                let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0 && errno == EINTR {
                    continue
                } else {
                    return
                }
            }
        }
    }
}
