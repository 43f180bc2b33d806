"""test_sequence.py - SEQ: the steps from the launcher to the daemon, and what each leaves behind."""

import errno
import fcntl
import os
import resource
import signal
import termios

import linux
from harness import (ERR, SLEEP, check, cwd_of, equal, facts_in, fds_of, ids_of, locked, read, returned, rows,
                     settles, signals_of, snapshot, stat_of, status_of, text, wait_until, write)

FORKS = ("fork", "vfork", "clone", "clone3")
WAYS_TO_CLOSE = [[fd for fd in (0, 1, 2) if bits >> fd & 1] for bits in range(8)]


# --- SEQ-1: the order -----------------------------------------------------------------------------

@rows("SEQ-1", needs="ptrace")
def the_steps_run_in_their_order(box):
    pidfile, log = box.path("pid"), box.path("log")
    seen = []

    def watch(call):
        if not call.done:
            path = call.path() if call.name in ("open", "openat") else None
            seen.append((call.role, call.name, path))
    words = [f"pidfile={pidfile}", f"stdout={log}", "umask=027", "chdir=/tmp", "--", "notify", "pause"]
    result, _ = box.trace([box.app_path, *words], watch, fds={50: 0})
    equal(result.code, 0, result)
    box.stop(box.the_daemon(), signal.SIGKILL)

    def at(role, names, path=None, after=-1):
        """Where such a call is first made after that place."""
        places = [i for i, (who, name, what) in enumerate(seen)
                  if i > after and who == role and name in names and path in (None, what)]
        check(places, f"the {role} never calls {names} {path or ''} after place {after}")
        return places[0]
    place = at("launcher", ("pipe", "pipe2", "socketpair"))
    place = at("launcher", FORKS, after=place)
    place = at("leader", ("setsid",))
    at("leader", FORKS, after=place)
    place = -1  # from here on the daemon's own calls
    for names, path in ((("umask",), None), (("chdir",), None), (("open", "openat"), "/dev/null"),
                        (("flock",), None), (("write", "pwrite64"), None), (("rt_sigaction",), None),
                        (("rt_sigprocmask",), None), (("open", "openat"), log), (("close_range", "close"), None)):
        place = at("daemon", names, path, place)


@rows("SEQ-1", "CLI-8")
def a_start_that_finds_the_lock_held_leaves_the_log_alone(box):
    pidfile, log = box.path("pid"), box.file("log", "precious\n")
    with box.running("-p", pidfile):
        box.refused(box.daemonize("-p", pidfile, "-o", log), "ERR-4", pidfile)
    equal(text(log), "precious\n")


@rows("SEQ-1", "ERR-6", needs="user")
def the_directory_is_entered_before_anything_is_made(box):
    place = box.folder_in("closed", 0o000)
    result = box.daemonize("-c", place, "-p", box.path("pid"), "-o", box.path("log"))
    box.refused(result, "ERR-6", place, "permission denied")
    equal(os.listdir(box.folder), ["closed"])


@rows("SEQ-1")
def umask_and_directory_are_those_configured(box):
    facts, place = box.path("facts"), box.folder_in("place")
    with box.running_app("umask=027", f"chdir={place}", "--", "notify", f"dump={facts}", "pause") as daemon:
        equal(box.line_when_there(facts).splitlines()[4], "umask 027")
        equal(cwd_of(daemon.pid), place)
    with box.running("-m", "077", "-c", place) as daemon:
        equal(status_of(daemon.pid)["Umask"], "0077")
        equal(cwd_of(daemon.pid), place)


# --- SEQ-2, SEQ-3: the session --------------------------------------------------------------------

@rows("SEQ-2", "SEQ-3", "NTF-17")
def the_daemon_leads_no_session_and_is_inits_child(box):
    for start in (lambda: box.running("-p", box.path("pid")),
                  lambda: box.running_app("--", "notify", "pause")):
        with start() as daemon:
            now = stat_of(daemon.pid)
            check(now["session"] != daemon.pid, "it leads no session")
            check(now["session"] != os.getsid(0), "its session is a new one")
            equal(now["pgrp"], now["session"])
            equal(stat_of(now["session"]), None, "the session leader, which must be gone;")
            equal(now["ppid"], box.pid)


