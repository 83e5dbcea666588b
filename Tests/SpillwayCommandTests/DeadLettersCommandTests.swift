import SpillwayHTTP
import Synchronization
import Testing

@testable import spillway

/// Against a server that answers what each test puts in its mouth.
@Suite("Dead letters from the command line", .serialized)
final class DeadLettersCommandTests: Sendable {
    private let asked = Mutex<[String]>([])

    private static func letter(_ id: String) -> String {
        """
        {"id":"\(id)","group":"mail","source":"s","topic":"orders","partition":3,"position":"1-42","key":"k\\u001b","key_base64":"awA=",\
        "reason":"no user","attempts":5,"failed_at":"2026-01-01T00:00:00.000Z","value_bytes":7}
        """
    }

    private func run(
        _ line: [String], answers: @escaping @Sendable (HTTPRequest) -> HTTPResponse
    ) async throws -> (code: ExitCode, program: TestProgram) {
        let program = TestProgram()
        let asked: @Sendable (HTTPRequest) -> Void = { request in
            self.asked.withLock {
                $0.append("\(request.method) \(request.target) \(String(decoding: request.body, as: UTF8.self))")
            }
        }
        let code = try await withServer { router in
            let handler: HTTPHandler = { request in
                asked(request)
                return answers(request)
            }
            router.on(.get, "/v1/admin/dead-letters", handler: handler)
            router.on(.post, "/v1/admin/dead-letters/requeue", handler: handler)
            router.on(.get, "/v1/admin/dead-letters/{id}", handler: handler)
            router.on(.delete, "/v1/admin/dead-letters/{id}", handler: handler)
            router.on(.post, "/v1/admin/dead-letters/{id}/requeue", handler: handler)
        } _: { url in
            program.run(line + ["--url", url, "--token", "a.b.c"])
        }
        return (code, program)
    }

    private var lines: [String] { asked.withLock { $0 } }

    @Test("a list follows the pages up to its limit")
    func list() async throws {
        let answers: @Sendable (HTTPRequest) -> HTTPResponse = { request in
            let count = (try? request.query.first("limit")).flatMap { $0 }.flatMap { Int($0) } ?? 0
            let items = (0..<count).map { Self.letter("id-\($0)") }.joined(separator: ",")
            return .json(Array("{\"items\":[\(items)],\"next_cursor\":\"c-\(count)\"}".utf8))
        }
        let (code, program) = try await run(
            ["dead-letters", "list", "--limit", "130", "--group", "a b&c"], answers: answers)
        #expect(code == .done)
        #expect(
            lines == [
                "GET /v1/admin/dead-letters?limit=100&group=a%20b%26c ",
                "GET /v1/admin/dead-letters?limit=30&group=a%20b%26c&cursor=c-100 ",
            ])
        let rows = program.output.split(separator: "\n")
        #expect(rows.count == 131 && rows[0].hasPrefix("ID ") && rows[0].hasSuffix("REASON"))
        #expect(rows[1].hasPrefix("id-0 ") && rows[1].contains("3=1-42") && rows[1].hasSuffix("no user"))
        #expect(rows[1].contains("k\\u{1b}"), "what a terminal acts on is written out")
        #expect(program.errors.contains("there are more"))
        let (_, json) = try await run(["dead-letters", "list", "--limit", "2", "--json"], answers: answers)
        #expect(json.output.hasPrefix(#"{"items":[{"id":"id-0""#) && json.output.split(separator: "\n").count == 1)
    }

    @Test("one is shown with its headers and value")
    func show() async throws {
        let whole =
            Self.letter("id-1").dropLast()
            + #","timestamp":"2026-01-01T00:00:00.000Z","headers":[{"name":"h","value":null,"value_base64":"gA=="}],"#
            + #""value":"one\ntwo\u0007","value_base64":"eA=="}"#
        let answer = Array(whole.utf8)
        let (code, program) = try await run(["dead-letters", "show", "id-1"]) { _ in .json(answer) }
        #expect(code == .done && lines == ["GET /v1/admin/dead-letters/id-1 "])
        #expect(program.output.hasPrefix("id        id-1\ngroup     mail\n"))
        #expect(program.output.contains("header    h: base64:gA==\n"))
        #expect(program.output.hasSuffix("value     7 bytes\n\none\ntwo\\u{7}\n"))
        let (_, json) = try await run(["dead-letters", "show", "id-1", "--json"]) { _ in .json(answer) }
        #expect(json.output == whole + "\n")
    }

    @Test("several go back, and what went back is told when one is refused")
    func requeue() async throws {
        let (code, program) = try await run(["dead-letters", "requeue", "a", "b"]) { request in
            .json(Array(#"{"requeued":\#(request.parameter("id") == "a" ? 1 : 0)}"#.utf8))
        }
        #expect(code == .done && program.output == "requeued 1\n")
        #expect(lines == ["POST /v1/admin/dead-letters/a/requeue {}", "POST /v1/admin/dead-letters/b/requeue {}"])
        let (refused, second) = try await run(["dead-letters", "requeue", "a", "b", "c"]) { request in
            request.parameter("id") == "a"
                ? .json(Array(#"{"requeued":1}"#.utf8)) : Problem(.notFound, detail: "no such id").response
        }
        #expect(refused == .foundWrong && second.output.isEmpty)
        #expect(second.errors.contains("requeued 1") && second.errors.contains("no such id"))
    }

    @Test("a group goes back until the server says that there are no more")
    func requeueGroup() async throws {
        let left = Mutex(2)
        let (code, program) = try await run(["dead-letters", "requeue", "--group", "mail", "--json"]) { _ in
            let rest = left.withLock { left in
                left -= 1
                return left
            }
            return .json(Array(#"{"requeued":64,"next_cursor":\#(rest > 0 ? "\"x\"" : "null")}"#.utf8))
        }
        #expect(code == .done && program.output == "{\"requeued\":128}\n")
        #expect(lines.count == 2 && lines[0].hasSuffix(#" {"group":"mail"}"#) && lines[1].contains(#""cursor":"x""#))
    }

    @Test("they are thrown away one by one")
    func discard() async throws {
        let (code, program) = try await run(["dead-letters", "discard", "a", "b"]) { _ in HTTPResponse(.noContent) }
        #expect(code == .done && program.output == "discarded 2\n")
        #expect(lines == ["DELETE /v1/admin/dead-letters/a ", "DELETE /v1/admin/dead-letters/b "])
    }

    @Test("an answer that can't be read is an error, not the end of the program")
    func foreign() async throws {
        for body in ["", "{}", "<html>", #"{"items":[{}]}"#] {
            let (code, program) = try await run(["dead-letters", "list"]) { _ in .json(Array(body.utf8)) }
            #expect(code == .foundWrong && program.errors.contains("can't be read"))
        }
    }
}
