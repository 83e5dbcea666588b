import SpillwayCore
import Testing

@testable import Spillway

/// Names that are equal as text, and are two all the same, since their bytes differ.
@Suite struct ExactNameTests {
    private let composed = "caf\u{e9}"
    private let decomposed = "cafe\u{301}"

    @Test func namesAreComparedByTheirBytes() {
        #expect(composed == decomposed)
        #expect(ExactName(composed) != ExactName(decomposed))
        #expect(ExactName(composed) == ExactName("caf" + "\u{e9}"))
        #expect(Set([ExactName(composed), ExactName(decomposed), ExactName(composed)]).count == 2)
    }

    @Test(arguments: [
        ("jos\u{e9}", "jose\u{301}"), ("K", "\u{212a}"), ("a\u{323}\u{307}", "a\u{307}\u{323}"),
        ("\u{ac00}", "\u{1100}\u{1161}"),
    ])
    func keysAreEqualOnlyWithTheSameBytes(_ one: String, _ other: String) {
        #expect(one == other)
        #expect(ExactName(one) != ExactName(other) && ExactName(other) != ExactName(one))
        #expect(ExactName(one) == ExactName(one) && ExactName(one).hashValue == ExactName(one).hashValue)
        #expect(Set([ExactName(one), ExactName(other)]).count == 2)
    }

    @Test func settingsInMemoryGoByBytes() async throws {
        let store = InMemorySettingsStore()
        _ = try await store.put(composed, value: [1], author: "a", atMs: 0, after: 0)
        #expect(try await store.current(decomposed) == nil)
        #expect(try await store.put(decomposed, value: [2], author: "a", atMs: 0, after: 0).revision == 1)
        #expect(try await store.current(composed)?.value == [1])
        #expect(try await store.history(decomposed, limit: 9).map(\.value) == [[2]])
    }

    @Test func membersOfARateGoByBytes() {
        let start = MonotonicInstant(nanoseconds: 0)
        var rate = SharedRate(rate: 10, burst: 10, leaseLife: .seconds(1), maxMembers: 2, now: start)
        _ = rate.lease(1, member: composed, now: start)
        _ = rate.lease(1, member: decomposed, now: start)
        #expect(rate.memberCount == 2)
        #expect(rate.lease(1, member: "third", now: start) == nil)
    }
}