@rows("SEQ-2")
def the_daemon_has_no_terminal_and_gets_none_by_opening_one(box):
    master, slave = os.openpty()
    name = os.ttyname(slave)
    ready = box.path("ready")

    def own_the_terminal():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    program = ["/bin/sh", "-c", f"exec 5<>{name}; : >{ready}; exec sleep 60"]
    with box.running("-E", "A=B", program=program, before=own_the_terminal) as daemon:
        wait_until(lambda: os.path.exists(ready), "the program to open the terminal")
        equal(stat_of(daemon.pid)["tty"], 0, "its controlling terminal;")
        check(alive_after_hangup(daemon.pid, master), "it survives the hang-up")


def alive_after_hangup(pid, master):
    os.close(master)
    return stat_of(pid)["state"] not in "ZX"


# --- SEQ-4: the foreground ------------------------------------------------------------------------

@rows("SEQ-4", "STD-1")
def in_the_foreground_the_process_stays_itself(box):
    pidfile = box.path("pid")
    ready = lambda: os.path.exists(pidfile) and read(pidfile)
    with box.foreground([box.command, "-f", "-p", pidfile, "--", *SLEEP], ready) as launch:
        wait_until(lambda: b"sleep" in read(f"/proc/{launch.pid}/comm"), "exec")
        now = stat_of(launch.pid)
        equal((now["ppid"], now["session"]), (box.pid, os.getsid(0)))
        equal(text(pidfile), f"{launch.pid}\n")
        own = fds_of(launch.pid)
        equal(own[0], "/dev/null")
        equal((own[1], own[2]), tuple(os.readlink(f"/proc/self/fd/{file.fileno()}") for file in launch.files))


@rows("SEQ-4", "SEQ-1", "SEQ-12")
def in_the_foreground_all_other_steps_run(box):
    facts, log, place = box.path("facts"), box.path("log"), box.folder_in("place")
    words = ["flag=foreground", "umask=027", f"chdir={place}", f"stdout={log}", "env=A=B", "--", "notify",
             f"dump={facts}", "write-stdout=to the log", "pause"]
    with box.foreground([box.app_path, *words], lambda: os.path.exists(log) and read(log), fds={40: 0},
                        ignore=[signal.SIGTERM], block=[signal.SIGUSR1]) as launch:
        equal(facts_in(facts)["umask"], ["027"])
        equal(cwd_of(launch.pid), place)
        equal(sorted(fds_of(launch.pid)), [0, 1, 2])
        equal(signals_of(launch.pid, "SigIgn") | signals_of(launch.pid, "SigBlk"), set())
        equal(text(log), "to the log")


@rows("SEQ-4", "SEQ-9")
def in_the_foreground_a_closed_output_is_opened_on_the_null_device(box):
    pidfile = box.path("pid")
    for close in WAYS_TO_CLOSE:
        with box.about("closed", close):
            argv = [box.command, "-f", "-p", pidfile, "--", *SLEEP]
            with box.foreground(argv, lambda: os.path.exists(pidfile) and read(pidfile), close=close) as launch:
                wait_until(lambda: b"sleep" in read(f"/proc/{launch.pid}/comm"), "exec")
                found = fds_of(launch.pid)
                for fd in (0, 1, 2):
                    equal(found[fd] == "/dev/null", fd == 0 or fd in close, f"descriptor {fd} on /dev/null;")
            os.unlink(pidfile)


@rows("SEQ-4", "PID-9", "ERR-7")
def in_the_foreground_a_failure_is_returned_with_nothing_of_ours_left(box):
    pidfile, facts = box.path("pid"), box.path("facts")
    words = ["flag=foreground", f"pidfile={pidfile}", f"stdout={box.folder_in('folder')}", f"on-failure={facts}"]
    result = box.app(*words, "--", "notify")
    box.returns(result, "ERR-7", "folder")
    equal(result.err, "", "the library prints nothing here;")
    equal([line.split()[0] for line in facts_in(facts)["fd"]], ["0", "1", "2"], "descriptors;")
    box.nothing_left(pidfile)


@rows("SEQ-4", "STD-1", "CLI-14")
def in_the_foreground_a_failure_gives_the_streams_back(box):
    log, given = box.path("log"), box.file("given", "input")
    for close in WAYS_TO_CLOSE:
        facts = box.path(f"facts{close}")
        words = ["flag=foreground", f"stdout={log}", f"stderr={box.folder}", f"on-failure={facts}", "--", "notify"]
        with box.about("closed", close):
            result = box.app(*words, stdin=given, close=close)
            equal((result.code, read(log)), (ERR["ERR-7"], b""), result)
            equal("returned:" in result.out, 1 not in close, "stdout is the first one;", result)
            found = [int(line.split()[0]) for line in facts_in(facts).get("fd", [])]
            equal(found, [fd for fd in (0, 1, 2) if fd not in close], "descriptors;")
    box.refused(box.daemonize("-f", "-o", log, "-e", box.folder), "ERR-7", box.folder)


