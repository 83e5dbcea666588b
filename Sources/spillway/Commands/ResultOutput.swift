import CSpillwaySystem
import Glibc
import Synchronization

/// Writes results to a descriptor, and remembers that it could not: nothing is written behind what is missing.
///
/// A reader that is gone is not an error of ours.
final class ResultOutput: Sendable {
    private let descriptor: Int32
    /// The first failure's `errno`; 0 while there was none.
    private let failed = Mutex<Int32>(0)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Why results are cut short; nil if they are not.
    var failure: String? {
        let number = failed.withLock { $0 }
        return number == 0 || number == EPIPE ? nil : FileSource.reason(number)
    }

    /// Whether nothing more is written, for whatever reason: a command may end its work then.
    var isCutShort: Bool { failed.withLock { $0 } != 0 }

    /// Writes all of it. Blocks while the reader is slow, also if the descriptor says that it does not.
    func write(_ bytes: [UInt8]) {
        failed.withLock { failed in
            if failed == 0 { failed = Self.write(bytes, to: descriptor) }
        }
    }

    /// Writes all of it; returns the `errno` of what went wrong, or 0.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        unsafe bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = unsafe Glibc.write(descriptor, buffer.baseAddress! + sent, buffer.count - sent)
                let number = errno
                if count > 0 {
                    sent += count
                } else if count == 0 {
                    return EIO
                } else if number == EAGAIN {
                    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = unsafe poll(&wanted, 1, -1)
                } else if number != EINTR {
                    return number
                }
            }
            return 0
        }
    }
}
