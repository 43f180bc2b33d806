#!/usr/bin/env python3
"""real.py - the torture of real processes: one start for each failure of each call, judged from outside (ASR-4).

    python3 tests/torture/real.py --build build/tests/torture [--results FILE.jsonl] [-j WORKERS] [--every N]
                                  [--case CASE] [-k SUBSTRING]

For each mode, as root and as an ordinary user, a start in which nothing fails says which calls there are.  Then one
start for each call and each errno that its manual page lists, in which just that call fails, in the process that
makes it; one in which it moves half of its bytes, where it moves any; and one each in which the process is killed
before and after it.  What becomes of a start is judged by promises.txt and by NTF-13: exit 0 only if the daemon is
ready; otherwise no process, no lock and no pidfile of ours is left; no process makes a call after its end, none
allocates after a fork.  The fault must have struck.

A case is USER:MODE:PROCESS:CALL:NTH:WHAT, as root:full:daemon:open:2:EACCES; --case runs just that.  --every N runs each
N-th.  The orphans of a start are adopted and all accounted for.  As root: in a mount namespace of its own.
"""

import argparse
import errno
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import launches
import promises

MOVES = {"read", "recv", "write", "pwrite", "send"}
BASELINES = 6    # undisturbed starts: a call that any of them makes is a case
STRIKES = 8      # so often a start is repeated whose fault did not strike: how often the launcher wakes up varies
UNFAILING = ["0"]  # ERRNOS(0) in ops.def: no manual page knows a failure, and one that was injected would be a lie
SETTLES = 5      # seconds for what a killed launcher leaves behind
PRELOAD = "/usr/lib/fiu/fiu_run_preload.so"


class Wrong(Exception):
    """What is not as it was promised."""


def must(condition, what):
    if not condition:
        raise Wrong(what)


# ---- the cases ----

class Case:
    """One fault: what is a name in ops.def's ERRNOS, "HALF", "KILL" or "KILLED"; with a '+' it persists."""

    def __init__(self, mode, call, what):
        self.mode, self.call, self.what = mode, call, what
        self.process = "foreground" if mode.foreground else launches.PROCESSES[call.process]

    @property
    def name(self):
        return f"{self.mode.name}:{self.process}:{self.call.name}:{self.call.nth}:{self.what}"

    @property
    def kills(self):
        return self.what.startswith("KILL")

    @property
    def number(self):
        word = self.what.rstrip("+")
        return launches.errno_number(word) if word[0] in "E0" else 0

    def faults(self):
        what = str(self.number) if self.what[0] in "E0" else self.what.lower()
        return f"{self.call.process}:{self.call.name}:{self.call.nth}{'+' * self.what.endswith('+')}:{what}"


def calls_of(place, mode):
    """Those that a few undisturbed starts make, with phase and subject, and whether not each of them does."""
    traces = []
    for _ in range(BASELINES):
        outcome = place.start(mode)
        judge_end(place, mode, outcome, mode.ends)
        place.end_all()
        judge_trace(outcome)
        traces.append({(call.process, call.name, call.nth): call
                       for call in promises.Reader(place, mode).read(outcome.trace)})
    mode.message = outcome.message.replace(place.folder, "{folder}")
    calls = {key: call for trace in traces for key, call in trace.items()}
    for key, call in calls.items():
        call.varies = not all(key in trace for trace in traces)
    return calls.values()


def cases_of(place, mode, table):
    errnos = dict(launches.CALLS)
    for call in calls_of(place, mode):
        if call.name == "enter_step":
            continue
        for name in unique(errnos[call.name]) if errnos[call.name] != UNFAILING else []:
            case = Case(mode, call, name)
            yield case
            promise = find(table, case)
            if promise and promise[0].text != promise[1].text:
                yield Case(mode, call, name + "+")
        if call.name in MOVES and call.returned and call.result > 1:
            yield Case(mode, call, "HALF")
        yield Case(mode, call, "KILL")
        if call.returned:
            yield Case(mode, call, "KILLED")