@rows("SEQ-4", "ERR-4")
def in_the_foreground_a_held_lock_is_returned(box):
    pidfile = box.path("pid")
    with box.running("-p", pidfile) as daemon:
        result = box.app("flag=foreground", f"pidfile={pidfile}", "--", "notify")
        box.returns(result, "ERR-4", pidfile, str(daemon.pid))
        equal(text(pidfile), f"{daemon.pid}\n")


# --- SEQ-5 to SEQ-8: failures ---------------------------------------------------------------------

@rows("SEQ-5", "ERR-6", needs="user")
def a_failing_first_fork_is_returned_with_all_as_before(box):
    facts = box.path("facts")
    full = {resource.RLIMIT_NPROC: (0, 0)}
    result = box.app(f"on-failure={facts}", "--", "notify", limits=full, fds={9: 0}, block=[signal.SIGUSR1])
    box.returns(result, "ERR-6", "fork")
    equal([line.split()[0] for line in facts_in(facts)["fd"]], ["0", "1", "2", "9"], "descriptors;")
    equal(facts_in(facts)["blocked"], [str(int(signal.SIGUSR1))], "the signal mask;")
    box.refused(box.daemonize(limits=full), "ERR-6", "fork")


@rows("SEQ-5", "SEQ-13", needs="user")
def after_a_failing_first_fork_ignored_children_are_ignored_again(box):
    facts = box.path("facts")
    result = box.app(f"on-failure={facts}", "--", "notify", limits={resource.RLIMIT_NPROC: (0, 0)},
                     ignore=[signal.SIGCHLD])
    box.returns(result, "ERR-6", "fork")
    equal(facts_in(facts)["ignored"], [str(int(signal.SIGCHLD))])


@rows("SEQ-6", "SEQ-13")
def the_failing_process_ends_with_the_code_that_the_launcher_gives(box):
    result = box.daemonize("-p", box.path("pid"), "-o", box.folder_in("folder"))
    box.refused(result, "ERR-7", "folder")
    wait_until(lambda: box.nothing_runs() is None, "the daemon to end")
    others = {pid: os.waitstatus_to_exitcode(code) for pid, code in box.statuses.items() if pid != result.pid}
    equal(list(others.values()), [ERR["ERR-7"]], "what came to init: the daemon alone, with the same code;")


@rows("SEQ-6", "ERR-6", needs="ptrace")
def a_failure_of_the_session_leader_is_told_too(box):
    for names in (("setsid",), FORKS):
        def fail(call):
            if call.role == "leader" and call.name in names and not call.done:
                return errno.EAGAIN
        with box.about(names):
            result, watcher = box.trace([box.command, "-p", box.path("pid"), "--", *SLEEP], fail)
            box.refused(result, "ERR-6", names[0])
            equal(os.waitstatus_to_exitcode(watcher.statuses[watcher.pids["leader"]]), ERR["ERR-6"])
            box.nothing_left(box.path("pid"))


@rows("SEQ-7", needs=("root", "mounts"))
def a_missing_null_device_is_a_system_error(box):
    pidfile = box.path("pid")
    linux.private_mounts()
    linux.mount("tmpfs", "/dev", "tmpfs")
    result = box.daemonize("-p", pidfile, stdin=0)
    box.refused(result, "ERR-6", "/dev/null", "no such file")
    check(not os.path.exists(pidfile), "the pidfile was made")
    box.returns(box.app("flag=foreground", f"pidfile={pidfile}", "--", "notify", stdin=0), "ERR-6", "/dev/null")


@rows("SEQ-7", needs="ptrace", seconds=60)
def an_interrupted_call_is_repeated(box):
    """EINTR once for every call that can have it; flock, open and the waits among them."""
    can = {"open", "openat", "read", "write", "pwrite64", "flock", "wait4", "waitid", "poll", "ppoll", "ftruncate",
           "dup2", "dup3", "fcntl", "recvfrom", "sendto", "sendmsg", "recvmsg", "close"}
    pidfile, log = box.path("pid"), box.path("log")
    argv = [box.command, "-p", pidfile, "-o", log, "--", *SLEEP]
    calls = []

    def note(call):
        if not call.done:
            calls.append((call.role, call.index, call.name))
    result, _ = box.trace(argv, note)
    box.judge(result, pidfile)
    start = next(i for i, (_, _, name) in enumerate(calls) if name in ("pipe2", "socketpair", "pipe"))
    for target in [call for call in calls[start:] if call[2] in can]:
        def interrupt(call):
            if not call.done and (call.role, call.index, call.name) == target:
                return errno.EINTR
        with box.about("EINTR for", target):
            result, _ = box.trace(argv, interrupt)
            equal(result.code, 0, result)
            box.judge(result, pidfile)


