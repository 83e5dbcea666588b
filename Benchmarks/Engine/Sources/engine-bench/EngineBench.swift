@preconcurrency import Glibc

/// One run of one benchmark in a process of its own; prints its figures as one line of JSON. `Benchmarks/engine.py` makes
/// a table of many.
@main
struct EngineBench {
    static let usage = """
        usage: engine-bench plain  [--records N] [--pairs N]
               engine-bench work   [--records N] [--keys N] [--concurrency N] [--most-us N]
               engine-bench memory [--records N] [--keys N]
               engine-bench cell   [--records N] [--keys N] [--batch N] [--work-us N] [--concurrency N] [--seconds N]
        keys 0: records without one; batch 0: a handler of single records
        """

    static func main() {
        // Detached: nothing here runs on the main thread, which only waits for the end.
        Task.detached {
            do {
                print(try await run(Array(CommandLine.arguments.dropFirst())).json)
                exit(0)
            } catch {
                fputs("engine-bench: \(error)\n\(usage)\n", stderr)
                exit(64)
            }
        }
        while true { pause() }
    }

    static func run(_ arguments: [String]) async throws -> Figures {
        var options = try Options(arguments.dropFirst())
        let figures: Figures
        switch arguments.first {
        case "plain":
            figures = try await PlainLoopRun(
                records: options.take("records", 1_000_000), pairs: options.take("pairs", 3)
            )
            .run()
        case "work":
            figures = try await RandomWorkRun(
                records: options.take("records", 10_000), keys: options.take("keys", 1_000),
                concurrency: options.take("concurrency", 100), mostUs: options.take("most-us", 5_000)
            ).run()
        case "memory":
            figures = try await MemoryRun(
                records: options.take("records", 10_000_000), keys: max(1, options.take("keys", 10_000_000))
            ).run()
        case "cell":
            figures = try await GridCell(
                records: options.take("records", 200_000), keys: options.take("keys", 1_000),
                batch: options.take("batch", 0), workUs: options.take("work-us", 0),
                concurrency: options.take("concurrency", 16), seconds: options.take("seconds", 1)
            ).run()
        default: throw BenchError("there is no benchmark \(arguments.first ?? "of no name")")
        }
        try options.finish()
        return figures
    }
}
