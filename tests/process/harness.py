"""harness.py - what the tests work with: the box, in which a command is started and looked at.

A test is a function with one argument, the box.  It runs in a process of its own that adopts orphans
(it is a "subreaper"), so that every process a launch leaves behind becomes a child of the test and is
seen.  Nothing here knows what the product ought to do, but judge(), which holds the two promises.
"""

import contextlib
import fcntl
import os
import pwd
import re
import resource
import signal
import stat
import tempfile
import time

import linux
import tracer

HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = os.path.join(os.path.dirname(HERE), "spec.md")
NOBODY = pwd.getpwnam("nobody")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
SLEEP = ["sleep", "60"]


class Skip(Exception):
    """This test cannot run here; the text says why."""


class TooLate(BaseException):
    """The test's time is up."""


def rows(*names, needs=(), seconds=30):
    """Names the rows of the specification that a test proves, and what it needs: "root", "user" (an
    ordinary one), "ptrace", "mounts" (a mount namespace of one's own)."""
    def mark(function):
        function.rows, function.seconds = names, seconds
        function.needs = (needs,) if isinstance(needs, str) else tuple(needs)
        return function
    return mark


def exit_codes_of_spec():
    """ERR-1 to ERR-13 as the specification has them: {"ERR-1": 64, ...}."""
    codes = {}
    with open(SPEC, encoding="utf-8") as spec:
        for line in spec:
            match = re.match(r"\| (ERR-\d+) \|.*\| (\d+)( EX_\w+)? \|$", line.strip())
            if match:
                codes[match[1]] = int(match[2])
    return codes


ERR = exit_codes_of_spec()


# --- conditions -----------------------------------------------------------------------------------

def check(condition, *about):
    """Like assert, but the message is made of anything."""
    if not condition:
        raise AssertionError(" ".join(text if isinstance(text, str) else repr(text) for text in about))


def equal(actual, expected, *about):
    check(actual == expected, *about, "expected", repr(expected), "but got", repr(actual))


def wait_until(condition, what, seconds=5.0, looks=1):
    """Waits for a condition and gives its value: never sleep where you can wait.  looks: so many times
    in a row it must hold, where one look may deceive."""
    deadline = time.monotonic() + seconds
    held = 0
    while True:
        value = condition()
        held = held + 1 if value else 0
        if held == looks:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} seconds in vain for: {what}")
        time.sleep(0.003)


def settles(condition, expected, what, seconds=5.0):
    """Waits until a condition has the expected value; else says which it has."""
    deadline = time.monotonic() + seconds
    value = condition()
    while value != expected and time.monotonic() < deadline:
        time.sleep(0.003)
        value = condition()
    equal(value, expected, what)


# --- processes, read from outside -----------------------------------------------------------------

def read(path):
    with open(path, "rb") as file:
        return file.read()


def text(path):
    return read(path).decode()


def write(path, content, mode=None):
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    if mode is not None:
        os.chmod(path, mode)
    return path