@rows("SEQ-8", "ERR-5")
def the_checked_entry_refuses_a_second_thread(box):
    for words in ([], ["flag=foreground"]):
        with box.about(words):
            box.returns(box.app("thread", *words, "--", "notify"), "ERR-5", "thread")
    with box.running_app("thread", "unchecked", "--", "notify", "pause"):
        pass


@rows("SEQ-8", needs=("root", "mounts"))
def the_checked_entry_refuses_when_threads_cannot_be_counted(box):
    linux.private_mounts()
    hidden = lambda: linux.mount("tmpfs", "/proc", "tmpfs")
    for words in (["thread"], ["thread", "flag=foreground"]):
        with box.about(words):
            def before():
                linux.private_mounts()
                hidden()
            result = box.app(*words, "--", "notify", before=before)
            kind, code, _ = returned(result)
            check(kind > 0 and code in (ERR["ERR-5"], ERR["ERR-6"]), "an error, not an abort;", result)


# --- SEQ-9: closed standard descriptors ------------------------------------------------------------

@rows("SEQ-9", "STD-1", "STD-5", "CLI-5")
def with_any_standard_descriptors_closed_a_start_works(box):
    program = ["/bin/sh", "-c", "echo out; echo err >&2; exec sleep 60"]
    for close in WAYS_TO_CLOSE:
        pidfile, out = box.path(f"pid{close}"), box.path(f"log{close}.out")
        err = box.path(f"log{close}.err")
        options = ["-p", pidfile, "-o", out]
        with box.about("closed", close), box.running(*options, program=program, close=close) as daemon:
            wait_until(lambda: read(err), "the program's output")
            equal((text(pidfile), text(out), text(err)), (f"{daemon.pid}\n", "out\n", "err\n"))
            found = fds_of(daemon.pid)
            equal((found.pop(0), found.pop(1), found.pop(2)), ("/dev/null", out, err))
            equal(list(found.values()), [pidfile], "other descriptors;")


@rows("SEQ-9", "STD-1", "NTF-1")
def with_any_standard_descriptors_closed_the_library_works(box):
    for close in WAYS_TO_CLOSE:
        pidfile, out = box.path(f"pid{close}"), box.path(f"log{close}")
        words = [f"pidfile={pidfile}", f"stdout={out}", f"stderr={out}", "--", "write-stdout=out", "write-stderr=err",
                 "notify", "pause"]
        with box.about("closed", close), box.running_app(*words, close=close) as daemon:
            equal((text(pidfile), text(out)), (f"{daemon.pid}\n", "outerr"))
            found = fds_of(daemon.pid)
            equal((found.pop(0), found.pop(1), found.pop(2)), ("/dev/null", out, out))
            settles(lambda: set(fds_of(daemon.pid).values()), {"/dev/null", out, pidfile}, "descriptors;")


@rows("SEQ-9", "ERR-7", "PID-9")
def with_any_standard_descriptors_closed_a_failure_is_told_to_nobody_else(box):
    folder = box.folder_in("folder")
    for foreground in ([], ["-f"]):
        for close in WAYS_TO_CLOSE:
            with box.about(foreground, "closed", close):
                pidfile = box.path("pid")
                result = box.daemonize(*foreground, "-p", pidfile, "-o", box.path("log"), "-e", folder, close=close)
                equal(result.code, ERR["ERR-7"], result)
                equal(bool(result.err), 2 not in close, "a message;", result)
                box.nothing_left(pidfile)
                for path in os.listdir(box.folder):
                    check(os.path.isdir(box.path(path)) or read(box.path(path)) == b"", "a message is in", path)


@rows("SEQ-9", "ERR-4")
def with_any_standard_descriptors_closed_a_held_lock_stays_clean(box):
    pidfile = box.path("pid")
    with box.running("-p", pidfile) as daemon:
        for close in WAYS_TO_CLOSE:
            with box.about("closed", close):
                equal(box.daemonize("-p", pidfile, close=close).code, ERR["ERR-4"])
                equal(text(pidfile), f"{daemon.pid}\n")


