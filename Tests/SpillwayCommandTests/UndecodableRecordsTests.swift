import Console
import FoundationEssentials
import Reactions
import Spillway
import SpillwayCore
import SpillwayHTTP
import SpillwayRocksDB
import Testing

@testable import spillway

/// A record in the log that is no vote, from the data directory to the operator's terminal.
@Suite("Records that can't be decoded, in a whole data directory")
struct UndecodableRecordsTests {
    private let key: SigningKey
    private let token: String

    init() throws {
        key = try SigningKey.random()
        token = try TokenIssuer(key: key).token(
            subject: "root", scopes: ["admin"], issuedAtMs: SystemTimeSource().wallMilliseconds(),
            lifetime: .seconds(60))
    }

    /// Opens the directory, runs the service as a server does, and closes it.
    private func withService(
        _ directory: String, _ body: @escaping @Sendable (EmbeddedNode, any FailureStore) async throws -> Void
    ) async throws {
        let values = try resolve(.serve, ["--data", directory])
        let node = try EmbeddedNode(StoreConfiguration(values), targetTypes: ["video"], create: true)
        let failures = try await node.openFailures(registry: MetricsRegistry(), logger: Logger(label: "test"))
        let service = try ReactionService(
            configuration: Reactions.ReactionsConfiguration(), broker: node.broker, store: node.store,
            failures: failures, blocking: BlockingExecutor(name: "reader", threads: 1),
            projections: BlockingExecutor(name: "projection", threads: 1), registry: MetricsRegistry(),
            logger: Logger(label: "test"))
        try await service.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { do { try await service.run() } catch is CancellationError {} }
            try await body(node, failures)
            group.cancelAll()
        }
        failures.close()
        try await node.close()
    }

    /// Runs command lines against a server with the console's routes.
    private func run(
        _ lines: [[String]], _ node: EmbeddedNode, _ failures: any FailureStore
    ) async throws -> [(code: ExitCode, program: TestProgram)] {
        let (key, token) = (key, token)
        return try await withServer { router in
            ConsoleRoutes(
                authentication: Authentication(TokenAuthenticator(verifier: TokenVerifier(keys: .secret(key)))),
                groups: node.broker, failures: failures, groupsWithoutSideQueue: [ReactionService.group]
            ).register(on: &router)
        } _: { url in
            lines.map { line in
                let program = TestProgram()
                let line = ["dead-letters"] + line + ["--url", url]
                return (program.run(line, environment: ["SPILLWAY_TOKEN": token]), program)
            }
        }
    }

    private func waitForLetters(_ count: Int, _ failures: any FailureStore) async throws -> [DeadLetter] {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let letters = try await failures.deadLetters(group: nil, after: nil, limit: 100)
            if letters.count >= count || ContinuousClock.now > deadline { return letters }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    @Test("are listed, shown, not sent back, there after a restart, and gone when they are discarded")
    func operated() async throws {
        let directory = "/tmp/spillway-undecodable-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await withService(directory) { node, failures in
            for number in 0..<3 {
                let message = Message(key: Array("k\(number)".utf8), value: Array("no vote".utf8))
                _ = try await node.broker.send(message, to: "reactions")
            }
            let letters = try await waitForLetters(3, failures)
            let id = try #require(letters.first).name.text
            let answers = try await run(
                [
                    ["list"], ["show", id], ["requeue", id], ["requeue", "--group", ReactionService.group],
                    ["discard", id],
                ], node, failures)
            #expect(answers.map(\.code) == [.done, .done, .foundWrong, .foundWrong, .done])
            #expect(answers[0].program.output.split(separator: "\n").count == 4)
            #expect(answers[0].program.output.contains("decode"))
            #expect(answers[1].program.output.hasSuffix("no vote\n") || answers[1].program.output.hasSuffix("no vote"))
            for refused in answers[2...3] {
                #expect(refused.program.errors.contains("409") && refused.program.errors.contains("discard"))
            }
        }
        try await withService(directory) { node, failures in
            let letters = try await waitForLetters(2, failures)
            #expect(letters.count == 2)
            let answers = try await run([["discard"] + letters.map(\.name.text), ["list"]], node, failures)
            #expect(answers.map(\.code) == [.done, .done])
            #expect(answers[1].program.output.split(separator: "\n").count == 1)
        }
        let program = TestProgram()
        #expect(try await program.runOffThePool("audit", "--data", directory) == .done)
    }
}
