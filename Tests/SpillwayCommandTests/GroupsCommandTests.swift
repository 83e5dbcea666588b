import Console
import Spillway
import SpillwayCore
import SpillwayHTTP
import Testing

@testable import spillway

@Suite("Groups from the command line", .serialized)
struct GroupsCommandTests {
    private let broker = InMemoryBroker()
    private let key: SigningKey
    private let token: String

    init() throws {
        key = try SigningKey.random()
        token = try TokenIssuer(key: key).token(
            subject: "root", scopes: ["admin"], issuedAtMs: SystemTimeSource().wallMilliseconds(),
            lifetime: .seconds(60))
    }

    /// Runs command lines against a server with the console's routes.
    private func run(_ lines: [[String]]) async throws -> [(code: ExitCode, program: TestProgram)] {
        let token = token
        return try await withServer { router in
            ConsoleRoutes(
                authentication: Authentication(TokenAuthenticator(verifier: TokenVerifier(keys: .secret(key)))),
                groups: broker
            ).register(on: &router)
        } _: { url in
            lines.map { line in
                let program = TestProgram()
                return (program.run(line + ["--url", url], environment: ["SPILLWAY_TOKEN": token]), program)
            }
        }
    }

    private func fill(_ topic: String, group: String) async throws {
        _ = try await broker.ensureTopic(topic, partitions: 2)
        for number in 0..<10 {
            _ = try await broker.send(Message(value: [1], timestampMs: 1_767_225_600_000 + Int64(number)), to: topic)
        }
        try await broker.subscribe(SubscriptionRequest(topic: topic, group: group)).close()
    }

    @Test("they are listed, set and deleted")
    func listSeekDelete() async throws {
        try await fill("orders", group: "a/b \u{1b}[2J")
        let group = "a/b \u{1b}[2J"
        let runs = try await run([
            ["groups", "list"], ["groups", "seek", "orders", group, "--to", "0=1-4,1=1-2"],
            ["groups", "seek", "orders", group, "--to", "2026-01-01T00:00:00.004Z", "--json"],
            ["groups", "list", "--json"], ["groups", "delete", "orders", group], ["groups", "delete", "orders", group],
            ["groups", "list"],
        ])
        #expect(runs.map(\.code) == [.done, .done, .done, .done, .done, .foundWrong, .done])
        let lines = runs[0].program.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines[0] == ["TOPIC", "GROUP", "MEMBERS", "HOLDS", "LAG", "COMMITTED"])
        #expect(
            lines[1] == ["orders", "a/b", "\\u{1b}[2J", "0", "yes", "10"], "what a terminal acts on is written out")
        #expect(runs[1].program.output == "a/b \\u{1b}[2J of orders begins at 0=1-4,1=1-2\n")
        #expect(runs[2].program.output.hasSuffix(#""committed":{"0":"1-3","1":"1-3"}}"# + "\n"))
        #expect(runs[3].program.output.hasPrefix(#"{"items":[{"topic":"orders","group":"a/b \u001b[2J","#))
        #expect(runs[4].program.output == "deleted a/b \\u{1b}[2J of orders\n")
        #expect(runs[5].program.errors.contains("404"))
        #expect(runs[6].program.output.split(separator: "\n").count == 1)
    }

    @Test("what the server refuses is told with its reason")
    func refused() async throws {
        try await fill("orders", group: "g")
        let member = try await broker.subscribe(SubscriptionRequest(topic: "orders", group: "g"))
        let runs = try await run([
            ["groups", "delete", "orders", "g"], ["groups", "seek", "orders", "g", "--to", "latest"],
            ["groups", "seek", "other", "g", "--to", "latest"],
            ["groups", "seek", "orders", "new", "--to", "7=1-1"],
        ])
        #expect(runs.allSatisfy { $0.code == .foundWrong && $0.program.output.isEmpty })
        for (run, reason) in zip(runs, ["409", "members", "no such topic", "partition"]) {
            #expect(run.program.errors.contains(reason), "\(run.program.errors)")
        }
        await member.close()
    }
}

@Suite("What --to says")
struct SeekTargetTests {
    @Test("a word, an instant or positions")
    func good() throws {
        #expect(try SeekTarget("earliest").to == "earliest")
        #expect(try SeekTarget("2026-01-01T00:00:00+01:00").time == "2026-01-01T00:00:00+01:00")
        #expect(try SeekTarget("0=1-2,12=0-0").positions == ["0": "1-2", "12": "0-0"])
    }

    @Test(
        "and nothing else",
        arguments: ["Earliest", "", "2026-01-01", "0", "0=", "=1-2", "0=1-2,", "a=1-2", "-1=1-2", "0=1-2=3", "0=1.2"])
    func bad(text: String) { #expect(throws: CommandError.self) { try SeekTarget(text) } }
}
