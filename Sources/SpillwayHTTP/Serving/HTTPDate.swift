internal import Glibc

/// The beginning of most responses, made anew once a second: the status line of a 200 and the `Date` header field.
final class HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Date: …\r\n`.
    private(set) var field: [UInt8] = []
    /// `HTTP/1.1 200 OK\r\nDate: …\r\n`.
    private(set) var okHead: [UInt8] = []
    private var validUntilMs: UInt64 = 0

    init() {}

    /// - Parameter loopMs: milliseconds on a clock that never goes back.
    func refresh(loopMs: UInt64) {
        if loopMs < validUntilMs { return }
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        validUntilMs = loopMs + 1000 - UInt64(now.tv_nsec / 1_000_000)
        field = Array("Date: \(Self.text(now.tv_sec))\r\n".utf8)
        okHead = Array("HTTP/1.1 200 OK\r\n".utf8) + field
    }

    /// The IMF-fixdate of RFC 9110, 5.6.7.
    static func text(_ seconds: Int) -> String {
        var seconds = seconds
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = unsafe "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)])"
        let time = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return unsafe "\(day) \(parts.tm_year + 1900) \(time) GMT"
    }
}
