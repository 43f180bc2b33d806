#!/usr/bin/env python3
"""keep.py NAME FIGURES.json - keeps the figures of a command that takes long, with their commit, for the evidence.

Writes build/results/NAME.json.  Of mutants the survivors stay, and of the killed ones two for each test that saw them."""

import json
import os
import sys
import time

sys.dont_write_bytecode = True
import results  # noqa: E402  (no __pycache__)


def line_of(mutant):
    """The line's text; "" where the file has become shorter meanwhile: a run takes hours."""
    path = os.path.join(results.ROOT, mutant["file"])
    lines = results.read(path).splitlines() if os.path.exists(path) else []
    return "".join(lines[mutant["line"] - 1:mutant["line"]]).strip()


def fewer(mutants):
    """Survivors, and for each test the first two mutants that it saw."""
    kept, seen = [], {}
    for mutant in mutants:
        test = mutant.get("by")
        if mutant["verdict"] == "survived" or (test and seen.setdefault(test, 0) < 2):
            kept.append({key: mutant[key] for key in ("id", "file", "line", "op", "old", "new", "verdict")}
                        | {"by": test, "text": line_of(mutant)})
            if test:
                seen[test] += 1
    return kept


def main():
    name, path = sys.argv[1:3]
    figures = json.loads(results.read(path))
    if isinstance(figures, dict) and "mutants" in figures:
        figures["mutants"] = fewer(figures["mutants"])
    folder = os.path.join(results.ROOT, "build", "results")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
        json.dump({"name": name, "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "commit": results.commit_now(),
                   "figures": figures}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
