import SpillwayCurl
import SpillwayHTTP

/// Asks a running server as an administrator.
struct AdminClient: Administrator {
    /// The server as the user named it.
    private let url: String
    private let base: String
    private let token: String
    private let certificates: String?

    /// - Throws: `CommandError` for usage without a token.
    init(_ values: OptionValues, _ command: CommandName) throws(CommandError) {
        guard let token = values.optional(OptionTable.bearer) else {
            throw CommandError(
                .usage, "\(command.rawValue) needs --token or SPILLWAY_TOKEN: a token with scope admin")
        }
        guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw CommandError(.usage, "--token is not a token")
        }
        self.token = token
        url = values[OptionTable.url]
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        certificates = values.optional(OptionTable.certificateAuthority)
    }

    var place: String { url }

    func answer(_ method: HTTPMethod, _ path: String, body: [UInt8]?) throws -> (status: Int, body: [UInt8]) {
        do {
            let request = try CurlRequest(url: base + path)
            if let certificates { try request.trust(certificates: certificates) }
            var headers = ["Authorization: Bearer \(token)", "Expect:"]
            if body != nil { headers.append("Content-Type: application/json") }
            let answer = try request.send(method.description, body, headers: headers)
            return (answer.status, answer.body)
        } catch let failure as CurlRequest.Failure {
            throw CommandError(.foundWrong, "no answer from \(url)", cause: failure)
        }
    }

    /// A part of a path or a value of a query.
    static func encoded(_ text: String) -> String { PercentEncoding.encode(text) }
}
