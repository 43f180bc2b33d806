"""compare_daemons.py BUILD - the work of compare-daemons.sh, in a mount namespace of its own.

Everything is started by a shell on a terminal of its own, from the directory /dev/shm, with descriptor 7 open on a
folder, SIGCHLD ignored and SIGUSR1 blocked: what an unlucky administrator's shell may pass on."""
import datetime
import glob
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1]
SLEEP = shutil.which("sleep", path="/usr/bin:/bin")
FOLDER = tempfile.mkdtemp()
SERVERS = f"{BUILD}/servers"
DIRT = "env --ignore-signal=CHLD --block-signal=USR1"


def tools():
    """What starts the program, which is told apart by how long it sleeps, $N."""
    yield "blivet's `daemonize`", f"{BUILD}/cli/daemonize -- {SLEEP} $N"
    yield "Debian's `daemonize`", f"/usr/bin/daemonize {SLEEP} $N"
    yield "`daemon` (libslack)", f"/usr/bin/daemon -- {SLEEP} $N"
    yield "`start-stop-daemon -b`", f"start-stop-daemon -S -b -p {FOLDER}/none -x {SLEEP} -- $N"
    yield "libdaemon", f"{BUILD}/peers/libdaemon {FOLDER}/libdaemon.pid {script('sleeper', f'exec {SLEEP} $N')}"
    yield "`daemon(3)`", f"{BUILD}/peers/daemon3 {SLEEP} $N"
    yield "`setsid -f`", f"setsid -f {SLEEP} $N"
    yield "`nohup … &`", f"nohup {SLEEP} $N &"
    yield "`… &`", f"{SLEEP} $N &"


def daemons():
    """Those that background themselves, and their pidfiles."""
    for kind in ("data", "log"):
        os.makedirs(f"{FOLDER}/{kind}", exist_ok=True)
    redis, nginx, sshd, keygen = map(program, ("redis-server", "nginx", "sshd", "ssh-keygen"))
    postgres = os.path.dirname(program("postgres"))
    yield "redis", f"{redis} --port 0 --unixsocket {FOLDER}/redis --daemonize yes --pidfile /run/redis.pid", "/run/redis.pid"
    temporary = "".join(f"{kind}_temp_path {FOLDER}/data;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf = written("nginx.conf", f"pid /run/nginx.pid; error_log {FOLDER}/log/nginx; events {{}}\n"
                   f"http {{ access_log off; {temporary} server {{ listen unix:{FOLDER}/nginx; }} }}\n")
    yield "nginx", f"{nginx} -p {FOLDER}/data -e {FOLDER}/log/nginx -c {conf}", "/run/nginx.pid"
    run(keygen, "-q", "-t", "ed25519", "-N", "", "-f", f"{FOLDER}/key")
    conf = written("sshd_config", f"ListenAddress 127.0.0.1\nPort {free_port()}\nHostKey {FOLDER}/key\nPidFile /run/sshd.pid\nUsePAM no\n")
    yield "sshd", f"{sshd} -f {conf}", "/run/sshd.pid"
    os.makedirs(f"{FOLDER}/pg", exist_ok=True)
    shutil.chown(f"{FOLDER}/pg", "nobody")
    as_nobody = "setpriv --reuid nobody --regid 65534 --clear-groups"
    run(*as_nobody.split(), f"{postgres}/initdb", "-D", f"{FOLDER}/pg/data", "-N", "-A", "trust", "--no-locale")
    options = f"-o \"-k {FOLDER}/pg -c listen_addresses= -c jit=off\""
    # With SIGCHLD ignored pg_ctl does not start anything: "pclose() failed: No child processes".
    yield ("PostgreSQL (`pg_ctl`)", f"env --default-signal=CHLD {as_nobody} {postgres}/pg_ctl start -w -s -D {FOLDER}/pg/data -l {FOLDER}/pg/log {options}",
           f"{FOLDER}/pg/data/postmaster.pid")


# --- help -----------------------------------------------------------------------------------------

def written(name, content, mode=0o644):
    path = f"{FOLDER}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    os.chmod(path, mode)
    return path


