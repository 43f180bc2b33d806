"""test_command.py - CLI: the command's options, the program it runs, and what it prints."""

import errno
import os
import re
import resource
import struct
import sys
import time

import linux
from harness import (ERR, NOBODY, SLEEP, Skip, check, cmdline_of, cwd_of, environ_of, equal, fds_of, locked, read,
                     rows, status_of, text, wait_until, write)

LONG = """--pidfile --chdir --umask --stdout --stderr --append --lock --no-lock --env --user --group --chown
    --foreground --no-close-fds --keep-fd --verbose --help --version""".split()


# --- CLI-1, CLI-2: options ----------------------------------------------------------------------------

@rows("CLI-1")
def options_are_spelled_as_getopt_long_has_it(box):
    pidfile, log = box.path("pid"), box.path("log")
    for options in (["-p", pidfile, "-a", "-o", log, "-m", "027"], [f"-ap{pidfile}", f"-o{log}", "-m027"],
                    ["--pidfile", pidfile, "--append", "--stdout", log, "--umask", "027"],
                    [f"--pidfile={pidfile}", "--append", f"--stdout={log}", "--umask=027"],
                    [f"--pidf={pidfile}", "--app", f"--stdo={log}", "--um=027"]):
        write(log, "old\n")
        with box.about(options), box.running(*options) as daemon:
            equal((text(pidfile), text(log), status_of(daemon.pid)["Umask"]), (f"{daemon.pid}\n", "old\n", "0027"))


@rows("CLI-1")
def every_option_has_both_its_names(box):
    lock, err, place = box.path("lock"), box.path("err"), box.folder_in("place")
    for options in (["-l", lock, "-c", place, "-e", err, "-E", "A=B"],
                    ["--lock", lock, "--chdir", place, "--stderr", err, "--env", "A=B"]):
        with box.about(options), box.running(*options) as daemon:
            equal((locked(lock), cwd_of(daemon.pid), fds_of(daemon.pid)[2]), (True, place, err))
            check(b"A=B" in environ_of(daemon.pid), environ_of(daemon.pid))


@rows("CLI-1", "CLI-8")
def options_end_at_the_first_word_that_is_none(box):
    for words in (["sleep", "60"], ["--", "sleep", "60"]):
        result = box.run([box.command, *words])
        equal(result.code, 0, result)
        box.stop(box.the_daemon())
    arguments = ["-p", "/none", "--help", "--", "-V"]
    for words in (["--"], []):
        result = box.run([box.command, *words, "/bin/sh", "-c", "exec sleep 60", *arguments])
        equal(result.code, 0, result)
        program = ["/bin/sh", "-c", "sleep 60; :", *arguments]
        box.stop(box.the_daemon())
        with box.running(program=program) as daemon:
            equal(cmdline_of(daemon.pid)[3:], [word.encode() for word in arguments])


@rows("CLI-1", "CFG-2")
def a_bare_name_is_set_to_nothing(box):
    with box.running("-E", "A", env=[b"A=inherited"]) as daemon:
        equal(environ_of(daemon.pid), [b"A="])


@rows("CLI-2")
def stderr_goes_beside_stdout(box):
    for out, err in (("a.stdout", "a.stderr"), ("a.out", "a.err"), ("a.log", "a.log"), ("a.out.log", "a.out.log"),
                     ("stdout", "stdout"), ("a.stdout.out", "a.stdout.err"), ("a.outer", "a.outer")):
        with box.about(out), box.running("-o", box.path(out)) as daemon:
            found = fds_of(daemon.pid)
            equal((found[1], found[2]), (box.path(out), box.path(err)))
    place = box.folder_in("d.out")
    with box.running("-o", f"{place}/log") as daemon:
        equal(fds_of(daemon.pid)[2], f"{place}/log", "only the name's end counts;")
    with box.running("-o", box.path("b.out"), "-e", box.path("other")) as daemon:
        equal(fds_of(daemon.pid)[2], box.path("other"), "an explicit -e wins;")
    with box.running("-e", box.path("only.err")) as daemon:
        equal((fds_of(daemon.pid)[1], fds_of(daemon.pid)[2]), ("/dev/null", box.path("only.err")))


