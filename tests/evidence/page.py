#!/usr/bin/env python3
"""page.py - makes the page that says what is proved, by what, and what is not, of the results that are there.

    python3 tests/evidence/page.py [--results build/results] [--build build] [--spec FILE] [--run FILE] [--kept FOLDER]
        [PAGE]                                                      default: build/evidence.html

One file, nothing fetched; its one script opens what is folded before it is printed.  Exit status 1: the page is red, that
is a row has no test that passed, or a suite failed, left no result, or has one of another commit.  tests/evidence.sh
runs what has to run before."""

import argparse
import os
import re
import sys
import time

sys.dont_write_bytecode = True
import results  # noqa: E402  (no __pycache__)
from pieces import bar, code, count, heading, listed, marked, number, share, table, tag, text  # noqa: E402

PROCESSES = {"launcher": "launcher", "leader": "session leader", "daemon": "daemon", "foreground": "foreground mode"}
HEAVY = {"coverage": "sh tests/coverage.sh", "mcdc": "sh tests/mcdc.sh", "mutation": "sh tests/mutation.sh",
         "fuzz": "sh fuzz/run.sh SECONDS", "planted": "sh tests/planted/run.sh"}
NAMES = {"coverage": "coverage", "mcdc": "MC/DC", "mutation": "mutants", "fuzz": "fuzzing", "planted": "planted faults"}


# ---- what is known ----

class Evidence:
    """All that was found, and what follows from it."""

    def __init__(self, options):
        self.now = results.commit_now()
        self.spec = results.rows_of_spec(options.spec)
        self.suites = results.read_suites(options.results, options.run)
        self.passed = results.passed_by_row(self.suites)
        self.heavy = {name: results.Figures(name, options.results, options.kept) for name in HEAVY if name != "planted"}
        self.read_faults(options)
        self.table = results.FaultTable(options.build)
        self.states = {row: self.state_of(row) for row in self.spec}
        commits = {name: figures.commit for name, figures in self.heavy.items()} | {"planted": self.planted.commit}
        self.changed = {name: results.changed_since(name, commit, self.now) for name, commit in commits.items()}

    def read_faults(self, options):
        """Which faults are aimed at a row, and which have been seen to make a test fail."""
        self.patches = results.read_patches(options.planted)
        self.planted = results.read_planted(options.results, options.kept)
        self.outcomes = results.outcomes_of_faults(self.planted, self.patches)
        mutants = (self.figures("mutation") or {}).get("mutants", [])
        self.ignored = results.ignored_mutants()
        self.survivors = [mutant for mutant in mutants if mutant["verdict"] == "survived"]
        self.aimed, self.faults_of_test, self.shared = {}, {}, set()
        for proof in (*results.planted_proofs(self.suites, self.patches, self.outcomes), *results.mutant_proofs(self.suites, mutants)):
            self.shared |= proof.rows
            for row in proof.aimed:
                self.aimed.setdefault(row, []).append(proof)
            if proof.test:
                self.faults_of_test.setdefault(proof.test, []).append(proof)

    def figures(self, name):
        return self.heavy[name].figures

    def state_of(self, row):
        if row not in self.passed:
            return "bad"
        return "good" if row in self.aimed else "shared" if row in self.shared else "unseen"

    def rows_that_are(self, *states):
        return [row for row in self.spec if self.states[row] in states]

    def faults_that_are(self, outcome):
        return [name for name, one in self.outcomes.items() if one == outcome]

    def tests_of(self, suite):
        """(those that passed and name rows, those of them that were seen to fail)."""
        passed = {result.key for tests in self.passed.values() for result in tests if result.suite == suite}
        return len(passed), len(passed & set(self.faults_of_test))

    @property
    def skipped(self):
        return [result for suite in self.suites for result in suite.results if result.outcome == "skip"]

    def suite(self, name):
        return next((suite for suite in self.suites if suite.name == name and suite.present), None)

    def age(self, name):
        """What the page says of figures that are not of this code; "" if they are."""
        commit = self.planted.commit if name == "planted" else self.heavy[name].commit
        changed = self.changed[name]
        if changed == []:
            return ""
        if changed is None:
            return f"of commit {commit}; what has changed since cannot be told"
        return f"of commit {commit}; {count(len(changed), 'file')} they depend on changed since"

    @property
    def wrong(self):
        """What makes the page red."""
        found = [f"row {row}: no test of it ran and passed" for row in self.rows_that_are("bad")]
        for suite in self.suites:
            if not suite.present:
                found.append(f"suite {suite.name}: no result")
            elif suite.failed:
                found.append(f"suite {suite.name}: it failed")
        if old := [suite for suite in self.suites if suite.present and suite.commit != self.now]:
            found.append(f"suite {', '.join(suite.name for suite in old)}: the result is of commit {old[0].commit}, not of {self.now}")
        if self.planted.failed:
            found.append("planted faults: one was not seen")
        return found + [f"{call}, {process}, {error}: a case is not as promised" for call, process, error, cell in self.table.cells()
                        if cell.wrong]

    @property
    def open(self):
        """What keeps the page from being green: (where on the page, words)."""
        found = []
        if unshown := self.rows_that_are("shared", "unseen"):
            found.append(("rows", f"{count(len(unshown), 'row')} passed, and no fault aimed at it was seen"))
        for name in HEAVY:
            there = self.planted.present if name == "planted" else self.figures(name)
            if not there or self.age(name):
                found.append((name, f"{NAMES[name]}: {self.age(name) if there else 'not run'}"))
        return found

    @property
    def verdict(self):
        return "bad" if self.wrong else "half" if self.open else "good"


