"""results.py - what the suites left behind: which tests ran, for which rows of the specification, and what became of them.

Everything here is read from results (build/results, written by kept.sh and keep.py), nothing from the sources of the
tests.  Only which suites there ought to be is read from tests/run.sh, so that one that did not run is missed.
"""

import ast
import glob
import json
import os
import re
import signal
import subprocess

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
    """What became of one test: "ok", "FAIL" or "skip".  program: of CMocka's, which file of tests it is in."""

    def __init__(self, suite, outcome, words, program=""):
        self.suite, self.outcome, self.program = suite, outcome, program
        head = re.match(rf"((?:{ROW}[ ,]*)*)[:\s]*(.*)$", words)
        self.rows = re.findall(ROW, head[1])
        name, _, reason = head[2].partition("  (")
        self.name = re.sub(r"(?<!\S)/\S*/build[^/ ]*/", "", name)  # where a machine has it is nobody's business
        self.reason = reason.removesuffix(")")

    @property
    def key(self):
        return self.suite, self.program, self.name


class Suite:
    """A suite's log.  present: it ran to its end; failed: it said so, or one of its tests did.  kept: of an earlier run."""

    kept = False

    def __init__(self, name, folder):
        self.name, self.results, self.commit, self.machine, self.code, self.when = name, [], None, "", None, "not noted"
        path = os.path.join(folder, name + ".log")
        if os.path.exists(path):
            self.read(read(path))

    @property
    def present(self):
        return self.code is not None

    @property
    def failed(self):
        return bool(self.code) or any(result.outcome == "FAIL" for result in self.results)

    def read(self, text):
        running, program = None, ""  # a test of CMocka's that has begun, and its file
        for line in text.splitlines():
            if match := re.match(r"commit: (\S+)$", line):
                self.commit = match[1]
            elif match := re.match(r"machine: (.*)$", line):
                self.machine = match[1]
            elif match := re.match(r"date: (.*)$", line):
                self.when = match[1]
            elif match := re.match(r"exit: (\d+)$", line):
                self.code = int(match[1])
            elif match := re.match(r"(ok|FAIL|skip) +(.*)$", line):
                self.results.append(Result(self.name, match[1], match[2]))
            elif match := re.match(r'Command: "(?:.*/)?(\w+)"', line):
                program = match[1]
            elif match := re.match(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] (.*: \w+)$", line):
                if running and match[1] == "RUN":  # it took its program with it
                    self.results.append(Result(self.name, "FAIL", running, program))
                running = match[2] if match[1] == "RUN" else None
                if match[1] != "RUN":
                    outcome = {"OK": "ok", "FAILED": "FAIL", "SKIPPED": "skip"}[match[1]]
                    self.results.append(Result(self.name, outcome, match[2], program))
        if running:
            self.results.append(Result(self.name, "FAIL", running, program))


def read_suites(folder, run):
    """Those that the test command keeps, in order."""
    return [Suite(name, folder) for name in re.findall(r"^kept (\w+) ", read(run), re.M)]


def passed_tests(suites):
    """{key: result} of the tests that ran and passed, each time that they ran; of those that did so often, the last time."""
    failed = {result.key for suite in suites for result in suite.results if result.outcome == "FAIL"}
    return {result.key: result for suite in suites for result in suite.results
            if result.outcome == "ok" and result.key not in failed}


def passed_by_row(suites):
    """{row: [results]} of the tests that ran and passed."""
    found, passed = {}, passed_tests(suites)
    for result in (result for suite in suites for result in suite.results if result.outcome == "ok"):
        for row in result.rows if result.key in passed else ():
            found.setdefault(row, {})[result.key] = result
    return {row: list(tests.values()) for row, tests in found.items()}


# ---- what takes longer, and is kept ----