def unique(names):
    """EAGAIN and EWOULDBLOCK are one."""
    return list({launches.errno_number(name): name for name in reversed(names)}.values())[::-1]


def find(table, case):
    name = launches.errno_name(case.number) if case.what[0] == "E" else case.what.rstrip("+")
    return table.find(case.process, promises.conditions_of(case.mode), case.call.phase, case.call.name, case.call.subject, name)


# ---- the judge ----

def judge_bystanders(place, mode):
    must(place.content("bystander") == "not ours\n", "a file that is none of ours was changed")
    known = {*place.files, "message", "memory"}
    must(set(os.listdir(place.folder)) <= known, f"files were made: {set(os.listdir(place.folder)) - known}")
    must(not os.listdir(place.files["directory"]), "files were made in the working directory")
    if mode.name == "second":
        must(place.content("pidfile") == "4711\n", "the first instance's pidfile was changed")


def judge_nothing_left(place, mode, living, leaves=False):
    """The second promise of NTF-13; leaves: a pidfile that names what has ended may stay."""
    must(not living, f"processes are left: {describe(living)}")
    if mode.name == "second":
        return
    must(not place.is_locked("pidfile") and not place.is_locked("lockfile"), "a lock is left")
    must(leaves or not (place.content("pidfile") or "").strip(), f"the pidfile names {place.content('pidfile')!r}")


def describe(pids):
    words = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                words.append(" ".join(file.read().split()[:4]))
        except OSError:
            words.append(str(pid))
    return ", ".join(words)


def runs_program(place, pid):
    try:
        return os.readlink(f"/proc/{pid}/exe") == place.program
    except OSError:
        return False


def judge_running(place, mode, living):
    """The first promise of NTF-13, for the command: the program runs, with its pidfile, its lock and its identity."""
    must(len(living) == 1, f"one process runs, but there are: {describe(living)}")
    pid = living[0]
    if mode.as_script:
        wait_until(lambda: runs_program(place, pid))
    must(runs_program(place, pid), f"exit 0, and what runs is not the program: {describe(living)}")
    locks = [name for name in ("lockfile", "pidfile") if mode.uses(name)][:1]
    if mode.uses("pidfile"):
        must(place.content("pidfile") == f"{pid}\n", f"{pid} runs, and the pidfile has {place.content('pidfile')!r}")
    must(all(place.is_locked(name) for name in locks), "the program runs without its lock")
    if mode.name.endswith("-and-user"):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            ids = [line.split()[1:] for line in file if line.startswith(("Uid:", "Gid:"))]
        must(ids == [[str(launches.NOBODY.pw_uid)] * 4, [str(launches.NOBODY.pw_gid)] * 4], f"the program's ids are {ids}")
    os.kill(pid, signal.SIGKILL)
    must(place.wait_for_none(SETTLES), "the program cannot be killed")
    must(not any(place.is_locked(name) for name in locks), "the lock outlives the program")


def judge_finished(place, mode, leaves):
    """The library's application was ready, closed its context and ended."""
    must(place.wait_for_none(SETTLES), "the application has not ended")
    must(place.content("stdout") == "closed\n", f"the application was not ready: {place.content('stdout')!r}")
    judge_nothing_left(place, mode, [], leaves)


def judge_end(place, mode, outcome, code, leaves=False):
    """A start that goes on as if nothing had been."""
    must(outcome.code == code, f"exit {outcome.code} instead of {code}")
    if mode.name == "second":
        judge_nothing_left(place, mode, outcome.left)
    elif mode.library:
        judge_finished(place, mode, leaves)
    elif mode.foreground:
        must(not outcome.left and not place.is_locked("pidfile"), "something is left")
    else:
        judge_running(place, mode, outcome.left)


def judge_trace(outcome):
    """No process makes a call once it has called _exit or exit; after a fork none allocates, or frees before close."""
    ended = set()
    for process, step, name in outcome.place.names():
        if process in ended or (process > 0 and (name == "calloc" or (name == "free" and step != launches.CLOSE))):
            must(process not in ended, f"{launches.PROCESSES[process]} calls {name} after its end")
            must(False, f"{launches.PROCESSES[process]} calls {name} after its fork")
        if name in ("_exit", "exit"):
            ended.add(process)


