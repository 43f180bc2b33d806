"""test_hostile.py - the two promises (NTF-13) where everything goes wrong.

Whatever happens to a launch: exit 0 and the daemon runs, or anything else and nothing of ours is left.
"""

import errno
import os
import random
import resource
import signal
import time

import linux
from harness import (ERR, NOBODY, SLEEP, alive, check, cmdline_of, cwd_of, descendants_of, environ_of, equal, fds_of,
                     ids_of, locked, read, rows, signals_of, stat_of, status_of, text, wait_until, write)

UNCLEAN = {"ignore": [signal.SIGTERM, signal.SIGUSR1], "block": [signal.SIGTERM, signal.SIGUSR2],
           "fds": {9: 0, 77: 0}}
OWN_CODES = {*ERR.values(), 0}
NEVER_FAIL = {"brk", "exit_group", "exit", "rt_sigreturn", "umask", "getpid", "getppid", "getuid", "geteuid",
              "getgid", "getegid", "gettid", "munmap", "set_robust_list", "rseq"}


class Start:
    """One start with everything configured, to be followed and meddled with again and again."""

    def __init__(self, box, user="nobody"):
        self.box, self.user = box, user if box.root else None
        self.pidfile, self.log = box.path("pid"), box.path("log")
        options = ["-p", self.pidfile, "-o", self.log, "-c", "/tmp", "-m", "027", "-E", "NAME=value"]
        if self.user:
            options += ["-u", user]
        self.argv = [box.command, *options, "--", "/bin/sleep", "60"]

    def trace(self, on_call):
        result, watcher = self.box.trace(self.argv, on_call, **UNCLEAN)
        return result, watcher

    def calls(self):
        """Every system call of an undisturbed start: {role: [name, ...]}; the launcher's from main() on."""
        found = {"launcher": [], "leader": [], "daemon": []}
        result, _ = self.trace(lambda call: found[call.role].append(call.name) if not call.done else None)
        equal(result.code, 0, result)
        self.judge(result)
        self.forget()
        return found

    def judge(self, result):
        """Exit 0 means that everything is as configured, anything else that nothing is left."""
        box = self.box
        if result.code != 0:
            box.nothing_left(self.pidfile)
            return
        pid = box.the_daemon()
        box.wait_for_exec(pid)
        equal(cmdline_of(pid), [b"/bin/sleep", b"60"], "the program;")
        equal((read(self.pidfile), locked(self.pidfile)), (b"%d\n" % pid, True), "the pidfile;")
        equal(sorted(fds_of(pid).values()), sorted(["/dev/null", self.log, self.log, self.pidfile]), "descriptors;")
        equal([signals_of(pid, which) for which in ("SigIgn", "SigBlk")], [set(), set()], "signals;")
        equal((cwd_of(pid), status_of(pid)["Umask"]), ("/tmp", "0027"), "directory and umask;")
        check(b"NAME=value" in environ_of(pid), "the environment:", environ_of(pid))
        check(stat_of(pid)["session"] not in (pid, os.getsid(0)), "the session")
        if self.user:
            equal(ids_of(pid)[:2], ([NOBODY.pw_uid] * 3, [NOBODY.pw_gid] * 3), "ids;")
        box.stop(pid, signal.SIGKILL)
        check(not locked(self.pidfile), "the lock ends with the program")

    def judge_without_launcher(self, victims=()):
        """The launcher was killed: in the end it is the one or the other.  Where the daemon was among
        the victims too, nobody was there to clean its pidfile."""
        box = self.box
        started = lambda: [pid for pid in box.living() if cmdline_of(pid) == [b"/bin/sleep", b"60"]]
        wait_until(lambda: box.living() == started(), "the program alone, or its end", looks=3)
        content = read(self.pidfile) if os.path.exists(self.pidfile) else b""
        if started():
            pid = box.the_daemon()
            equal((content, locked(self.pidfile)), (b"%d\n" % pid, True), "the pidfile;")
            box.stop(pid, signal.SIGKILL)
        elif content.strip().decode() not in map(str, victims):
            box.nothing_left(self.pidfile)
        check(not locked(self.pidfile), "a lock is left")

    def judge_or_wait(self, result, victims):
        """A launcher that says that it failed has cleaned up; one that was killed could not wait."""
        with self.box.about(result):
            if result.code > 0:
                self.box.nothing_left(self.pidfile)
            else:
                self.judge_without_launcher(victims)

    def forget(self):
        for path in (self.pidfile, self.log):
            if os.path.exists(path):
                os.unlink(path)


