#!/usr/bin/env python3
"""documents.py BUILD - the documents against the code.

Steps, exit codes, options, functions and fields stand once in the code.  README, manual pages and --help are checked
against them here; so are the form of the manual pages, the C in all of them (it is taken from compiled examples), the
length of functions, and that every row of the specification that code and tests name exists.  What the documents
show for a shell is run by tests/process/test_documents.py."""
import os
import re
import subprocess
import sys

from blocks import INSPECTOR, PAGES, ROOT, blocks, read, written_in_c

BUILD = os.path.abspath(sys.argv[1])
README, COMMAND, LIBRARY, TOUR = (read(path) for path in ("README.md", *PAGES))
failures = []


def check(claim, expected, found):
    if expected == found:
        print(f"ok   {claim}")
        return
    failures.append(claim)
    print(f"FAIL {claim}\n     in the code:     {expected}\n     in the document: {found}")


# --- what the code says ---------------------------------------------------------------------------

def tracked(folder, ending):
    for place, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(names):
            if name.endswith(ending):
                yield os.path.relpath(os.path.join(place, name), ROOT)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


HEADER = without_comments(read("core/blivet.h"))


def steps():
    """(number, name, purpose, hazard)"""
    rows = re.findall(r'^STEP\((\d+), \w+, "(.*?)", "(.*?)",\s+"(.*?)"\)$', read("core/steps.def"), re.M)
    return [(int(number), *texts) for number, *texts in rows]


def codes():
    """Exit code of each kind of error: the table in error.c, through sysexits.h."""
    table = dict(re.findall(r"\[(BLIVET_\w+)\] = (\w+)", read("core/error.c")))
    source = "#include <sysexits.h>\n" + "\n".join(f"CODE {kind} {code}" for kind, code in table.items())
    text = subprocess.run(["cc", "-E", "-P", "-"], input=source, capture_output=True, text=True, check=True).stdout
    return {kind: int(code) for kind, code in re.findall(r"CODE (\w+) (\d+)", text)}


def options():
    return re.findall(r'^OPTION\("([\w-]+)"', read("cli/options.def"), re.M)


def words(text):
    return " ".join(re.sub(r"([*(),])", r" \1 ", text).split())


def prototypes():
    """{name: "result name ( parameters )"} as blivet.h declares them."""
    text = re.sub(r"\bBLIVET_MUST_CHECK\b", "", HEADER)
    text = re.sub(r"^void( blivet_\w+\([^;]*) BLIVET_NO_RETURN;", r"_Noreturn void\1;", text, flags=re.M)
    found = re.findall(r"^((?:const |struct |_Noreturn )*\w+ [* ]*(blivet_\w+)\([^;{]*\))\s*;", text, re.M)
    return {name: words(prototype) for prototype, name in found}


def members(structure):
    body = re.search(rf"^struct {structure} \{{(.*?)^\}};", HEADER, re.S | re.M).group(1)
    return re.findall(r"(\w+)(?:\[\w+\])?;", body)


def constants():
    """What an application can set: flags, and what there is to wait for and to hand over."""
    return sorted(set(re.findall(r"\b(BLIVET_\w+) = (?:\d|1 <<)", HEADER)) - {"BLIVET_OK"})


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


def rows_named():
    return {row for folder in ("core", "cli", "syscall", "faults", "tests/unit", "tests/process", "fuzz")
            for ending in (".c", ".h", ".def", ".py") for path in tracked(folder, ending)
            for row in re.findall(r"\b(?:CFG|SEQ|NTF|PID|STD|PRV|ERR|CLI|CHK|DOC|ASR)-\d+\b", read(path))}


# --- what a manual page says ----------------------------------------------------------------------

def plain(page):
    """Without the escapes that keep hyphens and backslashes apart."""
    return page.replace("\\-", "-").replace("\\e", "\\").replace("\\ ", " ")


def spoken(text):
    """As it is read: without macros and sections, full stops and commas at their words."""
    text = re.sub(r"^\.\w\w(?: (.*))?$", lambda line: re.sub(r"^(\w+) \d", r"\1", line[1] or ""), text, flags=re.M)
    return re.sub(r" (?=[.,;:])", "", " ".join(text.split()))


def section(page, title):
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page, re.S | re.M).group(1)


