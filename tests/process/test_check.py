"""test_check.py - daemoncheck on real processes: one that is right, and ones that are wrong in one point."""

import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import sys

from harness import NOBODY, check, equal, rows, snapshot, text, wait_until, write
import linux
from test_examples import free_port
from test_show import on_a_terminal

PYTHON = os.path.realpath(sys.executable)


def daemoncheck(box, *words, **how):
    return box.run([os.path.join(os.path.dirname(box.command), "daemoncheck"), *map(str, words)], **how)


def report(box, *words, **how):
    """The exit code, and the points by name."""
    result = daemoncheck(box, "--format=json", *words, **how)
    equal(result.err, "", result)
    told = json.loads(result.out)
    points = {point["point"]: point for point in told["points"]}
    for judgement in ("right", "notable", "wrong", "unseen"):
        equal(told[judgement], len([p for p in points.values() if p["judgement"] == judgement]), judgement)
    return result.code, points


def judged(points, judgement):
    return [name for name, point in points.items() if point["judgement"] == judgement]


@contextlib.contextmanager
def flawed(box, flaw, *options, **how):
    """A daemon that does one thing to itself and then is a sleep."""
    words = f"import fcntl, os, resource, signal\n{flaw}\nos.execv('/bin/sleep', ['sleep', '60'])"
    with box.running("-p", box.path("pid"), "-m", "022", *options, program=[PYTHON, "-I", "-S", "-c", words], **how) as it:
        wait_until(lambda: text(f"/proc/{it.pid}/comm") == "sleep\n", "the second exec")
        yield it


def wrong_in(box, point, flaw, *options, words=None, found=""):
    with box.about(point, flaw, *options), flawed(box, flaw, *options):
        code, points = report(box, "-p", box.path("pid"), *(words or ()))
        equal(judged(points, "wrong"), [point] if point else [], "wrong points;", points)
        equal(judged(points, "unseen"), [], "not seen;")
        equal(code, 1 if point else 0, "exit code;")
        check(found in (points[point]["found"] if point else ""), found, "in", points)


# --- what holds --------------------------------------------------------------------------------------

@rows("CHK-3", "CHK-4", "CHK-6")
def a_daemon_of_daemonize_holds_in_every_point(box):
    with box.running("-p", box.path("pid"), "-o", box.path("log"), "-m", "022") as daemon:
        code, points = report(box, "-p", box.path("pid"))
        equal((code, judged(points, "wrong"), judged(points, "unseen")), (0, [], []), points)
        notable = {"new privileges"} | ({"ids"} if box.root else set())
        equal(set(judged(points, "notable")), notable, points)
        equal(len(points), 19)
        equal(points["pidfile pid"]["found"], f"{daemon.pid} and a newline")
        equal(points["stdout"]["found"], box.path("log"))
        code, without = report(box, daemon.pid)
        equal((code, len(without)), (0, 15))


@rows("CHK-2", needs="ptrace")
def looking_changes_nothing(box):
    """Seen call by call: it opens for reading, and writes to its own stdout alone."""
    program, calls = os.path.join(os.path.dirname(box.command), "daemoncheck"), set()

    def named(call):  # a copy of its stdout, to hear of lost output; musl sets its flag in a second call
        copies = call.name == "fcntl" and call.arguments[1] in (fcntl.F_SETFD, fcntl.F_DUPFD_CLOEXEC)
        return "write" if call.name == "writev" else "copy of a descriptor" if copies else call.name
    with box.running("-p", box.path("pid")) as daemon:
        before = snapshot(box.folder)
        result, _ = box.trace([program, "-p", box.path("pid")], lambda call: calls.add(named(call)))
        equal((result.code, snapshot(box.folder), daemon.pid), (0, before, int(text(box.path("pid")))), result)
    check({"openat", "write"} <= calls, calls)
    equal(calls & {"kill", "tgkill", "pidfd_send_signal", "flock", "fcntl", "unlink", "unlinkat", "rename", "chdir",
                   "ftruncate", "pwrite64", "fchown", "fchmod", "socket", "clone", "fork", "setsid", "umask"}, set())


