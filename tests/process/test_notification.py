"""test_notification.py - NTF: what the daemon tells the launcher, and what silence means."""

import errno
import os
import signal
import time

from harness import (ERR, SLEEP, alive, check, cmdline_of, descendants_of, equal, facts_in, fds_of, locked, rows,
                     text, wait_until, write)

ENDED = ERR["ERR-13"]


def step_names(box):
    """The names of the steps as the library gives them: {number: name}."""
    lines = [line.split(" ", 2) for line in box.app("table").out.splitlines()]
    return {int(number): name for word, number, name in lines if word == "step"}


# --- NTF-1 to NTF-4: verdicts ---------------------------------------------------------------------

@rows("NTF-1", "NTF-13")
def ready_lets_the_launcher_succeed(box):
    pidfile = box.path("pid")
    launch, daemon = box.waiting_app(f"pidfile={pidfile}", "--", f"wait-for={box.path('go')}", "notify", "pause")
    check(launch.running(), "the launcher waits for ready")
    write(box.path("go"), "")
    result = launch.wait()
    equal((result.code, result.out, result.err), (0, "", ""))
    equal(text(pidfile), f"{daemon}\n")
    box.stop(daemon)


@rows("NTF-2", "NTF-9")
def a_failure_gives_code_and_message(box):
    result = box.app(f"pidfile={box.path('pid')}", "--", "fail=42:database not reachable")
    equal((result.code, result.out, result.err), (42, "", "app: database not reachable\n"))
    box.nothing_left(box.path("pid"))


@rows("NTF-2")
def a_failure_may_end_with_the_pipe_instead_of_a_newline(box):
    result = box.app("--", "garbage=2a6e6f", "return")  # code 42, "no"
    equal((result.code, result.err), (42, "app: no\n"))
    result = box.app("--", "garbage=fe6e6f0a", "pause")  # code 254, "no", newline: complete
    equal((result.code, result.err), (254, "app: no\n"))
    wait_until(lambda: not box.adopted(), "the daemon that told a failure to be ended")


@rows("NTF-3", "CLI-4")
def the_end_of_the_pipe_after_the_announcement_is_success(box):
    with box.running_app("--", "announce", "exec=/bin/sleep:60") as daemon:
        equal(cmdline_of(daemon.pid), [b"/bin/sleep", b"60"])


@rows("NTF-3", "NTF-13", "ERR-13")
def silence_without_an_announcement_is_failure(box):
    pidfile = box.path("pid")
    for way in ("return", "kill-self=9", "kill-self=15", "abort", "exec=/bin/true"):
        with box.about(way):
            result = box.app(f"pidfile={pidfile}", "--", way)
            equal(result.code, ENDED, result)
            box.message(result, name="app")
            box.nothing_left(pidfile)


@rows("NTF-3", "NTF-6", "NTF-13")
def an_exec_that_was_not_announced_is_failure_and_the_program_is_ended(box):
    pidfile = box.path("pid")
    result = box.app(f"pidfile={pidfile}", "--", "exec=/bin/sleep:60")
    equal(result.code, ENDED, result)
    box.nothing_left(pidfile)


@rows("NTF-3", "NTF-13")
def a_death_between_announcement_and_exec_is_failure(box):
    pidfile = box.path("pid")
    for way in ("kill-self=9", "abort"):  # an exit() that was announced as an exec may pass for a program's: a lie
        with box.about(way):
            result = box.app(f"pidfile={pidfile}", "--", "announce", way)
            check(result.code != 0, "the daemon died, it never ran a program;", result)
            box.nothing_left(pidfile)


@rows("NTF-3", "NTF-13", needs="ptrace")
def a_program_killed_in_exec_itself_did_not_start(box):
    def kill(call):
        if call.role == "daemon" and call.name == "execve" and not call.done:
            os.kill(call.pid, signal.SIGKILL)
    result, _ = box.trace([box.command, "-p", box.path("pid"), "--", *SLEEP], kill)
    equal(result.code, ENDED, result)
    box.nothing_left(box.path("pid"))


@rows("NTF-3")
def a_program_that_ends_at_once_has_started(box):
    for number in range(50):
        result = box.daemonize(program=["/bin/true"])
        equal(result.code, 0, f"start {number};", result)
    wait_until(lambda: not box.adopted(), "the last one to end")


