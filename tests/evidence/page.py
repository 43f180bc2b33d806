#!/usr/bin/env python3
"""page.py - makes the page that says what is proved, by what, and what is not, of the results that are there.

    python3 tests/evidence/page.py [--results build/results] [--build build] [--spec FILE] [--run FILE] [--kept FOLDER]
        [PAGE]                                                      default: build/evidence.html

One file, nothing fetched, no script in it.  Exit status 1: the page is red, that is a row has no test that passed, or
a suite failed, left no result, or has one of another commit.  tests/evidence.sh runs what has to run before."""

import argparse
import html
import os
import re
import sys
import time

sys.dont_write_bytecode = True
import results  # noqa: E402  (no __pycache__)

PROCESSES = {"launcher": "launcher", "leader": "session leader", "daemon": "daemon", "foreground": "foreground mode"}
HEAVY = {"coverage": "sh tests/coverage.sh", "mcdc": "sh tests/mcdc.sh", "mutation": "sh tests/mutation.sh",
         "fuzz": "sh fuzz/run.sh SECONDS"}


# ---- pieces of HTML ----

def text(words):
    return html.escape(str(words), quote=True)


def marked(words):
    """What the specification has of Markdown."""
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words, quote=False))
    words = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", words)
    return re.sub(r"(?<!\*)\*([^*]+)\*(?!\*)", r"<i>\1</i>", words)


def tag(state, words):
    return f'<span class="tag {state}">{text(words)}</span>'


def table(heads, lines, kind=""):
    """heads: a "#" in front: a column of numbers.  lines: of cells that are HTML already."""
    numbers = [head.startswith("#") for head in heads]
    cell = [' class="number"' if number else "" for number in numbers]
    head = "".join(f"<th{style}>{text(name.lstrip('#'))}</th>" for name, style in zip(heads, cell))
    body = "".join("<tr>" + "".join(f"<td{style}>{content}</td>" for content, style in zip(line, cell)) + "</tr>\n" for line in lines)
    return f'<div class="box"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'


def listed(summary, items):
    """A list that opens; without items nothing but its summary."""
    if not items:
        return f"<p>{summary}</p>\n"
    return f"<details><summary>{summary}</summary><ul>{''.join(f'<li>{item}</li>' for item in items)}</ul></details>\n"


def count(number, one, many=None):
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", "\u202f")


def share(part, whole):
    return f"{100 * part / whole:.1f}\u202f%" if whole else "none"


# ---- what is known ----

class Evidence:
    """All that was found, and what follows from it."""

    def __init__(self, options):
        self.now = results.commit_now()
        self.spec = results.rows_of_spec(options.spec)
        self.suites = results.read_suites(options.results, options.run)
        self.passed = results.passed_by_row(self.suites)
        self.patches = results.read_patches(options.planted)
        self.planted, self.seen = results.read_planted(options.results, options.kept)
        self.heavy = {name: results.Figures(name, options.results, options.kept) for name in HEAVY}
        mutants = (self.figures("mutation") or {}).get("mutants", [])
        self.survivors = [mutant for mutant in mutants if mutant["verdict"] == "survived"]
        witnessed = [mutant for mutant in mutants if mutant.get("by")]
        self.proofs = {}
        for proof in results.proofs(self.suites, self.patches, self.seen, witnessed):
            for row in proof.rows:
                self.proofs.setdefault(row, []).append(proof)
        self.table, self.in_process, self.in_real = results.fault_table(options.build)
        self.exclusions = results.exclusions()
        self.states = {row: self.state_of(row) for row in self.spec}

    def figures(self, name):
        return self.heavy[name].figures

    def state_of(self, row):
        if row not in self.passed:
            return "bad"
        return "good" if row in self.proofs else "half"

    def rows_that_are(self, state):
        return [row for row in self.spec if self.states[row] == state]

    @property
    def results(self):
        return [result for suite in self.suites for result in suite.results]

    @property
    def tests(self):
        return {(result.suite, result.name) for result in self.results if result.outcome == "ok" and result.rows}

    @property
    def skipped(self):
        return [result for result in self.results if result.outcome == "skip"]

    def is_old(self, commit):
        return not results.is_same(commit, self.now)

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
        return found + [f"{name}: a case is not as promised" for name, cells in self.table.items()
                        if any(cell.wrong for one in cells.values() for cell in one.values())]

    @property
    def open(self):
        """What keeps the page from being green."""
        found = []
        if unshown := self.rows_that_are("half"):
            found.append(f"{count(len(unshown), 'row')} passed, not shown able to fail")
        for name, figures in self.heavy.items():
            if not figures.figures:
                found.append(f"{name}: not run")
            elif self.is_old(figures.commit):
                found.append(f"{name}: of commit {figures.commit}, changed since")
        if not self.planted.present:
            found.append("planted faults: not run")
        elif self.is_old(self.planted.commit):
            found.append(f"planted faults: of commit {self.planted.commit}, changed since")
        return found

    @property
    def verdict(self):
        return "bad" if self.wrong else "half" if self.open else "good"


