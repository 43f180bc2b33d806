"""test_pidfile.py - PID: the file with the pid, and the lock on it."""

import errno
import fcntl
import os
import re
import signal

import linux
from harness import (ERR, NOBODY, SLEEP, check, children_of, descendants_of, equal, fd_flags, fds_of, ids_of,
                     locked, read, rows, settles, signals_of, snapshot, text, wait_until, write)
from tracer import NAMING

TERM = int(signal.SIGTERM)


def inode(path):
    return os.stat(path).st_ino


# --- PID-1 to PID-4: content and lock ---------------------------------------------------------------

@rows("PID-1", "SEQ-1")
def the_pidfile_holds_the_daemons_pid_and_a_newline(box):
    path = box.path("pid")
    with box.running("-p", path) as daemon:
        equal(read(path), b"%d\n" % daemon.pid)
        equal(os.stat(path).st_mode & 0o7777, 0o644)
    with box.running("-p", box.path("other"), "-m", "077"):
        equal(os.stat(box.path("other")).st_mode & 0o7777, 0o600)
    with box.running("-l", box.path("lock"), "-m", "026"):
        equal(os.stat(box.path("lock")).st_mode & 0o7777, 0o640)


@rows("PID-2", "ERR-4")
def a_second_instance_is_refused(box):
    path = box.path("pid")
    with box.running("-p", path) as daemon:
        before = snapshot(box.folder)
        box.refused(box.daemonize("-p", path), "ERR-4", path, str(daemon.pid))
        box.refused(box.app(f"pidfile={path}", "--", "notify"), "ERR-4", path, str(daemon.pid), name="app")
        box.refused(box.daemonize("-f", "-p", path), "ERR-4", path, str(daemon.pid))
        equal(snapshot(box.folder), before)
        equal(box.adopted(), [daemon.pid])


@rows("PID-2")
def a_pid_is_named_only_where_the_file_reads_as_one(box):
    path = box.file("pid", "not a number\x1b[31m\n")
    with open(path) as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        result = box.daemonize("-p", path)
        box.refused(result, "ERR-4", path)
        check("not a number" not in result.err and "\x1b" not in result.err, "the file's text in", result.err)
        write(path, "")
        box.refused(box.daemonize("-p", path), "ERR-4", path)
    equal(text(path), "")


@rows("PID-2", "ERR-7", needs="ptrace")
def any_other_failure_of_the_lock_is_another_error(box):
    for option, number in (("-p", errno.ENOLCK), ("-l", errno.ENOLCK), ("-p", errno.EIO)):
        def fail(call):
            if call.name == "flock" and not call.done:
                return number
        with box.about(option, linux.errno_name(number)):
            result, _ = box.trace([box.command, option, box.path("file"), "--", *SLEEP], fail)
            box.refused(result, "ERR-7", box.path("file"))


@rows("PID-3", "PID-1")
def what_was_in_the_pidfile_before_is_gone(box):
    for old in ("99999999999999999999\n12345\n", "1", "", "\n\n\n", "x" * 10000):
        path = box.file("pid", old)
        with box.about(repr(old[:30])), box.running("-p", path) as daemon:
            equal(read(path), b"%d\n" % daemon.pid)


@rows("PID-3", needs="ptrace")
def who_reads_the_pidfile_meanwhile_sees_one_number(box):
    """The file is read at every system call of the daemon, from start to start."""
    path, seen = box.file("pid", "4194304\n"), set()

    def look(call):
        if call.role == "daemon":
            seen.add(read(path))
    result, watcher = box.trace([box.command, "-p", path, "--", *SLEEP], look)
    box.stop(box.the_daemon())
    expected = b"%d\n" % watcher.pids["daemon"]
    strange = {content for content in seen if not re.fullmatch(rb"\d+\n+", content)}
    equal(strange, set(), "contents that are not one number;")
    equal({int(content) for content in seen}, {4194304, int(expected)})