@rows("NTF-3")
def a_program_that_is_killed_at_once_has_started(box):
    for number in range(50):
        launch = box.start([box.command, "--", "/bin/sh", "-c", "kill -9 $$"])
        status = os.waitpid(launch.pid, 0)[1]  # and the daemon is left uncollected: its state can be read
        equal(os.waitstatus_to_exitcode(status), 0, f"start {number};")
    wait_until(lambda: not box.living(), "the last one to end")


@rows("NTF-3")
def a_failure_after_the_announcement_is_a_failure(box):
    result = box.app("--", "announce", "fail=42:exec failed")
    equal((result.code, result.err), (42, "app: exec failed\n"))


@rows("NTF-3", "ERR-6")
def ready_after_the_announcement_is_refused(box):
    result = box.app("--", "announce", "notify", "or-fail")
    box.refused(result, "ERR-6", name="app")


@rows("NTF-4", "NTF-13", "ERR-9")
def what_is_no_verdict_is_malformed_and_the_daemon_is_ended(box):
    pidfile = box.path("pid")
    for garbage in ("ffff", "ff00"):
        with box.about(garbage):
            result = box.app(f"pidfile={pidfile}", "--", f"garbage={garbage}", "pause")
            box.refused(result, "ERR-9", name="app")
            box.nothing_left(pidfile)


# --- NTF-5, NTF-6: bytes ----------------------------------------------------------------------------

@rows("NTF-5", "ERR-11")
def control_characters_of_a_message_are_escaped(box):
    result = box.app("--", b"fail=42:one\ntwo\x1b[31m\x7f\xff\xc3 \xc3\xa9")
    equal(result.code, 42)
    box.message(result, "one", "two", name="app")
    check(not set(result.err_bytes.rstrip(b"\n")) & {*range(32), 127}, "control characters in", result.err_bytes)
    check("\ufffd" not in result.err, "bytes that are not UTF-8 in", result.err_bytes)
    check("é" in result.err, "UTF-8 stays as it is:", result.err_bytes)


