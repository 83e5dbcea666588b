import Reactions
import SpillwayHTTP
import Testing

@testable import ReactionsHTTP

@Suite struct TargetListTests {
    private func refusal(_ query: String) -> RequestError? {
        do {
            _ = try TargetList.read(HTTPQuery(query))
            return nil
        } catch {
            return error as? RequestError
        }
    }

    @Test func idsAreDecodedOnceThenSplit() throws {
        #expect(try TargetList.read(HTTPQuery("target_ids=a,b%2Cc,d%3Ae")) == ["a", "b", "c", "d:e"])
        #expect(try TargetList.read(HTTPQuery("x=1&target%5Fids=a")) == ["a"])
        #expect(try TargetList.read(HTTPQuery("target_ids=b,a,b,c,a")) == ["b", "a", "c"])
    }

    @Test func aHundredAreTakenAndNoMore() throws {
        let ids = (0..<100).map { "t\($0)" }
        #expect(try TargetList.read(HTTPQuery("target_ids=" + ids.joined(separator: ","))) == ids)
        #expect(refusal("target_ids=" + ids.joined(separator: ",") + ",t100")?.field == "target_ids")
    }

    @Test(arguments: [
        "target_ids=", "target_ids=a,", "target_ids=,a", "target_ids=a,,b", "target_ids=a+b", "target_ids",
    ])
    func badIdsAre422(query: String) {
        #expect(refusal(query)?.status == 422)
        #expect(refusal("target_ids=%FF")?.status == 422)
        #expect(refusal("target_ids=%00")?.status == 422)
        #expect(refusal("target_ids=" + String(repeating: "a", count: 129))?.status == 422)
        #expect(refusal("target_ids=%252C")?.status == 422, "decoded twice")
    }

    @Test(arguments: ["", "x=1", "Target_ids=a", "target_id=a"]) func noneIs400(query: String) {
        #expect(refusal(query)?.status == 400)
    }
}

@Suite struct PageRequestTests {
    private func field(_ query: String) -> String? {
        do {
            _ = try PageRequest(HTTPQuery(query))
            return nil
        } catch {
            return (error as? RequestError)?.field
        }
    }

    @Test func itHasDefaults() throws {
        let page = try PageRequest(HTTPQuery(""))
        #expect(page.reaction == .like && page.limit == 50 && page.cursor == nil)
    }

    @Test func itIsRead() throws {
        let page = try PageRequest(HTTPQuery("limit=100&reaction=dislike&cursor=a-1"))
        #expect(page.reaction == .dislike && page.limit == 100 && page.cursor == "a-1")
        #expect(try PageRequest(HTTPQuery("limit=1")).limit == 1)
    }

    @Test(arguments: ["0", "101", "-1", "%2B5", "5.0", "", "x", "99999999999999999999", "1e1", "%2050"])
    func aBadLimitIsNamed(limit: String) { #expect(field("limit=\(limit)") == "limit") }

    @Test(arguments: ["none", "", "Like", "love"]) func aBadReactionIsNamed(reaction: String) {
        #expect(field("reaction=\(reaction)") == "reaction")
    }
}
