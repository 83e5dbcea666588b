internal import SpillwayCore

/// The metrics of a server, made once; those by route and status are found once by each loop.
final class HTTPServerMetrics: Sendable {
    let accepted: Counter
    let connections: Meter
    let eventStreams: Meter
    let droppedEvents: Counter
    let receivedBytes: Counter
    let sentBytes: Counter
    private let refusals: [HTTPRefusal.Reason: Counter]
    private let registry: MetricsRegistry

    init(registry: MetricsRegistry) throws {
        self.registry = registry
        accepted = try registry.counter(
            "spillway_http_connections_accepted_total", help: "Connections that were accepted.")
        connections = try registry.meter("spillway_http_connections", help: "Connections that are open.")
        eventStreams = try registry.meter("spillway_http_event_streams", help: "Streams of server-sent events.")
        droppedEvents = try registry.counter(
            "spillway_http_events_dropped_total", help: "Events dropped for readers that were too slow.")
        receivedBytes = try registry.counter(
            "spillway_http_received_bytes_total", help: "Bytes received from clients, heads and TLS included.")
        sentBytes = try registry.counter(
            "spillway_http_sent_bytes_total", help: "Bytes sent to clients, heads included, before TLS.")
        var refusals: [HTTPRefusal.Reason: Counter] = [:]
        for reason in HTTPRefusal.Reason.allCases {
            refusals[reason] = try registry.counter(
                "spillway_http_refusals_total", help: "Requests and connections that the server itself refused.",
                labels: [("reason", reason.rawValue)])
        }
        self.refusals = refusals
    }

    func refused(_ reason: HTTPRefusal.Reason) { refusals[reason]?.increment() }

    func requests(route: String, status: HTTPStatus) -> Counter? {
        try? registry.counter(
            "spillway_http_requests_total", help: "Requests that were answered, by route and status.",
            labels: [("route", route), ("status", "\(status.rawValue)")])
    }

    func duration(route: String) -> Timer? {
        try? registry.timer(
            "spillway_http_request_duration_seconds",
            help: "From the last byte of a request to its answer, by route.", labels: [("route", route)])
    }
}

/// The metrics of one route as one loop uses them: no lock, no dictionary.
struct HTTPRouteMetrics {
    private let route: String
    private let duration: Timer?
    private var byStatus: [(status: HTTPStatus, counter: Counter?)] = []

    init(route: String, metrics: HTTPServerMetrics) {
        self.route = route
        duration = metrics.duration(route: route)
    }

    mutating func answered(_ status: HTTPStatus, nanoseconds: UInt64?, metrics: HTTPServerMetrics) {
        if let nanoseconds { duration?.recordNanoseconds(Int64(clamping: nanoseconds)) }
        for entry in byStatus where entry.status == status {
            entry.counter?.increment()
            return
        }
        let counter = metrics.requests(route: route, status: status)
        byStatus.append((status, counter))
        counter?.increment()
    }
}
