/// Measures the embedded failure store, one scenario a process, and prints its figures as one line of JSON.
@main
enum StoreBench {
    static func main() async throws {
        let options = try Options(Array(CommandLine.arguments.dropFirst()))
        switch options.scenario {
        case .sideQueue: print(try await SideQueueScenario(options).run().line)
        case .deadLetters: print(try await DeadLettersScenario(options).run().line)
        }
    }
}
