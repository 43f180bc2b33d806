"""test_config.py - CFG: what a configuration may say, and how it is refused."""

import os

from harness import (NOBODY, SLEEP, check, cwd_of, environ_of, equal, facts_in, fds_of, locked, returned,
                     rows, settles, snapshot, text, write)


def forks_of(box, argv):
    """Runs a command to its end and counts the processes that it made."""
    result, watcher = box.trace(argv, lambda call: None)
    return result, len(watcher.pids) - 1


@rows("CFG-1", "STD-1")
def an_empty_configuration_is_the_default_one(box):
    facts = box.path("facts")
    with box.running_app("--", f"dump={facts}", "notify", "pause") as daemon:
        equal(cwd_of(daemon.pid), "/")
        settles(lambda: fds_of(daemon.pid), {0: "/dev/null", 1: "/dev/null", 2: "/dev/null"}, "descriptors;")
        equal(facts_in(facts)["umask"], ["000"])
    equal(os.listdir(box.folder), ["facts"], "files made;")


@rows("CFG-1", "CFG-15")
def without_a_limit_the_launcher_waits(box):
    with box.running_app("--", "sleep=1500", "notify", "pause"):
        pass


@rows("CFG-1")
def what_a_configuration_reserves_must_be_zero(box):
    for word in ("reserved-word=1", "reserved=1", "flag=unknown"):
        with box.about(word):
            box.returns(box.app(word, "validate"), "ERR-1")
            box.returns(box.app(word, "--", "notify"), "ERR-1")


@rows("CFG-2")
def a_later_entry_of_a_name_wins_over_all_others(box):
    inherited = [b"PATH=/usr/bin:/bin", b"A=inherited", b"B=stays", b"A=again"]
    with box.running("-E", "A=first", "--env", "C=", "--env=A=last", "-E", "D", env=inherited) as daemon:
        found = environ_of(daemon.pid)
    equal(sorted(found), sorted([b"PATH=/usr/bin:/bin", b"B=stays", b"A=last", b"C=", b"D="]))


@rows("CFG-2")
def the_library_replaces_the_environment_too(box):
    words = ["env=A=1", "env=A=2", "env=E=", "--", "announce", "exec=/bin/sleep:60"]
    with box.running_app(*words, env=[b"A=0", b"B=b", b"A=00"]) as daemon:
        equal(sorted(environ_of(daemon.pid)), [b"A=2", b"B=b", b"E="])


@rows("CFG-2", "CLI-1")
def a_value_may_hold_equal_signs_and_newlines(box):
    with box.running("-E", "A=b=c\nd", env={}) as daemon:
        equal(environ_of(daemon.pid), [b"A=b=c\nd"])


@rows("CFG-3")
def validation_changes_nothing(box):
    box.file("old.log", "kept")
    before = snapshot(box.folder)
    words = [f"pidfile={box.path('pid')}", f"lockfile={box.path('lock')}", f"stdout={box.path('old.log')}",
             f"stderr={box.path('new.log')}", "env=A=B", "validate"]
    equal(box.app(*words).out, "valid\n")
    equal(snapshot(box.folder), before)


@rows("CFG-3", "SEQ-5", needs="ptrace")
def an_invalid_configuration_is_refused_before_any_fork(box):
    result, forks = forks_of(box, [box.app_path, "chdir=relative", "--", "notify"])
    box.returns(result, "ERR-1", "relative")
    equal(forks, 0, "processes made;")


@rows("CFG-4", "CFG-12", "ERR-1")
def relative_and_empty_paths_are_refused(box):
    fields = {"pidfile": "-p", "lockfile": "-l", "stdout": "-o", "stderr": "-e", "chdir": "-c"}
    for field, option in fields.items():
        for path in ("relative/path", ""):
            with box.about(field, repr(path)):
                box.returns(box.app(f"{field}={path}", "--", "notify"), "ERR-1", path)
                box.returns(box.app(f"{field}={path}", "validate"), "ERR-1", path)
                box.refused(box.daemonize(option, path, cwd=box.folder), "ERR-1", path)
    equal(os.listdir(box.folder), [])


