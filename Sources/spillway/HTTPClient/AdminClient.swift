import FoundationEssentials
import SpillwayCurl
import SpillwayHTTP

/// Asks a running server as an administrator.
struct AdminClient {
    private struct Problem: Decodable {
        var title: String?
        var detail: String?
    }

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

    /// The answer's body.
    ///
    /// - Parameters:
    ///   - path: its parts percent-encoded (``encoded(_:)``), with the query.
    ///   - body: the request's JSON; `nil` is none.
    /// - Throws: `CommandError`, also for a refusal, with the server's reason.
    func ask(_ method: String, _ path: String, body: [UInt8]? = nil) throws -> [UInt8] {
        let answer: CurlRequest.Answer
        do {
            let request = try CurlRequest(url: base + path)
            if let certificates { try request.trust(certificates: certificates) }
            var headers = ["Authorization: Bearer \(token)", "Expect:"]
            if body != nil { headers.append("Content-Type: application/json") }
            answer = try request.send(method, body, headers: headers)
        } catch let failure as CurlRequest.Failure {
            throw CommandError(.foundWrong, "no answer from \(url)", cause: failure)
        }
        guard (200..<300).contains(answer.status) else {
            let problem = try? JSONDecoder().decode(Problem.self, from: Data(answer.body))
            let reason = problem?.detail ?? problem?.title ?? "no reason given"
            throw CommandError(.foundWrong, "the server refused (\(answer.status)): \(reason)")
        }
        return answer.body
    }

    /// Reads an answer.
    ///
    /// - Throws: `CommandError` if it is not what it should be: another program answers, or a newer one.
    func read<T: Decodable>(_ type: T.Type, _ body: [UInt8]) throws(CommandError) -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(type, from: Data(body))
        } catch {
            throw CommandError(.foundWrong, "what \(url) answered can't be read", cause: error)
        }
    }

    /// A part of a path or a value of a query.
    static func encoded(_ text: String) -> String { PercentEncoding.encode(text) }
}
