public import Spillway
public import SpillwayCore
public import SpillwayHTTP

/// What operators do over HTTP, under `/v1/admin`: consumer groups, and dead letters where there is a store of them.
///
/// Every route needs a token of scope `admin`; every refusal is a `Problem`; no answer may be cached.
///
/// ```swift
/// let console = ConsoleRoutes(authentication: authentication, groups: broker, failures: failureStore)
/// console.register(on: &router)
/// // console.specification says what the OpenAPI document has to list.
/// ```
public struct ConsoleRoutes: Sendable {
    private let authentication: Authentication
    private let groups: GroupRoutes
    private let deadLetters: DeadLetterRoutes?
    private let consumers: ConsumerRoutes?
    private let settings: SettingsRoutes?

    /// Makes the routes.
    ///
    /// - Parameters:
    ///   - authentication: who asks.
    ///   - groups: the broker whose groups are looked after.
    ///   - failures: where dead letters are; `nil`, the default, leaves their routes out.
    ///   - groupsWithoutSideQueue: groups of a `PartitionBatchHandler`, which read no side queue and begin where their
    ///     handler says: their dead letters are shown and discarded, sending one back is refused with 409
    ///     `not-requeueable`; moving or deleting such a group would only give up what the log keeps for it, and is
    ///     refused with 409 `group-in-use`. Default none.
    ///   - consumers: those of this process, with ids of their own; none, the default, leaves their routes out.
    ///   - time: when a letter that goes back is due, and how long one request may take.
    public init(
        authentication: Authentication, groups: any GroupAdministration, failures: (any FailureStore)? = nil,
        groupsWithoutSideQueue: Set<String> = [], consumers: [Consumer] = [],
        time: any TimeSource = SystemTimeSource()
    ) {
        self.authentication = authentication
        self.groups = GroupRoutes(broker: groups, withOwnPositions: groupsWithoutSideQueue)
        self.consumers = consumers.isEmpty ? nil : ConsumerRoutes(consumers: consumers)
        settings = self.consumers?.settings
        deadLetters = failures.map {
            DeadLetterRoutes(store: $0, groupsWithoutSideQueue: groupsWithoutSideQueue, time: time)
        }
    }

    /// Makes routes for what is kept while no consumer runs: settings are read and changed in their store, for any id.
    ///
    /// - Parameter storedSettings: where consumers find their settings when they start.
    package init(
        authentication: Authentication, groups: any GroupAdministration, failures: any FailureStore,
        groupsWithoutSideQueue: Set<String>, storedSettings: any SettingsStore,
        time: any TimeSource = SystemTimeSource()
    ) {
        self.authentication = authentication
        self.groups = GroupRoutes(broker: groups, withOwnPositions: groupsWithoutSideQueue)
        consumers = nil
        settings = SettingsRoutes { StoredSettings(id: $0, store: storedSettings, broker: groups, time: time) }
        deadLetters = DeadLetterRoutes(store: failures, groupsWithoutSideQueue: groupsWithoutSideQueue, time: time)
    }

    /// Adds the routes.
    public func register(on router: inout HTTPRouter) {
        let groupPath = "/v1/admin/groups/{topic}/{group}"
        router.on(.get, "/v1/admin/groups", handler: forAdmins(groups.list))
        router.on(.delete, groupPath, handler: forAdmins(groups.delete))
        router.on(.put, groupPath + "/offsets", isUntimed: true, handler: forAdmins(groups.setOffsets))
        if let consumers { register(consumers, on: &router) }
        if let settings { register(settings, on: &router) }
        guard let deadLetters else { return }
        let letterPath = "/v1/admin/dead-letters/{id}"
        router.on(.get, "/v1/admin/dead-letters", handler: forAdmins(deadLetters.list))
        router.on(.post, "/v1/admin/dead-letters/requeue", handler: forAdmins(deadLetters.requeueGroup))
        router.on(.get, letterPath, handler: forAdmins(deadLetters.show))
        router.on(.delete, letterPath, handler: forAdmins(deadLetters.discard))
        router.on(.post, letterPath + "/requeue", handler: forAdmins(deadLetters.requeue))
    }

    private func register(_ consumers: ConsumerRoutes, on router: inout HTTPRouter) {
        let path = "/v1/admin/consumers/{id}"
        router.on(.get, "/v1/admin/consumers", handler: forNamedAdmins(consumers.list))
        router.on(.get, path, handler: forNamedAdmins(consumers.show))
        router.on(.post, path + "/seek", isUntimed: true, handler: forNamedAdmins(consumers.seek))
    }

    private func register(_ settings: SettingsRoutes, on router: inout HTTPRouter) {
        let path = "/v1/admin/consumers/{id}/settings"
        router.on(.get, path, handler: forNamedAdmins(settings.show))
        router.on(.put, path, handler: forNamedAdmins(settings.change))
        router.on(.get, path + "/history", handler: forNamedAdmins(settings.history))
    }

    /// What the specification has to say of these routes. It refers to the schema `Problem` and to the refusals that every
    /// document has.
    public var specification: OpenAPIFragment {
        Self.specification(hasDeadLetters: deadLetters != nil, hasConsumers: consumers != nil)
    }

    /// The same without routes.
    package static func specification(hasDeadLetters: Bool, hasConsumers: Bool = false) -> OpenAPIFragment {
        var fragment = ConsoleSpecification.groups
        let more =
            (hasDeadLetters ? [ConsoleSpecification.deadLetters] : [])
            + (hasConsumers ? [ConsoleSpecification.consumers] : [])
        for part in more {
            fragment.tags += part.tags
            fragment.paths += part.paths
            fragment.parameters += part.parameters
            fragment.responses += part.responses
            fragment.schemas += part.schemas
        }
        return fragment
    }

    /// Who has no token of scope admin gets no further than here.
    private func forAdmins(_ handler: @escaping HTTPHandler) -> HTTPHandler {
        forNamedAdmins { request, _ in try await handler(request) }
    }

    /// The same for handlers that note who asked.
    private func forNamedAdmins(
        _ handler: @escaping @Sendable (HTTPRequest, String) async throws -> HTTPResponse
    ) -> HTTPHandler {
        let authentication = authentication
        return { request in
            let principal = try authentication.principal(of: request, scope: "admin")
            var response = try await ConsoleProblems.telling { try await handler(request, principal.subject) }
            response.fields.append(.cacheControl, "no-store")
            return response
        }
    }
}