# ---- the head ----

def sentences(evidence):
    """What is proved, by what, and what is not."""
    good, shared, unseen = (len(evidence.rows_that_are(state)) for state in ("good", "shared", "unseen"))
    units, units_failed = evidence.tests_of("unit")
    processes, processes_failed = evidence.tests_of("process")
    naming = {result.key for tests in evidence.passed.values() for result in tests if result.suite != "rows"}  # as rows.py counts
    known = evidence.table
    less = (f" Of {shared} only a test that they share was seen to fail, from another fault or a mutant." * bool(shared)
            + f" Of {unseen} no test was seen to fail." * bool(unseen))
    return [
        f"<b>Proved:</b> {good + shared + unseen} of {len(evidence.spec)} rows of the specification have a test that ran and passed. "
        f"{good} of them are proved: a fault planted against that very row was seen.{less}",
        f"<b>By what:</b> {count(len(naming), 'test')} that name rows, in {count(len({suite for suite, _, _ in naming}), 'suite')}. Of "
        f"{count(units, 'unit test')} {units_failed} were seen to fail, of {count(processes, 'process test')} {processes_failed}; of the others "
        f"it is known only that they pass.",
        f"<b>Failing calls:</b> {count(known.in_process, 'failure')} of one call in process, of which {number(known.lived)} may be lived through, and are; "
        f"{count(known.real, 'start')} of real processes, {number(known.killed)} of them with a process killed. Each failure is judged by a "
        f"promise that was written beforehand, a kill by row <a href=\"#NTF-13\">NTF-13</a>; for {number(known.leaving)} the promise allows that <a href=\"#left-behind\">something is left or not said</a>.",
        f"<b>In every order:</b> {model_in_a_line(evidence)}",
        f"<b>How thoroughly:</b> {thoroughness(evidence)}",
        f"<b>Not proved:</b> {not_proved(evidence)}"]


def model_in_a_line(evidence):
    suite = evidence.suite("model")
    if not suite:
        return "the model was not searched."
    promises = [result for result in suite.results if re.search(r"\d states?:", result.name)]
    refuted = [result for result in suite.results if "is refuted" in result.name]
    return (f"a <a href=\"#model\">model</a> of the three processes, not the code itself, searched exhaustively for {count(len(promises), 'promise')}"
            f"{', with a failure' if suite.failed else ''}; {count(len(refuted), 'deliberate mistake')} in it are found.")


def thoroughness(evidence):
    found = []
    if coverage := evidence.figures("coverage"):
        found.append(f"{coverage['line_percent']}\u202f% of lines and {coverage['branch_percent']}\u202f% of branches run under tests")
    if mcdc := evidence.figures("mcdc"):
        parts = ", ".join(f"{shown} of {conditions} in <code>{folder}</code>" for folder, (shown, conditions) in mcdc["total"].items())
        found.append(f"conditions seen to change a decision alone (MC/DC): {parts}")
    if mutation := evidence.figures("mutation"):
        parts = ", ".join(f"{killed} of {tried} tried in <code>{folder}/</code>" for folder, killed, tried, _ in mutants_by_folder(mutation))
        found.append(f"mutants killed: {parts}")
    if fuzz := evidence.figures("fuzz"):
        found.append(f"{count(sum(one['runs'] for one in fuzz.values()), 'fuzzed input')}, "
                     f"{count(sum(len(one['findings']) for one in fuzz.values()), 'finding')}")
    return "; ".join(found or ["nothing was measured"]) + "."