# --- CLI-3, CLI-4, CLI-9, CLI-10: the program ------------------------------------------------------------

@rows("CLI-3", "CLI-9")
def a_relative_program_is_found_from_the_launchers_directory(box):
    place = box.folder_in("place")
    os.symlink("/bin/sleep", f"{place}/program")
    os.symlink(place, box.path("link"))
    for cwd, word in ((place, "./program"), (box.folder, "place/program"), (box.folder, "link/program"),
                      (place, "../place/program")):
        with box.about(cwd, word), box.running(program=[word, "60"], cwd=cwd) as daemon:
            name, argument = cmdline_of(daemon.pid)
            equal(argument, b"60")
            check(name.startswith(b"/") and name.endswith(b"program"), "argv[0] is absolute, no link resolved:", name)
            equal(os.path.realpath(os.path.dirname(name)), place.encode(), "argv[0] leads there;")
            check(b"link" in name or "link" not in word, "a link on the way was resolved:", name)


@rows("CLI-9")
def argv_0_is_what_the_user_wrote(box):
    for word in ("sleep", "/bin/sleep", "/bin//sleep", "/bin/../bin/sleep"):
        with box.about(word), box.running(program=[word, "60"]) as daemon:
            equal(cmdline_of(daemon.pid), [word.encode(), b"60"])


@rows("CLI-9")
def a_multi_call_program_reached_through_a_link_keeps_its_name(box):
    program = box.script("multi", 'echo "$0" >"$(dirname "$0")/name"; exec sleep 60')
    os.symlink(program, box.path("alias"))
    with box.running(program=["./alias"], cwd=box.folder):
        wait_until(lambda: os.path.exists(box.path("name")) and read(box.path("name")), "its name")
        check(text(box.path("name")).endswith("/alias\n"), text(box.path("name")))


@rows("CLI-3", "CLI-4", "ERR-2", needs="ptrace")
def a_program_with_a_slash_is_checked_before_the_fork(box):
    plain, folder = box.file("plain", "text", 0o644), box.folder_in("folder")
    for word in (box.path("none"), plain, folder, f"{plain}/x", "./none"):
        with box.about(word):
            result, watcher = box.trace([box.command, "-p", box.path("pid"), "--", word], lambda call: None)
            box.refused(result, "ERR-2", word)
            equal(len(watcher.pids), 1, "processes;")
    check(not os.path.exists(box.path("pid")), "a pidfile was made")


@rows("CLI-3", "CLI-4", "ERR-2")
def a_bare_name_is_searched_in_the_daemons_path(box):
    first, second = box.folder_in("first"), box.folder_in("second")
    os.symlink("/bin/sleep", f"{second}/program")
    write(f"{first}/program", "not executable", 0o644)
    for path in (second, f"/none:{second}", f"{first}:{second}", f"::{second}:"):
        with box.about(path), box.running("-E", f"PATH={path}", program=["program", "60"], cwd="/tmp") as daemon:
            equal(os.readlink(f"/proc/{daemon.pid}/exe"), os.path.realpath("/bin/sleep"))
    for path in ("", ":/none", "/none::/none", "/none:"):  # an empty element is the working directory
        with box.about(path), box.running("-E", f"PATH={path}", "-c", second, program=["program", "60"]) as daemon:
            equal(os.readlink(f"/proc/{daemon.pid}/exe"), os.path.realpath("/bin/sleep"))
    box.refused(box.daemonize("-E", f"PATH={first}", program=["program"]), "ERR-2", "program")
    box.refused(box.daemonize("-E", "PATH=/none", program=["sleep", "60"]), "ERR-2", "sleep")
    box.refused(box.daemonize("-E", f"PATH={second}", program=["none"], env={"PATH": "/bin"}), "ERR-2", "none")