# --- SEQ-10 to SEQ-13: signals, buffers, children ---------------------------------------------------

@rows("SEQ-10", needs="ptrace")
def no_handler_of_the_callers_runs_in_the_children(box):
    trail = box.path("trail")
    stops = {("leader", "setsid"), ("daemon", "umask"), ("daemon", "chdir"), ("daemon", "flock")}

    def send(call):
        if not call.done and (call.role, call.name) in stops:
            os.kill(call.pid, signal.SIGURG)  # ignored once the dispositions are the default ones
            stops.discard((call.role, call.name))
    words = [f"handler={int(signal.SIGURG)}:{trail}", f"pidfile={box.path('pid')}", "--", "notify", "pause"]
    result, _ = box.trace([box.app_path, *words], send)
    equal((result.code, stops), (0, set()), result)
    check(not os.path.exists(trail), "the handler ran in a child")
    box.stop(box.the_daemon(), signal.SIGKILL)


@rows("SEQ-10", "NTF-6")
def the_launcher_waits_with_its_own_mask_and_handlers(box):
    for handler in ("handler", "interrupting-handler"):
        trail, go = box.path(f"trail-{handler}"), box.path(f"go-{handler}")
        words = [f"{handler}={int(signal.SIGUSR1)}:{trail}", "--", f"wait-for={go}", "notify", "pause"]
        with box.about(handler):
            launch, daemon = box.waiting_app(*words, block=[signal.SIGUSR2])
            equal(signals_of(launch.pid, "SigBlk"), {signal.SIGUSR2})
            for _ in range(3):
                launch.kill(signal.SIGUSR1)
                wait_until(lambda: os.path.exists(trail) and text(trail), "the launcher's handler")
            equal(set(text(trail).split()), {str(launch.pid)})
            equal(signals_of(daemon, "SigBlk"), set())
            write(go, "")
            equal(launch.wait().code, 0)
            box.stop(daemon)


@rows("SEQ-12")
def buffered_output_is_written_once_and_not_into_the_log(box):
    log = box.path("log")
    for words in ([], ["flag=foreground"]):
        with box.about(words):
            result = box.app("printf=buffered", *words, f"stdout={log}", "--", "write-stdout=own", "notify", "return")
            check(result.code in (0, 1), result)
            equal((result.out, text(log)), ("buffered", "own"))


@rows("SEQ-12")
def buffered_output_survives_a_failure(box):
    for words in ([], ["flag=foreground"]):
        with box.about(words):
            result = box.app("printf=buffered.", *words, f"stdout={box.folder}", "--", "notify")
            equal(result.code, ERR["ERR-7"], result)
            equal(result.out.count("buffered."), 1, result)


@rows("SEQ-12", "CLI-12")
def buffered_output_that_nobody_takes_is_no_death_and_does_not_move_into_the_log(box):
    reading, writing = os.pipe()
    os.close(reading)
    none = {resource.RLIMIT_FSIZE: (0, 0)}
    for how in ({"stdout": writing}, {"stdout": "/dev/full"}, {"close": (1,)},
                {"stdout": box.file("out"), "stderr": "/dev/null", "limits": none}):
        for mode in ([], ["flag=foreground"]):
            log = box.path("log")
            with box.about(how, mode):
                result = box.app("printf=buffered", *mode, f"stdout={log}", "--", "notify", "return", **how)
                equal(result.code, 0, result)
                wait_until(lambda: not box.living(), "the daemon to end")
                equal(text(log), "", "the log;")


@rows("SEQ-12")
def exit_handlers_run_in_the_daemon_alone(box):
    trail = box.path("trail")
    with box.running_app(f"atexit={trail}", "--", "notify", f"wait-for={box.path('go')}", "return") as daemon:
        check(not os.path.exists(trail), "an exit handler ran in the launcher or session leader")
        write(box.path("go"), "")
        wait_until(lambda: box.gone(daemon.pid), "the daemon to return from main")
        equal(text(trail), f"{daemon.pid}\n")