def mutants_by_folder(mutation):
    """(folder, killed, tried, made or None) of each."""
    for folder in ("core", "cli"):
        files = [one for path, one in mutation["files"].items() if path.startswith(folder + "/")]
        killed = sum(one["killed"] for one in files)
        made = sum(one["made"] for one in files) if files and all("made" in one for one in files) else None
        yield folder, killed, killed + sum(one["survived"] for one in files), made


def untried(mutation):
    return mutation["total"] - mutation["tried"] - mutation["ignored"] if mutation else 0


def not_proved(evidence):
    found = [f'<a href="#{place}">{text(words)}</a>' for place, words in evidence.open]
    found.append(f'<a href="#left-out">{count(len(evidence.skipped), "test")} skipped, and all that was left out</a>')
    survivors = [mutant for mutant in evidence.survivors if mutant["id"] not in evidence.ignored]
    if survivors:
        found.append(f'<a href="#mutation">{count(len(survivors), "mutant")} survived</a>')
    if left := untried(evidence.figures("mutation")):
        found.append(f'<a href="#mutation">{count(left, "mutant")} not tried</a>')
    if left := evidence.faults_that_are("not tried") + evidence.faults_that_are("skipped"):
        found.append(f'<a href="#left-out">{count(len(left), "planted fault")} not tried</a>')
    return "; ".join(found) + ". Systems other than Linux are not tested at all."


def meaning():
    return ("<p class=meaning>A row is called <i>proved</i> here if a test that names it ran and passed on this commit, and if a fault that "
            "somebody planted in the code against just this row made the test fail that is named with the fault. So it is known that the row "
            "would be missed if it were broken in that way. It is not known that it could not be broken in another way without being "
            "noticed; the mutants, further down, are the attempt at the other ways.</p>\n")


def head(evidence):
    verdict = {"good": "Every row is proved, in the sense below, and every figure is of this code.",
               "half": "Every row has a test that passed; not every row is proved, or not every figure is of this code.",
               "bad": "Not proved: something failed, or is missing."}[evidence.verdict]
    machine = next((suite.machine for suite in evidence.suites if suite.machine), "")
    known = dict(zip(("compiler", "C library", "kernel", "processor", "run"), machine.split(", ")))
    facts = {"commit": evidence.now, "page made": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}
    facts |= {name: known.get(name, "not noted") for name in ("compiler", "C library", "kernel", "processor", "run")}
    lines = "".join(f"<li>{line}</li>" for line in sentences(evidence))
    wrong = "".join(f"<li>{text(words)}</li>" for words in evidence.wrong)
    return (f'<header><h1 id=top>blivet: what is proved, by what, and what is not</h1>\n<div class="verdict {evidence.verdict}">'
            f'<strong>{verdict}</strong><ul>{lines}</ul></div>\n'
            + (f'<div class=why><b class=bad>Why this page is red:</b><ul>{wrong}</ul></div>\n' if wrong else "") + meaning()
            + '<dl class="facts">' + "".join(f"<dt>{name}</dt><dd>{text(fact)}</dd>" for name, fact in facts.items()) + "</dl></header>\n")


# ---- the rows ----

STATES = {"good": ("good", "proved"), "shared": ("half", "only a test that it shares was seen to fail"),
          "unseen": ("half", "passed, not seen to fail"), "bad": ("bad", "no test ran and passed")}


def test_words(evidence, result):
    """A test of a row, and the first fault that made it fail; planted ones come first."""
    said = f"<br><span class=quiet>it says: {text(result.reason)}</span>" if result.reason else ""
    faults = evidence.faults_of_test.get(result.key, [])
    seen = f"; seen to fail: {faults[0].kind} {code(faults[0].name)}, {text(faults[0].what)}" if faults else ""
    more = f", and from {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{code(result.name)} <span class=quiet>{result.suite}{seen}{more}</span>{said}"


def row_line(evidence, row):
    state, passed = evidence.states[row], evidence.passed.get(row, [])
    able = sum(result.key in evidence.faults_of_test for result in passed)
    aimed = "".join(f"<li>planted against it: <b>{code(proof.name)}</b>, {text(proof.what)}; seen by {code(proof.said)}</li>"
                    for proof in evidence.aimed.get(row, []))
    tests = listed(f"{count(len(passed), 'test')} that name it ran and passed; {able} of them seen to fail",
                   [test_words(evidence, result) for result in sorted(passed, key=lambda one: one.key not in evidence.faults_of_test)])
    kind, words = STATES[state]
    return (f'<tr class="is-{kind}" id="{row}"><th scope=row>{row}</th><td>{marked(evidence.spec[row][1])}'
            f'<div class=small>{f"<ul class=aimed>{aimed}</ul>" if aimed else ""}{tests}</div></td>'
            f'<td class=state>{tag(kind, words)}</td></tr>\n')