@rows("CFG-4", "CFG-12")
def the_working_directory_exists_and_is_a_directory(box):
    for path, reason in ((box.path("none"), "no such file"), (box.file("file"), "not a directory")):
        with box.about(path):
            box.refused(box.daemonize("-c", path), "ERR-1", path, reason)
            box.returns(box.app(f"chdir={path}", "validate"), "ERR-1", path, reason)


@rows("CFG-5", "CFG-12")
def a_pidfile_or_lockfile_that_is_a_directory_is_refused(box):
    path = box.folder_in("directory")
    for option, field in (("-p", "pidfile"), ("-l", "lock")):
        with box.about(option):
            box.refused(box.daemonize(option, path), "ERR-1", field, path)


@rows("CFG-5", "ERR-7")
def an_output_that_is_a_directory_is_found_when_it_is_opened(box):
    path, pidfile = box.folder_in("directory"), box.path("pid")
    for option in ("-o", "-e"):
        with box.about(option):
            box.refused(box.daemonize("-p", pidfile, option, path), "ERR-7", path, "directory")
            box.nothing_left(pidfile)
    equal(box.app(f"stdout={path}", "validate").out, "valid\n")


@rows("CFG-6", "CFG-12", needs="user")
def a_file_that_cannot_be_written_is_refused(box):
    path = box.file("read-only", "content", 0o444)
    for option in ("-p", "-l", "-o", "-e"):
        with box.about(option):
            box.refused(box.daemonize(option, path), "ERR-1", path, "permission denied")
    equal(text(path), "content")


@rows("CFG-6", needs="user")
def a_new_file_needs_a_directory_that_can_be_written(box):
    place = box.folder_in("place", 0o555)
    for option in ("-p", "-l", "-o", "-e"):
        for path in (f"{place}/new", f"{box.folder}/none/new"):
            with box.about(option, path):
                box.refused(box.daemonize(option, path), "ERR-1", path)


@rows("CFG-6", needs="user")
def an_existing_file_may_lie_in_a_directory_that_cannot_be_written(box):
    place = box.folder_in("place", 0o755)
    log, pidfile = write(f"{place}/log", "old"), write(f"{place}/pid", "")
    os.chmod(place, 0o555)
    with box.running("-p", pidfile, "-o", log) as daemon:
        equal(text(pidfile), f"{daemon.pid}\n")
        equal(text(log), "")


@rows("CFG-6", "STD-1", needs="user")
def an_ordinary_user_may_name_the_null_device_as_output(box):
    with box.running("-o", "/dev/null", "-e", "/dev/null") as daemon:
        equal(fds_of(daemon.pid), {0: "/dev/null", 1: "/dev/null", 2: "/dev/null"})


@rows("CFG-6", needs="root")
def writability_is_judged_for_the_effective_user(box):
    path = box.file("log", "", 0o600)  # root's; a saved or real id of 0 must not count
    user = (NOBODY.pw_uid, NOBODY.pw_gid, [])
    box.refused(box.daemonize("-o", path, user=user), "ERR-1", path, "permission denied")


def spellings_of(box, path):
    """Other names of a file in the box's folder, be it there or not."""
    os.mkdir(box.path("sub"))
    os.symlink(box.folder, box.path("link-to-folder"))
    os.symlink(path, box.path("link"))
    name = os.path.basename(path)
    return [path, box.path(f"sub/../{name}"), box.path(f"link-to-folder/{name}"), f"{box.folder}//./{name}",
            box.path("link")]


@rows("CFG-7", "CFG-12")
def pidfile_and_log_may_not_be_one_file_not_even_one_to_come(box):
    path = box.path("file")
    for other in spellings_of(box, path):
        for option in ("-o", "-e"):
            with box.about(option, other):
                result = box.daemonize("-p", path, option, other)
                box.refused(result, "ERR-1", "pidfile")
                check(path in result.err or other in result.err, "the path is named;", result)
    check(not os.path.exists(path), "the file was made")


@rows("CFG-7")
def lockfile_and_log_may_not_be_one_file(box):
    path = box.file("file", "content")
    others = spellings_of(box, path)
    for other in others:
        with box.about(other):
            box.refused(box.daemonize("-l", path, "-o", other), "ERR-1", "lock")
            box.returns(box.app(f"lockfile={path}", f"stderr={other}", "validate"), "ERR-1", "lock")
    equal(text(path), "content")


