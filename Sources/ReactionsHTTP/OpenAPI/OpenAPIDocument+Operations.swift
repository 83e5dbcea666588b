internal import SpillwayHTTP

extension OpenAPIDocument {
    static var operationPaths: [String] {
        [
            backup,
            text("/healthz", "health", "Whether the process lives", "It does."),
            text(
                "/readyz", "readiness",
                "Whether it serves; 503 with the reason until log and store are open, and at the end",
                "Ready."),
            text("/metrics", "metrics", "What Prometheus scrapes", "Prometheus's text format."),
            specification,
        ]
    }

    private static var backup: String {
        #"""
        "/v1/admin/backup": {
          "post": {
            "operationId": "backup",
            "tags": ["operations"],
            "summary": "A consistent copy of the data directory, the key for tokens included, made while it serves",
            "description": "Needs a token of scope admin.",
            \#(OpenAPI.tokenNeeded),
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BackupPath"}}}
            },
            "responses": {
              "200": {
                "description": "The copy is there.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BackupPath"}}}
              },
              \#(OpenAPI.refusals(401, 403, 415, 422))
            }
          }
        }
        """#
    }

    private static func text(
        _ path: String, _ operation: String, _ summary: String, _ meaning: String
    ) -> String {
        #"""
        "\#(path)": {
          "get": {
            "operationId": "\#(operation)",
            "tags": ["operations"],
            "summary": "\#(summary)",
            \#(OpenAPI.tokenIgnored),
            "responses": {
              "200": {"description": "\#(meaning)", "content": {"text/plain": {"schema": {"type": "string"}}}},
              \#(OpenAPI.refusals())
            }
          }
        }
        """#
    }

    private static var specification: String {
        #"""
        "/openapi.json": {
          "get": {
            "operationId": "specification",
            "tags": ["operations"],
            "summary": "This document",
            \#(OpenAPI.tokenIgnored),
            "parameters": [\#(OpenAPI.parameter("IfNoneMatch"))],
            "responses": {
              "200": {
                "description": "The document.",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/CacheControl"},
                  "ETag": {"$ref": "#/components/headers/ETag"}
                },
                "content": {"application/json": {"schema": {"type": "object", "required": ["openapi", "paths"]}}}
              },
              "304": {
                "description": "The client has this document already.",
                "headers": {"ETag": {"$ref": "#/components/headers/ETag"}}
              },
              \#(OpenAPI.refusals())
            }
          }
        }
        """#
    }
}
