import SpillwayCore
import Testing

@Suite struct TraceStateTests {
    @Test func readsSeveralHeaders() throws {
        let state = try #require(TraceState(headers: ["a=1 ,\tb=2,,", "", "t0@vendor=x y"]))
        #expect(state.entries.map(\.key) == ["a", "b", "t0@vendor"])
        #expect(state["t0@vendor"] == "x y")
        #expect(state.header == "a=1,b=2,t0@vendor=x y")
    }

    @Test(arguments: [
        "a", "=1", "a=", "A=1", "a b=1", "a=1=2", "a=\u{7f}", "a=é", "@v=1", "t@=1", "t@1=1", "t@abcdefghijklmno=1",
        "a=1,a=2", "-a=1", "a =1",
    ])
    func refuses(header: String) {
        #expect(TraceState(headers: [header]) == nil)
    }

    @Test func limitsKeysValuesAndEntries() {
        let long = String(repeating: "x", count: 256)
        #expect(TraceState.Entry(key: long, value: long) != nil)
        #expect(TraceState.Entry(key: long + "x", value: "1") == nil)
        #expect(TraceState.Entry(key: "a", value: long + "x") == nil)
        let entries = (0..<33).map { "k\($0)=v" }
        #expect(TraceState(headers: [entries[..<32].joined(separator: ",")])?.entries.count == 32)
        #expect(TraceState(headers: [entries.joined(separator: ",")]) == nil)
    }

    @Test func updateMovesToTheFront() throws {
        var state = try #require(TraceState(headers: [(0..<32).map { "k\($0)=v" }.joined(separator: ",")]))
        state.update(try #require(TraceState.Entry(key: "k5", value: "new")))
        #expect(state.entries.count == 32 && state.entries[0].key == "k5" && state["k5"] == "new")
        state.update(try #require(TraceState.Entry(key: "one-more", value: "1")))
        #expect(state.entries.count == 32 && state["k31"] == nil)
    }

    @Test func headerDropsLongEntriesFirst() throws {
        var state = TraceState()
        #expect(state.header == nil)
        for index in 0..<8 {
            let value = String(repeating: "v", count: index == 5 ? 200 : 60)
            state.update(try #require(TraceState.Entry(key: "k\(index)", value: value)))
        }
        let header = try #require(state.header)
        #expect(header.utf8.count <= 512)
        #expect(!header.contains("k5="))
        #expect(header.hasPrefix("k7=") && header.contains("k0="))
    }
}