def watch_for_strange_content(path, stop, report):
    """Reads the pidfile as fast as it can.  A kernel may tear a single read that meets a write, so what
    is strange must be so twice."""
    bad = set()
    fd = os.open(path, os.O_RDONLY)
    while not os.path.exists(stop):
        for _ in range(500):
            content = os.pread(fd, 100, 0)
            if not re.fullmatch(rb"\d+\n+", content) and os.pread(fd, 100, 0) == content:
                bad.add(content)
    write(report, repr(bad))


@rows("PID-3", "PID-1", seconds=60)
def a_reader_never_sees_two_numbers_or_emptiness_in_200_restarts(box):
    path, stop, report = box.file("pid", "99999999\n"), box.path("stop"), box.path("report")
    reader = os.fork()
    if reader == 0:
        watch_for_strange_content(path, stop, report)
        os._exit(0)
    box.launches.append(reader)
    for _ in range(200):
        with box.running("-p", path) as daemon:
            equal(read(path), b"%d\n" % daemon.pid)
    write(stop, "")
    box.wait_gone(reader)
    equal(text(report), "set()", "what the reader saw;")


@rows("PID-4", "PID-2", needs="ptrace")
def a_pidfile_replaced_between_opening_and_locking_is_noticed(box):
    path, other = box.path("pid"), box.path("other")

    def plant_once(call):
        if call.role == "daemon" and call.name == "flock" and call.done and not os.path.exists(other):
            os.rename(path, other)
            write(path, "")
    result, _ = box.trace([box.command, "-p", path, "--", *SLEEP], plant_once)
    equal(result.code, 0, result)
    equal((locked(path), locked(other)), (True, False), "locked: the file by that name, the one renamed;")
    equal((text(path), text(other)), (f"{box.the_daemon()}\n", ""))
    box.stop(box.the_daemon())


@rows("PID-4", "PID-2", needs="ptrace")
def a_pidfile_removed_between_opening_and_locking_is_made_anew(box):
    for option in ("-p", "-l"):
        path, done = box.path("file" + option), []

        def remove_once(call):
            if call.role == "daemon" and call.name == "flock" and call.done and not done:
                done.append(os.unlink(path))
        with box.about(option):
            result, _ = box.trace([box.command, option, path, "--", *SLEEP], remove_once)
            equal((result.code, locked(path)), (0, True), result)
            box.stop(box.the_daemon())


@rows("PID-4", "ERR-7", needs="ptrace")
def a_pidfile_that_is_replaced_again_and_again_is_an_error(box):
    path, times = box.path("pid"), []

    def remove(call):
        if call.role == "daemon" and call.name == "flock" and call.done and os.path.exists(path):
            times.append(os.unlink(path))
    result, _ = box.trace([box.command, "-p", path, "--", *SLEEP], remove)
    box.refused(result, "ERR-7", path)
    check(len(times) > 1, "it tried once only")
    box.nothing_left(path)


@rows("PID-2", "PID-4", "PID-9")
def of_50_launches_at_once_one_wins(box):
    path = box.path("pid")
    launches = [box.start([box.command, "-p", path, "--", *SLEEP]) for _ in range(50)]
    codes = sorted(launch.wait(20).code for launch in launches)
    equal(codes, [0] + 49 * [ERR["ERR-4"]])
    equal((text(path), locked(path)), (f"{box.the_daemon()}\n", True))
    box.stop(box.the_daemon())


@rows("PID-4", "CFG-6", needs="ptrace")
def files_that_vanish_or_appear_while_a_start_looks_at_them_are_no_error(box):
    """Another daemon's closing removes its pidfile, and logs are rotated, at any moment."""
    path = box.path("file")
    for option in ("-p", "-l", "-o"):
        for there in (True, False):
            for when in range(8):
                looks = []

                def change(call):
                    if call.role == "launcher" and call.done and call.name in NAMING and call.path() == path:
                        looks.append(call)
                        if len(looks) == when + 1:
                            os.unlink(path) if there else write(path, "")
                if there:
                    write(path, "")
                with box.about(option, "vanishes" if there else "appears", "after look", when):
                    result, _ = box.trace([box.command, option, path, "--", *SLEEP], change)
                    equal(result.code, 0, result)
                    box.stop(box.the_daemon(), signal.SIGKILL)
                if os.path.exists(path):
                    os.unlink(path)
                if len(looks) <= when:
                    break