# ---- the head ----

def sentences(evidence):
    """What is proved, by what, and what is not."""
    spec, tests = len(evidence.spec), evidence.tests
    suites = [suite for suite in evidence.suites if suite.results]
    lived = sum(times for cells in evidence.table.values() for one in cells.values() for cell in one.values()
                for (lives, _, _), (times, _) in cell.outcomes.items() if lives)
    rows_passed = sum(row in evidence.passed for row in evidence.spec)
    return [
        f"<b>Proved:</b> {rows_passed} of {spec} rows of the specification have a test that ran and passed; for "
        f"{len(evidence.rows_that_are('good'))} of them a planted fault or a mutant has shown that their test can fail.",
        f"<b>By what:</b> {count(len(tests), 'test')} that name rows, in {count(len(suites), 'suite')}; every call of a start "
        f"fails with every errno of its manual page, {count(evidence.in_process, 'case')} in process, {count(evidence.in_real, 'start')} "
        f"of real processes, each judged by a promise written beforehand; {count(lived, 'failure')} of those in process may be lived through, and are.",
        f"<b>In every order:</b> {model_in_a_line(evidence)}",
        f"<b>How thoroughly:</b> {thoroughness(evidence)}",
        f"<b>Not proved:</b> {not_proved(evidence)}"]


def model_in_a_line(evidence):
    suite = next((suite for suite in evidence.suites if suite.name == "model"), None)
    if not suite or not suite.present:
        return "the model was not searched."
    promises = [result for result in suite.results if re.search(r"\d states?:", result.name)]
    refuted = [result for result in suite.results if "is refuted" in result.name]
    return (f"a model of the three processes, searched exhaustively for {count(len(promises), 'promise')}"
            f"{', with a failure' if suite.failed else ''}; {count(len(refuted), 'deliberate mistake')} in it are found.")


def thoroughness(evidence):
    found = []
    if coverage := evidence.figures("coverage"):
        found.append(f"{coverage['line_percent']}\u202f% of lines and {coverage['branch_percent']}\u202f% of branches run under tests")
    if mcdc := evidence.figures("mcdc"):
        shown, conditions = mcdc["total"]["core/"]
        found.append(f"{share(shown, conditions)} of the library's conditions decide by themselves (MC/DC)")
    if mutation := evidence.figures("mutation"):
        found.append(f"{mutation['score']:.1f}\u202f% of the {count(tried(mutation), 'mutant')} that were tried, of {mutation['total']}, are killed")
    if fuzz := evidence.figures("fuzz"):
        found.append(f"{count(sum(one['runs'] for one in fuzz.values()), 'fuzzed input')}, "
                     f"{count(sum(len(one['findings']) for one in fuzz.values()), 'finding')}")
    missing = [name for name, figures in evidence.heavy.items() if not figures.figures]
    return "; ".join(found + [f"not run: {', '.join(missing)}"] * bool(missing)) + "."


def tried(mutation):
    return sum(mutation["counts"][verdict] for verdict in ("killed", "timeout", "survived"))