def struck(place, case, outcome):
    """The case, with phase and subject as they were when the fault struck: the launcher's n-th poll is not always for the same."""
    for call in promises.Reader(place, case.mode).read(outcome.trace):
        if (call.process, call.name, call.nth) == (case.call.process, case.call.name, case.call.nth):
            return Case(case.mode, call, case.what)
    return case


def judge_promise(place, case, outcome, promise):
    mode, leaves = case.mode, "leaving the pidfile" in promise.additions
    if promise.additions & {"leaving the leader", "leaving the daemon"} and outcome.code != 0:
        must(place.wait_for_none(SETTLES), f"processes go on: {describe(place.living())}")
        outcome.left = []
    if promise.code is None or (promise.or_lives and outcome.code == mode.ends):
        said = outcome.message.replace(place.folder, "{folder}")
        want = "" if "saying nothing" in promise.additions else mode.message
        must(said == want or "saying less" in promise.additions, f"it says {outcome.message!r}")
        judge_end(place, mode, outcome, mode.ends, leaves)
        return
    must(outcome.code == promise.code, f"exit {outcome.code} instead of {promise.code}")
    pattern = f"{place.name(mode)}: {promise.pattern(place, mode, case.call, case.number)}(; try 'daemonize --help')?\n"
    must(re.fullmatch(pattern, outcome.message) or "saying less" in promise.additions, f"it says {outcome.message!r}")
    judge_nothing_left(place, mode, outcome.left, leaves)


def announced(case, outcome):
    """What the daemon got through to its launcher: "\\377" announced, "\\000" ready; nothing: None."""
    for call in outcome.trace:
        own = case.what == "KILLED" and (call.name, call.nth) == (case.call.name, case.call.nth)
        if call.process == 2 and call.name == "send" and (call.result == 1 if call.returned else own):
            return call.arguments.split(", ")[1].strip('"')
    return None


def judge_kill(place, case, outcome):
    """NTF-13, for a process that is killed."""
    mode = case.mode
    if case.call.process == 0:
        must(outcome.code == -signal.SIGKILL, f"exit {outcome.code} of a launcher that was killed")
        if not mode.foreground:
            judge_orphans(place, case, outcome)
        else:
            must(not outcome.left and not place.is_locked("pidfile"), "something is left")
    elif outcome.code == 0 and case.process == "daemon" and announced(case, outcome) == "\\000":
        must(place.wait_for_none(SETTLES) and not place.is_locked("pidfile"), "something is left of a dead daemon")
    else:
        codes = (1, mode.ends) if mode.ends else (1,)
        must(outcome.code in codes, f"exit {outcome.code} although the {case.process} was killed")
        who = "session leader" if case.process == "leader" else "daemon"
        must(outcome.code != 1 or f": {who} was killed by SIGKILL" in outcome.message, f"it says {outcome.message!r}")
        judge_nothing_left(place, mode, outcome.left)
        must(outcome.code == 0 or place.content("pidfile") != "", "an empty pidfile is left")


def wait_until(condition):
    deadline = time.monotonic() + SETTLES
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)


def judge_orphans(place, case, outcome):
    """Of a launcher that was killed: before the announcement nothing goes on, after it nothing changes."""
    wait_until(lambda: all(runs_program(place, pid) for pid in place.living()))
    if announced(case, outcome) == "\\377":
        judge_running(place, case.mode, place.living())
    else:
        must(place.wait_for_none(SETTLES), f"processes go on without a launcher: {describe(place.living())}")
        judge_nothing_left(place, case.mode, [])


# ---- one case ----

