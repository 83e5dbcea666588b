import Reactions
import Testing

@testable import Spillway

@Suite struct ProjectionsDrainTests {
    @Test func theProjectionsDrainAsLongAsTheServiceIsTold() throws {
        var configuration = ReactionsConfiguration()
        configuration.drainTimeout = .seconds(77)
        let harness = try ServiceHarness(configuration)
        #expect(harness.service.consumers.map(\.configuration.shutdownDrainTimeout) == [.seconds(77)])
    }
}
