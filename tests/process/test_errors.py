"""test_errors.py - ERR: every kind of error with the exit code that the specification's table gives."""

import errno
import re
import resource
import signal

import linux
from harness import ERR, SLEEP, check, equal, returned, rows, write

# The kinds of blivet.h, in their order, and the rows that give their exit codes.
KINDS = (["ERR-1", "ERR-2", "ERR-3", "ERR-3", "ERR-4", "ERR-5", "ERR-5"] + ["ERR-6"] * 6 + ["ERR-7"] * 4
         + ["ERR-10", "ERR-14", "ERR-8", "ERR-9", "ERR-13"])


@rows("ERR-1", "ERR-2", "ERR-3", "ERR-4", "ERR-5", "ERR-6", "ERR-7", "ERR-8", "ERR-9", "ERR-10", "ERR-13", "ERR-14")
def the_librarys_table_is_that_of_the_specification(box):
    words = [line.split() for line in box.app("table").out.splitlines()]
    codes = {int(kind): int(code) for word, kind, code, *_ in words if word == "kind"}
    equal(codes[0], 0)
    equal([codes[kind] for kind in range(1, len(KINDS) + 1)], [ERR[row] for row in KINDS])
    names = [name for word, _, name, *_ in words if word == "step"]
    equal((names[0], names[15], "NULL" in names[1:15]), ("NULL", "NULL", False), "names of steps 0, 15, 1 to 14;")


def steps_failing(box):
    """Ways to fail that need no tracing: what to run, the row, what the message says."""
    folder, place = box.folder_in("folder"), box.folder_in("closed", 0o000)
    held = box.path("held")
    return held, [
        (["-c", "relative"], SLEEP, "ERR-1", "relative"),
        (["--no-such-option"], SLEEP, "ERR-1", "no-such-option"),
        ([], ["no-such-program"], "ERR-2", "no-such-program"),
        ([], ["/no/such/program"], "ERR-2", "/no/such/program"),
        (["-p", held], SLEEP, "ERR-4", held),
        (["-l", held], SLEEP, "ERR-4", held),
        (["-c", place], SLEEP, "ERR-6", place),
        (["-o", folder], SLEEP, "ERR-7", folder),
        (["-u", "nobody"], SLEEP, "ERR-10", "user"),
        (["-g", "nogroup"], SLEEP, "ERR-10", "group"),
    ]


@rows("ERR-1", "ERR-2", "ERR-4", "ERR-6", "ERR-7", "ERR-10", "ERR-11", "CFG-12", needs="user")
def each_error_has_its_code_and_one_line_of_lower_case(box):
    held, cases = steps_failing(box)
    with box.running("-p", held):
        for mode in ([], ["-f"]):
            for options, program, row, part in cases:
                with box.about(mode, options, program):
                    result = box.daemonize(*mode, *options, program=program)
                    box.refused(result, row, part)
                    words = result.err[len("daemonize: "):].rstrip("\n")
                    check(words[0].islower() or not words[0].isalpha(), "a capital letter:", words)
                    check(not words.endswith("."), "a full stop:", words)


@rows("ERR-3", "ERR-11", needs="root")
def an_unknown_user_or_group_has_its_code(box):
    for option in ("-u", "-g"):
        for mode in ([], ["-f"]):
            box.refused(box.daemonize(*mode, option, "no-such-name"), "ERR-3", "no-such-name")


@rows("ERR-5", "ERR-11")
def more_than_one_thread_has_its_code(box):
    box.returns(box.app("thread", "--", "notify"), "ERR-5", "thread")


@rows("ERR-6", "CLI-4", "NTF-13", needs="ptrace")
def an_exec_that_fails_for_other_reasons_is_a_system_error(box):
    pidfile = box.path("pid")
    for number in (errno.E2BIG, errno.ENOMEM, errno.EIO, errno.ELIBBAD, errno.ETXTBSY):
        def fail(call):
            if call.role == "daemon" and call.name in ("execve", "execveat") and not call.done:
                return number
        with box.about(linux.errno_name(number)):
            result, _ = box.trace([box.command, "-p", pidfile, "--", "/bin/sleep", "60"], fail)
            box.refused(result, "ERR-6", "/bin/sleep")
            box.nothing_left(pidfile)