def script(name, line):
    """A program without arguments, for a starter that passes none."""
    return written(name, f"#!/bin/sh\n{line}\n", 0o755)


def program(name):
    for place in ("usr/sbin", "usr/bin", "usr/lib/postgresql/15/bin"):
        for base in (SERVERS, ""):
            if os.access(f"{base}/{place}/{name}", os.X_OK):
                return f"{base}/{place}/{name}"
    sys.exit(f"compare_daemons.py: no {name}")


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"compare_daemons.py: {' '.join(command)}: {result.stderr}")


def sleeping(number):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().split(b"\0")[:2] == [SLEEP.encode(), str(number).encode()]:
                    return int(pid)
        except OSError:
            pass
    return 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def named_in(pidfile):
    try:
        with open(pidfile, encoding="ascii") as file:
            pid = int(file.readline())
        os.kill(pid, 0)
        return pid
    except (OSError, ValueError):
        return 0


def start(words):
    """The shell that starts it, on a terminal of its own."""
    shell, terminal = pty.fork()
    if shell == 0:
        os.chdir("/dev/shm")
        os.umask(0o022)
        os.closerange(3, 1024)
        os.dup2(os.open(FOLDER, os.O_RDONLY), 7)
        for default in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(default, signal.SIG_DFL)
        os.execv("/bin/sh", ["sh", "-c", f"{DIRT} {words}\nexec sleep 99"])
    return shell, terminal


def judged(name, words, find, options):
    shell, terminal = start(words)
    deadline, pid = time.monotonic() + 20, 0
    while not pid and time.monotonic() < deadline:
        time.sleep(0.05)
        pid = find()
    time.sleep(1)  # until it has settled
    if not pid:
        sys.exit(f"compare_daemons.py: {name} did not start")
    points = json.loads(subprocess.run([f"{BUILD}/cli/daemoncheck", "--format=json", *options, str(pid)], check=False,
                                       capture_output=True).stdout)["points"]
    if os.environ.get("SHOW"):
        print(name, *(f"  {point['judgement']:8} {point['point']:16} {point['found']}" for point in points), sep="\n", file=sys.stderr)
    for victim, number in ((pid, signal.SIGQUIT), (pid, signal.SIGKILL), (shell, signal.SIGKILL)):
        try:
            os.kill(victim, number)
        except ProcessLookupError:
            pass
        time.sleep(0.3)
    os.close(terminal)
    os.waitpid(shell, 0)
    said = [", ".join(point["point"] for point in points if point["judgement"] == judgement) or "nothing"
            for judgement in ("wrong", "notable")]
    return f"| {name} | {said[0]} | {said[1]} |"


def main():
    run("mount", "-t", "tmpfs", "none", "/run")
    os.makedirs("/run/sshd", 0o755)
    with open("/etc/passwd", encoding="utf-8") as file:
        passwd = file.read()
    run("mount", "--bind", written("passwd", passwd + "sshd:x:61022:65534::/run/sshd:/usr/sbin/nologin\n"), "/etc/passwd")
    os.chmod(FOLDER, 0o755)
    os.environ["LD_LIBRARY_PATH"] = ":".join(glob.glob(f"{SERVERS}/usr/lib/*-linux-*") + glob.glob(f"{SERVERS}/lib/*-linux-*"))
    print(f"Made by `sh tests/compare-daemons.sh` on {datetime.date.today()}.\n")
    print("| started by | wrong | notable |\n| --- | --- | --- |")
    for index, (name, words) in enumerate(tools()):
        number = 86000 + os.getpid() % 100 * 10 + index
        os.environ["N"] = str(number)
        print(judged(name, words, lambda number=number: sleeping(number), []), flush=True)
    print("\n| starts itself | wrong | notable |\n| --- | --- | --- |")
    for name, words, pidfile in daemons():
        print(judged(name, words, lambda pidfile=pidfile: named_in(pidfile), ["-p", pidfile]), flush=True)


try:
    main()
finally:
    shutil.rmtree(FOLDER)