def rows(evidence):
    sections = {}
    for row, (title, _) in evidence.spec.items():
        sections.setdefault(title, []).append(row)
    parts = []
    for title, members in sections.items():
        kind = "" if any(evidence.states[row] != "good" for row in members) else " all-good"
        parts.append(f'<section class="part{kind}"><h3>{marked(title)}</h3><table class=rows><caption class=unseen>{marked(title)}</caption>'
                     '<thead class=unseen><tr><th scope=col>row</th><th scope=col>what it asks, and what was seen</th><th scope=col>state</th></tr>'
                     f'</thead><tbody>{"".join(row_line(evidence, row) for row in members)}</tbody></table></section>\n')
    counts = "; ".join(f"{tag(kind, len(evidence.rows_that_are(state)))} {words}" for state, (kind, words) in STATES.items())
    none = "" if evidence.rows_that_are("shared", "unseen", "bad") else "<p class=none>There is none: every row is proved.</p>\n"
    return (heading("rows", "The specification, row by row")
            + f'<p>{counts}. In the rows, <b>+</b> is what goes beyond blivet 0.4.0, the program that this one carries over to C, and <b>≠</b> what differs from '
            f'it on purpose.</p>\n<div id=planted>Planted faults: {origin(evidence, "planted")}</div>\n'
            '<form class=filter><fieldset><legend>Show</legend><label><input type=radio name=show checked> all rows</label> '
            '<label><input type=radio name=show id=open-rows> only those that are not proved</label></fieldset></form>\n'
            f'{none}<div class=open-on-paper>{"".join(parts)}</div>\n')


# ---- the fault table ----

WHAT_FAILS = {"KILL": "killed before:", "KILLED": "killed after:", "0": "no errno given:", "HALF": "half of the bytes:"}


def outcome_line(error, key, places):
    """What a failure came to, what the promise allows beside it, how often, and where."""
    word, message, additions = key
    where = list(dict.fromkeys(places["once"] + places["for good"]))
    often = ([f"{len(where)} ×" for where in places.values() if where] if error.startswith("KILL")
             else [f"{len(where)} × {when}" for when, where in places.items() if where])
    more = f" and {len(where) - 3} more places" if len(where) > 3 else ""
    allowed = "".join(f", <b>{text(results.ADDITIONS[words])}</b>" for words in additions)
    return (f"<li>{text(word)}{': ' + text(message) if message else ''}{allowed} <span class=quiet>{', '.join(often)}; "
            f"{text(', '.join(where[:3]))}{more}</span></li>")


def chip(error, cell):
    words = ", ".join(cell.words[:-1]) + " or " * (len(cell.words) > 1) + cell.words[-1]
    mark = " ✗ not as promised" if cell.wrong else " *" if cell.additions else ""
    lines = sorted(cell.lines.items(), key=lambda one: -len(one[1]["once"] + one[1]["for good"]))
    real = ", ".join(f"{times} × {text(word)}" for word, times in sorted(cell.real.items()))
    return (f'<details class="chip {cell.kind}{" real" if cell.real else ""}"><summary>{WHAT_FAILS.get(error, error)} {words}{mark}</summary>'
            f'<ul>{"".join(outcome_line(error, *line) for line in lines)}'
            f'{f"<li class=quiet>real starts: {real}</li>" if real else ""}</ul></details>')


def faults(evidence):
    known, lines = evidence.table, []
    for call, processes in sorted(known.calls.items()):
        cells = ""
        for process, name in PROCESSES.items():
            chips = "".join(chip(error, cell) for error, cell in sorted(processes.get(process, {}).items()))
            cells += f'<td data-process="{name}">' + (f"<div class=chips>{chips}</div>" if chips else "") + "</td>"
        lines.append(f"<tr><th scope=row><code>{call}</code></th>{cells}</tr>\n")
    heads = "".join(f"<th scope=col>{name}</th>" for name in ("call", *PROCESSES.values()))
    legend = "".join(f'<span><span class="chip {kind}">{words}</span> {meaning}</span>' for kind, words, meaning in
                     (("lives", "ENOSYS goes on", "the start goes on"), ("stops", "EPERM 71", "it stops, with that exit code"),
                      ("both", "EACCES 73 or goes on", "one or the other, by where it happens, and whether once or for good"),
                      ("lives", "EIO goes on *", "something may be left or not said"),
                      ("wrong", "EIO 71 ✗ not as promised", "the page is red"), ("stops line", "EPERM 71", "in real processes too, or only there")))
    return (heading("faults", "What each failing call does")
            + f'<p>The calls that starts make fail, in each process that makes them, with each errno that <code>syscall/ops.def</code> has from '
            f'their manual pages: {count(known.in_process, "case")} in process, {count(known.real, "start")} of real processes, of which '
            f'{number(known.killed)} have a process killed before or after a call. A failure happens <i>once</i>, or <i>for good</i>: then each later '
            f'call of that name fails too (in process EINTR, and an EAGAIN from reading, come three times instead). For real it is for good only '
            f'where the promise for that is another. A number is the exit code of the launcher; behind each errno are messages and places. '
            f'What must hold of a start whose process is killed is row <a href="#NTF-13">NTF-13</a>: not a promise for each case.</p>\n'
            f'<p>In {number(known.leaving)} of the cases, marked *, the promise itself <a href="#left-behind">allows that something is left or not said</a>.'
            f'</p>\n<div class=legend>{legend}</div>\n<p class=only-on-paper>On paper the messages behind each errno are left out.</p>\n'
            f'<table class=faults><caption class=unseen>Calls, by process</caption><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table>\n')


