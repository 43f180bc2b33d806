"""test_explain.py - what a start would do, and whether it does that (CLI-18)."""

import json
import os
import re
import shutil
import socket
import sys
from collections import Counter

import linux
from harness import ERR, NOBODY, SLEEP, Skip, check, equal, locked, rows, text, write
from test_show import on_a_terminal

PROCESSES = ("launcher", "leader", "daemon", "foreground")


def explained(shown):
    """{sign: {"name": ..., label: [texts]}} of the steps, folded lines joined; "-" and "+" are before and after."""
    steps, step, label, process = {}, None, None, None
    for line in shown.splitlines():
        head = re.fullmatch(r" ?(\d+|-|\+)  (\S.*)", line)
        field = re.fullmatch(r"    (\S.{0,9}|  at need) +(\S.*)|    (verdict|why|skipped|without it) +(\S.*)", line)
        if head:
            step = steps.setdefault(head[1], {"name": head[2]})
        elif field:
            label = field[1] or field[3]
            if label.strip() == "at need":
                label = f"{process} at need"
            elif label.strip() in PROCESSES:
                process = label.strip()
            label = label.strip()
            if label == "verdict":
                step = steps.setdefault("verdict", {})
            step.setdefault(label, []).append(field[2] or field[4])
        elif line.strip():
            step[label][-1] += ("" if step[label][-1].endswith("/") else " ") + line.strip()
    return steps


def calls_explained(steps):
    """{(sign, process): (calls that are always made, calls that may be)}"""
    return {(sign, process): tuple(set(" ".join(step.get(process + more, [])).split()) for more in ("", " at need"))
            for sign, step in steps.items() for process in PROCESSES if process in step or f"{process} at need" in step}


def calls_traced(path):
    events = json.loads(text(path))["traceEvents"]
    names = {event["pid"]: event["args"]["name"] for event in events if event.get("name") == "process_name"}
    found = {}
    for event in events:
        if event["ph"] == "X" and event["cat"] == "call":
            step = event["args"]["step"]
            found.setdefault((("-", *map(str, range(1, 15)), "+")[step], names[event["pid"]]), set()).add(event["name"])
    return found


def starts(box):
    """Options that between them take every row of explain.def."""
    pid, out, old = box.path("pid"), box.path("out"), box.path("old")
    root = os.geteuid() == 0
    wide = f"{os.getpid()}\n" * 5
    yield [], SLEEP
    yield ["-p", pid, "-o", out, "-e", box.path("err"), "-a"], SLEEP
    yield ["-p", write(old, wide, 0o644), "-l", box.path("lock"), "-o", out, "-E", "A=1", "-E", "B"], SLEEP
    yield ["-p", write(pid, wide, 0o644), "--no-lock", "-c", box.folder, "-m", "027"], [os.path.relpath("/bin/sleep"), "60"]
    yield ["-l", box.path("lock"), "--no-close-fds", "-t", "20", "-v"], SLEEP
    yield ["--ready=fd:9", "-o", "/dev/null"], ["sh", "-c", "echo >&9; exec sleep 60"]
    yield ["-p", pid, "-l", f"{box.folder}/./pid"], SLEEP
    link = box.path(f"link{len(os.listdir(box.folder))}")
    os.symlink(f"{link}.target", link)
    yield ["-o", link, "-e", out], SLEEP
    yield ["--ready=notify", "-t", "20"], ["sh", "-c", f"{sys.executable} -c '{NOTIFY}'; exec sleep 60"]
    if root:
        yield ["-u", "nobody", "-p", pid, "-o", out, "--keep-fd", "9"], SLEEP
        yield ["-g", NOBODY_GROUP, "-p", pid, "-o", out, "-e", box.path("err"), "--chown=all"], SLEEP
        yield ["-u", str(NOBODY.pw_uid), "-g", str(NOBODY.pw_gid), "--chown=none", "-o", out], SLEEP
        for more in ([], ["-l", box.path("lock")]):
            os.chown(write(pid, wide, 0o644), NOBODY.pw_uid, -1)  # root replaces it
            yield ["-p", pid, "-u", "root", *more], SLEEP


NOTIFY = ("import os, socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)"
          '.sendto(b"READY=1", "\\0" + os.environ["NOTIFY_SOCKET"][1:])')