# --- what is wrong in one point ----------------------------------------------------------------------

@rows("CHK-3", "CHK-4", seconds=60)
def each_flaw_is_the_one_point_that_is_wrong(box):
    master, slave = pty.openpty()
    terminal = os.ttyname(slave)
    wrong_in(box, None, "pass")
    wrong_in(box, "terminal", f"os.setsid(); os.close(os.open({terminal!r}, os.O_RDWR))", found=terminal)
    wrong_in(box, "umask", "os.umask(0o777)", found="0777")
    wrong_in(box, "stdin", "os.close(0)", found="closed")
    wrong_in(box, "stdout", "os.close(1)", found="closed")
    wrong_in(box, "stdout", "os.dup2(os.open('/dev/null', os.O_RDONLY), 1)", found="for reading only")
    wrong_in(box, "stdout", f"os.dup2(os.open({box.path('pid')!r}, os.O_RDWR), 1)", found="the pidfile")
    wrong_in(box, "stderr", f"os.dup2(os.open({terminal!r}, os.O_RDWR | os.O_NOCTTY), 2)", found=terminal)
    wrong_in(box, "descriptors", f"os.dup2(os.open({box.file('other')!r}, os.O_RDONLY), 7)", found="7 is")
    wrong_in(box, "descriptors", "os.dup2(os.open('/', os.O_RDONLY), 9)", found="9 is /")
    wrong_in(box, "descriptors", "os.set_inheritable(os.pipe()[0], True)", found="pipe:")
    wrong_in(box, "ignored", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", found="SIGTERM")
    for noted in ("SIGHUP", "SIGCHLD"):
        wrong_in(box, None, f"signal.signal(signal.{noted}, signal.SIG_IGN)")
    wrong_in(box, "blocked", "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, 40])", found="SIGUSR1, 40")
    wrong_in(box, "directory", f"p = {box.folder_in('gone')!r}; os.chdir(p); os.rmdir(p)", found="(deleted)")
    os.close(master)
    os.close(slave)


@rows("CHK-4", "CHK-5")
def the_example_server_holds_in_every_point(box):
    pidfile = box.path("echo.pid")
    equal(box.run([box.example("echo"), str(free_port()), pidfile]).code, 0)
    code, points = report(box, "-p", pidfile)
    equal((code, judged(points, "wrong"), judged(points, "unseen")), (0, [], []), points)
    equal((points["ignored"]["judgement"], points["ignored"]["found"]), ("notable", "SIGCHLD"))  # on purpose
    box.stop(int(text(pidfile)))


@rows("CHK-4")
def a_child_that_nobody_has_let_go_of_is_wrong_in_its_parent(box):
    launch = box.start(["/bin/sleep", "60"])
    wait_until(lambda: text(f"/proc/{launch.pid}/comm") == "sleep\n", "exec")
    code, points = report(box, launch.pid)
    equal((code, judged(points, "wrong")), (1, ["parent"]), points)
    check(f"pid {box.pid}" in points["parent"]["found"], points)
    launch.kill()
    launch.wait()


@rows("CHK-4", "CHK-5", needs=("root", "mounts"))
def a_directory_that_alone_keeps_a_mount_busy_is_wrong(box):
    place = box.folder_in("a place with spaces")
    linux.mount("none", place, "tmpfs")
    write(f"{place}/log", "")
    wrong_in(box, "directory", f"os.chdir({place!r})", found=f"on the mount {place}")
    with flawed(box, f"os.chdir({place!r})", "-o", f"{place}/log"):
        code, points = report(box, "-p", box.path("pid"))
        equal((code, points["directory"]["judgement"]), (0, "notable"), points)


@rows("CHK-4", needs="root")
def half_a_drop_and_a_group_of_roots_are_wrong(box):
    wrong_in(box, "ids", f"os.setresuid({NOBODY.pw_uid}, 0, 0)")
    wrong_in(box, "groups", f"os.setgroups([]); os.setresuid(*[{NOBODY.pw_uid}] * 3)")
    wrong_in(box, "groups", f"os.setgroups([0, 5]); os.setresgid(*[5] * 3); os.setresuid(*[{NOBODY.pw_uid}] * 3)")
    wrong_in(box, None, f"os.setgroups([5]); os.setresgid(*[5] * 3); os.setresuid(*[{NOBODY.pw_uid}] * 3)")


# --- the pidfile -------------------------------------------------------------------------------------

@rows("CHK-6")
def each_flaw_of_a_pidfile_is_the_one_point_that_is_wrong(box):
    wrong_in(box, "pidfile owner", f"os.chmod({box.path('pid')!r}, 0o666)", found="0666")
    wrong_in(box, "pidfile lock", "pass", "--no-lock", found="nobody")
    place = box.folder_in("open")
    for mode, expected in ((0o777, "pidfile place"), (0o1777, None), (0o755, None)):
        os.chmod(place, mode)
        with box.about(oct(mode)), box.running("-p", f"{place}/pid", "-m", "022") as daemon:
            code, points = report(box, "-p", f"{place}/pid")
            equal((code, judged(points, "wrong")), (1, [expected]) if expected else (0, []), points)
            code, points = report(box, "-p", "pid", cwd=place)
            equal(code, 1 if expected else 0, "the same by a relative path;", points)
            os.symlink(f"{place}/pid", box.path("link"))
            equal(judged(report(box, "-p", box.path("link"))[1], "wrong"), ["pidfile owner"], "by a link;")
            os.unlink(box.path("link"))
            for content, judgement in ((f"{box.pid}\n", "wrong"), ("nobody\n", "wrong"), ("", "wrong"),
                                       (f" {daemon.pid}", "notable"), (f"{daemon.pid}\n", "right")):
                with open(f"{place}/pid", "r+", encoding="ascii") as file:
                    file.truncate()
                    file.write(content)
                equal(report(box, "-p", f"{place}/pid", daemon.pid)[1]["pidfile pid"]["judgement"], judgement, content)


@rows("CHK-6")
def what_lies_above_or_behind_a_link_is_on_the_way_too(box):
    """Seen from where the pidfile is, and by a link to there, all directories are right but the one that is not named."""
    outer = box.folder_in("open")
    place = box.folder_in("open/inner")
    os.symlink("open/inner", box.path("link"))
    with box.running("-p", f"{place}/pid", "-m", "022"):
        for mode, expected in ((0o755, []), (0o777, ["pidfile place"]), (0o1777, [])):
            os.chmod(outer, mode)
            for path, how in ((f"{place}/pid", {}), ("pid", {"cwd": place}), ("./../inner/pid", {"cwd": place}),
                              (box.path("link/pid"), {}), ("link/pid", {"cwd": box.folder})):
                with box.about(oct(mode), path):
                    points = report(box, "-p", path, **how)[1]
                    equal(judged(points, "wrong"), expected, points)
                    check(not expected or points["pidfile place"]["found"].endswith("/open"), points["pidfile place"])


@rows("CHK-6", needs="root")
def a_link_that_another_user_can_replace_is_on_the_way(box):
    place = box.folder_in("place")
    everybodys = box.folder_in("everybodys")
    os.chmod(everybodys, 0o1777)
    os.symlink(place, f"{everybodys}/link")
    with box.running("-p", f"{place}/pid", "-m", "022"):
        equal(judged(report(box, "-p", f"{everybodys}/link/pid")[1], "wrong"), [])
        os.lchown(f"{everybodys}/link", NOBODY.pw_uid, -1)
        if text("/proc/sys/fs/protected_symlinks") == "0\n":
            points = report(box, "-p", f"{everybodys}/link/pid")[1]
            equal(points["pidfile place"]["found"], f"{everybodys}/link belongs to uid {NOBODY.pw_uid}")
        else:
            equal(daemoncheck(box, "-p", f"{everybodys}/link/pid").code, 66)  # the kernel does not follow it


@rows("CHK-6")
def a_pidfile_that_another_has_locked_is_not_this_ones(box):
    with box.running("-p", box.path("pid"), "-m", "022") as daemon:
        launch = box.start(["/bin/sleep", "60"])
        code, points = report(box, "-p", box.path("pid"), launch.pid)
        check({"pidfile pid", "pidfile lock"} <= set(judged(points, "wrong")) and code == 1, points)
        check(f"pid {daemon.pid}" in points["pidfile lock"]["found"], points["pidfile lock"])
        launch.kill()
        launch.wait()


@rows("CHK-6", needs="root")
def a_pidfile_of_the_services_user_is_wrong(box):
    wrong_in(box, "pidfile owner", f"os.chown({box.path('pid')!r}, {NOBODY.pw_uid}, 0)", found=str(NOBODY.pw_uid))
    os.unlink(box.path("pid"))
    os.chown(box.folder, NOBODY.pw_uid, 0)
    wrong_in(box, "pidfile place", "pass", found=f"belongs to uid {NOBODY.pw_uid}")


# --- who cannot be asked -----------------------------------------------------------------------------

@rows("CHK-1")
def a_wrong_call_or_a_process_that_is_not_there_has_its_code(box):
    careless = "import os, time\npid = os.fork()\nif pid: print(pid, flush=True); time.sleep(60)"  # it never waits
    parent = box.start([PYTHON, "-I", "-S", "-c", careless])
    zombie = int(wait_until(parent.text, "its child's pid"))
    wait_until(lambda: ") Z " in text(f"/proc/{zombie}/stat"), "a zombie")
    for words, code, part in (
            ([], 64, "none is given"), (["--nonsense", "1"], 64, "--nonsense"), (["--format=xml", "1"], 64, "xml"),
            (["-p"], 64, "-p"), (["-p", ""], 64, "empty"), (["1", "2"], 64, "2"), (["--help=1"], 64, "--help"),
            *((([word]), 64, "pid") for word in ("0", "01x", "-", "99999999999", "4294967296", "", " 1")),
            (["-p", box.path("none")], 66, "no such file"), (["-p", box.folder], 66, "regular"),
            (["-p", box.file("empty")], 66, "names no process"), (["-p", box.file("word", "x1\n")], 66, "names no"),
            (["-p", box.file("two", "1 2\n")], 66, "names no"), (["-p", box.file("big", "9" * 40)], 66, "names no"),
            (["-p", box.file("dead", "2147483646\n")], 69, "2147483646"), (["2147483646"], 69, "does not exist"),
            ([zombie], 69, "has ended")):
        with box.about(*words):
            result = daemoncheck(box, *words)
            equal((result.code, result.out), (code, ""), result)
            box.message(result, part, name="daemoncheck")
            equal("try 'daemoncheck --help'" in result.err, code == 64, result)
    os.mkfifo(box.path("fifo"))
    equal(daemoncheck(box, "-p", box.path("fifo")).code, 66)
    parent.kill()
    parent.wait()


@rows("CHK-1")
def a_thread_is_not_taken_for_a_process(box):
    threaded = "import threading, time\nthread = threading.Thread(target=time.sleep, args=[60])\nthread.start()\n" \
               "print(thread.native_id, flush=True)"
    process = box.start([PYTHON, "-I", "-S", "-c", threaded])
    thread = int(wait_until(process.text, "its thread's number"))
    check(thread != process.pid and os.path.exists(f"/proc/{thread}/stat"), thread)
    for words in ([thread], ["-p", box.file("pid", f"{thread}\n")]):
        result = daemoncheck(box, *words)
        equal((result.code, result.out), (69, ""), result)
        box.message(result, f"process: {thread}: is a thread of process {process.pid}", name="daemoncheck")
    equal(report(box, "-p", box.path("pid"), process.pid)[1]["pidfile pid"]["found"], f"{thread}, not {process.pid}")
    process.kill()
    process.wait()


@rows("CHK-3", needs="root")
def what_cannot_be_seen_is_no_pass(box):
    nobody = (NOBODY.pw_uid, NOBODY.pw_gid, [])
    with box.running("-p", box.path("pid"), "-m", "022"):
        code, points = report(box, "-p", box.path("pid"), user=nobody)
        equal((code, judged(points, "unseen")), (77, ["directory", "stdin", "stdout", "stderr", "descriptors"]), points)
        equal(points["pidfile lock"]["judgement"], "right", "by /proc/locks;")
    with flawed(box, "os.umask(0o777)"):
        equal(report(box, "-p", box.path("pid"), user=nobody)[0], 1, "what is wrong counts more;")


# --- how it is told ----------------------------------------------------------------------------------

@rows("CHK-3", needs="root")
def root_without_the_right_to_look_sees_no_closed_descriptors(box):
    """As in a container: the numbers in /proc/PID/fd can be listed there, but not what they lead to."""
    with box.running("-u", "nobody") as daemon:
        result = box.run([shutil.which("setpriv"), "--bounding-set", "-sys_ptrace", os.path.join(os.path.dirname(box.command),
                         "daemoncheck"), "--format=json", str(daemon.pid)])
        points = {point["point"]: point for point in json.loads(result.out)["points"]}
        equal((result.code, judged(points, "wrong")), (77, []), points)
        check({"directory", "stdin", "stdout", "stderr", "descriptors"} <= set(judged(points, "unseen")), points)


@rows("CHK-7")
def it_folds_to_the_terminal(box):
    with box.running("-p", box.path("pid")) as daemon:
        argv = [os.path.join(os.path.dirname(box.command), "daemoncheck"), str(daemon.pid)]
        plain = box.run(argv).out
        for columns in (40, 60, 80, 200):
            shown = on_a_terminal(box, argv, columns, {"PATH": os.environ["PATH"], "TERM": "xterm"})
            bare = re.sub("\033\\[[0-9;]*m", "", shown)
            check("\033[" in shown and max(map(len, bare.splitlines())) < columns, columns, bare)
            equal(bare.split(), plain.split(), columns)
        check(len(bare.splitlines()) < len(plain.splitlines()), "a wide terminal is used")


@rows("CHK-7")
def no_name_can_deceive_reader_terminal_or_machine(box):
    for name in (b"a) Z 1 1\n(b", b"\033[31mred", b'quote"back\\', b"Umask:\t0777", b"\xff\xfe\xc3"):
        path = os.path.join(os.fsencode(box.folder), name)
        shutil.copy("/bin/sleep", path)
        with box.about(name), box.running("-p", box.path("pid"), "-m", "022", program=[path, "60"]) as daemon:
            code, points = report(box, "-p", box.path("pid"))
            equal((code, judged(points, "wrong")), (0, []), points)
            result = daemoncheck(box, daemon.pid)
            check("\033" not in result.out and all(len(line) < 80 for line in result.out.splitlines()[2:]), result)
            equal(len(result.out.splitlines()[0].split(" (pid ")), 2, result)


@rows("CHK-7", "CHK-1")
def colour_is_for_a_terminal_that_wants_it(box):
    with box.running("-p", box.path("pid")) as daemon:
        for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)):
            master, slave = pty.openpty()
            with box.about(env):
                equal(daemoncheck(box, daemon.pid, stdout=slave, env=env).code, 0)
                equal(b"\033[32mok" in os.read(master, 65536), coloured)
            os.close(master)
            os.close(slave)
        result = daemoncheck(box, daemon.pid)
        check("\033" not in result.out and max(map(len, result.out.splitlines())) < 80, result)
    for word in ("-h", "--help"):
        check(daemoncheck(box, word).out.startswith("Usage: daemoncheck"))
    check(daemoncheck(box, "-V").out.startswith("daemoncheck "))


@rows("CHK-1", "CHK-3")
def ten_thousand_descriptors_are_counted(box):
    flaw = "resource.setrlimit(resource.RLIMIT_NOFILE, (12000, 12000)); f = os.open('/', os.O_RDONLY)\n" \
           "for n in range(100, 10100): os.dup2(f, n)"
    if box.root:
        wrong_in(box, "descriptors", flaw, found="10000 stray above 2: 100 is /")


@rows("CHK-3", "CLI-19")
def a_report_that_cannot_be_written_is_an_error(box):
    command = os.path.join(os.path.dirname(box.command), "daemoncheck")
    with box.running("-p", box.path("pid")) as daemon:
        for words in ([str(daemon.pid)], ["--format=json", str(daemon.pid)], ["--help"], ["--version"]):
            box.lost_output([command, *words])
