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

    /// Makes the routes.
    ///
    /// - Parameters:
    ///   - authentication: who asks.
    ///   - groups: the broker whose groups are looked after.
    ///   - failures: where dead letters are; `nil`, the default, leaves their routes out.
    ///   - groupsWithoutSideQueue: groups that read no side queue, as those of a `PartitionBatchHandler`: their dead
    ///     letters are shown and discarded, sending one back is refused with 409 `not-requeueable`. Default none.
    ///   - time: when a letter that goes back is due, and how long one request may take.
    public init(
        authentication: Authentication, groups: any GroupAdministration, failures: (any FailureStore)? = nil,
        groupsWithoutSideQueue: Set<String> = [], time: any TimeSource = SystemTimeSource()
    ) {
        self.authentication = authentication
        self.groups = GroupRoutes(broker: groups)
        deadLetters = failures.map {
            DeadLetterRoutes(store: $0, groupsWithoutSideQueue: groupsWithoutSideQueue, time: time)
        }
    }

    /// Adds the routes.
    public func register(on router: inout HTTPRouter) {
        let groupPath = "/v1/admin/groups/{topic}/{group}"
        router.on(.get, "/v1/admin/groups", handler: forAdmins(groups.list))
        router.on(.delete, groupPath, handler: forAdmins(groups.delete))
        router.on(.put, groupPath + "/offsets", handler: forAdmins(groups.setOffsets))
        guard let deadLetters else { return }
        let letterPath = "/v1/admin/dead-letters/{id}"
        router.on(.get, "/v1/admin/dead-letters", handler: forAdmins(deadLetters.list))
        router.on(.post, "/v1/admin/dead-letters/requeue", handler: forAdmins(deadLetters.requeueGroup))
        router.on(.get, letterPath, handler: forAdmins(deadLetters.show))
        router.on(.delete, letterPath, handler: forAdmins(deadLetters.discard))
        router.on(.post, letterPath + "/requeue", handler: forAdmins(deadLetters.requeue))
    }

    /// What the specification has to say of these routes. It refers to the schema `Problem` and to the refusals that every
    /// document has.
    public var specification: OpenAPIFragment { Self.specification(hasDeadLetters: deadLetters != nil) }

    /// The same without routes.
    package static func specification(hasDeadLetters: Bool) -> OpenAPIFragment {
        var fragment = ConsoleSpecification.groups
        guard hasDeadLetters else { return fragment }
        let letters = ConsoleSpecification.deadLetters
        fragment.tags += letters.tags
        fragment.paths += letters.paths
        fragment.parameters += letters.parameters
        fragment.responses += letters.responses
        fragment.schemas += letters.schemas
        return fragment
    }

    /// Who has no token of scope admin gets no further than here.
    private func forAdmins(_ handler: @escaping HTTPHandler) -> HTTPHandler {
        let authentication = authentication
        return { request in
            _ = try authentication.principal(of: request, scope: "admin")
            var response = try await ConsoleProblems.telling { try await handler(request) }
            response.fields.append(.cacheControl, "no-store")
            return response
        }
    }
}
