#!/usr/bin/env python3
"""names.py - each block of start.pml names the functions that it models: are they there, and do they still do that?

"[launcher.c: say_go(send unreadable), see_leader_off(await_leader shutdown)]": each function is defined in that file of
core/ or cli/, and its body has these words, in this order, outside of comments.  Code that moves to another function,
or changes its order, makes this red: then look at the model."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def bodies_of(name):
    """{function: body} of a file, its comments cut out."""
    for folder in ("core", "cli"):
        path = os.path.join(ROOT, folder, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.DOTALL)
            found = re.findall(r"^\w[^;{}()=#]*?\b(\w+)\([^;{}]*?\)\s*\{([^\n]*\}$|.*?^\}$)",
                               text, re.DOTALL | re.MULTILINE)
            return dict(found)
    return {}


def missing(body, words):
    """The first word that does not follow on those before it."""
    at = 0
    for word in words:
        match = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)").search(body, at)
        if not match:
            return word
        at = match.end()
    return None


def main():
    with open(os.path.join(HERE, "start.pml"), encoding="utf-8") as file:
        model = file.read()
    named = told = failures = 0
    for name, functions in re.findall(r"\[(\w+\.c):\s*([^\]]*)\]", model):
        bodies = bodies_of(name)
        for function, words in re.findall(r"(\w+)\(([^)]*)\)", re.sub(r"\s+", " ", functions).replace("* ", "")):
            words = words.split()
            named, told = named + 1, told + len(words)
            if function not in bodies or not words:
                print(f"FAIL the model names {function} of {name}, which is not there")
                failures += 1
            elif missing(bodies[function], words):
                print(f"FAIL the model takes {function} of {name} for {' '.join(words)}: "
                      f"\"{missing(bodies[function], words)}\" is not there, or not in that order")
                failures += 1
    if named < 30:
        print(f"FAIL the model names only {named} functions")
        failures += 1
    print(f"{'FAIL' if failures else 'ok  '} the {named} functions that the model names have the {told} words that it takes them for")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
