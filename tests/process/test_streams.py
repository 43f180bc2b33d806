"""test_streams.py - STD: standard streams, inherited descriptors, signals."""

import errno
import os
import resource
import signal

from harness import (SLEEP, Skip, check, equal, fd_flags, fds_of, read, rows, settles, signals_of, stat_of, text,
                     wait_until, write)

EVERY_SIGNAL = [number for number in range(1, 65) if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33)]


def saying(out, err=""):
    """A program that writes a line to each stream and stays."""
    return ["/bin/sh", "-c", f"echo {out}; [ -z '{err}' ] || echo {err} >&2; exec sleep 60"]


def many_descriptors(box, count):
    """That many inherited descriptors, or a skip where the system does not allow them."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < count + 100:
        raise Skip(f"no more than {hard} descriptors allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, hard))

    def open_them():
        for _ in range(count):
            os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
    return open_them


# --- STD-1 to STD-4: files --------------------------------------------------------------------------

@rows("STD-1")
def stdin_is_the_null_device_in_every_mode(box):
    secret = box.file("stdin", "secret")
    with box.running(stdin=secret) as daemon:
        equal(fds_of(daemon.pid), {0: "/dev/null", 1: "/dev/null", 2: "/dev/null"})
    with box.foreground([box.command, "-f", "--", *SLEEP], lambda: True, stdin=secret) as launch:
        wait_until(lambda: b"sleep" in read(f"/proc/{launch.pid}/comm"), "exec")
        equal(fds_of(launch.pid)[0], "/dev/null", "stdin in the foreground;")


@rows("STD-2", "CLI-1")
def output_goes_to_the_files_that_are_named(box):
    out, err = box.file("out", "old\n"), box.path("err")
    with box.running("-o", out, "-e", err, "-m", "026", program=saying("to-out", "to-err")) as daemon:
        settles(lambda: (text(out), text(err)), ("to-out\n", "to-err\n"), "the files;")
        equal(os.stat(err).st_mode & 0o7777, 0o640, "the mode of a new file;")
        for fd in (1, 2):
            equal(fd_flags(daemon.pid, fd) & os.O_ACCMODE, os.O_WRONLY, "how it is open;")


@rows("STD-2", "CLI-1")
def appending_keeps_what_was_there(box):
    out, err = box.file("out", "old\n"), box.file("err", "old\n")
    with box.running("-a", "-o", out, "-e", err, program=saying("new", "new")) as daemon:
        settles(lambda: (text(out), text(err)), ("old\nnew\n", "old\nnew\n"), "the files;")
        check(fd_flags(daemon.pid, 1) & fd_flags(daemon.pid, 2) & os.O_APPEND, "open for appending")
        with open(out, "a") as other:
            other.write("another's\n")
        equal(text(out), "old\nnew\nanother's\n")


@rows("STD-2")
def a_log_is_cut_in_place(box):
    out = box.file("out", "old " * 1000, 0o600)
    before = os.stat(out)
    with box.running("-o", out):
        now = os.stat(out)
        equal((now.st_ino, now.st_mode, now.st_size), (before.st_ino, before.st_mode, 0))


@rows("STD-2", needs="root")
def a_log_of_the_users_own_is_opened_without_creating(box):
    """As a system with fs.protected_regular has it: in a sticky folder O_CREAT on another user's file is
    refused, even to root, unless O_EXCL has said EEXIST before.  Here every open is that says O_CREAT alone."""
    log = box.file("log", "old\n")
    os.chown(log, 65534, 65534)
    with box.running("-u", "nobody", "-a", "-o", log, "-e", log, creating=errno.EACCES, program=saying("new")):
        settles(lambda: text(log), "old\nnew\n", "the log;")


@rows("STD-2", needs="root")
def a_log_in_a_sticky_folder_of_a_protected_system_works(box):
    if text("/proc/sys/fs/protected_regular").strip() == "0":
        raise Skip("fs.protected_regular is 0 on this system")
    place = box.folder_in("sticky", 0o1777)
    log = write(f"{place}/log", "old\n")
    os.chown(log, 65534, 65534)
    with box.running("-u", "nobody", "-a", "-o", log, "-e", log, program=saying("new")):
        settles(lambda: text(log), "old\nnew\n", "the log;")


@rows("STD-3", "CLI-2")
def two_spellings_of_one_file_share_one_offset(box):
    os.symlink(box.folder, box.path("link"))
    path = box.path("log")
    program = ["/bin/sh", "-c", "echo one; echo two >&2; echo three; exec sleep 60"]
    for other in (path, box.path("link/log"), f"{box.folder}/.//log"):
        with box.about(other), box.running("-o", path, "-e", other, program=program) as daemon:
            settles(lambda: text(path), "one\ntwo\nthree\n", "the log;")
            shared = [text(f"/proc/{daemon.pid}/fdinfo/{fd}").splitlines()[0] for fd in (1, 2)]
            equal(shared, ["pos:\t14"] * 2, "the offsets;")
        os.unlink(path)


@rows("STD-3")
def two_hard_links_are_one_file_too(box):
    path, other = box.file("log"), box.path("other")
    os.link(path, other)
    with box.running("-o", path, "-e", other, program=["/bin/sh", "-c", "echo 1; echo 2 >&2; echo 3; exec sleep 60"]):
        settles(lambda: text(path), "1\n2\n3\n", "the log;")


@rows("STD-4", "ERR-7")
def a_fifo_that_nobody_reads_is_an_error_at_once(box):
    path = box.path("fifo")
    os.mkfifo(path)
    for mode in ([], ["-f"]):
        with box.about(mode):
            box.refused(box.daemonize(*mode, "-o", path, seconds=5), "ERR-7", path)


@rows("STD-4")
def a_fifo_with_a_reader_works_and_blocks_as_usual(box):
    path = box.path("fifo")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with box.running("-o", path, "-e", "/dev/null", program=saying("through")) as daemon:
        equal(wait_until(lambda: os.read(reader, 100), "what the program writes"), b"through\n")
        equal(fd_flags(daemon.pid, 1) & os.O_NONBLOCK, 0, "O_NONBLOCK of the program's stdout;")
    os.close(reader)


@rows("STD-4", "STD-2")
def no_log_is_left_non_blocking(box):
    out = box.path("out")
    with box.running("-o", out) as daemon:
        for fd in (0, 1, 2):
            equal(fd_flags(daemon.pid, fd) & os.O_NONBLOCK, 0, f"O_NONBLOCK of descriptor {fd};")


@rows("STD-4", "SEQ-2")
def a_terminal_as_log_does_not_become_the_controlling_one(box):
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    keep = os.open(name, os.O_RDWR | os.O_NOCTTY)
    argv = [box.command, "-f", "-o", name, "-e", name, "--", *SLEEP]  # a session leader, no terminal so far
    with box.foreground(argv, lambda: True, before=os.setsid) as launch:
        settles(lambda: fds_of(launch.pid).get(1), name, "stdout;")
        wait_until(lambda: b"sleep" in read(f"/proc/{launch.pid}/comm"), "exec")
        now = stat_of(launch.pid)
        equal((now["session"], now["tty"]), (launch.pid, 0), "session, controlling terminal;")
    os.close(master), os.close(keep)


# --- STD-5: inherited descriptors -------------------------------------------------------------------

@rows("STD-5", "CLI-5", "PID-6")
def the_program_has_its_streams_and_the_lock_and_nothing_else(box):
    pidfile, lock = box.path("pid"), box.path("lock")
    for options in (["-p", pidfile], ["-p", pidfile, "-l", lock], ["-p", pidfile, "-o", box.path("out")]):
        with box.about(options), box.running(*options, fds={3: 0, 17: 0, 255: 0}) as daemon:
            others = {fd: target for fd, target in fds_of(daemon.pid).items() if fd > 2}
            equal(list(others.values()), [lock if "-l" in options else pidfile], "above the streams;")


@rows("STD-5", "CLI-1")
def closing_can_be_turned_off(box):
    with box.running("--no-close-fds", fds={7: 0, 9: 0}) as daemon:
        equal([fd for fd in fds_of(daemon.pid) if fd > 2], [7, 9])
    with box.running_app("flag=keep-all-fds", "--", "notify", "pause", fds={7: 0}) as daemon:
        settles(lambda: [fd for fd in fds_of(daemon.pid) if fd > 2], [7], "descriptors;")


@rows("STD-5", "SEQ-9")
def ten_thousand_descriptors_are_closed(box):
    before = many_descriptors(box, 10_000)
    with box.running("-p", box.path("pid"), before=before) as daemon:
        equal(len(fds_of(daemon.pid)), 4)
    with box.running("-p", box.path("pid"), before=before, deny={"close_range": errno.ENOSYS}) as daemon:
        equal(len(fds_of(daemon.pid)), 4)


@rows("STD-5")
def descriptors_above_a_lowered_limit_are_closed_too(box):
    limit = {resource.RLIMIT_NOFILE: (20, 20)}

    def lower():
        for number in (19, 200, 290):
            os.dup2(0, number, inheritable=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, limit[resource.RLIMIT_NOFILE])
    for deny in ({}, {"close_range": errno.ENOSYS}):
        with box.about(deny), box.running(before=lower, deny=deny) as daemon:
            equal(sorted(fds_of(daemon.pid)), [0, 1, 2])


@rows("STD-5", needs="ptrace")
def the_cost_does_not_grow_with_the_limit(box):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    calls = {}
    for deny in ({}, {"close_range": errno.ENOSYS}):
        for limit in (256, min(hard, 1 << 20) if hard != resource.RLIM_INFINITY else 1 << 20):
            seen = []
            result, _ = box.trace([box.command, "--", *SLEEP], seen.append, deny=deny, fds={99: 0},
                                  limits={resource.RLIMIT_NOFILE: (limit, hard)})
            equal(result.code, 0, result)
            box.stop(box.the_daemon())
            calls.setdefault(len(deny), []).append(len(seen))
    for few, many in calls.values():
        check(abs(many - few) < 50, "system calls with a small and with a large limit:", calls)


@rows("STD-5", "CFG-14")
def kept_descriptors_survive_among_many(box):
    deny = {"close_range": errno.ENOSYS}
    kept = {number: 0 for number in (3, 4, 5, 100, 101, 254, 255)}
    for how in ({}, {"deny": deny}):
        with box.about(how):
            options = [f"--keep-fd={number}" for number in (101, 4, 255, 3)]
            with box.running("-p", box.path("pid"), *options, fds=kept, **how) as daemon:
                found = fds_of(daemon.pid)
                equal(sorted(fd for fd, target in found.items() if target != box.path("pid")),
                      [0, 1, 2, 3, 4, 101, 255])
                check(box.path("pid") in found.values(), "the lock is among", found)


# --- STD-6: signals ---------------------------------------------------------------------------------

@rows("STD-6", "SEQ-10")
def whatever_was_ignored_or_blocked_the_program_starts_clean(box):
    with box.running(ignore=EVERY_SIGNAL, block=EVERY_SIGNAL) as daemon:
        for which in ("SigIgn", "SigBlk", "SigCgt"):
            equal(signals_of(daemon.pid, which), set(), f"{which};")
    box.refused(box.daemonize("-o", box.folder, ignore=EVERY_SIGNAL, block=EVERY_SIGNAL), "ERR-7")


@rows("STD-6")
def the_library_leaves_an_ignored_sigpipe_ignored(box):
    handlers = [f"handler={int(number)}:{box.path('trail')}" for number in (signal.SIGUSR1, signal.SIGTERM)]
    for mode in ([], ["flag=foreground"]):
        for ignore, expected in ((EVERY_SIGNAL, {signal.SIGPIPE}), ([], set())):
            with box.about(mode, "ignored before", len(ignore)):
                go = box.path("go")
                argv = [box.app_path, *mode, *handlers, "--", f"dump={go}", "notify", "pause"]
                launch = box.start(argv, ignore=ignore, block=EVERY_SIGNAL)
                box.read_when_there(go)
                pid = launch.pid if mode else wait_until(box.adopted, "the daemon")[0]
                equal([signals_of(pid, which) for which in ("SigIgn", "SigBlk", "SigCgt")], [expected, set(), set()])
                box.stop(pid, signal.SIGKILL)
                os.unlink(go)


@rows("STD-6", "CLI-11")
def sigpipe_is_default_for_the_program(box):
    with box.running(ignore=[signal.SIGPIPE]) as daemon:
        equal(signals_of(daemon.pid, "SigIgn"), set())


@rows("STD-1", "STD-2", "SEQ-4")
def in_the_foreground_configured_files_are_used(box):
    out, err = box.path("out"), box.path("err")
    argv = [box.command, "-f", "-o", out, "-e", err, "--", *saying("o", "e")]
    with box.foreground(argv, lambda: os.path.exists(err) and read(err)) as launch:
        equal((text(out), text(err)), ("o\n", "e\n"))
        equal(sorted(fds_of(launch.pid)), [0, 1, 2])