NOBODY_GROUP = "nogroup" if "nogroup" in open("/etc/group", encoding="utf-8").read() else "nobody"


@rows("CLI-18", seconds=60)
def a_start_makes_the_calls_that_were_explained(box):
    os.dup2(os.open("/dev/null", os.O_RDONLY), 9)
    if os.geteuid() == 0:
        linux.make_capabilities_inheritable()
    seen = {}
    for mode in ([], ["-f"]):
        for options, program in starts(box):
            with box.about(mode, options):
                said = box.daemonize(*mode, "--explain", *options, program=program)
                equal((said.code, said.err), (0, ""))
                steps, trace = explained(said.out), box.path("trace.json")
                equal([steps[str(n)]["name"] for n in range(1, len(STEP_NAMES) + 1)], STEP_NAMES)
                if mode:
                    program = ["true"] if "/" not in program[0] else [os.path.relpath("/bin/true")]
                    equal(box.daemonize(*mode, *options, f"--trace={trace}", program=program).code, 0)
                else:
                    with box.running(*options, f"--trace={trace}", program=program):
                        pass
                judge(calls_explained(steps), calls_traced(trace), seen, options, mode)
    for place, calls in seen.items() if os.geteuid() == 0 else ():
        equal(calls["promised"] - calls["made"], set(), place, "never made in any of these starts;")


def judge(promised, made, seen, options, mode):
    for place in sorted({*promised, *made}):
        always, may = promised.get(place, (set(), set()))
        calls = made.get(place, set())
        if mode and place[0] == "-":
            calls = calls - {"fcntl"} | (always & {"fcntl"})  # of the descriptor that --trace itself keeps
        check(always <= calls, place, options, "explained, but not made:", always - calls)
        check(calls <= always | may, place, options, "made, but not explained:", calls - always - may)
        entry = seen.setdefault(place, {"promised": set(), "made": set()})
        entry["promised"] |= may
        entry["made"] |= calls


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../core/steps.def"), encoding="utf-8") as table:
    STEP_NAMES = re.findall(r'^STEP\(\d+, \w+, "(.*?)"', table.read(), re.M)


# --- nothing is begun -----------------------------------------------------------------------------

@rows("CLI-18")
def nothing_is_begun(box):
    pid, out = write(box.path("pid"), "1\n"), box.path("out")
    before = sorted(os.listdir(box.folder)), os.stat(pid), sorted(os.listdir("/proc/self/fd"))
    for mode in ([], ["-f"], ["--ready=notify"], ["--ready=fd:9"]):
        result = box.daemonize("--explain", *mode, "-p", pid, "-l", box.path("lock"), "-o", out, program=["touch", out])
        equal((result.code, result.err), (0, ""))
        equal((sorted(os.listdir(box.folder)), os.stat(pid), sorted(os.listdir("/proc/self/fd"))), before, mode)
        equal((box.living(), locked(pid)), ([], False), mode)


@rows("CLI-18", needs="ptrace")
def no_call_of_it_changes_anything(box):
    if not shutil.which("strace"):
        raise Skip("no strace here")
    trace = box.path("trace")

    def calls(*words):
        result = box.run([shutil.which("strace"), "-f", "-o", trace, box.command, *words])
        equal(result.code, 0, result)
        return Counter(re.sub("(2|32|64)$", "", name) for name in re.findall(r"^\d+ +(\w+)\(", text(trace), re.M))
    loading = calls("--version")  # by the C library
    for mode in ("exec", "notify", "fd:9"):
        names = set(calls("--explain", f"--ready={mode}", "-p", box.path("pid"), "-o", box.path("out"), "-E", "A=1", "--", *SLEEP) -
                    loading)
        harmless = {"getuid", "geteuid", "getgid", "getegid", "getpid", "access", "faccessat",
                    "stat", "lstat", "fstat", "newfstatat", "fstatat", "readlink", "getcwd", "fcntl", "ioctl", "brk",
                    "mmap", "munmap", "prlimit", "getrlimit", "getrandom", "rt_sigaction", "close", "pread", "write", "writev", "exit_group"}
        equal(names - harmless - {"open", "openat"}, set(), "with", mode, "calls that need a look;")
        opened = re.findall(r"^\d+ +open(?:at)?\(.*", text(trace), re.M)  # the program, to see whether it is a script
        equal([call for call in opened if "O_RDONLY" not in call or "O_CREAT" in call], [], "opened for more than reading;")
        equal(set(re.findall(r"^\d+ +writev?\((\d+)", text(trace), re.M)), {"1"}, "written to stdout only;")


