"""test_documents.py - every shell example of README and manual pages is run, as it stands.

They run in one place of their own, where /run, /var/log, /srv and /var/lib are empty and the users that they name
exist.  An example that nobody here has judged is a failure, and so is a judgement whose example is gone; one that
cannot be run is named below with the reason.  (What is in C is compiled: tests/documents.py.)
"""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import sys

from harness import HERE, Skip, check, equal, ids_of, locked, read, rows, text, wait_until, write
import linux

sys.path.insert(0, os.path.dirname(HERE))
import blocks  # noqa: E402  (the folder must be on the path first)

NOT_RUN = {
    "sh cli/demo.sh": "the demonstration builds everything, and the test command is what runs this",
    "sudo apt-get update": "tests/fresh.sh runs it",
    "cmake --preset package": "tests/fresh.sh runs it",
    "cmake --preset default": "tests/install/readme.sh runs it",
    "mkdir -p server": "tests/install/readme.sh runs it",
    "python3 core/package/one_file.py": "tests/install/readme.sh runs it",
    "launcher            session leader        daemon": "a picture",
}
PLACES = ("/run", "/var/log", "/srv", "/var/lib")
judges = {}  # by the words that an example begins with


def example(beginning):
    def mark(function):
        judges[beginning] = function
        return function
    return mark


def shell_blocks():
    return [(document, block) for document, block in blocks.blocks() if not blocks.written_in_c(block)]


def known(block):
    """The words by which it is known, here or among what is not run."""
    return [words for words in [*judges, *NOT_RUN] if block.lstrip().startswith(words)]


class Place:
    """Where the examples run."""

    def __init__(self, box):
        self.box = box
        linux.private_mounts()
        for path in PLACES:
            linux.mount("none", path, "tmpfs", linux.MS_NOSUID, "mode=755")
        for file, line in (("passwd", "{}:x:{}:{}::/nonexistent:/bin/false\n"), ("group", "{}:x:{}:\n")):
            lines = text(f"/etc/{file}")
            for number, name in enumerate(("echo", "redis", "www-data"), 61001):
                if not re.search(rf"^{name}:", lines, re.M):
                    lines += line.format(name, number, number)
            linux.mount(write(box.path(file), lines), f"/etc/{file}", None, linux.MS_BIND)
        own = os.path.dirname(box.command)
        self.env = {"PATH": f"{own}:{os.environ['PATH']}", "LANG": "C", "HOME": "/root"}

    def run(self, block, seconds=10):
        return self.box.run(["/bin/sh", "-c", block], env=self.env, seconds=seconds)

    def start(self, block, code=0):
        result = self.run(block)
        equal(result.code, code, block, result)
        return result

    def daemon(self, pidfile):
        pid = int(text(pidfile))
        self.box.wait_for_exec(pid)
        check(locked(pidfile), pidfile, "is locked")
        return pid

    @contextlib.contextmanager
    def with_program(self, name):
        """Where the system lacks it, the one that servers.sh has unpacked, with its libraries."""
        before, base = dict(self.env), os.path.abspath(self.box.servers or "/nowhere")
        if not shutil.which(name, path=self.env["PATH"]):
            self.env["PATH"] += f":{base}/usr/bin:{base}/usr/sbin"
            self.env["LD_LIBRARY_PATH"] = ":".join(glob.glob(f"{base}/usr/lib/*-linux-*") +
                                                   glob.glob(f"{base}/lib/*-linux-*"))
        if not shutil.which(name, path=self.env["PATH"]):
            raise Skip(f"no {name} here")
        yield
        self.env = before


def user_of(pid):
    return pwd.getpwuid(ids_of(pid)[0][0]).pw_name


# --- README.md ------------------------------------------------------------------------------------

@example("daemonize -p /run/echo.pid")
def serve_as_another_user(place, block):
    os.mkdir("/srv/echo")
    write("/srv/echo/server", '#!/bin/sh\necho "$@"\nexec sleep 60\n', 0o755)
    place.start(block)
    pid = place.daemon("/run/echo.pid")
    equal(user_of(pid), "echo")
    equal((text("/var/log/echo.log"), os.stat("/run/echo.pid").st_uid), ("--port 7\n", 0))
    equal(os.stat("/var/log/echo.log").st_uid, pwd.getpwnam("echo").pw_uid, "the log is handed over;")
    result = place.start(block, 69)  # as the text after it says
    check(f"(pid {pid})" in result.err, result)
    place.start(block.replace("server", "nothing"), 66)
    place.start(block.replace("-u echo", "-u nobody-at-all"), 67)
    place.box.stop(pid, signal.SIGKILL)


