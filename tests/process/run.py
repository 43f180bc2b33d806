#!/usr/bin/env python3
"""run.py - runs the process tests: what can be seen of the command and the library from outside.

    python3 tests/process/run.py --command build/cli/daemonize --app build/tests/app
        [--results FILE.jsonl] [--servers FOLDER] [--portable] [-k SUBSTRING] [-j JOBS]

Each test runs in a process of its own with a time limit and a fresh folder under /tmp.  That process
adopts orphans; whatever still runs when the test is over is ended and is a failure.  As root the
tests have a mount namespace of their own; those marked needs="user" run as nobody.
"""

import argparse
import contextlib
import fcntl
import glob
import importlib.util
import json
import os
import re
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402  (the folder must be on the path first)
import linux  # noqa: E402
import tracer  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description="The process tests of blivet.")
    parser.add_argument("--command", default="build/cli/daemonize", help="the command under test")
    parser.add_argument("--app", default="build/tests/app", help="the application made of app.c")
    parser.add_argument("--results", help="write one JSON object a test into this file")
    parser.add_argument("--servers", help="where servers.sh has put real servers")
    parser.add_argument("--portable", action="store_true", help="the build has -DBLIVET_PORTABLE=ON: skip what it lacks")
    parser.add_argument("-k", default="", metavar="SUBSTRING", help="only tests whose file, name or row has it")
    parser.add_argument("-j", type=int, default=1, metavar="JOBS", help="tests at once")
    options = parser.parse_args()
    for path in (options.command, options.app):
        if not os.access(path, os.X_OK):
            parser.error(f"no such program: {path}")
    return options


def rows_of_spec():
    with open(harness.SPEC, encoding="utf-8") as spec:
        return set(re.findall(r"^\| ([A-Z]{3}-\d+) \|", spec.read(), re.MULTILINE))


def foreign(path):
    """Whether a program is for another processor than ours, whose system calls are numbered differently."""
    def machine(file):
        with open(file, "rb") as program:
            header = program.read(20)
        return header[4], header[18:20]
    return machine(path) != machine("/proc/self/exe")


def lacking(portable):
    """The tests, or files of them, that a portable build cannot pass, and why: {name: reason}."""
    lacks, reason = {}, None
    with open(os.path.join(harness.HERE, "portable.txt"), encoding="utf-8") as file:
        for line in file if portable else ():
            if line.startswith("  "):
                lacks[line.strip()] = reason
            elif not line.startswith("#"):
                reason = line.strip().rstrip(":")
    return lacks


