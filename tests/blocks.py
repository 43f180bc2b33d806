"""blocks.py - the examples of the documents: what stands in a block of its own in README and manual pages."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = ("cli/daemonize.1", "core/blivet.3", "core/blivet.7")
INSPECTOR = "cli/daemoncheck.1"


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def written_in_c(block):
    return re.search(r"^\s*blivet_|= blivet_|\bblivet_\w+\(", block, re.M) is not None


def blocks():
    """(document, text) for each; the text as the reader sees it."""
    found = [("README.md", text) for _, text in re.findall(r"^```(\w*)\n(.*?)^```$", read("README.md"), re.S | re.M)]
    for page in (*PAGES, INSPECTOR):
        for text in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", read(page), re.S | re.M):
            found.append((page, text.replace(r"\e", "\\").replace(r"\(dq", '"')))
    return found
