"""test_completions.py - the completions, in the shells that they are for.

Bash and zsh are typed at through a terminal, with the key that inserts all candidates; the "command" then prints the
words that it was given.  Fish tells its candidates by itself.
"""

import fcntl
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios

from harness import HERE, Skip, check, equal, rows, text, wait_until

PLACE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "cli", "completions")
OPTIONS = re.findall(r'^OPTION\("([\w-]+)"', text(os.path.join(PLACE, "..", "options.def")), re.M)

# What is typed, and the candidates for its last word: all of them, or with "..." at least these.
CASES = [
    ("daemonize --pid", {"--pidfile"}),
    ("daemonize -", {f"--{name}" for name in OPTIONS} | {"..."}),
    ("daemonize -av --no-", {"--no-lock", "--no-close-fds"}),
    ("daemonize --ready=", {"exec", "notify", "fd:"}),
    ("daemonize --ready ", {"exec", "notify", "fd:"}),
    ("daemonize --ready=n", {"notify"}),
    ("daemonize --on-timeout=", {"end", "leave"}),
    ("daemonize -t 2.5 --chown ", {"logs", "all", "none"}),
    ("daemonize -u nobod", {"nobody"}),
    ("daemonize --group=nogrou", {"nogroup"}),
    ("daemonize -p FOLDER/some.p", {"FOLDER/some.pid"}),
    ("daemonize -ap FOLDER/some.p", {"FOLDER/some.pid"}),
    ("daemonize --stdout=FOLDER/some.p", {"FOLDER/some.pid"}),
    ("daemonize --trace invented-prog", {"invented-program"}),
    ("daemonize --trace=FOLDER/some.p", {"FOLDER/some.pid"}),
    ("daemonize -c FOLDER/s", {"FOLDER/sub/"}),  # a folder, and no file
    ("daemonize invented-prog", {"invented-program"}),
    ("daemonize -- invented-prog", {"invented-program"}),
    ("daemonize -ap FOLDER/some.pid -- invented-prog", {"invented-program"}),
    ("daemonize -t 3 invented-program FOLDER/some.p", {"FOLDER/some.pid"}),
    ("daemonize -- invented-program FOLDER/some.p", {"FOLDER/some.pid"}),
    ("daemonize invented-program --pid", set()),  # its options are not ours
    ("daemoncheck --", {"--pidfile", "--format", "--help", "--version"}),
    ("daemoncheck --format=", {"text", "json"}),
    ("daemoncheck --format j", {"json"}),
    ("daemoncheck -p FOLDER/some.p", {"FOLDER/some.pid"}),
    ("daemoncheck PI", {"PID", "..."}),  # this process, among others
    ("daemoncheck --format=json -p FOLDER/some.pid PI", {"PID", "..."}),
]
COMMANDS = ("daemonize", "daemoncheck")
TELL = " ".join(r"""%s() { printf '\n@'; printf '<%%s>' "$@"; printf '@\n'; };""" % command for command in COMMANDS)


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, box, argv, env, setup):
        own, its = pty.openpty()
        settings = termios.tcgetattr(its)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(its, termios.TCSANOW, settings)
        os.set_blocking(own, False)

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.fd, self.seen = own, b""
        self.launch = box.start(argv, env=env, stdin=its, stdout=its, stderr=its, before=take_terminal)
        os.close(its)
        for line in [*setup, "echo set-'up'"]:
            self.type(line + "\n")
        self.expect(rb"set-up")

    def type(self, line):
        os.write(self.fd, line.encode())

    def expect(self, pattern):
        def look():
            try:
                self.seen += os.read(self.fd, 65536)
            except (BlockingIOError, OSError):
                pass
            return re.search(pattern, self.seen, re.S)
        try:
            found = wait_until(look, pattern.decode(), 10)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; on the terminal: {self.seen[-600:]!r}") from None
        self.seen = self.seen[found.end():]
        return found

    def candidates(self, line, key):
        """Those for the last word of a line."""
        self.type(line + key + "\n")
        found = self.expect(rb"@((?:<[^>]*>)*)@").group(1).decode()
        typed = line.split()[1:] if line.endswith(" ") else line.split()[1:-1]
        given = re.findall("<(.*?)>", found)
        equal(given[:len(typed)], typed, "the words before are left as they are;")
        last = "" if line.endswith(" ") else line.split()[-1]
        return [word for word in given[len(typed):] if word != last or os.path.exists(word)]

    def end(self):
        self.launch.kill(signal.SIGKILL)
        self.launch.wait()
        os.close(self.fd)


