import Testing

@testable import SpillwayCore

@Suite struct AtomicDoubleTests {
    /// Two threads that add at the same time lose nothing.
    @Test func addsFromTwoThreads() {
        final class Shared: Sendable {
            let value = AtomicDouble()
        }
        let shared = Shared()
        let threads = (0..<2).map { _ in
            NativeThread(name: "adds") {
                for _ in 0..<300_000 { shared.value.add(1) }
            }
        }
        for thread in threads { thread.join() }
        #expect(shared.value.load() == 600_000)
    }
}
