#!/usr/bin/env python3
"""bench.py WORK [--quick [--keep]] - measures what tests/bench/run.sh has built in WORK, and writes the report."""
import collections
import datetime
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RESULTS = os.path.join(HERE, "results")
WORK, QUICK = os.path.abspath(sys.argv[1]), "--quick" in sys.argv[2:]
PROGRAM = "/bin/true"
ROUNDS, GROWTH_ROUNDS, LARGE_ROUNDS = (150, 15, 3) if QUICK else (1500, 150, 9)
os.environ["PATH"] += ":/usr/sbin:/sbin"

Start = collections.namedtuple("Start", "returned done cpu faults peak")
Kind = collections.namedtuple("Kind", "label words floor bare")


def kinds(folder):
    """What is started: label, words, and the floor and the bare promises of the same C library and linkage."""
    pid, lock, log = (os.path.join(folder, name) for name in ("pid", "lock", "log"))
    ours = ["-p", pid, "-l", lock, "-o", log, "--", PROGRAM]
    peers = os.path.join(WORK, "peers")
    bare = [lock, pid, log, PROGRAM]
    found = [Kind(f"{what}, {name}", [f"{WORK}/floor-{key}", level, *bare], None, None)
             for what, level in (("floor", "0"), ("bare promises", "4")) for key, name in LIBRARIES]
    found += [Kind(f"blivet, {name}", [f"{WORK}/{key}/cli/daemonize", *ours], f"floor, {name}", f"bare promises, {name}")
              for key, name in LIBRARIES]
    found += [Kind(label, words, None, None) for label, words in (
        ("daemonize -p -l -o (Debian's)", [f"{peers}/usr/bin/daemonize", *ours[:-2], PROGRAM]),
        ("daemon -F (libslack)", [f"{peers}/usr/bin/daemon", "-F", pid, "--", PROGRAM]),
        ("start-stop-daemon -S -b -m -p", [shutil.which("start-stop-daemon") or "", "-S", "-b", "-m", "-p", pid, "-x", PROGRAM]),
        ("libdaemon", [f"{WORK}/libdaemon", pid, PROGRAM]),
        ("setsid -f", [shutil.which("setsid") or "", "-f", PROGRAM]))]
    for kind in found:
        if not os.access(kind.words[0], os.X_OK):
            print(f"left out, not there: {kind.label}", flush=True)
    return [kind for kind in found if os.access(kind.words[0], os.X_OK)]


LIBRARIES = (("dynamic", "glibc"), ("static", "glibc static"), ("musl", "musl static"))
SMALLEST = "floor, musl static"
LEVELS = ("the floor", "pidfile and log", "files judged before and after they are opened", "handles on the daemon before it goes on",
          "an exec told from a death") # tests/bench/floor.c
OURS = ("floor", "bare promises", "blivet")


def measure(chosen, folder, rounds, options=(), environment=None):
    """The median of each figure, for each kind."""
    text = "".join("\t".join([kind.label, *kind.words]) + "\n" for kind in chosen)
    run = subprocess.run([f"{WORK}/start", *options, str(rounds)], input=text, stdout=subprocess.PIPE, text=True,
                         cwd=folder, env=environment, check=True)
    starts = collections.defaultdict(list)
    for line in run.stdout.partition("begin\n")[2].splitlines():
        label, *numbers = line.split("\t")
        starts[label].append([int(number) for number in numbers])
    return {label: Start(*(statistics.median(column) for column in zip(*rows))) for label, rows in starts.items()}


def clean(folder):
    for name in ("pid", "lock", "log"):
        if os.path.exists(os.path.join(folder, name)):
            os.unlink(os.path.join(folder, name))


def count_calls(kind, folder):
    """System calls of all processes, the program's own start included; the smallest of three runs."""
    counts = []
    for _ in range(3):
        clean(folder)
        table = os.path.join(folder, "calls")
        subprocess.run(["strace", "-f", "-qq", "-c", "-U", "calls,name", "-o", table, *kind.words], cwd=folder, check=True,
                       stdin=subprocess.DEVNULL)
        with open(table, encoding="utf-8") as file:
            rows = dict(reversed(row) for row in re.findall(r"^ *(\d+) (\w+)$", file.read(), re.M))
        rows.pop("total", None)
        counts.append(collections.Counter({name: int(calls) for name, calls in rows.items()}))
    return min(counts, key=lambda calls: sum(calls.values()))


def count_instructions(kind, folder):
    """(instructions in user mode up to the exec, KiB in memory at the launcher's end, those shared with nobody)"""
    clean(folder)
    text = subprocess.run([f"{WORK}/count", *kind.words], cwd=folder, check=True, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True).stdout.split()
    rss, own, instructions = (int(number) for number in text)
    return instructions, rss, own