def not_proved(evidence):
    found = [f'<a href="#rows">{text(words)}</a>' if "row" in words else text(words) for words in evidence.open]
    found.append(f'<a href="#left-out">{count(len(evidence.skipped), "test")} skipped, '
                 f'{count(len(evidence.exclusions), "exclusion")}</a>')
    if evidence.survivors:
        found.append(f'<a href="#mutants">{count(len(evidence.survivors), "mutant")} survived</a>')
    return "; ".join(found) + ". Systems other than Linux are not tested at all."


def head(evidence):
    verdict = {"good": "Every row is proved, and each proof has been seen to fail.",
               "half": "Every row has a test that passed; not every proof is complete.",
               "bad": "Not proved: something failed, or is missing."}[evidence.verdict]
    machine = next((suite.machine for suite in evidence.suites if suite.machine), "unknown")
    compiler, _, rest = machine.rpartition(", ")[0].rpartition(", ")
    facts = [("commit", evidence.now), ("page made", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())), ("compiler", compiler),
             ("C library", rest), ("kernel", machine.rpartition(", ")[2])]
    lines = "".join(f"<li>{line}</li>" for line in sentences(evidence))
    wrong = "".join(f"<li>{text(words)}</li>" for words in evidence.wrong)
    return (f'<h1 id=top>blivet: what is proved, by what, and what is not</h1>\n<div class="verdict {evidence.verdict}">'
            f'<strong>{verdict}</strong><ul>{lines}</ul></div>\n'
            + (f'<div class=why><b class=bad>Why this page is red:</b><ul>{wrong}</ul></div>\n' if wrong else "")
            + '<dl class="facts">' + "".join(f"<dt>{name}</dt><dd>{text(fact)}</dd>" for name, fact in facts) + "</dl>\n")


# ---- the rows ----

def proof_words(evidence, row):
    """The faults that have shown that a test of this row can fail, planted ones first; the closest first."""
    own = [proof for proof in evidence.proofs.get(row, [])]
    own.sort(key=lambda proof: (proof.kind != "fault", row not in evidence.patches.get(proof.name, {}).get("Row", "")))
    items = [f"<b>{'planted' if proof.kind == 'fault' else 'mutant'} <code>{text(proof.name)}</code></b>: {text(proof.what)}; "
             f"seen by <code>{text(proof.test)}</code>" for proof in own]
    return items


def row_line(evidence, row):
    state, passed = evidence.states[row], evidence.passed.get(row, [])
    able = {proof.test for proof in evidence.proofs.get(row, [])}
    words = {"good": "proved", "half": "passed, not shown able to fail", "bad": "no test ran and passed"}[state]
    tests = [f"<code>{text(result.name)}</code> <span class=quiet>{result.suite}{', ' + text(result.reason) if result.reason else ''}"
             f"{', shown able to fail' if result.name in able else ''}</span>" for result in passed]
    faults = proof_words(evidence, row)
    return (f'<tr class="is-{state}" id="{row}"><td>{row}</td><td>{marked(evidence.spec[row][1])}'
            f'<div class=small>{listed(count(len(tests), "test") + " ran and passed", tests)}'
            f'{listed("shown able to fail by " + count(len(faults), "fault"), faults) if faults else ""}</div></td>'
            f'<td class=state>{tag(state, words)}</td></tr>\n')


def rows(evidence):
    lines, section = [], None
    for row, (title, _) in evidence.spec.items():
        if title != section:
            section = title
            lines.append(f'<tr class=group><td colspan=3>{marked(title)}</td></tr>\n')
        lines.append(row_line(evidence, row))
    counts = "; ".join(f"{tag(state, str(len(evidence.rows_that_are(state))))} {words}" for state, words in
                       (("good", "proved"), ("half", "passed, not shown able to fail"), ("bad", "without a test that passed")))
    return (f'<h2 id=rows class=sheet>The specification, row by row</h2>\n<p>A row is <i>proved</i> if a test that names it ran and '
            f'passed, and a fault, planted or a mutant, has made a test that names it fail. The list is made from results.</p>\n'
            f'<p>{counts}.</p>\n<form class=filter><label><input type=radio name=show checked> all rows</label>'
            f'<label><input type=radio name=show id=open-rows> only those that are not proved</label></form>\n'
            f'<table class=rows><tbody>{"".join(lines)}</tbody></table>\n')


