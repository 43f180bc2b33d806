#!/usr/bin/env python3
"""valgrind.py - a sample of the failing calls of real.py under valgrind: it finds nothing, and the start ends as without it.

    python3 tests/torture/valgrind.py --build build/tests/torture [--every N]

The program that the daemon becomes is not looked at.  Kills are left out, and what valgrind itself cannot do, pidfds,
is done by other means (SEQ-14).
"""

import argparse
import glob
import os
import shutil
import sys
import tempfile

import launches
import real


def complaints(folder):
    """The lines that valgrind has written of errors, its remarks on itself apart."""
    found = []
    for path in glob.glob(os.path.join(folder, "valgrind.*")):
        with open(path, encoding="utf-8", errors="replace") as log:
            found += [line for line in log if line.startswith("==")]
        os.unlink(path)
    return found


def compare(place, case):
    """What is wrong with a case, or None."""
    place.under = []
    plain = place.start(case.mode, case.faults())
    place.end_all()
    place.under = [shutil.which("valgrind"), "-q", "--vgdb=no", "--trace-children=yes", "--trace-children-skip=*/program,*/sh,*/script",
                   "--error-exitcode=99", f"--log-file={place.folder}/valgrind.%p"]
    watched = place.start(case.mode, case.faults())
    place.end_all()
    found = complaints(place.folder)
    if found:
        return "".join(found[:12])
    if watched.code != plain.code:
        return f"exit {watched.code} under valgrind, {plain.code} without: {watched.message.strip()}"
    return None


def work(options, base):
    if real.plan(options, base, "root") != 0:
        return 1
    planned = [case for case in real.planned(base, "root")[0] if not case[-2].startswith("KILL")]
    place = real.place_for(options, base, "root", "valgrind")
    modes = {mode.name: mode for mode in launches.MODES}
    wrong = 0
    for name, *call, what, _ in planned:
        case = real.Case(modes[name], real.Planned(*call), what)
        problem = compare(place, case)
        if problem:
            wrong += 1
            print(f"FAIL valgrind {case.name}: {problem}")
    print(f"{'FAIL' if wrong else 'ok  '} ASR-4  valgrind: {len(planned)} starts with a failing call, {wrong} not as without it")
    return wrong > 0 or not planned


def main():
    launches.close_inherited()
    parser = argparse.ArgumentParser(description="A sample of the torture under valgrind.")
    parser.add_argument("--build", default="build/tests/torture")
    parser.add_argument("--every", type=int, default=150, metavar="N", help="each N-th case only")
    options = parser.parse_args()
    options.case = options.k = ""
    launches.PATIENCE *= 10  # a start takes seconds here, and more of them on a busy machine
    base = os.path.realpath(tempfile.mkdtemp(prefix="blivet-valgrind-"))
    launches.prepare_machine(base, options.build)
    try:
        sys.exit(launches.in_child(lambda: work(options, base)))
    finally:
        launches.clear_machine(base)


if __name__ == "__main__":
    main()