def measure_resident(mib, how):
    rows = [subprocess.run([f"{WORK}/resident", str(mib), how], check=True, stdout=subprocess.PIPE, text=True).stdout
            for _ in range(LARGE_ROUNDS)]
    return [statistics.median(int(row.split()[column]) for row in rows) / 1e6 for column in (0, 1)]


# ---- tables ----

def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] + ["---:"] * (len(head) - 1)) + " |"]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def main_table(chosen, starts, calls, counted):
    least = starts[SMALLEST]
    rows = []
    for kind in chosen:
        start = starts[kind.label]
        compared = [f"{start.done / own.done:.2f} / {start.cpu / own.cpu:.2f}" if own else ""
                    for own in (starts.get(kind.floor), starts.get(kind.bare))]
        rows.append([kind.label, f"{start.returned / 1e6:.2f}", f"{start.done / 1e6:.2f}", f"{start.done / least.done:.2f}",
                     f"{start.cpu / 1e3:.2f}", f"{start.cpu / least.cpu:.2f}",
                     *compared,
                     sum(calls[kind.label].values()), f"{counted[kind.label][0] / 1000:.0f}", f"{start.faults:.0f}",
                     f"{counted[kind.label][1]} / {counted[kind.label][2]}"])
    return table(["started by", "launcher returned, ms", "last process done, ms", "ratio to the least", "CPU, ms",
                  "ratio to the least", "time / CPU to the floor of its own kind",
                  "to the bare promises", "system calls", "instructions, 1000",
                  "page faults", "launcher's memory, KiB: all / its own"], rows)


def short_table(chosen, starts, calls):
    least = starts[SMALLEST]
    return table(["started by", "time", "CPU", "system calls"],
                 [[kind.label, f"{starts[kind.label].done / least.done:.2f}", f"{starts[kind.label].cpu / least.cpu:.2f}",
                   sum(calls[kind.label].values())] for kind in chosen])


def price_table(folder):
    """What each promise adds to the floor, with the C library that adds least of its own."""
    lock, pid, log = (os.path.join(folder, name) for name in ("lock", "pid", "log"))
    steps = [Kind(name, [f"{WORK}/floor-musl", str(level), lock, pid, log, PROGRAM], None, None) for level, name in enumerate(LEVELS)]
    steps.append(Kind("blivet", [f"{WORK}/musl/cli/daemonize", "-p", pid, "-l", lock, "-o", log, "--", PROGRAM], None, None))
    starts, rows = measure(steps, folder, ROUNDS), []
    for kind in steps:
        start, least = starts[kind.label], starts[LEVELS[0]]
        rows.append([kind.label if kind in (steps[0], steps[-1]) else f"and {kind.label}", sum(count_calls(kind, folder).values()),
                     f"{start.faults:.0f}", f"{start.done / 1e6:.2f}", f"{start.done / least.done:.2f}",
                     f"{start.cpu / 1e3:.2f}", f"{start.cpu / least.cpu:.2f}"])
    return table(["musl static", "system calls", "page faults", "last process done, ms", "ratio", "CPU, ms", "ratio"], rows)


def targets(chosen, starts, calls, counted):
    """What is aimed at, and what there is."""
    rows = []
    for kind in (kind for kind in chosen if kind.floor):
        start, own = starts[kind.label], starts[kind.floor]
        figures = (("time", 1.10, start.done / own.done), ("CPU", 1.10, start.cpu / own.cpu),
                   ("more system calls", 50, sum(calls[kind.label].values()) - sum(calls[kind.floor].values())),
                   ("launcher's memory", 1.05, counted[kind.label][1] / counted[kind.floor][1]))
        rows += [[f"{kind.label}: {what}", limit, round(value, 3), "reached" if value <= limit else "not reached"]
                 for what, limit, value in figures]
    peers = [kind.label for kind in chosen if not kind.label.startswith(OURS)]
    for kind in (kind for kind in chosen if kind.floor):
        slower = [peer for peer in peers if starts[peer].done <= starts[kind.label].done or
                  starts[peer].cpu <= starts[kind.label].cpu]
        rows.append([f"{kind.label}: faster than each peer, time and CPU", "", "",
                     "reached" if not slower else "not reached: " + ", ".join(slower)])
    return table(["target", "at most", "measured", ""], rows)


# ---- growth ----

def environments():
    for kib in (1, 16, 128, 1024):
        words = {f"V{number}": "x" * 1000 for number in range(kib)}
        yield f"{kib} KiB", {"PATH": "/usr/bin:/bin", **words}


