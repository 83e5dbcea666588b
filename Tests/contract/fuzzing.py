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

[checks]
# A position that a request presents and that is not applied in time is a 503, as the specification says.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
# Good by its schema, and yet refused: a cursor or a position that no answer gave, an idempotency key used with another body.
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 422, 429, 503]
# The tokens of this run are users': a backup is 403 whatever its path.
negative_data_rejection.expected-statuses = ["4xx", 503]
"""


def fuzz(r, world, python):
    """schemathesis"""
    tool = os.path.join(os.path.dirname(python), "schemathesis")
    if not r.check("schemathesis is there", os.access(tool, os.X_OK), tool + " is missing: scripts/setup test"):
        return
    examples = 200 if os.environ.get("SPILLWAY_SOAK") else 40
    with world.serve("--position-wait", "20ms", "--outcome-wait", "100ms", "--vote-rate-per-user", "0") as s:
        configuration = world.path("schemathesis") + ".toml"
        with open(configuration, "w") as file:
            file.write(CONFIGURATION % (s.token("fuzz"), examples))
        url = "http://127.0.0.1:%d/openapi.json" % s.port
        common = [tool, "--config-file", configuration, "run", url, "--checks", "all", "--no-color"]
        for name, options in [
            ("all but the stream", ["--exclude-path", "/v1/votes/stream"]),
            ("bad requests for the stream", ["--include-path", "/v1/votes/stream", "--mode", "negative"]),
        ]:
            done = subprocess.run(
                [*common, *options], capture_output=True, text=True, timeout=600, cwd=world.folder,
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