@rows("PID-4", "PID-7", "PID-2", seconds=60)
def daemons_that_remove_their_pidfile_never_run_side_by_side(box):
    """Each start may open a pidfile that the one before removes on closing."""
    path, inside, errors = box.path("pid"), box.path("inside"), box.path("errors")
    words = [f"pidfile={path}", f"errors={errors}", "--", f"enter={inside}", "notify", f"leave={inside}", "close"]
    started = 0
    for _ in range(25):
        launches = [box.start([box.app_path, *words]) for _ in range(12)]
        results = [launch.wait(20) for launch in launches]
        equal([result for result in results if result.code not in (0, ERR["ERR-4"])], [], "strange ends;")
        started += [result.code for result in results].count(0)
    check(started >= 25, "starts that worked:", started)
    wait_until(lambda: not box.living(), "the last ones to end")
    check(not os.path.exists(errors), "two at once:", os.path.exists(errors) and text(errors)[:200])
    check(not os.path.exists(path), "the pidfile was left")


# --- PID-5: other things in its place -----------------------------------------------------------------

def planted(box, kind, path):
    """Puts something else than a plain file where a pidfile shall be; gives the content to keep."""
    victim = box.file(f"victim-{kind}", "victim's content\n")
    if kind == "symbolic link":
        os.symlink(victim, path)
    elif kind == "dangling link":
        os.symlink(box.path("nowhere"), path)
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "hard link":
        os.link(victim, path)
    elif kind == "directory":
        os.mkdir(path)
    elif kind == "device":
        if not box.root:
            return False
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 3))
    return True


KINDS = ("symbolic link", "dangling link", "FIFO", "hard link", "directory", "device")


@rows("PID-5", "CFG-5", "ERR-1")
def what_is_no_plain_file_is_refused_at_once_and_left_as_it_is(box):
    for option in ("-p", "-l"):
        for kind in KINDS:
            path = box.path(f"{kind}{option}")
            if planted(box, kind, path):
                before = snapshot(box.folder)
                for mode in ([], ["-f"]):
                    with box.about(option, kind, mode):
                        box.refused(box.daemonize(*mode, option, path, seconds=5), "ERR-1", path)
                        equal(snapshot(box.folder), before)


@rows("PID-5", "ERR-7", needs="ptrace")
def what_is_planted_later_is_refused_too(box):
    for option in ("-p", "-l"):
        for kind in KINDS:
            path, done = box.path(f"{kind}{option}"), []

            def plant(call):
                if call.role == "leader" and call.name == "setsid" and not call.done:
                    done.append(planted(box, kind, path))
                    done.append(snapshot(box.folder))
                if done and call.done and call.name in ("open", "openat") and call.result >= 0:
                    check("victim" not in fds_of(call.pid).get(call.result, ""), "the link was followed")
            with box.about(option, kind):
                result, _ = box.trace([box.command, option, path, "--", *SLEEP], plant)
                if done[0]:
                    box.refused(result, "ERR-7", path)
                    equal(snapshot(box.folder), done[1])
                else:
                    box.clear()


@rows("PID-5", needs=("root", "ptrace"))
def a_terminal_or_tape_in_its_place_is_not_even_opened(box):
    """Opening a device can block, rewind or hang up: here it would be seen."""
    path, opened = box.path("pid"), []

    def plant(call):
        if call.role == "leader" and call.name == "setsid" and not call.done:
            os.mknod(path, 0o600 | 0o020000, os.makedev(1, 7))  # /dev/full
        if call.done and call.name in ("write", "pwrite64", "ftruncate") and call.role == "daemon":
            opened.append(fds_of(call.pid).get(call.arguments[0]))
    result, _ = box.trace([box.command, "-p", path, "--", *SLEEP], plant)
    box.refused(result, "ERR-7", path)
    check(path not in opened, "it was written to")