# --- what stands against a start ------------------------------------------------------------------

@rows("CLI-18", "ERR-1", "ERR-2")
def what_is_wrong_is_shown_in_place_with_the_code_of_the_start(box):
    taken, gone = box.file("taken"), box.path("gone/x")
    link = box.path("link")
    os.symlink(taken, link)
    several = box.file("several")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(box.path("socket"))
    scripts = {name: box.file(name, f"#!{interpreter}\n", 0o755) for name, interpreter in (
        ("relative", "nosuch"), ("beside", "sleep"), ("folder", "/etc"), ("below", "/bin/sleep/x"))}
    os.link(several, box.path("another name"))
    cases = [(["--ready=fd:99999999"], SLEEP, {"1"}), (["-p", gone], SLEEP, {"8"}), (["-l", gone], SLEEP, {"7"}), (["-o", gone], SLEEP, {"12"}),
             (["-e", gone], SLEEP, {"12"}), (["-c", "/no/such"], SLEEP, {"5"}), (["-p", link], SLEEP, {"8"}),
             (["--keep-fd=98", "--keep-fd=99"], SLEEP, {"13"}), (["-l", taken, "--no-lock"], SLEEP, {"7"}),
             (["-p", taken, "-o", taken], SLEEP, {"8"}), (["-o", box.folder], SLEEP, {"12"}), ([], ["/no/program"], {"+"}),
             ([], ["no-such-program"], {"+"}), ([], [box.folder], {"+"}), (["-E", f"PATH={box.folder}"], SLEEP, {"+"}),
             (["-o", box.path("socket")], SLEEP, {"12"}), (["-c", "/etc", "-E", "PATH=:."], ["sleep", "60"], {"+"}),
             *(([], [script], {"+"}) for script in scripts.values()),
             (["-p", gone], ["/no/program"], {"8", "+"}),
             (["-p", gone, "-l", gone, "-o", gone, "-c", "/no", "--keep-fd=99"], ["no-such"], {"5", "7", "8", "12", "13", "+"})]
    if os.geteuid() == 0:
        cases += [(["-u", "nobody-at-all"], SLEEP, {"+"}), (["-u", "nobody-at-all"], ["/no/program"], {"+"}),
                  (["-u", "nobody-at-all"], ["no-such"], {"+"}), (["-g", "nobody-at-all", "-p", gone], SLEEP, {"8", "+"})]
        cases += [(["-u", "nobody", "-o", link], SLEEP, {"12"}), (["-u", "nobody", "-o", several], SLEEP, {"12"}),
                  (["-g", "0", "-e", several, "-o", link], SLEEP, {"12"})]
    else:
        cases.append((["-u", "root"], SLEEP, {"+"}))
    for options, program, places in cases:
        with box.about(options, program):
            said, real = (box.daemonize(*more, *options, program=program) for more in (["--explain"], []))
            equal((said.code, said.err), (real.code, ""), real)
            steps = explained(said.out)
            wrong = {sign: label for sign, step in steps.items() for label in step if label.startswith("ERROR")}
            equal(set(wrong), places)
            message = real.err.removeprefix("daemonize: ").rstrip("\n").removesuffix("; try 'daemonize --help'")
            for script in scripts.values():  # the kernel does not say that it is the interpreter
                if program == [script]:
                    message = f"interpreter of the program: {text(script)[2:-1]}: {message.rpartition(': ')[2]}"
            equal(steps["verdict"]["verdict"], [f"exit {real.code}, {message}"])
            check(any(message in step.get(f"ERROR {real.code}", []) for step in steps.values()), message, "in place")
    equal(len(explained(box.daemonize("--explain", "--keep-fd=98", "--keep-fd=99").out)["13"]["ERROR 64"]), 2)