@rows("SEQ-13")
def a_caller_that_ignores_its_children_changes_nothing(box):
    how = {"ignore": [signal.SIGCHLD]}
    with box.running("-p", box.path("pid"), **how) as daemon:
        equal(children_but(box, daemon.result.pid), [daemon.pid])
        equal(signals_of(daemon.pid, "SigIgn"), set())
    box.refused(box.daemonize("-o", box.folder, **how), "ERR-7")
    equal(box.app("--", "fail=42:reason", **how).code, 42)
    equal(box.app("--", "kill-self=9", **how).code, ERR["ERR-13"])


def children_but(box, pid):
    """Everything that ended up with init, dead or alive, but the launcher itself."""
    box.reap()
    return [other for other in [*box.statuses, *box.adopted()] if other != pid]


@rows("SEQ-13")
def the_launcher_collects_the_session_leader(box):
    for way in ({}, {"ignore": [signal.SIGCHLD]}, {"block": [signal.SIGCHLD]}):
        with box.about(way):
            box.statuses.clear()
            with box.running(**way) as daemon:
                equal(children_but(box, daemon.result.pid), [daemon.pid], "children of init's;")


@rows("SEQ-13")
def a_launcher_that_adopts_orphans_collects_the_failed_daemon_too(box):
    for way in ({}, {"ignore": [signal.SIGCHLD]}):
        with box.about(way):
            box.statuses.clear()
            result = box.daemonize("-o", box.folder, subreaper=True, **way)
            equal(result.code, ERR["ERR-7"], result)
            equal(children_but(box, result.pid), [], "children that it left to init;")


# --- SEQ-14: old kernels and sandboxes -------------------------------------------------------------

@rows("SEQ-14", "STD-5", "PID-6", "CLI-5")
def without_the_newer_system_calls_everything_works(box):
    newer = ("close_range", "pidfd_open", "clone3", "openat2")
    for number in (errno.ENOSYS, errno.EPERM):
        for names in [(name,) for name in newer] + [newer]:
            pidfile = box.path("pid")
            with box.about(linux.errno_name(number), names):
                deny = {name: number for name in names}
                with box.running("-p", pidfile, deny=deny, fds={60: 0, 61: 0}) as daemon:
                    equal(sorted(fds_of(daemon.pid))[:3] + [len(fds_of(daemon.pid))], [0, 1, 2, 4])
                    check(locked(pidfile), "it is locked")
                box.refused(box.daemonize("-o", box.folder, deny=deny), "ERR-7")
                equal(box.app("--", "kill-self=9", deny=deny).code, ERR["ERR-13"])


@rows("SEQ-14", "NTF-3", "NTF-13", needs=("root", "mounts"))
def without_a_proc_file_system_everything_works(box):
    pidfile = box.path("pid")

    def hide():
        linux.private_mounts()
        linux.mount("tmpfs", "/proc", "tmpfs")
    with box.running("-p", pidfile, before=hide, fds={60: 0}) as daemon:
        equal((text(pidfile), len(fds_of(daemon.pid))), (f"{daemon.pid}\n", 4))
    box.refused(box.daemonize("-o", box.folder, "-p", pidfile, before=hide), "ERR-7")
    box.refused(box.daemonize("-p", pidfile, program=["no-such-program"], before=hide), "ERR-2")
    equal(box.app("unchecked", "--", "kill-self=9", before=hide).code, ERR["ERR-13"])


@rows("SEQ-14", "STD-5", needs=("root", "mounts"))
def without_proc_and_close_range_descriptors_are_closed_one_by_one(box):
    def hide():
        linux.private_mounts()
        linux.mount("tmpfs", "/proc", "tmpfs")

    def forge():  # a folder by that name that is not the kernel's, and lists nothing
        hide()
        os.makedirs("/proc/self/fd")
    deny = {"close_range": errno.ENOSYS, "pidfd_open": errno.EPERM}
    how = {"deny": deny, "limits": {resource.RLIMIT_NOFILE: (1024, 1024)}}
    for before in (hide, forge):
        with box.about(before.__name__):
            with box.running(before=before, fds={number: 0 for number in (3, 4, 77, 250)}, **how) as daemon:
                equal(sorted(fds_of(daemon.pid)), [0, 1, 2])


@rows("SEQ-2", "PRV-3")
def without_user_and_group_the_identity_stays(box):
    with box.running() as daemon:
        equal(ids_of(daemon.pid), ids_of(box.pid))


@rows("SEQ-1", "STD-5")
def a_refused_start_makes_no_file(box):
    before = snapshot(box.folder)
    box.refused(box.daemonize("-p", box.path("pid"), "-c", box.path("none")), "ERR-1")
    equal(snapshot(box.folder), before)
