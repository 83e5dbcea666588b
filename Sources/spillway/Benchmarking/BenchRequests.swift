/// What a request of a load asks for.
enum BenchKind: Int, CaseIterable, Sendable {
    case vote
    case summary

    /// For the table.
    var name: String { self == .vote ? "votes" : "summaries" }
}

/// Writes the requests of a load.
struct BenchRequests: Sendable {
    /// One line of the Authorization header for each user.
    private let authorizations: [[UInt8]]
    private let targets: BenchTargets
    private let targetsPerSummary: Int
    private let host: [UInt8]
    private static let actions: [[UInt8]] = [
        "like", "dislike", "like", "none", "like", "dislike", "like", "none", "like", "like",
    ].map { Array($0.utf8) }

    init(tokens: [String], targets: BenchTargets, targetsPerSummary: Int, host: String) {
        authorizations = tokens.map { Array("Authorization: Bearer \($0)\r\n".utf8) }
        self.targets = targets
        self.targetsPerSummary = targetsPerSummary
        self.host = Array("Host: \(host)\r\n".utf8)
    }

    /// Appends a request of a random user.
    func write(_ kind: BenchKind, to buffer: inout [UInt8], _ random: inout FastRandom) {
        switch kind {
        case .vote: writeVote(to: &buffer, &random)
        case .summary: writeSummary(to: &buffer, &random)
        }
    }

    private func writeVote(to buffer: inout [UInt8], _ random: inout FastRandom) {
        let target = targets.draw(&random)
        let action = Self.actions[Int(random.next() % UInt64(Self.actions.count))]
        let fixed = #"{"target_id":"","target_type":"video","action":""}"#.utf8.count
        buffer += "POST /v1/votes HTTP/1.1\r\n".utf8
        writeHeaders(to: &buffer, &random)
        buffer += "Content-Type: application/json\r\nContent-Length: ".utf8
        buffer += String(fixed + target.count + action.count).utf8
        buffer += "\r\n\r\n{\"target_id\":\"".utf8
        buffer += target
        buffer += #"","target_type":"video","action":""#.utf8
        buffer += action
        buffer += "\"}".utf8
    }

    private func writeSummary(to buffer: inout [UInt8], _ random: inout FastRandom) {
        buffer += "GET /v1/votes/summary?target_ids=".utf8
        for index in 0..<targetsPerSummary {
            if index > 0 { buffer.append(UInt8(ascii: ",")) }
            buffer += targets.draw(&random)
        }
        buffer += " HTTP/1.1\r\n".utf8
        writeHeaders(to: &buffer, &random)
        buffer += "\r\n".utf8
    }

    private func writeHeaders(to buffer: inout [UInt8], _ random: inout FastRandom) {
        buffer += host
        guard !authorizations.isEmpty else { return }
        buffer += authorizations[Int(random.next() % UInt64(authorizations.count))]
    }
}