# ---- figures ----

def origin(evidence, name):
    """Of which commit the figures are, and what has changed since."""
    figures = evidence.planted if name == "planted" else evidence.heavy[name]
    there = figures.present if name == "planted" else figures.figures
    if not there:
        return f"{tag('half', 'not run')} {code(HEAVY[name])}\n"
    age, when = evidence.age(name), "at a time that is not noted" if figures.when == "not noted" else f"{text(figures.when)} UTC"
    same = "of this commit" if figures.commit == evidence.now else f"of commit {figures.commit}; nothing they depend on changed since"
    changed = [code(path) for path in evidence.changed[name] or []]
    return (f"{tag('half' if age else 'good', age or same)} made {when} by {code(HEAVY[name])}{', kept in the repository' if figures.kept else ''}\n"
            + (listed(f"what changed since: {count(len(changed), 'file')}", changed, "folded") if changed else ""))


def head_of(evidence, name, words):
    """A column's name, which says so where its figures are not of this commit."""
    figures = evidence.heavy[name]
    kept = ", kept" if figures.kept else ""
    return words if figures.commit in (None, evidence.now) else f"{words}{kept}, of {figures.commit}"


def file_lines(evidence):
    """A line a file: lines, branches, MC/DC, mutants."""
    coverage = {one["filename"]: one for one in (evidence.figures("coverage") or {}).get("files", [])}
    mcdc = (evidence.figures("mcdc") or {}).get("files", {})
    mutation = (evidence.figures("mutation") or {}).get("files", {})
    for path in sorted({*coverage, *mcdc, *mutation}):
        one, conditions, mutants = coverage.get(path), mcdc.get(path), mutation.get(path)
        yield [code(path), bar(one["line_covered"], one["line_total"]) if one else "not measured",
               bar(one["branch_covered"], one["branch_total"]) if one else "not measured",
               bar(conditions["shown"], conditions["conditions"]) if conditions else "none measured",
               bar(mutants["killed"], mutants["killed"] + mutants["survived"]) if mutants and mutants["killed"] + mutants["survived"] else "none tried",
               str(mutants.get("made", "not noted")) if mutants else ""]


def figures(evidence):
    parts = [heading("figures", "How thoroughly: coverage, conditions, mutants"),
             "<p>What of each file runs under the tests, which conditions were seen to change a decision alone, and how many small changes "
             "the tests noticed.</p>\n"]
    parts += [f"<h3 id={name}>{title}</h3>\n<div>{origin(evidence, name)}</div>\n{total(evidence) if evidence.figures(name) else ''}"
              for name, title, total in (("coverage", "Lines and branches", coverage_total), ("mcdc", "MC/DC", mcdc_total),
                                         ("mutation", "Mutants", mutation_total))]
    heads = ["file", head_of(evidence, "coverage", "#lines run"), head_of(evidence, "coverage", "#branches taken"),
             head_of(evidence, "mcdc", "#conditions shown (MC/DC)"), head_of(evidence, "mutation", "#mutants killed, of those tried"),
             head_of(evidence, "mutation", "#mutants made")]
    return "".join(parts) + "<h3>By file</h3>\n" + table("What of each file was tested, and how", heads, file_lines(evidence)) + fuzz(evidence)


def coverage_total(evidence):
    found = evidence.figures("coverage")
    return (f"<p>{number(found['line_covered'])} of {number(found['line_total'])} lines, {number(found['branch_covered'])} of "
            f"{number(found['branch_total'])} branches. That a line ran says nothing of whether its result was looked at.</p>\n")


