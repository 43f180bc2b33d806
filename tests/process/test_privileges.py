"""test_privileges.py - PRV: users, groups, and who owns the files."""

import errno
import grp
import os

import linux
from harness import (ERR, NOBODY, SLEEP, check, environ_of, equal, fds_of, ids_of, locked, read, rows, settles,
                     status_of, text, write)

NOGROUP = grp.getgrgid(NOBODY.pw_gid)
TRIPLE = lambda number: [number] * 3
LOOKED_UP_IN_VAIN = ("no-such-user", "", "4294967295", "4294967296", "99999999999", "99999999999999999999999",
                     "-1", "+0", " 0", "0x0", "1 ", "nobody\n", "12345678")


def database_with(box, *lines):
    """Adds users to the system's database, for this test alone: their home is anywhere, groups too."""
    linux.private_mounts()
    for name, more in (("passwd", lines), ("group", ["second:x:70001:extra", "third:x:70002:extra,nobody"])):
        copy = box.file(name, text(f"/etc/{name}").rstrip("\n") + "\n" + "\n".join(more) + "\n")
        linux.mount(copy, f"/etc/{name}", None, linux.MS_BIND)


def capabilities_of(pid):
    """Permitted, effective and ambient."""
    status = status_of(pid)
    return [int(status[f"Cap{kind}"], 16) for kind in ("Prm", "Eff", "Amb")]


def owner(path):
    now = os.stat(path)
    return now.st_uid, now.st_gid


# --- PRV-2, PRV-3, PRV-5: who ------------------------------------------------------------------------

@rows("PRV-2", "PRV-3", "PRV-4", "CLI-11", needs="root")
def the_program_runs_as_the_user_with_all_six_ids(box):
    for user in ("nobody", str(NOBODY.pw_uid), f"000{NOBODY.pw_uid}"):
        with box.about(user), box.running("-u", user) as daemon:
            equal(ids_of(daemon.pid), (TRIPLE(NOBODY.pw_uid), TRIPLE(NOBODY.pw_gid), [NOBODY.pw_gid]))
            equal(capabilities_of(daemon.pid), [0, 0, 0])


@rows("PRV-3", needs=("root", "mounts"))
def the_supplementary_groups_are_the_users_of_the_database(box):
    database_with(box, "extra:x:70000:70000:a user:/home/extra:/bin/sh")
    user = (0, 0, [0, 4, 24])  # root's own groups must not stay
    with box.running("-u", "extra", user=user) as daemon:
        equal(ids_of(daemon.pid), (TRIPLE(70000), TRIPLE(70000), [70000, 70001, 70002]))
    with box.running("-u", "70000", "-g", "second", user=user) as daemon:
        equal(ids_of(daemon.pid), (TRIPLE(70000), TRIPLE(70001), [70000, 70001, 70002]))
    with box.running("-u", "nobody", user=user) as daemon:
        equal(ids_of(daemon.pid)[2], sorted([NOBODY.pw_gid, 70002]))


@rows("PRV-3", needs="root")
def a_group_alone_becomes_the_only_group(box):
    for group in (NOGROUP.gr_name, str(NOGROUP.gr_gid)):
        with box.about(group), box.running("-g", group, user=(0, 0, [0, 4, 24])) as daemon:
            equal(ids_of(daemon.pid), (TRIPLE(0), TRIPLE(NOGROUP.gr_gid), [NOGROUP.gr_gid]))


@rows("PRV-2", needs="root")
def a_group_number_needs_no_entry(box):
    with box.running("-g", "765432") as daemon:
        equal(ids_of(daemon.pid)[1:], (TRIPLE(765432), [765432]))


@rows("PRV-3", "PRV-7", needs="root")
def without_user_and_group_nothing_changes(box):
    log = box.file("log")
    os.chown(log, 1, 1)
    with box.running("-o", log, user=(0, 0, [0, 4, 24])) as daemon:
        equal(ids_of(daemon.pid), (TRIPLE(0), TRIPLE(0), [0, 4, 24]))
        equal(owner(log), (1, 1))