@rows("PID-5")
def directories_on_the_way_may_be_links(box):
    os.symlink(box.folder_in("real"), box.path("link"))
    path = box.path("link/pid")
    with box.running("-p", path) as daemon:
        equal((text(box.path("real/pid")), locked(path)), (f"{daemon.pid}\n", True))


# --- PID-6: how long the lock lasts ---------------------------------------------------------------------

@rows("PID-6", "CLI-5")
def the_lock_lasts_as_long_as_the_program(box):
    path = box.path("pid")
    with box.running("-p", path, program=["/bin/sh", "-c", "sleep 60 & wait"]) as daemon:
        check(locked(path), "it is locked")
        worker = wait_until(lambda: children_of(daemon.pid), "a child of the program's")[0]
        box.stop(daemon.pid, signal.SIGKILL)
        check(locked(path), "the program's child holds the lock on")
        box.stop(worker)
        check(not locked(path), "the lock is free")
    with box.running("-p", path):
        pass


@rows("PID-6")
def the_lock_is_released_by_closing_but_not_under_a_worker(box):
    path, go = box.path("pid"), box.path("go")
    words = [f"pidfile={path}", "flag=keep-pidfile", "--", "fork-worker", "notify", f"wait-for={go}", "close",
             "pause"]
    with box.running_app(*words) as daemon:
        write(go, "")
        wait_until(lambda: len(fds_of(daemon.pid)) == 3, "the context to be closed")
        check(locked(path), "the worker holds the lock on")
        box.stop(descendants_of(daemon.pid)[0], signal.SIGKILL)
        wait_until(lambda: not locked(path), "the lock to be free")


@rows("PID-6")
def the_librarys_lock_is_close_on_exec_and_may_be_kept(box):
    path = box.path("pid")
    for action, holds in (("sleep=1", False), ("inherit-lock", True)):
        with box.about(action):
            words = [f"pidfile={path}", "--", action, "announce", "exec=/bin/sleep:60"]
            with box.running_app(*words):
                settles(lambda: locked(path), holds, "the lock after exec;")


@rows("PID-6", "CLI-5")
def the_programs_lock_is_an_ordinary_inherited_descriptor(box):
    path = box.path("pid")
    with box.running("-p", path) as daemon:
        held = [fd for fd, target in fds_of(daemon.pid).items() if target == path]
        equal(len(held), 1, "descriptors of the pidfile;")
        flags = fd_flags(daemon.pid, held[0])
        equal((flags & os.O_CLOEXEC, flags & os.O_ACCMODE), (0, os.O_RDONLY), "close-on-exec, mode of opening;")


# --- PID-7, PID-8: removal --------------------------------------------------------------------------------

@rows("PID-7")
def closing_and_cleaning_up_remove_the_pidfile(box):
    for mode in ([], ["flag=foreground"]):
        for actions in (["close"], ["cleanup"], ["cleanup", "cleanup", "close"]):
            with box.about(mode, actions):
                path, done = box.path("pid"), box.path("done")
                lock = box.file("lock", "notes")
                words = [*mode, f"pidfile={path}", f"lockfile={lock}", "--", "notify", *actions, f"dump={done}"]
                equal(box.app(*words).code, 0)
                wait_until(lambda: os.path.exists(done), "the end")
                check(not os.path.exists(path), "the pidfile is still there")
                equal(text(lock), "notes", "the lockfile stays;")
            box.clear(), os.unlink(done)


@rows("PID-7", "CFG-1")
def the_pidfile_may_be_kept(box):
    for extra, action in ((["flag=keep-pidfile"], "sleep=1"), ([], "keep-pidfile")):
        for ending in ("close", "cleanup"):
            with box.about(extra, action, ending):
                path, done = box.path("pid"), box.path("done")
                words = [f"pidfile={path}", *extra, "--", "notify", action, ending, f"dump={done}", "pause"]
                with box.running_app(*words) as daemon:
                    box.read_when_there(done)
                    equal(text(path), f"{daemon.pid}\n")
            os.unlink(done)