def mcdc_total(evidence):
    found = evidence.figures("mcdc")
    lacking = [code(f"{path}:{place}") for path, one in sorted(found["files"].items()) for place in results.lacking_conditions(one)]
    whole = "; ".join(f"{code(folder)} {shown} of {conditions}" for folder, (shown, conditions) in found["total"].items())
    return ("<p>Modified condition/decision coverage: a condition, one of the parts that <code>&amp;&amp;</code> and <code>||</code> join, counts "
            "if two runs were seen in which it alone was another and the decision came out otherwise, so that it matters.</p>\n"
            f"<p>{whole}.</p>\n" + listed(f"{count(len(lacking), 'condition')} of which no such two runs were seen", lacking))


def mutant_words(mutant):
    line = f" in <code>{text(mutant['text'])}</code>" if mutant.get("text") else ""
    return f"{code(mutant['file'] + ':' + str(mutant['line']))}: {code(mutant['old'])} → {code(mutant['new'] or 'nothing')}{line}"


def mutation_total(evidence):
    found, counts = evidence.figures("mutation"), evidence.figures("mutation")["counts"]
    scores = [f"{code(folder + '/')} {share(killed, tried)}: {number(killed)} killed of {number(tried)} tried"
              + (f", {number(made)} made" if made is not None else "") for folder, killed, tried, made in mutants_by_folder(found)]
    survivors = [mutant_words(one) for one in evidence.survivors if one["id"] not in evidence.ignored]
    listed_since = len(evidence.survivors) - len(survivors)
    judged = counts["killed"] + counts["timeout"] + counts["survived"]
    return (f"<p>A mutant is the code with one small change. {'; '.join(scores)}.</p>\n<p>There are {count(found['total'], 'mutant')}; "
            f"{number(untried(found))} were not tried. Of the others {number(judged)} count, of which {number(counts['killed'])} were killed by a failing test, "
            f"{number(counts['timeout'])} ran into the time limit, {number(counts['survived'])} survived"
            f"{f' ({listed_since} of them are on the list below by now)' if listed_since else ''}; {number(counts['uncompilable'])} do not compile, and of "
            f"{number(counts['equivalent'])} the object code is the same. Beside these, of {number(len(evidence.ignored))} "
            f"<a href=\"#ignored\">listed as changing nothing that a test could see</a> {number(found['ignored'])} were tried, and survived.</p>\n"
            + listed(f"{count(len(survivors), 'mutant')} outside that list survived", survivors))


def fuzz(evidence):
    found = evidence.figures("fuzz") or {}
    lines = [[code(target), number(one["runs"]), number(one["seconds"]), number(one["cpu"]), number(one["coverage"]), number(one["corpus"]),
              tag("bad" if one["findings"] else "good", len(one["findings"]))] for target, one in sorted(found.items())]
    heads = ["target", head_of(evidence, "fuzz", "#inputs"), "#seconds", "#seconds of processor time", "#branches reached", "#inputs kept", "#findings"]
    return (f"<h3 id=fuzz>Fuzzing</h3>\n<div>{origin(evidence, 'fuzz')}</div>\n<p>Under both sanitizers. Branches reached: how many ways from "
            "one piece of the code to the next libFuzzer has seen (it calls them edges); how many there are it does not say.</p>\n"
            + (table("What was fuzzed", heads, lines) if lines else ""))


# ---- model, and suites ----

def model_line(promises, result):
    mistake = re.fullmatch(r'(\w+): "(\w+)" is refuted', result.name)
    words = re.sub(r"^\d+", lambda states: number(int(states[0])), text(result.name))
    if mistake:
        words = f"with the mistake {code(mistake[1])} this is found not to hold: {text(promises.get(mistake[2], mistake[2]))}"
    return f"<li>{tag('good' if result.outcome == 'ok' else 'bad', 'as it should be' if result.outcome == 'ok' else result.outcome)} {words}</li>"


def model(evidence):
    suite, (lacking, promises) = evidence.suite("model"), results.model_words()
    verdict = "was not searched" if not suite else "has a failure" if suite.failed else "holds"
    return (heading("model", "The model")
            + "<p>Launcher, session leader and daemon as three processes in Promela, with deaths, stops and limits at every point; Spin searches "
            f"every order of their steps. It <b>{verdict}</b>. It is a description of the code, by hand: a script looks whether the functions that it "
            f"names still have the words that it takes them for, and nothing derives it from the C. Not in the model: {text(lacking)}</p>\n<ul>"
            + "".join(model_line(promises, result) for result in (suite.results if suite else [])) + "</ul>\n")


