import SpillwayCore
import SpillwayHTTP
import Synchronization
import Testing

@testable import spillway

@Suite("Commands against a server", .serialized)
struct LoopbackTests {
    @Test("backup posts the absolute path with the token, and says where the copy is")
    func backup() async throws {
        let seen = Mutex<[String]>([])
        let program = TestProgram()
        let code = try await withServer { router in
            router.on(.post, "/v1/admin/backup") { request in
                let authorization = request.header(.authorization) ?? ""
                let kind = request.header(.contentType) ?? ""
                seen.withLock { $0 = [authorization, kind, String(decoding: request.body, as: UTF8.self)] }
                return .json(Array("{}".utf8))
            }
        } _: { url in
            program.run("backup", "--url", url + "/", "/var/backup \"1\"", environment: ["SPILLWAY_TOKEN": "a.b.c"])
        }
        #expect(code == .done)
        #expect(seen.withLock { $0[0] } == "Bearer a.b.c")
        #expect(seen.withLock { $0[1] } == "application/json")
        let body = seen.withLock { $0[2].split(separator: "\\/").joined(separator: "/") }
        #expect(body == #"{"path":"/var/backup \"1\""}"#)
        #expect(program.output == "backup /var/backup \"1\"\n")
    }

    @Test("a refusal is told with the server's reason")
    func refused() async throws {
        let program = TestProgram()
        let code = try await withServer { router in
            router.on(.post, "/v1/admin/backup") { _ in
                Problem(.forbidden, detail: "needs the scope admin").response
            }
        } _: { url in
            program.run("backup", "--url", url, "--token", "a.b.c", "relative")
        }
        #expect(code == .foundWrong)
        #expect(program.errors.contains("403") && program.errors.contains("needs the scope admin"))
        #expect(program.output.isEmpty)
    }

    @Test("no server is told too")
    func noServer() {
        let program = TestProgram()
        #expect(program.run("backup", "--url", "http://127.0.0.1:1", "--token", "a.b.c", "/d") == .foundWrong)
        #expect(program.errors.contains("no answer"))
    }

    @Test("a load sends what falls due, measures it, and counts refusals as errors")
    func load() async throws {
        let votes = Atomic<Int>(0)
        let summaries = Atomic<Int>(0)
        let recorders = try await withServer { router in
            router.on(.post, "/v1/votes") { request in
                let isVote = String(decoding: request.body, as: UTF8.self).contains(
                    #""target_type":"video","action":""#)
                let number = votes.wrappingAdd(1, ordering: .relaxed).newValue
                if !isVote || request.header(.authorization) != "Bearer t" { return HTTPResponse(.badRequest) }
                return HTTPResponse(number % 10 == 0 ? .tooManyRequests : .ok)
            }
            router.on(.get, "/v1/votes/summary") { request in
                summaries.wrappingAdd(1, ordering: .relaxed)
                let count = request.target.split(separator: ",").count
                return count == 3 ? .json(Array("{}".utf8)) : HTTPResponse(.badRequest)
            }
        } _: { url in
            let requests = BenchRequests(
                tokens: ["t"], targets: BenchTargets(uniform: 9), targetsPerSummary: 3, host: "127.0.0.1")
            var run = BenchRun(
                requests: requests, address: try BenchAddress(url: url), rates: [400, 200], duration: 2,
                connections: 8, report: { _ in })
            return run.run()
        }
        let sent = votes.load(ordering: .relaxed)
        #expect((600...1_000).contains(sent))
        #expect(recorders[0].errors == sent / 10)
        #expect(recorders[0].good == sent - sent / 10)
        #expect(recorders[1].errors == 0)
        #expect(recorders[1].good == summaries.load(ordering: .relaxed))
        #expect(recorders[0].latencies.count == Int64(sent))
    }

    @Test("what a server never answers, or never gets, is an error with the time that it waited")
    func unanswered() async throws {
        let recorders = try await withServer { router in
            router.on(.post, "/v1/votes") { _ in
                try await Task.sleep(for: .seconds(60))
                return HTTPResponse(.ok)
            }
        } _: { url in
            let requests = BenchRequests(
                tokens: ["t"], targets: BenchTargets(uniform: 9), targetsPerSummary: 3, host: "127.0.0.1")
            var run = BenchRun(
                requests: requests, address: try BenchAddress(url: url), rates: [50, 0], duration: 1, connections: 2,
                report: { _ in })
            return run.run()
        }
        #expect(recorders[0].good == 0)
        #expect((20...90).contains(recorders[0].unanswered))
        #expect(recorders[0].errors == recorders[0].unanswered)
        // Those that came due early have waited for the run and the grace after it.
        #expect(recorders[0].latencies.value(atPercentile: 90) > 2_000_000)
    }

    @Test("without a server everything is an error, and the load ends")
    func nobody() throws {
        let requests = BenchRequests(
            tokens: [], targets: BenchTargets(uniform: 9), targetsPerSummary: 3, host: "127.0.0.1")
        var run = BenchRun(
            requests: requests, address: try BenchAddress(url: "http://127.0.0.1:1"), rates: [0, 100], duration: 1,
            connections: 4, report: { _ in })
        let recorders = run.run()
        #expect(recorders[1].good == 0)
        #expect(recorders[1].errors > 50)
    }
}