@rows("PRV-2", "ERR-3", "CFG-10", needs=("root", "ptrace"))
def who_cannot_be_found_is_refused_before_any_fork(box):
    pidfile, log = box.path("pid"), box.file("log", "precious")
    for option, field in (("-u", "user"), ("-g", "group")):
        for name in LOOKED_UP_IN_VAIN:
            if option == "-g" and name == "12345678":  # a group number needs no entry
                continue
            with box.about(option, repr(name)):
                result, watcher = box.trace([box.command, "-p", pidfile, "-o", log, option, name, "--", *SLEEP],
                                            lambda call: None)
                box.refused(result, "ERR-3", field, name.strip())
                equal(len(watcher.pids), 1, "processes;")
    equal((sorted(os.listdir(box.folder)), text(log)), (["log"], "precious"))


@rows("PRV-2", "ERR-3", "SEQ-5", needs="root")
def the_library_returns_who_cannot_be_found(box):
    for word in ("user=no-such-user", "group=no-such-group", "user=4294967295", "group=4294967295", "user="):
        for mode in ([], ["flag=foreground"]):
            with box.about(word, mode):
                box.returns(box.app(word, *mode, "--", "notify"), "ERR-3", word.partition("=")[2])


@rows("PRV-2", needs=("root", "mounts"))
def a_user_named_by_digits_is_a_number(box):
    database_with(box, "4242:x:70000:70000::/home/digits:/bin/sh", "other:x:4242:70000::/home/other:/bin/sh")
    with box.running("-u", "4242") as daemon:
        equal(ids_of(daemon.pid)[0], TRIPLE(4242))
        check(b"USER=other" in environ_of(daemon.pid), environ_of(daemon.pid))


@rows("PRV-5", "CFG-2", needs="root")
def the_variables_of_the_user_are_set_over_all_others(box):
    inherited = [b"USER=root", b"HOME=/root", b"USER=again", b"PATH=/usr/bin:/bin"]
    with box.running("-u", "nobody", "-E", "HOME=/mine", "-E", "LOGNAME=me", env=inherited) as daemon:
        found = sorted(environ_of(daemon.pid))
    name, home = NOBODY.pw_name.encode(), NOBODY.pw_dir.encode()
    equal(found, sorted([b"PATH=/usr/bin:/bin", b"USER=" + name, b"LOGNAME=" + name, b"HOME=" + home]))


@rows("PRV-5", "PRV-1", needs="root")
def the_library_sets_them_too(box):
    words = ["user=nobody", "env=HOME=/mine", "--", "drop", "announce", "exec=/bin/sleep:60"]
    with box.running_app(*words, env={"HOME": "/root"}) as daemon:
        found = environ_of(daemon.pid)
        check(b"HOME=" + NOBODY.pw_dir.encode() in found and b"USER=nobody" in found, found)
        equal(len([entry for entry in found if entry.startswith(b"HOME=")]), 1, found)


# --- PRV-1, PRV-4: when and whether ---------------------------------------------------------------------

@rows("PRV-1", "NTF-10", needs="root")
def the_daemon_comes_back_privileged_and_drops_when_it_says_so(box):
    go, path, done = box.path("go"), box.path("log"), box.path("done")
    os.chmod(box.folder, 0o777)
    words = ["user=nobody", f"stdout={path}", "--", f"wait-for={go}", "drop", "notify", f"dump={done}", "pause"]
    launch, daemon = box.waiting_app(*words)
    equal((ids_of(daemon)[0], owner(path)), (TRIPLE(0), (0, 0)))
    write(go, "")
    equal(launch.wait().code, 0)
    equal((ids_of(daemon)[0], owner(path)), (TRIPLE(NOBODY.pw_uid), (NOBODY.pw_uid, NOBODY.pw_gid)))
    box.stop(daemon)


@rows("PRV-1", "PRV-7", needs="root")
def dropping_hands_over_unless_that_has_been_done(box):
    cases = ((["drop"], True), (["chown=logs", "drop"], True), (["chown=none", "drop"], False),
             (["chown=pidfile", "drop"], False), (["chown=logs", "chown=logs", "drop", "drop"], True))
    for actions, handed in cases:
        with box.about(actions):
            path = box.path("log")
            with box.running_app("user=nobody", f"stdout={path}", "--", *actions, "notify", "pause"):
                equal(owner(path)[0], NOBODY.pw_uid if handed else 0)
            os.unlink(path)


