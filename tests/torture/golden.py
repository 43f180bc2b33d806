#!/usr/bin/env python3
"""golden.py - the calls that each process makes in each mode, against tests/torture/golden/MODE.txt.

    python3 tests/torture/golden.py --build build/tests/torture [-k SUBSTRING] [--write]

A call that has vanished, appeared or moved fails and is shown.  --write makes the files anew: look at the difference
before you commit it.  What varies (pids, sizes, addresses, paths) is replaced; a wait that went round more than once
is told once.  How often the launcher wakes up varies all the same, so a mode that differs is run again: what has
vanished is never there.
"""

import argparse
import difflib
import errno
import os
import re
import sys
import tempfile

import launches

GOLDEN = os.path.join(launches.HERE, "golden")
TRIES = 12
SETTLES = 5  # seconds
ADDRESSES = {"calloc", "mmap", "environment", "getpwnam", "getpwuid", "getgrnam"}
IDS = {"getuid": "{uid}", "geteuid": "{uid}", "getgid": "{gid}", "getegid": "{gid}"}


class Story:
    """A trace as text."""

    def __init__(self, place, mode, outcome):
        self.names = [(place.folder, "{folder}"), (place.program, "{program}")]
        for call in outcome.trace:
            process = "foreground" if mode.foreground else launches.PROCESSES[call.process]
            if (str(call.pid), "{" + process + "}") not in self.names:
                self.names.append((str(call.pid), "{" + process + "}"))
        words = [self.plain(word) for word in mode.argv(place)[1:]]
        what = "library" if mode.library else "daemonize"
        self.lines = [f"{what} {' '.join(words)}: exit {outcome.code}", *self.plain(outcome.message).splitlines()]
        processes = sorted({call.process for call in outcome.trace})
        for number in processes:
            name = "foreground" if mode.foreground else launches.PROCESSES[number]
            self.lines += ["", f"== {name}"]
            self.lines += self.told([call for call in outcome.trace if call.process == number], number)

    def plain(self, text):
        for what, name in self.names:
            text = re.sub(rf"(?<!\w){re.escape(what)}(?!\w)", name, text)
        return text

    def told(self, calls, process):
        lines = [self.line(call) for call in calls]
        return verdicts_whole(without_rounds(signals_together(lines))) if process == 0 else signals_together(lines)

    def line(self, call):
        if call.name == "enter_step":
            number = int(call.arguments)
            names = {**launches.STEPS, launches.APPLICATION: "the application", launches.CLOSE: "close"}
            return f"step {number}, {names[number]}" if number in launches.STEPS else names[number]
        arguments, result = self.plain(call.arguments), str(call.result)
        if call.name in ADDRESSES:
            result = "an address" if call.result > 0 else "NULL"
        elif call.name in IDS:
            result = IDS[call.name]
        elif call.name in ("pread", "readlink") and call.result > 0:
            result = "a number"
        elif call.name == "waitid":
            result = result if call.error else "0"
        if call.name == "calloc":
            arguments = "a size"
        if call.name == "pwrite":  # the daemon's number may have more digits or less
            arguments = re.sub(r'", \d+, ', '", its length, ', arguments)
            result = "its length" if call.result > 0 else result
        if "F_GETFL" in arguments:
            result = "flags"
        arguments = re.sub(r"F_SETFL, (\d+)", self.flags, arguments)
        if call.error:
            result = errno.errorcode.get(call.error, str(call.error))
        # A signal to what has died may still reach it or not.
        if not call.returned or call.name in ("free", "set_environment", "kill", "pidfd_send_signal"):
            return f"  {call.name}({arguments})"
        return f"  {call.name}({arguments}) = {self.plain(result)}"

    @staticmethod
    def flags(match):
        return "F_SETFL, " + ("flags" if int(match[1]) & os.O_NONBLOCK else "flags without O_NONBLOCK")


def signals_together(lines):
    """sigaction(SIGHUP, SIG_DFL, NULL), sigaction(SIGINT, ...): one line with all of them."""
    told = []
    for line in lines:
        match = re.match(r"  (sigaction|stop_ignoring)\((\w+)(.*)$", line)
        if match and told and isinstance(told[-1], list) and told[-1][0] == match[1] and told[-1][2] == match[3]:
            told[-1][1].append(match[2])
        else:
            told.append([match[1], [match[2]], match[3]] if match else line)
    return [line if isinstance(line, str) else f"  {line[0]}({' '.join(line[1])}{line[2]}" for line in told]


