"""test_evidence.py - the scripts that say what is proved, on small invented results: each lack must be seen.

Three rows and two suites; in the beginning all is well.  Then one thing at a time is taken away.
"""

import json
import os
import subprocess
import sys

from harness import HERE, check, equal, rows, text, write

PLACE = os.path.join(os.path.dirname(HERE), "evidence")
SPEC = """## Words (AAA)

| id | requirement |
| --- | --- |
| AAA-1 | It says *a word*. |
| AAA-2 | It says `b \\| c`. |
| AAA-3 | removed: it said more. |
"""
RUN = "kept unit ctest\nkept process run.py\nkept rows rows.py\n"
UNIT = "commit: 123\n[ RUN      ] AAA-1: it_says_a\n[       OK ] AAA-1: it_says_a\nexit: 0\n"
PLANTED = "commit: 123\nok   1 tests pass without any fault\nok   word-unsaid: AAA-1, seen by unit test_a it_says_a\nexit: 0\n"
PROCESS = "commit: 123\nok   AAA-1 AAA-2  it_says_b  (7 times)\nskip AAA-1  it_says_c  (no c here)\nexit: 0\n"


def invented(box, unit=UNIT, process=PROCESS, own="", planted=""):
    """A folder with results, and the options that lead there."""
    folder = box.path("results")
    os.makedirs(folder, exist_ok=True)
    for name, content in (("spec.md", SPEC), ("run.sh", RUN), ("unit.log", unit), ("process.log", process),
                          ("rows.log", own), ("planted.log", planted)):
        if content:
            write(os.path.join(folder, name), content)
        elif os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))
    return ["--results", folder, "--spec", os.path.join(folder, "spec.md"), "--run", os.path.join(folder, "run.sh")]


def judged(box, **content):
    """rows.py's exit code and words."""
    result = box.run([sys.executable, os.path.join(PLACE, "rows.py"), *invented(box, **content)])
    return result.code, result.out + result.err


@rows("ASR-5")
def a_row_counts_only_with_a_test_that_ran_and_passed(box):
    equal(judged(box), (0, "ok   ASR-5  2 rows, each named by one of 2 tests that ran and passed\n"))
    lacks = "FAIL ASR-5  row AAA-2: no test of it ran and passed\n"
    equal(judged(box, process=PROCESS.replace("AAA-1 AAA-2", "AAA-1")), (1, lacks), "a row that no test names")
    code, words = judged(box, process=PROCESS.replace("ok  ", "FAIL"))
    check(code == 1 and lacks in words, "a row whose test failed", words)
    code, words = judged(box, process=PROCESS.replace("ok  ", "skip"))
    check((code == 1 and lacks in words) or (os.geteuid() != 0 and words.startswith("skip ASR-5  AAA-2")),
          "a row whose test was skipped", words)
    code, words = judged(box, process=PROCESS.replace("exit", "ok   AAA-2  it_says_b, again\nFAIL AAA-2  it_says_b\nexit"))
    check("FAIL ASR-5  suite process: it failed" in words, "a test that passed once and failed once", words)


@rows("ASR-5")
def a_suite_that_failed_or_is_not_there_fails_the_run(box):
    failed, lacks = "FAIL ASR-5  suite unit: it failed\n", "FAIL ASR-5  suite unit: no result\n"
    equal(judged(box, unit=UNIT.replace("exit: 0", "exit: 1")), (1, failed), "its exit code")
    lacking = "FAIL ASR-5  row AAA-1: no test of it ran and passed\n"
    without = PROCESS.replace("AAA-1 AAA-2", "AAA-2")
    equal(judged(box, unit=UNIT.replace("      OK", "  FAILED"), process=without), (1, failed + lacking), "a test that failed")
    equal(judged(box, unit=UNIT.replace("[       OK ] AAA-1: it_says_a\n", "")), (1, failed), "a test that ended its program")
    equal(judged(box, unit=UNIT.replace("exit: 0\n", "")), (1, lacks), "a suite that did not come to its end")
    equal(judged(box, unit=""), (1, lacks), "a suite that did not run")


