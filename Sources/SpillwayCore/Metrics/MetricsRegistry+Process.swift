import CSpillwaySystem
import FoundationEssentials

extension MetricsRegistry {
    /// Adds what Prometheus' clients tell of every process, under their names
    /// (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics): processor time, resident
    /// memory, open file descriptors and when the process started. Read when scraped, from /proc.
    ///
    /// - Throws: ``MetricsError/Code/alreadyRegistered`` at the second call.
    public func registerProcessMetrics() throws {
        try counter(
            "process_cpu_seconds_total", help: "Processor time of the process, user and system, in seconds.",
            read: { spillway_process_cpu_seconds() })
        try meter(
            "process_resident_memory_bytes", help: "Resident memory of the process in bytes.",
            read: { Double(spillway_resident_bytes()) })
        try meter(
            "process_open_fds", help: "Open file descriptors of the process.",
            read: {
                let entries = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
                // Listing the directory opens one more.
                return Double(max(0, (entries?.count ?? 1) - 1))
            })
        let start = Double(SystemTimeSource().wallMilliseconds()) / 1_000 - Self.secondsSinceStart()
        try meter(
            "process_start_time_seconds", help: "When the process started, in seconds since 1970 UTC.",
            read: { start })
    }

    /// The seconds since the process started: the machine's uptime less the start in clock ticks since boot, the 20th
    /// value after the name in /proc/self/stat. The name may hold anything, so it is looked for from the end. 0 if it
    /// can't be read.
    private static func secondsSinceStart() -> Double {
        guard let stat = FileManager.default.contents(atPath: "/proc/self/stat"),
            let uptime = FileManager.default.contents(atPath: "/proc/uptime")
        else { return 0 }
        let afterName = String(decoding: stat, as: UTF8.self).split(separator: ")").last ?? ""
        let values = afterName.split(separator: " ")
        let seconds = String(decoding: uptime, as: UTF8.self).split(separator: " ").first.flatMap { Double($0) }
        // The ticks are hundredths of a second on every Linux (USER_HZ).
        guard values.count > 19, let ticks = Double(values[19]), let seconds else { return 0 }
        return max(0, seconds - ticks / 100)
    }
}