def stat_of(pid):
    """The fields of /proc/PID/stat that matter, or None where there is no such process."""
    try:
        line = read(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = line[line.rindex(b")") + 2:].split()
    return {"state": fields[0].decode(), "ppid": int(fields[1]), "pgrp": int(fields[2]),
            "session": int(fields[3]), "tty": int(fields[4])}


def status_of(pid):
    lines = text(f"/proc/{pid}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def signals_of(pid, which):
    """The signals in SigIgn, SigBlk or SigCgt of a process, as a set of numbers."""
    mask = int(status_of(pid)[which], 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def ids_of(pid):
    """Real, effective and saved user ids, the same of groups, and the supplementary groups."""
    status = status_of(pid)
    users, groups = ([int(word) for word in status[name].split()] for name in ("Uid", "Gid"))
    return users[:3], groups[:3], sorted(int(word) for word in status["Groups"].split())


def fds_of(pid):
    """Open descriptors: {number: what it leads to}."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
    return found


def fd_flags(pid, fd):
    return int(re.search(r"flags:\s*(\d+)", text(f"/proc/{pid}/fdinfo/{fd}"))[1], 8)


def environ_of(pid):
    """As a list, for an environment may say a name twice."""
    return read(f"/proc/{pid}/environ").split(b"\0")[:-1]


def cmdline_of(pid):
    return read(f"/proc/{pid}/cmdline").split(b"\0")[:-1]


def cwd_of(pid):
    return os.readlink(f"/proc/{pid}/cwd")


def alive(pid):
    now = stat_of(pid)
    if now is None or now["state"] not in "ZX":
        return now is not None
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 1  # its first thread has ended, others hold the lock still
    except FileNotFoundError:
        return False


def children_of(pid):
    """Pids, zombies too."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            now = stat_of(int(name))
            if now and now["ppid"] == pid:
                found.append(int(name))
    return found


def descendants_of(pid):
    found, new = [], [pid]
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            now = stat_of(int(name))
            if now:
                parents.setdefault(now["ppid"], []).append(int(name))
    while new:
        new = [child for parent in new for child in parents.get(parent, [])]
        found += new
    return found


def locked(path):
    """Does anybody hold the lock on that file?"""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(fd)


def snapshot(folder):
    """Everything in a folder that a launch could change: names, kinds, modes, owners, contents."""
    found = {}
    for base, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(base, name)
            now = os.lstat(path)
            content = None
            if stat.S_ISREG(now.st_mode):
                content = read(path) if os.access(path, os.R_OK) else now.st_size
            elif stat.S_ISLNK(now.st_mode):
                content = os.readlink(path)
            found[path] = (now.st_ino, now.st_mode, now.st_uid, now.st_gid, now.st_nlink, content)
    return found


def facts_in(path):
    """What app.c's dump wrote: {name: [value, ...]}."""
    found = {}
    for line in text(path).splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name, []).append(value)
    return found


def returned(result):
    """What app.c prints when blivet_daemonize() returns NULL: kind, exit code, message."""
    match = re.search(r"^returned: (\d+) (\d+) (.*)$", result.out, re.MULTILINE)
    check(match, "the call returned an error;", result)
    return int(match[1]), int(match[2]), match[3]


# --- launches -------------------------------------------------------------------------------------

class Result:
    """How a launch ended.  code: the exit code, or minus the signal that ended it."""

    def __init__(self, pid, status, out, err):
        self.pid, self.code = pid, os.waitstatus_to_exitcode(status)
        self.out_bytes, self.err_bytes = out, err
        self.out, self.err = out.decode(errors="replace"), err.decode(errors="replace")

    def __repr__(self):
        return f"exit {self.code}, stdout {self.out[-300:]!r}, stderr {self.err[-600:]!r}"


class Launch:
    """A command that was started and may still run."""

    def __init__(self, box, pid, out, err):
        self.box, self.pid, self.files = box, pid, (out, err)

    def running(self):
        self.box.reap()
        return self.pid not in self.box.statuses

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def text(self):
        """What is on its stdout so far."""
        return os.pread(self.files[0].fileno(), 1 << 20, 0)

    def wait(self, seconds=10.0):
        deadline = time.monotonic() + seconds
        while self.running():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"launch {self.pid} has not ended after {seconds} seconds")
            signal.sigtimedwait([signal.SIGCHLD], left)
        return self.result()

    def result(self):
        out, err = (os.pread(file.fileno(), 1 << 20, 0) for file in self.files)
        return Result(self.pid, self.box.statuses[self.pid], out, err)


class Daemon:
    """A running daemon and the launch that made it."""

    def __init__(self, box, result, pid):
        self.box, self.result, self.pid = box, result, pid

    def stop(self, number=signal.SIGTERM):
        return self.box.stop(self.pid, number)


class Box:
    def __init__(self, command, app, servers, folder):
        self.command, self.app_path, self.servers, self.folder = command, app, servers, folder
        self.statuses = {}       # of all children that have ended, by pid
        self.launches = []
        self.context = []        # what the test is about just now, for messages
        self.pid = os.getpid()
        self.root = os.geteuid() == 0

    # -- places

    def path(self, name):
        return os.path.join(self.folder, name)

    def folder_in(self, name, mode=0o755):
        path = self.path(name)
        os.mkdir(path)
        os.chmod(path, mode)
        return path

    def file(self, name, content="", mode=0o644):
        return write(self.path(name), content, mode)

    def script(self, name, lines):
        """A shell script as a program."""
        return self.file(name, f"#!/bin/sh\n{lines}\n", 0o755)

    def read_when_there(self, path):
        wait_until(lambda: os.path.exists(path), f"{path} to appear")
        return text(path)

    def line_when_there(self, path):
        """A file is there a moment before its first line is."""
        wait_until(lambda: os.path.exists(path) and text(path).endswith("\n"), f"a line in {path}")
        return text(path)

    def example(self, name):
        """The program made of tests/examples/NAME.c or .cpp."""
        path = os.path.join(os.path.dirname(self.command), f"example_{name}")
        if not os.path.exists(path):
            raise Skip(f"example {name} is not built here")
        return path

    # -- starting

    def start(self, argv, env=None, cwd=None, close=(), ignore=(), block=(), limits=None, stdin=None,
              stdout=None, stderr=None, fds=None, deny=None, creating=0, before=None, user=None,
              subreaper=False, name=None, traced=False):
        """Starts a command.
        env: a dictionary or a list of NAME=VALUE · close: descriptors it shall not have · ignore, block:
        signals · limits: {resource: (soft, hard)} · stdin, stdout, stderr: a path or descriptor · fds:
        {number: descriptor} more · deny, creating: see linux.deny · before: a function to call last ·
        user: (uid, gid, groups) · name: an argv[0] of its own."""
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        argv = [os.fsencode(word) for word in argv]
        env = ENVIRONMENT if env is None else env
        if isinstance(env, dict):
            env = [os.fsencode(key) + b"=" + os.fsencode(value) for key, value in env.items()]
        pid = os.fork()
        if pid == 0:
            try:
                self._prepare(cwd, ignore, user, subreaper)
                self._descriptors(stdin, stdout if stdout is not None else out,
                                  stderr if stderr is not None else err, fds or {}, close)
                for which, pair in (limits or {}).items():
                    resource.setrlimit(which, pair)
                if deny or creating:
                    linux.deny(deny or {}, creating)
                if before:
                    before()
                if traced:
                    tracer.ptrace(tracer.TRACEME, 0)
                    os.kill(os.getpid(), signal.SIGSTOP)
                signal.pthread_sigmask(signal.SIG_SETMASK, block)
                linux.execve(argv[0], [name if name is not None else argv[0], *argv[1:]], env)
            except BaseException as problem:  # a mistake of the test's own
                os.write(err.fileno(), f"the test could not start {argv[0]}: {problem!r}\n".encode())
            os._exit(125)
        launch = Launch(self, pid, out, err)
        self.statuses.pop(pid, None)  # numbers come again
        self.launches.append(pid)
        return launch

    @staticmethod
    def _prepare(cwd, ignore, user, subreaper):
        for number in range(1, 65):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                signal.signal(number, signal.SIG_IGN if number in ignore else signal.SIG_DFL)
        os.umask(0o022)
        if cwd:
            os.chdir(cwd)
        if subreaper:
            linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        if user:
            uid, gid, groups = user
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)

    @staticmethod
    def _descriptors(stdin, stdout, stderr, more, close):
        """Makes 0, 1, 2 and the others what they shall be, by way of numbers out of harm's way."""
        wanted = {0: stdin if stdin is not None else "/dev/null", 1: stdout, 2: stderr, **more}
        held = {}
        for number, what in wanted.items():
            if isinstance(what, str):
                flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_NOCTTY
                what = os.open(what, flags)
            what = what if isinstance(what, int) else what.fileno()
            held[number] = fcntl.fcntl(what, fcntl.F_DUPFD_CLOEXEC, 300)
        for number, fd in held.items():
            if number not in close:
                os.dup2(fd, number, inheritable=True)
        for number in close:
            with contextlib.suppress(OSError):
                os.close(number)

    def run(self, argv, seconds=10.0, **how):
        return self.start(argv, **how).wait(seconds)

    def daemonize(self, *options, program=SLEEP, seconds=10.0, **how):
        """Runs the command until the launcher has ended."""
        return self.run([self.command, *options, "--", *program], seconds, **how)

    def app(self, *words, seconds=10.0, **how):
        """Runs the application of app.c until its launcher has ended."""
        return self.run([self.app_path, *words], seconds, **how)

    @contextlib.contextmanager
    def running(self, *options, program=SLEEP, **how):
        """A daemon started by the command, stopped when the block ends."""
        yield from self._running(self.daemonize(*options, program=program, **how))

    @contextlib.contextmanager
    def running_app(self, *words, **how):
        """The same with the application; its last word is mostly "pause"."""
        yield from self._running(self.app(*words, **how))

    def waiting_app(self, *words, **how):
        """A launcher that waits, and its daemon, which is past the sequence and does what the words say."""
        ready = self.path(f"ready-{len(self.launches)}")
        place = words.index("--") + 1
        launch = self.start([self.app_path, *words[:place], f"dump={ready}", *words[place:]], **how)
        self.read_when_there(ready)
        return launch, int(facts_in(ready)["pid"][0])

    def _running(self, result):
        equal(result.code, 0, "the launcher's exit code;", result)
        pid = self.the_daemon()
        self.wait_for_exec(pid)
        try:
            yield Daemon(self, result, pid)
        finally:
            for other in [pid, *descendants_of(pid)]:
                self.stop(other, signal.SIGKILL)

    @contextlib.contextmanager
    def foreground(self, argv, ready, **how):
        """A process that stays in the foreground, once ready() says yes; stopped at the end."""
        launch = self.start(argv, **how)
        try:
            wait_until(lambda: ready() or not launch.running(), "the foreground process to be ready")
            check(launch.running(), "the foreground process has ended:", launch)
            yield launch
        finally:
            for other in [launch.pid, *descendants_of(launch.pid)]:
                self.stop(other, signal.SIGKILL)

    def lost_output(self, argv):
        """What the command is run for cannot be written: exit 74, and why, but where the reader has gone."""
        (reading, writing), (gone, unread) = os.pipe(), os.pipe()
        os.close(gone)
        limit = {"stdout": self.file("limited"), "limits": {resource.RLIMIT_FSIZE: (0, 0)}}  # of a stderr in a file too
        for how, why in (({"stdout": "/dev/full"}, "no space left on device"), ({"close": (1,)}, "bad file descriptor"),
                         (limit, "file too large"), ({"stdout": unread}, None)):
            with self.about(argv[:3], why):
                code = self.run(argv, stderr=writing, **how).code
                os.write(writing, b"\n")
                said = os.read(reading, 4096).decode().rstrip("\n")
                equal((code, said), (74, f"{os.path.basename(argv[0])}: standard output: {why}" if why else ""))
        for fd in (reading, writing, unread):
            os.close(fd)

    # -- following call by call

    def trace(self, argv, on_call, seconds=10.0, beyond_exec=False, **how):
        """Runs a command under the tracer.  Gives its result and the tracer.  beyond_exec: follows the program too."""
        launch = self.start(argv, traced=True, **how)
        try:
            watcher = tracer.Tracer(launch.pid, on_call, beyond_exec)
        except OSError as problem:
            said = os.pread(launch.files[1].fileno(), 1000, 0)
            raise AssertionError(f"cannot be traced: {problem}; {said}") from None
        status = watcher.follow(seconds, self.statuses.__setitem__)
        if status is None:
            for pid in watcher.processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            watcher.follow(5, self.statuses.__setitem__)
            raise AssertionError(f"the launch has not ended after {seconds} seconds")
        self.statuses.update(watcher.statuses)
        return launch.result(), watcher

    def kill_launcher(self):
        """Ends the launcher of the last launch, from within a function that follows it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.launches[-1], signal.SIGKILL)

    # -- looking after processes

    def reap(self):
        """Collects every child that has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.statuses[pid] = status

    def gone(self, pid):
        if alive(pid):
            return False
        self.reap()  # after the look, or its status could be missed
        return True

    def wait_gone(self, pid, seconds=5.0):
        wait_until(lambda: self.gone(pid), f"process {pid} to end", seconds)

    def stop(self, pid, number=signal.SIGTERM):
        """Ends a process, by pid, and gives its status where it was ours to collect."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        self.wait_gone(pid)
        return self.statuses.get(pid)

    def ended_with(self, pid):
        """The exit code of a process that has ended, minus the signal if it was one."""
        self.wait_gone(pid)
        check(pid in self.statuses, f"process {pid} was not ours to collect")
        return os.waitstatus_to_exitcode(self.statuses[pid])

    def is_launch(self, pid):
        """Did the test itself start this process, and has not collected it yet?"""
        return pid in self.launches and pid not in self.statuses

    def adopted(self):
        """Orphans that have become ours and live."""
        self.reap()
        return [pid for pid in children_of(self.pid) if not self.is_launch(pid) and alive(pid)]

    def living(self):
        """Every process that a launch of ours led to and that lives.  One without a command line is
        within exit or exec; which of the two is soon known."""
        self.reap()
        found = [pid for pid in descendants_of(self.pid) if alive(pid) and not self.is_launch(pid)]
        for pid in found:
            with contextlib.suppress(OSError):
                wait_until(lambda: not alive(pid) or cmdline_of(pid), f"process {pid} to become or to end")
        return [pid for pid in found if alive(pid)]

    def the_daemon(self):
        found = self.adopted()
        equal(len(found), 1, "one daemon running;", [(pid, cmdline_of(pid)) for pid in found])
        return found[0]

    def wait_for_exec(self, pid):
        """Until a program that the command has begun to exec is complete and rests.  The launcher is
        free to leave before: its end of the notification pipe is not the last descriptor that exec
        closes; and a program that is being loaded has descriptors of its own for a moment."""
        if not os.path.exists(f"/proc/{pid}/exe") or os.path.samefile(f"/proc/{pid}/exe", self.app_path):
            return  # ended already, or the application itself
        own = os.path.basename(self.command).encode()

        def rests():
            return read(f"/proc/{pid}/comm").strip() != own and stat_of(pid)["state"] == "S"
        wait_until(lambda: not alive(pid) or rests(), "exec to be complete", looks=2)

    def nothing_runs(self):
        """No process but the test itself, not even a dead one that its parent has not collected."""
        def found():
            self.reap()
            return [(pid, stat_of(pid)) for pid in descendants_of(self.pid)]
        settles(found, [], "processes left;", seconds=1)

    def clear(self):
        """Ends everything that still runs; gives a line for each such process."""
        left = []
        for _ in range(10):
            self.launches.clear()  # here they count
            found = self.living()
            if not found:
                break
            for pid in found:
                with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                    left.append(f"{pid} {cmdline_of(pid)!r}")
                    os.kill(pid, signal.SIGKILL)
            for pid in found:
                with contextlib.suppress(AssertionError):
                    self.wait_gone(pid)
        return left

    @contextlib.contextmanager
    def about(self, *words):
        """Names the case at hand in the message of a failure inside the block."""
        try:
            yield
        except AssertionError as problem:
            raise AssertionError(f"[{' '.join(map(str, words))}] {problem}") from problem

    # -- judging

    def message(self, result, *parts, name="daemonize"):
        """The one line of a refusal: it begins with the program's name and says each of parts."""
        lines = result.err.splitlines()
        equal(len(lines), 1, "lines on stderr;", result)
        check(lines[0].startswith(f"{name}: "), "a message begins with the program's name;", result)
        check(result.err.endswith("\n"), "a message ends its line;", result)
        for part in parts:
            check(part in lines[0], f"the message says {part!r};", result)

    def refused(self, result, row, *parts, name="daemonize"):
        """The exit code that a row of ERR names, and a message."""
        equal(result.code, ERR[row], f"the exit code of {row};", result)
        self.message(result, *parts, name=name)

    def returns(self, result, row, *parts):
        """app.c was given an error back: the code that a row of ERR names, and a message."""
        kind, code, message = returned(result)
        check(kind > 0, "an error has a kind;", result)
        equal((code, result.code), (ERR[row], ERR[row]), f"the exit codes of {row};", result)
        for part in parts:
            check(part in message, f"the message says {part!r};", result)

    def names_nobody(self, pidfile):
        """No pidfile, or an empty one."""
        if os.path.exists(pidfile):
            equal(read(pidfile).strip(), b"", "what is left in the pidfile;")

    def nothing_left(self, pidfile=None, *locks):
        """The second promise: no process, no held lock, no pidfile that names one (NTF-13)."""
        left = {pid: (stat_of(pid), cmdline_of(pid)) for pid in self.living()}
        equal(left, {}, "processes left after a failed start;")
        for path in [pidfile, *locks]:
            check(path is None or not locked(path), f"a lock is left on {path}")
        if pidfile:
            self.names_nobody(pidfile)

    def judge(self, result, pidfile, program=b"sleep"):
        """Both promises at once (NTF-13): exit 0 and the program runs, with pidfile and lock, or
        anything else and nothing of ours is left.  The daemon that runs is stopped."""
        if result.code != 0:
            self.nothing_left(pidfile)
            return
        pid = self.the_daemon()
        self.wait_for_exec(pid)
        check(os.path.basename(cmdline_of(pid)[0]) == program, "exit 0, but what runs is", cmdline_of(pid))
        equal(read(pidfile), b"%d\n" % pid, "exit 0, and the pidfile;")
        check(locked(pidfile), "exit 0, and the pidfile is locked")
        self.stop(pid, signal.SIGKILL)
        check(not locked(pidfile), "the lock ends with the program")
