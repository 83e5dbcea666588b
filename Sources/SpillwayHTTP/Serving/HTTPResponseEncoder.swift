/// Writes responses as they go over the wire, head and body into one array.
enum HTTPResponseEncoder {
    /// What the response says of the connection.
    enum Persistence {
        /// Nothing: it stays open, as HTTP/1.1 has it.
        case implied
        /// It stays open, for a client of HTTP/1.0.
        case keepAlive
        case close
    }

    /// Appends a response.
    ///
    /// - Parameter isHead: the request was a HEAD: the length is told, the body is left out.
    static func encode(
        _ response: HTTPResponse, isHead: Bool, persistence: Persistence, date: HTTPDate, into bytes: inout [UInt8]
    ) {
        if response.status == .ok {
            bytes += date.okHead
        } else {
            bytes.append("HTTP/1.1 ")
            bytes.appendDecimal(Int(response.status.rawValue))
            bytes.append(" ")
            bytes.append(response.status.reason)
            bytes.append("\r\n")
            bytes += date.field
        }
        switch persistence {
        case .implied: break
        case .keepAlive: bytes.append("Connection: keep-alive\r\n")
        case .close: bytes.append("Connection: close\r\n")
        }
        bytes += response.fields.encoded
        guard case .bytes(let body) = response.body, !response.status.hasNoBody else {
            bytes.append("\r\n")
            return
        }
        bytes.append("Content-Length: ")
        bytes.appendDecimal(body.count)
        bytes.append("\r\n\r\n")
        if !isHead { bytes += body }
    }
}

extension Array where Element == UInt8 {
    fileprivate mutating func append(_ text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
