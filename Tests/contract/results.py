"""Counts what holds, and prints what does not."""

import traceback


class Results:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, name, holds, detail=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            text = detail() if callable(detail) else detail
            print("  FAILED: %s: %s" % (name, str(text)[:600]), flush=True)
        return bool(holds)

    def equal(self, name, found, wanted):
        return self.check(name, found == wanted, "found %r, wanted %r" % (found, wanted))

    def answer(self, name, answer, status, field=None, kind=None):
        """A refusal of this status is a problem, with all that belongs to its status."""
        if not self.check(name, answer.status == status, answer):
            return answer
        if status >= 400:
            self.check(name + ": is a problem", answer.is_problem(), answer)
            if status in (429, 503):
                self.check(name + ": Retry-After", (answer["Retry-After"] or "").isdigit() and int(answer["Retry-After"]) >= 1, answer)
            if status == 401:
                self.check(name + ": WWW-Authenticate", (answer["WWW-Authenticate"] or "").startswith("Bearer"), answer)
            if status == 405:
                self.check(name + ": Allow", answer["Allow"], answer)
        if field is not None:
            self.check(name + ": names " + field, field in answer.json().get("detail", ""), answer)
        if kind is not None:
            self.equal(name + ": type", answer.json().get("type"), kind)
        return answer

    def section(self, function, *arguments):
        """Runs one group of checks; an exception is a failure and does not end the others."""
        name = (function.__doc__ or function.__name__).strip().split("\n")[0]
        before = (self.passed, self.failed)
        try:
            function(self, *arguments)
        except Exception:  # noqa: BLE001 - a broken check must not look like one that passed
            self.failed += 1
            print("  FAILED: %s broke off:\n%s" % (name, traceback.format_exc()), flush=True)
        print("%s: %d passed, %d failed" % (name, self.passed - before[0], self.failed - before[1]), flush=True)
