public import SpillwayCore

/// Where an exporter sends spans, and its limits.
public struct OTLPConfiguration: Sendable {
    /// A header of every request, such as a key that the collector asks for.
    public struct Header: Hashable, Sendable {
        /// The name: letters, digits and `!#$%&'*+-.^_|~` or a backtick.
        public var name: String
        /// The value: printable characters of ASCII and spaces.
        public var value: String

        /// Makes a header.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The collector, such as `http://localhost:4318`, by http or https. `/v1/traces` is added unless it ends so. What a
    /// collector asks for to let one in goes into ``headers``, not here, where logs would show it.
    public var endpoint: String
    /// Sent with every request; default none.
    public var headers: [Header] = []
    /// Certificates to trust for https, a file in PEM; default the system's.
    public var certificateAuthority: String?
    /// The program's name, `service.name`; not empty, default `spillway`.
    public var serviceName = "spillway"
    /// What else is said of the program, such as `service.version` or `deployment.environment.name`.
    public var resourceAttributes = SpanAttributes()
    /// How many spans may wait; beyond it they are dropped and counted. At least 1, default 8,192.
    public var maxQueuedSpans = 8_192
    /// How many bytes they may have, about, as JSON; at least 1,024, default 16 MiB.
    public var maxQueuedBytes = 16 << 20
    /// How many spans one request has; so many waiting ones are sent at once, before the interval. At least 1, default 512.
    public var maxBatchSpans = 512
    /// How many bytes one request has, about, passed by one span at most; 1,024 to 20 MiB, default 1 MiB.
    public var maxBatchBytes = 1 << 20
    /// How often what waits is sent; above zero, default 1 s.
    public var interval: Duration = .seconds(1)
    /// How long one request may take, from connecting to the answer's end; 1 ms to 10 min, default 10 s.
    public var timeout: Duration = .seconds(10)
    /// How often a batch is sent before it is given up and counted as failed; at least 1, default 5.
    public var maxAttempts = 5
    /// The bound of the wait before the second attempt, doubled before each further one; the wait is drawn evenly from
    /// zero to it. Above zero, default 500 ms.
    public var backoff: Duration = .milliseconds(500)
    /// The bound of every wait, also of one that the collector asks for with `Retry-After`; at least ``backoff``,
    /// default 30 s.
    public var maxBackoff: Duration = .seconds(30)
    /// How long graceful shutdown may take to send what waits; what is left then is dropped and counted. Zero or more,
    /// default 3 s. A request that is on its way then is cut off within a second.
    public var shutdownTimeout: Duration = .seconds(3)

    /// Makes a configuration with every default.
    public init(endpoint: String) { self.endpoint = endpoint }

    /// Checks every field.
    ///
    /// - Throws: ``OTLPError`` with ``OTLPError/Code/invalidConfiguration``, naming the field.
    public func validate() throws {
        func require(_ holds: Bool, _ field: String, _ range: String) throws {
            guard holds else {
                throw OTLPError(.invalidConfiguration, "\(field) of the OTLP exporter must be \(range)")
            }
        }
        try require(Self.isAddress(endpoint), "endpoint", "an address such as http://localhost:4318")
        for header in headers {
            try require(
                Self.isName(header.name) && !Self.ownHeaders.contains(header.name.lowercased()), "headers",
                "names of header fields, other than Content-Type and Content-Length; one is not")
            try require(
                header.value.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "headers",
                "printable ASCII; the value of \(header.name) is not")
        }
        try require(!serviceName.isEmpty, "serviceName", "named")
        try require(
            certificateAuthority.map { !$0.isEmpty && !$0.utf8.contains(0) } ?? true, "certificateAuthority", "a file")
        try require(maxQueuedSpans >= 1, "maxQueuedSpans", "at least 1")
        try require(maxQueuedBytes >= 1_024, "maxQueuedBytes", "at least 1024")
        try require(maxBatchSpans >= 1, "maxBatchSpans", "at least 1")
        try require((1_024...(20 << 20)).contains(maxBatchBytes), "maxBatchBytes", "1024 to 20971520")
        try require(interval > .zero, "interval", "above zero")
        try require(timeout >= .milliseconds(1) && timeout <= .seconds(600), "timeout", "1 ms to 10 min")
        try require(maxAttempts >= 1, "maxAttempts", "at least 1")
        try require(backoff > .zero, "backoff", "above zero")
        try require(maxBackoff >= backoff, "maxBackoff", "at least backoff")
        try require(shutdownTimeout >= .zero, "shutdownTimeout", "zero or more")
    }

    /// The address of requests.
    var url: String {
        if endpoint.hasSuffix("/v1/traces") { return endpoint }
        return endpoint + (endpoint.hasSuffix("/") ? "v1/traces" : "/v1/traces")
    }

    private static let ownHeaders: Set<String> = ["content-type", "content-length", "transfer-encoding"]

    /// http or https, a host without a user's name, no blanks, no query: the path is added to. libcurl looks at the rest.
    private static func isAddress(_ text: String) -> Bool {
        let schemes = ["http://", "https://"]
        guard let scheme = schemes.first(where: { text.hasPrefix($0) }) else { return false }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        let host = rest.prefix { $0 != UInt8(ascii: "/") }
        return !host.isEmpty && host.first != UInt8(ascii: ":") && !host.contains(UInt8(ascii: "@"))
            && rest.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
    }

    /// A token of RFC 9110 (5.6.2).
    private static func isName(_ text: String) -> Bool {
        let marks = Set("!#$%&'*+-.^_`|~".utf8)
        return !text.isEmpty
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: marks.contains($0)
                }
            }
    }
}