@rows("CLI-18", "CLI-3")
def what_is_relative_begins_where_the_daemon_will_be(box):
    script = box.file("script", "#!./sleep\n", 0o755)
    there = box.folder_in("there")
    shutil.copy("/bin/sleep", there)
    for options, program in ((["-E", "PATH="], ["sleep", "60"]), (["-E", "PATH=/no:."], ["sleep", "60"]), ([], [script, "60"])):
        for directory, good in ((there, True), ("/etc", False)):
            with box.about(options, program, directory):
                said = box.daemonize("--explain", "-c", directory, *options, program=program, cwd="/etc" if good else there)
                equal(said.code, 0 if good else ERR["ERR-2"], said)
                if good and program != [script, "60"]:
                    check(f"{there}/" in " ".join(explained(said.out)["+"]["here"]), said)
    with box.running("-c", there, "-E", "PATH=", program=["sleep", "60"], cwd="/etc"):
        pass


@rows("CLI-18")
def what_is_left_out_says_why(box):
    def skipped(*options):
        steps = explained(box.daemonize("--explain", *options).out)
        return {sign: step["skipped"][0].partition(":")[0] for sign, step in steps.items() if "skipped" in step}
    bare = {"7": "neither --pidfile nor --lock", "8": "no --pidfile", "11": "no --env", "12": "neither --stdout nor --stderr"}
    equal(skipped(), bare)
    equal(skipped("-f"), {**bare, **dict.fromkeys(("1", "2", "3", "14"), "--foreground")})
    if box.root:
        inherited = explained(box.daemonize("--explain", "-u", "nobody").out)["11"]["skipped"][0]
        check(all(name in inherited for name in ("USER", "LOGNAME", "HOME")), inherited)
    equal(skipped("-p", box.path("pid"), "--no-lock", "-o", box.path("out"), "--no-close-fds", "-E", "A"),
          {"7": "--no-lock", "13": "--no-close-fds"})


@rows("CLI-18", "CLI-7")
def values_are_not_shown_and_it_excludes_a_trace(box):
    said = box.daemonize("--explain", "-E", "TOKEN=secret", "-p", box.path("a\x1b[31mb"), program=["echo", "hidden"])
    check("TOKEN" in said.out and "secret" not in said.out and "\x1b" not in said.out, said)
    for more in ("--trace", f"--trace={box.path('trace')}"):
        box.refused(box.daemonize("--explain", more), "ERR-1", "--explain", "--trace")
    check(not os.path.exists(box.path("trace")), "no file")


# --- how it looks ---------------------------------------------------------------------------------

@rows("CLI-18")
def it_folds_to_the_terminal_and_is_plain_in_a_pipe(box):
    path = f"/run/{'/'.join(['some-folder'] * 12)}/{'x' * 12}"
    argv = [box.command, "--explain", "-p", path, "-o", "/var/log/x", "--", *SLEEP]
    plain = box.run(argv).out
    check("\033" not in plain and all(len(line) < 80 for line in plain.splitlines()), plain)
    equal(explained(plain)["8"]["here"], [path])
    meant = [sorted(step.items()) for step in explained(plain).values()]
    for columns in (40, 60, 80, 200):
        shown = on_a_terminal(box, argv, columns, {"PATH": os.environ["PATH"], "TERM": "xterm"})
        check("\033[1m" in shown and "\033[2m" in shown, "weight")
        bare = re.sub(r"\033\[\d+m", "", shown)
        long = [line for line in bare.splitlines() if len(line) >= columns]
        equal(long, [], columns)
        equal([sorted(step.items()) for step in explained(bare).values()], meant, columns)
    check(len(bare.splitlines()) < len(plain.splitlines()), "a wide terminal is used")
    for env in ({"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}):
        check("\033" not in on_a_terminal(box, argv, 80, {"PATH": os.environ["PATH"], **env}), env)


@rows("CLI-19", "CLI-18")
def an_explanation_that_cannot_be_written_is_an_error(box):
    for words in (["true"], ["/no/program"], ["-u", "nobody-at-all", "true"]):
        box.lost_output([box.command, "--explain", *words])
    many = [f"-E{'N' * 100}{number}" for number in range(1000)]  # more than is written at once
    box.lost_output([box.command, "--explain", *many, "true"])