def suite_line(evidence, suite):
    numbers = [sum(one.outcome == outcome for one in suite.results) for outcome in ("ok", "FAIL", "skip")]
    missing, old = "bad", suite.commit != evidence.now
    if suite is evidence.planted:
        numbers = [len(evidence.faults_that_are(outcome)) for outcome in ("seen", "not seen", "skipped")]
        missing, old = "half", evidence.age("planted")
    state, words = ((missing, "not run") if not suite.present else ("bad", "failed") if suite.failed else
                    (missing, old if isinstance(old, str) else "of another commit") if old else ("good", "passed"))
    cells = [number(one) for one in numbers] if suite.results else ["by its exit status", "", ""]
    return [code(suite.name) + (", kept" if suite.kept else ""), tag(state, words), *cells, text(suite.commit or ""), text(suite.when)]


def suites(evidence):
    return (heading("suites", "The suites")
            + "<p>A suite without lines of its own counts by its exit status. Planted faults pass by being seen.</p>\n"
            + table("What the test command ran", ["suite", "outcome", "#passed", "#failed", "#skipped", "commit", "when (UTC)"],
                    [suite_line(evidence, suite) for suite in [*evidence.suites, evidence.planted]]))


# ---- what is left out ----

def lived_through(evidence):
    """A line a call and process: what a start lives through, always, or in some places."""
    found = {}
    for call, process, error, cell in evidence.table.cells():
        if "goes on" in cell.words:
            found.setdefault((call, process), {True: [], False: []})[cell.lives].append(error)
    return [f"{code(call)}, {PROCESSES[process]}: {', '.join(errors[True]) or 'none always'}"
            + (f"; in some places, or only once: {', '.join(errors[False])}" if errors[False] else "")
            for (call, process), errors in found.items()]


def left_behind(evidence):
    """Promises that allow something to be left, or not to be said: a list a kind, a line a call and process."""
    found = {words: {} for words in results.ADDITIONS}
    for call, process, error, cell in evidence.table.cells():
        for words in cell.additions:
            lines = [places for (_, _, additions), places in cell.lines.items() if words in additions]
            when = [name for name in ("once", "for good") if any(places[name] for places in lines)]
            only = f" ({when[0]})" if len(when) == 1 else ""
            found[words].setdefault((call, process), []).append(WHAT_FAILS.get(error, error).rstrip(":") + only)
    parts = []
    for words, meaning in results.ADDITIONS.items():
        items = [f"{code(call)}, {PROCESSES[process]}: {', '.join(errors)}" for (call, process), errors in found[words].items()]
        parts.append(listed(f"<i>{words}</i>: {text(meaning)}; {count(sum(map(len, found[words].values())), 'kind', 'kinds')} of failure", items))
    return ("<p>These words of <code>tests/torture/promises.txt</code> take something away from what a start promises; where a pidfile, the daemon or "
            "the session leader may stay, that is from the second promise of <a href=\"#NTF-13\">NTF-13</a>. In brackets: that it is so only if the "
            "call fails once, or only if it fails for good.</p>\n" + "".join(parts))


def ignored(evidence):
    """By reason, the commonest first; the mutants themselves stay folded."""
    reasons = {}
    for what, reason in evidence.ignored.values():
        reasons.setdefault(reason, []).append(what)
    items = [listed(f"{len(mutants)} × {text(reason)}", [code(what) for what in mutants], "folded")
             for reason, mutants in sorted(reasons.items(), key=lambda one: -len(one[1]))]
    return (f"<h3 id=ignored>Mutants that no test can kill</h3>\n<p>{count(len(evidence.ignored), 'mutant')} are listed with a reason, "
            f"{len(reasons)} reasons in all; who believes a reason believes all that it is given for.</p>\n"
            + listed(f"{count(len(reasons), 'reason')}, by how many mutants they excuse", items))


def not_measured(evidence):
    """What the figures above say nothing of."""
    known = {name: (evidence.figures(name) or {}).get("files", []) for name in ("mutation", "mcdc")}
    known["coverage"] = [one["filename"] for one in (evidence.figures("coverage") or {}).get("files", [])]
    files = sorted({*known["coverage"], *results.product_files(".c")})
    without = {name: ", ".join(code(path) for path in files if path not in known[name]) or "none" for name in known}
    return [f"no mutants are made of: {without['mutation']}",
            f"no MC/DC is measured of: {without['mcdc']}",
            f"no coverage is measured of: {without['coverage']}",
            f"nor of these, which are rows of tables and not code: {', '.join(map(code, results.product_files('.def')))}",
            "other compilers and C libraries, the two-file form, sanitizers, valgrind, other processors: <code>sh tests/matrix.sh</code> runs the "
            "tests with them; its results are not on this page",
            *(f"in real processes, {text(words)}" for words in dict.fromkeys(results.calls_killed_at_only(evidence.suites)))]