@rows("CFG-7")
def a_hard_link_to_the_pidfile_is_the_same_file(box):
    path = box.file("file", "content")
    os.link(path, box.path("hard"))
    box.refused(box.daemonize("-p", path, "-o", box.path("hard")), "ERR-1", "pidfile")
    equal(text(path), "content")


@rows("CFG-7", "STD-2", needs="ptrace")
def a_log_that_becomes_the_lockfile_meanwhile_is_found_before_it_is_cut(box):
    lock, log = box.file("lock", "notes"), box.path("log")

    def plant(call):
        if call.role == "leader" and call.name == "setsid" and not call.done:
            os.symlink(lock, log)
    result, _ = box.trace([box.command, "-l", lock, "-o", log, "--", *SLEEP], plant)
    box.refused(result, "ERR-7", log)
    equal(text(lock), "notes")
    box.nothing_left(None, lock)


@rows("CFG-7")
def pidfile_and_lockfile_may_be_one_file(box):
    path = box.path("file")
    with box.running("-p", path, "-l", path) as daemon:
        equal(text(path), f"{daemon.pid}\n")
        check(locked(path), "it is locked")
        box.refused(box.daemonize("-p", path, "-l", path), "ERR-4", path)


@rows("CFG-8", "CLI-7", "ERR-1")
def an_environment_name_is_not_empty_and_has_no_equal_sign(box):
    for words in (["env-name="], ["env-name=A=B"], ["env-name=="]):
        with box.about(words):
            box.returns(box.app(*words, "validate"), "ERR-1", "env")
            box.returns(box.app(*words, "--", "notify"), "ERR-1", "env")
    box.refused(box.daemonize("-E", "=value"), "ERR-1", "env")
    box.refused(box.daemonize("-E", ""), "ERR-1", "env")


@rows("CFG-9", "ERR-10", needs=("user", "ptrace"))
def a_user_or_group_is_for_root_alone_and_denied_before_any_fork(box):
    pidfile = box.path("pid")
    for option in (["-u", "nobody"], ["-g", "0"], ["-u", "no-such-user"]):
        with box.about(option):
            result, forks = forks_of(box, [box.command, "-p", pidfile, *option, "--", *SLEEP])
            box.refused(result, "ERR-10", "permission denied")
            equal(forks, 0, "processes made;")
    check(not os.path.exists(pidfile), "a pidfile was made")


@rows("CFG-10", needs=("root", "ptrace"))
def validation_never_asks_the_user_database(box):
    asked = []

    def watch(call):
        if call.name in ("open", "openat") and call.done and call.path() in ("/etc/passwd", "/etc/group",
                                                                             "/etc/nsswitch.conf"):
            asked.append(call.path())
    words = ["user=no-such-user", "group=no-such-group", "validate"]
    equal(box.trace([box.app_path, *words], watch)[0].out, "valid\n")
    equal(asked, [], "files of the user database opened;")


@rows("CFG-11", "CLI-1", "CLI-7")
def the_umask_is_octal_and_at_most_07777(box):
    for mask in ("10000", "77777777777777777777777", "8", "0x1", "-1", "", "22 ", "u=rwx"):
        with box.about(repr(mask)):
            box.refused(box.daemonize("-m", mask), "ERR-1", "umask")
    box.returns(box.app("umask=10000", "validate"), "ERR-1", "umask")
    equal(box.app("umask=7777", "validate").out, "valid\n")
    for mask, mode in (("027", 0o640), ("0077", 0o600), ("0", 0o644)):
        with box.about(mask), box.running("-m", mask, "-p", box.path(mask)):
            equal(os.stat(box.path(mask)).st_mode & 0o7777, mode, "the pidfile's mode;")


@rows("CFG-13", "PID-2")
def the_pidfile_is_the_lock_by_default(box):
    path = box.path("pid")
    with box.running("-p", path):
        check(locked(path), "the pidfile is locked")
    check(not locked(path), "the lock ended with the program")
    with box.running_app(f"pidfile={path}", "--", "notify", "pause"):
        check(locked(path), "the library locks it too")


