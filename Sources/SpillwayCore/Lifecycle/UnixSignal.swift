import Glibc

/// A signal of the operating system.
public struct UnixSignal: Hashable, Sendable, CustomStringConvertible {
    /// The system's number of the signal.
    public let rawValue: Int32
    private init(_ rawValue: Int32) { self.rawValue = rawValue }

    /// The terminal went away; servers read their configuration again.
    public static let sighup = UnixSignal(SIGHUP)
    /// Ctrl-C.
    public static let sigint = UnixSignal(SIGINT)
    /// Ctrl-\.
    public static let sigquit = UnixSignal(SIGQUIT)
    /// The polite request to end.
    public static let sigterm = UnixSignal(SIGTERM)
    /// For the program's own use.
    public static let sigusr1 = UnixSignal(SIGUSR1)
    /// For the program's own use.
    public static let sigusr2 = UnixSignal(SIGUSR2)

    /// The signal's name.
    public var description: String {
        switch rawValue {
        case SIGHUP: "SIGHUP"
        case SIGINT: "SIGINT"
        case SIGQUIT: "SIGQUIT"
        case SIGTERM: "SIGTERM"
        case SIGUSR1: "SIGUSR1"
        case SIGUSR2: "SIGUSR2"
        default: "signal \(rawValue)"
        }
    }
}