def faults_not_seen(evidence):
    def items(outcome):
        return [f"{code(name)}: {text(evidence.patches[name]['Broken'])}" for name in evidence.faults_that_are(outcome)]
    tried = len(evidence.patches)
    return (listed(f"{count(len(items('not seen')), 'planted fault')} not seen, of {tried}", items("not seen"))
            + listed(f"{count(len(items('not tried') + items('skipped')), 'planted fault')} not tried, of {tried}, or tried for another row or test "
                     "than it names now", items("not tried") + items("skipped")))


def left_out(evidence):
    skips = [f"{code(one.name)} <span class=quiet>{one.suite}</span>: {text(one.reason or 'no reason given')}" for one in evidence.skipped]
    excluded = [f"{text(what)}: {code(where)}: {text(reason or 'no reason given')}" for what, where, reason in results.exclusions()]
    unproved = evidence.rows_that_are("shared", "unseen", "bad")
    by_state = [f"{words}: " + ", ".join(f'<a href="#{row}">{row}</a>' for row in evidence.rows_that_are(state))
                for state, (kind, words) in STATES.items() if kind != "good" and evidence.rows_that_are(state)]
    lived = lived_through(evidence)
    return (heading("left-out", "What is not proved, skipped, excluded, not so, or lived through") + "<div class=open-on-paper>"
            + listed(f"{count(len(unproved), 'row')} not proved", by_state) + faults_not_seen(evidence)
            + listed(f"{count(len(skips), 'test')} skipped", skips)
            + listed(f"{count(len(excluded), 'exclusion')} from coverage or the run of examples", excluded)
            + listed("what the figures on this page say nothing of", not_measured(evidence))
            + listed(f"{count(len(lived), 'call')} of a process whose failure a start lives through, always or in some places", lived)
            + f"<h3 id=left-behind>What the promise allows to be left, or not to be said</h3>\n{left_behind(evidence)}{ignored(evidence)}"
            + "</div><p>Never tested: BSD, macOS, any kernel but the one named above. What else is not: <code>tests/testing.md</code>.</p>\n")


# ---- the page ----

OPEN_FOR_PAPER = """<script>
const folded = () => [...document.querySelectorAll(".open-on-paper details:not(.folded)")].filter(one => !one.open)
let opened = []
addEventListener("beforeprint", () => { opened = folded(); opened.forEach(one => one.open = true) })
addEventListener("afterprint", () => opened.forEach(one => one.open = false))
</script>
"""


def page(evidence):
    style = results.read(os.path.join(results.HERE, "page.css"))
    links = "".join(f'<a href="#{name}">{words}</a>' for name, words in
                    (("rows", "rows"), ("faults", "failing calls"), ("figures", "coverage and mutants"), ("fuzz", "fuzzing"),
                     ("model", "model"), ("suites", "suites"), ("left-out", "left out")))
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>blivet: the evidence</title><style>\n{style}</style></head><body>\n{head(evidence)}<nav aria-label="sections">{links}</nav>\n<main>\n'
            + "".join(part(evidence) for part in (rows, faults, figures, model, suites, left_out)) + f"</main>\n{OPEN_FOR_PAPER}</body></html>\n")


def main():
    parser = results.options(argparse.ArgumentParser(description="The page of evidence."))
    parser.add_argument("--build", default=os.path.join(results.ROOT, "build"), help="has what the torture left")
    parser.add_argument("--kept", default=os.path.join(results.HERE, "kept"), help="figures of earlier runs")
    parser.add_argument("--planted", default=os.path.join(results.ROOT, "tests", "planted"))
    parser.add_argument("page", nargs="?", default=os.path.join(results.ROOT, "build", "evidence.html"))
    options = parser.parse_args()
    evidence = Evidence(options)
    with open(options.page, "w", encoding="utf-8") as file:
        file.write(page(evidence))
    for words in evidence.wrong:
        print(f"FAIL evidence: {words}")
    print(f"{'FAIL' if evidence.wrong else 'ok  '} evidence: {len(evidence.rows_that_are('good'))} rows proved, "
          f"{len(evidence.rows_that_are('shared', 'unseen'))} passed without a fault aimed at them that was seen, "
          f"{len(evidence.rows_that_are('bad'))} without a test that passed; {options.page}")
    sys.exit(bool(evidence.wrong))


if __name__ == "__main__":
    main()
