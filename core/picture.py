#!/usr/bin/env python3
"""picture.py TRACE.json - draws a start as SVG on stdout: three processes over time, from a trace of a real one.

    daemonize --trace=start.json -E LANG=C -p /run/nap.pid -o /var/log/nap.log -- sleep 600
    python3 core/picture.py start.json >core/blivet.svg

Time runs downwards, in the order of the trace; a row is one thing that happens, and the figures at the left are its
milliseconds.  The calls of a step stand beside its name, each once.  Colours follow the reader's light or dark scheme."""
import json
import os
import sys
from html import escape

WIDTH, TOP, LINE, GAP, LETTER = 1120, 110, 15, 12, 6.7  # LETTER: the width of one of the small type
LANES = {"launcher": 100, "leader": 440, "daemon": 680}  # where its line is; its text stands to the right of it
CAPTIONS = {"launcher": ("launcher", "was started, and answers with the truth"),
            "leader": ("session leader", "lives for a moment"), "daemon": ("daemon", "is what stays")}
ROOM = {"launcher": 280, "leader": 190, "daemon": 200}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "steps.def"), encoding="utf-8") as definitions:
    STEPS = sum(line.startswith("STEP(") for line in definitions)
BESIDE = 186  # in the daemon's lane the calls stand beside the title, so far from it

# What the launcher does after its fork; each deed begins with that call.
DEEDS = (("close", "waits for the session leader"), ("recvmsg", "has two handles on the daemon"),
         ("poll", "waits for the daemon\u2019s word"), ("_exit", "ends with the answer"))
ASLEEP = (DEEDS[0][1], DEEDS[2][1])

STYLE = """
svg { background: #ffffff } .ground { fill: #ffffff } text { font: 14px sans-serif; fill: #1c2530 }
.head { font-weight: bold; font-size: 16px } .name { font-weight: bold } .small { font-size: 12px; fill: #566270 }
.calls { font: 11px monospace; fill: #566270 } .time { font: 11px monospace; fill: #8a94a0; text-anchor: end }
.launcher { fill: #1f6fb2; stroke: #1f6fb2 } .leader { fill: #b26a00; stroke: #b26a00 } .daemon { fill: #23803c; stroke: #23803c }
.asleep { fill-opacity: .12; stroke-width: 1 } .rule { stroke: #d5dae0 }
.arrow { stroke: #1c2530; stroke-width: 1.4; fill: none; marker-end: url(#tip) } .end { stroke-dasharray: 5 4 }
.tip { fill: #1c2530 } .said { font-size: 12px; text-anchor: middle; paint-order: stroke; stroke: #ffffff; stroke-width: 5px }
.number { fill: #ffffff; font: bold 11px sans-serif; text-anchor: middle; stroke: none }
@media (prefers-color-scheme: dark) {
svg { background: #10161d } .ground { fill: #10161d } text { fill: #e6ebf0 } .small, .calls { fill: #a3afbb } .time { fill: #7f8b97 }
.launcher { fill: #6db3ee; stroke: #6db3ee } .leader { fill: #f0b04f; stroke: #f0b04f } .daemon { fill: #67c97f; stroke: #67c97f }
.rule { stroke: #2b3540 } .arrow { stroke: #e6ebf0 } .tip { fill: #e6ebf0 } .said { stroke: #10161d } .number { fill: #10161d }
}"""


class Call:
    def __init__(self, event, process):
        self.process, self.name, self.step = process, event["name"], event["args"]["step"]
        self.begin, self.end = event["ts"] / 1000, (event["ts"] + event["dur"]) / 1000
        self.arguments, self.result = event["args"]["arguments"], event["args"]["result"]


