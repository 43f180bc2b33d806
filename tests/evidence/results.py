"""results.py - what the suites left behind: which tests ran, for which rows of the specification, and what became of them.

Everything here is read from results (build/results, written by kept.sh and keep.py), nothing from the sources of the
tests.  Only which suites there ought to be is read from tests/run.sh, so that one that did not run is missed.
"""

import ast
import glob
import json
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
        self.name, self.results, self.commit, self.machine, self.code, self.when = name, [], None, "", None, ""
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
            elif match := re.match(r"machine: (.*)$", line):
                self.machine = match[1]
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


# ---- what takes longer, and is kept ----

class Figures:
    """build/results/NAME.json, as keep.py writes it, or what the repository keeps of an earlier run; or nothing."""

    def __init__(self, name, folder, kept):
        self.name, self.commit, self.when, self.figures = name, None, "", None
        for path in (os.path.join(folder, name + ".json"), os.path.join(kept, name + ".json")):
            if os.path.exists(path):
                content = json.loads(read(path))
                self.commit, self.when, self.figures = content["commit"], content["when"], content["figures"]
                break


def read_planted(folder, kept):
    """(the suite, {fault: the rest of its line}) of the planted faults that were seen."""
    suite = Suite("planted", folder)
    if not suite.present:
        suite = Suite("planted", kept)
    lines = [re.match(r"([\w-]+): (.*)$", result.name) for result in suite.results if result.outcome == "ok"]
    return suite, {match[1]: match[2] for match in lines if match}


def read_patches(folder):
    """{fault: {"Broken": what, "Row": rows, "Test": which test sees it}}."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.patch"))):
        fields = dict(re.findall(r"^(Broken|Row|Test): (.*)$", read(path), re.M))
        found[os.path.basename(path).removesuffix(".patch")] = fields
    return found


class Proof:
    """A fault, and the rows whose test failed because of it."""

    def __init__(self, kind, name, what, rows, test):
        self.kind, self.name, self.what, self.rows, self.test = kind, name, what, set(rows), test


def proofs(suites, patches, seen, mutants):
    """One for each planted fault that was seen and for each mutant of which it is known which test saw it.

    A fault shows what its own row asks, and all that the test which failed is named for."""
    rows_of_test, rows_of_suite = {}, {}
    for suite in suites:
        for result in suite.results:
            rows_of_test.setdefault(result.name, set()).update(result.rows)
            rows_of_suite.setdefault(suite.name, set()).update(result.rows)
    found = []
    for name in sorted(set(seen) & set(patches)):
        kind, _, words = patches[name]["Test"].partition(" ")
        rows = set(re.findall(ROW, patches[name]["Row"] + " " + words))
        if kind in ("unit", "process"):
            words = words.split()[-1]
            rows |= rows_of_test.get(words, set())
        rows |= rows_of_suite.get({"golden": "golden", "torture": "torture", "real": "torture_real"}.get(kind), set())
        found.append(Proof("fault", name, patches[name]["Broken"], rows, words if kind in ("unit", "process") else f"{kind} {words}"))
    for mutant in mutants:
        result = Result("", "FAIL", mutant["by"])
        what = f"{mutant['file']}:{mutant['line']}: {mutant['old']} → {mutant['new'] or 'nothing'}"
        if result.name in rows_of_test or result.name.startswith("torture in process"):
            found.append(Proof("mutant", mutant["id"], what, result.rows, result.name))
    return found


# ---- what each failing call does ----

class Cell:
    """All cases of one call, errno and process: which outcomes, how often, and where."""

    def __init__(self):
        self.outcomes, self.real, self.wrong = {}, 0, 0

    def add(self, case, code):
        lives = code == 0 or (case["promise"].startswith("lives") and not case["promise"].startswith("lives or"))
        message = "" if lives else re.sub(r"/tmp/blivet-torture-\w+/[\w-]+/", "/.../", case["message"])
        times, places = self.outcomes.get((lives, code, message), (0, set()))
        place = case["phase"] + ("" if case["subject"] == "-" else f" ({case['subject']})")
        self.outcomes[lives, code, message] = (times + 1, places | {place})

    @property
    def kind(self):
        if self.wrong:
            return "wrong"
        kinds = {lives for lives, _, _ in self.outcomes}
        return "both" if len(kinds) > 1 else "lives" if True in kinds else "stops"

    @property
    def codes(self):
        return sorted({code for lives, code, _ in self.outcomes if not lives})


def cases_of(path):
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                yield json.loads(line)


def fault_table(build):
    """({call: {process: {errno: Cell}}}, number of cases in process, in real processes).

    What a real start made of a failure that was also tried in process is as there, or wrong: it is counted only."""
    table, counts = {}, []
    for name, code in (("torture.jsonl", "code"), ("torture-real.jsonl", "exit")):
        known = {(call, process, error) for call, processes in table.items() for process, cells in processes.items()
                 for error in cells}
        counts.append(0)
        for case in cases_of(os.path.join(build, name)):
            counts[-1] += 1
            key = (case["call"], case["process"], case["errno"].rstrip("+"))
            cell = table.setdefault(key[0], {}).setdefault(key[1], {}).setdefault(key[2], Cell())
            cell.wrong += bool(case["wrong"])
            cell.real += code == "exit"
            if key not in known:
                cell.add(case, case[code])
    return table, *counts


# ---- what is left out ----

def exclusions():
    """[(what, where, reason)]: everything that somebody decided not to count or not to run."""
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, "*", "*.[ch]"))):
        for number, line in enumerate(read(path).splitlines(), 1):
            if match := re.search(r"(GCOVR_EXCL\w*|LCOV_EXCL\w*|MUTATE_OFF\w*)[ :]*(.*?)(\*/)?$", line):
                found.append((match[1], f"{os.path.relpath(path, ROOT)}:{number}", match[2].strip()))
    ignored = os.path.join(ROOT, "tests", "mutants.txt")
    for line in read(ignored).splitlines() if os.path.exists(ignored) else ():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(" ")
            found.append(("ignored mutant", name, reason.strip()))
    documents = read(os.path.join(ROOT, "tests", "process", "test_documents.py"))
    for example, reason in ast.literal_eval(re.search(r"^NOT_RUN = (\{.*?^\})", documents, re.S | re.M)[1]).items():
        found.append(("example that is not run", example, reason))
    return found


# ---- the commit ----

def commit_now():
    """As kept.sh has it; "unknown" without git."""
    done = subprocess.run(["git", "describe", "--always", "--exclude", "*", "--abbrev=12", "--dirty"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def is_same(commit, now):
    """Whether what is measured is as it was at that commit."""
    if not commit or "unknown" in (commit, now) or commit == now:
        return commit == now
    if "dirty" in commit or "dirty" in now:
        return False
    done = subprocess.run(["git", "diff", "--quiet", commit, now, "--", "core", "cli", "syscall", "faults", "fuzz", "tests/unit",
                           "tests/torture"], cwd=ROOT, capture_output=True, check=False)
    return done.returncode == 0
