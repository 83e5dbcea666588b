import Synchronization

/// Ends requests from another thread. libcurl looks once a second at the latest.
package final class CurlCancellation: Sendable {
    private let flag = Atomic(false)

    /// Makes one that has not been used.
    package init() {}

    /// Ends the request that runs, and every one that begins later.
    package func cancel() { flag.store(true, ordering: .relaxed) }

    /// True from ``cancel()`` on.
    package var isCancelled: Bool { flag.load(ordering: .relaxed) }
}