def discover(wanted):
    """All test functions, in the order in which they are written."""
    known, found = rows_of_spec(), []
    for path in sorted(glob.glob(os.path.join(harness.HERE, "test_*.py"))):
        area = os.path.basename(path)[:-3]
        spec = importlib.util.spec_from_file_location(area, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in vars(module).items():
            if not hasattr(function, "rows"):
                continue
            unknown = set(function.rows) - known
            if unknown:
                sys.exit(f"{path}: {name} names rows that the specification lacks: {sorted(unknown)}")
            if wanted in " ".join([area, name, *function.rows]):
                found.append(function)
    return found


class Runner:
    def __init__(self, options, base):
        self.options, self.base = options, base
        self.mounts = self.tracing = False
        self.lacks = lacking(options.portable)
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.results = open(options.results, "w", encoding="utf-8") if options.results else None
        self.selector = selectors.DefaultSelector()

    # -- around the tests

    def prepare(self):
        """Copies of the programs where every user can run them, and a look at what we may do."""
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):
                linux.private_mounts()
                self.mounts = True
        self.tracing = tracer.available() and not foreign(self.options.command)
        place = os.path.join(self.base, "bin")
        os.mkdir(place, 0o755)
        self.command, self.app = (shutil.copy(path, os.path.join(place, name)) for path, name in
                                  ((self.options.command, "daemonize"), (self.options.app, "app")))
        for path in (self.base, place, self.command, self.app):
            os.chmod(path, 0o755)
        for path in (os.path.join(os.path.dirname(self.options.command), "daemoncheck"),
                     *glob.glob(os.path.join(os.path.dirname(self.options.app), "examples", "example_*"))):
            shutil.copy(path, place)
        if self.options.servers:
            servers = os.path.join(self.base, "servers")
            shutil.copytree(self.options.servers, servers, symlinks=True, ignore=shutil.ignore_patterns("*.deb"))
            self.options.servers = servers

    def missing(self, test):
        """Why a test cannot run here, or None."""
        needs = test.needs
        for name in (test.__name__, test.__module__):
            if name in self.lacks:
                return self.lacks[name]
        if "root" in needs and os.geteuid() != 0:
            return "needs root"
        if "mounts" in needs and not self.mounts:
            return "needs a mount namespace of its own"
        if "ptrace" in needs and not self.tracing:
            return "needs ptrace, and a program for this processor"
        return None

    def run(self, tests):
        waiting, running = list(tests), {}
        while waiting or running:
            while waiting and len(running) < self.options.j:
                test = waiting.pop(0)
                reason = self.missing(test)
                if reason:
                    self.report(test, "skipped", reason)
                    continue
                pid, pipe = self.begin(test)
                running[pid] = (test, pipe, time.monotonic() + test.seconds + 15)
                self.selector.register(pipe, selectors.EVENT_READ)
            self.selector.select(0.5)
            for pid, (test, pipe, deadline) in list(running.items()):
                late = time.monotonic() > deadline
                if late:  # not even its own alarm could end it
                    os.kill(pid, signal.SIGKILL)
                elif not self.readable(pipe):
                    continue
                outcome = self.finish(pid, pipe)
                del running[pid]
                self.report(test, *(("failed", "the test hung and was killed") if late else outcome))

    @staticmethod
    def readable(pipe):
        with selectors.DefaultSelector() as one:
            one.register(pipe, selectors.EVENT_READ)
            return bool(one.select(0))

    def begin(self, test):
        """Forks the process of one test; the pipe brings its outcome."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(reading)
                outside = fcntl.fcntl(writing, fcntl.F_DUPFD_CLOEXEC, 500)  # tests use the small numbers as they like
                os.close(writing)
                try:
                    outcome = self.inside(test)
                except BaseException:
                    outcome = ("failed", traceback.format_exc())
                with os.fdopen(outside, "w") as pipe:
                    json.dump(outcome, pipe)
            finally:
                os._exit(0)  # what is the runner's to clear up is not this process's
        os.close(writing)
        return pid, reading

    def finish(self, pid, pipe):
        self.selector.unregister(pipe)
        with os.fdopen(pipe) as file:
            content = file.read()
        os.waitpid(pid, 0)
        return json.loads(content) if content else ("failed", "the test's process died")

    def report(self, test, outcome, reason=""):
        self.counts[outcome] += 1
        word = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[outcome]
        why = f"  ({reason})" if reason and outcome != "failed" else ""
        print(f"{word} {' '.join(test.rows)}  {test.__name__}{why}")
        if outcome == "failed":
            print("     " + reason.rstrip().replace("\n", "\n     "))
        sys.stdout.flush()
        if self.results:
            record = {"suite": "process", "test": test.__name__, "rows": list(test.rows),
                      "outcome": outcome, "reason": reason}
            self.results.write(json.dumps(record) + "\n")
            self.results.flush()

    # -- inside the process of one test

    def inside(self, test):
        os.setsid()
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.umask(0o022)
        folder = tempfile.mkdtemp(prefix=test.__name__[:40] + ".", dir=self.base)
        os.chmod(folder, 0o755)
        self.become(test, folder)
        box = harness.Box(self.command, self.app, self.options.servers, folder)
        signal.signal(signal.SIGALRM, self.alarm)
        signal.alarm(test.seconds)
        outcome = self.call(test, box)
        signal.alarm(10)  # the clearing up has a limit too
        left = box.clear()
        signal.alarm(0)
        if left and outcome[0] == "passed":
            outcome = ("failed", "processes left over by the test: " + ", ".join(left))
        return outcome

    @staticmethod
    def alarm(*_):
        raise harness.TooLate()

    @staticmethod
    def become(test, folder):
        """Drops to nobody where the test wants an ordinary user and we are root."""
        if "user" in test.needs and os.geteuid() == 0:
            user = harness.NOBODY
            os.chown(folder, user.pw_uid, user.pw_gid)
            os.setgroups([])
            os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
            os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
            linux.prctl(linux.PR_SET_DUMPABLE, 1)

    @staticmethod
    def call(test, box):
        try:
            return ("passed", test(box) or "")  # a test may tell how much it has tried
        except harness.Skip as why:
            return ("skipped", str(why))
        except harness.TooLate:
            where = "".join(traceback.format_exc().splitlines(keepends=True)[-6:-1])
            return ("failed", f"not done after {test.seconds} seconds\n{where}")
        except AssertionError as problem:
            place = [frame for frame in traceback.extract_tb(problem.__traceback__) if "/test_" in frame.filename]
            line = f"{os.path.basename(place[-1].filename)}:{place[-1].lineno}" if place else "?"
            return ("failed", f"{line}: {problem}")
        except BaseException:
            return ("failed", traceback.format_exc())


def close_inherited():
    """The descriptors under test are those that a test gives, not what the runner was started with."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with contextlib.suppress(OSError):
                os.close(int(name))


def remove(folder):
    """With all that is in it, though some tests leave folders that their owner may not write to."""
    for base, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(base, name), 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def null_device():
    now = os.stat("/dev/null")
    return f"device {now.st_rdev:#x}, mode {now.st_mode:o}, owner {now.st_uid}:{now.st_gid}"


def main():
    close_inherited()
    options = arguments()
    tests = discover(options.k)
    unknown = set(lacking(options.portable)) - {name for test in tests for name in (test.__name__, test.__module__)}
    if unknown and not options.k:
        sys.exit(f"portable.txt names tests that there are not: {sorted(unknown)}")
    base = tempfile.mkdtemp(prefix="blivet-tests-", dir="/tmp")
    before = null_device()
    runner = Runner(options, base)
    try:
        runner.prepare()
        runner.run(tests)
    finally:
        remove(base)
    if null_device() != before:
        print(f"FAIL /dev/null was changed: {before} became {null_device()}")
        runner.counts["failed"] += 1
    counts = runner.counts
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(0 if counts["failed"] == 0 and counts["passed"] > 0 else 1)


if __name__ == "__main__":
    main()