def verdicts_whole(lines):
    """The byte before exec and the failure after it are sent one by one, and may be read together or not."""
    part = re.compile(r"  recv\((\d+), &bytes, (\d+), MSG_DONTWAIT\) = ([1-9]\d*)$")
    told = []
    for line in lines:
        earlier, later = part.match(told[-1] if told else ""), part.match(line)
        if earlier and later and earlier[1] == later[1] and int(earlier[2]) - int(earlier[3]) == int(later[2]):
            told[-1] = f"  recv({earlier[1]}, &bytes, {earlier[2]}, MSG_DONTWAIT) = {int(earlier[3]) + int(later[3])}"
        else:
            told.append(line)
    return told


def without_rounds(lines):
    """In the launcher: polls are left out, and of a round that is made again the repetition; and of the search of /proc
    for who is of the daemon's session all that is about others, of whom there are more or less."""
    told = []
    for line in lines:
        if re.match(r"  poll\(|  getdents\(|  getsid\((?:\d+|\{launcher\})\)", line):
            continue
        told.append(line)
        for length in range(1, 4):
            if len(told) >= 2 * length and told[-length:] == told[-2 * length:-length] and \
                    all(re.match(r"  (pread|waitid|clock_gettime|recvmsg|recv|kill)\(", part) for part in told[-length:]):
                del told[-length:]
                break
    return told


def by_others(text):
    """Of a start as root, what another user's has: a pidfile that is not root's, so it is asked who judges it (PID-10)."""
    judged = r'((?:flock\(.*|fstat\(.*) = 0\n  lstat\("\{folder\}/pidfile", &status\) = 0\n)(?!  unlink)'
    return re.sub(judged, r"\1  geteuid() = {uid}\n", text)


def story(place, mode):
    place.reaps = mode not in launches.FAILING  # or a failure would be told by one handle or another
    outcome = place.start(mode)
    if mode.library:
        place.wait_for_none(SETTLES)  # it closes its context and ends after its launcher, later on a busy machine
    place.end_all()
    if outcome.code != mode.ends:
        sys.exit(f"FAIL golden {mode.name}: exit {outcome.code} instead of {mode.ends}: {outcome.message}")
    return Story(place, mode, outcome).lines


def compare(place, mode, user):
    """None, or the difference."""
    path = os.path.join(GOLDEN, mode.name + ".txt")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return f"{path} is missing; --write makes it"
    expected = (text if user == "root" else by_others(text)).splitlines()
    for _ in range(TRIES):
        lines = story(place, mode)
        if lines == expected:
            return None
    title = os.path.relpath(path), f"this run, as {user}"
    return "\n".join(difflib.unified_diff(expected, lines, *title, lineterm=""))


def write(place, mode):
    """The story that is told most often."""
    stories = ["\n".join(story(place, mode)) + "\n" for _ in range(TRIES)]
    os.makedirs(GOLDEN, exist_ok=True)
    with open(os.path.join(GOLDEN, mode.name + ".txt"), "w", encoding="utf-8") as file:
        file.write(max(stories, key=stories.count))


def run(options, user, base):
    """In a process of its own; prints and gives the number of failures."""
    folder = os.path.join(base, str(launches.users().index(user)))  # of the same length, for sizes in messages
    os.mkdir(folder)
    if user == "nobody":
        os.chown(folder, launches.NOBODY.pw_uid, launches.NOBODY.pw_gid)
    launches.become_worker(user)
    place = launches.Place(folder, os.path.join(base, "bin"), user)
    os.chdir(folder)
    modes = [mode for mode in launches.modes_for(user) + launches.FAILING if options.k in mode.name]
    failures = 0
    for mode in modes:
        if options.write:
            write(place, mode)
            continue
        difference = compare(place, mode, user)
        if difference:
            failures += 1
            print(f"FAIL ASR-7  golden {mode.name} as {user}\n{difference}")
    print(f"{'made' if options.write else 'FAIL' if failures else 'ok  '} ASR-7  golden traces of {len(modes)} modes as {user}")
    sys.stdout.flush()
    return failures


def main():
    launches.close_inherited()
    parser = argparse.ArgumentParser(description="The golden traces of blivet.")
    parser.add_argument("--build", default="build/tests/torture")
    parser.add_argument("-k", default="", metavar="SUBSTRING", help="only modes whose name has it")
    parser.add_argument("--write", action="store_true", help="make the files anew")
    options = parser.parse_args()
    if options.write and os.geteuid() != 0:
        parser.error("they are made as root")
    base = tempfile.mkdtemp(prefix="blivet-golden-", dir="/tmp")
    os.chmod(base, 0o755)
    failures = 0
    try:
        launches.prepare_machine(base, options.build)
        for user in launches.users()[:1 if options.write else None]:
            failures += launches.in_child(lambda user=user: run(options, user, base))
    finally:
        launches.clear_machine(base)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
