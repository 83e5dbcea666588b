import CSpillwaySystem
import Console
import FoundationEssentials
import Glibc
import Reactions
import ReactionsHTTP
import Spillway
import SpillwayCore
import SpillwayHTTP
import SpillwayRocksDB

/// The service on one machine: one process, one directory.
struct EmbeddedServer {
    private let configuration: ServeConfiguration
    private let logger = Logger(label: "spillway")
    private let registry = MetricsRegistry()

    init(_ configuration: ServeConfiguration) { self.configuration = configuration }

    /// Opens everything, serves until it is told to stop, drains, closes. Told to stop while it opens, it closes and
    /// returns as well.
    func run() async throws {
        // Their default action would end a process that takes long to start.
        let stops = EarlySignals([.sigterm, .sigint])
        let hangUps = EarlySignals([.sighup])
        defer {
            stops.cancel()
            hangUps.cancel()
        }
        spillway_raise_open_files()
        // Before the directory is opened: what is not allowed is refused with nothing touched.
        let tracing = try configuration.tracing.map { try ServerTracing($0, registry: registry) }
        let front = try await ServerFront(configuration.network, registry: registry)
        defer { front.close() }
        let node = try EmbeddedNode(
            configuration.store, targetTypes: configuration.reactions.targetTypes, create: true,
            log: configuration.log, registry: registry, logger: Logger(label: "log"))
        do {
            if !stops.haveCome {
                let access = try ServerAccess(configuration, tls: front.tls, logger: logger)
                // What was read before is not what it was told to read again.
                if hangUps.haveCome { access.reload() }
                try await run(node, front, access, tracing, stops)
            }
        } catch {
            // The directory is closed all the same, so that the next start is a clean one.
            try? await node.close()
            throw error
        }
        try await node.close()
        logger.info("stopped")
    }

    private func run(
        _ node: EmbeddedNode, _ front: ServerFront, _ access: ServerAccess, _ tracing: ServerTracing?,
        _ stops: EarlySignals
    ) async throws {
        try registry.registerProcessMetrics()
        let failures = try await node.openFailures(registry: registry, logger: Logger(label: "failures"))
        defer { failures.close() }
        let readers = BlockingExecutor(name: "reader", threads: 4)
        // Requests outlive their clients: what they read has ended before the stores under it are closed.
        defer { readers.shutdown() }
        // Nobody waits for a projection but other projections, so they take what loops and log writer leave.
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let projections = BlockingExecutor(name: "projection", threads: cores <= 3 ? 1 : 2, nice: 10)
        let service = try ReactionService(
            configuration: reactions(partitions: node.partitions), broker: node.broker, store: node.store,
            failures: failures, blocking: readers, projections: projections, registry: registry,
            logger: Logger(label: "reactions"), tracer: tracing?.tracer, settings: node.settings)
        // Requests have ended before what they read from is closed.
        defer { front.close() }
        try await front.server.use(try routes(service, node, failures, readers, front, access, tracing))
        try await serve(service, front, access, tracing, stops)
    }

    private func serve(
        _ service: ReactionService, _ front: ServerFront, _ access: ServerAccess, _ tracing: ServerTracing?,
        _ stops: EarlySignals
    ) async throws {
        // Spans of the last requests end with the last of the others.
        let exporters: [any Service] = tracing.map { [$0.exporter] } ?? []
        let services: [any Service] =
            exporters + [
                service, Settling(service: service), front.server,
                ReadyLine(service: service, text: "spillway serves \(front.url)"),
                SignalService(signals: [.sighup]) { _ in access.reload() },
            ]
        var lifecycle = ServiceGroupConfiguration(
            services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
            logger: Logger(label: "lifecycle"))
        // The server cuts requests off at the drain timeout; what comes behind it has a little more.
        lifecycle.maximumGracefulShutdownDuration =
            configuration.network.drainTimeout + .seconds(3)
            + (tracing.map { $0.shutdownTimeout + .seconds(1) } ?? .zero)
        lifecycle.maximumCancellationDuration = .seconds(3)
        // Nothing acknowledged is lost by it: the next start is an unclean one.
        lifecycle.onUnresponsive = { _ in _exit(ExitCode.drainDeadline.status) }
        let group = ServiceGroup(configuration: lifecycle)
        stops.handOn { group.triggerGracefulShutdown(because: "\($0) came") }
        try await group.run()
    }

