/// What the C parser lets through and a server must not (RFC 9112; each rule closes a way to smuggle a request past a
/// proxy, or to be understood in two ways).
enum HeadValidator {
    /// What the head says besides the request itself.
    struct Head {
        var expectsContinue: Bool
    }

    /// Checks a complete head, splits the target, and trims the values.
    static func check(
        _ storage: HTTPRequestStorage, version: (Int, Int), isChunked: Bool
    ) throws(HTTPRefusal) -> Head {
        guard version == (1, 1) || version == (1, 0) else {
            throw HTTPRefusal(.malformed, "the version must be HTTP/1.1 or HTTP/1.0")
        }
        try checkTarget(storage)
        var seen = Seen()
        let all = storage.bytes
        let bytes = all.span
        for index in storage.fields.indices {
            let field = storage.fields[index]
            let value = trimmed(bytes, field.value)
            storage.fields[index].value = value
            for position in field.name where !ByteClass.isToken(bytes[position]) {
                throw HTTPRefusal(.smuggling, "a header field's name holds a character that no name may have")
            }
            if !ByteClass.areFreeOfControls(bytes.extracting(value)) {
                for position in value where bytes[position] < 32 || bytes[position] == 127 {
                    guard bytes[position] == 9 else {
                        throw HTTPRefusal(.smuggling, "a header field's value holds a control character")
                    }
                }
            }
            try seen.note(bytes.extracting(field.name), bytes.extracting(value))
        }
        let hosts = seen.hosts
        guard hosts == 1 || (hosts == 0 && version == (1, 0)) else {
            throw HTTPRefusal(
                .host, hosts == 0 ? "the Host header field is missing" : "there are two Host header fields")
        }
        if seen.transferEncodings > 0 {
            guard version == (1, 1), seen.transferEncodings == 1, seen.isExactlyChunked, isChunked,
                seen.contentLengths == 0
            else {
                throw HTTPRefusal(.smuggling, "Transfer-Encoding must be chunked alone, in HTTP/1.1, without a length")
            }
        }
        if seen.contentLengths > 1 { throw HTTPRefusal(.smuggling, "there are two Content-Length header fields") }
        if seen.hasUpgrade { throw HTTPRefusal(.malformed, "connections are not upgraded") }
        if seen.authorizations > 1 {
            throw HTTPRefusal(.authorization, "there are two Authorization header fields")
        }
        if seen.hasOtherExpectation && version == (1, 1) {
            throw HTTPRefusal(.expectation, .expectationFailed, "only 100-continue may be expected")
        }
        return Head(expectsContinue: seen.expectsContinue && version == (1, 1))
    }

    /// The fields that a rule is about.
    private struct Seen {
        var hosts = 0
        var transferEncodings = 0
        var contentLengths = 0
        var authorizations = 0
        var hasUpgrade = false
        var isExactlyChunked = false
        var expectsContinue = false
        var hasOtherExpectation = false

        /// The lengths tell most names apart.
        mutating func note(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTPRefusal) {
            switch name.count {
            case 4 where HTTPFieldName.host.matches(name):
                hosts += 1
                if !isHost(value) { throw HTTPRefusal(.host, "the Host header field is not a host") }
            case 6 where HTTPFieldName.expect.matches(name):
                if Self.isWord(value, "100-continue") { expectsContinue = true } else { hasOtherExpectation = true }
            case 7 where HeadValidator.upgrade.matches(name):
                hasUpgrade = true
            case 13 where HTTPFieldName.authorization.matches(name):
                authorizations += 1
            case 14 where HTTPFieldName.contentLength.matches(name):
                contentLengths += 1
            case 17 where HTTPFieldName.transferEncoding.matches(name):
                transferEncodings += 1
                isExactlyChunked = Self.isWord(value, "chunked")
            default: break
            }
        }

        /// A host and a port hold no white space, list, path, query or user; which host it is does not matter here.
        private func isHost(_ value: Span<UInt8>) -> Bool {
            for index in value.indices {
                let byte = value[index]
                if !ByteClass.isTarget(byte) && byte != UInt8(ascii: "%") { return false }
                switch byte {
                case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: "\\"):
                    return false
                default: continue
                }
            }
            return true
        }

        private static func isWord(_ value: Span<UInt8>, _ word: StaticString) -> Bool {
            guard value.count == word.utf8CodeUnitCount else { return false }
            return word.withUTF8Buffer { letters in
                for index in value.indices where unsafe ByteClass.lowercased(value[index]) != letters[index] {
                    return false
                }
                return true
            }
        }
    }

    private static let upgrade = HTTPFieldName("Upgrade")

    /// The target must be a path (or `*` for OPTIONS) of allowed bytes, with whole escapes; splits it at the question
    /// mark.
    private static func checkTarget(_ storage: HTTPRequestStorage) throws(HTTPRefusal) {
        let all = storage.bytes
        let bytes = all.span
        let (start, end) = (storage.target.lowerBound, storage.target.upperBound)
        guard start < end,
            bytes[start] == UInt8(ascii: "/")
                || (end - start == 1 && bytes[start] == UInt8(ascii: "*") && storage.method == .options)
        else { throw HTTPRefusal(.target, "the target must be a path") }
        if ByteClass.areOfTarget(bytes.extracting(start..<end)) {
            storage.pathEnd = bytes.extracting(..<end).place(of: UInt8(ascii: "?"), from: start)
            return
        }
        var pathEnd = end
        var index = start
        while index < end {
            let byte = bytes[index]
            if !ByteClass.isTarget(byte) {
                guard byte == UInt8(ascii: "%") else {
                    throw HTTPRefusal(.target, "the target holds a character that must be percent-encoded")
                }
                guard index + 2 < end, ByteClass.hexValue(bytes[index + 1]) != nil,
                    ByteClass.hexValue(bytes[index + 2]) != nil
                else { throw HTTPRefusal(.target, "the target holds a % without two hexadecimal digits") }
            } else if byte == UInt8(ascii: "?") && pathEnd == end {
                pathEnd = index
            }
            index += 1
        }
        storage.pathEnd = pathEnd
    }

    private static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end && (bytes[start] == 32 || bytes[start] == 9) { start += 1 }
        while end > start && (bytes[end - 1] == 32 || bytes[end - 1] == 9) { end -= 1 }
        return start..<end
    }
}
