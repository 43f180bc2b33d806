#!/usr/bin/env python3
"""one_file.py [FOLDER] - makes the library's two-file form, FOLDER/blivet.c and FOLDER/blivet.h (default: build/one-file).

For whoever vendors and audits: `cc -c blivet.c`, nothing else, no definitions needed.  blivet.h is the public face;
with BLIVET_SEAM defined (and _GNU_SOURCE, as everywhere) it also has the table of system calls and the calls that
take one, blivet_daemonize_on() and its like.  The files are those of core/ and syscall/ as they stand, each #include
of our own replaced by what it names.  Names that are static in two files are refused: rename one."""
import collections
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources():
    """As CMakeLists.txt lists them, daemonize.c first, since it is to be read first; the table of the C library last,
    for it defines names of the C library away."""
    listed = re.findall(r"\bcore/\w+\.c\b", re.search(r"add_library\(blivet_core OBJECT(.*?)\)", read("CMakeLists.txt"), re.S)[1])
    return sorted(listed, key=lambda path: (path != "core/daemonize.c", path)) + ["syscall/libc.c"]


def inlined(path, given):
    """The text of a file with our own headers in it, but those in the set given; .def files each time anew."""
    lines = [f"/* ======== {path} ======== */"]
    for line in read(path).splitlines():
        include = re.match(r'#include "(.*)"', line)
        name = include and os.path.normpath(os.path.join(os.path.dirname(path), include[1]))
        if not include:
            lines.append(line)
        elif name.endswith(".def"):
            lines += read(name).splitlines()
        elif name not in given:
            given.add(name)
            lines += inlined(name, given)
    return lines


def static_names(path):
    """What a file keeps to itself at its top level: functions, objects, types, enumerators."""
    text = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
    found = set(re.findall(r"^static [^;={(]*?(\w+)\s*(?:\(|\[|=|;)", text, re.M))
    found |= set(re.findall(r"^(?:struct|union|enum) (\w+) \{", text, re.M))
    for body in re.findall(r"^enum (?:\w+ )?\{(.*?)\}", text, re.M | re.S):
        found |= set(re.findall(r"(?:^|,)\s*(\w+)", body))
    return found


def refuse_clashes(paths):
    owners = collections.defaultdict(list)
    for path in paths:
        for name in static_names(path):
            owners[name].append(path)
    clashes = [f"{name} is in {' and '.join(paths)}" for name, paths in sorted(owners.items()) if len(paths) > 1]
    if clashes:
        sys.exit("one_file.py: in one file these names would clash:\n  " + "\n  ".join(clashes))


def hidden(lines):
    """The same, invisible outside the library or program that it becomes part of, but for what blivet.h declares; the
    system's headers come first, for what they declare is elsewhere."""
    includes = [line for line in lines if re.match(r"#include <", line)]
    return [*sorted(set(includes)), "#ifdef __GNUC__", "#pragma GCC visibility push(hidden)", "#endif",
            *(line for line in lines if line not in includes),
            "#ifdef __GNUC__", "#pragma GCC visibility pop", "#endif"]


def write(folder, name, lines):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "one-file")
    version = re.search(r'BLIVET_VERSION "(.*)"', read("core/blivet.h"))[1]
    paths = sources()
    refuse_clashes(paths)
    head = [f"/* blivet {version}, made by one_file.py: do not edit */",
            "/*", *(f" * {line}".rstrip() for line in read("LICENSE").splitlines()), " */"]
    os.makedirs(folder, exist_ok=True)
    given = {"core/blivet.h"}
    write(folder, "blivet.h", [*head, *read("core/blivet.h").splitlines(),
                               "\n/* The table of system calls, for embedders who audit; no stable interface. */",
                               "#ifdef BLIVET_SEAM", *hidden(inlined("core/seam.h", given)), "#endif"])
    given.add("core/seam.h")
    definitions = [line for name in ("_GNU_SOURCE", "_FILE_OFFSET_BITS 64", "_TIME_BITS 64", "BLIVET_SEAM")
                   for line in (f"#ifndef {name.split()[0]}", f"#define {name}", "#endif")]
    body = [line for path in paths for line in ["", *inlined(path, given)]]
    write(folder, "blivet.c", [*head, *definitions, '#include "blivet.h"', *hidden(body)])


if __name__ == "__main__":
    main()