# ---- the fault table ----

def chip(error, cell):
    """A launcher that was killed itself has no exit code."""
    codes = " ".join(str(code) for code in cell.codes if code >= 0) or ("goes on" if cell.kind == "lives" else "")
    kind = {"both": " …", "lives": "", "stops": "", "wrong": " ✗"}[cell.kind]
    lines = []
    for (lives, code, message), (times, places) in sorted(cell.outcomes.items(), key=lambda one: -one[1][0]):
        where = ", ".join(sorted(places)[:3]) + (" …" if len(places) > 3 else "")
        became = "goes on" if lives else f"{code}: {text(message)}" if code >= 0 else "the launcher is killed; nothing is left"
        lines.append(f"<li>{became} <span class=quiet>{times} ×, {text(where)}</span></li>")
    real = f"<li class=quiet>{count(cell.real, 'real start')}</li>" if cell.real else ""
    name = {"KILL": "SIGKILL before", "KILLED": "SIGKILL after", "0": "no errno", "HALF": "half of the bytes"}.get(error, error)
    return (f'<details class="chip {cell.kind}{" real" if cell.real else ""}"><summary>{name} {codes}{kind}</summary>'
            f'<ul>{"".join(lines)}{real}</ul></details>')


def faults(evidence):
    lines = []
    for call, processes in sorted(evidence.table.items()):
        cells = ""
        for process, name in PROCESSES.items():
            chips = "".join(chip(error, cell) for error, cell in sorted(processes.get(process, {}).items()))
            cells += f'<td data-process="{name}">' + (f"<div class=chips>{chips}</div>" if chips else "") + "</td>"
        lines.append(f"<tr><th><code>{call}</code></th>{cells}</tr>\n")
    heads = "".join(f"<th>{name}</th>" for name in ("call", *PROCESSES.values()))
    legend = "".join(f'<span><span class="chip {kind}">{words}</span> {meaning}</span>' for kind, words, meaning in
                     (("lives", "ENOSYS goes on", "the start goes on"), ("stops", "EPERM 71", "it stops, with that exit code"),
                      ("both", "EACCES 73 …", "one or the other, by where it happens"), ("wrong", "EIO 71 ✗", "not as promised"),
                      ("stops line", "EPERM 71", "seen in real processes too")))
    return (f'<h2 id=faults class=sheet>What each failing call does</h2>\n<p>Every call of a start fails once, and once for good, '
            f'with every errno of its manual page, in every process that makes it: {count(evidence.in_process, "case")} in process, '
            f'{count(evidence.in_real, "start")} of real processes, which are also killed before and after each call. A number is the '
            f'exit code of the launcher; behind each errno are the messages, and where.</p>\n<div class=legend>{legend}</div>\n'
            f'<table class=faults><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table>\n')


# ---- figures ----

def origin(evidence, name):
    """Of which commit the figures are."""
    figures = evidence.heavy[name]
    if not figures.figures:
        return f"<p>{tag('half', 'not run')} <code>{text(HEAVY[name])}</code></p>\n"
    old = evidence.is_old(figures.commit)
    same = "of this commit" if figures.commit == evidence.now else f"of commit {figures.commit}" + (
        "; what it measures has changed since" if old else "; nothing that it measures has changed since")
    return f"<p>{tag('half' if old else 'good', same)} {figures.when} UTC, <code>{text(HEAVY[name])}</code></p>\n"


def bar(part, whole):
    width = 100 * part / whole if whole else 100
    return f'<span class=bar><i style="width:{width:.1f}%"></i></span>'


