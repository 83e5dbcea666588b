internal import SpillwayHTTP

extension OpenAPIDocument {
    /// The refusals, by status.
    private static let refusalMeanings: [(status: Int, meaning: String, header: (name: String, component: String)?)] = [
        (400, "Not HTTP, not JSON, or a query or header that can't be read.", nil),
        (401, "No token, or one that is not good.", ("WWW-Authenticate", "WWWAuthenticate")),
        (403, "The token lacks the scope.", ("WWW-Authenticate", "WWWAuthenticate")),
        (404, "There is nothing at this path.", nil),
        (408, "The request took too long to arrive.", nil),
        (
            413,
            "The body is too large: over 64 KiB, of a batch over 1 MiB, unless configured otherwise; a stream takes none.",
            nil
        ),
        (414, "Path and query are too long.", nil),
        (415, "The body is not application/json.", nil),
        (417, "An Expect that is not 100-continue.", nil),
        (422, "A field has a value that is not allowed; detail and field name it.", nil),
        (429, "Too many votes of this user or address, or too many that wait.", ("Retry-After", "RetryAfter")),
        (431, "The header fields are too large or too many.", nil),
        (500, "The server failed.", nil),
        (
            503,
            "Not now; the type says why. With outcome-unknown a vote may or may not be recorded.",
            ("Retry-After", "RetryAfter")
        ),
    ]

    static var responses: [String] {
        refusalMeanings.map { OpenAPI.refusal($0.status, $0.meaning, header: $0.header) }
    }
}