@rows("PRV-1", "PRV-7", needs="root")
def nothing_is_handed_over_when_the_configuration_says_so(box):
    path = box.path("log")
    os.symlink(box.file("real"), box.path("link"))
    for log in (path, box.path("link")):
        words = ["user=nobody", "flag=no-chown", f"stdout={log}", "--", "drop", "notify", "pause"]
        with box.running_app(*words) as daemon:
            equal((owner(log), ids_of(daemon.pid)[0]), ((0, 0), TRIPLE(NOBODY.pw_uid)))


@rows("PRV-4", "ERR-10", "NTF-13", needs=("root", "ptrace"))
def a_change_of_identity_that_did_not_happen_is_found(box):
    """The call is skipped and said to have succeeded: only a check afterwards can see it."""
    pidfile = box.path("pid")
    for names in (("setuid", "setresuid", "setreuid"), ("setgid", "setresgid", "setregid"), ("setgroups",)):
        def pretend(call):
            if call.role == "daemon" and call.name in names:
                return "pretend"
        with box.about("pretended", names):
            result, _ = box.trace([box.command, "-p", pidfile, "-u", "nobody", "--", *SLEEP], pretend,
                                  user=(0, 0, [0, 4]))
            box.refused(result, "ERR-10")
            box.nothing_left(pidfile)


@rows("PRV-4", "ERR-10", "NTF-13", needs=("root", "ptrace"))
def a_change_of_identity_that_fails_is_an_error(box):
    pidfile = box.path("pid")
    for names in (("setuid", "setresuid", "setreuid"), ("setgid", "setresgid", "setregid"), ("setgroups",)):
        for number in (errno.EPERM, errno.EAGAIN):
            def fail(call):
                if call.role == "daemon" and call.name in names and not call.done:
                    return number
            with box.about(names, linux.errno_name(number)):
                argv = [box.command, "-p", pidfile, "-u", "nobody", "--", *SLEEP]
                box.refused(box.trace(argv, fail)[0], "ERR-10")
                box.nothing_left(pidfile)


@rows("PRV-4", "ERR-10", "PID-9", needs=("root", "ptrace"))
def after_a_failed_change_the_context_accepts_nothing_but_failure(box):
    pidfile, errors = box.path("pid"), box.path("errors")

    def fail(call):
        if call.role == "daemon" and call.name in ("setuid", "setresuid", "setreuid") and not call.done:
            return errno.EPERM
    for ending in ("close", "or-fail"):
        words = [f"pidfile={pidfile}", f"errors={errors}", "user=nobody", "--", "drop", "drop", "notify", "announce",
                 "chown=all", "remove-on=15", ending]
        with box.about(ending):
            result, _ = box.trace([box.app_path, *words], fail)
            equal(result.code, ERR["ERR-13"] if ending == "close" else result.code, result)
            check(result.code != 0, result)
            failed = [line.split(":")[0] for line in text(errors).splitlines()]
            equal(failed, ["drop", "drop", "notify", "announce", "chown=all", "remove-on=15"], "calls that failed;")
            box.nothing_left(pidfile)
        os.unlink(errors)


@rows("PRV-4", needs="root")
def a_securebit_that_would_keep_capabilities_does_not(box):
    no_setuid_fixup, keep_caps = 1 << 2, 1 << 4
    for bits in (no_setuid_fixup, keep_caps, no_setuid_fixup | keep_caps):
        def inherit():
            linux.prctl(28, bits)  # PR_SET_SECUREBITS
        with box.about("securebits", bits):
            result = box.daemonize("-u", "nobody", before=inherit)
            if result.code != 0:
                box.refused(result, "ERR-10")
                box.nothing_left()
                continue
            daemon = box.the_daemon()
            equal(capabilities_of(daemon), [0, 0, 0])
            box.stop(daemon)


