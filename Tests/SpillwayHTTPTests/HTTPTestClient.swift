import Glibc
import SpillwayCore

/// A client that sends exactly the bytes it is told to, and reads with a deadline. Its blocking calls run on threads of
/// their own.
final class HTTPTestClient: Sendable {
    struct Response: Equatable {
        var status: Int
        var fields: [String: String]
        var body: String
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private static let threads = BlockingExecutor(name: "test-clients", threads: 16)
    private let descriptor: Int32

    init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw Failure(description: "connect: \(String(cString: strerror(code)))")
        }
        var time = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        let descriptor = descriptor
        try await Self.threads.run {
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw Failure(description: "send: \(String(cString: strerror(errno)))") }
                sent += count
            }
        }
    }

    /// Sends the end; reading goes on.
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Has the end of this client be a reset, as of one that has crashed.
    func resetAtEnd() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// The next bytes; empty at the end or after a reset.
    func receive() async throws -> [UInt8] {
        let descriptor = descriptor
        return try await Self.threads.run {
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 {
                if errno == ECONNRESET { return [] }
                throw Failure(description: "recv: \(String(cString: strerror(errno)))")
            }
            return Array(buffer[..<count])
        }
    }

    /// Everything until the other side ends.
    func receiveAll(_ sent: String = "") async throws -> String {
        var all: [UInt8] = []
        while true {
            do {
                let bytes = try await receive()
                if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
                all += bytes
            } catch {
                throw Failure(description: "\(error) after \(sent) and '\(String(decoding: all, as: UTF8.self))'")
            }
        }
    }

    /// Everything until the text stands in it.
    func receive(until text: String) async throws -> String {
        var all = ""
        while !all.contains(text) {
            let bytes = try await receive()
            if bytes.isEmpty { throw Failure(description: "ended before '\(text)': \(all)") }
            all += String(decoding: bytes, as: UTF8.self)
        }
        return all
    }

    /// Reads whole responses with a `Content-Length`, exactly that many, and nothing behind them.
    func responses(_ count: Int, toHead: Bool = false) async throws -> [Response] {
        var bytes: [UInt8] = []
        var found: [Response] = []
        while true {
            while let (response, length) = Self.parse(bytes, toHead: toHead) {
                found.append(response)
                bytes.removeFirst(length)
            }
            if found.count >= count {
                guard found.count == count, bytes.isEmpty else { throw Failure(description: "too much: \(found)") }
                return found
            }
            let more = try await receive()
            if more.isEmpty { throw Failure(description: "ended after \(found) and '\(bytes)'") }
            bytes += more
        }
    }

    func response(toHead: Bool = false) async throws -> Response { try await responses(1, toHead: toHead)[0] }

    private static func parse(_ bytes: [UInt8], toHead: Bool) -> (Response, Int)? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        let headCount = text[..<end.upperBound].utf8.count
        let bodyCount = toHead ? 0 : Int(fields["content-length"] ?? "0") ?? 0
        guard bytes.count >= headCount + bodyCount else { return nil }
        let body = String(decoding: bytes[headCount..<(headCount + bodyCount)], as: UTF8.self)
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        return (Response(status: status, fields: fields, body: body), headCount + bodyCount)
    }
}