def synopsis(page):
    """The prototypes of a page, as prototypes() has them."""
    found, result, name, parameters = {}, "", None, []
    for line in section(page, "SYNOPSIS").splitlines():
        macro, _, rest = line.partition(" ")
        if macro == ".Ft":
            result = rest.strip('"')
        elif macro == ".Fo":
            name, parameters = rest, []
        elif macro == ".Fa":
            parameters.append(rest.strip('"'))
        elif macro == ".Fn":
            name, _, rest = rest.partition(" ")
            parameters = re.findall(r'"(.*?)"', rest) or [rest]
        if macro in (".Fc", ".Fn"):
            found[name] = words(f"{result} {name}({', '.join(parameters)})")
    return found


def listed_steps(page):
    """Of the command's manual: ".No 6 Pa /dev/null ,"."""
    return [(int(number), name) for number, name in re.findall(r"^\.No (\d+) (?:Pa )?(.*?) [,.]$", page, re.M)]


def errors_of(page):
    """Of the library's manual: ".It Dv BLIVET_A , BLIVET_B Pq 64"."""
    items = re.findall(r"^\.It Dv (.*?) Pq (\d+)$", section(page, "ERRORS"), re.M)
    return {kind: int(code) for kinds, code in items for kind in kinds.split(" , ")}


def lint(*page, text=None):
    """What mandoc has against a page, style too, but for which pages of others this system has."""
    said = subprocess.run(["mandoc", "-T", "lint", *page], input=text, capture_output=True, text=True, check=False).stdout
    return [line for line in said.splitlines() if not re.search(r"STYLE: (referenced manual not found|outdated mandoc\.db)", line)]


# --- one against the other ------------------------------------------------------------------------

def check_steps():
    names = [(number, name) for number, name, *_ in steps()]
    check("SEQ-1: the README's sequence is steps.def", [row[:3] for row in steps()],
          [(int(n), name, text) for n, name, text in re.findall(r"^(\d+)\. \*\*(.*?)\*\*: (.*)$", README, re.M)])
    row = re.search(r"^\| SEQ-1 \|.*", read("tests/spec.md"), re.M).group(0)
    check("SEQ-1: the specification has as many", [number for number, _ in names],
          [int(number) for number in re.findall(r"[:·] (\d+) ", row)])
    check("SEQ-1: daemonize(1) lists the steps", names, listed_steps(COMMAND))
    tour = re.findall(r"^\.Ss (\d+)\. (.*?)\n(.*?)(?=^\.S[sh] )", TOUR, re.S | re.M)
    check("SEQ-1: blivet(7) explains the steps", names, [(int(number), name) for number, name, _ in tour])
    check("blivet(7) says of each what would be without it, what a trace shows, and what is seen if it fails", [],
          [name for _, name, text in tour
           if not all(f".Em {part} :\n" in text for part in ("Without it", "Its trace", "If it fails"))])
    check("CLI-18: what would be without it begins in blivet(7) with what --explain shows", [],
          [name for (_, name, _, hazard), (_, _, text) in zip(steps(), tour)
           if not spoken(text.partition(".Em Without it :\n")[2]).startswith(f"{hazard}. ")])
    check("SEQ-1: daemonize.c takes the steps in that order", [number for number, _ in names],
          [int(number) for number in re.findall(r"/\* +(\d+) \*/", read("core/daemonize.c"))])
    check("SEQ-1: every step is entered once in the code",
          sorted(re.findall(r"^STEP\(\d+, (\w+)", read("core/steps.def"), re.M)),
          sorted(name for path in tracked("core", ".c")
                 for name in re.findall(r"blivet_enter\(daemon, STEP_(?!APPLICATION)(\w+)\)", read(path))))


def check_exit_codes():
    known = sorted({*codes().values(), os.EX_IOERR})  # CLI-19: the command's own
    check("ERR-12: the README's exit codes are those of error.c", known,
          sorted(int(code) for code in re.findall(r"^\| (\d+) \|", README, re.M)))
    check("ERR-12: daemonize(1) has the same exit codes", known,
          sorted({int(code) for code in re.findall(r"^\.It (\d+)\b", section(COMMAND, "EXIT STATUS"), re.M)}))
    check("ERR-12: blivet(3) has each kind of error with its code",
          {kind: code for kind, code in codes().items() if kind != "BLIVET_OK"}, errors_of(LIBRARY))
    for path in PAGES:
        named = {int(code) for code in re.findall(r"\b(?<!\.Xr )[Ee]xit (?:code )?(\d+)\b", read(path))}
        check(f"ERR-12: no other exit code in {path}", [], sorted(named - set(known)))