@rows("PRV-4", "ERR-10", needs="root")
def a_daemon_that_does_not_exec_keeps_no_capabilities_either(box):
    """Exec takes from an ordinary user what a securebit has left; a library's daemon must look itself."""
    def inherit():
        linux.prctl(28, 1 << 2)  # PR_SET_SECUREBITS, no_setuid_fixup
    errors = box.path("errors")
    result = box.app("user=nobody", f"errors={errors}", "--", "drop", "or-fail", before=inherit)
    box.refused(result, "ERR-10", name="app")
    with box.running_app("user=nobody", "--", "drop", "notify", "pause") as daemon:
        equal(capabilities_of(daemon.pid), [0, 0, 0])


@rows("PRV-4", needs="root")
def inheritable_capabilities_are_not_passed_on(box):
    def inheritable(pid):
        return int(status_of(pid)["CapInh"], 16)
    for user in ("nobody", "root"):
        with box.about(user), box.running("-u", user, before=linux.make_capabilities_inheritable) as daemon:
            equal(inheritable(daemon.pid) == 0, user != "root")
    with box.running_app("user=nobody", "--", "drop", "notify", "pause", before=linux.make_capabilities_inheritable) as daemon:
        equal((inheritable(daemon.pid), capabilities_of(daemon.pid)), (0, [0, 0, 0]))
    with box.running(before=linux.make_capabilities_inheritable) as daemon:
        check(inheritable(daemon.pid) != 0, "without a user they are inherited;")


@rows("PRV-4", needs="root")
def the_user_root_is_a_user_like_others(box):
    with box.running("-u", "root") as daemon:
        equal(ids_of(daemon.pid)[:2], (TRIPLE(0), TRIPLE(0)))
    with box.running("-u", "0", "-g", NOGROUP.gr_name, user=(0, 0, [0, 4])) as daemon:
        equal(ids_of(daemon.pid)[:2], (TRIPLE(0), TRIPLE(NOGROUP.gr_gid)))


# --- PRV-6 to PRV-9: owners -------------------------------------------------------------------------------

@rows("PRV-7", "CLI-1", needs="root")
def the_logs_are_handed_over_and_pidfile_and_lockfile_are_not(box):
    out, err, pidfile, lock = (box.path(name) for name in ("out", "err", "pid", "lock"))
    options = ["-p", pidfile, "-l", lock, "-o", out, "-e", err, "-u", "nobody"]
    nobodys, roots = (NOBODY.pw_uid, NOBODY.pw_gid), (0, 0)
    for chown, expected in (([], [nobodys, nobodys, roots, roots]),
                            (["--chown=logs"], [nobodys, nobodys, roots, roots]),
                            (["--chown", "none"], [roots] * 4),
                            (["--chown", "all"], [nobodys] * 4)):
        with box.about(chown), box.running(*options, *chown):
            equal([owner(path) for path in (out, err, pidfile, lock)], expected, "owners of out, err, pidfile, lock;")
        for path in (out, err, pidfile, lock):
            os.unlink(path)


@rows("PRV-7", needs="root")
def the_group_of_a_log_is_the_one_that_the_process_has(box):
    log = box.path("log")
    for options, expected in ((["-u", "nobody", "-g", "daemon"], (NOBODY.pw_uid, grp.getgrnam("daemon").gr_gid)),
                              (["-g", "daemon"], (0, grp.getgrnam("daemon").gr_gid))):
        with box.about(options), box.running("-o", log, *options):
            equal(owner(log), expected)
        os.unlink(log)


@rows("PRV-7", "PRV-6", needs=("root", "mounts"))
def the_null_device_is_not_given_away(box):
    linux.private_mounts()
    linux.mount("tmpfs", "/dev", "tmpfs")
    os.mknod("/dev/null", 0o020666, os.makedev(1, 3))
    os.chmod("/dev/null", 0o666)
    before = os.stat("/dev/null")
    for options in (["-o", "/dev/null"], ["-o", "/dev/null", "--chown", "all"], []):
        with box.about(options), box.running("-u", "nobody", *options):
            now = os.stat("/dev/null")
            equal((now.st_ino, now.st_uid, now.st_gid, now.st_mode), (before.st_ino, 0, 0, before.st_mode))


