#!/bin/sh
# compare.sh [DAEMONIZE] - the same ten starts by Debian's start-stop-daemon and by daemonize, as a Markdown table.
#
# Both wait for READY=1 (sd_notify), at most 3 seconds.  Takes about half a minute; as root or as anybody.  What is
# judged is the rule printed above the table.  Exit status 0: it ran through, whatever the verdicts.
set -u
PATH=$PATH:/usr/sbin:/sbin
daemonize=${1:-$(dirname "$0")/../build/cli/daemonize}
missing() { echo "compare.sh: missing: $1" >&2; exit 1; }
command -v python3 >/dev/null 2>&1 || missing "python3"
start_stop_daemon=$(command -v start-stop-daemon) || missing "start-stop-daemon (on Debian in the package dpkg)"
"$start_stop_daemon" --help 2>&1 | grep -q -e --notify-await ||
  missing "a start-stop-daemon that knows --notify-await (dpkg 1.19.3 or later)"
[ -x "$daemonize" ] || missing "$daemonize (cmake --preset default && cmake --build build)"
folder=$(realpath "$(mktemp -d)") || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# The program to be started: program.py CASE FOLDER.  It notes its pid and, before it says so, that it is ready.
cat >"$folder/program.py" <<'END'
import os, signal, socket, sys, time
case, folder = sys.argv[1:]
def note(name):
    with open(folder + "/" + name, "w") as file:
        file.write("%d\n" % os.getpid())
signal.alarm(60)  # the last resort: nothing of this outlives the minute
if case == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
note("pid")
if case == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if case == "worker" and os.fork() == 0:
    signal.alarm(60)
    time.sleep(50)
    os._exit(0)
time.sleep(0.2 if case == "ready" else 0.1)
if case in ("exits", "worker"):
    sys.exit(3)
if case == "crashes":
    os.kill(os.getpid(), signal.SIGSEGV)
if case == "ready":
    note("ready")
    a = os.environ["NOTIFY_SOCKET"]
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1\n", "\0" + a[1:] if a[0] == "@" else a)
time.sleep(50)
END

cat >"$folder/compare.py" <<'END'
import concurrent.futures, contextlib, os, resource, signal, socket, subprocess, sys, threading, time
ssd, daemonize, folder = sys.argv[1:]
program = [os.path.realpath(sys.executable), "-I", "-S", folder + "/program.py"]
TOOLS = {
    "start-stop-daemon": lambda pidfile, words: [ssd, "--start", "--background", "--make-pidfile", "--pidfile", pidfile,
        "--notify-await", "--notify-timeout", "3", "--exec", words[0], "--"] + words[1:],
    "daemonize": lambda pidfile, words: [daemonize, "--ready=notify", "-t", "3", "-p", pidfile, "--"] + words}
CASES = [("ready", "ready after 0.2 s"), ("exits", "exits with 3 while loading"),
    ("crashes", "SIGSEGV while loading"), ("silent", "never answers"),
    ("stubborn", "never answers, ignores SIGTERM"), ("outsider", "never answers; a process outside does"),
    ("worker", "ends while loading, its worker goes on"), ("missing", "does not exist"),
    ("second", "second instance, the first is ready"), ("killed", "SIGKILL before it says anything")]
OUTSIDER = "import socket, sys, time; a = sys.argv[1]; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); " \
    "s.sendto(b'READY=1\\n', '\\0' + a[1:] if a[0] == '@' else a); time.sleep(1)"

def environ(pid):
    try:
        with open("/proc/%s/environ" % pid, "rb") as file:
            return file.read().split(b"\0")
    except OSError:  # gone, or somebody else's
        return []

def living(mark):  # what was started under this mark and is alive; a zombie has no environment
    word = ("COMPARE_MARK=" + mark).encode()
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and word in environ(pid)]

def number(path):
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0

def outsider(place):  # not started by the tool, in another session; the socket is read from the program's environment
    deadline = time.monotonic() + 2
    while not number(place + "/pid") and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    address = [v[14:].decode() for v in environ(number(place + "/pid")) if v.startswith(b"NOTIFY_SOCKET=")]
    subprocess.run([program[0], "-I", "-c", OUTSIDER] + address, check=True, timeout=10)

def start(tool, case, place, pidfile):  # exit code, seconds, ready and running
    os.mkdir(place)
    words = [folder + "/no-such-program"] if case == "missing" else program + [case, place]
    env = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
    began = time.monotonic()
    launcher = subprocess.Popen(TOOLS[tool](pidfile, words), env=dict(env, COMPARE_MARK=place), cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = threading.Timer(30, launcher.kill)
    limit.start()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(outsider, place) if case == "outsider" else None
        code = launcher.wait()
        seconds = time.monotonic() - began
        good = number(place + "/ready") > 0 and number(place + "/pid") in living(place)
        limit.cancel()
        if sent:
            sent.result()  # an outsider that could not send is no comparison
    return code, seconds, good

def trial(tool, case):
    place = "%s/%s-%s" % (folder, tool, case)
    marks = [place]
    try:
        if case == "second":
            marks.append(place + "-first")
            if start(tool, "ready", marks[1], place + ".pid")[0] != 0:
                raise RuntimeError("the first instance did not start: " + tool)
        code, seconds, good = start(tool, "ready" if case == "second" else case, place, place + ".pid")
        time.sleep(0.3)  # what is about to end may do so
        left = bool(living(place))
        named = number(place + ".pid")
        dead = named > 0 and not any(named in living(mark) for mark in marks)
        right = code == 0 and not dead if good else code != 0 and not left and not dead
        found = ["exit %d after %.1f s" % (code, seconds)] + ["a process left"] * (left and not good) + ["pidfile of a dead one"] * dead
        return "%s: %s" % (", ".join(found), "right" if right else "**wrong**"), right
    finally:
        for mark in marks:
            while living(mark):  # again, for what was being forked just then
                for pid in living(mark):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.02)

resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
print("Right is: exit 0 exactly if the program is ready and runs; otherwise nothing is left, neither a process nor a\n"
    "pidfile that names a dead one.  The limit is 3 seconds.\n", flush=True)
print("| the program | %s |\n| --- | --- | --- |" % " | ".join("`%s`" % tool for tool in TOOLS), flush=True)
score = dict.fromkeys(TOOLS, 0)
with concurrent.futures.ThreadPoolExecutor(len(TOOLS)) as pool:
    for count, (case, text) in enumerate(CASES, 1):
        rows = [(tool, pool.submit(trial, tool, case)) for tool in TOOLS]
        for tool, row in rows:
            score[tool] += row.result()[1]
        print("| %d. %s | %s |" % (count, text, " | ".join(row.result()[0] for _, row in rows)), flush=True)
for tool, path in (("start-stop-daemon", ssd), ("daemonize", daemonize)):
    version = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
    print("%s%s: %d of %d right." % ("\n" if path == ssd else "", version, score[tool], len(CASES)))
END
python3 "$folder/compare.py" "$start_stop_daemon" "$(realpath "$daemonize")" "$folder"