def environment(box):
    """A folder with something in it, and a program with a name that nothing else has."""
    os.mkdir(box.path("sub"))
    box.file("some.pid")
    os.mkdir(box.path("bin"))
    shutil.copy("/bin/true", box.path("bin/invented-program"))
    return {"PATH": f"{box.path('bin')}:{os.environ['PATH']}", "HOME": box.folder, "TERM": "dumb", "LANG": "C"}


def need(shell):
    if not shutil.which(shell):
        raise Skip(f"no {shell} here")


def filled(box, word):
    pid = str(os.getpid())
    word = word.replace("FOLDER", box.folder).replace("PID", pid)
    return re.sub(r"(?<= )PI$", pid[:-1], word)


def judge(box, ask):
    """All cases; ask gives the candidates for what is typed."""
    for typed, expected in CASES:
        typed, *expected = (filled(box, word) for word in (typed, *expected))
        with box.about(typed):
            found = {re.sub(r"^--[\w-]+=(?=.)", "", word) for word in ask(typed)}
            found = {word.rstrip("=") if word.startswith("--") else word for word in found}
            if "..." in expected:
                check({*expected} <= found | {"..."}, "not among the candidates:", {*expected} - found - {"..."})
            else:
                equal({word.rstrip("/") for word in found}, {word.rstrip("/") for word in expected})


@rows("DOC-3")
def the_completions_are_those_of_the_option_tables(_box):
    result = subprocess.run([sys.executable, os.path.join(PLACE, "make.py"), "--check"], capture_output=True, text=True,
                            check=False)
    equal((result.returncode, result.stderr), (0, ""))


@rows("DOC-3", seconds=60)
def bash_completes(box):
    need("bash")
    shell = Terminal(box, [shutil.which("bash"), "--norc", "-i"], environment(box),
                     ["PS1=", "bind 'set enable-bracketed-paste off'", *(f". {PLACE}/{command}.bash" for command in COMMANDS), TELL])
    judge(box, lambda typed: shell.candidates(typed, "\033*"))
    shell.end()


@rows("DOC-3", seconds=60)
def bash_completes_beside_the_package_bash_completion(box):
    need("bash")
    package = "/usr/share/bash-completion/bash_completion"
    if not os.path.exists(package):
        raise Skip(f"no {package} here")
    shell = Terminal(box, [shutil.which("bash"), "--norc", "-i"], environment(box),
                     ["PS1=", "bind 'set enable-bracketed-paste off'", f". {package}", *(f". {PLACE}/{command}.bash" for command in COMMANDS), TELL])
    judge(box, lambda typed: shell.candidates(typed, "\033*"))
    equal(shell.candidates("daemonize -- ls --alm", "\033*"), ["--almost-all"], "the program's own options;")
    shell.end()


@rows("DOC-3", seconds=60)
def zsh_completes(box):
    need("zsh")
    shell = Terminal(box, [shutil.which("zsh"), "-f", "-i"], environment(box), [
        "PS1=; unsetopt zle_bracketed_paste prompt_cr; unset zle_bracketed_paste", f"fpath=({PLACE} $fpath)",
        "autoload -U compinit; compinit -u -D", "zle -C all-matches complete-word _generic", "bindkey '^Xa' all-matches",
        "zstyle ':completion:all-matches:*' completer _all_matches _complete",
        "zstyle ':completion:all-matches:*' insert true", TELL])
    judge(box, lambda typed: shell.candidates(typed, "\030a"))
    shell.end()


@rows("DOC-3", seconds=60)
def fish_completes(box):
    need("fish")
    env = environment(box)

    def ask(typed):
        sources = "".join(f"source {PLACE}/{command}.fish; " for command in COMMANDS)
        result = box.run([shutil.which("fish"), "--no-config", "-c", f"{sources}complete -C '{typed}'"], env=env)
        equal((result.code, result.err), (0, ""))
        return [line.split("\t")[0] for line in result.out.splitlines()]
    judge(box, ask)
