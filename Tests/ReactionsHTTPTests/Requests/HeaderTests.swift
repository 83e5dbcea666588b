import Reactions
import SpillwayHTTP
import Testing

@testable import ReactionsHTTP

@Suite struct HeaderTests {
    private func request(_ headers: [(HTTPFieldName, String)]) -> HTTPRequest {
        HTTPRequest(method: .get, target: "/", headers: headers)
    }

    @Test func positionsAreReadFromAllHeaders() throws {
        #expect(try request([]).positions().isEmpty)
        let read = try request([
            (.spillwayPosition, "1.0.5, 1.2.7"), (.spillwayPosition, "2.1.18446744073709551615"),
        ]).positions()
        #expect(read.map(\.description) == ["1.0.5", "1.2.7", "2.1.18446744073709551615"])
    }

    @Test(arguments: [
        "", ",", "1.0.5,", "x", "1.2", "1.2.3.4", "1..3", "-1.0.0", "1.-1.0", "1.0.-1", "18446744073709551616.0.0",
        "1.0.5,x",
        "1.0.5 6.0.1",
    ])
    func badPositionsAre400(text: String) {
        do {
            _ = try request([(.spillwayPosition, text)]).positions()
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.status == 400)
        }
    }

    @Test func thereIsABoundOnPositions() {
        let many = Array(repeating: "1.0.1", count: 1_025).joined(separator: ",")
        #expect(throws: RequestError.self) { try request([(.spillwayPosition, many)]).positions() }
    }

    @Test func oneIdempotencyKeyIsTaken() throws {
        #expect(try request([]).idempotencyKey() == nil)
        #expect(try request([(.idempotencyKey, "k-1")]).idempotencyKey() == "k-1")
        for headers in [["a", "b"], [""], ["a b"], [String(repeating: "k", count: 129)]] {
            do {
                _ = try request(headers.map { (.idempotencyKey, $0) }).idempotencyKey()
                Issue.record("\(headers) was taken")
            } catch {
                #expect(error.status == 422 && error.field == "Idempotency-Key")
            }
        }
    }

    @Test func theBodyMustBeJSON() throws {
        for type in [
            "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;a=b",
        ] {
            try request([(.contentType, type)]).requireJSON()
        }
        for type in [
            nil, "", "application/jsonx", "application/json-patch+json", "text/plain", "application", "application/jso",
            "application/x-www-form-urlencoded",
        ] {
            do {
                try request(type.map { [(.contentType, $0)] } ?? []).requireJSON()
                Issue.record("\(type ?? "nothing") was taken")
            } catch {
                #expect(error.status == .unsupportedMediaType)
            }
        }
    }
}
