import Glibc

/// Where a load goes.
struct BenchAddress: Sendable {
    /// For the Host header.
    let host: String
    /// Where the connections go.
    let endpoint: BenchEndpoint

    /// Looks the server of a URL up: `http://HOST[:PORT]`. Of several addresses it takes the first that somebody listens
    /// at.
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
        guard let found = BenchEndpoint.firstReachable(of: try Self.lookUp(name, port)) else {
            throw CommandError(.usage, "--url: \(name) has no address")
        }
        endpoint = found
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

    /// Every address of a name: `localhost` may stand for one of IPv6 too, where no server listens.
    static func lookUp(_ name: String, _ port: String) throws -> [BenchEndpoint] {
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
        var endpoints: [BenchEndpoint] = []
        var entry = unsafe list
        while let present = unsafe entry {
            unsafe endpoints.append(BenchEndpoint(present.pointee))
            unsafe entry = present.pointee.ai_next
        }
        return endpoints
    }
}
