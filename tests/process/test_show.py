"""test_show.py - the command shows itself: what it did (CLI-16, CLI-17)."""

import errno
import fcntl
import json
import os
import pty
import re
import resource
import signal
import stat
import struct
import sys
import termios
import time
import xml.etree.ElementTree

import linux
from harness import ERR, HERE, SLEEP, check, children_of, cmdline_of, equal, fds_of, locked, rows, stat_of, text, wait_until, write

CORE = os.path.join(os.path.dirname(HERE), "..", "core")
STEPS = {symbol: number for number, symbol in re.findall(r"^STEP\((\d+), (\w+)", text(os.path.join(CORE, "steps.def")), re.M)}
LINE = re.compile(r" *(\d+\.\d{3}) (launcher|leader|daemon|foreground) +(\d+|-|\+)  (?:-- (.*)|(\w+)\((.*)\)(?: = (.*))?)")


def parsed(shown):
    """[(process, step, name, the rest)] of the calls and steps, and the verdict."""
    lines = shown.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.split() == ["ms", "process", "step", "call"])
    found, last = [], 0.0
    for line in lines[begin + 1:-1]:
        if re.fullmatch(r" +\.\.\. (launcher|leader|daemon|foreground) +(\d+|-|\+)  (\w+\(\.\.\.\)|\w+(, \w+)*), \d+ times more"
                        r"(, for \d+\.\d+ ms)?", line):
            continue
        match = LINE.fullmatch(line)
        check(match, "not a line of a trace:", line)
        check(last <= float(match[1]), "before the line above it:", line)
        last = float(match[1])
        found.append((match[2], match[3], match[4] or match[5], match[7] or ""))
    check(lines[-1].startswith("verdict: "), lines[-1])
    return found, lines[-1].removeprefix("verdict: ")


def named(calls, process, step):
    return [name for who, number, name, _ in calls if (who, number) == (process, step)]


@rows("CLI-16")
def a_trace_shows_all_three_processes_and_the_verdict(box):
    with box.running("--trace", "-p", box.path("pid")) as daemon:
        result = daemon.result
        equal((result.code, result.out), (0, ""))
        calls, verdict = parsed(result.err)
        equal(verdict, "exit 0, the program runs")
        equal(named(calls, "leader", "2"), ["session", "setsid"])
        check("fork" in named(calls, "launcher", "1") and "fork" in named(calls, "leader", "3"), "the forks")
        check({"lock", "flock"} <= set(named(calls, "daemon", "7")), "the lock")
        equal([name for who, _, name, _ in calls if who == "daemon"][-1], "execve")
        equal(calls[-1][:3], ("launcher", "1", "_exit"))
        check("\033" not in result.err, "no colour in a pipe")


@rows("CLI-16")
def what_is_started_is_the_same_with_a_trace(box):
    options = ["-p", box.path("pid"), "-o", box.path("out"), "-c", box.folder, "-m", "027"]
    for more in ([], ["--no-close-fds"]):
        seen = []
        for trace in ([], ["--trace"], [f"--trace={box.path('trace')}"]):
            with box.running(*trace, *options, *more) as daemon:
                with open(f"/proc/{daemon.pid}/maps", encoding="utf-8") as file:
                    check("/dev/zero" not in file.read(), "the record is gone")
                seen.append((fds_of(daemon.pid), locked(box.path("pid")), stat.S_IMODE(os.stat(box.path("out")).st_mode)))
        equal(seen[1:], seen[:1] * 2, more)


@rows("CLI-16")
def a_failed_start_is_shown_to_its_end(box):
    held, gone = box.path("held"), box.path("gone")
    with box.running("-p", held):
        cases = [(["-p", held], SLEEP, "ERR-4", "is locked by another process"),
                 (["-o", box.folder], SLEEP, "ERR-7", "is a directory"),
                 (["-p", gone], ["no-such-program"], "ERR-2", "no-such-program: no such file"),
                 (["-p", gone], ["/no/such/program"], "ERR-2", "/no/such/program: no such file")]
        if os.geteuid() == 0:
            cases.append((["-u", "nobody-at-all"], SLEEP, "ERR-3", "nobody-at-all: not found"))
        for options, program, row, message in cases:
            for mode in ([], ["-f"]):
                with box.about(options, mode):
                    result = box.daemonize("--trace", *mode, *options, program=program)
                    _, verdict = parsed(result.err)
                    equal(result.code, ERR[row], result)
                    check(verdict.startswith(f"exit {result.code}, daemonize: ") and message in verdict, verdict)
                    check(not os.path.exists(gone), "the pidfile")