@rows("PID-7")
def a_pidfile_that_is_no_longer_ours_is_left_alone(box):
    path, go, done = box.path("pid"), box.path("go"), box.path("done")
    for what in ("replaced", "rewritten"):
        with box.about(what):
            words = [f"pidfile={path}", "--", "notify", f"wait-for={go}", "close", f"dump={done}", "pause"]
            with box.running_app(*words):
                if what == "replaced":
                    os.rename(path, box.path("away"))
                write(path, "1\n")
                write(go, "")
                box.read_when_there(done)
                equal(text(path), "1\n")
            os.unlink(path), os.unlink(go), os.unlink(done)


@rows("PID-7", needs="ptrace")
def the_pidfile_is_removed_before_the_lock_is_released(box):
    path, order = box.path("pid"), []

    def watch(call):
        if call.role == "launcher" and call.done and call.name in ("unlink", "unlinkat") and call.path() == path:
            order.append(("removed", locked(path) if os.path.exists(path) else held_by(call.pid)))

    def held_by(pid):
        return any(target.startswith(path) for target in fds_of(pid).values())
    words = ["flag=foreground", f"pidfile={path}", "--", "notify", "close"]
    equal(box.trace([box.app_path, *words], watch)[0].code, 0)
    equal(order, [("removed", True)], "removed while the lock was held;")


@rows("PID-7", "PRV-1", needs="root")
def a_pidfile_that_may_not_be_removed_is_emptied(box):
    path = box.path("pid")  # the folder is root's: nobody cannot remove from it
    words = [f"pidfile={path}", "user=nobody", "--", "drop", "notify", "close", "pause"]
    with box.running_app(*words):
        wait_until(lambda: read(path) == b"", "the pidfile to be emptied")
        wait_until(lambda: not locked(path), "the lock to be released")


@rows("PID-7", "CLI-5")
def the_commands_pidfile_outlives_the_program(box):
    path = box.path("pid")
    with box.running("-p", path) as daemon:
        box.stop(daemon.pid)
        equal((text(path), locked(path)), (f"{daemon.pid}\n", False))


@rows("PID-8")
def a_signal_removes_the_pidfile_and_still_ends_the_process(box):
    path = box.path("pid")
    for number in (TERM, int(signal.SIGINT), int(signal.SIGHUP), int(signal.SIGUSR1)):
        with box.about("signal", number):
            words = [f"pidfile={path}", "--", f"remove-on=15,2,1,{int(signal.SIGUSR1)}", "notify", "pause"]
            with box.running_app(*words) as daemon:
                os.kill(daemon.pid, number)
                equal(box.ended_with(daemon.pid), -number)
                check(not os.path.exists(path), "the pidfile is still there")


@rows("PID-8")
def in_a_forked_worker_the_signal_removes_nothing(box):
    path = box.path("pid")
    with box.running_app(f"pidfile={path}", "--", f"remove-on={TERM}", "notify", "fork-worker", "pause") as daemon:
        worker = wait_until(lambda: children_of(daemon.pid), "the worker")[0]
        os.kill(worker, TERM)
        wait_until(lambda: "zombie" in text(f"/proc/{worker}/status"), "the worker to end")
        equal(text(path), f"{daemon.pid}\n")


@rows("PID-8", "ERR-1")
def signals_that_cannot_be_caught_or_do_not_end_a_process_are_refused(box):
    """All or nothing: SIGTERM beside a bad one is not installed either."""
    path, errors, done = box.path("pid"), box.path("errors"), box.path("done")
    for bad in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT,
                signal.SIGTSTP, 0, -1, 1000):
        with box.about("signal", bad):
            words = [f"pidfile={path}", f"errors={errors}", "--", f"remove-on={TERM},{int(bad)}", "notify",
                     f"dump={done}", "pause"]
            with box.running_app(*words) as daemon:
                box.read_when_there(done)
                equal(text(errors).split()[2], str(ERR["ERR-1"]), text(errors))
                equal(signals_of(daemon.pid, "SigCgt") & {TERM}, set(), "handlers installed;")
            os.unlink(errors), os.unlink(done)


