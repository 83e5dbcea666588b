import CSpillwaySystem
import Glibc

/// One of the addresses that a server's name stands for.
struct BenchEndpoint: Sendable, Equatable {
    /// A socket address of its family, as the kernel takes it.
    private let bytes: [UInt8]
    private let family: Int32

    /// Takes over what a look-up gave.
    init(_ entry: addrinfo) {
        // The entry says how many bytes its address has.
        bytes = unsafe Array(UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen)))
        family = unsafe entry.ai_family
    }

    /// The first that somebody listens at, of several; if there is none, the first. Blocks for a second each at most.
    static func firstReachable(of endpoints: [BenchEndpoint]) -> BenchEndpoint? {
        if endpoints.count < 2 { return endpoints.first }
        return endpoints.first { $0.isReachable } ?? endpoints.first
    }

    /// Whether a connection comes about within a second.
    private var isReachable: Bool {
        let descriptor = makeSocket()
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard connect(descriptor) else { return false }
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&wanted, 1, 1_000) == 1 && Self.isConnected(descriptor)
    }

    /// A socket that does not block; negative if there is none.
    func makeSocket() -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, kind, 0)
        var on: Int32 = 1
        if descriptor >= 0 {
            unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        return descriptor
    }

    /// Begins to connect; false if that failed at once.
    func connect(_ descriptor: Int32) -> Bool {
        let result = unsafe bytes.withUnsafeBytes { raw in
            // getaddrinfo made these bytes as a socket address of this length.
            unsafe Glibc.connect(
                descriptor, raw.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
        }
        return result == 0 || errno == EINPROGRESS
    }

    /// Whether connecting, which has ended, succeeded.
    static func isConnected(_ descriptor: Int32) -> Bool {
        var problem: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem == 0
    }
}
