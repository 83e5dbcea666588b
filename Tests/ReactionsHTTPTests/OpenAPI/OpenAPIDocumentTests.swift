import Console
import Testing

@testable import ReactionsHTTP
@testable import SpillwayHTTP

@Suite struct OpenAPIDocumentTests {
    private static let methods: [HTTPMethod] = [.get, .head, .post, .put, .patch, .delete, .options]

    private func document(
        additions: [OpenAPIFragment] = [], _ change: (inout ReactionRoutesConfiguration) -> Void = { _ in }
    ) throws -> JSON {
        var configuration = ReactionRoutesConfiguration(targetTypes: ["video", "comment"])
        change(&configuration)
        return try JSON(String(decoding: OpenAPIDocument.bytes(configuration, additions: additions), as: UTF8.self))
    }

    /// `GET /v1/votes/summary` and so on, as the router has them.
    private func served() throws -> Set<String> {
        let router = try RouteHarness().router
        var served: Set<String> = []
        for pattern in router.patterns {
            let path = Array(pattern.replacing("{id}", with: "x").utf8)
            for method in Self.methods {
                if let route = router.match(method, path: path.span).route, route.method == method {
                    served.insert("\(method) \(pattern)")
                }
            }
        }
        return served
    }

    @Test func whatIsServedIsDocumentedAndTheOtherWayRound() throws {
        var documented: Set<String> = []
        for (path, operations) in try document()["paths"].object ?? [:] {
            for method in (operations.object ?? [:]).keys { documented.insert("\(method.uppercased()) \(path)") }
        }
        let served = try served()
        #expect(served.subtracting(documented).isEmpty, "served and not documented")
        #expect(documented.subtracting(served).isEmpty, "documented and not served")
        #expect(served.count == 11)
    }

    @Test(arguments: [false, true]) func referencesLeadSomewhereAndNothingIsLeftOver(withConsole: Bool) throws {
        let document = try document(additions: withConsole ? [ConsoleRoutes.specification(hasDeadLetters: true)] : [])
        var used: Set<String> = []
        for value in document.all {
            guard let reference = value["$ref"].string else { continue }
            used.insert(reference)
            let parts = reference.split(separator: "/").dropFirst()
            let target = parts.reduce(document) { $0[String($1)] }
            #expect(target != .null, "\(reference) leads nowhere")
        }
        #expect((document["paths"].object ?? [:]).keys.contains("/v1/admin/groups") == withConsole)
        for kind in ["parameters", "headers", "responses"] {
            for name in (document["components"][kind].object ?? [:]).keys {
                #expect(used.contains("#/components/\(kind)/\(name)"), "\(kind)/\(name) is not used")
            }
        }
    }

    @Test(arguments: [false, true]) func everyOperationIsWhole(withConsole: Bool) throws {
        let document = try document(additions: withConsole ? [ConsoleRoutes.specification(hasDeadLetters: true)] : [])
        var names: Set<String> = []
        for (path, operations) in document["paths"].object ?? [:] {
            for (method, operation) in operations.object ?? [:] {
                let name = try #require(operation["operationId"].string)
                #expect(names.insert(name).inserted, "\(name) stands for two operations")
                #expect(operation["security"].array != nil, "\(name) does not say whether it needs a token")
                let statuses = Set((operation["responses"].object ?? [:]).keys)
                #expect(statuses.isSuperset(of: ["400", "408", "413", "414", "417", "431", "500", "503"]))
                #expect(statuses.contains("200") != statuses.contains("204"), "\(name) has one good answer")
                let hasBody = operation["requestBody"] != .null
                #expect(statuses.contains("415") == hasBody, "\(name)")
                #expect(!hasBody || method == "post" || method == "put")
                #expect(path.hasPrefix("/v1/admin/") == (statuses.contains("403")), "\(name)")
                let parameters = (operation["parameters"].array ?? []).compactMap { reference in
                    (reference["$ref"].string?.split(separator: "/").last).map(String.init)
                }
                let inPath = parameters.map { document["components"]["parameters"][$0] }.filter {
                    $0["in"].string == "path"
                }
                let wanted = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { $0.dropFirst().dropLast() }
                #expect(inPath.compactMap(\.["name"].string) == wanted.map(String.init), "\(name)")
            }
        }
    }

    @Test func refusalsAreProblemsAndSayWhenToComeBack() throws {
        let responses = try document()["components"]["responses"].object ?? [:]
        for (name, response) in responses {
            let schema = response["content"]["application/problem+json"]["schema"]["$ref"].string
            #expect(schema == "#/components/schemas/Problem", "\(name)")
        }
        for status in ["429", "503"] {
            #expect(responses["Refusal\(status)"]?["headers"]["Retry-After"] != .null)
        }
        #expect(responses["Refusal401"]?["headers"]["WWW-Authenticate"] != .null)
    }

    @Test func itSaysWhatIsConfigured() throws {
        let document = try document {
            $0.targetTypes = ["song"]
            $0.votersAccess = .admin
        }
        #expect(document["components"]["schemas"]["TargetType"]["enum"] == .array([.string("song")]))
        let voters = document["paths"]["/v1/targets/{id}/voters"]["get"]
        #expect(voters["responses"]["403"] != .null)
        let open = try self.document { $0.votersAccess = .anyone }
        #expect(open["paths"]["/v1/targets/{id}/voters"]["get"]["security"][0] == .object([:]))
    }
}
