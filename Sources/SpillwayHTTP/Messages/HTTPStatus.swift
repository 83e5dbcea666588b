/// A response's status.
public struct HTTPStatus: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// 100 to 599.
    public var rawValue: UInt16

    /// Makes a status of its number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// 200
    public static let ok = HTTPStatus(rawValue: 200)
    /// 201
    public static let created = HTTPStatus(rawValue: 201)
    /// 202
    public static let accepted = HTTPStatus(rawValue: 202)
    /// 204
    public static let noContent = HTTPStatus(rawValue: 204)
    /// 304
    public static let notModified = HTTPStatus(rawValue: 304)
    /// 400
    public static let badRequest = HTTPStatus(rawValue: 400)
    /// 401
    public static let unauthorized = HTTPStatus(rawValue: 401)
    /// 403
    public static let forbidden = HTTPStatus(rawValue: 403)
    /// 404
    public static let notFound = HTTPStatus(rawValue: 404)
    /// 405
    public static let methodNotAllowed = HTTPStatus(rawValue: 405)
    /// 408
    public static let requestTimeout = HTTPStatus(rawValue: 408)
    /// 409
    public static let conflict = HTTPStatus(rawValue: 409)
    /// 413
    public static let contentTooLarge = HTTPStatus(rawValue: 413)
    /// 414
    public static let uriTooLong = HTTPStatus(rawValue: 414)
    /// 415
    public static let unsupportedMediaType = HTTPStatus(rawValue: 415)
    /// 417
    public static let expectationFailed = HTTPStatus(rawValue: 417)
    /// 422
    public static let unprocessableContent = HTTPStatus(rawValue: 422)
    /// 429
    public static let tooManyRequests = HTTPStatus(rawValue: 429)
    /// 431
    public static let requestHeaderFieldsTooLarge = HTTPStatus(rawValue: 431)
    /// 500
    public static let internalServerError = HTTPStatus(rawValue: 500)
    /// 503
    public static let serviceUnavailable = HTTPStatus(rawValue: 503)

    /// Whether a response with this status has no body (RFC 9110, 6.4.1).
    public var hasNoBody: Bool { rawValue < 200 || rawValue == 204 || rawValue == 304 }

    /// The reason phrase of RFC 9110.
    public var reason: StaticString {
        switch rawValue {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Status"
        }
    }

    /// `404 Not Found`.
    public var description: String { "\(rawValue) \(reason)" }
}
