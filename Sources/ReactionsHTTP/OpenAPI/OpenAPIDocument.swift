/// The specification of the HTTP interface: an OpenAPI 3.1 document, put together from the pieces beside this file.
///
/// What the configuration decides (the target types, who may list voters) is in it as it is configured.
enum OpenAPIDocument {
    /// The statuses with which any request may be refused before a route sees it.
    private static let always = [400, 408, 413, 414, 417, 431, 500, 503]

    /// The document's bytes.
    static func bytes(_ configuration: ReactionRoutesConfiguration) -> [UInt8] {
        let paths = votingPaths + readingPaths(configuration.votersAccess) + operationPaths
        return Array(
            #"""
            {
              "openapi": "3.1.0",
              \#(information),
              "paths": {
            \#(paths.joined(separator: ",\n"))
              },
              "components": {
            \#(securitySchemes),
            \#(parameters),
            \#(headers),
            \#(responses),
            \#(schemas(configuration.targetTypes))
              }
            }
            """#.utf8)
    }

    private static let information = #"""
        "info": {
            "title": "Spillway Reactions",
            "version": "1.0.0",
            "license": {"name": "See the repository"},
            "description": "Likes and dislikes on anything with an id. A vote is answered once it is durable. \#
        HEAD is answered wherever GET is, OPTIONS on every path with 204 and Allow. Every refusal is an \#
        application/problem+json document (RFC 9457); after any of them nothing was recorded, except 503 with \#
        the type outcome-unknown, after which the same request may be sent again."
          },
          "servers": [{"url": "/", "description": "The server that this document comes from."}],
          "tags": [
            {"name": "votes", "description": "Voting and counts."},
            {"name": "lists", "description": "Who reacted to what."},
            {"name": "operations", "description": "Health, metrics, administration."}
          ]
        """#

    /// The members of `responses` for refusals: those that any request may meet, and these.
    static func refusals(_ statuses: Int...) -> String {
        Set(always + statuses).sorted().map { status in
            "\"\(status)\": {\"$ref\": \"#/components/responses/Refusal\(status)\"}"
        }.joined(separator: ",\n        ")
    }

    /// A reference to a parameter of this name.
    static func parameter(_ name: String) -> String { "{\"$ref\": \"#/components/parameters/\(name)\"}" }

    /// What a token is needed for.
    static let tokenNeeded = #""security": [{"bearer": []}]"#
    /// A token changes the answer, and none is needed.
    static let tokenOptional = #""security": [{}, {"bearer": []}]"#
    /// A token makes no difference.
    static let tokenIgnored = #""security": []"#
}
