"""launches.py - one start at a time, on a table that fails and records: what both golden.py and real.py need.

A Place is a folder with all that a start may touch, and the process that works in it adopts orphans (it is a
"subreaper"): whatever a start leaves behind becomes its child and is accounted for.
"""

import errno
import fcntl
import mmap
import os
import pwd
import re
import shutil
import signal
import struct
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "process"))

import linux  # noqa: E402  (the folder must be on the path first)

TRACE_AT, MEMORY = 4096, 4096 + 16 + 168 * 20000  # as in table.h and trace.h; sparse
RECORD = struct.Struct("=qqqiiIhhhh128s4x")
PROCESSES = ("launcher", "leader", "daemon")
PATIENCE = 20  # seconds for one start; the slowest is a fraction of one
PROGRAMS = ("daemonize-faulty", "library-faulty", "program", "script")
NOBODY = pwd.getpwnam("nobody")


def rows_of(path, pattern):
    """The rows of a data file in C, in order."""
    with open(os.path.join(os.path.dirname(os.path.dirname(HERE)), path), encoding="utf-8") as file:
        return re.findall(pattern, file.read(), re.MULTILINE)


def errnos_of(row):
    found = re.search(r"ERRNOS\(([^)]*)\)", row)
    return [word for word in re.split(r",\s*", found[1]) if word] if found else []


CALLS = [(name, errnos_of(rest)) for name, rest in
         rows_of("syscall/ops.def", r"^(?:CALL\([^\n]*?, |VOID\()(\w+), (\((?:[^\n]|\n +)*)")]
STEPS = {int(number): name for number, name in rows_of("core/steps.def", r'^STEP\((\d+), \w+, "([^"]*)"')}
APPLICATION, CLOSE = len(STEPS) + 1, len(STEPS) + 2  # the steps behind the last one: core/internal.h, table.h
REASONS = dict(rows_of("core/errno.def", r'^REASON\((\w+), "([^"]*)"'))


# ---- what a start is ----

class Mode:
    """words: of the command line, with {pidfile} and so on.  ends: the exit code of a start that nothing disturbs."""

    def __init__(self, name, words, program=(), ends=0, faults="", root=True, user=True, library=False):
        self.name, self.words, self.program, self.ends, self.faults = name, words, list(program), ends, faults
        self.root, self.user, self.library = root, user, library
        self.foreground = "-f" in words or "foreground" in words
        self.as_script = False  # the program by way of a script without "#!"
        self.message = ""       # what a start says that nothing disturbs

    def argv(self, place):
        words = [word.format(**place.files) for word in self.words]
        if self.library:
            return ["library", *words]
        return ["daemonize", *words, "--", place.script if self.as_script else place.program, *self.program]

    def uses(self, what):
        return any("{" + what + "}" in word for word in self.words)


FULL = ["-p", "{pidfile}", "-l", "{lockfile}", "-o", "{stdout}", "-e", "{stderr}", "-c", "{directory}", "-E", "COLOUR=blue"]
MODES = [
    Mode("minimal", []),
    Mode("pidfile", ["-p", "{pidfile}"]),
    Mode("full", FULL),
    Mode("full-and-user", [*FULL, "-u", "nobody"], user=False),
    Mode("no-close-range", ["-p", "{pidfile}"], faults="2:close_range:1+:38"),
    Mode("foreground", ["-f", "-p", "{pidfile}", "-o", "{stdout}", "-e", "{stderr}"], ["end", "42"], ends=42),
    Mode("notify", ["-p", "{pidfile}", "--ready=notify"], ["notify"]),
    Mode("fd", ["-p", "{pidfile}", "--ready=fd:7"], ["fd", "7"]),
    Mode("limit", ["-p", "{pidfile}", "-t", "20"]),
    Mode("second", ["-p", "{pidfile}"], ends=69),
    Mode("library", ["pidfile={pidfile}", "stdout={stdout}"], library=True),
    Mode("library-and-user", ["pidfile={pidfile}", "stdout={stdout}", "user=nobody"], library=True, user=False),
    Mode("library-foreground", ["foreground", "pidfile={pidfile}", "stdout={stdout}"], library=True),
]