def check_options():
    in_manual = set(re.findall(r"Fl -([a-z][\w-]+)", plain(COMMAND)))
    check("CLI-1: daemonize(1) has every option", sorted(options()), sorted(in_manual & set(options())))
    for path in PAGES:  # what the examples use is seen when they are run
        named = set(re.findall(r"\bFl -([a-z][\w-]+)", plain(read(path))))
        check(f"CLI-1: no other option in {path}", [], sorted(named - set(options())))
    help_text = run(os.path.join(BUILD, "cli", "daemonize"), "--help")
    check("CLI-13: --help has every option", options(),
          re.findall(r"--([a-z][\w-]+)[ =[]", help_text.split("\n\n")[1] + " "))


def check_option_tables():
    """A row that is forgotten elsewhere, or a case that nobody can reach."""
    for table, source, area in (("cli/options.def", "cli/options.c", "CLI"), ("cli/daemoncheck.def", "cli/check_options.c", "CHK")):
        rows_of = re.findall(r'^OPTION\("([\w-]+)", (\'.\'|\w+), (NULL|"[^"]*")', read(table), re.M)
        check(f"{area}-1: {source} has a case for each row of {table}", sorted(value for _, value, _ in rows_of),
              sorted(re.findall(r"^    case ('[a-zA-Z]'|OPTION_\w+):", read(source), re.M)))
        check(f"{area}-1: {source} reads the letters of {table}",
              sorted(value[1] + ":" * (argument != "NULL") for _, value, argument in rows_of if value[0] == "'"),
              sorted(re.findall(r"\w:?", re.search(r'"\+:([\w:]+)"', read(source)).group(1))))
        specified = " ".join(re.findall(rf"^\| {area}-\d+ \|.*", read("tests/spec.md"), re.M))
        check(f"{area}-1: the specification has each option of {table}", [],
              [name for name, _, _ in rows_of if f"--{name}" not in specified])


def check_inspector():
    """daemoncheck(1): its options, its exit codes, its form."""
    page, help_text = read(INSPECTOR), run(os.path.join(BUILD, "cli", "daemoncheck"), "--help")
    known = re.findall(r'^OPTION\("([\w-]+)"', read("cli/daemoncheck.def"), re.M)
    check("CHK-1: daemoncheck(1) has every option and no other", sorted(known),
          sorted(set(re.findall(r"Fl -([a-z][\w-]+)", plain(page)))))
    check("CHK-1: --help of daemoncheck has every option", known,
          re.findall(r"--([a-z][\w-]+)[ =]", help_text.split("\n\n")[1] + " "))
    rows_of_codes = re.findall(r"^\| CHK-[13] \|(.*)\|$", read("tests/spec.md"), re.M)
    check("CHK-1 CHK-3: daemoncheck(1) has the exit codes of the specification",
          sorted({0, 1, *map(int, re.findall(r"\b(\d\d)\b", " ".join(rows_of_codes)))}),
          sorted({int(code) for code in re.findall(r"^\.It (\d+)\b", section(page, "EXIT STATUS"), re.M)}))
    wide = [line for line in help_text.splitlines() if len(line) > 80]
    check("CHK-7: --help of daemoncheck is 80 columns wide", [], wide)


def check_functions():
    check("blivet(3) declares the functions of blivet.h", prototypes(), synopsis(LIBRARY))
    check("blivet(3) names them all at its head", list(prototypes()),
          re.findall(r"^\.Nm (blivet_\w+)", section(LIBRARY, "NAME"), re.M))
    for part, title in (("explains", "DESCRIPTION"), ("says what is returned, and where, by", "RETURN VALUES")):
        check(f"blivet(3) {part} every function", [],
              [name for name in prototypes() if not re.search(rf"^\.(?:It )?(?:Fn \w+ , )*Fn {name}\b",
                                                              section(LIBRARY, title), re.M)])
    check("blivet(3) explains every field and flag", [],
          [name for name in (*members("blivet_config"), *members("blivet_error"), *constants())
           if not re.search(rf"\b{name}\b", section(LIBRARY, "DESCRIPTION"))])
    for path in PAGES:
        named = set(re.findall(r"^\.Fn (blivet_\w+)", read(path), re.M))
        check(f"no other function in {path}", [], sorted(named - set(prototypes())))


