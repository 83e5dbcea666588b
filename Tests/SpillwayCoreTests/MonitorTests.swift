import SpillwayCore
import Testing

@Suite struct MonitorTests {
    @Test func waitEndsAtItsDeadline() {
        let monitor = Monitor(0)
        let time = SystemTimeSource()
        let start = time.now()
        let result: Int? = monitor.wait(until: start + .milliseconds(5)) { $0 == 1 ? 1 : nil }
        #expect(result == nil)
        #expect(time.now() - start >= .milliseconds(5))
    }

    @Test func threadsHandOver() {
        let monitor = Monitor<[Int]>([])
        let sum = Monitor(0)
        let threads = (0..<3).map { _ in
            NativeThread(name: "taker") {
                while true {
                    let value: Int? = monitor.wait { $0.isEmpty ? nil : $0.removeLast() }
                    guard let value, value >= 0 else { return }
                    sum.withLock { $0 += value }
                }
            }
        }
        for value in 1...1_000 {
            monitor.withLock { $0.append(value) }
            monitor.signal()
        }
        let isEmpty: Bool? = {
            while !monitor.withLock({ $0.isEmpty }) { monitor.signal() }
            return true
        }()
        #expect(isEmpty == true)
        monitor.withLock { $0 = [-1, -1, -1] }
        monitor.broadcast()
        for thread in threads { thread.join() }
        #expect(sum.withLock { $0 } == 500_500)
    }

    @Test func joinMayBeCalledTwice() {
        let thread = NativeThread(name: "a name longer than fifteen bytes", nice: 5) {}
        thread.join()
        thread.join()
    }
}
