/// What is measured, from the command line.
struct Options: Sendable {
    enum Scenario: String, CaseIterable, Sendable {
        /// Records a second into the side queue and out of it, and the same records through the embedded broker.
        case sideQueue = "side-queue"
        /// How long a page of dead letters and the requeue of one take, with few and with many of them.
        case deadLetters = "dead-letters"
    }

    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    var scenario = Scenario.sideQueue
    /// An empty directory.
    var directory = ""
    /// Records in the side queue; dead letters in the large store.
    var records = 1_000_000
    /// Dead letters in the small store.
    var few = 1_000
    /// Records of one call.
    var batch = 500
    /// Calls under way at a time.
    var callers = 4
    /// Bytes of a value.
    var valueBytes = 100
    /// How often a page is listed, and a letter requeued.
    var rounds = 200
    /// Whether the broker goes first.
    var brokerFirst = false

    init(_ arguments: [String]) throws {
        guard let name = arguments.first, let scenario = Scenario(rawValue: name) else {
            let names = Scenario.allCases.map(\.rawValue).joined(separator: "|")
            throw Refusal(description: "store-bench \(names) --directory DIR [--records N] [--batch N] …")
        }
        self.scenario = scenario
        var rest = arguments.dropFirst()
        while let flag = rest.popFirst() {
            if flag == "--broker-first" {
                brokerFirst = true
                continue
            }
            guard let value = rest.popFirst() else { throw Refusal(description: "\(flag) needs a value") }
            try set(flag, value)
        }
        guard !directory.isEmpty else { throw Refusal(description: "--directory is needed: an empty one") }
    }

    private mutating func set(_ flag: String, _ value: String) throws {
        if flag == "--directory" {
            directory = value
            return
        }
        guard let number = Int(value), number > 0 else { throw Refusal(description: "\(flag) \(value): a number") }
        switch flag {
        case "--records": records = number
        case "--few": few = number
        case "--batch": batch = number
        case "--callers": callers = number
        case "--value-bytes": valueBytes = number
        case "--rounds": rounds = number
        default: throw Refusal(description: "unknown option \(flag)")
        }
    }
}
