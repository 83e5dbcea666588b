import Testing

@testable import spillway

@Suite("The configuration file")
struct ConfigurationFileTests {
    private func problem(_ text: String) -> ConfigurationFileError? {
        do throws(ConfigurationFileError) {
            _ = try ConfigurationFile.read(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test("an unknown key is named with its line and column, and a near one is offered")
    func unknownKey() {
        let error = problem("# comment\nhttp:\n  host: x\n  position-wait: 1s\n")
        #expect(error?.line == 4)
        #expect(error?.column == 3)
        #expect(error?.reason == "unknown key \"http.position-wait\"; did you mean \"reactions.position-wait\"?")
        #expect(problem("prot: 1\n")?.reason == "unknown key \"prot\"")
    }

    @Test(
        "what is not a plain mapping of known keys is refused",
        arguments: [
            "- a\n", "text\n", "http: 5\n", "http:\n  port: [1]\n", "http:\n  port: {a: b}\n", "http:\n  port:\n",
            "data: a\ndata: b\n", "[a]: b\n", "data: &x y\n", "data: *x\n", "data: a\n---\ndata: b\n",
            "data: \"unclosed\n",
            "data: a\n  host: b\n", "http:\n  allowed-origins: [[a]]\n", "http:\n  allowed-origins: ['a,b']\n",
            "\tdata: a\n",
            "data: \u{1}\n", "http.port: 8\n\u{0}",
        ])
    func refused(text: String) { #expect(problem(text) != nil) }

    @Test("an empty file and one of comments give nothing", arguments: ["", "# only\n", "---\n", "\n\n"])
    func empty(text: String) { #expect(problem(text) == nil) }

    @Test("a key may be written with its dots")
    func dotted() throws {
        #expect(try resolve(.serve, file: "http.port: 99\n")[OptionTable.port] == 99)
    }

    @Test("deep nesting and large files are refused before they take memory")
    func bounds() {
        #expect(problem(String(repeating: "[", count: 10_000)) != nil)
        #expect(problem("data: " + String(repeating: "x", count: 2 << 20))?.reason.contains("1 MiB") == true)
    }
}