@rows("PID-8", "ERR-1")
def a_second_installation_is_refused(box):
    errors, done = box.path("errors"), box.path("done")
    words = [f"pidfile={box.path('pid')}", f"errors={errors}", "--", f"remove-on={TERM}", "remove-on=2", "notify",
             f"dump={done}", "pause"]
    with box.running_app(*words) as daemon:
        box.read_when_there(done)
        equal(text(errors).split()[2], str(ERR["ERR-1"]), text(errors))
        equal(signals_of(daemon.pid, "SigCgt"), {TERM})


@rows("PID-8")
def without_a_pidfile_no_handler_is_installed(box):
    with box.running_app("--", f"remove-on={TERM}", "notify", "pause") as daemon:
        check(TERM not in signals_of(daemon.pid, "SigCgt"), "a handler is installed")
        os.kill(daemon.pid, TERM)
        equal(box.ended_with(daemon.pid), -TERM)


@rows("PID-8", "PID-7")
def closing_takes_the_handlers_away(box):
    path, done = box.path("pid"), box.path("done")
    words = [f"pidfile={path}", "--", f"remove-on={TERM}", "notify", "close", f"dump={done}", "pause"]
    with box.running_app(*words) as daemon:
        box.read_when_there(done)
        write(path, f"{daemon.pid}\n")  # somebody else's by now
        os.kill(daemon.pid, TERM)
        equal(box.ended_with(daemon.pid), -TERM)
        equal(text(path), f"{daemon.pid}\n")


# --- PID-9: failed starts -----------------------------------------------------------------------------------

@rows("PID-9", "NTF-13")
def a_start_that_fails_later_removes_its_pidfile(box):
    path, lock = box.path("pid"), box.path("lock")
    for words, row in ((["-o", box.folder], "ERR-7"), (["--"], "ERR-2")):
        for mode in ([], ["-f"]):
            for extra in ([], ["-l", lock], ["--no-lock"]):
                with box.about(words, mode, extra):
                    program = ["no-such-program"] if row == "ERR-2" else SLEEP
                    options = words if row == "ERR-7" else []
                    box.refused(box.daemonize(*mode, "-p", path, *extra, *options, program=program), row)
                    check(not os.path.exists(path), "the pidfile is still there")
                    box.nothing_left(path, lock)


@rows("PID-9", "PID-7")
def a_pidfile_to_be_kept_is_removed_all_the_same_if_the_start_fails(box):
    path = box.path("pid")
    for words in ((["flag=keep-pidfile"], ["fail=42:no"]), ([], ["keep-pidfile", "fail=42:no"]),
                  (["flag=keep-pidfile", f"stdout={box.folder}"], ["notify"])):
        with box.about(words):
            check(box.app(f"pidfile={path}", *words[0], "--", *words[1]).code in (42, ERR["ERR-7"]), "it fails")
            check(not os.path.exists(path), "the pidfile is still there")


@rows("PID-9", needs="user")
def where_it_may_not_remove_its_pidfile_a_failed_start_empties_it(box):
    place = box.folder_in("place")
    path = write(f"{place}/pid", "99999\n")
    os.chmod(place, 0o555)
    box.refused(box.daemonize("-p", path, "-o", box.folder), "ERR-7")
    equal(read(path), b"")
    box.nothing_left(path)


@rows("PID-9", "PRV-1", needs="root")
def a_failure_after_the_drop_empties_the_pidfile(box):
    path = box.path("pid")
    equal(box.app(f"pidfile={path}", "user=nobody", "--", "drop", "fail=42:no").code, 42)
    equal(read(path), b"")
    box.refused(box.daemonize("-p", path, "-u", "nobody", program=["no-such-program"]), "ERR-2")
    box.nothing_left(path)


@rows("PID-9", needs="ptrace")
def the_failing_daemon_cleans_up_before_it_tells_and_under_its_lock(box):
    path, order = box.path("pid"), []

    def watch(call):
        if call.role == "daemon" and not call.done and call.name in ("write", "sendto", "sendmsg", "send"):
            target = fds_of(call.pid).get(call.arguments[0], "")
            if target.startswith(("pipe", "socket")) and call.arguments[2] > 1:
                order.append("told" if os.path.exists(path) else "told after removal")
        if call.role == "daemon" and not call.done and call.name in ("unlink", "unlinkat"):
            order.append("removed" if locked(path) else "removed without the lock")
    result, _ = box.trace([box.command, "-p", path, "-o", box.folder, "--", *SLEEP], watch)
    box.refused(result, "ERR-7")
    equal(order[0], "removed", order)
    check("told" not in order, "told before the pidfile was removed:", order)