@rows("PRV-7", needs="root")
def a_fifo_or_terminal_is_not_given_away(box):
    path = box.path("fifo")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with box.running("-u", "nobody", "-o", path, "-e", box.path("err")):
        equal(owner(path), (0, 0))
    os.close(reader)


@rows("PRV-6", needs=("root", "ptrace"))
def owners_are_changed_through_descriptors_and_never_by_path(box):
    """At the change the path already leads elsewhere."""
    out, pidfile, victim = box.path("out"), box.path("pid"), box.file("victim", "root's own")

    def plant(call):
        if call.role == "daemon" and not call.done and call.name in ("fchown", "fchownat", "chown", "lchown"):
            for path in (out, pidfile):
                if not os.path.islink(path):
                    os.rename(path, path + ".away")
                    os.symlink(victim, path)
    argv = [box.command, "-p", pidfile, "-o", out, "-u", "nobody", "--chown", "all", "--", *SLEEP]
    result, _ = box.trace(argv, plant)
    equal(result.code, 0, result)
    box.stop(box.the_daemon())
    equal(owner(victim), (0, 0))
    equal((owner(out + ".away"), owner(pidfile + ".away")), ((NOBODY.pw_uid, NOBODY.pw_gid),) * 2)


@rows("PRV-6", needs="root")
def owners_are_changed_though_the_caller_has_moved_its_streams(box):
    out, err, other = box.path("out"), box.path("err"), box.path("other")
    words = ["user=nobody", f"stdout={out}", f"stderr={err}", "--", f"point=1:{other}", f"point=2:{other}", "drop",
             "notify", "pause"]
    with box.running_app(*words) as daemon:
        equal([owner(path)[0] for path in (out, err, other)], [NOBODY.pw_uid, NOBODY.pw_uid, 0])
        settles(lambda: {fd for fd, target in fds_of(daemon.pid).items() if target in (out, err)}, set(),
                "the copies are closed after the drop;")


@rows("PRV-8", "ERR-7", needs="root")
def a_log_to_be_handed_over_is_no_link_and_has_one_name(box):
    shadow = box.file("shadow", "root's own")
    os.symlink(shadow, box.path("link"))
    os.link(box.file("second", "root's own"), box.path("hard"))
    os.symlink(box.path("none"), box.path("dangling"))
    for name in ("link", "hard", "dangling"):
        for option in ("-o", "-e"):
            with box.about(option, name):
                for who in (["-u", "nobody"], ["-g", "nogroup"], ["-u", "nobody", "--chown", "all"]):
                    box.refused(box.daemonize(*who, option, box.path(name)), "ERR-7", box.path(name))
    equal((text(shadow), owner(shadow), text(box.path("hard"))), ("root's own", (0, 0), "root's own"))
    check(not os.path.exists(box.path("none")), "the target of a dangling link was made")
    for name in ("link", "hard"):
        options = ["-u", "nobody", "--chown", "none", "-a", "-o", box.path(name)]
        with box.about(options), box.running(*options):
            equal(owner(box.path(name)), (0, 0))


@rows("PRV-8", needs="root")
def a_folder_on_the_way_to_a_log_may_be_a_link(box):
    os.symlink(box.folder_in("real"), box.path("link"))
    with box.running("-u", "nobody", "-o", box.path("link/log")):
        equal(owner(box.path("real/log")), (NOBODY.pw_uid, NOBODY.pw_gid))


@rows("PRV-8", needs=("root", "ptrace"))
def a_log_that_becomes_a_link_meanwhile_is_refused_before_it_is_cut(box):
    for kind in ("symbolic", "hard"):
        log, victim = box.path(f"log-{kind}"), box.file(f"victim-{kind}", "root's own")

        def plant(call):
            if call.role == "leader" and call.name == "setsid" and not call.done:
                (os.symlink if kind == "symbolic" else os.link)(victim, log)
        with box.about(kind):
            result, _ = box.trace([box.command, "-u", "nobody", "-o", log, "--", *SLEEP], plant)
            box.refused(result, "ERR-7", log)
            equal((text(victim), owner(victim)), ("root's own", (0, 0)))


