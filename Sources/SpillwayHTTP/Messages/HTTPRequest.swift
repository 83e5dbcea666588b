/// A request, complete with its body. A copy costs a reference or two; texts are made only where asked for.
public struct HTTPRequest: Sendable {
    let storage: HTTPRequestStorage
    private var values: [(key: ObjectIdentifier, value: any Sendable)] = []

    init(storage: HTTPRequestStorage) { self.storage = storage }

    /// Makes a request by hand, to call a router without a socket.
    ///
    /// - Parameters:
    ///   - method: the method.
    ///   - target: path and query as they stand on the wire, percent-encoded.
    ///   - headers: the header fields.
    ///   - body: the body.
    ///   - clientAddress: whom the request is counted for; 127.0.0.1 by default.
    public init(
        method: HTTPMethod, target: String, headers: [(HTTPFieldName, String)] = [], body: [UInt8] = [],
        clientAddress: ClientAddress = ClientAddress(ipv4: 0x7F00_0001)
    ) {
        storage = HTTPRequestStorage()
        storage.method = method
        storage.bytes = Array(target.utf8)
        storage.target = 0..<storage.bytes.count
        storage.pathEnd = storage.bytes.firstIndex(of: UInt8(ascii: "?")) ?? storage.bytes.count
        for (name, value) in headers {
            let start = storage.bytes.count
            storage.bytes += name.written
            let middle = storage.bytes.count
            storage.bytes += value.utf8
            storage.fields.append(.init(name: start..<middle, value: middle..<storage.bytes.count))
        }
        storage.body = body
        storage.peerAddress = clientAddress
        storage.clientAddress = clientAddress
    }

    /// The method; a HEAD request that a GET route answers still says HEAD.
    public var method: HTTPMethod { storage.method }
    /// Path and query as they stand on the wire.
    public var target: String { String(decoding: storage.bytes[storage.target], as: UTF8.self) }
    /// The path as it stands on the wire, percent-encoded.
    public var path: String { String(decoding: storage.bytes[storage.path], as: UTF8.self) }
    /// The pattern of the route that answers, such as `/v1/targets/{id}/voters`; nil if none does.
    public var route: String? { storage.match.route?.pattern.description }
    /// The body; empty if there is none.
    public var body: [UInt8] { storage.body }
    /// Whom the request is counted for: the other end of the connection, or what a trusted proxy says.
    public var clientAddress: ClientAddress { storage.clientAddress }

    /// The query's parameters.
    public var query: HTTPQuery { HTTPQuery(storage: storage) }

    /// The value that a `{name}` of the route's pattern has in this path, decoded once; nil if the pattern lacks it.
    public func parameter(_ name: String) -> String? { storage.match.parameter(name) }

    /// The body's bytes without a copy.
    public func withBody<Result, Failure: Error>(
        _ read: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let body = storage.body
        return try read(body.span)
    }

    /// Path and query as they stand on the wire, without a copy.
    public func withTarget<Result, Failure: Error>(
        _ read: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = storage.bytes
        return try read(bytes.span.extracting(storage.target))
    }
}

// MARK: - Header fields

extension HTTPRequest {
    /// The value of the first field of that name as bytes, without a copy; nil if there is none.
    public func withHeader<Result, Failure: Error>(
        _ name: HTTPFieldName, _ read: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let range = storage.firstField(name) else { return nil }
        let bytes = storage.bytes
        return try read(bytes.span.extracting(range))
    }

    /// The value of a field; several of one name are joined by a comma, as RFC 9110 (5.3) allows. Bytes that are not
    /// UTF-8 become replacement characters.
    public func header(_ name: HTTPFieldName) -> String? {
        let all = headers(name)
        return all.isEmpty ? nil : all.count == 1 ? all[0] : all.joined(separator: ", ")
    }

    /// The values of all fields of that name in their order.
    public func headers(_ name: HTTPFieldName) -> [String] {
        var values: [String] = []
        let bytes = storage.bytes
        for field in storage.fields where name.matches(bytes.span.extracting(field.name)) {
            values.append(String(decoding: bytes[field.value], as: UTF8.self))
        }
        return values
    }

    /// Whether there is a field of that name.
    public func hasHeader(_ name: HTTPFieldName) -> Bool { storage.firstField(name) != nil }
}

// MARK: - What middleware adds

/// A value that middleware attaches to a request for the handlers behind it.
public protocol HTTPRequestKey {
    /// The value's type.
    associatedtype Value: Sendable
}

extension HTTPRequest {
    /// The value that was attached under a key.
    public subscript<Key: HTTPRequestKey>(_ key: Key.Type) -> Key.Value? {
        get {
            for entry in values where entry.key == ObjectIdentifier(key) { return entry.value as? Key.Value }
            return nil
        }
        set {
            values.removeAll { $0.key == ObjectIdentifier(key) }
            if let newValue { values.append((ObjectIdentifier(key), newValue)) }
        }
    }
}