def check_examples():
    compiled = [read(path) for ending in (".c", ".cpp") for path in tracked("tests/examples", ending)]
    check("DOC-2: the C of README and manual pages is taken from compiled examples", [],
          [f"{document}: {block}" for document, block in blocks()
           if written_in_c(block) and not any(block in example for example in compiled)])


def check_form():
    version = re.search(r'BLIVET_VERSION "(.*)"', read("core/blivet.h")).group(1)
    check("CLI-13: the version comes from one place", f"daemonize {version}\n",
          run(os.path.join(BUILD, "cli", "daemonize"), "--version"))
    check("the changes by version begin with this one", version,
          re.match(r"blivet \((.*?)\) ", read("core/package/changelog")).group(1))
    for page in (*PAGES, INSPECTOR):
        check(f"{page} is clean mdoc", [], lint(os.path.join(ROOT, page)))
    check("a planted page with two faults is not", 2, len(lint(text=read(INSPECTOR).replace(".Sh DESCRIPTION", ".Sh DESCRIPTION \n.Xx"))))
    check("the README names files that exist", [],
          [path for path in re.findall(r"\]\(([\w./-]+)\)", README) if not os.path.exists(os.path.join(ROOT, path))])
    testing = read("tests/testing.md")
    check("tests/testing.md names files that exist", [],
          [path for path in [*re.findall(r"\]\(([\w./-]+)\)", testing), *re.findall(r"^sh tests/([\w./-]+)", testing, re.M)]
           if not os.path.exists(os.path.join(ROOT, "tests", path))])
    check("no function is over 70 lines", [], long_functions())
    rows = set(re.findall(r"^\| ([A-Z]{3}-\d+) \|", read("tests/spec.md"), re.M))
    check("rows that code and tests name exist", [], sorted(rows_named() - rows))


def check_figures():
    kept = re.search(r"<!-- from tests/bench/results -->\n(.*?)<!-- end -->", README, re.S)
    figures = kept.group(1) if kept else ""
    check("the README's figures are those of tests/bench/results/report.md", True,
          bool(figures.strip()) and figures in read("tests/bench/results/report.md"))
    section = re.search(r"^## Performance$(.*?)^## ", README.replace(figures, ""), re.S | re.M)
    check("the README has no figure of performance but those", [],
          re.findall(r"\d[\d.]*(?: times| ms| calls|%)", section.group(1)) if section else ["no such section"])


def check_comparison():
    kept = read("tests/daemons.md")
    shown = re.findall(r"<!-- from tests/daemons.md -->\n(.*?)<!-- end -->", README, re.S)
    check("CHK-3: the README's comparison of daemons is the one kept in tests/daemons.md",
          re.findall(r"^\|.*\n", kept, re.M), re.findall(r"^\|.*\n", "".join(shown), re.M))
    check("CHK-3: it says when it was made, and by what", True,
          bool(re.match(r"Made by `sh tests/compare-daemons\.sh` on \d{4}-\d\d-\d\d\.\n", kept)))


def check_matrix():
    script, jobs = read("tests/matrix.sh"), read(".github/workflows/ci.yml")
    parts = re.search(r"^\[ \$# -gt 0 \] \|\| set -- (.*)$", script, re.M).group(1).split()
    check("each part of tests/matrix.sh has a job in ci.yml, and the other way round", parts,
          re.search(r"^ +preset: \[(.*)\]$", jobs, re.M).group(1).split(", "))
    check("the head of tests/matrix.sh names its parts", parts,
          re.findall(r"\[([\w-]+)\]", re.search(r"^# +sh tests/matrix\.sh (.*)$", script, re.M).group(1)))
    cases = re.search(r"^  case \$preset in\n(.*?)^  esac$", script, re.S | re.M).group(1)
    check("tests/matrix.sh knows each of its parts, and no other", sorted(parts),
          sorted(name for names in re.findall(r"^  ([a-z][\w |-]*)\)", cases, re.M) for name in names.split(" | ")))
    check("ci.yml calls scripts that exist", [],
          [path for path in re.findall(r"^ +- run: sh (\S+)", jobs, re.M) if not os.path.exists(os.path.join(ROOT, path))])


for judge in (check_steps, check_exit_codes, check_options, check_option_tables, check_inspector, check_functions,
              check_examples, check_form, check_figures, check_comparison, check_matrix):
    judge()
print(f"\n{'documents: ' + str(len(failures)) + ' failed' if failures else 'documents: all hold'}")
sys.exit(1 if failures else 0)
