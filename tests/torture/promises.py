"""promises.py - promises.txt, read and looked up; and what a call of a trace is about, in the words of that file."""

import os
import re

import launches


class Promise:
    """What becomes of a start: code None where it goes on, else the exit code and a pattern of the words."""

    ADDITIONS = ("saying less", "saying nothing", "leaving the pidfile", "leaving the signal", "leaving the leader", "leaving the daemon",
                 "on /dev/null")

    def __init__(self, text):
        self.text, self.additions = text, set()
        while text.rpartition(", ")[2] in self.ADDITIONS:
            text, _, addition = text.rpartition(", ")
            self.additions.add(addition)
        match = re.fullmatch(r"lives|(lives or )?stops (\d+) (.+)", text)
        if not match:
            raise ValueError(f"promises.txt: is no promise: {text}")
        self.or_lives = bool(match[1])
        self.code = int(match[2]) if match[2] else None
        self.message = match[3]

    def pattern(self, place, mode, call, number):
        """A regular expression for the words."""
        names = {**place.files, "program": place.program, "user": "nobody",
                 "subject": "a signal without a name" if call.subject == "-" else call.subject,
                 "holder": " (pid 4711)" if mode.name == "second" else "",
                 "errno": launches.REASONS.get(launches.errno_name(number), "")}
        if not mode.uses("directory"):
            names["directory"] = "/"
        files = "|".join(re.escape(f"{name}: {place.files[name]}") for name in ("pidfile", "lockfile", "stdout", "stderr"))
        words = re.sub(r"\{(\w+)\}", lambda match: f"({files})" if match[1] == "file" else re.escape(names[match[1]]),
                       re.escape(self.message).replace(r"\{", "{").replace(r"\}", "}"))
        return words.removesuffix(re.escape("...")) + ".*" if self.message.endswith("...") else words


class Promises:
    def __init__(self):
        self.rows = []
        with open(os.path.join(launches.HERE, "promises.txt"), encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    *patterns, text = line.split(None, 5)
                    once, _, persisting = text.strip().partition(" | ")
                    once = Promise(once.strip())
                    persisting = Promise(persisting.strip()) if persisting else once
                    self.rows.append(([set(pattern.split(",")) for pattern in patterns], once, persisting))

    def find(self, process, conditions, *words):
        """(of one failure, of one that persists), or None: the first row that fits."""
        processes = {"*", process} | {f"{name}+{condition}" for name in ("*", process) for condition in conditions}
        for (of_process, *patterns), once, persisting in self.rows:
            if of_process & processes and all("*" in pattern or word in pattern for pattern, word in zip(patterns, words)):
                return once, persisting
        return None


def conditions_of(mode):
    """The conditions behind the '+' of a process."""
    found = {"real"} | ({"user", "given"} if mode.name.endswith("-and-user") else set())
    if any(mode.uses(name) for name in ("pidfile", "lockfile", "stdout", "stderr")):
        found.add("files")
    return found | ({"apart"} if mode.uses("lockfile") else set()) | ({"fails"} if mode.name == "second" else set())


# ---- phases and subjects ----

BY_PATH = {"open", "stat", "lstat", "eaccess", "readlink", "unlink", "chdir", "execve"}
BY_SIGNAL = {"sigaction", "stop_ignoring", "raise"}
BY_ENTRY = {"setenv", "unsetenv"}
BY_FD = {"close", "dup2", "fcntl", "fstat", "pread", "pwrite", "write", "ftruncate", "lseek", "flock", "fchown", "send", "recv",
         "sendmsg", "recvmsg", "read", "bind", "getsockname", "setsockopt", "connect", "shutdown", "getdents",
         "pidfd_send_signal", "pidfd_exit_status"}


class Reader:
    """Follows the descriptors through a trace and gives each call its phase and its subject."""

    def __init__(self, place, mode):
        self.paths = {path: name for name, path in place.files.items()}
        self.paths.update({place.folder: "folder", place.program: "program", place.script: "program", "/": "directory", "/dev/null": "null",
                           "/proc/self": "self", "/proc/self/fd": "fds", "/proc/self/task": "task"})
        self.foreground = mode.foreground
        self.fds = {0: {}}  # by process
        self.forked = self.cleaning = self.listened = False
        self.leader = None

    def read(self, trace):
        for call in trace:
            if call.process not in self.fds:
                self.fds[call.process] = dict(self.at_fork)
            call.phase = self.phase(call)
            call.subject = self.subject(call)
            self.note(call)
        return trace

    def phase(self, call):
        if call.process == 0 and not self.foreground and self.forked:
            self.cleaning |= call.name in ("kill", "pidfd_send_signal")
            return "clean-up" if self.cleaning else "wait"
        if call.step == launches.APPLICATION:
            return "application"
        if call.step == launches.CLOSE:
            return "close"
        return launches.STEPS[call.step].replace(" ", "-").replace("/dev/", "dev-") if call.step else "prepare"

    def of_path(self, path):
        if re.fullmatch(r"/proc/\d+/stat", path):
            return "stat"
        return "ready" if path.startswith("/proc/self/fd/") else self.paths.get(path, "-")

    def subject(self, call):
        words = call.arguments.split(", ")
        if call.name in BY_PATH:
            return "new-" * ("O_CREAT" in call.arguments) + self.of_path(words[0].strip('"'))
        if call.name == "setresuid":
            return "proof" if words[0] == "(uid_t)-1" else "-"
        if call.name in BY_SIGNAL:
            return words[0] if words[0].startswith("SIG") else "-"
        if call.name in BY_ENTRY:
            return words[0].strip('"')
        if call.name in BY_FD:
            return self.fds[call.process].get(int(words[0]), "-")
        if call.name == "waitid":
            return "daemon" if int(words[1]) != self.leader else "zombie" if self.listened else "leader"
        if call.name == "poll":
            return self.of_poll(call)
        return "-"

    def of_poll(self, call):
        polled = [int(word) for word in re.findall(r"-?\d+", call.arguments.partition("]")[0])]
        if not polled or "[" not in call.arguments:
            return "nap"
        subject = self.fds[call.process].get(polled[0], "-")
        return "verdict" if len(polled) == 2 and subject == "channel" else subject

    def note(self, call):
        """What the call does to the descriptors."""
        fds, result = self.fds[call.process], call.result
        self.listened |= call.process == 0 and call.name == "recv"
        if call.name == "fork":
            self.at_fork = dict(fds)
            if call.process == 0:
                self.forked, self.leader = True, result
        if not call.returned or call.error:
            return
        pair = re.search(r"\[(\d+), (\d+)\]", call.arguments)
        if call.name == "open":
            fds[result] = call.subject.removeprefix("new-")
        elif call.name == "socketpair" and pair:
            fds[int(pair[1])] = fds[int(pair[2])] = "channel"
        elif call.name == "pipe2" and pair:
            fds[int(pair[1])], fds[int(pair[2])] = "ear", "ready"
        elif call.name == "socket":
            fds[result] = "manager" if call.phase == "application" else "ear"
        elif call.name == "pidfd_open":
            fds[result] = "pidfd"
        elif call.name == "dup2" or "F_DUPFD" in call.arguments:
            fds[result] = call.subject
        elif call.name == "recvmsg" and call.subject == "channel":
            fds[result_fd(fds, 0)], fds[result_fd(fds, 1)] = "stat", "pidfd"
        elif call.name == "close":
            fds.pop(int(call.arguments), None)


def result_fd(fds, nth):
    """The kernel gives the lowest numbers that are free: those of what came over the channel."""
    return [number for number in range(3, 100) if number not in fds][nth]
