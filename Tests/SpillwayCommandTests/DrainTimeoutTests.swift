import Reactions
import Spillway
import Testing

@testable import spillway

@Suite("The drain timeout")
struct DrainTimeoutTests {
    @Test("projections that outlast it make the exit code 75, and no other error of a consumer does")
    func exitCode() {
        let error = ConsumerError(.drainDeadlinePassed, "handlers were still running")
        #expect(Wiring.exitCode(for: error) == .drainDeadline && ExitCode.drainDeadline.status == 75)
        #expect(Wiring.exitCode(for: ConsumerError(.alreadyRunning, "twice")) == .foundWrong)
    }

    @Test("it holds for the projections too, which have a second at least", arguments: [0, 1, 60])
    func projections(seconds: Int) throws {
        let configuration = try ServeConfiguration(try resolve(.serve, ["--drain-timeout", "\(seconds)s"]))
        let reactions = EmbeddedServer(configuration).reactions(partitions: 4)
        #expect(reactions.drainTimeout == .seconds(max(1, seconds)))
    }
}
