import SpillwayCore
import SpillwayHTTP

/// `spillway token`.
enum TokenCommand {
    static func run(_ values: OptionValues, _ terminal: Terminal) throws -> ExitCode {
        let user = values.optional(OptionTable.user)
        let count = values.optional(OptionTable.count)
        guard (user == nil) != (count == nil) else {
            throw CommandError(.usage, "token needs either --user ID or --count N")
        }
        let tokens = try DirectoryTokens(values)
        let scopes = values.optional(OptionTable.scope).map { [$0] } ?? []
        if let user {
            terminal.print(try tokens.token(for: user, scopes: scopes))
            return .done
        }
        let prefix = values[OptionTable.prefix]
        var lines: [UInt8] = []
        for number in 0..<(count ?? 0) {
            lines += try tokens.token(for: "\(prefix)\(number)", scopes: scopes).utf8
            lines.append(UInt8(ascii: "\n"))
            if lines.count > 1 << 20 {
                terminal.writeResult(lines)
                lines.removeAll(keepingCapacity: true)
                if terminal.resultsAreCutShort() { break }
            }
        }
        terminal.writeResult(lines)
        return .done
    }
}

/// Tokens signed with the key of a data directory, which is made at first use.
struct DirectoryTokens {
    private let issuer: TokenIssuer
    private let issuedAtMs: Int64
    private let lifetime: Duration

    /// - Throws: `CommandError` if the key can't be read or made.
    init(_ values: OptionValues) throws {
        let directory = values[OptionTable.data]
        do {
            try Wiring.makeDataDirectory(directory)
        } catch {
            throw CommandError(.configuration, "no data directory", cause: error)
        }
        do throws(TokenKeyError) {
            issuer = TokenIssuer(
                key: try SigningKey.loadOrCreate(path: directory + "/key"),
                issuer: values.optional(OptionTable.tokenIssuer), audience: values.optional(OptionTable.tokenAudience))
        } catch {
            throw CommandError(.configuration, "no key for tokens", cause: error)
        }
        issuedAtMs = SystemTimeSource().wallMilliseconds()
        lifetime = values[OptionTable.timeToLive]
    }

    /// A token for a user.
    ///
    /// - Throws: `CommandError` if the user's id is not allowed.
    func token(for user: String, scopes: [String] = []) throws -> String {
        do throws(TokenError) {
            return try issuer.token(subject: user, scopes: scopes, issuedAtMs: issuedAtMs, lifetime: lifetime)
        } catch {
            throw CommandError(.usage, "no token for this user", cause: error)
        }
    }
}
