internal import SpillwayHTTP

extension OpenAPIDocument {
    static var votingPaths: [String] { [vote, batch] }

    private static var vote: String {
        #"""
        "/v1/votes": {
          "post": {
            "operationId": "vote",
            "tags": ["votes"],
            "summary": "Like, dislike, or take it back",
            "description": "Answered once the vote is durable. With Prefer: return=representation it waits up to \#
        a second for the counts; when they are not there in time the body is empty and Preference-Applied is \#
        missing.",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("IdempotencyKey")), \#(OpenAPI.parameter("Prefer"))],
            "requestBody": {
              "required": true,
              "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Vote"},
                "example": {"target_id": "video_abc123", "target_type": "video", "action": "like"}
              }}
            },
            "responses": {
              "200": {
                "description": "The vote is durable. The body is empty unless Preference-Applied says otherwise.",
                "headers": {
                  "Spillway-Position": {"$ref": "#/components/headers/SpillwayPosition"},
                  "Preference-Applied": {"$ref": "#/components/headers/PreferenceApplied"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Outcome"}}}
              },
              \#(OpenAPI.refusals(401, 415, 422, 429))
            }
          }
        }
        """#
    }

    private static var batch: String {
        #"""
        "/v1/votes/batch": {
          "post": {
            "operationId": "voteBatch",
            "tags": ["votes"],
            "summary": "Up to a thousand votes at once",
            "description": "All or none: one bad vote refuses the whole batch, and its index is in the problem's \#
        detail.",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("IdempotencyKey"))],
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/VoteBatch"}}}
            },
            "responses": {
              "200": {
                "description": "All votes are durable.",
                "headers": {"Spillway-Position": {"$ref": "#/components/headers/SpillwayPositions"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
              },
              \#(OpenAPI.refusals(401, 415, 422, 429))
            }
          }
        }
        """#
    }
}
