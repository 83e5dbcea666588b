import Testing

@testable import ReactionsHTTP

@Suite struct PreferenceTests {
    @Test(arguments: [
        "return=representation", "Return=representation", "return=\"representation\"",
        "respond-async, return=representation", " return = representation ; x=y", "wait=10;a, return=representation",
        "return=representation, return=minimal", "\treturn=representation\t",
    ])
    func isWanted(header: String) { #expect(Preference.wantsRepresentation(header)) }

    @Test(arguments: [
        "", ",", ";", "=", "return", "return=", "return=minimal", "return=Representation", "returns=representation",
        "representation", "return=minimal, return=representation", "a;return=representation", "return=\"", "\"",
    ])
    func isNotWanted(header: String) { #expect(!Preference.wantsRepresentation(header)) }
}