@rows("ERR-6", "SEQ-7", needs="ptrace")
def each_step_has_an_error_of_its_own(box):
    """The kind and the step's name tell where it failed."""
    for role, name, part in (("launcher", "fork", "fork"), ("leader", "setsid", "setsid"),
                             ("leader", "fork", "fork"), ("daemon", "chdir", "/tmp"), ("daemon", "flock", "pid"),
                             ("daemon", "openat", "/dev/null")):
        names = ("fork", "vfork", "clone", "clone3") if name == "fork" else (name, name.replace("openat", "open"))

        def fail(call):
            if call.role == role and call.name in names and not call.done:
                return errno.ENOMEM
        with box.about(role, name):
            result, _ = box.trace([box.command, "-c", "/tmp", "-p", box.path("pid"), "--", *SLEEP], fail)
            equal(result.code, ERR["ERR-7" if name == "flock" else "ERR-6"], result)
            box.message(result, part)
            box.nothing_left(box.path("pid"))


@rows("ERR-6", "ERR-11", "NTF-7")
def an_error_carries_kind_errno_text_and_code(box):
    kind, code, message = returned(box.app("flag=foreground", f"stdout={box.folder}", "--", "notify"))
    equal((kind, code), (16, ERR["ERR-7"]))
    check(box.folder in message and "directory" in message, message)


@rows("ERR-7", "CLI-12", "NTF-13")
def a_pidfile_that_may_not_grow_is_an_error_and_no_death(box):
    how = {"limits": {resource.RLIMIT_FSIZE: (0, 0)}, "stderr": "/dev/null", "stdout": "/dev/null"}
    pidfile = box.path("pid")
    for argv in ([box.command, "-p", pidfile, "--", *SLEEP], [box.command, "-f", "-p", pidfile, "--", *SLEEP],
                 [box.app_path, f"pidfile={pidfile}", "--", "notify"],
                 [box.app_path, f"pidfile={pidfile}", "flag=foreground", "--", "notify"]):
        with box.about(argv):
            result = box.run(argv, **how)
            equal(result.code, ERR["ERR-7"], result)
            box.nothing_left(pidfile)


@rows("ERR-8", "ERR-9", "ERR-13")
def verdicts_that_do_not_come_or_are_none_have_their_codes(box):
    box.refused(box.app("timeout-ms=100", "--", "pause"), "ERR-8", name="app")
    box.refused(box.app("--", "garbage=ffff", "pause"), "ERR-9", name="app")
    box.refused(box.app("--", "return"), "ERR-13", name="app")


@rows("ERR-14", "NTF-9")
def a_failure_of_the_applications_own_that_names_no_code_has_one(box):
    for word in ("fail=0:reason", "report-error=19:0:reason"):
        result = box.app("--", word)
        equal((result.code, result.err), (ERR["ERR-14"], "app: reason\n"))


@rows("ERR-11", "NTF-5")
def an_overlong_subject_leaves_the_reason_in_the_message(box):
    path = "/" + "/".join(["x" * 200] * 15)
    result = box.daemonize("-c", path)
    box.refused(result, "ERR-1", "no such file or directory")
    check(re.search("x{100}", result.err), "the path, or what fits of it;", result)
    path = "/" + "x" * 5000
    box.refused(box.daemonize("-c", path), "ERR-1", "name too long")


@rows("ERR-6", "NTF-7")
def a_notification_that_fails_has_its_code(box):
    errors, go = box.path("errors"), box.path("go")
    launch, daemon = box.waiting_app(f"errors={errors}", "--", f"wait-for={go}", "notify", "pause")
    launch.kill(signal.SIGKILL)
    launch.wait()
    write(go, "")
    equal(box.line_when_there(errors).split()[2], str(ERR["ERR-6"]))
    box.stop(daemon)