def coverage_lines(evidence):
    """A line a file: lines, branches, MC/DC, mutants."""
    coverage = {one["filename"]: one for one in (evidence.figures("coverage") or {}).get("files", [])}
    mcdc = (evidence.figures("mcdc") or {}).get("files", {})
    mutation = (evidence.figures("mutation") or {}).get("files", {})
    for path in sorted({*coverage, *mcdc, *mutation}):
        one, conditions, mutants = coverage.get(path), mcdc.get(path), mutation.get(path)
        yield [f"<code>{text(path)}</code>",
               f"{one['line_covered']} of {one['line_total']} {bar(one['line_covered'], one['line_total'])}" if one else "",
               f"{one['branch_covered']} of {one['branch_total']} {bar(one['branch_covered'], one['branch_total'])}" if one else "",
               f"{conditions['shown']} of {conditions['conditions']} {bar(conditions['shown'], conditions['conditions'])}" if conditions else "",
               f"{mutants['killed']} of {mutants['killed'] + mutants['survived']} {bar(mutants['killed'], mutants['killed'] + mutants['survived'])}"
               if mutants else ""]


def figures(evidence):
    parts = ['<h2 id=figures class=sheet>How thoroughly: coverage, conditions, mutants</h2>\n'
             "<p>What of each file runs under the tests, which conditions were seen to decide by themselves, and how many small changes "
             "the tests noticed.</p>\n"]
    parts += [f"<h3>{title}</h3>\n{origin(evidence, name)}{total(evidence, name)}" for name, title in
              (("coverage", "Lines and branches"), ("mcdc", "MC/DC"), ("mutation", "Mutants"))]
    lines = list(coverage_lines(evidence))
    if lines:
        parts.append("<h3>By file</h3>\n" + table(["file", "#lines", "#branches", "#conditions (MC/DC)", "#mutants killed"], lines))
    return "".join(parts) + fuzz(evidence)


def total(evidence, name):
    found = evidence.figures(name)
    if not found:
        return ""
    if name == "coverage":
        return (f"<p>{found['line_covered']} of {found['line_total']} lines, {found['branch_covered']} of {found['branch_total']} "
                f"branches.</p>\n")
    if name == "mcdc":
        lacking = [f"<code>{text(path)}:{text(place)}</code>" for path, one in found["files"].items() for place in one["missing"]]
        whole = "; ".join(f"{folder} {shown} of {conditions}" for folder, (shown, conditions) in found["total"].items())
        return f"<p>{text(whole)}.</p>\n" + listed(f"{count(len(lacking), 'condition')} without such a pair", lacking)
    counts = found["counts"]
    survivors = [f"<code>{text(one['file'])}:{one['line']}: {text(one['old'])} → {text(one['new'] or 'nothing')}</code>" for one in evidence.survivors]
    return (f"<p>{counts['killed']} killed, {counts['timeout']} ran into the time limit, {counts['survived']} survived; tried were "
            f"{found['tried']} of {count(found['total'], 'mutant')} that there are; left out: {counts['uncompilable']} that do not compile, "
            f"{counts['equivalent']} whose object code is the same, {found['ignored']} ignored.</p>\n<div id=mutants></div>"
            + listed(f"{count(len(survivors), 'mutant')} survived", survivors))


def fuzz(evidence):
    found = evidence.figures("fuzz") or {}
    lines = [[f"<code>{text(target)}</code>", f"{one['runs']:,}".replace(",", "\u202f"), f"{one['seconds']:,}".replace(",", "\u202f"),
              f"{one['cpu']:,}".replace(",", "\u202f"), str(one["coverage"]), str(one["corpus"]), tag("bad" if one["findings"] else "good", len(one["findings"]))]
             for target, one in sorted(found.items())]
    return ("<h3 id=fuzz>Fuzzing</h3>\n" + origin(evidence, "fuzz")
            + (table(["target", "#inputs", "#seconds", "#seconds of a processor", "#edges", "#kept corpus", "#findings"], lines) if lines else ""))


# ---- model, suites, and what is left out ----

