import FoundationEssentials
import Glibc
import SpillwayCurl
import SpillwayHTTP

/// `spillway backup`.
enum BackupCommand {
    private struct Request: Encodable {
        var path: String
    }

    static func run(_ values: OptionValues, directory: String, _ terminal: Terminal) throws -> ExitCode {
        let client = try AdminClient(values, .backup)
        let path = absolute(directory)
        _ = try client.ask(.post, "/v1/admin/backup", body: Array(try JSONEncoder().encode(Request(path: path))))
        terminal.print("backup \(path)")
        return .done
    }

    /// The server has another working directory than this process.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let current = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(current) }
        return unsafe String(cString: current) + "/" + path
    }
}
