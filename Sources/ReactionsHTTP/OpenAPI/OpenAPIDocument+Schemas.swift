extension OpenAPIDocument {
    /// - Parameter targetTypes: the configured types; they hold nothing that JSON would escape.
    static func schemas(_ targetTypes: [String]) -> [String] {
        let types = targetTypes.map { "\"\($0)\"" }.joined(separator: ", ")
        return [
            #"""
            "TargetID": {
              "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[A-Za-z0-9_.:~-]+$"
            },
            "TargetType": {"type": "string", "enum": [\#(types)]}
            """#,
            requestSchemas, answerSchemas, listSchemas,
        ]
    }

    private static let requestSchemas = #"""
        "Vote": {
          "type": "object",
          "required": ["target_id", "target_type", "action"],
          "properties": {
            "target_id": {"$ref": "#/components/schemas/TargetID"},
            "target_type": {"$ref": "#/components/schemas/TargetType"},
            "action": {"type": "string", "enum": ["like", "dislike", "none"]}
          }
        },
        "VoteBatch": {
          "type": "object",
          "required": ["votes"],
          "properties": {
            "votes": {
              "type": "array", "minItems": 1, "maxItems": 1000, "items": {"$ref": "#/components/schemas/Vote"}
            }
          }
        },
        "BackupPath": {
          "type": "object",
          "required": ["path"],
          "properties": {
            "path": {
              "type": "string",
              "description": "An absolute path on the server's machine at which there is nothing yet.",
              "minLength": 1,
              "maxLength": 4096,
              "pattern": "^/"
            }
          }
        }
        """#

    private static let answerSchemas = #"""
        "State": {"type": "string", "enum": ["none", "like", "dislike"]},
        "Count": {"type": "integer", "format": "int64"},
        "Position": {
          "type": "string",
          "description": "Epoch, partition and sequence; to be handed back as it is.",
          "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$"
        },
        "Positions": {
          "type": "string",
          "description": "Positions with commas between.",
          "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+(, *[0-9]+\\.[0-9]+\\.[0-9]+)*$"
        },
        "Accepted": {
          "type": "object",
          "required": ["accepted"],
          "properties": {"accepted": {"type": "integer", "minimum": 1, "maximum": 1000}}
        },
        "Outcome": {
          "type": "object",
          "required": ["target_id", "likes", "dislikes", "user_state", "previous_state"],
          "properties": {
            "target_id": {"$ref": "#/components/schemas/TargetID"},
            "likes": {"$ref": "#/components/schemas/Count"},
            "dislikes": {"$ref": "#/components/schemas/Count"},
            "user_state": {"$ref": "#/components/schemas/State"},
            "previous_state": {"$ref": "#/components/schemas/State"}
          }
        },
        "Summary": {
          "type": "object",
          "required": ["items"],
          "properties": {
            "items": {
              "type": "object",
              "description": "By target id.",
              "propertyNames": {"$ref": "#/components/schemas/TargetID"},
              "additionalProperties": {
                "type": "object",
                "required": ["likes", "dislikes", "user_state"],
                "properties": {
                  "likes": {"$ref": "#/components/schemas/Count"},
                  "dislikes": {"$ref": "#/components/schemas/Count"},
                  "user_state": {"$ref": "#/components/schemas/State"}
                }
              }
            }
          }
        },
        "Event": {
          "type": "object",
          "description": "One event of the stream, by its fields.",
          "required": ["event", "data"],
          "properties": {
            "event": {"type": "string", "const": "counts"},
            "data": {
              "type": "string",
              "contentMediaType": "application/json",
              "contentSchema": {"$ref": "#/components/schemas/CountsEvent"}
            }
          }
        },
        "CountsEvent": {
          "type": "object",
          "required": ["target_id", "likes", "dislikes", "version"],
          "properties": {
            "target_id": {"$ref": "#/components/schemas/TargetID"},
            "likes": {"$ref": "#/components/schemas/Count"},
            "dislikes": {"$ref": "#/components/schemas/Count"},
            "version": {"type": "string", "description": "Sorts as text; never goes backwards for a target."}
          }
        },
        "Problem": {
          "type": "object",
          "required": ["type", "title", "status"],
          "properties": {
            "type": {
              "type": "string",
              "description": "What programs match on; about:blank where the status says it all. Also: \#
        outcome-unknown, not-yet-applied, storage-full, overloaded, idempotency-mismatch, idempotency-quota, \#
        invalid-cursor, group-in-use, failure-store-full."
            },
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "field": {"type": "string", "description": "The field that a 422 is about, such as votes[3].target_id."}
          }
        }
        """#

    private static let listSchemas = #"""
        "Cursor": {
          "type": ["string", "null"],
          "description": "Opaque; asks for the next page. Null at the end.",
          "pattern": "^[A-Za-z0-9_-]+$"
        },
        "MyVotes": {
          "type": "object",
          "required": ["items", "next_cursor"],
          "properties": {
            "items": {
              "type": "array",
              "maxItems": 100,
              "items": {
                "type": "object",
                "required": ["target_id", "target_type", "reaction", "at"],
                "properties": {
                  "target_id": {"$ref": "#/components/schemas/TargetID"},
                  "target_type": {"type": "string"},
                  "reaction": {"type": "string", "enum": ["like", "dislike"]},
                  "at": {"type": "string", "format": "date-time"}
                }
              }
            },
            "next_cursor": {"$ref": "#/components/schemas/Cursor"}
          }
        },
        "Voters": {
          "type": "object",
          "required": ["items", "next_cursor"],
          "properties": {
            "items": {
              "type": "array",
              "maxItems": 100,
              "items": {
                "type": "object",
                "required": ["user_id", "target_type", "reaction", "at"],
                "properties": {
                  "user_id": {"type": "string", "minLength": 1, "maxLength": 255},
                  "target_type": {"type": "string"},
                  "reaction": {"type": "string", "enum": ["like", "dislike"]},
                  "at": {"type": "string", "format": "date-time"}
                }
              }
            },
            "next_cursor": {"$ref": "#/components/schemas/Cursor"}
          }
        }
        """#
}
