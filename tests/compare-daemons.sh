#!/bin/sh
# compare-daemons.sh [BUILD] - what different tools make of one program, judged by daemoncheck, as a Markdown table.
#
# Each tool is started on a terminal of its own, from the directory /dev/shm, with descriptor 7 open on a file, SIGCHLD
# ignored and SIGUSR1 blocked.  The tools that are not here are fetched as Debian's packages and unpacked into the build
# folder, not installed.
set -eu
build=$(realpath "${1:-$(dirname "$0")/../build}")
for tool in python3 apt-get dpkg-deb start-stop-daemon setsid nohup; do
  command -v "$tool" >/dev/null 2>&1 || { echo "compare-daemons.sh: missing: $tool" >&2; exit 1; }
done
peers=$build/peers
mkdir -p "$peers"
for package in daemonize daemon; do
  [ -z "$(find "$peers/$package" -type f -path "*bin/$package" 2>/dev/null)" ] || continue
  (cd "$peers" && apt-get -o APT::Sandbox::User=root -qq download "$package" && dpkg-deb -x "$package"_*.deb "$peers/$package")
done
exec python3 - "$build" "$peers" <<'END'
import glob, json, os, pty, shutil, signal, sys, tempfile, time
build, peers = sys.argv[1:]
folder, sleep = tempfile.mkdtemp(), shutil.which("sleep")
peer = {name: glob.glob(f"{peers}/{name}/usr/*bin/{name}")[0] for name in ("daemonize", "daemon")}
ENV = "env --ignore-signal=CHLD --block-signal=USR1"
TOOLS = (("blivet's `daemonize`", f"{build}/cli/daemonize -- {sleep} $N"),
         ("Debian's `daemonize`", f"{peer['daemonize']} {sleep} $N"),
         ("`daemon` (libslack)", f"{peer['daemon']} -- {sleep} $N"),
         ("`start-stop-daemon -b`", f"start-stop-daemon -S -b -p {folder}/none -x {sleep} -- $N"),
         ("`setsid -f`", f"setsid -f {sleep} $N"), ("`nohup … &`", f"nohup {sleep} $N &"), ("`… &`", f"{sleep} $N &"))

def find(number):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().split(b"\0")[:2] == [sleep.encode(), str(number).encode()]:
                    return int(pid)
        except OSError:
            pass
    return 0

print("| started by | wrong | notable |\n| --- | --- | --- |")
for index, (name, words) in enumerate(TOOLS):
    number = 86000 + os.getpid() % 100 * 10 + index
    shell, terminal = pty.fork()
    if shell == 0:
        os.chdir("/dev/shm")
        os.umask(0o022)
        os.dup2(os.open(folder, os.O_RDONLY), 7)
        for default in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(default, signal.SIG_DFL)
        os.execv("/bin/sh", ["sh", "-c", f"{ENV} {words.replace('$N', str(number))}\nsleep 9"])
    deadline, pid = time.monotonic() + 5, 0
    while not pid and time.monotonic() < deadline:
        time.sleep(0.05)
        pid = find(number)
    time.sleep(0.5)
    report = json.loads(os.popen(f"{build}/cli/daemoncheck --format=json {pid}").read()) if pid else {"points": []}
    said = [", ".join(p["point"] for p in report["points"] if p["judgement"] == judgement) or "nothing"
            for judgement in ("wrong", "notable")]
    print(f"| {name} | {' | '.join(said) if pid else 'did not start | '} |", flush=True)
    for victim in filter(None, (pid, shell)):
        os.kill(victim, signal.SIGKILL)
    os.close(terminal)
    os.waitpid(shell, 0)
shutil.rmtree(folder)
END