def model(evidence):
    suite = next((suite for suite in evidence.suites if suite.name == "model"), None)
    items = [f"{tag('good' if one.outcome == 'ok' else 'bad', one.outcome)} {text(one.name)}" for one in suite.results] if suite else []
    verdict = "was not searched" if not suite or not suite.present else "has a failure" if suite.failed else "holds"
    return (f"<h2 id=model>The model</h2>\n<p>Launcher, session leader and daemon as three processes in Promela, with deaths, stops "
            f"and limits at every point; Spin searches every order. It <b>{verdict}</b>. Each deliberate mistake must be found.</p>\n<ul>"
            + "".join(f"<li>{item}</li>" for item in items) + "</ul>\n")


def suites(evidence):
    lines = []
    for suite in [*evidence.suites, evidence.planted]:
        number = {outcome: sum(one.outcome == outcome for one in suite.results) for outcome in ("ok", "FAIL", "skip")}
        is_planted = suite is evidence.planted
        old = evidence.is_old(suite.commit) if is_planted else suite.commit != evidence.now
        state, words = (("half" if is_planted else "bad", "not run") if not suite.present else ("bad", "failed") if suite.failed else
                        ("half" if is_planted else "bad", "of another commit") if old else ("good", "passed"))
        lines.append([f"<code>{suite.name}</code>", tag(state, words), *map(str, number.values()), text(suite.commit or ""), suite.when])
    return ("<h2 id=suites>The suites</h2>\n" + table(["suite", "outcome", "#passed", "#failed", "#skipped", "commit", "when (UTC)"], lines))


def lived_through(evidence):
    items = []
    for call, processes in sorted(evidence.table.items()):
        for process, cells in sorted(processes.items()):
            errors = [error for error, cell in sorted(cells.items()) if cell.kind == "lives"]
            if errors:
                items.append(f"<code>{call}</code>, {PROCESSES[process]}: {', '.join(errors)}")
    return items


def left_out(evidence):
    skips = [f"<code>{text(one.name)}</code> <span class=quiet>{one.suite}</span>: {text(one.reason or 'no reason given')}" for one in evidence.skipped]
    unshown = [f'<a href="#{row}">{row}</a>' for row in evidence.rows_that_are("half")]
    unseen = [f"<code>{name}</code>: {text(fields['Broken'])}" for name, fields in evidence.patches.items() if name not in evidence.seen]
    excluded = [f"{text(what)}: <code>{text(where)}</code>: {text(reason or 'no reason given')}" for what, where, reason in evidence.exclusions]
    lived = lived_through(evidence)
    return ("<h2 id=left-out class=sheet>What is not proved, skipped, excluded, or lived through</h2>\n<div class=open-on-paper>"
            + listed(f"{count(len(unshown), 'row')} whose tests passed and were not shown able to fail", [", ".join(unshown)] * bool(unshown))
            + listed(f"{count(len(skips), 'test')} skipped", skips)
            + listed(f"{count(len(excluded), 'exclusion')} from coverage, mutation or the run of examples", excluded)
            + listed(f"{count(len(unseen), 'planted fault')} not seen, or not tried, of {len(evidence.patches)}", unseen)
            + listed(f"{count(len(lived), 'kind of failure', 'kinds of failure')} (a call in a process) that a start lives through", lived)
            + "</div><p>Never tested: BSD, macOS, any kernel but the one named above, and hardware other than this machine's but "
              "for what <code>sh tests/matrix.sh</code> builds.</p>\n")


def page(evidence):
    style = results.read(os.path.join(results.HERE, "page.css"))
    links = "".join(f'<a href="#{name}">{words}</a>' for name, words in
                    (("rows", "rows"), ("faults", "failing calls"), ("figures", "coverage and mutants"), ("fuzz", "fuzzing"),
                     ("model", "model"), ("suites", "suites"), ("left-out", "left out")))
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>blivet: the evidence</title><style>\n{style}</style></head><body>\n{head(evidence)}<nav>{links}</nav>\n'
            + "".join(part(evidence) for part in (rows, faults, figures, model, suites, left_out)) + "</body></html>\n")


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
          f"{len(evidence.rows_that_are('half'))} passed and not shown able to fail, {len(evidence.rows_that_are('bad'))} without "
          f"a test that passed; {options.page}")
    sys.exit(bool(evidence.wrong))


if __name__ == "__main__":
    main()