@rows("CLI-3")
def without_a_path_the_systems_default_is_searched(box):
    with box.running(env=[]) as daemon:
        equal((cmdline_of(daemon.pid), environ_of(daemon.pid)), ([b"sleep", b"60"], []))
    box.refused(box.daemonize(program=["no-such-program"], env=[]), "ERR-2", "no-such-program")


@rows("CLI-3", "ERR-2")
def an_empty_program_name_is_no_program(box):
    result = box.daemonize(program=[""])
    check(result.code in (ERR["ERR-1"], ERR["ERR-2"]), result)
    box.message(result)


@rows("CLI-3")
def a_directory_that_is_gone_matters_to_relative_names_only(box):
    place = box.folder_in("place")

    def leave():
        os.chdir(place)
        os.rmdir(place)
    with box.running("-p", box.path("pid"), before=leave):
        os.mkdir(place)
    with box.running(program=["/bin/sleep", "60"], before=leave):
        os.mkdir(place)
    result = box.daemonize(program=["./sleep", "60"], before=leave)
    check(result.code in (ERR["ERR-2"], ERR["ERR-6"]), result)
    box.message(result)


@rows("CLI-4", "ERR-2", "NTF-13", "PID-9")
def a_program_that_cannot_be_run_is_told_after_the_fork_too(box):
    pidfile = box.path("pid")
    missing = box.script("interpreter-missing", "")
    write(missing, "#!/no/such/interpreter\n", 0o755)
    for mode in ([], ["-f"]):
        for program in (["no-such-program"], [missing]):
            with box.about(mode, program):
                box.refused(box.daemonize(*mode, "-p", pidfile, program=program), "ERR-2", program[0])
                box.nothing_left(pidfile)


@rows("CLI-10")
def a_script_without_a_first_line_is_run_by_sh(box):
    place, fact = box.folder_in("place"), box.path("fact")
    write(f"{place}/script", f'echo "$0|$1|$2" >{fact}.new; mv {fact}.new {fact}; exec sleep 60\n', 0o755)
    for program, env in ((f"{place}/script", None), ("script", {"PATH": f"{place}:/usr/bin:/bin"})):
        with box.about(program), box.running(program=[program, "a b", "-c"], env=env):
            equal(box.line_when_there(fact).strip().split("|"), [f"{place}/script", "a b", "-c"])
        os.unlink(fact)


# --- CLI-5 to CLI-8 ------------------------------------------------------------------------------------------

@rows("CLI-6")
def nothing_is_printed_on_success(box):
    with box.running("-p", box.path("pid"), "-o", box.path("log")) as daemon:
        equal((daemon.result.out, daemon.result.err), ("", ""))


@rows("CLI-6")
def verbose_says_on_stderr_what_will_be_done(box):
    pidfile, log, lock = box.path("pid"), box.path("log.out"), box.path("lock")
    with box.running("-v", "-p", pidfile, "-l", lock, "-o", log) as daemon:
        equal(daemon.result.out, "")
        for part in ("sleep", pidfile, log, box.path("log.err"), lock):
            check(part in daemon.result.err, f"{part} is said in", daemon.result.err)
        check(all(line.startswith("daemonize: ") for line in daemon.result.err.splitlines()), daemon.result.err)


@rows("CLI-6")
def verbose_says_how_long_is_waited_and_for_what(box):
    with box.running("-v", "--ready=fd:5", "-t", "7.5", "--on-timeout", "leave", program=["/bin/sh", "-c", "echo >&5; exec sleep 600"]) as daemon:
        for line in ("ready: fd:5", "timeout in seconds: 7.5", "on timeout: leave"):
            check(f"daemonize: {line}" in daemon.result.err.splitlines(), line, "is said in", daemon.result.err)