def read(path):
    """The calls in the order in which they were begun, and the names of the steps."""
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    names = {event["pid"]: event["args"]["name"] for event in events if event.get("name") == "process_name"}
    if sorted(names.values()) != sorted(LANES):
        sys.exit(f"picture.py: {path} is not the trace of a start with three processes")
    calls = [Call(event, names[event["pid"]]) for event in events if event["ph"] == "X" and event["cat"] == "call"]
    steps = {event["args"]["step"]: event["name"] for event in events if event["ph"] == "X" and event["cat"] == "step"}
    return calls, steps


class Block:
    """What a process does in a step, or the launcher in one of its deeds."""

    def __init__(self, call, title):
        self.process, self.step, self.time, self.title, self.names = call.process, call.step, call.begin, title, []
        self.number = str(call.step) if 1 <= call.step <= STEPS and title not in dict(DEEDS).values() else ""

    def lines(self):
        """The calls, folded to the lane's room."""
        lines = [""]
        for name in self.names:
            if lines[-1] and (len(lines[-1]) + 1 + len(name)) * LETTER > ROOM[self.process]:
                lines.append("")
            lines[-1] += f" {name}" if lines[-1] else name
        return lines


def blocks_of(calls, steps):
    blocks, current, deeds, forked = [], {}, list(DEEDS), False
    for call in calls:
        block = current.get(call.process)
        if forked and call.process == "launcher" and deeds and call.name == deeds[0][0]:
            block = Block(call, deeds.pop(0)[1])
        elif not block or block.step != call.step:
            block = Block(call, steps.get(call.step, "before the sequence"))
        if block is not current.get(call.process):
            blocks.append(block)
        current[call.process] = block
        if call.name not in block.names:
            block.names.append(call.name)
        forked = forked or call.name == "fork"
    return blocks


class Arrival:
    """Where what was sent before is taken."""

    def __init__(self, time):
        self.time = time


class Arrow:
    def __init__(self, time, source, target, said, ends=False, taken=None):
        self.time, self.source, self.target, self.said, self.ends = time, source, target, said, ends
        self.arrival = Arrival(taken) if taken is not None else None


def arrows_of(calls):
    def call_of(process, name, nth=0):
        found = [call for call in calls if (call.process, call.name) == (process, name)]
        if not found:
            sys.exit(f"picture.py: not the trace of a whole start: no {name} of the {process}")
        return found[nth]

    def time(process, name, nth=0):
        return call_of(process, name, nth).begin
    return [Arrow(time("launcher", "fork"), "launcher", "leader", "fork"),
            Arrow(time("leader", "fork"), "leader", "daemon", "fork"),
            Arrow(time("leader", "sendmsg"), "leader", "launcher", "two handles on its child"),
            Arrow(time("leader", "_exit"), "leader", "launcher", "ends; init adopts its child", True),
            Arrow(time("launcher", "send"), "launcher", "daemon", "\u201cgo\u201d", taken=call_of("daemon", "recv").end),
            Arrow(time("daemon", "send"), "daemon", "launcher", "\u201cabout to exec\u201d"),
            Arrow(time("daemon", "execve", nth=-1), "daemon", "launcher", "exec closes the channel", True)]


# --- where everything is --------------------------------------------------------------------------

def place(blocks, arrows):
    """Gives each a y.  In the order of time; what is in different lanes may stand side by side."""
    bottom, now = dict.fromkeys(LANES, TOP), TOP
    order, arrivals = list(LANES), [arrow.arrival for arrow in arrows if arrow.arrival]
    for thing in sorted([*blocks, *arrows, *arrivals], key=lambda thing: thing.time):
        if isinstance(thing, Arrival):
            thing.y = now = max(now, bottom["daemon"]) + 4
            bottom["daemon"] = thing.y + LINE + 4
            continue
        if isinstance(thing, Block):
            thing.y = now = max(now, bottom[thing.process])
            bottom[thing.process] = thing.y + LINE * (len(thing.lines()) + (thing.process != "daemon")) + GAP
            continue
        ends = sorted((order.index(thing.source), order.index(thing.target)))
        crossed = order[ends[0]:ends[1]]  # a lane's text is to the right of its line
        thing.y = now = max([now] + [bottom[lane] for lane in {*crossed, thing.source}]) + 4
        for lane in {*crossed, thing.source, thing.target}:
            bottom[lane] = max(bottom[lane], thing.y + LINE + 4)
    return max(bottom.values())