@rows("CLI-16")
def what_a_second_instance_is_refused_for_is_not_buried(box):
    with box.running("-p", box.path("held")):
        launch = box.start([box.command, "--trace", "-p", box.path("held"), "--", *SLEEP])
        wait_until(lambda: any(stat_of(pid)["state"] == "Z" for pid in children_of(box.pid)), "its daemon to be dead")
        time.sleep(0.05)  # it is ours to collect, and the launcher asks until it is gone
        result = launch.wait()
        parsed(result.err)
        asked = result.err.count("poll(NULL, 0, 1)")  # on a busy machine it may not come to more rounds
        counted = re.findall(r"\.\.\. launcher +1  kill, clock_gettime, poll, \d+ times more, for \d+\.\d{3} ms\n", result.err)
        check(asked <= 3 if not counted else asked <= 1 + len(counted), asked, "rounds are shown:", result.err)
        check(len(result.err.splitlines()) < 190, "lines:", len(result.err.splitlines()))


@rows("CLI-16")
def a_start_that_is_interrupted_keeps_its_trace(box):
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        for path in (None, box.path("trace"), box.path("trace.json")):
            with box.about(number, path):
                launch = box.start([box.command, f"--trace={path}" if path else "--trace", "--ready=notify", "--", *SLEEP])
                wait_until(lambda: len(box.adopted()) == 1 and cmdline_of(box.adopted()[0])[:1] == [b"sleep"], "the program")
                time.sleep(0.02)
                launch.kill(number)
                result = launch.wait(2)
                equal(result.code, -number, result)
                why = f"the launcher was ended by signal {int(number)} while it waited"
                if path and path.endswith("json"):
                    equal(json.loads(text(path))["otherData"], {"not recorded": 0, "exit": None, "message": why})
                else:
                    calls, verdict = parsed(text(path) if path else result.err)
                    equal((verdict, calls[-1][2]), (f"none; {why}", "poll"))
                box.stop(box.the_daemon(), signal.SIGKILL)  # which a launcher that has gone leaves, traced or not


@rows("CLI-16", "CLI-14")
def in_the_foreground_the_trace_ends_at_exec(box):
    err = box.path("err")
    result = box.daemonize("-f", "--trace", "-e", err, program=["/bin/sh", "-c", "ls /proc/self/fd >&2; exit 7"])
    calls, verdict = parsed(result.err)
    equal((result.code, verdict), (7, "none; the process goes on as the program"))
    equal(calls[-1][:3], ("foreground", "+", "execve"))
    equal(text(err).split(), ["0", "1", "2", "3"])  # the last one is the listing itself
    trace = box.path("trace.json")
    equal(box.daemonize("-f", f"--trace={trace}", "--ready=notify", program=["true"]).code, 0)
    equal(json.loads(text(trace))["otherData"],
          {"not recorded": 0, "exit": None, "message": "the process goes on as the program"})


@rows("CLI-16")
def what_became_of_an_exec_that_fails_comes_after(box):
    bare, broken = box.file("bare", "exit 7\n", 0o755), box.file("broken", "#!/no/such/interpreter\n", 0o755)
    for program, code, name in ((bare, 7, "ENOEXEC"), (broken, ERR["ERR-2"], "ENOENT")):
        for path in (None, box.path("trace")):
            with box.about(program, path):
                result = box.daemonize("-f", f"--trace={path}" if path else "--trace", program=[program])
                equal(result.code, code, result)
                shown = text(path) if path else result.err
                equal(len(re.findall(rf" execve\(.*\) = -1 {name}\n", shown)), 1, shown[-600:])
                last = shown.splitlines()[-1]
                equal("goes on as the program" in last, code == 7, last)
                check(path is None or shown.count("verdict: ") == 1, shown[-600:])


