"""test_kills.py - SIGKILL for each process of a start, at random moments and before and after each of its calls.

For each way of being ready: the program runs (exec), says so to the notify socket, on a descriptor (fd), or is an
application of the library that says so itself.  What is started notes FIRST before it says that it is ready and LAST
after it; so no exit code can be wrong without being found out:

    exit 0 without FIRST     a false success
    LAST, and another code   a false failure
    another code             nothing may be left: no process, no lock, no pidfile that names anybody

Nothing here depends on how fast the machine is.
"""

import collections
import contextlib
import os
import random
import signal
import sys
import tempfile
import time

from harness import ENVIRONMENT, Launch, alive, check, equal, locked, read, rows, settles, stat_of, wait_until

FORKNOEXEC = 0x40  # field 9 of /proc/PID/stat: it has not called execve since it was forked
SHOTS = 300
# Without /proc the readiness pipe cannot be opened both ways: who writes after the launcher's death meets a SIGPIPE.
PORTABLE = "--portable" in sys.argv


class Start:
    """One start of one kind, in a box, again and again."""

    def __init__(self, box, way, victim):
        self.box, self.way, self.number = box, way, 0
        self.workers = (way, victim) != ("library", "launcher")  # of an application they are its own to end
        self.pidfile, self.first, self.last = box.path("pid"), box.path("first"), box.path("last")
        self.outcomes = collections.Counter()

    def argv(self):
        """Every second one has a worker by then, which holds whatever it inherited."""
        self.number += 1
        worker = ["fork-worker"] if self.workers and self.number % 2 else []
        notes = [*worker, f"enter={self.first}"], [f"enter={self.last}", "pause"]
        if self.way == "library":
            return [self.box.app_path, f"pidfile={self.pidfile}", "--", *notes[0], "notify", "or-fail", *notes[1]]
        say = {"exec": [], "notify": ["notify"], "fd": [*(["sigign=13"] if PORTABLE else []), "garbage=0a"]}[self.way]  # a newline into each pipe it has
        program = [self.box.app_path, "flag=foreground", "flag=keep-all-fds", "--", *notes[0], *say, *notes[1]]
        ready = {"exec": "exec", "notify": "notify", "fd": "fd:5"}[self.way]
        return [self.box.command, f"--ready={ready}", "-t", "60", "-p", self.pidfile, "--", *program]

    def spawn(self):
        """Comes back when the launcher's own code begins."""
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        argv = self.argv()
        actions = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, err.fileno(), 2)]
        pid = os.posix_spawn(argv[0], argv, ENVIRONMENT, file_actions=actions, setsigmask=[])
        self.box.launches.append(pid)
        self.box.statuses.pop(pid, None)
        return Launch(self.box, pid, out, err)

    def duration(self):
        """Of an undisturbed start, in seconds."""
        def one():
            began = time.monotonic()
            equal(ended(self.box, self.spawn()).code, 0, "an undisturbed start;")
            took = time.monotonic() - began
            self.clear()
            return took
        return sorted(one() for _ in range(7))[3]

    # -- judging

    def children(self):
        """With those that have died since the last look: what they leave behind is ours by the next one."""
        self.box.reap()
        return children_now(self.box.pid)

    def clear(self):
        """Ends what a successful start has left, and forgets it."""
        def gone():
            for pid in self.children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not self.children()
        wait_until(gone, "all to be ended", 20)
        for path in (self.pidfile, self.first, self.last):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def nothing_left(self):
        settles(self.children, [], "processes left after a failed start;", 20)
        check(not locked(self.pidfile), "the lock is held")
        check(not os.path.exists(self.pidfile), "a pidfile is left, be it empty")

    def runs(self):
        """It is up, for good."""
        wait_until(lambda: os.path.exists(self.last), "what has started to get on", 20)
        daemon = int(read(self.pidfile))
        check(alive(daemon), "the pidfile names the dead")
        check(locked(self.pidfile), "it has no lock")

    def judge(self, result, victim, execed=None):
        """victim: who was killed, None where nobody was.  execed: of a killed daemon whether it had come so far."""
        first, last = os.path.exists(self.first), os.path.exists(self.last)
        if victim:
            self.outcomes[result.code] += 1
        if victim == "launcher" and result.code == -signal.SIGKILL:  # before "go" nothing comes of it, then it runs
            wait_until(lambda: not self.children() or os.path.exists(self.last), "it to be decided", 20)
            if os.path.exists(self.last):
                self.runs()
            else:
                self.nothing_left()
        elif result.code == 0 and victim == "daemon":
            check(first if self.way != "exec" else execed, "a false success;", result)
        elif result.code == 0:
            self.runs()
        else:
            equal(result.code, 1, result)
            check(victim is not None, "nobody was killed;", result)
            self.box.message(result, name="app" if self.way == "library" else "daemonize")
            check(not last and not (self.way == "exec" and execed), "a false failure;", result)
            check(victim == "daemon" or not first, "the program ran although its start had failed;", result)
            self.nothing_left()
        self.clear()

    def told(self, what):
        good = self.outcomes.pop(0, 0)
        dead = self.outcomes.pop(-signal.SIGKILL, 0)
        bad = sum(self.outcomes.values())
        return f"{good + dead + bad} {what}: {good} started, {bad} failed" + (f", {dead} launchers gone" if dead else "")


