import SpillwayCore
import Testing

@Suite struct SpanAttributesTests {
    @Test func keysKeepTheirOrderAndTheLastValueCounts() {
        var attributes: SpanAttributes = ["b": 1, "a": "text", "b": 2.5]
        #expect(attributes.entries.map(\.key) == ["b", "a"])
        #expect(attributes["b"] == 2.5 && attributes["a"] == "text" && attributes["c"] == nil)
        attributes["b"] = nil
        attributes["c"] = true
        #expect(attributes.entries.map(\.key) == ["a", "c"])
    }

    @Test(arguments: [("a", 5_000, 4_096), ("é", 3_000, 4_096), ("€", 2_000, 4_095), ("😀", 1_025, 4_096)])
    func longTextsAreCutBetweenScalars(scalar: String, count: Int, kept: Int) {
        var attributes = SpanAttributes()
        attributes["a"] = .string(String(repeating: scalar, count: count))
        guard case .string(let text) = attributes["a"] else { return }
        #expect(text.utf8.count == kept)
        #expect(text == String(repeating: scalar, count: kept / scalar.utf8.count))
        attributes["b"] = .string(String(repeating: "a", count: 4_096))
        #expect(attributes["b"] == .string(String(repeating: "a", count: 4_096)))
    }
}
