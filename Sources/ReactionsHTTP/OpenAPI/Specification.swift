internal import SpillwayHTTP

/// The answers to `GET /openapi.json`, made once.
struct Specification: Sendable {
    private let tag: EntityTag
    private let document: HTTPResponse
    private let unchanged: HTTPResponse

    init(_ bytes: [UInt8]) {
        tag = EntityTag(of: bytes)
        var document = HTTPResponse.json(bytes)
        document.fields.append(.cacheControl, "public, max-age=60")
        document.fields.append(.etag, tag.text)
        self.document = document
        unchanged = HTTPResponse(
            .notModified, fields: HTTPFields([(.cacheControl, "public, max-age=60"), (.etag, tag.text)]))
    }

    func response(to request: HTTPRequest) -> HTTPResponse {
        tag.isNamed(by: request) ? unchanged : document
    }
}