FAILING = [  # for the golden traces alone: the torture has each failure of the others
    Mode("fails-at-first-fork", ["-p", "{pidfile}"], ends=71, faults=f"0:fork:1:{errno.EAGAIN}"),
    Mode("fails-at-setsid", ["-p", "{pidfile}"], ends=71, faults=f"1:setsid:1:{errno.EPERM}"),
    Mode("fails-at-exec", ["-p", "{pidfile}"], ends=66, faults=f"2:execve:1:{errno.ENOENT}"),
    Mode("daemon-killed", ["-p", "{pidfile}"], ends=1, faults="2:send:1:kill"),
    Mode("limit-passes", ["-p", "{pidfile}", "--ready=notify", "-t", "0.2"], ends=75),
]


class Call:
    """One record of syscall/trace.h."""

    def __init__(self, fields):
        (self.began, self.ended, self.result, self.error, self.pid, self.more, self.process, self.step, call,
         self.state, arguments) = fields
        self.name = CALLS[call][0]
        self.arguments = arguments.split(b"\0")[0].decode("utf-8", "replace")
        self.nth = 0  # of its name in its process
        self.varies = False  # not every start makes it

    @property
    def returned(self):
        return self.state == 2


class Outcome:
    """How a start ended.  code: the launcher's exit code, or minus a signal; None: it was ended after PATIENCE."""

    def __init__(self, place, code, message, left):
        self.place, self.code, self.message = place, code, message
        self.left = left  # pids of those that were there when the launcher had ended

    @property
    def fired(self):
        """How often the fault that is under test struck."""
        return struct.unpack_from("=i", self.place.memory)[0]

    @property
    def trace(self):
        """Until the next start."""
        return self.place.trace()


class Place:
    """Where one worker tortures."""

    def __init__(self, folder, build, user):
        self.folder, self.user = folder, user
        self.command, self.library, self.program, self.script = (os.path.join(build, name) for name in PROGRAMS)
        self.files = {name: os.path.join(folder, name) for name in
                      ("pidfile", "lockfile", "stdout", "stderr", "directory", "bystander")}
        self.message_file, self.memory_file = (os.path.join(folder, name) for name in ("message", "memory"))
        os.makedirs(self.files["directory"], exist_ok=True)
        with open(self.memory_file, "wb+") as file:
            file.truncate(MEMORY)
            self.memory = mmap.mmap(file.fileno(), MEMORY)
        self.lock = None  # of the first instance, in mode "second"
        self.under = []   # a command that runs the start
        self.reaps = True  # what has ended, at once; else when the launcher has ended
        self.environment = {"PATH": "/usr/bin:/bin", "LANG": "C", "TORTURE_MEMORY": self.memory_file,
                            **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}

    # -- before

    def make_ready(self, mode):
        """The same files for each start: a log that is there already, a bystander, no pidfile."""
        for name in ("pidfile", "lockfile", "stderr"):
            try:
                os.unlink(self.files[name])
            except FileNotFoundError:
                pass
        for name, content in (("stdout", "old\n"), ("bystander", "not ours\n")):
            with open(self.files[name], "w", encoding="utf-8") as file:
                file.write(content)
            if os.geteuid() == 0:
                os.chown(self.files[name], 0, 0)
        if mode.name == "second":
            self.lock = open(self.files["pidfile"], "w", encoding="utf-8")
            self.lock.write("4711\n")
            self.lock.flush()
            fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.memory[0:32] = bytes(32)
        self.memory[TRACE_AT:TRACE_AT + 4] = b"\0\0\0\0"

    # -- the start

    def start(self, mode, faults=""):
        self.make_ready(mode)
        environment = dict(self.environment)
        faults = f"{faults} {mode.faults}".strip()
        if faults:
            environment["TORTURE_FAULTS"] = faults
        argv = mode.argv(self)
        executable = self.library if mode.library else self.command
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 2, self.message_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)]
        if self.under:
            argv = [*self.under, executable, *argv[1:]]
            executable = argv[0]
        pid = os.posix_spawn(executable, argv, environment, file_actions=actions, setsigmask=[],
                             setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])
        return self.follow(pid)

    def follow(self, launcher):
        """Until the launcher has ended; orphans that have ended are collected on the way."""
        deadline = time.monotonic() + PATIENCE
        code, others = None, {}
        while code is None:
            pid, status = os.waitpid(-1 if self.reaps else launcher, os.WNOHANG)
            if pid == launcher:
                code = os.waitstatus_to_exitcode(status)
            elif pid:
                others[pid] = status
            elif time.monotonic() > deadline:
                os.kill(launcher, signal.SIGKILL)
                os.waitpid(launcher, 0)
                break
            else:
                signal.sigtimedwait([signal.SIGCHLD], 1)
        left = self.living()
        with open(self.message_file, "rb") as file:
            message = file.read().decode("utf-8", "replace")
        return Outcome(self, code, message, left)

    def names(self):
        """Process, step and name alone of each call, for a quick look at every start: as many as there was room for."""
        count, capacity = struct.unpack_from("=II", self.memory, TRACE_AT)
        records = self.memory[TRACE_AT + 16:TRACE_AT + 16 + min(count, capacity) * RECORD.size]
        for *_, process, step, call, state, _ in RECORD.iter_unpack(records):
            if state != 0:  # its place was taken, and what belongs there is not written yet
                yield process, step, CALLS[call][0]

    def trace(self):
        count, capacity = struct.unpack_from("=II", self.memory, TRACE_AT)
        calls, made = [], {}
        for index in range(min(count, capacity)):
            call = Call(RECORD.unpack_from(self.memory, TRACE_AT + 16 + index * RECORD.size))
            if call.state == 0:
                continue
            key = (call.process, call.name)
            call.nth = made.get(key, 0) + 1
            made[key] = call.nth + call.more
            calls.append(call)
        assert count <= capacity, f"the trace has no room for {count} calls"
        return calls

    @staticmethod
    def name(mode):
        """That a message begins with."""
        return "library" if mode.library else "daemonize"

    # -- after

    @staticmethod
    def collect():
        """Whether anybody is left."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            return True
        except ChildProcessError:
            return False

    def living(self):
        """Children, once those that have ended are collected."""
        if not self.collect():
            return []
        me = os.getpid()
        with open(f"/proc/{me}/task/{me}/children", encoding="utf-8") as file:
            return [int(word) for word in file.read().split()]

    def wait_for_none(self, seconds):
        deadline = time.monotonic() + seconds
        while self.collect():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            signal.sigtimedwait([signal.SIGCHLD], left)
        return True

    def end_all(self):
        for _ in range(100):
            left = self.living()
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            if not left or self.wait_for_none(1):
                break
        if self.lock:
            self.lock.close()
            self.lock = None

    def is_locked(self, name):
        try:
            with open(self.files[name], "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def content(self, name):
        try:
            with open(self.files[name], "rb") as file:
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return None


# ---- where ----

def close_inherited():
    """What whoever runs us has open would be in the traces: a start has just 0 to 2."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def users():
    """As root all is done once more as an ordinary user."""
    return ["root", "nobody"] if os.geteuid() == 0 else [pwd.getpwuid(os.geteuid()).pw_name]