@rows("CLI-6", needs="root")
def verbose_names_user_and_group(box):
    for mode in ([], ["-f"]):
        result = box.daemonize("-v", *mode, "-u", "nobody", "-g", "4", program=["/bin/true"])
        equal((result.code, result.out), (0, ""), result)
        for pattern in (rf"\b(nobody|{NOBODY.pw_uid})\b", r"\b(adm|4)\b"):
            check(re.search(pattern, result.err), pattern, "is said in", result.err)
    wait_until(lambda: not box.adopted(), "true to end")


@rows("CLI-6", "NTF-5")
def verbose_escapes_what_it_names(box):
    pidfile = os.fsencode(box.folder) + b"/p\x1b[31m\n\xff"
    with box.running("-v", "-p", pidfile) as daemon:
        check(not set(daemon.result.err_bytes.replace(b"\n", b"")) & {*range(32), 127}, daemon.result.err_bytes)
        daemon.result.err_bytes.decode()


@rows("CLI-7", "ERR-1", "CFG-12")
def a_usage_error_names_option_and_value_and_points_to_help(box):
    for options, *parts in ((["--nonsense"], "nonsense"), (["-Z"], "Z"), (["-m", "abc"], "umask", "abc"),
                            (["--chown", "some"], "chown", "some"), (["--keep-fd", "x"], "keep-fd", "x"),
                            (["--append=yes"], "append"), (["--s=/x"], "s"), (["-E", "=x"], "env")):
        with box.about(options):
            result = box.daemonize(*options)
            box.refused(result, "ERR-1", *parts, "--help")
            equal(result.out, "")
    for words in (["-p"], ["--pidfile"], [], ["--"], ["-p", box.path("pid")]):
        with box.about(words):
            box.refused(box.run([box.command, *words]), "ERR-1", "--help")
    equal(os.listdir(box.folder), [])


@rows("CLI-7")
def an_option_given_twice_is_taken_the_last_time(box):
    with box.running("-p", box.path("one"), "-p", box.path("two")):
        equal(os.listdir(box.folder), ["two"])


@rows("CLI-8", "NTF-5")
def any_bytes_pass_unchanged(box):
    odd = [b"", b" ", b"a b", b"new\nline", b"\x1b[31m", b"\xff\xfe", b"'\"\\$`*", b"-p", b"--", "é".encode()]
    with box.running(program=["/bin/sh", "-c", "sleep 60; :", "name", *odd]) as daemon:
        equal(cmdline_of(daemon.pid)[4:], odd)
    env = [b"A=new\nline", b"B=\xff", b"=odd", b"without-equal-sign", b"C=", b"\x1b=x"]
    with box.running("-E", b"D=\xff\n", env=env, program=["/bin/sleep", "60"]) as daemon:
        equal(sorted(environ_of(daemon.pid)), sorted([*env, b"D=\xff\n"]))


@rows("CLI-8", "PID-1", "STD-2")
def paths_may_have_any_bytes(box):
    place = os.fsencode(box.folder) + b"/p \n\x1b\xff"
    os.mkdir(place)
    with box.running("-p", place + b"/pid", "-o", place + b"/log", "-c", place) as daemon:
        equal(sorted(os.listdir(place)), [b"log", b"pid"])
        equal(read(place + b"/pid"), b"%d\n" % daemon.pid)
        equal(os.readlink(f"/proc/{daemon.pid}/cwd".encode()), place)
    result = box.daemonize("-p", place + b"/pid", "-o", place)
    equal(result.code, ERR["ERR-7"], result)
    box.message(result)


@rows("CLI-8", "ERR-6")
def arguments_near_the_systems_limits_pass(box):
    limit = {resource.RLIMIT_STACK: (8 << 20, resource.RLIM_INFINITY)}  # a quarter of it is for arguments
    longest = b"x" * (32 * os.sysconf("SC_PAGESIZE") - 1)
    many = [b"%07d" % number for number in range(60_000)]
    for arguments in ([longest], [longest] * 11, many):
        with box.about(len(arguments), "arguments"):
            program = ["/bin/sh", "-c", "sleep 60; :", "name", *arguments]
            with box.running("-p", box.path("pid"), program=program, limits=limit) as daemon:
                equal(cmdline_of(daemon.pid)[4:], arguments)
    big = [b"A=" + longest[2:], *(b"N%06d=value" % number for number in range(20_000))]
    with box.running(env=big, program=["/bin/sleep", "60"], limits=limit) as daemon:
        equal(sorted(environ_of(daemon.pid)), sorted(big))