@rows("CFG-13")
def a_lockfile_is_the_lock_instead_and_its_content_stays(box):
    pidfile, lock = box.path("pid"), box.file("lock", "somebody's notes\n")
    with box.running("-p", pidfile, "-l", lock) as daemon:
        equal((locked(lock), locked(pidfile)), (True, False), "locked: lockfile, pidfile;")
        equal(text(pidfile), f"{daemon.pid}\n")
        box.refused(box.daemonize("-p", box.path("other"), "-l", lock), "ERR-4", lock)
    equal(text(lock), "somebody's notes\n")
    check(not os.path.exists(box.path("other")), "the refused start made a pidfile")


@rows("CFG-13", "PID-1")
def a_lockfile_works_without_a_pidfile(box):
    lock = box.path("lock")
    with box.running("-l", lock, "-m", "022"):
        check(locked(lock), "it is locked")
        equal((os.stat(lock).st_mode & 0o7777, text(lock)), (0o644, ""))


@rows("CFG-13")
def locking_can_be_turned_off(box):
    path = box.path("pid")
    with box.running("-p", path, "--no-lock") as first:
        check(not locked(path), "nothing is locked")
        equal(sorted(fds_of(first.pid)), [0, 1, 2])
        result = box.daemonize("-p", path, "--no-lock")
        equal(result.code, 0, result)
        second = [pid for pid in box.adopted() if pid != first.pid]
        equal(text(path), f"{second[0]}\n", "the pidfile of the second start;")
        box.stop(second[0])


@rows("CFG-13", "CLI-7")
def naming_a_lock_and_turning_it_off_exclude_each_other(box):
    lock = box.path("lock")
    box.refused(box.daemonize("--no-lock", "-l", lock), "ERR-1", "lock")
    box.returns(box.app("flag=no-lock", f"lockfile={lock}", "validate"), "ERR-1", "lock")
    check(not os.path.exists(lock), "the lockfile was made")


@rows("CFG-14", "STD-5")
def listed_descriptors_stay_open(box):
    kept = os.open(box.file("kept"), os.O_RDONLY)
    more = {7: kept, 8: kept, 150: kept}
    with box.running("--keep-fd", "7", "--keep-fd=150", fds=more) as daemon:
        equal(sorted(fds_of(daemon.pid)), [0, 1, 2, 7, 150])
    with box.running_app("keep-fd=8", "--", "notify", "pause", fds=more) as daemon:
        settles(lambda: sorted(fds_of(daemon.pid)), [0, 1, 2, 8], "descriptors;")


@rows("CFG-14", "ERR-1")
def a_descriptor_to_keep_is_open_and_above_the_streams(box):
    for fd in ("0", "1", "2", "7", "1000000"):
        with box.about(fd):
            box.refused(box.daemonize("--keep-fd", fd), "ERR-1", "keep", fd)
            box.returns(box.app(f"keep-fd={fd}", "validate"), "ERR-1", fd)
    box.returns(box.app("keep-fd=-1", "validate"), "ERR-1", "-1")


@rows("CFG-14", "CLI-7")
def a_descriptor_to_keep_is_a_number(box):
    for word in ("x", "", "-1", "7x", "99999999999"):
        with box.about(repr(word)):
            box.refused(box.daemonize("--keep-fd", word), "ERR-1", "keep-fd")


@rows("CFG-15", "NTF-11", "ERR-8")
def a_limit_on_waiting_can_be_set(box):
    result = box.app("timeout-ms=200", "--", "pause")
    box.refused(result, "ERR-8", name="app")
    box.nothing_left()
    with box.running_app("timeout-ms=5000", "--", "notify", "pause"):
        pass


@rows("CFG-12")
def each_refusal_of_the_library_names_field_path_and_reason(box):
    gone = box.path("gone/file")
    for field in ("pidfile", "lockfile", "stdout", "stderr"):
        with box.about(field):
            _, _, message = returned(box.app(f"{field}={gone}", "validate"))
            for part in (field[:4], gone, "no such file or directory"):
                check(part in message, f"{part!r} is in {message!r}")
