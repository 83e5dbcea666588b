internal import SpillwayHTTP

extension ConsoleSpecification {
    static var groups: OpenAPIFragment {
        OpenAPIFragment(
            tags: [#"{"name": "groups", "description": "Consumer groups; for tokens of scope admin."}"#],
            paths: [listPath, groupPath, offsetsPath], parameters: [groupParameters],
            responses: [
                OpenAPI.refusal(
                    409, "group-in-use: it has members, stop them first; not-requeueable: it takes no record back.")
            ], schemas: [groupSchemas])
    }

    private static var listPath: String {
        #"""
        "/v1/admin/groups": {
          "get": {
            "operationId": "groups",
            "tags": ["groups"],
            "summary": "All consumer groups of all topics, with what they have committed and what lies behind",
            \#(OpenAPI.tokenNeeded),
            "responses": {
              \#(answer("The groups, in the order of topics and names.", "Groups")),
              \#(OpenAPI.refusals(401, 403))
            }
          }
        }
        """#
    }

    private static var groupPath: String {
        #"""
        "/v1/admin/groups/{topic}/{group}": {
          "delete": {
            "operationId": "deleteGroup",
            "tags": ["groups"],
            "summary": "Forget a group without members: its commits go, and it no longer holds retention",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("Topic")), \#(OpenAPI.parameter("Group"))],
            "responses": {
              \#(done("The group has gone, durably.")),
              \#(OpenAPI.refusals(401, 403, 404, 409, 422))
            }
          }
        }
        """#
    }

    private static var offsetsPath: String {
        #"""
        "/v1/admin/groups/{topic}/{group}/offsets": {
          "put": {
            "operationId": "setGroupOffsets",
            "tags": ["groups"],
            "summary": "Set where a group without members begins",
            "description": "A group that is not there is made; it holds no retention until a member joins. \#
        Positions before the oldest record that is kept, or beyond the end, are set to these.",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("Topic")), \#(OpenAPI.parameter("Group"))],
            \#(body("OffsetChoice")),
            "responses": {
              \#(answer("Set, durably: all that is committed now.", "GroupOffsets")),
              \#(OpenAPI.refusals(401, 403, 404, 409, 415, 422))
            }
          }
        }
        """#
    }

    private static let groupParameters = #"""
        "Topic": {
          "name": "topic",
          "in": "path",
          "required": true,
          "schema": {"type": "string", "minLength": 1, "maxLength": 249, "pattern": "^[A-Za-z0-9_.-]+$"}
        },
        "Group": {
          "name": "group",
          "in": "path",
          "required": true,
          "schema": {"type": "string", "minLength": 1, "maxLength": 255}
        }
        """#

    private static let groupSchemas = #"""
        "RecordPosition": {
          "type": "string",
          "description": "A place in a partition: the log's epoch and the sequence.",
          "pattern": "^(0|[1-9][0-9]{0,19})-(0|[1-9][0-9]{0,19})$"
        },
        "RecordPositions": {
          "type": "object",
          "description": "By the partitions' numbers: the position that is read next.",
          "propertyNames": {"type": "string", "pattern": "^(0|[1-9][0-9]{0,3})$"},
          "additionalProperties": {"$ref": "#/components/schemas/RecordPosition"}
        },
        "Groups": {
          "type": "object",
          "required": ["items"],
          "properties": {
            "items": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["topic", "group", "members", "holds_retention", "lag_records", "committed"],
                "properties": {
                  "topic": {"type": "string"},
                  "group": {"type": "string"},
                  "members": {"type": "integer", "minimum": 0},
                  "holds_retention": {
                    "type": "boolean", "description": "Whether the log keeps what the group has not committed."
                  },
                  "lag_records": {
                    "type": "integer", "minimum": 0, "description": "Records behind the commits; may be an estimate."
                  },
                  "committed": {"$ref": "#/components/schemas/RecordPositions"}
                }
              }
            }
          }
        },
        "GroupOffsets": {
          "type": "object",
          "required": ["topic", "group", "committed"],
          "properties": {
            "topic": {"type": "string"},
            "group": {"type": "string"},
            "committed": {"$ref": "#/components/schemas/RecordPositions"}
          }
        },
        "OffsetChoice": {
          "type": "object",
          "oneOf": [{"required": ["to"]}, {"required": ["time"]}, {"required": ["positions"]}],
          "properties": {
            "to": {"type": "string", "enum": ["earliest", "latest"]},
            "time": {
              "type": "string",
              "format": "date-time",
              "description": "At the first record of each partition whose time is this or later."
            },
            "positions": {
              "allOf": [{"$ref": "#/components/schemas/RecordPositions"}],
              "minProperties": 1,
              "description": "Partitions that are not named stay."
            }
          }
        }
        """#
}