def torture(place, case, table):
    """The result as a dictionary; None: it could not be had."""
    case.mode.as_script = (case.call.name, case.what) == ("execve", "ENOEXEC")
    outcome, wrong, promise = None, None, None
    try:
        for _ in range(STRIKES):
            outcome = place.start(case.mode, case.faults())
            if case.mode.library:  # it makes its last calls after the launcher's end
                wait_until(lambda: outcome.fired or not place.living())
            if outcome.fired:
                break
            place.end_all()
        if not outcome.fired and case.call.phase in ("wait", "clean-up"):
            return None  # this often the launcher did not wake up
        must(outcome.fired, "the fault did not strike")
        must(outcome.code is not None, f"it hangs; {launches.PATIENCE} seconds were waited for")
        judge_trace(outcome)
        if case.call.varies:
            case = struck(place, case, outcome)
        promise = find(table, case)
        promise = promise and promise[case.what.endswith("+")]
        if case.kills:
            judge_kill(place, case, outcome)
        else:
            must(promise, "no promise says what becomes of it")
            judge_promise(place, case, outcome, promise)
        judge_bystanders(place, case.mode)
    except Wrong as problem:
        wrong = str(problem)
    place.end_all()
    said = "NTF-13" if case.kills else promise.text if promise else None
    return {"mode": case.mode.name, "user": place.user, "process": case.process, "phase": case.call.phase,
            "call": case.call.name, "nth": case.call.nth, "subject": case.call.subject, "errno": case.what,
            "promise": said, "exit": outcome.code, "message": outcome.message.strip(), "wrong": wrong,
            "case": f"{place.user}:{case.name}"}


# ---- all cases ----

def place_for(options, base, user, name):
    folder = os.path.join(base, name)
    os.mkdir(folder)
    if user == "nobody":
        os.chown(folder, launches.NOBODY.pw_uid, launches.NOBODY.pw_gid)
    launches.become_worker(user)
    os.chdir(folder)
    return launches.Place(folder, os.path.join(base, "bin"), user)


def plan(options, base, user):
    """The cases of a user, into a file: the workers share them."""
    place = place_for(options, base, user, f"plan-{user}")
    table, errnos = promises.Promises(), dict(launches.CALLS)
    cases, counts = [], {"varying": 0, "unfailing": {}}
    for mode in launches.modes_for(user):
        if options.case and options.case.split(":")[1] != mode.name:
            continue
        for case in cases_of(place, mode, table):
            name = f"{user}:{case.name}"
            if (not options.case or options.case == name) and options.k in name:
                call = case.call
                cases.append([mode.name, call.process, call.name, call.nth, call.phase, call.subject, call.varies, case.what,
                              mode.message])
                counts["varying"] += call.varies
                if errnos.get(call.name) == UNFAILING and case.what == "KILL":
                    counts["unfailing"][call.name] = counts["unfailing"].get(call.name, 0) + 1
    with open(os.path.join(place.folder, "cases"), "w", encoding="utf-8") as file:
        json.dump([cases[::options.every], counts], file)
    return 0


class Planned:
    """A call as the plan has it."""

    def __init__(self, process, name, nth, phase, subject, varies):
        self.process, self.name, self.nth, self.phase, self.subject, self.varies = process, name, nth, phase, subject, varies


def planned(base, user):
    with open(os.path.join(base, f"plan-{user}", "cases"), encoding="utf-8") as file:
        return json.load(file)


def work(options, base, user, number):
    """Each worker takes each so-manyth case."""
    cases = planned(base, user)[0][number::options.j]
    modes = {mode.name: mode for mode in launches.MODES}
    with open(os.path.join(base, f"results-{user}-{number}"), "w", encoding="utf-8") as file:
        place = place_for(options, base, user, f"{user}-{number}")
        table = promises.Promises()
        for mode_name, *call, what, message in cases:
            mode = modes[mode_name]
            mode.message = message
            file.write(json.dumps(torture(place, Case(mode, Planned(*call), what), table)) + "\n")
            file.flush()
    return 0