@rows("NTF-5")
def c1_controls_and_false_utf8_are_escaped(box):
    """C1 control characters, surrogates, overlong forms and what lies beyond Unicode."""
    for bad in (b"\xc2\x9b", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80"):
        with box.about(bad):
            result = box.app("--", b"fail=42:a" + bad + b"z")
            box.message(result, "z", name="app")
            check(bad not in result.err_bytes, "it went through as it was:", result.err_bytes)


@rows("NTF-5")
def what_comes_out_of_the_pipe_is_escaped_again(box):
    result = box.app("--", "garbage=2a611b5b33316d620a", "pause")  # code 42, a ESC [ 3 1 m b, newline
    equal(result.code, 42, result)
    box.message(result, "a", "[31mb", name="app")
    check(b"\x1b" not in result.err_bytes, "an escape character in", result.err_bytes)


@rows("NTF-5", "ERR-11")
def a_hostile_path_is_escaped_in_the_message(box):
    path = os.fsencode(box.path("x")) + b"\n\x1b]0;\xff/file"
    for result in (box.daemonize("-p", path), box.daemonize("-c", path), box.daemonize("--", path)):
        check(result.code in (ERR["ERR-1"], ERR["ERR-2"]), result)
        box.message(result)
        check(b"\x1b" not in result.err_bytes and b"\xff" not in result.err_bytes, "raw bytes in", result.err_bytes)


@rows("NTF-5", "NTF-6")
def a_long_message_is_cut_at_a_character(box):
    for shift in range(3):
        result = box.app("--", b"fail=42:" + b"x" * shift + "€".encode() * 20000)
        equal(result.code, 42)
        box.message(result, "€€€", name="app")
        result.err_bytes.decode()  # or it was cut within a character
        check(len(result.err_bytes) < 70000, "it was not cut:", len(result.err_bytes), "bytes")


@rows("NTF-6")
def a_verdict_may_come_byte_by_byte(box):
    result = box.app("--", "trickle=2a6e6f20676f0a", "pause")
    equal((result.code, result.err), (42, "app: no go\n"))


@rows("NTF-6", "STD-5")
def the_pipe_is_not_inherited_by_programs(box):
    facts = box.path("facts")
    with box.running_app("--", f"dump={facts}", "notify", "pause"):
        states = [line.split() for line in facts_in(facts)["fd"]]
        equal({state for fd, state in states if int(fd) > 2}, {"cloexec"}, "descriptors above 2;")


# --- NTF-7 to NTF-10: the daemon's side --------------------------------------------------------------

@rows("NTF-7", "NTF-13", "ERR-6")
def ready_without_a_launcher_is_an_error_and_no_sigpipe(box):
    for action in ("notify", "announce"):
        for sigpipe in ([], [signal.SIGPIPE]):
            go, errors = box.path("go"), box.path("errors")
            with box.about(action, sigpipe):
                launch, daemon = box.waiting_app(f"errors={errors}", "--", f"wait-for={go}", action, "pause",
                                                ignore=sigpipe)
                launch.kill()
                launch.wait()
                write(go, "")
                line = box.line_when_there(errors)
                check(line.startswith(f"{action}: "), line)
                equal(line.split()[2], str(ERR["ERR-6"]), line)
                check(alive(daemon), "the daemon was ended by SIGPIPE")
                box.stop(daemon)
            os.unlink(go), os.unlink(errors)


@rows("NTF-8", "ERR-13", "PID-9")
def closing_without_a_word_is_failure(box):
    pidfile = box.path("pid")
    result = box.app(f"pidfile={pidfile}", "--", "close", "return")
    equal(result.code, ENDED, result)
    box.message(result, "daemon exited without signalling readiness", name="app")
    box.nothing_left(pidfile)


@rows("NTF-8", "NTF-13")
def a_daemon_that_closes_without_a_word_and_stays_is_ended(box):
    result = box.app("--", "close", "pause", seconds=15)
    equal(result.code, ENDED, result)
    box.nothing_left()


@rows("NTF-8", "PID-7")
def closing_in_a_forked_child_tells_nothing(box):
    pidfile = box.path("pid")
    words = [f"pidfile={pidfile}", "--", "worker-close", "sleep=200", "notify", "pause"]
    with box.running_app(*words) as daemon:
        equal(text(pidfile), f"{daemon.pid}\n")
        check(locked(pidfile), "the daemon still holds the lock")


@rows("NTF-9")
def an_application_chooses_its_code_within_bounds(box):
    for asked, given in ((1, 1), (42, 42), (254, 254), (0, 70), (255, 70), (256, 70), (-1, 70), (512, 70)):
        for mode in ([], ["flag=foreground"]):
            with box.about(asked, mode):
                result = box.app(*mode, "--", f"fail={asked}:reason")
                equal((result.code, result.err), (given, "app: reason\n"))


@rows("NTF-9", "SEQ-4", "PID-9")
def a_failure_of_the_application_cleans_up(box):
    pidfile = box.path("pid")
    for mode in ([], ["flag=foreground"]):
        for act, code in (("fail=42:reason", 42), ("report-error=10:2:chdir:/none", ERR["ERR-6"])):
            with box.about(mode, act):
                result = box.app(*mode, f"pidfile={pidfile}", "--", act)
                equal(result.code, code, result)
                check(not os.path.exists(pidfile), "the pidfile is still there")
                box.nothing_left(pidfile)


@rows("NTF-9", "SEQ-12")
def a_failure_ends_the_process_by_exit_and_its_handlers_run_once(box):
    for mode in ([], ["flag=foreground"]):
        trail = box.path("trail")
        with box.about(mode):
            equal(box.app(*mode, f"atexit={trail}", "--", "fail=42:reason").code, 42)
            equal(len(text(trail).splitlines()), 1, "handlers run;")
        os.unlink(trail)


@rows("NTF-9", "NTF-8")
def a_failure_in_a_forked_worker_ends_only_the_worker(box):
    trail, pidfile = box.path("trail"), box.path("pid")
    words = [f"atexit={trail}", f"pidfile={pidfile}", "--", "worker-fail", "sleep=200", "notify", "pause"]
    with box.running_app(*words) as daemon:
        equal((text(pidfile), locked(pidfile)), (f"{daemon.pid}\n", True))
        check(not os.path.exists(trail), "the worker ran the daemon's exit handlers")


@rows("NTF-9", "ERR-11")
def a_blivet_error_is_reported_with_its_code_and_text(box):
    result = box.app("--", f"report-error=16:{errno.ENOENT}:what:subject")
    equal(result.code, ERR["ERR-7"])
    box.message(result, "what: subject: no such file or directory", name="app")


@rows("NTF-10", "PRV-1", "ERR-5", needs="root")
def ready_before_the_privileges_are_dropped_is_refused(box):
    for action in ("notify", "announce"):
        for mode in ([], ["flag=foreground"]):
            for who in ("user=nobody", "group=nogroup"):
                with box.about(action, mode, who):
                    result = box.app(who, *mode, "--", action, "or-fail")
                    box.refused(result, "ERR-5", "privileges", "not dropped", name="app")


# --- NTF-11 to NTF-17: the launcher's side ------------------------------------------------------------

@rows("NTF-11", "NTF-13", "NTF-14", "ERR-8")
def a_late_daemon_is_ended_and_the_launcher_says_so(box):
    pidfile = box.path("pid")
    for stubborn in ([], [f"sigign={int(signal.SIGTERM)}"]):
        with box.about(stubborn):
            result = box.app(f"pidfile={pidfile}", "timeout-ms=150", "--", *stubborn, "pause", seconds=20)
            box.refused(result, "ERR-8", "last step", name="app")
            box.nothing_left(pidfile)


@rows("NTF-11")
def a_late_daemon_is_asked_before_it_is_killed(box):
    words = [f"pidfile={box.path('pid')}", "timeout-ms=150", "--", f"remove-on={int(signal.SIGTERM)}", "pause"]
    equal(box.app(*words).code, ERR["ERR-8"])
    pids = [pid for pid in box.statuses if pid not in box.launches]
    equal([box.ended_with(pid) for pid in pids], [-signal.SIGTERM], "what ended the daemon;")


@rows("NTF-11", "NTF-13")
def a_late_daemon_may_be_left_alone(box):
    pidfile = box.path("pid")
    result = box.app(f"pidfile={pidfile}", "timeout-ms=150", "flag=leave", "--", "pause")
    box.refused(result, "ERR-8", name="app")
    daemon = box.the_daemon()
    equal((text(pidfile), locked(pidfile)), (f"{daemon}\n", True))
    box.stop(daemon)


@rows("NTF-11", "NTF-12")
def ready_is_harmless_to_a_daemon_that_was_left_alone(box):
    errors, go, facts = box.path("errors"), box.path("go"), box.path("facts")
    result = box.app(f"errors={errors}", "timeout-ms=100", "flag=leave", "--", f"wait-for={go}", "notify",
                     f"dump={facts}", "pause")
    equal(result.code, ERR["ERR-8"], result)
    write(go, "")
    box.read_when_there(facts)
    check(not os.path.exists(errors), "an error:", os.path.exists(errors) and text(errors))
    box.stop(box.the_daemon())


@rows("NTF-11")
def signals_do_not_lengthen_the_limit(box):
    """Signals that the launcher handles while it waits must not lengthen its waiting for ever."""
    trail = box.path("trail")
    words = [f"interrupting-handler={int(signal.SIGUSR1)}:{trail}", "timeout-ms=400", "--", "pause"]
    launch, _ = box.waiting_app(*words)
    deadline = time.monotonic() + 3
    while launch.running() and time.monotonic() < deadline:
        launch.kill(signal.SIGUSR1)
        time.sleep(0.02)
    equal(launch.wait(1).code, ERR["ERR-8"])


@rows("NTF-12")
def ready_twice_is_harmless(box):
    errors = box.path("errors")
    facts = box.path("facts")
    words = [f"errors={errors}", "--", "notify", "notify", "sleep=50", "notify", f"dump={facts}", "pause"]
    with box.running_app(*words):
        box.read_when_there(facts)
        check(not os.path.exists(errors), "an error:", os.path.exists(errors) and text(errors))


@rows("NTF-13", "PID-9")
def a_launcher_that_dies_takes_the_start_with_it(box):
    pidfile, go = box.path("pid"), box.path("go")
    launch, daemon = box.waiting_app(f"pidfile={pidfile}", "--", f"wait-for={go}", "notify", "or-fail")
    launch.kill()
    launch.wait()
    write(go, "")
    box.wait_gone(daemon)
    box.nothing_left(pidfile)


@rows("NTF-13", "NTF-17", "CLI-11", needs="ptrace")
def no_program_runs_for_a_launcher_that_is_gone(box):
    pidfile = box.path("pid")
    for name in ("umask", "chdir", "flock", "rt_sigprocmask"):
        def kill(call):
            if call.role == "daemon" and call.name == name and not call.done:
                box.kill_launcher()
        ran = box.path("ran")
        with box.about("the launcher is killed at the daemon's", name):
            argv = [box.command, "-p", pidfile, "--", "/bin/sh", "-c", f": >{ran}; exec sleep 60"]
            result, _ = box.trace(argv, kill)
            equal(result.code, -signal.SIGKILL, result)
            wait_until(lambda: not box.adopted(), "the daemon to give up")
            box.nothing_left(pidfile)
            check(not os.path.exists(ran), "the program ran")


@rows("NTF-13", needs="ptrace")
def the_death_of_a_launcher_after_the_announcement_changes_nothing(box):
    pidfile = box.path("pid")

    def kill(call):
        if call.role == "daemon" and call.name == "execve" and not call.done:
            box.kill_launcher()
    result, _ = box.trace([box.command, "-p", pidfile, "--", *SLEEP], kill)
    equal(result.code, -signal.SIGKILL, result)
    daemon = box.the_daemon()
    wait_until(lambda: cmdline_of(daemon) == [b"sleep", b"60"], "the program")
    equal((text(pidfile), locked(pidfile)), (f"{daemon}\n", True))
    box.stop(daemon)


@rows("NTF-13", "NTF-14", "PID-9", needs="ptrace")
def a_death_is_told_with_step_and_signal(box):
    names, pidfile = step_names(box), box.path("pid")
    for call_name, step in (("umask", 4), ("chdir", 5), ("flock", 7)):
        def kill(call):
            if call.role == "daemon" and call.name == call_name and not call.done:
                os.kill(call.pid, signal.SIGKILL)
        with box.about(call_name):
            result, _ = box.trace([box.command, "-p", pidfile, "-c", "/tmp", "--", *SLEEP], kill)
            equal(result.code, ENDED, result)
            box.message(result, names[step], "SIGKILL")
            box.nothing_left(pidfile)


@rows("NTF-14")
def a_death_after_the_sequence_names_the_last_step_and_the_signal(box):
    for way, says in (("kill-self=9", "SIGKILL"), ("kill-self=11", "SIGSEGV"), ("abort", "SIGABRT")):
        with box.about(way):
            box.message(box.app("--", way), "last step", says, name="app")


@rows("NTF-16", "NTF-13", "NTF-2")
def a_failure_is_told_at_once_though_a_worker_holds_the_pipe(box):
    result = box.app("--", "fork-worker", "fail=42:no", seconds=3)
    equal(result.code, 42, result)
    for pid in box.adopted():
        box.stop(pid, signal.SIGKILL)


@rows("NTF-16")
def a_worker_that_holds_the_pipe_does_not_make_the_launcher_wait(box):
    began = time.monotonic()
    with box.running_app("--", "fork-worker", "notify", "pause", seconds=5) as daemon:
        check(time.monotonic() - began < 4, "it waited")
        equal(len(descendants_of(daemon.pid)), 1, "workers;")


@rows("NTF-16", "NTF-13")
def a_death_is_seen_though_a_worker_holds_the_pipe(box):
    pidfile = box.path("pid")
    result = box.app(f"pidfile={pidfile}", "--", "fork-worker", "kill-self=9", seconds=5)
    equal(result.code, ENDED, result)
    for pid in box.adopted():
        box.stop(pid, signal.SIGKILL)


@rows("NTF-17", "SEQ-2")
def the_program_starts_as_inits_child(box):
    fact = box.path("parent")
    program = ["/bin/sh", "-c", f"echo $PPID >{fact}.new; mv {fact}.new {fact}; exec sleep 60"]
    for _ in range(30):
        with box.running(program=program):
            equal(box.line_when_there(fact), f"{box.pid}\n")
        os.unlink(fact)


@rows("NTF-17", "SEQ-2")
def the_applications_own_code_starts_as_inits_child(box):
    facts = box.path("facts")
    for _ in range(30):
        with box.running_app("--", f"dump={facts}", "notify", "pause"):
            equal(facts_in(facts)["ppid"], [str(box.pid)])


@rows("NTF-13", "CLI-6", "CLI-12")
def standard_error_of_the_launcher_is_not_held_by_the_daemon(box):
    reading, writing = os.pipe()
    with box.running(stdout=writing, stderr=writing) as daemon:
        os.close(writing)
        equal(os.read(reading, 10), b"", "a caller that reads to the end is not kept waiting;")
        check(all("pipe" not in target for target in fds_of(daemon.pid).values()), fds_of(daemon.pid))
    os.close(reading)