# --- CLI-12 to CLI-15 ------------------------------------------------------------------------------------------

def bad_outputs(box):
    """Standard errors that cannot be written to."""
    reading, writing = os.pipe()
    os.close(reading)
    return {"full": {"stderr": "/dev/full"},
            "a pipe without a reader": {"stderr": writing},
            "closed": {"close": (2,)},
            "past the size limit": {"stderr": box.file("stderr"), "limits": {resource.RLIMIT_FSIZE: (0, 0)}},
            "read only": {"stderr": os.open("/dev/null", os.O_RDONLY)}}


@rows("CLI-12", "SEQ-9")
def a_message_that_cannot_be_written_changes_no_exit_code(box):
    held = box.path("held")
    with box.running("-l", held):
        for label, how in bad_outputs(box).items():
            for mode in ([], ["-f"]):
                with box.about(label, mode):
                    equal(box.daemonize(*mode, "--nonsense", **how).code, ERR["ERR-1"])
                    equal(box.daemonize(*mode, "-l", held, **how).code, ERR["ERR-4"])
                    equal(box.daemonize(*mode, "-o", box.folder, **how).code, ERR["ERR-7"])
                    equal(box.daemonize(*mode, program=["no-such-program"], **how).code, ERR["ERR-2"])
    equal(read(box.path("stderr")), b"")


@rows("CLI-12")
def a_full_pipe_that_nobody_empties_delays_by_a_second_at_most(box):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    began = time.monotonic()
    equal(box.daemonize("-o", box.folder, stderr=writing, seconds=5).code, ERR["ERR-7"])
    equal(box.app("--", "fail=42:reason", stderr=writing, seconds=5).code, 42)
    check(time.monotonic() - began < 3.5, "it took", time.monotonic() - began)
    os.close(reading)


@rows("CLI-12", "CLI-6")
def a_message_that_cannot_be_written_changes_no_course(box):
    for label, how in bad_outputs(box).items():
        with box.about(label), box.running("-v", **how) as daemon:
            equal(cmdline_of(daemon.pid), [b"sleep", b"60"])


@rows("CLI-12", "NTF-9")
def the_librarys_launcher_is_not_changed_by_it_either(box):
    for label, how in bad_outputs(box).items():
        for mode in ([], ["flag=foreground"]):
            with box.about(label, mode):
                equal(box.app(*mode, "--", "fail=42:reason", **how).code, 42)


@rows("CLI-19", "CLI-13")
def help_and_version_that_cannot_be_written_are_an_error(box):
    for option in ("--help", "--version"):
        box.lost_output([box.command, option])


@rows("CLI-19", needs=("root", "mounts"))
def output_of_which_a_full_disk_takes_a_part_is_lost_output(box):
    linux.private_mounts()
    disk = box.folder_in("disk")
    linux.mount("tmpfs", disk, "tmpfs", data="size=4k")
    out = write(os.path.join(disk, "out"), "x" * 3000)
    result = box.daemonize("--explain", stdout=os.open(out, os.O_WRONLY | os.O_APPEND))
    equal((result.code, result.err), (74, "daemonize: standard output: no space left on device\n"))
    equal(len(read(out)), 4096)


@rows("CLI-13")
def help_names_every_option_and_version_the_version(box):
    for option in ("-h", "--help"):
        result = box.run([box.command, option])
        equal((result.code, result.err), (0, ""))
        for name in LONG:
            check(name in result.out, name, "is missing in", result.out)
    for option in ("-V", "--version"):
        result = box.run([box.command, option])
        equal((result.code, result.err), (0, ""))
        check(re.fullmatch(r"daemonize \d+\.\d+\.\d+\S*\n", result.out), result)


