internal import SpillwayHTTP

/// A JSON object of plain members only (`PlainJSON`). Nearly all lines of an import are such ones; whatever else a line
/// holds, initialization fails and the decoder has the say.
struct PlainObject {
    private let line: ArraySlice<UInt8>
    private var members: [(name: Range<Int>, value: Range<Int>)] = []

    init?(_ line: ArraySlice<UInt8>) {
        self.line = line
        members.reserveCapacity(5)
        let bytes = line.span
        var json = PlainJSON()
        guard json.take(UInt8(ascii: "{"), bytes) else { return nil }
        repeat {
            guard let name = json.name(bytes), let value = json.text(bytes) else { return nil }
            // Of two members with one name the decoder would choose; so would an attacker.
            let isKnown = members.contains { member in
                member.name.count == name.count && zip(member.name, name).allSatisfy { bytes[$0] == bytes[$1] }
            }
            if isKnown { return nil }
            members.append((name, value))
        } while json.take(UInt8(ascii: ","), bytes)
        guard json.take(UInt8(ascii: "}"), bytes), json.isAtEnd(bytes) else { return nil }
    }

    /// The text of a member.
    ///
    /// - Throws: `ImportLineError` if there is none.
    func value(of name: StaticString) throws(ImportLineError) -> String {
        let bytes = line.span
        for member in members where bytes.isWord(name, at: member.name) { return bytes.string(at: member.value) }
        throw ImportLineError("\(name) is missing")
    }
}
