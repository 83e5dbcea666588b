internal import Spillway
internal import SpillwayHTTP

/// Consumer groups: what they have done, where they begin, and their end.
struct GroupRoutes: Sendable {
    let broker: any GroupAdministration
    /// Groups whose handlers know themselves where they are; what is committed only says what retention is to keep.
    let withOwnPositions: Set<String>

    /// `GET /v1/admin/groups`.
    func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        .json(GroupAnswers.list(try await broker.groups()))
    }

    /// `DELETE /v1/admin/groups/{topic}/{group}`: 404 if there is no such group (any more).
    func delete(_ request: HTTPRequest) async throws -> HTTPResponse {
        let (topic, group) = try await named(request)
        try requireMovable(group)
        guard try await broker.deleteGroup(group, topic: topic) else {
            throw Problem(.notFound, detail: "topic \(topic) has no such group")
        }
        return HTTPResponse(.noContent)
    }

    /// `PUT /v1/admin/groups/{topic}/{group}/offsets`: answers with all that is committed then.
    func setOffsets(_ request: HTTPRequest) async throws -> HTTPResponse {
        let choice = try OffsetChoice(request.decodeJSON(OffsetChoice.Fields.self))
        let (topic, group) = try await named(request)
        try requireMovable(group)
        let positions = try await positions(choice, topic)
        try await broker.setCommitted(positions, group: group, topic: topic)
        let committed = try await broker.committed(group: group, topic: topic)
        return .json(GroupAnswers.offsets(topic: topic, group: group, committed: committed))
    }

    /// The topic, which must exist, and the group, which need not.
    private func named(_ request: HTTPRequest) async throws -> (topic: String, group: String) {
        let (topic, group) = (request.parameter("topic") ?? "", request.parameter("group") ?? "")
        _ = try await broker.partitionCount(of: topic)
        guard group.utf8.count <= 255 else { throw RequestError.field("group", "must be at most 255 bytes") }
        return (topic, group)
    }

    private func requireMovable(_ group: String) throws(Problem) {
        guard withOwnPositions.contains(group) else { return }
        throw Problem(
            .conflict, type: "group-in-use",
            detail: "group \(group) is of a service that keeps its own positions: with members or without, what is "
                + "committed holds the log's records for it")
    }

    private func positions(_ choice: OffsetChoice, _ topic: String) async throws -> [TopicPartition: Position] {
        switch choice {
        case .earliest:
            let count = try await broker.partitionCount(of: topic)
            return Dictionary(uniqueKeysWithValues: (0..<count).map { (partition($0, topic), .start) })
        case .latest: return try await broker.endPositions(of: topic)
        case .time(let milliseconds): return try await broker.positions(of: topic, atOrAfterMs: milliseconds)
        case .positions(let positions):
            return Dictionary(uniqueKeysWithValues: positions.map { (partition($0.key, topic), $0.value) })
        }
    }

    private func partition(_ number: Int, _ topic: String) -> TopicPartition {
        TopicPartition(source: broker.source, topic: topic, partition: number)
    }
}
