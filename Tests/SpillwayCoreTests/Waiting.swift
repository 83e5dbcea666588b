import SpillwayCore
import Synchronization

/// Waits until the condition holds; false if it does not within a minute, which only a machine that is busy otherwise
/// comes near to.
func eventually(_ condition: () -> Bool) async -> Bool {
    let time = SystemTimeSource()
    let deadline = time.now() + .seconds(60)
    while !condition() {
        if time.now() > deadline { return false }
        try? await Task.sleep(for: .milliseconds(1))
    }
    return true
}

/// Collects what happens, from any thread.
final class Journal: Sendable {
    private let lines = Mutex<[String]>([])

    var entries: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}
