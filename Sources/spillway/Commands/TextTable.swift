/// Rows in columns that are as wide as what is in them, two blanks apart; for people.
struct TextTable {
    private var rows: [[String]]

    init(_ titles: [String]) { rows = [titles] }

    /// Adds a row; what a terminal would act on is written out.
    mutating func add(_ row: [String]) { rows.append(row.map(Self.harmless)) }

    /// The lines with the titles first.
    var text: String {
        var widths = [Int](repeating: 0, count: rows[0].count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        var text = ""
        for row in rows {
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                let isLast = index == row.count - 1
                if !isLast { line += String(repeating: " ", count: widths[index] - cell.count + 2) }
            }
            text += line + "\n"
        }
        return text
    }

    /// The text with controls and invisible characters written out (`\u{1b}`), which whoever made a record could use to
    /// deceive who looks at it.
    static func harmless(_ text: String) -> String {
        var harmless = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                harmless += "\\u{\(String(scalar.value, radix: 16))}"
            default: harmless.unicodeScalars.append(scalar)
            }
        }
        return harmless
    }
}
