extension OpenAPIDocument {
    static let securitySchemes = #"""
        "securitySchemes": {
          "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Authorization: Bearer, with a token whose sub is the user (1 to 255 bytes without \#
        control characters) and whose exp lies ahead; scope admin where an operation says so. Two Authorization \#
        headers are refused with 400."
          }
        }
        """#

    static let parameters = [
        #"""
          "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "The same user and key within 24 hours answers with the first time's status, position \#
        and previous state and changes nothing more; with another body it is 422.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}
          },
          "Prefer": {
            "name": "Prefer",
            "in": "header",
            "required": false,
            "description": "RFC 7240; return=representation is the one that is known, others are passed over.",
            "schema": {"type": "string", "examples": ["return=representation"]}
          },
          "SpillwayPosition": {
            "name": "Spillway-Position",
            "in": "header",
            "required": false,
            "description": "Positions from answers to votes, with commas between: the read waits, within a \#
        bound, until they are applied, else 503.",
            "schema": {"$ref": "#/components/schemas/Positions"}
          },
          "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "required": false,
            "description": "Entity tags of answers that the client has (RFC 9110), or *.",
            "schema": {"type": "string"}
          },
          "TargetIDs": {
            "name": "target_ids",
            "in": "query",
            "required": true,
            "description": "1 to 100 ids with commas between; a repeated one counts once.",
            "style": "form",
            "explode": false,
            "schema": {
              "type": "array",
              "minItems": 1,
              "maxItems": 100,
              "items": {"$ref": "#/components/schemas/TargetID"}
            },
            "example": ["video_abc123", "comment:17"]
          },
          "TargetID": {
            "name": "id",
            "in": "path",
            "required": true,
            "schema": {"$ref": "#/components/schemas/TargetID"}
          },
          "Reaction": {
            "name": "reaction",
            "in": "query",
            "required": false,
            "schema": {"type": "string", "enum": ["like", "dislike"], "default": "like"}
          },
          "Limit": {
            "name": "limit",
            "in": "query",
            "required": false,
            "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
          },
          "Cursor": {
            "name": "cursor",
            "in": "query",
            "required": false,
            "description": "next_cursor of the page before; one that no page gave is 400.",
            "schema": {"type": "string", "pattern": "^[0-9a-f]{1,16}-[0-9a-f]{1,16}$"}
          }
        """#
    ]

    static let headers = #"""
        "headers": {
          "SpillwayPosition": {
            "description": "Where the vote stands in the log.",
            "required": true,
            "schema": {"$ref": "#/components/schemas/Position"}
          },
          "SpillwayPositions": {
            "description": "The highest position in each partition that the batch reached.",
            "required": true,
            "schema": {"$ref": "#/components/schemas/Positions"}
          },
          "PreferenceApplied": {
            "description": "Says that the body holds the outcome.",
            "schema": {"type": "string", "const": "return=representation"}
          },
          "CacheControl": {"description": "How long the answer may be kept, and by whom.", "schema": {"type": \#
        "string"}},
          "Vary": {"description": "Authorization: a token changes the answer.", "schema": {"type": "string"}},
          "ETag": {
            "description": "A strong entity tag of the body.",
            "schema": {"type": "string", "pattern": "^\"[0-9a-f]{16}\"$"}
          },
          "RetryAfter": {
            "description": "Seconds to wait before the next try.",
            "required": true,
            "schema": {"type": "integer", "minimum": 1}
          },
          "WWWAuthenticate": {
            "description": "The challenge (RFC 6750).",
            "required": true,
            "schema": {"type": "string", "pattern": "^Bearer"}
          }
        }
        """#
}
