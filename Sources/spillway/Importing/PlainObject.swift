/// A JSON object of plain members only: texts of printable ASCII without escapes. Nearly all lines of an import are such
/// ones, and reading them takes a tenth of a decoder's time. Whatever else a line holds, initialization fails and the
/// decoder has the say.
struct PlainObject {
    private let line: ArraySlice<UInt8>
    private var members: [(name: Range<Int>, value: Range<Int>)] = []

    init?(_ line: ArraySlice<UInt8>) {
        self.line = line
        members.reserveCapacity(5)
        var place = line.startIndex
        skipSpace(&place)
        guard take("{", &place) else { return nil }
        while true {
            skipSpace(&place)
            guard let name = text(&place) else { return nil }
            skipSpace(&place)
            guard take(":", &place) else { return nil }
            skipSpace(&place)
            guard let value = text(&place) else { return nil }
            // Of two members with one name the decoder would choose; so would an attacker.
            guard !members.contains(where: { line[$0.name].elementsEqual(line[name]) }) else { return nil }
            members.append((name, value))
            skipSpace(&place)
            if take(",", &place) { continue }
            guard take("}", &place) else { return nil }
            skipSpace(&place)
            guard place == line.endIndex else { return nil }
            return
        }
    }

    /// The text of a member.
    ///
    /// - Throws: `ImportLineError` if there is none.
    func value(of name: StaticString) throws(ImportLineError) -> String {
        let wanted = unsafe UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        for member in members where unsafe line[member.name].elementsEqual(wanted) {
            return String(decoding: line[member.value], as: UTF8.self)
        }
        throw ImportLineError("\(name) is missing")
    }

    private func skipSpace(_ place: inout Int) {
        while place < line.endIndex, line[place] == 0x20 || line[place] == 0x09 { place += 1 }
    }

    private func take(_ character: Unicode.Scalar, _ place: inout Int) -> Bool {
        guard place < line.endIndex, line[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private func text(_ place: inout Int) -> Range<Int>? {
        guard take("\"", &place) else { return nil }
        let start = place
        while place < line.endIndex {
            switch line[place] {
            case UInt8(ascii: "\""):
                place += 1
                return start..<(place - 1)
            case UInt8(ascii: "\\"): return nil
            case 0x20...0x7E: place += 1
            default: return nil
            }
        }
        return nil
    }
}
