/// What the parser collected of one request: the head as it came in one array, the places of its parts, the body.
///
/// The parser fills it while it holds the only reference; from the moment a request is made of it, it is not changed
/// until that request and all its copies are gone, when the connection takes it for its next request.
final class HTTPRequestStorage: @unchecked Sendable {
    // Unchecked: see above, changed only while the parser's is the only reference.

    /// Where a field stands in ``bytes``.
    struct Field {
        var name: Range<Int>
        var value: Range<Int>
    }

    var method = HTTPMethod.other
    /// The head.
    var bytes: [UInt8] = []
    /// Where path and query stand in ``bytes``.
    var target = 0..<0
    /// The end of the path: the question mark, or the end of the target.
    var pathEnd = 0
    var fields: [Field] = []
    var body: [UInt8] = []
    /// The other end of the connection, and whom the request is counted for: the same unless a trusted proxy is there.
    var peerAddress = ClientAddress(ipv4: 0x7F00_0001)
    var clientAddress = ClientAddress(ipv4: 0x7F00_0001)
    var match = HTTPRouteMatch.notFound

    init() {}

    /// Makes it as new; the arrays' memory stays unless a large request had it grow.
    func reset() {
        method = .other
        bytes.removeAll(keepingCapacity: bytes.capacity <= 4096)
        target = 0..<0
        pathEnd = 0
        fields.removeAll(keepingCapacity: true)
        body.removeAll(keepingCapacity: body.capacity <= 4096)
        match = .notFound
    }

    var path: Range<Int> { target.lowerBound..<pathEnd }

    func firstField(_ name: HTTPFieldName) -> Range<Int>? {
        let bytes = self.bytes
        for field in fields where field.name.count == name.canonical.count {
            if name.matches(bytes.span.extracting(field.name)) { return field.value }
        }
        return nil
    }
}
