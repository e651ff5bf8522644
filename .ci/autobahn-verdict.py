"""Reads what wstest reported and ends with 1 unless every expected case was run and none failed.

autobahn-verdict.py REPORT_FOLDER AGENT EXPECTED_CASES|some. Runs under Python 2.7 and 3.
"""
from __future__ import print_function

import collections
import json
import os
import sys

PASSED = ("OK", "NON-STRICT", "INFORMATIONAL")


def main(folder, agent, expected):
    with open(os.path.join(folder, "index.json")) as file:
        cases = json.load(file)[agent]
    failed = {
        name: case
        for name, case in cases.items()
        if case["behavior"] not in PASSED or case["behaviorClose"] not in PASSED
    }
    for name in sorted(failed, key=lambda name: [int(part) for part in name.split(".")]):
        case = failed[name]
        with open(os.path.join(folder, case["reportfile"])) as file:
            report = json.load(file)
        print("case %s: %s, close: %s" % (name, case["behavior"], case["behaviorClose"]))
        for key in ("description", "expectation", "result", "resultClose"):
            print("    %s: %s" % (key, report.get(key)))
    tally = collections.Counter(case["behavior"] for case in cases.values())
    counts = ", ".join("%d %s" % (tally[name], name) for name in sorted(tally))
    wrong_count = not cases if expected == "some" else len(cases) != int(expected)
    if wrong_count:
        print("%s cases were expected: the suite did not run whole" % expected)
    verdict = "failed" if failed or wrong_count else "passed"
    print("autobahn: %s: %d cases: %s; %d failed" % (verdict, len(cases), counts, len(failed)))
    return 1 if failed or wrong_count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