@rows("CLI-14", "ERR-2")
def in_the_foreground_failures_are_printed_on_the_first_stderr(box):
    err = box.file("err")
    for options in (["-e", err], ["-o", err], ["-a", "-o", box.path("out"), "-e", err]):
        with box.about(options):
            box.refused(box.daemonize("-f", *options, program=["no-such-program"]), "ERR-2", "no-such-program")
            equal(text(err), "")


@rows("CLI-14", "STD-5")
def the_first_stderr_does_not_reach_the_program(box):
    out, err = box.path("out"), box.path("err")
    argv = [box.command, "-f", "-o", out, "-e", err, "--", *SLEEP]
    with box.foreground(argv, lambda: os.path.exists(err)) as launch:
        wait_until(lambda: b"sleep" in read(f"/proc/{launch.pid}/comm"), "exec")
        equal(fds_of(launch.pid), {0: "/dev/null", 1: out, 2: err})


@rows("CLI-15", "ERR-10", needs="root")
def the_command_refuses_to_run_set_user_id(box):
    if os.statvfs(box.folder).f_flag & os.ST_NOSUID:
        raise Skip("this file system is mounted nosuid")
    copy, somebody = box.path("copy"), (NOBODY.pw_uid, NOBODY.pw_gid, [])
    write(copy, read(box.command))
    for mode, what in ((0o4755, "set-user-ID"), (0o2755, "set-group-ID"), (0o6755, "both")):
        os.chmod(copy, mode)
        with box.about(what):
            for options in ([], ["-f"], ["-v"]):
                result = box.run([copy, *options, "--", *SLEEP], user=somebody)
                equal(result.code, ERR["ERR-10"], result)
    os.chmod(copy, 0o755)
    equal(box.run([copy, "--", "/bin/true"], user=somebody).code, 0)
    lent = "import os, sys; os.setresuid(%d, 0, 0); os.execv(sys.argv[1], sys.argv[1:])" % NOBODY.pw_uid
    equal(box.run([sys.executable, "-c", lent, copy, "--", "/bin/true"]).code, ERR["ERR-10"], "with another's effective id;")
    bind_low_ports = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)  # a right that is the file's, but nobody else's ids
    os.setxattr(copy, "security.capability", bind_low_ports)
    equal(box.run([copy, "--", "/bin/true"], user=somebody).code, 0, "with a capability;")
    wait_until(lambda: not box.adopted(), "true to end")


@rows("CLI-1", "CLI-5", "SEQ-4")
def in_the_foreground_the_program_takes_the_process_over(box):
    pidfile = box.path("pid")
    result = box.daemonize("-f", "-p", pidfile, program=["/bin/sh", "-c", f"cat {pidfile}; echo $$; exit 7"])
    equal((result.code, result.out), (7, f"{result.pid}\n" * 2))
    check(not locked(pidfile), "the lock is free")


@rows("CLI-11", "NTF-3", needs="ptrace")
def the_announcement_is_the_last_act_before_exec(box):
    calls = []
    result, _ = box.trace([box.command, "-p", box.path("pid"), "--", "/bin/sleep", "60"],
                          lambda call: calls.append(call.name) if call.role == "daemon" and not call.done else None)
    equal(result.code, 0, result)
    box.stop(box.the_daemon())
    equal(calls[-1], "execve")
    check(calls[-2] in ("write", "sendto", "sendmsg"), "before exec:", calls[-6:])


@rows("SEQ-14", "CLI-4", "ERR-2")
def exec_errors_are_told_without_newer_calls(box):
    deny = {"close_range": errno.ENOSYS, "pidfd_open": errno.ENOSYS, "openat2": errno.ENOSYS, "clone3": errno.ENOSYS}
    box.refused(box.daemonize(program=["no-such-program"], deny=deny), "ERR-2", "no-such-program")
