/// Which pages of other origins a browser lets read our answers (the Fetch standard's CORS protocol).
///
/// Tokens come in a header that a page sets itself, never in cookies, so answers are never made available "with
/// credentials", and allowing any origin gives a page nothing that it could not do without a browser.
public struct CrossOriginRules: Sendable {
    /// Whose pages.
    enum Origins: Sendable, Equatable {
        case any
        case only(Set<String>)
    }

    let origins: Origins
    /// What a page may set, besides what every page may.
    public var allowedHeaders = [
        "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "Prefer",
        "Spillway-Position",
    ]
    /// What a page may read, besides what every page may.
    public var exposedHeaders = ["Spillway-Position", "Retry-After", "Preference-Applied", "ETag", "WWW-Authenticate"]
    /// How long a browser may remember a preflight's answer; default 10 minutes.
    public var maximumAge = Duration.seconds(600)

    /// Allows these origins: none if the list is empty, any if it is `*` alone.
    ///
    /// - Parameter origins: each as a browser writes it: scheme, `://`, host in small letters, and the port unless it is
    ///   the scheme's own; no slash behind it.
    /// - Throws: ``CrossOriginRulesError`` that names the origin.
    public init(origins: [String]) throws(CrossOriginRulesError) {
        if origins == ["*"] {
            self.origins = .any
            return
        }
        for origin in origins where !Self.isOrigin(origin) {
            throw CrossOriginRulesError(origin)
        }
        self.origins = .only(Set(origins))
    }

    /// Whether no page of another origin may read anything, so that there is nothing to do.
    public var allowNothing: Bool { origins == .only([]) }

    /// What stands in `Access-Control-Allow-Origin` for a page of this origin; nil if it may read nothing.
    func allowedOrigin(for origin: String) -> String? {
        switch origins {
        case .any: "*"
        case .only(let origins): origins.contains(origin) ? origin : nil
        }
    }

    private static func isOrigin(_ text: String) -> Bool {
        guard let separator = text.firstRange(of: "://") else { return false }
        let scheme = text[..<separator.lowerBound]
        let rest = text[separator.upperBound...]
        let isDefaultPort =
            (scheme == "http" && rest.hasSuffix(":80")) || (scheme == "https" && rest.hasSuffix(":443"))
        return !scheme.isEmpty && !rest.isEmpty && !isDefaultPort
            && scheme.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 43 || $0 == 45 }
            && rest.utf8.allSatisfy {
                (97...122).contains($0) || (48...57).contains($0) || ".-:[]_".utf8.contains($0)
            }
    }
}

/// An origin that could not be read.
public struct CrossOriginRulesError: Error, CustomStringConvertible {
    /// What is wrong, for a person who wrote the configuration.
    public let message: String
    /// The message.
    public var description: String { message }

    init(_ origin: String) {
        message =
            "'\(origin)': an origin is like https://example.org or http://localhost:3000, in small letters, "
            + "without a path and without the scheme's own port; * alone allows any"
    }
}
