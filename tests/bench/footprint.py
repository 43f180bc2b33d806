#!/usr/bin/env python3
"""footprint.py LIBRARY - the library's code is under 40 KiB, and its deepest stack under 16 KiB.

The stack is summed along the calls: what each function needs by gcc's word (-fcallgraph-info=su), and which it calls.  The
seam's own calls are the system's.  A frame whose size is not fixed, or a function that calls itself, fails."""
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST_TEXT, MOST_STACK = 40 * 1024, 16 * 1024
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-O2", "-fPIC", "-fstack-protector-strong",
         "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"]


def text_size(library):
    listing = subprocess.run(["size", "-A", library], capture_output=True, text=True, check=True).stdout
    return sum(int(size) for size in re.findall(r"^\.text\S*\s+(\d+)", listing, re.M))


def call_graph():
    """({function: bytes}, {function: callees}, [functions without a fixed frame])"""
    frames, calls, unfixed = {}, {}, []
    with tempfile.TemporaryDirectory() as folder:
        for path in glob.glob(os.path.join(ROOT, "core", "*.c")):
            target = os.path.join(folder, os.path.basename(path)[:-2])
            subprocess.run(["gcc", *FLAGS, "-fcallgraph-info=su", "-c", path, "-o", target + ".o"], check=True)
            with open(target + ".ci", encoding="utf-8") as file:
                graph = file.read()
            for title, size, how in re.findall(r'node: { title: "([^"]+)" label: "[^"]*\\n(\d+) bytes \(([^)]*)\)', graph):
                frames[title] = int(size)
                if how != "static":
                    unfixed.append(title)
            for source, callee in re.findall(r'edge: { sourcename: "([^"]+)" targetname: "([^"]+)"', graph):
                calls.setdefault(source, set()).add(callee)
    return frames, calls, unfixed


def deepest(function, frames, calls, above=()):
    """(bytes, chain)"""
    if function in above:
        sys.exit(f"FAIL footprint: calls itself: {function}")
    under = [deepest(callee, frames, calls, (*above, function)) for callee in calls.get(function, ()) if callee in frames]
    size, chain = max(under, default=(0, ()))
    return frames[function] + 8 + size, (function, *chain)  # 8: where to return to


def main():
    failed = False
    text = text_size(sys.argv[1])
    print(f"{'ok  ' if text < MOST_TEXT else 'FAIL'} code of {os.path.basename(sys.argv[1])}: {text} bytes, under {MOST_TEXT}")
    failed |= text >= MOST_TEXT
    frames, calls, unfixed = call_graph()
    if unfixed or len(frames) < 100:
        sys.exit(f"FAIL footprint: frames without a fixed size: {unfixed}, of {len(frames)}")
    size, chain = max(deepest(function, frames, calls) for function in frames)
    names = " > ".join(os.path.basename(name).partition(":")[2] or name for name in chain)
    print(f"{'ok  ' if size < MOST_STACK else 'FAIL'} deepest stack: {size} bytes, under {MOST_STACK}: {names}")
    sys.exit(failed or size >= MOST_STACK)


main()
