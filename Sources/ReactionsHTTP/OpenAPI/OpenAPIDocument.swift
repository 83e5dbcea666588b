internal import SpillwayHTTP

/// The specification of the HTTP interface: an OpenAPI 3.1 document, put together from the pieces beside this file.
///
/// What the configuration decides (the target types, who may list voters) is in it as it is configured.
enum OpenAPIDocument {
    /// The document's bytes.
    ///
    /// - Parameter additions: what other parts have routes for.
    static func bytes(_ configuration: ReactionRoutesConfiguration, additions: [OpenAPIFragment] = []) -> [UInt8] {
        let paths = votingPaths + readingPaths(configuration.votersAccess) + operationPaths
        return Array(
            #"""
            {
              "openapi": "3.1.0",
              \#(information),
              "tags": [
            \#(members(tags, additions, \.tags))
              ],
              "paths": {
            \#(members(paths, additions, \.paths))
              },
              "components": {
            \#(securitySchemes),
            "parameters": {
            \#(members(parameters, additions, \.parameters))
            },
            \#(headers),
            "responses": {
            \#(members(responses, additions, \.responses))
            },
            "schemas": {
            \#(members(schemas(configuration.targetTypes), additions, \.schemas))
            }
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
          "servers": [{"url": "/", "description": "The server that this document comes from."}]
        """#

    private static let tags = [
        #"{"name": "votes", "description": "Voting and counts."}"#,
        #"{"name": "lists", "description": "Who reacted to what."}"#,
        #"{"name": "operations", "description": "Health, metrics, administration."}"#,
    ]

    private static func members(
        _ own: [String], _ additions: [OpenAPIFragment], _ kind: KeyPath<OpenAPIFragment, [String]>
    ) -> String {
        (own + additions.flatMap { $0[keyPath: kind] }).joined(separator: ",\n")
    }
}
