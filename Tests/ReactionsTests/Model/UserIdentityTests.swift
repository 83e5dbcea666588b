import Testing

@testable import Reactions

/// Ids that look the same, and are equal as text, are two people if their bytes differ.
@Suite struct UserIdentityTests {
    private let composed = "jos\u{e9}"
    private let decomposed = "jose\u{301}"

    private func checkThatTheyAreTwo(_ service: ReactionService) async throws {
        #expect(try await service.one("t", composed).state == .like)
        #expect(try await service.one("t", decomposed).state == .dislike)
        #expect(try await service.one("t", nil).counts == Counts(likes: 1, dislikes: 1))
    }

    @Test func usersWhoseIdsAreEqualAsTextHaveVotesOfTheirOwn() async throws {
        let harness = try ServiceHarness()
        try await harness.run { service in
            try await service.like("t", composed)
            #expect(try await service.one("t", decomposed).state == .none)
            let first = try await service.like("t", composed)
            _ = try await service.one("t", nil, after: [first.position])
            #expect(try await service.one("t", decomposed).state == .none)
            let second = try await service.like("t", decomposed, .dislike)
            _ = try await service.one("t", nil, after: [second.position])
            try await checkThatTheyAreTwo(service)
        }
        // What the store knows of them is read again, and the callers' cache is filled from it.
        try harness.temporary.reopen()
        try await ServiceHarness(continuing: harness).run { service in try await checkThatTheyAreTwo(service) }
    }
}
