import FoundationEssentials
import Spillway
import SpillwayTesting
import Testing

@Suite struct EngineSimulationTests {
    /// Release runs many seeds, debug is eight times slower and runs some; SPILLWAY_SEED runs the one that failed,
    /// or as many from there on as SPILLWAY_SEEDS says.
    static var seeds: Range<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SPILLWAY_SEED"].flatMap(UInt64.init) {
            return seed..<seed + (environment["SPILLWAY_SEEDS"].flatMap(UInt64.init) ?? 1)
        }
        #if DEBUG
            return 0..<150
        #else
            return 0..<5_000
        #endif
    }

    @Test func holdsForEverySeed() throws {
        var total = EngineSimulation.Report()
        for seed in Self.seeds {
            let report = try EngineSimulation(seed: seed).run()
            total.effects += report.effects
            total.crashes += report.crashes
            total.moves += report.moves
            total.failures += report.failures
            total.moved += report.moved
            total.buried += report.buried
            total.heated += report.heated
            total.seeks += report.seeks
        }
        // The world was not a friendly one.
        let count = Self.seeds.count
        if count == 1 { return }
        #expect(total.effects > 100 * count && total.crashes > count && total.moves > 2 * count)
        #expect(total.failures > 5 * count)
        #expect(total.moved > count && total.buried > count / 10 && total.heated > count / 50)
        #expect(total.seeks > count / 5)
    }

    @Test func theSameSeedIsTheSameRun() throws {
        for seed in UInt64(0)..<20 {
            let one = try EngineSimulation(seed: seed).run()
            let two = try EngineSimulation(seed: seed).run()
            #expect(one.steps == two.steps && one.effects == two.effects && one.failures == two.failures)
        }
    }

    @Test(arguments: EngineMutation.allCases)
    func findsThePlantedBug(_ mutation: EngineMutation) throws {
        for seed in UInt64(0)..<5_000 {
            do { try EngineSimulation(seed: seed, mutation: mutation).run() } catch { return }
        }
        Issue.record("5,000 seeds did not find \(mutation)")
    }
}