def own_calls(names):
    """The launcher's calls after those of the dynamic loader, which says goodbye with mprotect."""
    channel = next(i for i, name in enumerate(names) if name in ("pipe", "pipe2", "socketpair"))
    return 1 + max([i for i, name in enumerate(names[:channel]) if name == "mprotect"], default=0)


# --- killed anywhere ------------------------------------------------------------------------------------

@rows("NTF-13", "NTF-3", "PID-9", needs="ptrace", seconds=60)
def a_daemon_killed_before_any_of_its_calls_never_counts_as_started(box):
    start = Start(box)
    for index, name in enumerate(start.calls()["daemon"]):
        killed = []

        def kill(call):
            if call.role == "daemon" and call.index == index and not call.done:
                killed.append(call)
                os.kill(call.pid, signal.SIGKILL)
        with box.about("killed at call", index, name):
            result, _ = start.trace(kill)
            check(killed and result.code == ERR["ERR-13"], "the daemon died before its program ran;", result)
            box.nothing_left(start.pidfile)
        start.forget()


@rows("NTF-13", "SEQ-13", needs="ptrace", seconds=60)
def a_session_leader_killed_before_any_of_its_calls_leaves_one_or_the_other(box):
    start = Start(box)
    for index, name in enumerate(start.calls()["leader"]):
        def kill(call):
            if call.role == "leader" and call.index == index and not call.done:
                os.kill(call.pid, signal.SIGKILL)
        with box.about("killed at call", index, name):
            result, _ = start.trace(kill)
            check(result.code in OWN_CODES, result)
            start.judge(result)
        start.forget()


@rows("NTF-13", "NTF-17", "PID-9", needs="ptrace", seconds=60)
def a_launcher_killed_before_any_of_its_calls_leaves_one_or_the_other(box):
    start = Start(box)
    names = start.calls()["launcher"]
    for index in range(own_calls(names), len(names)):
        def kill(call):
            if call.role == "launcher" and call.index == index and not call.done:
                box.kill_launcher()
        with box.about("killed at call", index, names[index]):
            start.trace(kill)
            start.judge_without_launcher()
        start.forget()


@rows("NTF-13", "NTF-17", "PID-9", needs="ptrace", seconds=60)
def a_launcher_killed_at_any_call_of_the_daemons_leaves_one_or_the_other(box):
    start = Start(box)
    for index, name in enumerate(start.calls()["daemon"]):
        def kill(call):
            if call.role == "daemon" and call.index == index and not call.done:
                box.kill_launcher()
        with box.about("killed at the daemon's call", index, name):
            start.trace(kill)
            start.judge_without_launcher()
        start.forget()


def family(box, launch):
    return [launch.pid, *descendants_of(launch.pid), *box.adopted()]