@rows("PID-9", "NTF-13", needs="ptrace")
def after_a_killed_daemon_the_launcher_cleans_up(box):
    path = box.path("pid")

    def kill(call):
        if call.role == "daemon" and not call.done and os.path.exists(path) and read(path):
            os.kill(call.pid, signal.SIGKILL)
    result, _ = box.trace([box.command, "-p", path, "--", *SLEEP], kill)
    equal(result.code, ERR["ERR-13"], result)
    box.nothing_left(path)


@rows("PID-9", needs="ptrace")
def the_launcher_leaves_a_pidfile_that_names_another(box):
    path = box.path("pid")

    def kill(call):
        if call.role == "daemon" and not call.done and os.path.exists(path) and read(path):
            os.unlink(path)
            write(path, "1\n")
            os.kill(call.pid, signal.SIGKILL)
    result, _ = box.trace([box.command, "-p", path, "--", *SLEEP], kill)
    equal(result.code, ERR["ERR-13"], result)
    equal(text(path), "1\n")


# --- PID-10: files that others could write ---------------------------------------------------------------------

@rows("PID-10", needs="root")
def roots_pidfile_is_replaced_where_others_could_write_it(box):
    path = box.path("pid")
    for label, uid, mode in (("another owner", NOBODY.pw_uid, 0o644), ("group may write", 0, 0o664),
                             ("others may write", 0, 0o646)):
        write(path, "1\n")
        os.chmod(path, mode)
        os.chown(path, uid, 0)
        with open(path, "rb+") as old, box.about(label):
            with box.running("-p", path) as daemon:
                now = os.stat(path)
                check(now.st_ino != os.fstat(old.fileno()).st_ino, "the old file was used again")
                equal((now.st_uid, now.st_gid, now.st_mode & 0o7777), (0, 0, 0o644))
                equal((text(path), locked(path)), (f"{daemon.pid}\n", True))
            equal(old.read(), b"1\n", "the old file, that somebody may have open;")
        os.unlink(path)


@rows("PID-10", needs="root")
def roots_own_pidfile_is_used_again(box):
    path = box.file("pid", "1\n")
    before = inode(path)
    with box.running("-p", path) as daemon:
        equal((inode(path), text(path)), (before, f"{daemon.pid}\n"))


@rows("PID-10", "PID-2", needs="root")
def another_users_pidfile_that_is_locked_is_still_respected(box):
    path = box.file("pid", "1\n")
    os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    before = snapshot(box.folder)
    with open(path) as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        box.refused(box.daemonize("-p", path), "ERR-4", path)
    equal(snapshot(box.folder), before)


@rows("PID-10", "PRV-7", needs="root")
def a_pidfile_to_be_handed_over_is_used_again(box):
    path = box.file("pid", "1\n")
    os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    before = inode(path)
    with open(path):  # held open, or the number of its inode may come again
        with box.running("-p", path, "-u", "nobody", "--chown", "all") as daemon:
            equal((inode(path), text(path)), (before, f"{daemon.pid}\n"))
            equal(ids_of(daemon.pid)[0][0], NOBODY.pw_uid)
        words = ["flag=give-pidfile", "user=nobody", f"pidfile={path}", "--", "chown=all", "drop", "notify", "pause"]
        with box.running_app(*words):
            equal(inode(path), before)
        with box.running("-p", path, "-u", "nobody"):
            check(inode(path) != before, "not handed over, but used again")


@rows("PID-10", needs="user")
def an_ordinary_users_pidfile_is_used_as_it_is(box):
    path = box.file("pid", "1\n", 0o666)
    before = inode(path)
    with box.running("-p", path) as daemon:
        equal((inode(path), text(path)), (before, f"{daemon.pid}\n"))
