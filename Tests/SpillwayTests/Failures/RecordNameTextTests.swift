import Spillway
import SpillwayCore
import SpillwayTesting
import Testing

@Suite struct RecordNameTextTests {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private func name(
        _ group: String = "g", _ source: String = "embedded", _ topic: String = "orders", _ partition: Int = 3,
        position: Position = Position(high: 1, low: 42)
    ) -> RecordName {
        RecordName(
            group: group, partition: TopicPartition(source: source, topic: topic, partition: partition),
            position: position)
    }

    @Test func everyNameComesBackAndNeedsNoEscape() {
        let names = [
            name(), name("", "", "", 0, position: .start), name("ä/\0 %", "b\"\\", "t"), name("a", "b", "c", .max),
            name(position: Position(high: .max, low: .max)),
            name(
                String(repeating: "g", count: 255), String(repeating: "s", count: 255),
                String(repeating: "t", count: 255)),
            name("ab", "c"), name("a", "bc"),
        ]
        for name in names {
            #expect(RecordName(text: name.text) == name)
            #expect(name.text.utf8.allSatisfy(Self.alphabet.contains))
        }
        #expect(Set(names.map(\.text)).count == names.count)
    }

    @Test(arguments: ["", "A", "AA", "AQ", "AQFh", "x y", "ä", "AQ==", "null", "../../etc/passwd"])
    func nonsenseIsNoName(text: String) { #expect(RecordName(text: text) == nil) }

    @Test func aTextThatIsCutLengthenedOrTooLongIsNoName() {
        let text = name().text
        for count in 0..<text.count { #expect(RecordName(text: String(text.prefix(count))) == nil) }
        for more in ["A", "AA", "AAA", "AAAA", "=", "\n"] { #expect(RecordName(text: text + more) == nil) }
        #expect(RecordName(text: name(String(repeating: "g", count: 256)).text) == nil)
    }

    /// Version, then group, source and topic with their lengths, then partition and position.
    @Test func numbersHaveOneForm() {
        func text(_ bytes: [UInt8]) -> String { String(decoding: Base64URL.encode(bytes), as: UTF8.self) }
        let names: [UInt8] = [1, 0x73, 1, 0x74]
        #expect(RecordName(text: text([1, 1, 0x67] + names + [3, 1, 42])) == name("g", "s", "t"))
        for bad in [
            [1, 0x81, 0, 0x67] + names + [3, 1, 42], [1, 1, 0x67] + names + [3, 1, 0xAA, 0],
            [2, 1, 0x67] + names + [3, 1, 42], [1, 1, 0xFF] + names + [3, 1, 42], [1, 2, 0x67] + names + [3, 1, 42],
            [1, 1, 0x67] + names + [3, 1] + [UInt8](repeating: 0xFF, count: 9) + [2],
            [1, 1, 0x67] + names + [UInt8](repeating: 0xFF, count: 9) + [1, 1, 42],
        ] { #expect(RecordName(text: text(bad)) == nil, "\(bad)") }
    }

    /// Every text is refused, or is the one text of what it names.
    @Test func aChangedTextIsRefusedOrNamesAnother() {
        var random = SeededRandom(seed: 11)
        let text = Array(name().text.utf8)
        var read = 0
        for _ in 0..<20_000 {
            var other = text
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                other[Int.random(in: 0..<other.count, using: &random)] = Self.alphabet.randomElement(using: &random)!
            }
            guard let name = RecordName(text: String(decoding: other, as: UTF8.self)) else { continue }
            read += 1
            #expect(Array(name.text.utf8) == other)
        }
        #expect(read > 0)
    }
}

@Suite struct PositionTextTests {
    @Test(arguments: [Position.start, Position(high: 1, low: 42), Position(high: .max, low: .max)])
    func itComesBack(position: Position) { #expect(Position(text: position.text) == position) }

    @Test(arguments: [
        "", "-", "1", "1-", "-1", "1-2-3", "+1-2", "01-2", "1-02", "1 -2", "a-b", "1-18446744073709551616", "1-٢",
        "0x1-2",
    ])
    func nothingElseIsOne(text: String) { #expect(Position(text: text) == nil) }
}