def growth(chosen, folder):
    """[(title, [x ...], {label: [ms ...]})], until the last process is done."""
    hard = int(subprocess.run(["sh", "-c", "ulimit -H -n"], stdout=subprocess.PIPE, text=True, check=True).stdout)
    limits = sorted({1024, 4096, min(hard, 20000), min(hard, 1048576)})
    series = [("inherited descriptors", [(str(count), ("-d", str(count)), None) for count in (10, 100, 1000, 10000)]),
              ("RLIMIT_NOFILE", [(str(limit), ("-n", str(limit)), None) for limit in limits]),
              ("environment", [(name, (), words) for name, words in environments()])]
    for title, steps in series:
        print(f"== {title}", flush=True)
        lines = {kind.label: [] for kind in chosen}
        for _, options, words in steps:
            starts = measure(chosen, folder, GROWTH_ROUNDS, options, words)
            for label, line in lines.items():
                line.append(starts[label].done / 1e6 if label in starts else None)
        yield title, [name for name, _, _ in steps], lines


def resident():
    rows = []
    for mib in (0, 1024) if QUICK else (0, 256, 1024, 4096):
        for how, text in (("blivet", "blivet"), ("two", "two bare forks"), ("one", "one copy (not in blivet)")):
            runs, gone = measure_resident(mib, how)
            rows.append([f"{mib} MiB", text, f"{runs:.1f}", f"{gone:.1f}"])
    return rows


COLOURS = ("#7f7f7f", "#9f9f9f", "#bfbfbf", "#0b6bcb", "#2a9df4", "#00a37a", "#c94f4f", "#a05195", "#e08a00", "#7a5230",
           "#556b2f")
STYLE = """<style>
text { font: 12px sans-serif; fill: #222 } .axis { stroke: #888 } .back { fill: #fff }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .axis { stroke: #999 } .back { fill: #161616 } }
</style>"""


def plot(panels):
    """One panel a series, milliseconds on a logarithmic scale."""
    import math
    wide, high, left, gap = 300, 220, 50, 60
    labels = list(panels[0][2])
    values = [value for _, _, lines in panels for line in lines.values() for value in line if value]
    low, top = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    total = left + len(panels) * (wide + gap), high + 80 + 18 * len(labels)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]} {total[1]}" role="img" '
           'aria-label="milliseconds until the last process is done, as work grows">', STYLE,
           f'<rect class="back" width="{total[0]}" height="{total[1]}"/>']

    def down(value):
        return 40 + high * (1 - (math.log10(value) - low) / (top - low))
    for number, (title, names, lines) in enumerate(panels):
        x0 = left + number * (wide + gap)
        out.append(f'<text x="{x0}" y="20">{title} (ms until done)</text>')
        out.append(f'<path class="axis" fill="none" d="M{x0} 40V{40 + high}H{x0 + wide}"/>')
        for power in range(low, top + 1):
            out.append(f'<text x="{x0 - 6}" y="{down(10 ** power) + 4:.0f}" text-anchor="end">{10 ** power:g}</text>')
        across = [x0 + wide * index / max(1, len(names) - 1) for index in range(len(names))]
        for x, name in zip(across, names):
            out.append(f'<text x="{x:.0f}" y="{58 + high}" text-anchor="middle">{name}</text>')
        for label, line in lines.items():
            points = " ".join(f"{x:.1f},{down(value):.1f}" for x, value in zip(across, line) if value)
            out.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[labels.index(label)]}" '
                       'stroke-width="2"/>')
    for number, label in enumerate(labels):
        y = high + 90 + 18 * number
        out.append(f'<rect x="{left}" y="{y - 9}" width="18" height="4" fill="{COLOURS[number]}"/>'
                   f'<text x="{left + 26}" y="{y}">{label}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


# ---- the report ----

def machine():
    def first(path, pattern):
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
        return found.group(1).strip() if found else "unknown"

    def says(*words):
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.partition("\n")[0].strip()
    memory = int(first("/proc/meminfo", r"^MemTotal: +(\d+)")) // 1048576
    return [f"{first('/proc/cpuinfo', r'^model name.*: (.*)$')}, {os.cpu_count()} processors, {memory} GiB",
            f"Linux {platform.release()}, {first('/etc/os-release', r'^PRETTY_NAME=.(.*).$')}, {' '.join(platform.libc_ver())}",
            says("cc", "--version"), "load average at the start: %.2f %.2f %.2f" % LOAD,
            *(f"{name} {version}" for name, version in peers())]


def peers():
    for package in ("daemonize", "daemon", "libdaemon-dev", "dpkg", "util-linux"):
        line = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False).stdout
        version = re.search(r"(?:Installed: (?!\(none\))|Candidate: )(\S+)", line)
        yield package, version.group(1) if version else "unknown"


