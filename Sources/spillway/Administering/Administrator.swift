import FoundationEssentials
import SpillwayHTTP

/// Does what an administrator asks for: a running server, or a stopped one's data directory. Both take the same requests and
/// give the same answers.
protocol Administrator {
    /// Who answers, for messages.
    var place: String { get }

    /// Answers a request, with a refusal too.
    ///
    /// - Parameters:
    ///   - path: its parts percent-encoded, with the query.
    ///   - body: the request's JSON; `nil` is none.
    func answer(_ method: HTTPMethod, _ path: String, body: [UInt8]?) throws -> (status: Int, body: [UInt8])
}

/// What a refusal says.
private struct Refusal: Decodable {
    var title: String?
    var detail: String?
}

extension Administrator {
    /// The answer's body.
    ///
    /// - Throws: `CommandError`, also for a refusal, with its reason.
    func ask(_ method: HTTPMethod, _ path: String, body: [UInt8]? = nil) throws -> [UInt8] {
        let answer = try answer(method, path, body: body)
        guard (200..<300).contains(answer.status) else {
            let problem = try? JSONDecoder().decode(Refusal.self, from: Data(answer.body))
            let reason = problem?.detail ?? problem?.title ?? "no reason given"
            throw CommandError(.foundWrong, "\(place) refused (\(answer.status)): \(reason)")
        }
        return answer.body
    }

    /// Reads an answer.
    ///
    /// - Parameter keys: how names in the answer become those of the type.
    /// - Throws: `CommandError` if it is not what it should be: another program answers, or a newer one.
    func read<T: Decodable>(
        _ type: T.Type, _ body: [UInt8], keys: JSONDecoder.KeyDecodingStrategy = .convertFromSnakeCase
    ) throws(CommandError) -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = keys
        do {
            return try decoder.decode(type, from: Data(body))
        } catch {
            throw CommandError(.foundWrong, "what \(place) answered can't be read", cause: error)
        }
    }
}

/// Who an administrator's command asks.
enum Administration {
    /// Runs a body with whom the options name: the directory of the flag `--data`, which is opened and closed, else the
    /// server. A directory that a variable names is the server's, and changes nothing here.
    static func run<Result>(
        _ values: OptionValues, _ command: CommandName, _ body: (any Administrator) throws -> Result
    ) throws -> Result {
        guard values.isFlag(OptionTable.data) else { return try body(try AdminClient(values, command)) }
        let directory = try Wiring.administrator(StoreConfiguration(administering: values))
        let result: Result
        do { result = try body(directory) } catch {
            try? directory.close()
            throw error
        }
        try directory.close()
        return result
    }
}
