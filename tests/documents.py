#!/usr/bin/env python3
"""documents.py BUILD - the documents against the code.

Steps, exit codes, options and functions stand once in the code; README, manual pages and --help are checked
against them here.  So are the manual pages' form, the README's C (it is taken from a compiled example), the
length of functions, and that every row of the specification that tests name exists."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(sys.argv[1])
failures = []


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def tracked(folder, ending):
    for place, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(names):
            if name.endswith(ending):
                yield os.path.relpath(os.path.join(place, name), ROOT)


def check(claim, expected, found):
    if expected == found:
        print(f"ok   {claim}")
        return
    failures.append(claim)
    print(f"FAIL {claim}\n     in the code:     {expected}\n     in the document: {found}")


def steps():
    rows = re.findall(r'^STEP\((\d+), \w+, "(.*?)", "(.*?)"\)', read("core/steps.def"), re.M)
    return [(int(number), name, sentence) for number, name, sentence in rows]


def exit_codes():
    """From the table in error.c, through sysexits.h."""
    names = set(re.findall(r"\[BLIVET_\w+\] = (\w+)", read("core/error.c")))
    source = "#include <sysexits.h>\n" + "\n".join(f"CODE {name}" for name in sorted(names))
    text = subprocess.run(["cc", "-E", "-P", "-"], input=source, capture_output=True, text=True, check=True).stdout
    return sorted(int(code) for code in re.findall(r"CODE (\d+)", text))


def options():
    return re.findall(r'^OPTION\("([\w-]+)"', read("cli/options.def"), re.M)


def functions():
    text = re.sub(r"/\*.*?\*/", "", read("core/blivet.h"), flags=re.S)
    return sorted(set(re.findall(r"\b(blivet_\w+)\(", text)))


def long_functions():
    found = []
    for folder in ("core", "cli", "syscall", "faults", "fuzz", "tests"):
        for path in tracked(folder, ".c"):
            start = None
            for number, line in enumerate(read(path).splitlines(), 1):
                if line.startswith("{"):
                    start = number
                elif line.startswith("}") and start:
                    if number - start > 70:
                        found.append(f"{path}:{start}")
                    start = None
    return found


readme, manual, library = read("README.md"), read("cli/daemonize.1"), read("core/blivet.3")

check("SEQ-1: the README's sequence is steps.def",
      steps(), [(int(n), name, text) for n, name, text in re.findall(r"^(\d+)\. \*\*(.*?)\*\*: (.*)$", readme, re.M)])
check("SEQ-1: daemonize.c takes the steps in that order",
      [number for number, _, _ in steps()],
      [int(number) for number in re.findall(r"/\* +(\d+) \*/", read("core/daemonize.c"))])
check("SEQ-1: every step is entered once in the code",
      sorted(re.findall(r"^STEP\(\d+, (\w+)", read("core/steps.def"), re.M)),
      sorted(name for path in tracked("core", ".c")
             for name in re.findall(r"blivet_enter\(daemon, STEP_(?!APPLICATION)(\w+)\)", read(path))))
check("ERR-12: the README's exit codes are those of error.c",
      exit_codes(), sorted(int(code) for code in re.findall(r"^\| (\d+) \|", readme, re.M)))
check("ERR-12: daemonize(1) has the same exit codes",
      exit_codes(), sorted({int(code) for code in re.findall(r"^\.It (?:Li |Dv |Er |Sy )?(\d+)\b", manual, re.M)}))
long_in_manual = set(re.findall(r"Fl -([a-z][\w-]+)", manual.replace("Fl \\-", "Fl -")))
check("CLI-1: daemonize(1) has every option", sorted(options()), sorted(long_in_manual & set(options())))
check("CLI-1: daemonize(1) has no other option", [], sorted(long_in_manual - set(options())))
help_text = subprocess.run([os.path.join(BUILD, "cli", "daemonize"), "--help"], capture_output=True, text=True,
                           check=True).stdout
check("CLI-13: --help has every option", options(), re.findall(r"--([a-z][\w-]+)[ =]", help_text.split("\n\n")[1] + " "))
check("blivet(3) has every function of blivet.h", functions(),
      sorted(name for name in functions() if re.search(rf"^\.(?:Fn|Fo) \"?{name}\b", library, re.M)))
version = re.search(r'BLIVET_VERSION "(.*)"', read("core/blivet.h")).group(1)
printed = subprocess.run([os.path.join(BUILD, "cli", "daemonize"), "--version"], capture_output=True, text=True,
                         check=True).stdout
check("CLI-13: the version comes from one place", f"daemonize {version}\n", printed)
for page in ("cli/daemonize.1", "core/blivet.3"):
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", os.path.join(ROOT, page)], capture_output=True,
                          text=True, check=False).stdout
    check(f"{page} is clean mdoc", "", lint)
examples = [read(path) for path in tracked("tests/examples", ".c")]
blocks = re.findall(r"```c\n(.*?)```", readme, re.S)
check("the README's C is taken from a compiled example", [True] * len(blocks),
      [any(block in example for example in examples) for block in blocks])
check("the README names files that exist", [],
      [path for path in re.findall(r"\]\(([\w./-]+)\)", readme) if not os.path.exists(os.path.join(ROOT, path))])
check("no function is over 70 lines", [], long_functions())
rows = set(re.findall(r"^\| ([A-Z]{3}-\d+) \|", read("tests/spec.md"), re.M))
named = {row for folder in ("core", "cli", "syscall", "faults", "tests/unit", "tests/process", "fuzz")
         for ending in (".c", ".h", ".def", ".py") for path in tracked(folder, ending)
         for row in re.findall(r"\b(?:CFG|SEQ|NTF|PID|STD|PRV|ERR|CLI|DOC|ASR)-\d+\b", read(path))}
check("rows that code and tests name exist", [], sorted(named - rows))
print(f"\n{'documents: ' + str(len(failures)) + ' failed' if failures else 'documents: all hold'}")
sys.exit(1 if failures else 0)