def put_into_readme(text):
    path = os.path.join(ROOT, "README.md")
    with open(path, encoding="utf-8") as file:
        readme = file.read()
    readme, times = re.subn(r"(<!-- from tests/bench/results -->\n)(.*?)(<!-- end -->)",
                            lambda found: found.group(1) + text + found.group(3), readme, flags=re.S)
    if times != 1:
        sys.exit("README.md has no place for the table")
    with open(path, "w", encoding="utf-8") as file:
        file.write(readme)


def main():
    place = "/dev/shm" if os.path.ismount("/dev/shm") else None # like /run, where pidfiles are
    with tempfile.TemporaryDirectory(dir=place) as folder:
        chosen = kinds(folder)
        calls = {kind.label: count_calls(kind, folder) for kind in chosen}
        print("the system calls of the floor:")
        for kind in chosen:
            if kind.label.startswith("floor"):
                print(f"  {kind.label}: " + ", ".join(f"{name} {count}" for name, count in
                                                     sorted(calls[kind.label].items())))
        counted = {kind.label: count_instructions(kind, folder) for kind in chosen}
        print(f"== {ROUNDS} rounds", flush=True)
        starts = measure(chosen, folder, ROUNDS)
        figures = main_table(chosen, starts, calls, counted)
        short, aims = short_table(chosen, starts, calls), targets(chosen, starts, calls, counted)
        print(figures + "\n" + aims, flush=True)
        prices = price_table(folder)
        print(prices, flush=True)
        panels = list(growth([kind for kind in chosen if not kind.label.startswith("bare")], folder))
    print("== resident memory", flush=True)
    large = table(["in memory", "left by", "daemon runs after, ms", "launcher gone after, ms"], resident())
    grown = "".join(f"### {title}\n\n" + table(["started by", *names], [[label, *(f"{value:.2f}" if value else "fails" for value in line)]
                                                                      for label, line in lines.items()]) + "\n"
                    for title, names, lines in panels)
    floors = "".join(f"* {label}: " + ", ".join(f"`{name}` {count}" for name, count in sorted(calls[label].items())) + "\n"
                     for label in (f"floor, {name}" for _, name in LIBRARIES))
    report = REPORT.format(date=datetime.date.today().isoformat(), machine="".join(f"* {line}\n" for line in machine()),
                           rounds=ROUNDS, growth_rounds=GROWTH_ROUNDS, large_rounds=LARGE_ROUNDS, figures=figures,
                           short=short, aims=aims, prices=prices, grown=grown, large=large, floors=floors)
    print(grown + large)
    if QUICK and "--keep" not in sys.argv:
        return
    os.makedirs(RESULTS, exist_ok=True)
    for name, text in (("report.md", report), ("growth.svg", plot(panels))):
        with open(os.path.join(RESULTS, name), "w", encoding="utf-8") as file:
            file.write(text)
    put_into_readme(short)
    print("made anew: tests/bench/results/, and the README's table")


REPORT = """# What a start costs

Made by `sh tests/bench/run.sh` on {date}. Medians of {rounds} rounds; in each round every command starts `/bin/true` once, in
changing order, with its files in memory and none of them there before.

{machine}
*Floor*: a bare program that forks twice with a new session between, resets signals, opens `/dev/null`, takes a lock, closes
with `close_range`, execs, and waits for it (`tests/bench/floor.c`); it judges nothing and writes neither pidfile nor log. *Bare
promises*: the same program with the calls that blivet's promises need, pidfile and log among them (see below). *The least* is
the floor with musl, static. *blivet* is `daemonize -p PID -l LOCK -o LOG -- /bin/true`.

## One start

{figures}
System calls and CPU are those of all processes, the program's included; instructions are those in user mode up to its exec.

In short, ratios to the least:

{short}
## Targets

{aims}
## What each promise costs

The floor with the system calls of one more promise in each line, bare (`tests/bench/floor.c`), and blivet, which also handles
the failure of each.

{prices}
## As work grows

Milliseconds until the last process is done, medians of {growth_rounds} rounds.

![milliseconds until the last process is done](growth.svg)

{grown}## Large processes

A library user with so much in memory, in pages of 4 KiB; medians of {large_rounds}.

{large}
## The floor's system calls

{floors}"""

if __name__ == "__main__":
    LOAD = os.getloadavg()
    main()
