internal import SpillwayHTTP

extension ConsoleSpecification {
    static var deadLetters: OpenAPIFragment {
        OpenAPIFragment(
            tags: [
                #"{"name": "dead letters", "description": "Records that were given up; for tokens of scope admin."}"#
            ],
            paths: [lettersPath, requeueGroupPath, letterPath, requeuePath], parameters: [letterParameters],
            schemas: [letterSchemas, requeueSchemas])
    }

    private static var lettersPath: String {
        #"""
        "/v1/admin/dead-letters": {
          "get": {
            "operationId": "deadLetters",
            "tags": ["dead letters"],
            "summary": "Records that were given up, by group, topic, partition and position",
            \#(OpenAPI.tokenNeeded),
            "parameters": [
              \#(OpenAPI.parameter("GroupFilter")), \#(OpenAPI.parameter("Limit")),
              \#(OpenAPI.parameter("DeadLetterCursor"))
            ],
            "responses": {
              \#(answer("A page.", "DeadLetters")),
              \#(OpenAPI.refusals(401, 403, 422))
            }
          }
        }
        """#
    }

    private static var requeueGroupPath: String {
        #"""
        "/v1/admin/dead-letters/requeue": {
          "post": {
            "operationId": "requeueDeadLetters",
            "tags": ["dead letters"],
            "summary": "Send a group's dead letters back to be handled again",
            "description": "One request works for some seconds at most; with next_cursor there are more, and the next \#
        request goes on there. 409 not-requeueable: the group reads no side queue.",
            \#(OpenAPI.tokenNeeded),
            \#(body("RequeueGroup")),
            "responses": {
              \#(answer("How many went back, durably.", "RequeuedGroup")),
              \#(OpenAPI.refusals(401, 403, 409, 415, 422))
            }
          }
        }
        """#
    }

    private static var letterPath: String {
        #"""
        "/v1/admin/dead-letters/{id}": {
          "get": {
            "operationId": "deadLetter",
            "tags": ["dead letters"],
            "summary": "One dead letter, with its headers and value",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("DeadLetterID"))],
            "responses": {
              \#(answer("The letter.", "WholeDeadLetter")),
              \#(OpenAPI.refusals(401, 403, 404))
            }
          },
          "delete": {
            "operationId": "discardDeadLetter",
            "tags": ["dead letters"],
            "summary": "Throw a dead letter away",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("DeadLetterID"))],
            "responses": {
              \#(done("It is not there any more, durably; also if it was not.")),
              \#(OpenAPI.refusals(401, 403, 404))
            }
          }
        }
        """#
    }

    private static var requeuePath: String {
        #"""
        "/v1/admin/dead-letters/{id}/requeue": {
          "post": {
            "operationId": "requeueDeadLetter",
            "tags": ["dead letters"],
            "summary": "Send a dead letter back to be handled again",
            "description": "Asking again is harmless: a letter that is not among the dead (any more) counts as 0. \#
        409 not-requeueable: its group reads no side queue.",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("DeadLetterID"))],
            "responses": {
              \#(answer("Whether it went back, durably.", "Requeued")),
              \#(OpenAPI.refusals(401, 403, 404, 409))
            }
          }
        }
        """#
    }

    private static let letterParameters = #"""
        "GroupFilter": {
          "name": "group",
          "in": "query",
          "required": false,
          "description": "Of this group only.",
          "schema": {"type": "string", "maxLength": 255}
        },
        "DeadLetterCursor": {
          "name": "cursor",
          "in": "query",
          "required": false,
          "description": "next_cursor of the page before; one that no page gave is 400.",
          "schema": {"$ref": "#/components/schemas/DeadLetterID"}
        },
        "DeadLetterID": {
          "name": "id",
          "in": "path",
          "required": true,
          "schema": {"$ref": "#/components/schemas/DeadLetterID"}
        }
        """#

    private static let requeueSchemas = #"""
        "Requeued": {
          "type": "object",
          "required": ["requeued"],
          "properties": {"requeued": {"type": "integer", "minimum": 0, "maximum": 1}}
        },
        "RequeueGroup": {
          "type": "object",
          "required": ["group"],
          "properties": {
            "group": {"type": "string", "maxLength": 255},
            "cursor": {"type": ["string", "null"], "pattern": "^[A-Za-z0-9_-]+$"}
          }
        },
        "RequeuedGroup": {
          "type": "object",
          "required": ["requeued", "next_cursor"],
          "properties": {
            "requeued": {"type": "integer", "minimum": 0},
            "next_cursor": {"$ref": "#/components/schemas/NextDeadLetters"}
          }
        },
        "NextDeadLetters": {
          "type": ["string", "null"],
          "description": "Opaque; null at the end.",
          "pattern": "^[A-Za-z0-9_-]+$"
        }
        """#
}
