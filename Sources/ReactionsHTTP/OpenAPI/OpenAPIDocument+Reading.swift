internal import SpillwayHTTP

extension OpenAPIDocument {
    static func readingPaths(_ votersAccess: VotersAccess) -> [String] {
        [summary, stream, mine, voters(votersAccess)]
    }

    private static var summary: String {
        #"""
        "/v1/votes/summary": {
          "get": {
            "operationId": "summary",
            "tags": ["votes"],
            "summary": "Counts of up to a hundred targets, and the caller's own reactions",
            "description": "A target that nobody voted on has zeros. Without a token every user_state is none, \#
        and the answer has an ETag and may be cached for a second; with one it is private.",
            \#(OpenAPI.tokenOptional),
            "parameters": [
              \#(OpenAPI.parameter("TargetIDs")), \#(OpenAPI.parameter("SpillwayPosition")),
              \#(OpenAPI.parameter("IfNoneMatch"))
            ],
            "responses": {
              "200": {
                "description": "The counts.",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/CacheControl"},
                  "Vary": {"$ref": "#/components/headers/Vary"},
                  "ETag": {"$ref": "#/components/headers/ETag"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Summary"}}}
              },
              "304": {
                "description": "The client has this answer already (without a token only).",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/CacheControl"},
                  "Vary": {"$ref": "#/components/headers/Vary"},
                  "ETag": {"$ref": "#/components/headers/ETag"}
                }
              },
              \#(OpenAPI.refusals(401, 422))
            }
          }
        }
        """#
    }

    private static var stream: String {
        #"""
        "/v1/votes/stream": {
          "get": {
            "operationId": "stream",
            "tags": ["votes"],
            "summary": "Counts as they change",
            "description": "Server-sent events named counts; the data of each is a CountsEvent. The present \#
        values come at once, then changes, at most ten a second for each target. A target's version never goes \#
        backwards. The stream lasts until one side ends it; a client that reads too slowly is cut off and comes \#
        back for the present values.",
            \#(OpenAPI.tokenOptional),
            "parameters": [\#(OpenAPI.parameter("TargetIDs"))],
            "responses": {
              "200": {
                "description": "The stream.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/CacheControl"}},
                "content": {"text/event-stream": {
                  "schema": {"$ref": "#/components/schemas/Event"},
                  "example": {
                    "event": "counts",
                    "data": "{\"target_id\":\"a\",\"likes\":1,\"dislikes\":0,\"version\":\"1\"}"
                  }
                }}
              },
              \#(OpenAPI.refusals(401, 422))
            }
          }
        }
        """#
    }

    private static var mine: String {
        #"""
        "/v1/me/votes": {
          "get": {
            "operationId": "myVotes",
            "tags": ["lists"],
            "summary": "What I reacted to, newest first",
            \#(OpenAPI.tokenNeeded),
            "parameters": [
              \#(OpenAPI.parameter("Reaction")), \#(OpenAPI.parameter("Limit")), \#(OpenAPI.parameter("Cursor")),
              \#(OpenAPI.parameter("SpillwayPosition"))
            ],
            "responses": {
              "200": {
                "description": "A page. The caller's own acknowledged votes are always in it.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/CacheControl"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/MyVotes"}}}
              },
              \#(OpenAPI.refusals(401, 422))
            }
          }
        }
        """#
    }

    private static func voters(_ access: VotersAccess) -> String {
        let security = access == .anyone ? OpenAPI.tokenOptional : OpenAPI.tokenNeeded
        let refusals = access == .admin ? OpenAPI.refusals(401, 403, 404, 422) : OpenAPI.refusals(401, 404, 422)
        return #"""
            "/v1/targets/{id}/voters": {
              "get": {
                "operationId": "voters",
                "tags": ["lists"],
                "summary": "Who reacted to a target, newest first",
                "description": "Who may ask is configured: anyone, anyone with a token (the default), or tokens \#
            of scope admin.",
                \#(security),
                "parameters": [
                  \#(OpenAPI.parameter("TargetID")), \#(OpenAPI.parameter("Reaction")), \#(OpenAPI.parameter("Limit")),
                  \#(OpenAPI.parameter("Cursor"))
                ],
                "responses": {
                  "200": {
                    "description": "A page.",
                    "headers": {"Cache-Control": {"$ref": "#/components/headers/CacheControl"}},
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Voters"}}}
                  },
                  \#(refusals)
                }
              }
            }
            """#
    }
}
