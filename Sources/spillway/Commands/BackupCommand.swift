import FoundationEssentials
import Glibc
import SpillwayCurl

/// `spillway backup`.
enum BackupCommand {
    private struct Request: Encodable {
        var path: String
    }

    private struct Problem: Decodable {
        var title: String?
        var detail: String?
    }

    static func run(_ values: OptionValues, directory: String, _ terminal: Terminal) throws -> ExitCode {
        guard let token = values.optional(OptionTable.bearer) else {
            throw CommandError(.usage, "backup needs --token or SPILLWAY_TOKEN: a token with scope admin")
        }
        guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw CommandError(.usage, "--token is not a token")
        }
        let path = absolute(directory)
        let url = values[OptionTable.url]
        let base = url.hasSuffix("/") ? String(url.dropLast()) : url
        let answer: CurlRequest.Answer
        do {
            let request = try CurlRequest(url: base + "/v1/admin/backup")
            if let file = values.optional(OptionTable.certificateAuthority) { try request.trust(certificates: file) }
            answer = try request.post(
                Array(try JSONEncoder().encode(Request(path: path))),
                headers: ["Content-Type: application/json", "Authorization: Bearer \(token)", "Expect:"])
        } catch let failure as CurlRequest.Failure {
            throw CommandError(.foundWrong, "no answer from \(url)", cause: failure)
        }
        guard (200..<300).contains(answer.status) else {
            let problem = try? JSONDecoder().decode(Problem.self, from: Data(answer.body))
            let reason = problem?.detail ?? problem?.title ?? "no reason given"
            throw CommandError(.foundWrong, "the server refused (\(answer.status)): \(reason)")
        }
        terminal.print("backup \(path)")
        return .done
    }

    /// The server has another working directory than this process.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let current = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(current) }
        return unsafe String(cString: current) + "/" + path
    }
}