def page(box, files=None, **content):
    """The page's exit code, the script's words, and the page.  files: beside the results, {name: content}."""
    options = invented(box, **content)
    path = box.path("page.html")
    for name in ("build", "kept", "planted"):
        options += [f"--{name}", os.path.join(box.path("results"), name)]
        os.makedirs(options[-1], exist_ok=True)
    for name, words in (files or {}).items():
        write(os.path.join(box.path("results"), name), words)
    write(os.path.join(options[-1], "word-unsaid.patch"), "Broken: no word is said\nRow: AAA-1\nTest: unit test_a it_says_a\n")
    result = box.run([sys.executable, os.path.join(PLACE, "page.py"), *options, path], seconds=20)
    return result.code, result.out + result.err, text(path)


def of_this_commit(content):
    git = ["git", "-C", HERE, "describe", "--always", "--exclude", "*", "--abbrev=12", "--dirty"]
    now = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    return content.replace("commit: 123", f"commit: {now}")


@rows("ASR-5")
def the_page_is_red_for_what_is_not_proved(box):
    fresh = {"unit": of_this_commit(UNIT), "process": of_this_commit(PROCESS), "own": of_this_commit("commit: 123\nexit: 0\n")}
    code, words, content = page(box, **fresh)
    check(code == 0 and "Not proved:</b> <a" in content and "Why this page is red" not in content, "all is well", words)
    check('<tr class="is-half" id="AAA-1">' in content, "no fault has shown that the test can fail")
    code, words, content = page(box, **fresh, planted=of_this_commit(PLANTED))
    check(code == 0 and '<tr class="is-good" id="AAA-1">' in content and '<tr class="is-half" id="AAA-2">' in content, words)
    both = fresh | {"unit": fresh["unit"].replace("AAA-1:", "AAA-1 AAA-2:"), "process": fresh["process"].replace("AAA-1 AAA-2", "AAA-1")}
    code, words, content = page(box, **both, planted=of_this_commit(PLANTED))
    check('<tr class="is-good" id="AAA-1">' in content and '<tr class="is-half" id="AAA-2">' in content and "a test that it shares was seen" in content,
          "a row at which no fault is aimed, though its test was seen to fail, is not proved", words)
    check("There is none: every row is proved" not in content, "one is not")
    other = "Broken: another word is said\nRow: AAA-2\nTest: process it_says_b\n"
    seen = PLANTED.replace("exit", "ok   word-other: AAA-2, seen by process it_says_b\nexit")
    code, words, content = page(box, {"planted/word-other.patch": other}, **fresh, planted=of_this_commit(seen))
    check('<tr class="is-good" id="AAA-2">' in content and "There is none: every row is proved" in content, "both are", words)
    os.remove(os.path.join(box.path("results"), "planted", "word-other.patch"))
    for what, other in (("another row", PLANTED.replace("AAA-1", "AAA-2")), ("another test", PLANTED.replace("it_says_a", "it_says_b")),
                        ("not seen", PLANTED.replace("ok  ", "FAIL").replace("exit: 0", "exit: 1")),
                        ("skipped", PLANTED.replace("ok  ", "skip"))):
        code, words, content = page(box, **fresh, planted=of_this_commit(other))
        check('<tr class="is-half" id="AAA-1">' in content, "what was seen is not this fault", what, words)
    process = fresh["process"].replace("AAA-1 AAA-2  it_says_b", "AAA-1 AAA-2  it_says_a")
    code, words, content = page(box, unit=fresh["unit"].replace("it_says_a", "it_says_d"), process=process, own=fresh["own"],
                                planted=of_this_commit(PLANTED))
    check('<tr class="is-half" id="AAA-1">' in content, "the test that saw the fault did not run this time", words)
    for what, lack, reason in (
            ("a row without a test", {"process": fresh["process"].replace("AAA-2", "")}, "row AAA-2: no test of it ran and passed"),
            ("a suite that failed", {"unit": fresh["unit"].replace("exit: 0", "exit: 1")}, "suite unit: it failed"),
            ("a suite without a result", {"unit": ""}, "suite unit: no result"),
            ("a result of another commit", {"unit": UNIT}, "suite unit: the result is of commit 123, not of "),
            ("a planted fault that no test sees", {"planted": "commit: 1\nFAIL word-unsaid: not seen\nexit: 1\n"},
             "planted faults: one was not seen")):
        code, words, content = page(box, **{**fresh, **lack})
        check(code == 1 and reason in content and reason in words and "Not proved: something failed" in content, what, words)


