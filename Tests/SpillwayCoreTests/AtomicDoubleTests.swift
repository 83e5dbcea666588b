import Testing

@testable import SpillwayCore

@Suite struct AtomicDoubleTests {
    /// Two threads that add at the same time lose nothing.
    @Test func addsFromTwoThreads() {
        final class Shared: Sendable {
            let value = AtomicDouble()
        }
        let shared = Shared()
        let here = Monitor(0)
        let threads = (0..<2).map { _ in
            NativeThread(name: "adds") {
                // Both begin together, else the first would be done before the second is there.
                here.withLock { $0 += 1 }
                here.broadcast()
                _ = here.wait { $0 == 2 ? true : nil }
                for _ in 0..<1_000_000 { shared.value.add(1) }
            }
        }
        for thread in threads { thread.join() }
        #expect(shared.value.load() == 2_000_000)
    }
}