def run_user(options, base, user):
    """The results of all cases."""
    if launches.in_child(lambda: plan(options, base, user)) != 0:
        sys.exit(f"FAIL torture for real as {user}: an undisturbed start is not as it should be")
    pids = [launches.begin_child(lambda number=number: work(options, base, user, number)) for number in range(options.j)]
    failed = [pid for pid in pids if os.waitpid(pid, 0)[1] != 0]
    results = []
    for number in range(options.j):
        with open(os.path.join(base, f"results-{user}-{number}"), encoding="utf-8") as file:
            results += [json.loads(line) for line in file]
    if failed:
        sys.exit(f"FAIL torture for real as {user}: a worker died after {len(results)} cases")
    return results


def report(options, base, user, results, seconds):
    """Prints what is wrong, each with how to repeat it, and a line; gives how many are wrong."""
    missed = results.count(None)
    results = [result for result in results if result]
    wrong = [result for result in results if result["wrong"]]
    counts = planned(base, user)[1]
    unfailing = counts["unfailing"]
    for result in wrong:
        print(f"FAIL ASR-4  {result['case']}\n     {result['wrong']}\n     promised: {result['promise']}; exit {result['exit']}, "
              f"message {result['message']!r}\n     again: python3 tests/torture/real.py --build {options.build} --case {result['case']}")
    kills = sum(result["errno"].startswith("KILL") for result in results)
    lives = sum(result["promise"] == "lives" for result in results)
    print(f"{'FAIL' if wrong or not results else 'ok  '} ASR-4 NTF-13  torture for real as {user}: {len(results)} starts, "
          f"{len(results) - kills} failing calls ({lives} lived through), {kills} kills; {len(wrong)} not as promised; "
          f"{counts['varying']} of them at calls that not every start makes, {missed} more of these not made again; "
          f"{sum(unfailing.values())} calls that cannot fail, by their manual pages, are killed at only "
          f"({', '.join(sorted(unfailing))}); {seconds:.0f} s")
    sys.stdout.flush()
    return len(wrong) if results else 1


def by_plain_libfiu(base):
    """Libfiu's own means, without a variable of ours: one failure of a name in whichever process."""
    if not os.path.exists(PRELOAD):
        print("skip ASR-4  plain libfiu: fiu-utils is not installed")
        return 0
    environment = {"LD_PRELOAD": PRELOAD, "FIU_ENABLE": f"enable name=ops/setsid,failinfo={errno.EPERM}"}
    result = subprocess.run([os.path.join(base, "bin", "daemonize-faulty"), "--", "true"], env=environment,
                            capture_output=True, text=True, check=False)
    good = result.returncode == 71 and result.stderr == "daemonize-faulty: setsid: operation not permitted\n"
    print(f"{'ok  ' if good else 'FAIL'} ASR-4  the same by plain libfiu{'' if good else ': ' + repr(result)}")
    return not good


def main():
    launches.close_inherited()
    parser = argparse.ArgumentParser(description="The torture of real processes.")
    parser.add_argument("--build", default="build/tests/torture")
    parser.add_argument("--results", help="one JSON object a case")
    parser.add_argument("-j", type=int, default=6, metavar="WORKERS", help="most of the time they wait")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th case only")
    parser.add_argument("--case", default="", help="just this one")
    parser.add_argument("-k", default="", metavar="SUBSTRING", help="only cases whose name has it")
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="blivet-torture-", dir="/tmp")
    os.chmod(base, 0o755)
    null, failures, everything = launches.null_device(), 0, []
    try:
        launches.prepare_machine(base, options.build)
        for user in launches.users():
            if options.case and options.case.split(":")[0] != user:
                continue
            begun = time.monotonic()
            results = run_user(options, base, user)
            if not results and options.k:
                continue
            failures += report(options, base, user, results, time.monotonic() - begun)
            everything += filter(None, results)
        if not options.case:
            failures += by_plain_libfiu(base)
    finally:
        launches.clear_machine(base)
    if launches.null_device() != null:
        print(f"FAIL /dev/null was changed: {null} became {launches.null_device()}")
        failures += 1
    failures += not everything
    if options.results:
        with open(options.results, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(result) + "\n" for result in everything)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
