#!/usr/bin/env python3
"""rows.py - ASR-5: is each row of the specification named by a test that ran and passed?

    python3 tests/evidence/rows.py [--fresh] [--results build/results] [--spec tests/spec.md] [--run tests/run.sh]

Read are the logs of the suites that tests/run.sh keeps.  A row without a test that passed fails the run, and so does a
suite that failed or left no result; with --fresh one of another commit too.  As an ordinary user the rows that only root can judge are skipped and named."""

import argparse
import os
import sys

sys.dont_write_bytecode = True
import results  # noqa: E402  (no __pycache__)


def main():
    parser = results.options(argparse.ArgumentParser(description="ASR-5."))
    parser.add_argument("--fresh", action="store_true", help="the results must be of this commit")
    options = parser.parse_args()
    spec = results.rows_of_spec(options.spec)
    suites = [suite for suite in results.read_suites(options.results, options.run) if suite.name != "rows"]
    wrong = [f"suite {suite.name}: {'it failed' if suite.present else 'no result'}"
             for suite in suites if suite.failed or not suite.present]
    if options.fresh:
        now = results.commit_now()
        wrong += [f"suite {suite.name}: of commit {suite.commit}, not {now}" for suite in suites if suite.commit != now]
    passed = results.passed_by_row(suites)
    skipped = {row for suite in suites for result in suite.results if result.outcome == "skip" for row in result.rows}
    lacking = [row for row in spec if row not in passed]
    if os.geteuid() != 0 and set(lacking) <= skipped and lacking:
        print(f"skip ASR-5  {' '.join(lacking)}: their tests were skipped  (needs root)")
        lacking = []
    wrong += [f"row {row}: no test of it ran and passed" for row in lacking]
    for words in wrong:
        print(f"FAIL ASR-5  {words}")
    if not wrong:
        tests = {result.key for one in passed.values() for result in one}
        print(f"ok   ASR-5  {len(spec)} rows, each named by one of {len(tests)} tests that ran and passed")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