@rows("CLI-17")
def for_viewers_each_process_is_a_row_of_steps_and_calls(box):
    path = box.path("trace.json")
    with box.running(f"--trace={path}", "-p", box.path("pid")) as daemon:
        equal(daemon.result.err, "")
        whole = json.loads(text(path))
        equal(whole["otherData"], {"not recorded": 0, "exit": 0, "message": "the program runs"})
        events = whole["traceEvents"]
        names = {event["pid"]: event["args"]["name"] for event in events if event.get("name") == "process_name"}
        equal(sorted(names.values()), ["daemon", "launcher", "leader"])
        equal(names[daemon.pid], "daemon")
        spans = [event for event in events if event["ph"] == "X"]
        equal([event["name"] for event in spans if event["cat"] == "step" and event["pid"] == daemon.pid][-1],
              "after the sequence")
        for event in spans:
            check(event["dur"] >= 0 and event["tid"] == event["pid"], event)
            inside = [step for step in spans if step["cat"] == "step" and step["pid"] == event["pid"] and
                      step["args"]["step"] == event["args"]["step"]]
            check(not inside or event["ts"] + event["dur"] <= max(step["ts"] + step["dur"] for step in inside) + 0.002,
                  "a call is within its step:", event, inside)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o644)


@rows("CLI-17")
def a_file_that_was_there_is_replaced(box):
    path = box.file("trace", "x" * 1000000)
    with box.running(f"--trace={path}"):
        check(text(path).lstrip().startswith("ms process"), "from its beginning")
        equal(text(path).splitlines()[-1], "verdict: exit 0, the program runs")


@rows("CLI-17", "ERR-7")
def a_file_that_cannot_be_written_is_refused_before_anything_is_begun(box):
    target, fifo, link = box.file("target", "precious\n"), box.path("fifo"), box.path("link")
    os.mkfifo(fifo)
    os.symlink(target, link)
    os.symlink(box.path("dangling-target"), box.path("dangling"))
    os.link(box.file("two"), box.path("names"))
    pidfile = box.path("pid")
    for bad in (fifo, link, box.path("dangling"), box.path("names"), box.folder, "/no/such/folder/x", "/dev/full"):
        with box.about(bad):
            box.refused(box.daemonize("-p", pidfile, f"--trace={bad}"), "ERR-7", "trace", bad)
            check(not os.path.exists(pidfile) and not os.path.exists(box.path("dangling-target")), "nothing is created")
    equal(text(target), "precious\n")
    box.refused(box.daemonize("--trace="), "ERR-1", "--trace")


@rows("CLI-17", "ERR-1")
def the_daemons_own_files_are_no_place_for_it(box):
    for there in (False, True):
        for option in ("-p", "-l", "-o", "-e"):
            path = box.path(f"own{option}{there}")
            if there:
                write(path, "precious\n")
            with box.about(option, there):
                box.refused(box.daemonize(option, path, f"--trace={box.folder}/./{os.path.basename(path)}"), "ERR-1", "--trace")
                equal(text(path) if os.path.exists(path) else None, "precious\n" if there else None)


@rows("CLI-17", "ERR-1")
def the_program_is_no_place_for_it(box):
    program = box.file("program", "#!/bin/sh\nexec sleep 60\n", 0o755)
    for options, words, how in (([], [program], {}), ([], ["./program"], {"cwd": box.folder}), (["-f"], [program], {}),
                                (["-E", f"PATH=/bin:{box.folder}"], ["program"], {}),
                                (["-c", box.folder, "-E", "PATH="], ["program"], {"cwd": "/"})):
        with box.about(options, words):
            box.refused(box.daemonize(f"--trace={program}", *options, program=words, **how), "ERR-1",
                        f"option --trace: {program}: is the program")
            equal(text(program), "#!/bin/sh\nexec sleep 60\n")


