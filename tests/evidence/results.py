"""results.py - what the suites left behind: which tests ran, for which rows of the specification, and what became of them.

Everything here is read from results (build/results, written by kept.sh and keep.py), nothing from the sources of the
tests.  Only which suites there ought to be is read from tests/run.sh, so that one that did not run is missed.
"""

import os
import re
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ROW = r"[A-Z]{3}-\d+"


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def options(parser):
    """What each of the scripts here reads."""
    parser.add_argument("--results", default=os.path.join(ROOT, "build", "results"), help="the logs of the suites")
    parser.add_argument("--spec", default=os.path.join(ROOT, "tests", "spec.md"))
    parser.add_argument("--run", default=os.path.join(ROOT, "tests", "run.sh"), help="names the suites that there ought to be")
    return parser


# ---- the specification ----

def rows_of_spec(path):
    """{id: (section, text)}, in order; a row that says that it is removed asks for nothing."""
    section, found = "", {}
    for line in read(path).splitlines():
        if line.startswith("## "):
            section = line[3:]
        match = re.match(rf"\| ({ROW}) \| (.*) \|$", line)
        if match and not re.match(r"\W*removed\b", match[2], re.I):
            found[match[1]] = (section, match[2].replace("\\|", "|"))
    return found


# ---- the suites of the test command ----

class Result:
    """What became of one test: "ok", "FAIL" or "skip"."""

    def __init__(self, suite, outcome, words):
        self.suite, self.outcome = suite, outcome
        head = re.match(rf"((?:{ROW}[ ,]*)*)[:\s]*(.*)$", words)
        self.rows = re.findall(ROW, head[1])
        self.name, _, reason = head[2].partition("  (")
        self.reason = reason.removesuffix(")")


class Suite:
    """A suite's log.  present: it ran to its end; failed: it said so, or one of its tests did."""

    def __init__(self, name, folder):
        self.name, self.results, self.commit, self.code, self.when = name, [], None, None, None
        path = os.path.join(folder, name + ".log")
        if os.path.exists(path):
            self.when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(os.path.getmtime(path)))
            self.read(read(path))

    @property
    def present(self):
        return self.code is not None

    @property
    def failed(self):
        return bool(self.code) or any(result.outcome == "FAIL" for result in self.results)

    def read(self, text):
        running = None  # a test of CMocka's that has begun
        for line in text.splitlines():
            if match := re.match(r"commit: (\S+)$", line):
                self.commit = match[1]
            elif match := re.match(r"exit: (\d+)$", line):
                self.code = int(match[1])
            elif match := re.match(r"(ok|FAIL|skip) +(.*)$", line):
                self.results.append(Result(self.name, match[1], match[2]))
            elif match := re.match(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] (.*: \w+)$", line):
                if running and match[1] == "RUN":  # it took its program with it
                    self.results.append(Result(self.name, "FAIL", running))
                running = match[2] if match[1] == "RUN" else None
                if match[1] != "RUN":
                    outcome = {"OK": "ok", "FAILED": "FAIL", "SKIPPED": "skip"}[match[1]]
                    self.results.append(Result(self.name, outcome, match[2]))
        if running:
            self.results.append(Result(self.name, "FAIL", running))


def read_suites(folder, run):
    """Those that the test command keeps, in order."""
    return [Suite(name, folder) for name in re.findall(r"^kept (\w+) ", read(run), re.M)]


def passed_by_row(suites):
    """{row: [results]} of the tests that ran and passed."""
    found = {}
    for suite in suites:
        failed = {result.name for result in suite.results if result.outcome == "FAIL"}
        for result in suite.results:
            for row in result.rows if result.outcome == "ok" and result.name not in failed else ():
                found.setdefault(row, []).append(result)
    return found


# ---- the commit ----

def commit_now():
    """As kept.sh has it; "unknown" without git."""
    done = subprocess.run(["git", "describe", "--always", "--exclude", "*", "--abbrev=12", "--dirty"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
