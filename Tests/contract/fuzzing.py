"""schemathesis: requests made from the specification, good ones and bad ones, and every answer held to it."""

import os
import re
import subprocess

CONFIGURATION = """
headers = { Authorization = "Bearer %s" }
request-timeout = 10
continue-on-failure = true

[generation]
max-examples = %d
allow-x00 = true

[phases.coverage]
# The parser of HTTP knows no QUERY: that is a 400 before any route.
unexpected-methods = ["get", "put", "post", "delete", "options", "patch", "trace"]

[checks]
# A position that a request presents and that is not applied in time is a 503, as the specification says.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
# Good by its schema, and yet refused: a cursor or a position that no answer gave, a key used with another body, a group in use.
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 422, 429, 503]
negative_data_rejection.expected-statuses = ["4xx", 503]

[[operations]]
include-operation-id = "vote"
# The body is empty unless it was asked for, which OpenAPI has no words for; another group checks both forms.
checks.content_type_conformance.enabled = false
checks.response_schema_conformance.enabled = false
"""


def fuzz(r, world, python):
    """schemathesis"""
    tool = os.path.join(os.path.dirname(python), "schemathesis")
    if not r.check("schemathesis is there", os.access(tool, os.X_OK), tool + " is missing: scripts/setup test"):
        return
    examples = 200 if os.environ.get("SPILLWAY_SOAK") else 15
    with world.serve("--position-wait", "20ms", "--outcome-wait", "100ms", "--vote-rate-per-user", "0") as s:
        url = "http://127.0.0.1:%d/openapi.json" % s.port
        for name, token, options in [
            ("all but the stream", s.token("fuzz"), ["--exclude-path", "/v1/votes/stream"]),
            ("bad requests for the stream", s.token("fuzz"), ["--include-path", "/v1/votes/stream", "--mode", "negative"]),
            # Not the backup, which would be written to any path.
            ("an admin's", s.token("root", scope="admin"), ["--include-path-regex", "^/v1/admin/(groups|dead-letters)"]),
        ]:
            configuration = world.path("schemathesis") + ".toml"
            with open(configuration, "w") as file:
                file.write(CONFIGURATION % (token, examples))
            command = [tool, "--config-file", configuration, "run", url, "--no-color", "--phases", "examples,coverage,fuzzing"]
            done = subprocess.run(
                [*command, *options], capture_output=True, text=True, timeout=600, cwd=world.folder,
                env={key: value for key, value in os.environ.items() if not key.startswith("SPILLWAY")})
            cases = re.search(r"(\d+) generated", done.stdout)
            print("  %s: %s" % (name, "; ".join(line.strip() for line in done.stdout.splitlines() if "generated" in line)), flush=True)
            if not r.check("schemathesis, " + name, done.returncode == 0, "exit %d" % done.returncode):
                print(done.stdout[-12_000:] + done.stderr[-2_000:], flush=True)
            r.check("it did something, " + name, cases and int(cases.group(1)) > 20, done.stdout[-400:])
        r.check("the server is up", s.is_up())
        r.equal("SIGTERM", s.stop(), 0)
        log = s.log_text()
        r.check("no error in the log", " error " not in log and " critical " not in log, log[-800:])