@rows("CLI-12", "CLI-16")
def a_trace_that_nobody_can_read_changes_no_exit_code(box):
    reading, writing = os.pipe()
    os.close(reading)
    for how in ({"stderr": "/dev/full"}, {"stderr": writing}, {"close": (2,)}):
        with box.about(how), box.running("--trace", **how):
            pass
        for mode in ([], ["-f"]):
            with box.about(how, mode):
                equal(box.daemonize("--trace", *mode, program=["no-such-program"], **how).code, ERR["ERR-2"])


@rows("CLI-17")
def a_file_that_does_not_hold_it_all_is_told_and_changes_no_start(box):
    broken = box.file("broken", "#!/no/such/interpreter\n", 0o755)  # shown before exec, and after it
    loss = "daemonize: trace: {}: file too large\n"
    for name in ("trace", "trace.json"):
        path, small = box.path(name), {resource.RLIMIT_FSIZE: (1000, 1000)}
        with box.about(name):
            with box.running(f"--trace={path}", limits=small) as daemon:
                equal(daemon.result.err, loss.format(path))
            result = box.daemonize(f"--trace={path}", program=["no-such-program"], limits=small)
            equal((result.code, result.err.count(loss.format(path))), (ERR["ERR-2"], 1), result)
            result = box.daemonize("-f", f"--trace={path}", "-e", box.path("err"), program=["true"], limits=small)
            equal((result.code, result.err, text(box.path("err"))), (0, loss.format(path), ""))
            result = box.daemonize("-f", f"--trace={path}", program=[broken], limits=small)
            equal((result.code, result.err.count(loss.format(path))), (ERR["ERR-2"], 1), result)


@rows("CLI-17", needs=("root", "mounts"))
def a_trace_that_a_full_disk_cuts_off_is_told(box):
    linux.private_mounts()
    disk = box.folder_in("disk")
    linux.mount("tmpfs", disk, "tmpfs", data="size=4k")
    path = os.path.join(disk, "trace")
    with box.running(f"--trace={path}") as daemon:
        equal(daemon.result.err, f"daemonize: trace: {path}: no space left on device\n")
        equal(len(text(path)), 4096)


@rows("CLI-16", "STD-5")
def ten_thousand_inherited_descriptors_are_no_matter(box):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit[1] < 11000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[1], limit[0]), limit[1]))
    most = min(limit[1], 11000) - 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (most + 500, limit[1]))
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(min(most, 10000))]
    for fd in opened:
        os.set_inheritable(fd, True)
    path = box.path("trace")
    for deny, most_lines in (({}, 300), ({"close_range": errno.ENOSYS}, 700)):
        with box.running(f"--trace={path}", "-p", box.path(f"pid{most_lines}"), deny=deny) as daemon:
            calls, verdict = parsed(text(path))
            equal(verdict, "exit 0, the program runs")
            equal(calls[-1][:3], ("launcher", "1", "_exit"))
            check(len(calls) < most_lines, "calls:", len(calls))
            check("no room" not in text(path), text(path)[-200:])
            closed = sum(int(number) for number in re.findall(rf"daemon +{STEPS['DESCRIPTORS']}  close\(\.\.\.\), (\d+) times more", text(path)))
            check(not deny or closed > len(opened) - 600, "counted:", closed)
            equal(len(fds_of(daemon.pid)), 4)
    for fd in opened:
        os.close(fd)


def on_a_terminal(box, argv, columns, env):
    """What comes on a terminal of that width."""
    own, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    result = box.start(argv, env=env, stdout=its, stderr=its)
    os.set_blocking(own, False)
    shown = b""

    def drain():
        nonlocal shown
        try:
            while part := os.read(own, 65536):
                shown += part
        except BlockingIOError:
            pass
        return not result.running()

    wait_until(drain, "the end", 10)
    drain()
    os.close(own)
    os.close(its)
    return shown.decode().replace("\r\n", "\n")


@rows("CLI-16")
def colour_is_for_a_terminal_without_no_color(box):
    argv = [box.command, "--trace", "-o", box.folder, "--", *SLEEP]
    base = {"PATH": "/usr/bin:/bin", "TERM": "xterm"}
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)):
        with box.about(more):
            shown = on_a_terminal(box, argv, 80, {**base, **more})
            equal("\033[1m" in shown, coloured, shown[:400])
            check("verdict: exit 73" in shown, shown[-400:])


