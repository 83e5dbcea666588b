/// A refusal as `application/problem+json` (RFC 9457). Handlers and middleware throw it; every refusal of the server
/// itself is one.
public struct Problem: Error, Sendable, CustomStringConvertible {
    /// The value of an extension member.
    public enum Value: Sendable, Hashable {
        /// A text.
        case string(String)
        /// A whole number.
        case integer(Int)
        /// True or false.
        case boolean(Bool)
    }

    /// The status of the response.
    public var status: HTTPStatus
    /// A URI that names the kind of problem, and what programs match on; `about:blank` when the status says it all.
    public var type: String
    /// The kind in words; the status's reason by default.
    public var title: String
    /// What was wrong with this request, and what to do.
    public var detail: String?
    /// Further members of the document, in this order; none of the four names above.
    public var members: [(name: String, value: Value)]
    /// Further header fields of the response, such as `Retry-After`.
    public var fields: HTTPFields

    /// Makes a problem.
    public init(
        _ status: HTTPStatus, type: String = "about:blank", title: String? = nil, detail: String? = nil,
        members: [(name: String, value: Value)] = [], fields: HTTPFields = HTTPFields()
    ) {
        self.status = status
        self.type = type
        self.title = title ?? String(describing: status.reason)
        self.detail = detail
        self.members = members
        self.fields = fields
    }

    /// 429 or 503: come again after this time, rounded up to a second.
    public static func retry(
        _ status: HTTPStatus, after delay: Duration, type: String = "about:blank", detail: String
    ) -> Problem {
        var problem = Problem(status, type: type, detail: detail)
        problem.fields.append(.retryAfter, max(1, Int((delay / .seconds(1)).rounded(.up))))
        return problem
    }

    /// The document.
    public var body: [UInt8] {
        var json: [UInt8] = []
        json.reserveCapacity(160)
        json += "{\"type\":".utf8
        json.appendJSON(type)
        json += ",\"title\":".utf8
        json.appendJSON(title)
        json += ",\"status\":".utf8
        json.appendDecimal(Int(status.rawValue))
        if let detail {
            json += ",\"detail\":".utf8
            json.appendJSON(detail)
        }
        for (name, value) in members {
            json.append(UInt8(ascii: ","))
            json.appendJSON(name)
            json.append(UInt8(ascii: ":"))
            switch value {
            case .string(let text): json.appendJSON(text)
            case .integer(let number): json.appendDecimal(number)
            case .boolean(let flag): json += (flag ? "true" : "false").utf8
            }
        }
        json.append(UInt8(ascii: "}"))
        return json
    }

    /// The whole response.
    public var response: HTTPResponse {
        var all = HTTPFields([(.contentType, "application/problem+json")])
        all.append(contentsOf: fields)
        return HTTPResponse(status, fields: all, body: body)
    }

    /// `404 Not Found: …`.
    public var description: String { detail.map { "\(status): \($0)" } ?? "\(status)" }
}

/// An error that knows how it is told to a client. An error without it becomes a 500 that tells nothing.
public protocol ProblemConvertible: Error {
    /// What the client hears.
    var problem: Problem { get }
}

extension Problem: ProblemConvertible {
    /// Itself.
    public var problem: Problem { self }
}

extension Array where Element == UInt8 {
    /// Appends a text as a JSON string (RFC 8259, 7).
    package mutating func appendJSON(_ text: String) {
        append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0..<32:
                let digits = Array("0123456789abcdef".utf8)
                self += "\\u00".utf8
                append(digits[Int(byte >> 4)])
                append(digits[Int(byte & 15)])
            default:
                append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }
}
