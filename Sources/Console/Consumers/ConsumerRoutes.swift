internal import FoundationEssentials
internal import Spillway
internal import SpillwayCore
internal import SpillwayHTTP

/// The consumers of this process: how they stand, and what operators change.
struct ConsumerRoutes: Sendable {
    let consumers: [Consumer]

    /// `GET /v1/admin/consumers`.
    func list(_ request: HTTPRequest, _ author: String) async throws -> HTTPResponse {
        .json(try ConsumerAnswers.encoded(ConsumerAnswers.Items(items: consumers.map { $0.inspect() })))
    }

    /// `GET /v1/admin/consumers/{id}`.
    func show(_ request: HTTPRequest, _ author: String) async throws -> HTTPResponse {
        .json(try ConsumerAnswers.encoded(try named(request).inspect()))
    }

    /// `POST /v1/admin/consumers/{id}/seek`.
    func seek(_ request: HTTPRequest, _ author: String) async throws -> HTTPResponse {
        let consumer = try named(request)
        let choice = try OffsetChoice(request.decodeJSON(OffsetChoice.Fields.self))
        try await consumer.seek(to: choice.target, by: author)
        return HTTPResponse(.noContent)
    }

    /// What operators set of them.
    var settings: SettingsRoutes { SettingsRoutes { LiveSettings(consumer: try named($0)) } }

    private func named(_ request: HTTPRequest) throws -> Consumer { try named(request.parameter("id") ?? "") }

    private func named(_ id: String) throws -> Consumer {
        guard let consumer = consumers.first(where: { $0.id == id }) else {
            throw Problem(.notFound, detail: "there is no such consumer in this process")
        }
        return consumer
    }
}

extension OffsetChoice {
    /// The same for a consumer that runs.
    var target: SeekTarget {
        switch self {
        case .earliest: .earliest
        case .latest: .latest
        case .time(let ms): .time(ms: ms)
        case .positions(let positions): .positions(positions)
        }
    }
}