def children_now(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    return []


def ended(box, launch):
    """Waits for the launcher alone: bodies are left where they are, for it to see."""
    box.statuses[launch.pid] = os.waitpid(launch.pid, 0)[1]
    return launch.result()


def aim(launcher, victim):
    """The process to be killed, as soon as it is there; None where it has come and gone unseen."""
    if victim == "launcher":
        return launcher
    while True:
        ending = stat_of(launcher)["state"] == "Z"
        leaders = children_now(launcher)
        adopted = [pid for pid in children_now(os.getpid()) if pid != launcher]
        found = leaders if victim == "leader" else adopted or [pid for leader in leaders for pid in children_now(leader)]
        if found or ending:
            return found[0] if found else None


def shot_at(launcher, victim, delay):
    """Who was killed, so many seconds after it was first seen; None where it was gone by then."""
    pid = aim(launcher, victim)
    end = time.monotonic() + delay
    try:
        handle = pid and os.pidfd_open(pid)  # a number is free as soon as its parent has collected it
    except ProcessLookupError:
        return None
    if handle is None:
        return None
    try:
        while time.monotonic() < end:
            pass
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return pid
    except ProcessLookupError:
        return None
    finally:
        os.close(handle)


def has_execed(pid):
    """Of a body that nobody has collected."""
    line = read(f"/proc/{pid}/stat")
    return not int(line[line.rindex(b")") + 2:].split()[6]) & FORKNOEXEC


def shoot(box, way, victim):
    chance, start = random.Random(f"{way} {victim}"), Start(box, way, victim)
    window = start.duration() * {"launcher": 1.1, "leader": 0.3, "daemon": 0.6}[victim]
    while sum(start.outcomes.values()) < SHOTS:
        with box.about("shot", start.number, "at the", victim):
            launch = start.spawn()
            pid = shot_at(launch.pid, victim, chance.random() * window)
            result = ended(box, launch)
            if victim == "daemon" and pid is not None:
                wait_until(lambda: pid in children_now(box.pid) and not alive(pid), "the body", 20)
                start.judge(result, victim, has_execed(pid))
            else:
                start.judge(result, victim if pid is not None else None)
        check(start.number < 10 * SHOTS, "too few were hit:", start.outcomes)
    check(start.outcomes[1] or start.outcomes[-signal.SIGKILL], "none was hit:", start.outcomes)
    return start.told("kills at random moments")


def step_through(box, way, victim):
    """Kills before and after its first call, its second, and so on, until it has no more."""
    start, index, more = Start(box, way, victim), 0, True
    while more:
        for after in (False, True):
            hit = []

            def kill(call):
                if call.role == victim and call.index == index and call.done == after and not hit:
                    hit.append(call)
                    os.kill(call.pid, signal.SIGKILL)
            with box.about("after" if after else "before", victim, "call", index):
                result, _ = box.trace(start.argv(), kill, seconds=60, beyond_exec=way in ("notify", "fd"))
                with box.about(*hit):
                    start.judge(result, ("daemon" if victim == "program" else victim) if hit else None, False)
            more = bool(hit) or not after and more
        index += 1
    check(index > 5, "calls:", index)
    return start.told(f"kills before and after {index - 1} calls")


def cases():
    """A test for each way and each process; programs of their own only where they have something to say."""
    for way in ("exec", "notify", "fd", "library"):
        for victim in ("launcher", "leader", "daemon"):
            yield way, victim, shoot, (), f"{victim}_killed_at_random_ready_by_{way}"
        for victim in ("launcher", "leader", "daemon", *(["program"] if way in ("notify", "fd") else [])):
            yield way, victim, step_through, ("ptrace",), f"{victim}_killed_at_each_call_ready_by_{way}"


def test_of(way, victim, act, needs, name):
    def test(box):
        return act(box, way, victim)
    test.__name__ = name
    row = {"exec": "NTF-3", "library": "NTF-1"}.get(way, "NTF-15")
    return rows("NTF-13", row, "PID-9", needs=needs, seconds=600)(test)


for case in cases():
    globals()[case[-1]] = test_of(*case)
