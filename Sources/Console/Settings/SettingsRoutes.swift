internal import Spillway
internal import SpillwayHTTP

/// What operators set of consumers.
struct SettingsRoutes: Sendable {
    /// The settings of a consumer; throws if there is none of that id.
    let holder: @Sendable (String) throws -> any SettingsHolder

    /// `GET /v1/admin/consumers/{id}/settings`.
    func show(_ request: HTTPRequest, _ author: String) async throws -> HTTPResponse {
        .json(ConsumerAnswers.settings(try await named(request).present()))
    }

    /// `PUT /v1/admin/consumers/{id}/settings`: replaces all of them.
    func change(_ request: HTTPRequest, _ author: String) async throws -> HTTPResponse {
        let holder = try named(request)
        let change = try request.decodeJSON(ConsumerAnswers.Change.self)
        try await holder.change(change.settings.value, by: author, after: change.revision)
        return .json(ConsumerAnswers.settings(try await holder.present()))
    }

    /// `GET /v1/admin/consumers/{id}/settings/history`, newest first.
    func history(_ request: HTTPRequest, _ author: String) async throws -> HTTPResponse {
        let holder = try named(request)
        let limit = try request.query.limit(1...100, default: 50)
        return .json(ConsumerAnswers.history(try await holder.settingsHistory(limit: limit)))
    }

    private func named(_ request: HTTPRequest) throws -> any SettingsHolder {
        try holder(request.parameter("id") ?? "")
    }
}
