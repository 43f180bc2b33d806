"""test_evidence.py - the scripts that say what is proved, on small invented results: each lack must be seen.

Three rows and two suites; in the beginning all is well.  Then one thing at a time is taken away.
"""

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


def page(box, **content):
    """The page's exit code, the script's words, and the page."""
    options = invented(box, **content)
    path = box.path("page.html")
    for name in ("build", "kept", "planted"):
        options += [f"--{name}", os.path.join(box.path("results"), name)]
        os.makedirs(options[-1], exist_ok=True)
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
    code, words, content = page(box, **fresh, planted=of_this_commit("commit: 123\nok   word-unsaid: AAA-1, seen by x\nexit: 0\n"))
    check(code == 0 and '<tr class="is-good" id="AAA-1">' in content and '<tr class="is-half" id="AAA-2">' in content, words)
    for what, lack, reason in (
            ("a row without a test", {"process": fresh["process"].replace("AAA-2", "")}, "row AAA-2: no test of it ran and passed"),
            ("a suite that failed", {"unit": fresh["unit"].replace("exit: 0", "exit: 1")}, "suite unit: it failed"),
            ("a suite without a result", {"unit": ""}, "suite unit: no result"),
            ("a result of another commit", {"unit": UNIT}, "suite unit: the result is of commit 123, not of "),
            ("a planted fault that no test sees", {"planted": "commit: 1\nFAIL word-unsaid: not seen\nexit: 1\n"},
             "planted faults: one was not seen")):
        code, words, content = page(box, **{**fresh, **lack})
        check(code == 1 and reason in content and reason in words and "Not proved: something failed" in content, what, words)