@rows("CLI-16")
def lines_are_folded_to_the_terminal(box):
    argv = [box.command, "--trace", "-o", box.folder, "--", *SLEEP]
    env = {"PATH": "/usr/bin:/bin", "TERM": "dumb"}
    whole = None
    for columns in (40, 60, 80, 200):
        shown = on_a_terminal(box, argv, columns, env).partition("daemonize: stdout: ")[2].splitlines()[1:-1]
        long = [line for line in shown if len(line) >= columns and re.search("[ |]", line[8 if columns < 60 else 26:-1])]
        equal(long, [], columns)
        joined = re.sub(r"\n +(?!\d+\.\d{3} )", " ", "\n".join(shown)).replace("| ", "|").splitlines()
        calls = [line.split(None, 3)[1:] for line in joined if "poll(" not in line and "recv(" not in line]
        whole = whole or sorted(map(bare, map(" ".join, calls)))
        equal(sorted(map(bare, map(" ".join, calls))), whole, columns)


# --- the tour -------------------------------------------------------------------------------------

def bare(line):
    """Without numbers, which are others each time."""
    return re.sub(r"\d+", "N", " ".join(line.split()))


@rows("CLI-16", "DOC-2")
def the_lines_that_the_tour_quotes_are_those_of_a_trace(box):
    pid, seen = box.path("nap.pid"), set()
    with box.running("--trace", "-p", pid, "-o", box.path("nap.log"), "-E", "LANG=C") as daemon:
        for shown in (daemon.result.err, box.daemonize("--trace", "-p", pid).err):
            shown = re.sub(rf'"{box.folder[:20]}[^"]*"(\.\.\.)?', '"/run/nap.pid"', shown)
            seen |= {bare(line[10:]) for line in shown.splitlines()}
    quoted = re.findall(r"^\.Dl ((?:launcher|leader|daemon) .*)$", text(os.path.join(CORE, "blivet.7")), re.M)
    quoted = [line.replace(r"\(dq", '"').replace(r"\e", "\\") for line in quoted]
    check(len(quoted) > 20, quoted)
    equal([line for line in quoted if bare(line) not in seen and "EPERM" not in line], [])  # that one: the last example


# --- the picture ----------------------------------------------------------------------------------

def drawn(svg):
    """What the picture shows, times apart: what each process does, with its calls, and who speaks to whom.  That a pidfile
    is not root's brings one call more."""
    def words(group, kind):
        return [text.text for text in group.iter("{http://www.w3.org/2000/svg}text") if text.get("class") == kind]
    groups = list(xml.etree.ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"))
    blocks = [(group.get("data-process"), *words(group, "number"), *words(group, "name"),
               (group.get("data-calls") or "").replace(" geteuid", ""))
              for group in groups if group.get("class") == "block"]
    arrows = [(group.get("data-from"), group.get("data-to"), *words(group, "said"))
              for group in groups if group.get("class") == "message"]
    return sorted(blocks, key=lambda block: block[0]), sorted(arrows)


@rows("CLI-17", "SEQ-1")
def the_picture_in_the_readme_is_that_of_a_start(box):
    trace = box.path("start.json")
    with box.running(f"--trace={trace}", "-E", "LANG=C", "-p", box.path("nap.pid"), "-o", box.path("nap.log")):
        made = box.run([sys.executable, os.path.join(CORE, "picture.py"), trace])
    equal((made.code, made.err), (0, ""))
    blocks, arrows = drawn(made.out)
    equal((blocks, arrows), drawn(text(os.path.join(CORE, "blivet.svg"))), "python3 core/picture.py makes it anew;")
    equal([block[1] for block in blocks if block[0] == "daemon" and block[1].isdigit()],
          [number for number in STEPS.values() if int(number) >= int(STEPS["SECOND_FORK"])])
    check(any(arrow[2] == "fork" for arrow in arrows), arrows)
    check(box.run([sys.executable, os.path.join(CORE, "picture.py"), box.file("no.json", '{"traceEvents": []}')]).code == 1)
