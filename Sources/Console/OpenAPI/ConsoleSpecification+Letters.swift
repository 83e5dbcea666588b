extension ConsoleSpecification {
    private static let names = #""id", "group", "source", "topic", "partition", "position", "key", "key_base64""#
    private static let facts = #""reason", "attempts", "failed_at", "value_bytes""#

    static let letterSchemas = #"""
        "DeadLetterID": {
          "type": "string",
          "description": "Names group, partition and position; opaque.",
          "minLength": 1,
          "maxLength": 1200,
          "pattern": "^[A-Za-z0-9_-]+$"
        },
        "Text": {"type": ["string", "null"], "description": "Null where there is none, or where it is not UTF-8."},
        "Bytes": {"type": ["string", "null"], "contentEncoding": "base64", "description": "Null where there is none."},
        "DeadLetters": {
          "type": "object",
          "required": ["items", "next_cursor"],
          "properties": {
            "items": {"type": "array", "maxItems": 100, "items": {"$ref": "#/components/schemas/DeadLetter"}},
            "next_cursor": {"$ref": "#/components/schemas/NextDeadLetters"}
          }
        },
        "DeadLetter": {
          "type": "object",
          "required": [\#(names), \#(facts)],
          "properties": {
            "id": {"$ref": "#/components/schemas/DeadLetterID"},
            "group": {"type": "string"},
            "source": {"type": "string"},
            "topic": {"type": "string"},
            "partition": {"type": "integer", "minimum": 0},
            "position": {"$ref": "#/components/schemas/RecordPosition"},
            "key": {"$ref": "#/components/schemas/Text"},
            "key_base64": {"$ref": "#/components/schemas/Bytes"},
            "reason": {"type": "string"},
            "attempts": {"type": "integer", "minimum": 1},
            "failed_at": {"type": "string", "format": "date-time"},
            "value_bytes": {"type": ["integer", "null"], "minimum": 0, "description": "Null for a tombstone."}
          }
        },
        "WholeDeadLetter": {
          "allOf": [{"$ref": "#/components/schemas/DeadLetter"}],
          "type": "object",
          "required": ["timestamp", "headers", "value", "value_base64"],
          "properties": {
            "timestamp": {"type": "string", "format": "date-time"},
            "headers": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["name", "value", "value_base64"],
                "properties": {
                  "name": {"type": "string"},
                  "value": {"$ref": "#/components/schemas/Text"},
                  "value_base64": {"$ref": "#/components/schemas/Bytes"}
                }
              }
            },
            "value": {"$ref": "#/components/schemas/Text"},
            "value_base64": {"$ref": "#/components/schemas/Bytes"}
          }
        }
        """#
}
