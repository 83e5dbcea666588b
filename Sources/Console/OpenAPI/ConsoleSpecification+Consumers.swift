internal import SpillwayHTTP

extension ConsoleSpecification {
    static var consumers: OpenAPIFragment {
        OpenAPIFragment(
            tags: [#"{"name": "consumers", "description": "Consumers of this process; for tokens of scope admin."}"#],
            paths: [consumersPath, consumerPath, settingsPath, historyPath, seekPath], parameters: [consumerParameters],
            responses: [], schemas: [consumerSchemas, settingsSchemas])
    }

    private static var consumersPath: String {
        #"""
        "/v1/admin/consumers": {
          "get": {
            "operationId": "consumers",
            "tags": ["consumers"],
            "summary": "How each consumer stands: windows, what holds commits back, the longest lanes, hot keys",
            \#(OpenAPI.tokenNeeded),
            "responses": {
              \#(answer("The consumers.", "Consumers")),
              \#(OpenAPI.refusals(401, 403))
            }
          }
        }
        """#
    }

    private static var consumerPath: String {
        #"""
        "/v1/admin/consumers/{id}": {
          "get": {
            "operationId": "consumer",
            "tags": ["consumers"],
            "summary": "How one consumer stands",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("ConsumerId"))],
            "responses": {
              \#(answer("The consumer.", "Consumer")),
              \#(OpenAPI.refusals(401, 403, 404))
            }
          }
        }
        """#
    }

    private static var settingsPath: String {
        #"""
        "/v1/admin/consumers/{id}/settings": {
          "get": {
            "operationId": "consumerSettings",
            "tags": ["consumers"],
            "summary": "What operators have set; what is not there is as the program configured it",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("ConsumerId"))],
            "responses": {
              \#(answer("The settings, and the revision to make a change from.", "RevisedSettings")),
              \#(OpenAPI.refusals(401, 403, 404))
            }
          },
          "put": {
            "operationId": "setConsumerSettings",
            "tags": ["consumers"],
            "summary": "Replace the settings, while records flow",
            "description": "They are checked, stored with who changed them and when, and then take hold. \#
        Without a revision the change is made from the present one.",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("ConsumerId"))],
            \#(body("SettingsChange")),
            "responses": {
              \#(answer("Set, durably.", "RevisedSettings")),
              \#(OpenAPI.refusals(401, 403, 404, 409, 415, 422))
            }
          }
        }
        """#
    }

    private static var historyPath: String {
        #"""
        "/v1/admin/consumers/{id}/settings/history": {
          "get": {
            "operationId": "consumerSettingsHistory",
            "tags": ["consumers"],
            "summary": "Who changed the settings, when, and to what, newest first",
            \#(OpenAPI.tokenNeeded),
            "parameters": [
              \#(OpenAPI.parameter("ConsumerId")),
              {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}}
            ],
            "responses": {
              \#(answer("The changes.", "SettingsHistory")),
              \#(OpenAPI.refusals(401, 403, 404, 422))
            }
          }
        }
        """#
    }

    private static var seekPath: String {
        #"""
        "/v1/admin/consumers/{id}/seek": {
          "post": {
            "operationId": "seekConsumer",
            "tags": ["consumers"],
            "summary": "Go on at another place, before or behind the present one, in the partitions that it owns",
            \#(OpenAPI.tokenNeeded),
            "parameters": [\#(OpenAPI.parameter("ConsumerId"))],
            \#(body("OffsetChoice")),
            "responses": {
              \#(done("What runs ends, what waits is forgotten; then the new place is committed.")),
              \#(OpenAPI.refusals(401, 403, 404, 409, 415, 422))
            }
          }
        }
        """#
    }

    private static let consumerParameters = #"""
        "ConsumerId": {
          "name": "id",
          "in": "path",
          "required": true,
          "schema": {"type": "string", "minLength": 1, "maxLength": 255}
        }
        """#

    private static let consumerSchemas = #"""
        "Consumers": {
          "type": "object",
          "required": ["items"],
          "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Consumer"}}}
        },
        "RecordState": {"type": "string", "enum": ["waiting", "running", "retrying", "moving"]},
        "Consumer": {
          "type": "object",
          "required": [
            "id", "group", "topic", "processor", "is_running", "is_paused", "is_intake_paused", "settings_revision",
            "in_flight_records", "in_flight_bytes", "running_records", "held_keys", "is_side_queue_full", "move_tokens",
            "partitions", "longest_lanes", "hot_keys"
          ],
          "properties": {
            "id": {"type": "string"},
            "group": {"type": "string"},
            "topic": {"type": "string"},
            "processor": {"type": "string"},
            "is_running": {"type": "boolean"},
            "is_paused": {"type": "boolean", "description": "By an operator."},
            "is_intake_paused": {"type": "boolean", "description": "It is at a limit of what may be in flight."},
            "settings_revision": {"type": "integer", "minimum": 0},
            "in_flight_records": {"type": "integer", "minimum": 0},
            "in_flight_bytes": {"type": "integer", "minimum": 0},
            "running_records": {"type": "integer", "minimum": 0},
            "held_keys": {"type": "integer", "minimum": 0, "description": "Keys that wait in the side queue."},
            "is_side_queue_full": {"type": "boolean"},
            "move_tokens": {"type": "number", "description": "Failed records that may be moved away now."},
            "partitions": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["partition", "next", "window", "records", "is_paused"],
                "properties": {
                  "partition": {"type": "integer", "minimum": 0},
                  "next": {"$ref": "#/components/schemas/RecordPosition"},
                  "window": {"type": "integer", "minimum": 0},
                  "records": {"type": "integer", "minimum": 0},
                  "is_paused": {"type": "boolean"},
                  "blocked_by": {
                    "type": "object",
                    "description": "The record that holds the commit back.",
                    "required": ["attempts", "for_seconds", "state"],
                    "properties": {
                      "position": {"$ref": "#/components/schemas/RecordPosition"},
                      "key": {"type": "string"},
                      "attempts": {"type": "integer", "minimum": 0},
                      "for_seconds": {"type": "number", "minimum": 0},
                      "state": {"$ref": "#/components/schemas/RecordState"}
                    }
                  }
                }
              }
            },
            "longest_lanes": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["partition", "key", "records", "is_hot", "state"],
                "properties": {
                  "partition": {"type": "integer", "minimum": 0},
                  "key": {"type": "string"},
                  "records": {"type": "integer", "minimum": 1},
                  "is_hot": {"type": "boolean"},
                  "state": {"$ref": "#/components/schemas/RecordState"}
                }
              }
            },
            "hot_keys": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["partition", "key", "share", "for_seconds"],
                "properties": {
                  "partition": {"type": "integer", "minimum": 0},
                  "key": {"type": "string"},
                  "share": {"type": "number", "minimum": 0, "maximum": 1},
                  "for_seconds": {"type": "number", "minimum": 0}
                }
              }
            }
          }
        }
        """#

    private static let settingsSchemas = #"""
        "ConsumerSettings": {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "is_paused": {"type": "boolean"},
            "processor": {"type": "string"},
            "topic": {"type": "string"},
            "concurrency": {"type": "integer", "minimum": 1, "maximum": 4096},
            "max_batch_records": {"type": "integer", "minimum": 1},
            "max_batch_bytes": {"type": "integer", "minimum": 1},
            "max_batch_delay_ms": {"type": "integer", "minimum": 0, "maximum": 3600000},
            "records_per_second": {"type": "number", "minimum": 0.001, "maximum": 1000000000000},
            "bytes_per_second": {"type": "number", "minimum": 0.001, "maximum": 1000000000000},
            "hot_key_share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            "hot_key_workers": {"type": "integer", "minimum": 1, "maximum": 4096},
            "max_attempts": {"type": "integer", "minimum": 1},
            "commit_interval_ms": {"type": "integer", "minimum": 1, "maximum": 600000},
            "max_uncommitted_records": {"type": "integer", "minimum": 1},
            "last_seek": {"type": "string", "description": "Where it was last told to go on; for the history."}
          }
        },
        "RevisedSettings": {
          "type": "object",
          "required": ["revision", "settings"],
          "properties": {
            "revision": {"type": "integer", "minimum": 0},
            "settings": {"$ref": "#/components/schemas/ConsumerSettings"}
          }
        },
        "SettingsChange": {
          "type": "object",
          "required": ["settings"],
          "properties": {
            "revision": {"type": "integer", "minimum": 0, "description": "409 if it is no longer the present one."},
            "settings": {"$ref": "#/components/schemas/ConsumerSettings"}
          }
        },
        "SettingsHistory": {
          "type": "object",
          "required": ["items"],
          "properties": {
            "items": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["revision", "author", "at", "settings"],
                "properties": {
                  "revision": {"type": "integer", "minimum": 1},
                  "author": {"type": "string"},
                  "at": {"type": "string", "format": "date-time"},
                  "settings": {"$ref": "#/components/schemas/ConsumerSettings"}
                }
              }
            }
          }
        }
        """#
}