# --- daemonize(1) ---------------------------------------------------------------------------------

@example("daemonize -u www-data")
def serve_a_folder(place, block):
    place.start(block)
    pid = place.daemon("/run/web.pid")
    equal(user_of(pid), "www-data")
    wait_until(lambda: b"http.server" in read(f"/proc/{pid}/cmdline"), "the server's own name")
    place.box.stop(pid, signal.SIGKILL)


@example("daemonize -p /run/web.pid sleep 600\ncase")
def act_upon_the_result(place, block):
    equal(place.start(block).out, "started\n")
    equal(place.start(block).out, "runs already\n")
    place.box.stop(place.daemon("/run/web.pid"), signal.SIGKILL)
    place.start(block.replace("sleep", "/no/sleep"), 1)


@example("daemonize --ready=notify -t 30")
def return_when_redis_answers(place, block):
    os.mkdir("/var/lib/redis")
    os.chown("/var/lib/redis", pwd.getpwnam("redis").pw_uid, -1)
    with place.with_program("redis-server"):
        place.start(block.rstrip("\n") + " --port 63790")  # its usual one may be taken
    pid = place.daemon("/run/redis.pid")
    equal(user_of(pid), "redis")
    check("Ready to accept connections" in text("/var/log/redis.log"), "it was ready")
    place.box.stop(pid, signal.SIGKILL)


@example("daemonize --ready=fd:5")
def return_when_a_script_is_ready(place, block):
    place.start(block)
    check(os.path.exists("/run/clock/since"), "what comes first has been done")
    place.box.stop(place.box.the_daemon(), signal.SIGKILL)
    write("/run/clock/x", "")
    place.start(block.replace("mkdir -p /run/clock", "false"), 1)


@example("if flock -n /run/web.pid true")
def is_it_running(place, block):
    place.start("daemonize -p /run/web.pid sleep 600")
    equal(place.start(block).out, "runs\n")
    place.box.stop(place.daemon("/run/web.pid"), signal.SIGKILL)
    equal(place.start(block).out, "stopped\n")


@example("flock -n /run/web.pid true ||")
def stop_it(place, block):
    place.start("daemonize -p /run/web.pid sleep 600")
    pid = place.daemon("/run/web.pid")
    place.start(block)
    check(place.box.gone(pid), "it has been stopped")
    write("/run/web.pid", f"{os.getpid()}\n")  # a stranger has the number
    place.start(block)


@example("prlimit --nofile=4096")
def set_limits(place, block):
    place.start(block)
    pid = place.daemon("/run/web.pid")
    check(re.search(r"Max open files +4096 +4096", text(f"/proc/{pid}/limits")), text(f"/proc/{pid}/limits"))
    place.box.stop(pid, signal.SIGKILL)


@example("#!/bin/sh\nexec daemonize -f")
def run_under_a_supervisor(place, block):
    write("/run/run", block, 0o755)
    launch = place.box.start(["/run/run"], env=place.env)
    wait_until(lambda: os.path.exists("/var/log/clock.log") and text("/var/log/clock.log"), "the date in the log")
    equal(user_of(launch.pid), "nobody", "the process that the supervisor started;")
    launch.kill(signal.SIGKILL)
    launch.wait()


@example("/var/log/web.log {")
def rotate_its_log(place, block):
    write("/srv/rotate", block, 0o644)
    place.start("daemonize -a -p /run/web.pid -o /var/log/web.log sh -c 'while echo line; do sleep 0.1; done'")
    wait_until(lambda: text("/var/log/web.log"), "a line in the log")
    try:
        with place.with_program("logrotate"):
            place.start("logrotate -f -s /srv/state /srv/rotate")
        check("line" in text("/var/log/web.log.1"), "the old lines are kept")
        wait_until(lambda: text("/var/log/web.log").startswith("line\n"), "new lines, from the start of the file")
    finally:  # where there is no logrotate, too
        place.box.stop(place.daemon("/run/web.pid"), signal.SIGKILL)


# --- blivet(7) ------------------------------------------------------------------------------------

def nap_is_over(place):
    """Each start is stopped before the next one, as who follows the tour needs it."""
    wait_until(lambda: not place.box.living(), "the sleep to be killed by the example itself")


@example("daemonize -p /run/nap.pid sleep 600\nps")
def look_at_one(place, block):
    with place.with_program("ps"):
        lines = place.start(block).out.splitlines()
    pid = place.daemon("/run/nap.pid")
    equal(lines[0].split(), ["PID", "PPID", "PGID", "SID", "TT", "COMMAND"])
    own, _, group, session, terminal, *command = lines[1].split()
    equal((own, terminal, group), (str(pid), "?", session))
    check(session != own, "it leads no session")
    check(not os.path.exists(f"/proc/{session}"), "the session's leader is gone")


