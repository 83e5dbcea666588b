"""Judges a report of Swift Testing (xUnit) and prints the runner's closing line.

judge-report.py NAME STATUS REPORT TARGET…: exit status 0 only if tests ran, none failed, the run itself ended well, and
each of the targets had at least one test run. A filter that matches nothing makes `swift test` exit with 0.
"""

import collections
import os
import sys
import xml.etree.ElementTree as ElementTree


def counts(report):
    """How many tests each target ran, and which failed."""
    ran = collections.Counter()
    failed = []
    if os.path.exists(report):
        for case in ElementTree.parse(report).iter("testcase"):
            if case.find("skipped") is not None:
                continue
            ran[case.get("classname", "").split(".")[0]] += 1
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(f"{case.get('classname')}/{case.get('name')}")
    return ran, failed


def main():
    name, status, report, targets = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    ran, failed = counts(report)
    problems = [f"failed: {test}" for test in failed]
    problems += [f"no test of {target} ran" for target in targets if not ran[target]]
    total = sum(ran.values())
    if not total:
        problems.append("no test ran")
    if status and not failed:
        problems.append("not done in time" if status in (124, 137) else f"exit status {status}")
    for problem in problems:
        print(f"{name}: {problem}", file=sys.stderr)
    wrong = max(len(failed), 1 if problems else 0)
    mark = f"  ← FAILED: {problems[0]}" if problems else ""
    print(f"{name}: {total - len(failed)} passed, {wrong} failed{mark}")
    sys.exit(1 if problems else 0)


main()
