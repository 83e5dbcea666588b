import Testing

@testable import SpillwayCore

@Suite struct ServiceGroupStateMachineTests {
    private struct Idle: Service {
        func run() async throws {}
    }
    private struct Failure: Error {}
    private typealias Configuration = ServiceGroupConfiguration.ServiceConfiguration

    private func machine(
        _ count: Int, success: Configuration.TerminationBehavior = .cancelGroup,
        failure: Configuration.TerminationBehavior = .cancelGroup
    ) -> ServiceGroupStateMachine {
        ServiceGroupStateMachine(
            services: (0..<count).map {
                Configuration(
                    service: Idle(), successTerminationBehavior: success, failureTerminationBehavior: failure,
                    serviceName: "s\($0)")
            })
    }

    @Test func shutsDownInReverseOneAfterTheOther() {
        var machine = machine(3)
        #expect(machine.started() == [])
        #expect(machine.shutdownRequested() == [.startShutdownDeadline, .shutDown(service: 2)])
        #expect(machine.shutdownRequested() == [])
        #expect(machine.serviceFinished(2, error: nil) == [.shutDown(service: 1)])
        #expect(machine.serviceFinished(0, error: nil) == [], "one that ends early is not asked again")
        #expect(machine.serviceFinished(1, error: nil) == [.finish])
        #expect(machine.error == nil)
    }

    @Test func anErrorWhileShuttingDownStopsNobodyElse() {
        var machine = machine(2)
        _ = machine.shutdownRequested()
        #expect(machine.serviceFinished(1, error: Failure()) == [.shutDown(service: 0)])
        #expect(machine.serviceFinished(0, error: CancellationError()) == [.finish])
        #expect(machine.error is Failure)
    }

    @Test func cancellingItselfIsAWayToShutDown() {
        var machine = machine(1)
        _ = machine.shutdownRequested()
        #expect(machine.serviceFinished(0, error: CancellationError()) == [.finish])
        #expect(machine.error == nil)
    }

    @Test func returningUnaskedCancelsTheGroup() {
        var machine = machine(2)
        #expect(machine.serviceFinished(0, error: nil) == [.cancelAll])
        #expect(machine.serviceFinished(1, error: CancellationError()) == [.finish])
        let error = machine.error as? ServiceGroupError
        #expect(error?.code == .serviceFinishedUnexpectedly && error?.services == ["s0"])
    }

    @Test func behaviorsDecideWhatFollows() {
        var ignoring = machine(2, success: .ignore, failure: .ignore)
        #expect(ignoring.serviceFinished(0, error: Failure()) == [])
        #expect(ignoring.serviceFinished(1, error: nil) == [.finish])
        #expect(ignoring.error == nil)
        var graceful = machine(2, success: .gracefullyShutdownGroup, failure: .gracefullyShutdownGroup)
        #expect(graceful.serviceFinished(1, error: Failure()) == [.startShutdownDeadline, .shutDown(service: 0)])
        #expect(graceful.serviceFinished(0, error: nil) == [.finish])
        #expect(graceful.error is Failure)
        var last = machine(1, success: .gracefullyShutdownGroup)
        #expect(last.serviceFinished(0, error: nil) == [.finish])
        #expect(last.error == nil)
    }

    @Test func theDeadlineCancelsWhatIsLeft() {
        var machine = machine(3)
        #expect(machine.shutdownDeadlinePassed() == [], "not while it runs")
        _ = machine.shutdownRequested()
        _ = machine.serviceFinished(2, error: nil)
        #expect(machine.shutdownDeadlinePassed() == [.cancelAll])
        #expect(machine.shutdownDeadlinePassed() == [])
        #expect(machine.serviceFinished(0, error: nil) == [])
        #expect(machine.serviceFinished(1, error: nil) == [.finish])
        let error = machine.error as? ServiceGroupError
        #expect(error?.code == .gracefulShutdownDeadlinePassed && error?.services == ["s0", "s1"])
    }

    @Test func cancellationIsAnError() {
        var machine = machine(1)
        #expect(machine.cancellationRequested() == [.cancelAll])
        #expect(machine.cancellationRequested() == [])
        #expect(machine.shutdownRequested() == [])
        #expect(machine.serviceFinished(0, error: nil) == [.finish])
        #expect(machine.error is CancellationError)
    }

    @Test func aGroupOfNoneIsFinished() {
        var machine = machine(0)
        #expect(machine.started() == [.finish])
        #expect(machine.shutdownRequested() == [])
    }

    /// Whatever comes in whatever order: the group finishes once, exactly when the last service ends, and no service
    /// that has ended is asked to shut down.
    @Test(arguments: UInt64(1)...50)
    func randomWalk(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let behaviors: [Configuration.TerminationBehavior] = [.cancelGroup, .gracefullyShutdownGroup, .ignore]
        let count = Int(random.next() % 6) + 1
        var machine = ServiceGroupStateMachine(
            services: (0..<count).map { _ in
                Configuration(
                    service: Idle(), successTerminationBehavior: behaviors[Int(random.next() % 3)],
                    failureTerminationBehavior: behaviors[Int(random.next() % 3)])
            })
        var running = Set(0..<count)
        var asked: [Int] = []
        var finishes = 0
        var actions = machine.started()
        while true {
            for action in actions {
                switch action {
                case .shutDown(let index):
                    #expect(running.contains(index) && asked.allSatisfy { $0 > index }, "seed \(seed)")
                    asked.append(index)
                case .finish:
                    #expect(running.isEmpty, "seed \(seed)")
                    finishes += 1
                case .cancelAll, .startShutdownDeadline: break
                }
            }
            if running.isEmpty { break }
            switch random.next() % 8 {
            case 0: actions = machine.shutdownRequested()
            case 1: actions = machine.cancellationRequested()
            case 2: actions = machine.shutdownDeadlinePassed()
            default:
                let index = running.randomElement(using: &random)!
                running.remove(index)
                actions = machine.serviceFinished(index, error: random.next() % 2 == 0 ? nil : Failure())
            }
        }
        #expect(finishes == 1, "seed \(seed)")
        #expect(machine.running.isEmpty)
    }
}