    func reactions(partitions: Int) -> Reactions.ReactionsConfiguration {
        let given = configuration.reactions
        var reactions = Reactions.ReactionsConfiguration()
        reactions.partitions = partitions
        reactions.targetTypes = given.targetTypes
        reactions.pendingVotesRecords = given.pendingVotesRecords
        reactions.pendingVotesBytes = given.pendingVotesBytes
        reactions.positionWait = given.positionWait
        reactions.outcomeWait = given.outcomeWait
        reactions.idempotencyQuota = given.idempotencyQuota
        reactions.projectionsPaused = given.projectionsPaused
        // Without time to drain what has begun may end all the same: it takes milliseconds, and the group waits longer.
        reactions.drainTimeout = max(configuration.network.drainTimeout, .seconds(1))
        reactions.countsCacheBytes = given.countsCacheBytes
        reactions.callersCacheBytes = given.callersCacheBytes
        reactions.cacheTimeToLive = given.cacheTimeToLive
        reactions.warmUp = given.warmUp
        return reactions
    }

    private func routes(
        _ service: ReactionService, _ node: EmbeddedNode, _ failures: any FailureStore, _ readers: BlockingExecutor,
        _ front: ServerFront, _ access: ServerAccess, _ tracing: ServerTracing?
    ) throws -> HTTPRouter {
        var router = HTTPRouter(logger: Logger(label: "http"))
        if let tracing {
            router.use(
                TracingMiddleware(
                    tracer: tracing.tracer, scheme: front.scheme, trustsClients: tracing.trustsClients))
        }
        if let crossOrigin = front.crossOrigin { router.use(crossOrigin) }
        let given = configuration.reactions
        var routing = ReactionRoutesConfiguration(targetTypes: given.targetTypes)
        routing.votersAccess = VotersAccess(rawValue: given.votersAccess.rawValue) ?? .token
        routing.voteRatePerUser = given.voteRatePerUser
        routing.voteBurstPerUser = given.voteBurstPerUser
        routing.voteRatePerAddress = given.voteRatePerAddress
        routing.voteBurstPerAddress = given.voteBurstPerAddress
        routing.maximumBatchBodyBytes = configuration.network.maxBatchBodyBytes
        routing.maximumStreams = configuration.network.maxStreams
        ReactionRoutes(service: service, authentication: access.authentication, configuration: routing)
            .register(on: &router)
        // The projections handle whole batches of a partition, in order: nothing can be put between them.
        let console = ConsoleRoutes(
            authentication: access.authentication, groups: node.broker, failures: failures,
            groupsWithoutSideQueue: [ReactionService.group], consumers: service.consumers)
        console.register(on: &router)
        OperationRoutes(
            service: service, authentication: access.authentication, registry: registry, blocking: readers,
            routes: routing, additions: [console.specification],
            backup: { path in try await node.backUp(to: path) }
        ).register(on: &router)
        if configuration.demo, let issuer = access.issuer {
            DemoRoutes(issuer: issuer, pendingVotes: { service.pendingVotes }).register(on: &router)
        }
        return router
    }
}

/// Lets the projections reach the last votes: services stop in reverse order, so this comes behind the server.
private struct Settling: Service {
    let service: ReactionService

    func run() async throws {
        try await gracefulShutdown()
        await service.settle()
    }
}

/// Says on standard output that the service is ready, once, and to whoever asks that it ends: services stop in reverse
/// order, so this comes before the server drains.
private struct ReadyLine: Service {
    let service: ReactionService
    let text: String

    func run() async throws {
        try? await cancelWhenGracefulShutdown { await service.waitUntilReady() }
        if Task.isCancelled { return }
        // One that is told to stop while it starts never says that it serves.
        if !Task.isShuttingDownGracefully {
            Terminal.announce(text)
            try await gracefulShutdown()
        }
        service.announceShutdown()
    }
}
