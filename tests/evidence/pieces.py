"""pieces.py - pieces of HTML of which page.py makes the page of evidence."""

import html
import re


def text(words):
    return html.escape(str(words), quote=True)


def code(words):
    return f"<code>{text(words)}</code>"


def marked(words):
    """What the specification has of Markdown."""
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words, quote=False))
    words = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", words)
    return re.sub(r"(?<!\*)\*([^*]+)\*(?!\*)", r"<i>\1</i>", words)


def tag(state, words):
    return f'<span class="tag {state}">{text(words)}</span>'


def heading(name, words):
    """A section's, with a way back to the top."""
    return f'<h2 id="{name}">{words}</h2><a class=up href="#top">to the top</a>\n'


def table(caption, heads, lines):
    """heads: a "#" in front: a column of numbers.  lines: of cells that are HTML already; the first names the line.

    On a narrow screen each line is a block, and each cell says its column's name."""
    numbers = [' class="number"' if head.startswith("#") else "" for head in heads]
    names = [text(head.lstrip("#")) for head in heads]
    head = "".join(f"<th scope=col{style}>{name}</th>" for name, style in zip(names, numbers))
    body = ""
    for first, *cells in lines:
        rest = "".join(f'<td data-head="{name}"{style}>{cell}</td>' for cell, name, style in zip(cells, names[1:], numbers[1:]))
        body += f"<tr><th scope=row>{first}</th>{rest}</tr>\n"
    return (f'<table class=stacks><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
            f'<tbody>{body}</tbody></table>\n')


def listed(summary, items, kind=""):
    """A list that opens; without items nothing but its summary.  kind "folded": it stays folded on paper."""
    if not items:
        return f"<p>{summary}</p>\n"
    return (f"<details class=\"{kind}\"><summary>{summary}</summary><ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
            "</details>\n")


def number(value):
    return f"{value:,}".replace(",", "\u202f")


def count(value, one, many=None):
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def share(part, whole):
    """Never rounded up to all."""
    return f"{int(1000 * part / whole) / 10:.1f}\u202f%" if whole else "none"


def bar(part, whole):
    return f'{part} of {whole} <span class=bar><i style="width:{100 * part / whole:.1f}%"></i></span>' if whole else "none"
