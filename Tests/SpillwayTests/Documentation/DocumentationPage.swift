import FoundationEssentials
import Testing

/// A page of the documentation, to be held to the code it speaks of.
struct DocumentationPage {
    let text: String

    /// - Parameter path: from the repository's root.
    init(_ path: String) throws {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Checks that a source has each of the page's Swift snippets, word for word.
    func expectSnippets(_ count: Int, in file: String) throws {
        let source = try String(contentsOf: URL(filePath: file), encoding: .utf8)
        let snippets = text.split(separator: "```swift\n").dropFirst().compactMap { $0.split(separator: "```").first }
        #expect(snippets.count == count)
        for snippet in snippets { #expect(source.contains(snippet), "not in the source: \(snippet)") }
    }

    /// Checks that a table has a field with its default.
    func expectRow(_ field: String, _ value: String) {
        #expect(text.contains("| `\(field)` | \(value) |"), "\(field) is \(value)")
    }
}
