internal import FoundationEssentials
public import SpillwayCore
public import SpillwayHTTP

/// The demo: a page with a few videos to like and to dislike, guest users for whoever asks, and how far the projections
/// are behind. It lets everyone who reaches the port vote, so it is served only when it was asked for.
///
/// | request | answer |
/// |---|---|
/// | `GET /`, `/demo/app.js`, `/demo/style.css` | the page |
/// | `POST /demo/guests` `{"count":N}`, 1 to 200 | `{"guests":[{"user_id","token"},…]}`, new users with random ids; their tokens live for thirty days |
/// | `GET /demo/status` | `{"pending_votes":N}`: acknowledged votes that counts or caches may not hold yet |
public struct DemoRoutes: Sendable {
    /// The most guests of one request.
    private static let maximumGuests = 200
    private static let tokenLifetime = Duration.seconds(30 * 86_400)

    private let issuer: TokenIssuer
    private let pendingVotes: @Sendable () -> Int
    private let time: any TimeSource

    /// - Parameters:
    ///   - issuer: signs the guests' tokens; the server must take what it signs.
    ///   - pendingVotes: acknowledged votes that are not applied yet; must not block.
    public init(
        issuer: TokenIssuer, pendingVotes: @escaping @Sendable () -> Int, time: any TimeSource = SystemTimeSource()
    ) {
        self.issuer = issuer
        self.pendingVotes = pendingVotes
        self.time = time
    }

    /// Adds the routes.
    public func register(on router: inout HTTPRouter) {
        Self.serve("/", "text/html; charset=utf-8", DemoPage.html, on: &router)
        Self.serve("/demo/app.js", "text/javascript; charset=utf-8", DemoScript.text, on: &router)
        Self.serve("/demo/style.css", "text/css; charset=utf-8", DemoStyle.text, on: &router)
        router.on(.post, "/demo/guests", handler: guests)
        router.on(.get, "/demo/status") { _ in
            var json = JSONWriter()
            json.raw("{\"pending_votes\":")
            json.integer(Int64(pendingVotes()))
            json.raw("}")
            return Self.unstored(json)
        }
    }

    private static func serve(_ path: String, _ contentType: String, _ text: String, on router: inout HTTPRouter) {
        var response = HTTPResponse(.ok, body: Array(text.utf8))
        response.fields = PageSecurity.fields()
        response.fields.append(.contentType, contentType)
        // A server that was upgraded shows its own page at the next load.
        response.fields.append(.cacheControl, "no-cache")
        let page = response
        router.on(.get, path) { _ in page }
    }

    private struct GuestsFields: Decodable {
        var count: Int
    }

    private func guests(_ request: HTTPRequest) async throws -> HTTPResponse {
        let count = try request.decodeJSON(GuestsFields.self).count
        guard (1...Self.maximumGuests).contains(count) else {
            throw RequestError.field("count", "must be 1 to \(Self.maximumGuests)")
        }
        let now = time.wallMilliseconds()
        var json = JSONWriter(capacity: count * 256)
        json.raw("{\"guests\":[")
        for index in 0..<count {
            let user = Self.guestID()
            let token = try issuer.token(subject: user, issuedAtMs: now, lifetime: Self.tokenLifetime)
            json.raw(index == 0 ? "{\"user_id\":" : ",{\"user_id\":")
            json.plain(user)
            json.raw(",\"token\":")
            json.plain(token)
            json.raw("}")
        }
        json.raw("]}")
        return Self.unstored(json)
    }

    /// `guest-` and sixty random bits: guests don't meet by chance.
    private static func guestID() -> String {
        let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
        var bits = UInt64.random(in: 0...UInt64.max)
        var id = "guest-"
        for _ in 0..<12 {
            id.append(letters[Int(bits & 31)])
            bits >>= 5
        }
        return id
    }

    private static func unstored(_ json: JSONWriter) -> HTTPResponse {
        var response = HTTPResponse.json(json.bytes)
        response.fields.append(.cacheControl, "no-store")
        return response
    }
}