class Figures:
    """build/results/NAME.json, as keep.py writes it, or what the repository keeps of an earlier run; or nothing."""

    def __init__(self, name, folder, kept):
        self.name, self.commit, self.when, self.figures, self.kept = name, None, "", None, False
        for place in (folder, kept):
            path = os.path.join(place, name + ".json")
            if os.path.exists(path):
                content = json.loads(read(path))
                self.commit, self.when, self.figures = content["commit"], content["when"], content["figures"]
                self.kept = place == kept
                break


def lacking_conditions(one):
    """Of a file's MC/DC the conditions that lack a pair, each once.

    Earlier figures list a header's or a macro's condition for each of its instances, and count it as shown if one has the pair."""
    lacking = one["conditions"] - one["shown"]
    if len(one["missing"]) == lacking:
        return one["missing"]
    return list(dict.fromkeys(one["missing"])) if lacking else []


# ---- which faults were seen ----

def read_planted(folder, kept):
    """The suite of the planted faults; of these results a fault's are its own alone: "NAME: ROWS, seen by TEST"."""
    suite = Suite("planted", folder)
    if not suite.present:
        suite = Suite("planted", kept)
        suite.kept = True
    return suite


def read_patches(folder):
    """{fault: {"Broken": what, "Row": rows, "Test": which test sees it}}."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.patch"))):
        fields = dict(re.findall(r"^(Broken|Row|Test): (.*)$", read(path), re.M))
        found[os.path.basename(path).removesuffix(".patch")] = fields
    return found


def outcomes_of_faults(suite, patches):
    """{fault: "seen", "not seen", "skipped" or "not tried"}; not tried is one too whose row or test is another by now."""
    found = dict.fromkeys(patches, "not tried")
    for result in suite.results:
        name, _, words = result.name.partition(": ")
        if name in patches and result.outcome != "ok":
            found[name] = {"FAIL": "not seen", "skip": "skipped"}[result.outcome]
        elif name in patches and words == f"{patches[name]['Row']}, seen by {patches[name]['Test']}":
            found[name] = "seen"
    return found


class Proof:
    """A fault that was seen.  test: the key of the one that failed, of unit and process tests; aimed: the rows that it is
    planted against; rows: those that the test is named for."""

    def __init__(self, kind, name, what, said):
        self.kind, self.name, self.what, self.said = kind, name, what, said
        self.test, self.aimed, self.rows = None, set(), set()


def planted_proofs(suites, patches, outcomes):
    """One for each planted fault that was seen.  That its test passes without it must have been seen in this run too."""
    passed = passed_tests(suites)
    for name, fields in patches.items():
        if outcomes[name] != "seen":
            continue
        proof = Proof("planted", name, fields["Broken"], fields["Test"])
        kind, *words = fields["Test"].split()
        if kind in ("unit", "process"):
            proof.test = next((key for key in passed if key[0] == kind and key[2] == words[-1]
                               and (kind == "process" or key[1] in ("", words[0]))), None)
            if not proof.test:
                continue
            proof.rows = set(passed[proof.test].rows)
        proof.aimed = set(re.findall(ROW, fields["Row"]))
        yield proof


def mutant_proofs(suites, mutants):
    """One for each mutant of which it is known which unit test saw it.  What the torture saw speaks for no row."""
    passed = {(result.name, tuple(result.rows)): result for result in passed_tests(suites).values() if result.suite == "unit"}
    for mutant in mutants:
        by = Result("unit", "FAIL", mutant.get("by") or "")
        test = passed.get((by.name, tuple(by.rows)))
        if test and mutant["verdict"] != "survived":
            proof = Proof("mutant", mutant["id"], "", "")
            proof.what = f"{mutant['file']}:{mutant['line']}: {mutant['old']} → {mutant['new'] or 'nothing'}"
            proof.what += f", in {mutant['text']}" if mutant.get("text") else ""
            proof.test, proof.rows = test.key, set(test.rows)
            yield proof


# ---- what each failing call does ----

ADDITIONS = {"leaving the pidfile": "a pidfile that names a process that has ended may stay", "leaving the daemon": "the daemon may stay, where no signal reaches it",
             "leaving the leader": "the session leader may stay, as a zombie", "leaving the signal": "a signal's disposition may not be put back",
             "saying less": "the reason may not be told", "saying nothing": "no message may be heard",
             "on /dev/null": "a standard descriptor may become /dev/null"}


class Outcome:
    """What a start made of a failure.  word: "goes on", an exit code, or how a killed process ended."""

    def __init__(self, case):
        self.code = case["code"] if "code" in case else case["exit"]
        self.once = not case.get("persists", case["errno"].endswith("+"))
        self.real, self.kill = "exit" in case, case["errno"].startswith("KILL")
        promise = case["promise"] or "none"
        self.additions = re.findall("|".join(ADDITIONS), re.search(r"((?:, (?:leaving the|saying|on) [a-z/]+)*)$", promise)[1])
        stops = re.search(r"stops (\d+)", promise)
        self.lives = not self.kill and promise.startswith("lives") and not (stops and int(stops[1]) == self.code)
        message = re.sub(r"/tmp/blivet-torture-\w+/[\w-]+/", "/.../", case["message"])
        message = re.sub(r"^(daemonize|library): |; try 'daemonize --help'$", "", message)
        self.message = "" if self.lives else message
        self.place = case["phase"] + ("" if case["subject"] == "-" else f" ({case['subject']})")

    @property
    def word(self):
        if self.kill and self.code == 0:
            return "0, ready before"
        if self.code < 0:
            return f"{signal.Signals(-self.code).name} ends it"
        return "goes on" if self.lives else str(self.code)


class Cell:
    """All cases of one call, errno and process: {(word, message, additions): {"once": places, "for good": places}}; places
    are one for each case in process.  Of real starts that end as some in process do only the number is kept."""

    def __init__(self):
        self.lines, self.real, self.wrong, self.in_process = {}, {}, 0, set()

    def add(self, case):
        outcome = Outcome(case)
        self.wrong += bool(case["wrong"])
        if not outcome.real:
            self.in_process.add(outcome.word)
        else:
            self.real[outcome.word] = self.real.get(outcome.word, 0) + 1
            if outcome.word in self.in_process:
                return
        line = self.lines.setdefault((outcome.word, outcome.message, tuple(outcome.additions)), {"once": [], "for good": []})
        line["once" if outcome.once else "for good"].append(outcome.place)

    @property
    def words(self):
        """Exit codes first."""
        words = {word for word, _, _ in self.lines}
        return sorted((word for word in words if word.isdigit()), key=int) + sorted(word for word in words if not word.isdigit())

    @property
    def lives(self):
        return self.words == ["goes on"]

    @property
    def additions(self):
        return {words for _, _, additions in self.lines for words in additions}

    @property
    def kind(self):
        if self.wrong:
            return "wrong"
        good = {word in ("goes on", "0, ready before") for word in self.words}
        return "both" if len(good) > 1 else "lives" if True in good else "stops"


def cases_of(path):
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                yield json.loads(line)


class FaultTable:
    """{call: {process: {errno: Cell}}} of all records, and how many there are of each kind."""

    def __init__(self, build):
        self.calls, self.in_process, self.lived, self.real, self.killed, self.leaving = {}, 0, 0, 0, 0, 0
        for case in (*cases_of(os.path.join(build, "torture.jsonl")), *cases_of(os.path.join(build, "torture-real.jsonl"))):
            outcome = Outcome(case)
            self.in_process += not outcome.real
            self.lived += not outcome.real and outcome.lives
            self.real += outcome.real
            self.killed += outcome.kill
            self.leaving += bool(outcome.additions)
            error = case["errno"].rstrip("+").replace("EWOULDBLOCK", "EAGAIN")  # one number, and each manual page has its own name
            processes = self.calls.setdefault(case["call"], {})
            processes.setdefault(case["process"], {}).setdefault(error, Cell()).add(case)

    def cells(self):
        """(call, process, errno, cell) of all."""
        for call, processes in sorted(self.calls.items()):
            for process, cells in sorted(processes.items()):
                for error, cell in sorted(cells.items()):
                    yield call, process, error, cell


# ---- what is left out ----

def exclusions():
    """[(what, where, reason)]: everything that somebody decided not to count or not to run."""
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, "*", "*.[ch]"))):
        for number, line in enumerate(read(path).splitlines(), 1):
            if match := re.search(r"(GCOVR_EXCL\w*|LCOV_EXCL\w*|MUTATE_OFF\w*)[ :]*(.*?)(\*/)?$", line):
                found.append((match[1], f"{os.path.relpath(path, ROOT)}:{number}", match[2].strip()))
    documents = read(os.path.join(ROOT, "tests", "process", "test_documents.py"))
    for example, reason in ast.literal_eval(re.search(r"^NOT_RUN = (\{.*?^\})", documents, re.S | re.M)[1]).items():
        found.append(("example that is not run", example, reason))
    return found


def ignored_mutants():
    """{id: (what is changed, reason)} of those that no test can kill."""
    path = os.path.join(ROOT, "tests", "mutants.txt")
    lines = [line for line in read(path).splitlines() if line.strip() and not line.startswith("#")] if os.path.exists(path) else []
    words = [line.partition(" ") for line in lines]
    return {name: (rest.rpartition(": ")[0], rest.rpartition(": ")[2]) for name, _, rest in words}


def product_files(ending):
    return sorted(os.path.relpath(path, ROOT) for folder in ("core", "cli", "syscall")
                  for path in glob.glob(os.path.join(ROOT, folder, "*" + ending)))


def model_words():
    """(what the model leaves out, {name of a promise: what it says}), both as tests/model/start.pml has them."""
    model = read(os.path.join(ROOT, "tests", "model", "start.pml"))
    one_line = re.sub(r"\n \* ?", " ", model)
    lacking = re.search(r"Not modelled: (.*?)\s*\*/", one_line)
    return lacking[1] if lacking else "", {name: words for words, name in
                                           re.findall(r"/\* ([^*/]*) \*/\n(?:#define [^\n]*\n)?ltl (\w+)", one_line)}


def calls_killed_at_only(suites):
    """What the torture of real processes says of the calls that it makes fail in no way."""
    names = [result.name for suite in suites if suite.name == "torture_real" for result in suite.results]
    found = [re.match(r"torture for real (as \w+): .*?(\d+ calls that cannot fail, [^;]*)", name) for name in names]
    return [f"{match[1]}, {match[2]}" for match in found if match]


# ---- the commit ----

def commit_now():
    """As kept.sh has it; "unknown" without git."""
    done = subprocess.run(["git", "describe", "--always", "--exclude", "*", "--abbrev=12", "--dirty"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


PRODUCT = ["core", "cli", "syscall", "faults", "CMakeLists.txt"]
DEPENDS = {"coverage": [*PRODUCT, "fuzz", "tests/unit", "tests/torture", "tests/process", "tests/CMakeLists.txt", "tests/coverage.sh", "tests/coverage.c"],
           "mcdc": [*PRODUCT, "tests/unit", "tests/torture", "tests/mcdc.sh"],
           "mutation": [*PRODUCT, "tests/unit", "tests/torture", "tests/mutate.py", "tests/mutation.mk", "tests/mutation.sh"],
           "fuzz": [*PRODUCT, "fuzz", ":!fuzz/corpus"],
           "planted": [*PRODUCT, "fuzz", "README.md", "tests", ":!tests/bench", ":!tests/evidence/kept"]}


def changed_since(name, commit, now):
    """The files on which these figures depend and which are others by now; None where that cannot be told.

    Which mutants are listed is looked up when the page is made, and what fuzzing kept came of the run itself."""
    if commit == now:
        return []
    if not commit or "unknown" in (commit, now):
        return None
    at = [words.removesuffix("-dirty") for words in (commit, now)]
    done = subprocess.run(["git", "diff", "--name-only", *at, "--", *DEPENDS[name]], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0 or "dirty" in commit:
        return None
    return done.stdout.split() + ["what no commit has yet"] * ("dirty" in now)
