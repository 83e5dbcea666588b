import FoundationEssentials
import Glibc

/// A directory under /tmp that is gone with the object.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/rocks-test-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        path = made.map { String(cString: $0) } ?? "/tmp"
        precondition(made != nil, "no temporary directory")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A path below it.
    func callAsFunction(_ name: String) -> String { path + "/" + name }
}
