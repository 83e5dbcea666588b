/// One closure that waits for its time on an event loop; belongs to the loop's thread.
package final class EventLoopTimer {
    let deadline: UInt64
    private var body: (() -> Void)?

    init(deadline: UInt64, body: @escaping () -> Void) {
        self.deadline = deadline
        self.body = body
    }

    /// Forgets the closure; does nothing after it ran.
    package func cancel() { body = nil }

    func fire() {
        let body = self.body
        self.body = nil
        body?()
    }
}