def strike(pid, number, still_ours):
    """A signal for that process and for no stranger who has its number by now."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if still_ours():
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


@rows("NTF-13", "PID-9", seconds=60)
def killed_at_random_moments_one_or_the_other_is_left(box):
    start, dice = Start(box), random.Random(1)
    for number in range(100):
        launch = box.start(start.argv)
        time.sleep(dice.random() * 0.006)  # here the moment itself is what is tried
        victim = dice.choice(family(box, launch))
        with box.about("round", number):
            if launch.running():
                strike(victim, signal.SIGKILL, lambda: victim in family(box, launch))
            result = launch.wait()
            check(result.code in OWN_CODES or result.code == -signal.SIGKILL, result)
            start.judge_or_wait(result, [victim])
        start.forget()


@rows("NTF-13", "PID-9", "PID-2")
def after_a_failure_the_next_start_can_have_the_lock_at_once(box):
    pidfile = box.path("pid")
    for number in range(50):
        with box.about("round", number):
            equal(box.daemonize("-p", pidfile, "-o", box.folder).code, ERR["ERR-7"])
            with box.running("-p", pidfile):
                pass


# --- each call fails --------------------------------------------------------------------------------------

def fail_each_call(box, role, number):
    """Lets each call of one process fail once with that errno.  What cannot fail for real, or must
    not be skipped to be honest, fails after it has been made."""
    start = Start(box, user=None if role == "launcher" else "nobody")  # look-ups are other people's code
    names = start.calls()[role]
    first = own_calls(names) if role == "launcher" else 0
    for index in range(first, len(names)):
        if names[index] in NEVER_FAIL:
            continue

        def fail(call):
            if call.role == role and call.index == index and call.done == (call.name == "close"):
                return number
        with box.about(linux.errno_name(number), "for call", index, names[index]):
            result, _ = start.trace(fail)
            check(result.code in OWN_CODES, "an exit code of ours;", result)
            if result.code != 0:
                box.message(result)
            start.judge(result)
        start.forget()


@rows("NTF-13", "SEQ-5", "SEQ-7", needs="ptrace", seconds=90)
def each_call_of_the_launchers_may_fail(box):
    for number in (errno.ENOMEM, errno.EPERM, errno.EIO):
        fail_each_call(box, "launcher", number)


@rows("NTF-13", "SEQ-6", "SEQ-7", needs="ptrace", seconds=90)
def each_call_of_the_session_leaders_may_fail(box):
    for number in (errno.ENOMEM, errno.EPERM, errno.EIO, errno.EAGAIN):
        fail_each_call(box, "leader", number)


@rows("NTF-13", "SEQ-6", "SEQ-7", "PID-9", needs="ptrace", seconds=90)
def each_call_of_the_daemons_may_fail_for_want_of_memory(box):
    fail_each_call(box, "daemon", errno.ENOMEM)


@rows("NTF-13", "SEQ-6", "SEQ-14", needs="ptrace", seconds=90)
def each_call_of_the_daemons_may_be_forbidden(box):
    fail_each_call(box, "daemon", errno.EPERM)


@rows("NTF-13", "SEQ-6", "SEQ-7", needs="ptrace", seconds=90)
def each_call_of_the_daemons_may_fail_on_a_broken_disk(box):
    fail_each_call(box, "daemon", errno.EIO)


def calls_of(box, argv, role, **how):
    """The names of the calls that one process of an undisturbed run makes."""
    names = []
    box.trace(argv, lambda call: names.append(call.name) if call.role == role and not call.done else None, **how)
    return names


@rows("SEQ-4", "PID-9", "STD-6", "NTF-13", needs="ptrace", seconds=90)
def in_the_foreground_each_call_may_fail(box):
    """The failure is returned with nothing of ours left, or the program runs in our place."""
    pidfile, log = box.path("pid"), box.path("log")
    argv = [box.command, "-f", "-p", pidfile, "-o", log, "--", "/bin/sh", "-c", f"exec cat {pidfile}"]
    write(pidfile, ""), write(log, "")
    names = calls_of(box, argv, "launcher")
    last = names.index("execve")
    for number in (errno.ENOMEM, errno.EPERM, errno.EIO):
        for index in range(names.index("flock") - 12, last + 1):
            def fail(call):
                if call.role == "launcher" and call.index == index and call.done == (call.name == "close"):
                    return number
            if names[index] in NEVER_FAIL:
                continue
            for path in (pidfile, log):
                write(path, "")
            with box.about(linux.errno_name(number), "for call", index, names[index]):
                result, _ = box.trace(argv, fail)
                if result.code == 0:
                    equal((text(log), text(pidfile)), (f"{result.pid}\n", f"{result.pid}\n"), "output and pidfile;")
                else:
                    check(result.code in OWN_CODES, result)
                    box.message(result)
                    box.nothing_left(pidfile)
            for path in (pidfile, log):
                if os.path.exists(path):
                    os.unlink(path)


@rows("NTF-1", "NTF-13", "PID-7", "PID-9", needs="ptrace", seconds=90)
def an_applications_daemon_killed_before_ready_never_counts_as_started(box):
    """And one that is killed after it was ready leaves a launcher that succeeded."""
    pidfile = box.path("pid")
    argv = [box.app_path, f"pidfile={pidfile}", *(["user=nobody"] if box.root else []), "--",
            *(["drop"] if box.root else []), "notify", "return"]
    names = calls_of(box, argv, "daemon")
    wait_until(lambda: not box.living(), "its end")
    if os.path.exists(pidfile):
        os.unlink(pidfile)
    told = max(i for i, name in enumerate(names) if name in ("write", "sendto", "sendmsg"))
    for index in range(len(names)):
        if names[index - 1:index + 2] == 3 * ["close"]:
            continue  # amid the hundreds of step 13 where close_range is absent
        def kill(call):
            if call.role == "daemon" and call.index == index and not call.done:
                os.kill(call.pid, signal.SIGKILL)
        with box.about("killed at call", index, names[index]):
            result, _ = box.trace(argv, kill)
            equal(result.code == 0, index > told, "exit 0;", result)
            if index <= told:
                equal(result.code, ERR["ERR-13"], result)
                box.nothing_left(pidfile)
        wait_until(lambda: not box.living(), "its end")
        if os.path.exists(pidfile):
            os.unlink(pidfile)


# --- hostile surroundings -----------------------------------------------------------------------------------

@rows("NTF-13", "ERR-7", "PID-9", needs=("root", "mounts"))
def on_a_full_disk_a_start_fails_and_leaves_nothing(box):
    linux.private_mounts()
    place = box.folder_in("small")
    linux.mount("tmpfs", place, "tmpfs", data="size=8k,mode=755")
    old = write(f"{place}/old.pid", "")
    with open(f"{place}/filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass
    for path in (f"{place}/new.pid", old):
        with box.about(path):
            result = box.daemonize("-p", path)
            box.refused(result, "ERR-7", path, "no space left")
            box.nothing_left(path)


@rows("CFG-6", "NTF-13", needs=("root", "mounts"))
def on_a_read_only_disk_a_start_is_refused(box):
    linux.private_mounts()
    place = box.folder_in("place")
    linux.mount("tmpfs", place, "tmpfs", flags=1, data="size=8k")  # MS_RDONLY
    for option in ("-p", "-l", "-o"):
        with box.about(option):
            result = box.daemonize(option, f"{place}/file")
            check(result.code in (ERR["ERR-1"], ERR["ERR-7"]), result)
            box.message(result, f"{place}/file")


@rows("NTF-13", "STD-5", "SEQ-9")
def with_hardly_any_descriptors_allowed_it_is_one_or_the_other(box):
    pidfile, worked = box.path("pid"), []
    for limit in range(3, 16):
        with box.about("limit", limit):
            result = box.daemonize("-p", pidfile, "-o", box.path("log"), program=["/bin/sleep", "60"],
                                   limits={resource.RLIMIT_NOFILE: (limit, limit)})
            box.judge(result, pidfile)
            worked.append(result.code == 0)
    check(worked[-1], "with 15 it works")


@rows("CFG-2", "CLI-3", "NTF-13")
def an_empty_environment_is_enough(box):
    with box.running("-p", box.path("pid"), "-E", "A=B", env=[]) as daemon:
        equal(environ_of(daemon.pid), [b"A=B"])


@rows("NTF-13", "CLI-12", "ERR-7")
def a_size_limit_of_nothing_is_an_error_and_no_death(box):
    limit = {resource.RLIMIT_FSIZE: (0, 0)}
    pidfile = box.path("pid")
    reading, writing = os.pipe()
    result = box.daemonize("-p", pidfile, limits=limit, stderr=writing)
    equal(result.code, ERR["ERR-7"], result)
    check(os.read(reading, 1000).startswith(b"daemonize: "), "the message")
    box.nothing_left(pidfile)
    with box.running("-l", box.path("lock"), "-o", box.path("log"), limits=limit):
        check(locked(box.path("lock")), "without a pidfile nothing is written, and it works")


@rows("SEQ-2", "SEQ-10", "NTF-13")
def a_caller_that_hangs_up_at_once_does_not_take_the_daemon_along(box):
    """A shell, leader of its process group, starts the daemon and gets the group's signals, as from a
    terminal that is closed."""
    shell = ["/bin/sh", "-c", 'trap "" HUP INT TERM; "$@"; echo $?; exec sleep 60', "sh"]
    for number in range(10):
        group = box.start([*shell, box.command, "-p", box.path("pid"), "--", *SLEEP], before=os.setsid)
        wait_until(lambda: group.text(), "the launcher to end")
        for name in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            os.killpg(group.pid, name)
        equal(group.text(), b"0\n", f"round {number};")
        daemon = int(text(box.path("pid")))
        check(alive(daemon), "the daemon was taken along")
        box.stop(daemon, signal.SIGKILL), box.stop(group.pid, signal.SIGKILL)


@rows("NTF-13", "SEQ-10", seconds=60)
def signals_to_the_whole_family_leave_one_or_the_other(box):
    start, dice = Start(box), random.Random(2)
    for number in range(60):
        launch = box.start(start.argv, before=os.setsid)
        time.sleep(dice.random() * 0.006)
        victims = family(box, launch)
        for pid in victims:
            strike(pid, dice.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT]),
                   lambda pid=pid: pid in family(box, launch))
        with box.about("round", number):
            start.judge_or_wait(launch.wait(), victims)
        start.forget()


@rows("PID-2", "PID-9", "NTF-13")
def failing_and_working_starts_at_once_do_not_disturb_each_other(box):
    pidfile = box.path("pid")
    with box.running("-p", pidfile) as daemon:
        launches = [box.start([box.command, "-p", pidfile, *options, "--", *program]) for _ in range(8)
                    for options, program in (([], SLEEP), (["-o", box.folder], SLEEP), ([], ["no-such-program"]))]
        equal({launch.wait(20).code for launch in launches}, {ERR["ERR-4"]})
        equal((text(pidfile), box.adopted()), (f"{daemon.pid}\n", [daemon.pid]))
