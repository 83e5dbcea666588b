/// A request's method.
public struct HTTPMethod: Hashable, Sendable, CustomStringConvertible {
    let index: UInt8

    /// Fetch.
    public static let get = HTTPMethod(index: 0)
    /// Fetch without the body.
    public static let head = HTTPMethod(index: 1)
    /// Submit.
    public static let post = HTTPMethod(index: 2)
    /// Store under this path.
    public static let put = HTTPMethod(index: 3)
    /// Change in part.
    public static let patch = HTTPMethod(index: 4)
    /// Remove.
    public static let delete = HTTPMethod(index: 5)
    /// Ask what is possible.
    public static let options = HTTPMethod(index: 6)
    /// Send back what was received; never served.
    public static let trace = HTTPMethod(index: 7)
    /// Any method that no route can have.
    public static let other = HTTPMethod(index: 8)

    private static let names = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "OTHER"]

    /// The method's name in capitals; `OTHER` for those that no route can have.
    public var description: String { Self.names[Int(index)] }

    /// Whether a request only reads (RFC 9110, 9.2.1), so that it may be sent again whatever became of it.
    public var isSafe: Bool { self == .get || self == .head || self == .options || self == .trace }
}
