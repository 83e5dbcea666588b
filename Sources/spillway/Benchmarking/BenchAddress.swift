import Glibc

/// Where a load goes.
struct BenchAddress: Sendable {
    /// For the Host header.
    let host: String
    private let bytes: [UInt8]
    private let family: Int32

    /// Looks the server of a URL up: `http://HOST[:PORT]`.
    ///
    /// - Throws: `CommandError` for another kind of URL or an unknown host.
    init(url: String) throws {
        guard url.hasPrefix("http://") else {
            throw CommandError(.usage, "--url \"\(url)\": bench speaks http://HOST[:PORT] only")
        }
        var authority = String(url.dropFirst("http://".count))
        if authority.hasSuffix("/") { authority.removeLast() }
        guard !authority.isEmpty, !authority.contains("/"), !authority.contains("@") else {
            throw CommandError(.usage, "--url \"\(url)\": must be http://HOST[:PORT]")
        }
        host = authority
        let (name, port) = try Self.split(authority, url: url)
        (bytes, family) = try Self.lookUp(name, port)
    }

    private static func split(_ authority: String, url: String) throws -> (name: String, port: String) {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            let rest = authority[authority.index(after: end)...]
            return (String(authority.dropFirst()[..<end]), rest.isEmpty ? "80" : String(rest.dropFirst()))
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw CommandError(.usage, "--url \"\(url)\": put an IPv6 address in brackets") }
        return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "80")
    }

    private static func lookUp(_ name: String, _ port: String) throws -> ([UInt8], Int32) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(name, port, &hints, &list)
        guard code == 0, let first = unsafe list else {
            let reason = unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "unknown"
            throw CommandError(.usage, "--url: cannot look up \(name):\(port): \(reason)")
        }
        defer { unsafe freeaddrinfo(first) }
        let address = unsafe UnsafeRawBufferPointer(start: first.pointee.ai_addr, count: Int(first.pointee.ai_addrlen))
        return unsafe (Array(address), first.pointee.ai_family)
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
}
