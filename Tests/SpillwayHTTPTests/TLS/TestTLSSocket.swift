import Glibc
import Testing

/// A client by OpenSSL on a socket that blocks, for ten seconds at most.
final class TestTLSSocket {
    struct ConnectionEnded: Error {}

    let client: TestTLSClient
    private let number: Int32

    /// Connects to a port of 127.0.0.1; shakes no hands yet.
    init(port: UInt16, trusting certificateFile: String) throws {
        client = try TestTLSClient(trusting: certificateFile)
        number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafeBytes(of: &address) {
            connect(number, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        try #require(result == 0)
    }

    deinit { close(number) }

    /// Sends bytes as they are.
    func sendRaw(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(number, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    /// Bytes as they come; empty at the end of the connection, however it ends.
    func receiveRaw() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(number, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : []
    }

    /// Ends our direction, without TLS knowing of it.
    func shutdownRaw() { shutdown(number, Int32(SHUT_WR)) }

    func handshake() throws {
        while !client.handshake() {
            sendRaw(client.takeOutput())
            let bytes = receiveRaw()
            if bytes.isEmpty { throw ConnectionEnded() }
            client.receive(bytes)
        }
        sendRaw(client.takeOutput())
    }

    func write(_ bytes: [UInt8]) {
        client.write(bytes)
        sendRaw(client.takeOutput())
    }

    /// Reads until what was read is enough, or the connection ends.
    func read(until isEnough: ([UInt8]) -> Bool) -> [UInt8] {
        var all: [UInt8] = []
        while !isEnough(all) {
            let bytes = receiveRaw()
            if bytes.isEmpty { return all }
            client.receive(bytes)
            all += client.read()
        }
        return all
    }

    /// Asks and reads one answer with a body that ends in this text.
    func ask(_ request: String, answerEnding: String) -> String {
        write(Array(request.utf8))
        let ending = Array(answerEnding.utf8)
        return String(decoding: read { $0.suffix(ending.count) == ending[...] }, as: UTF8.self)
    }
}