def prepare_machine(base, build):
    """Copies of the programs where every user can run them; as root a mount namespace of one's own, with a file
    system of its own for the folder."""
    if os.geteuid() == 0:
        linux.private_mounts()
        linux.mount("tmpfs", base, "tmpfs", 0, "mode=755")
    place = os.path.join(base, "bin")
    os.mkdir(place, 0o755)
    for name in PROGRAMS[:3]:
        shutil.copy(os.path.join(build, name), place)
    with open(os.path.join(place, PROGRAMS[3]), "w", encoding="utf-8") as file:
        file.write(f'exec {place}/program "$@"\n')
    os.chmod(file.name, 0o755)


def clear_machine(base):
    if os.geteuid() == 0:
        linux.libc.umount2(os.fsencode(base), linux.MNT_DETACH)  # or the folder could not be removed
    shutil.rmtree(base, ignore_errors=True)


def begin_child(work):
    """A process of its own; its exit code is what work gives, a small number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 255
        try:
            code = min(work(), 254)
        except BaseException:  # the traceback is the message
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    return pid


def in_child(work):
    return os.waitstatus_to_exitcode(os.waitpid(begin_child(work), 0)[1])


def become_worker(user):
    """The process adopts orphans; as nobody where that is asked for."""
    os.umask(0o022)
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    if user == "nobody" and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY.pw_gid, NOBODY.pw_gid, NOBODY.pw_gid)
        os.setresuid(NOBODY.pw_uid, NOBODY.pw_uid, NOBODY.pw_uid)
        linux.prctl(linux.PR_SET_DUMPABLE, 1)


def modes_for(user):
    root = user == "root"
    return [mode for mode in MODES if (mode.root if root else mode.user)]


def errno_number(name):
    return int(name) if name.isdigit() else getattr(errno, name)


def errno_name(number):
    """The name that errno.def has for it: some numbers have two."""
    for name in REASONS:
        if errno_number(name) == number:
            return name
    return str(number)


def null_device():
    now = os.stat("/dev/null")
    return f"device {now.st_rdev:#x}, mode {now.st_mode:o}, owner {now.st_uid}:{now.st_gid}"