def case(**fields):
    """A line that the torture leaves."""
    return json.dumps({"call": "flock", "process": "daemon", "phase": "lock", "subject": "pidfile", "errno": "EBADF", "promise": "lives",
                       "message": "", "wrong": ""} | fields) + "\n"


@rows("ASR-5")
def the_page_says_of_a_failure_what_was_seen_and_no_more(box):
    stops = {"promise": "stops 73 pidfile: ...", "message": "pidfile: /run/x.pid: bad file descriptor"}
    in_process = (case(persists=False, code=0) + case(persists=False, code=75) + case(persists=True, code=73, **stops)
                  + case(call="unlink", process="launcher", errno="EROFS", promise="lives, leaving the pidfile", persists=False, code=0)
                  + case(call="kill", errno="ESRCH", promise="lives or stops 71 it: {errno}", message="it: it is not permitted", persists=False, code=71))
    killed = {"call": "close", "errno": "KILL", "promise": "NTF-13"}
    real = (case(call="poll", errno="EWOULDBLOCK", exit=73, **stops) + case(**killed, exit=0) + case(**killed, exit=1) + case(**killed, process="launcher", exit=-9)
            + case(errno="EBADF+", exit=73, **stops))
    _, _, content = page(box, {"build/torture.jsonl": in_process, "build/torture-real.jsonl": real})
    for words in ("EBADF 73 or goes on<", "<li>goes on <span class=quiet>2 × once; lock (pidfile)</span>", "bad file descriptor <span class=quiet>1 × for good;",
                  "real starts: 1 × 73<", "EROFS goes on *<", "EAGAIN 73<", "a pidfile that names a process that has ended may stay</b> <span class=quiet>1 × once",
                  "ESRCH 71<", "killed before: 1 or 0, ready before<", "killed before: SIGKILL ends it<",
                  "<code>unlink</code>, launcher: EROFS (once)<", "5 failures of one call in process, of which 3 may be lived through",
                  "5 starts of real processes, 3 of them with a process killed", "for 1 the promise allows"):
        check(words in content, "the page lacks", words)


@rows("ASR-5")
def the_figures_count_each_thing_once(box):
    with open(os.path.join(os.path.dirname(PLACE), "mutants.txt"), encoding="utf-8") as file:
        listed = next(line.split()[0] for line in file if not line.startswith("#"))
    lacking = {"core/a.c": {"conditions": 2, "shown": 1, "missing": ["3: condition 1"] * 2},
               "core/b.h": {"conditions": 1, "shown": 1, "missing": ["9: condition 1"]}}
    mutants = [{"id": name, "file": "core/a.c", "line": 3, "old": "<", "new": "<=", "verdict": "survived", "text": "if (a < b)"}
               for name in (listed, "0123456789ab")]
    mutation = {"counts": {"killed": 7, "timeout": 1, "survived": 2, "uncompilable": 0, "equivalent": 0}, "total": 12, "tried": 10, "ignored": 0,
                "files": {"core/a.c": {"killed": 8, "survived": 2, "made": 12}}, "mutants": mutants}
    kept = {f"kept/{name}.json": json.dumps({"commit": "123", "when": "2000-01-01 00:00", "figures": figures}) for name, figures in
            (("mcdc", {"total": {"core/": [2, 3], "cli/": [0, 0]}, "files": lacking}), ("mutation", mutation))}
    log = "commit: 123\ndate: 2000-01-02 03:04\nok   1 tests pass without any fault\nskip word-unsaid: only root can see it\nexit: 0\n"
    _, _, content = page(box, kept, planted=log)
    for words in ("1 condition of which no such two runs were seen", "<code>core/a.c:3: condition 1</code>", "2 of 3 in <code>core/</code>, 0 of 0 in <code>cli/</code>",
                  "2 survived (1 of them are on the list below by now)", "1 mutant outside that list survived", "<code>if (a &lt; b)</code>",
                  "8 killed of 10 tried, 12 made", "2 were not tried", "0 planted faults not seen, of 1", "1 planted fault not tried, of 1",
                  "mutants killed, of those tried, kept, of 123<", "of commit 123; what has changed since cannot be told",
                  '<td data-head="passed" class="number">0</td><td data-head="failed" class="number">0</td><td data-head="skipped" class="number">1</td>',
                  "2000-01-02 03:04"):
        check(words in content, "the page lacks", words)
    check("core/b.h:9" not in content, "a condition that another instance of it has shown")