@example('ls -l "/proc/$(cat /run/nap.pid)/fd"')
def look_at_its_descriptors(place, block):
    leads_to = [line.split(" -> ")[1] for line in place.start(block).out.splitlines() if " -> " in line]
    equal(leads_to, ["/dev/null"] * 3 + ["/run/nap.pid"])


@example("daemonize -p /run/nap.pid sleep 600\necho")
def a_second_instance(place, block):
    pid = place.daemon("/run/nap.pid")
    result = place.start(block)
    equal(result.out, f"69\n{pid}\n")
    check(f"daemonize: pidfile: /run/nap.pid: is locked by another process (pid {pid})" in result.err, result)
    nap_is_over(place)


@example("daemonize --explain -p /run/nap.pid")
def see_what_would_happen(place, block):
    there, living = os.path.exists("/run/nap.pid"), set(place.box.living())
    result = place.start(block)
    check(re.search(r"^ 7  lock$", result.out, re.M) and "\n    here       /run/nap.pid\n" in result.out, result)
    equal((os.path.exists("/run/nap.pid"), set(place.box.living()) - living), (there, set()), "nothing is done;")


@example("daemonize --trace -p /run/nap.pid")
def see_it_happen(place, block):
    result = place.start(block)
    if "kill" not in block:  # the README lets it go on, to be started a second time
        place.box.stop(place.daemon("/run/nap.pid"), signal.SIGKILL)
    nap_is_over(place)
    check(result.err.endswith("verdict: exit 0, the program runs\n"), result)
    check(all(f" {process} " in result.err for process in ("launcher", "leader", "daemon")), result)


@example("daemonize -p /run/nap.pid sleep 600\ndaemonize --trace")
def see_a_refusal(place, block):
    result = place.start(block)
    nap_is_over(place)
    check(re.search(r" daemon +7  flock\(\d+, LOCK_EX\|LOCK_NB\) = -1 EAGAIN\n", result.err), result)
    check(re.search(r"\nverdict: exit 69, .* is locked by another process \(pid \d+\)\n$", result.err), result)


@example("daemonize false; echo $?")
def started_or_not(place, block):
    equal(place.start(block).out, "0\n66\n")


@example("strace -f -e trace=fork,clone")
def watch_three_processes(place, block):
    with place.with_program("strace"):
        calls = re.findall(r"\b(fork|clone|setsid|execve|exit_group)\(", place.start(block).err)
    first = ["execve", "clone", "setsid", "clone"]
    equal([name.replace("fork", "clone") for name in calls[:4]], first)
    wait_until(lambda: not place.box.living(), "sleep to end")


@example("strace -f -qq -o /dev/null -e inject=setsid")
def see_a_step_fail(place, block):
    with place.with_program("strace"):
        result = place.start(block)
    equal(result.out, "71\n")
    check(re.search(r" leader +2  setsid\(\) = -1 EPERM\n", result.err), result)
    check(result.err.startswith("daemonize: setsid: operation not permitted\n"), result)
    check(result.err.endswith("verdict: exit 71, daemonize: setsid: operation not permitted\n"), result)


# --- daemoncheck(1) ---------------------------------------------------------------------------------

@example("daemoncheck -p /run/echo.pid")
def judge_a_daemon(place, block):
    place.start("daemonize -p /run/echo.pid sleep 60")
    pid = place.daemon("/run/echo.pid")
    check(f"(pid {pid})" in place.start(block).out)
    place.box.stop(pid, signal.SIGKILL)


# --- all of them ----------------------------------------------------------------------------------

@rows("DOC-2")
def every_example_is_run_or_has_a_reason_and_no_judgement_is_left_over(box):
    for document, block in shell_blocks():
        equal(len(known(block)), 1, f"an example of {document} that is judged once, or has a reason; it is\n{block}")
    used = {words for _, block in shell_blocks() for words in known(block)}
    equal(sorted({*judges, *NOT_RUN} - used), [], "judged here, but in no document;")


@rows("DOC-2", needs=("root", "mounts"), seconds=60)
def the_examples_of_the_documents_do_what_they_say(box):
    place, missing = Place(box), []
    for document, block in shell_blocks():
        for words in known(block):
            if words in judges:
                with box.about(document, words):
                    try:
                        judges[words](place, block)
                    except Skip as why:
                        missing.append(str(why))
    if missing:
        raise Skip("all the others hold, but " + ", ".join(missing))