@rows("PRV-9", "ERR-7", needs=("root", "ptrace"))
def if_the_change_of_owner_fails_no_identity_is_changed(box):
    pidfile, errors, go = box.path("pid"), box.path("errors"), []

    def fail(call):
        if call.role == "daemon" and call.name in ("fchown", "fchownat") and not call.done:
            return errno.EROFS
        if call.role == "daemon" and call.name in ("setuid", "setresuid", "setresgid", "setgid", "setgroups"):
            go.append(call.name)
    argv = [box.command, "-p", pidfile, "-u", "nobody", "-o", box.path("log"), "--", *SLEEP]
    result, _ = box.trace(argv, fail)
    box.refused(result, "ERR-7", box.path("log"))
    equal(go, [], "changes of identity;")
    box.nothing_left(pidfile)
    words = [f"errors={errors}", "user=nobody", f"stdout={box.path('log')}", "--", "drop", "or-fail"]
    equal(box.trace([box.app_path, *words], fail)[0].code, ERR["ERR-7"])
    equal(go, [], "changes of identity;")


@rows("PRV-1", "PRV-9", needs=("root", "ptrace"))
def a_failed_hand_over_may_be_repeated(box):
    log, failed = box.path("log"), []

    def fail_once(call):
        if call.role == "daemon" and call.name in ("fchown", "fchownat") and not call.done and not failed:
            failed.append(call.name)
            return errno.EIO
    for actions in (["drop", "drop"], ["chown=logs", "chown=logs", "drop"]):
        with box.about(actions):
            failed.clear()
            words = ["user=nobody", f"stdout={log}", "--", *actions, "notify", "pause"]
            result, _ = box.trace([box.app_path, *words], fail_once)
            equal((result.code, len(failed)), (0, 1), result)
            daemon = box.the_daemon()
            equal((ids_of(daemon)[0], owner(log)[0]), (TRIPLE(NOBODY.pw_uid), NOBODY.pw_uid))
            box.stop(daemon)


@rows("PRV-10", "ERR-5", needs="root")
def dropping_refuses_a_second_thread_but_has_an_unchecked_form(box):
    errors = box.path("errors")
    result = box.app("user=nobody", f"errors={errors}", "--", "thread", "drop", "or-fail")
    equal(result.code, ERR["ERR-5"], result)
    check("thread" in text(errors), text(errors))
    with box.running_app("user=nobody", "--", "thread", "drop-unchecked", "notify", "pause") as daemon:
        equal(ids_of(daemon.pid)[0], TRIPLE(NOBODY.pw_uid))


# --- in the foreground, and the rest -----------------------------------------------------------------------

@rows("PRV-1", "PRV-3", "SEQ-4", needs="root")
def in_the_foreground_privileges_are_dropped_too(box):
    pidfile, log = box.path("pid"), box.path("log")
    argv = [box.command, "-f", "-u", "nobody", "-p", pidfile, "-o", log, "--", *SLEEP]
    with box.foreground(argv, lambda: os.path.exists(log)) as launch:
        settles(lambda: ids_of(launch.pid)[0], TRIPLE(NOBODY.pw_uid), "ids;")
        settles(lambda: owner(log)[0], NOBODY.pw_uid, "the log's owner;")
        equal((text(pidfile), locked(pidfile)), (f"{launch.pid}\n", True))


@rows("PRV-1", "CLI-11", "ERR-2", needs="root")
def a_program_that_the_user_may_not_run_is_unusable(box):
    path, pidfile = box.script("program", "exec sleep 60"), box.path("pid")
    os.chmod(path, 0o700)  # root may run it, nobody may not
    box.refused(box.daemonize("-u", "nobody", "-p", pidfile, program=[path]), "ERR-2", path)
    box.nothing_left(pidfile)


@rows("PRV-3", "CLI-5", needs="root")
def the_lock_stays_with_the_program_of_an_ordinary_user(box):
    pidfile = box.path("pid")
    with box.running("-u", "nobody", "-p", pidfile) as daemon:
        check(locked(pidfile), "it is locked")
        equal(len(fds_of(daemon.pid)), 4)
        equal(read(pidfile), b"%d\n" % daemon.pid)
    check(not locked(pidfile), "the lock is free")