# --- drawing --------------------------------------------------------------------------------------

def text(x, y, kind, words):
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


def bar(process, begin, end, kinds):
    shape = f'x="{LANES[process] - 5}" y="{begin:g}" width="10" height="{end - begin:g}" rx="3"'
    return "".join(f'<rect class="{kind}" {shape}/>' for kind in kinds)


def bars(blocks, arrows, end):
    """Its process's life; pale where it waits."""
    yield bar("leader", arrows[0].y, arrows[3].y, ["leader"])
    yield bar("daemon", arrows[1].y, end + GAP, ["daemon"])
    own = [block for block in blocks if block.process == "launcher"]
    for block, after in zip(own, own[1:] + [None]):
        yield bar("launcher", block.y - LINE, after.y - LINE if after else block.y + GAP,
                  ["ground", "launcher asleep"] if block.title in ASLEEP else ["launcher"])


def draw_block(block):
    x = LANES[block.process] + 16
    title = x + (24 if block.number else 0)
    calls, above = (x + 24 + BESIDE, 1) if block.process == "daemon" else (title, 0)
    yield f'<g class="block" data-process="{block.process}" data-calls="{" ".join(block.names)}">'
    if block.number:
        yield f'<circle class="{block.process}" cx="{x + 9}" cy="{block.y - 5:g}" r="10"/>'
        yield text(x + 9, block.y - 1, "number", block.number)
    yield text(title, block.y, "name", block.title)
    for number, line in enumerate(block.lines(), 1):
        yield text(calls, block.y + (number - above) * LINE, "calls", line)
    yield "</g>"


def draw_arrow(arrow):
    source, target = LANES[arrow.source], LANES[arrow.target]
    way = 1 if target > source else -1
    yield f'<g class="message" data-from="{arrow.source}" data-to="{arrow.target}">'
    bend = f"H{target - 26 * way}V{arrow.arrival.y:g}" if arrow.arrival else ""  # it waits to be taken
    yield (f'<path class="arrow{" end" if arrow.ends else ""}" d="M{source + 6 * way} {arrow.y:g}{bend}H{target - 8 * way}"/>' +
           text((source + target) / 2, arrow.y - 5, "said", arrow.said) + "</g>")


def draw(calls, steps):
    blocks, arrows = blocks_of(calls, steps), arrows_of(calls)
    end = place(blocks, arrows)
    height = end + 64
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
           'aria-label="Launcher, session leader and daemon over time">')
    yield f"<style>{STYLE}</style>"
    yield ('<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
           '<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>')
    yield f'<rect class="ground" width="{WIDTH}" height="{height:g}"/>'
    for process, (name, caption) in CAPTIONS.items():
        yield text(LANES[process] - 5, 40, "head", name) + text(LANES[process] - 5, 60, "small", caption)
        yield f'<path class="rule" d="M{LANES[process]} 76V{end:g}"/>'
    yield text(66, 60, "time", "ms")
    yield from bars(blocks, arrows, end)
    shown = 0
    for thing in sorted([*blocks, *arrows, *[arrow.arrival for arrow in arrows if arrow.arrival]], key=lambda thing: thing.y):
        if thing.y - shown >= LINE:
            shown = thing.y
            yield text(66, thing.y, "time", f"{thing.time:.2f}")
        if not isinstance(thing, Arrival):
            yield from draw_block(thing) if isinstance(thing, Block) else draw_arrow(thing)
    yield text(LANES["launcher"] - 5, end + 36, "small", "exit 0: it runs")
    yield text(LANES["daemon"] - 5, end + 36, "small", "the program runs on, with init as its parent")
    yield "</svg>"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("\n".join(draw(*read(sys.argv[1]))))
