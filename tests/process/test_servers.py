"""test_servers.py - real servers as the program: redis, nginx and, as the counter-example, sshd.

servers.sh fetches them; run.py --servers FOLDER says where they are.
"""

import glob
import os
import pwd
import signal
import socket

from harness import (Skip, check, descendants_of, equal, fds_of, ids_of, locked, rows, text, wait_until,
                     write)


def server(box, name):
    """The path of a server and the environment in which it finds its libraries."""
    if not box.servers:
        raise Skip("no --servers FOLDER")
    for base in (os.path.abspath(box.servers), ""):
        for place in ("usr/sbin", "usr/bin"):
            path = f"{base}/{place}/{name}"
            if os.access(path, os.X_OK):
                libraries = glob.glob(f"{base}/usr/lib/*-linux-*") + glob.glob(f"{base}/lib/*-linux-*")
                env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
                if base:
                    env["LD_LIBRARY_PATH"] = ":".join(libraries)
                return path, env
    raise Skip(f"no {name} in {box.servers}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, question, answer):
    """Sends bytes to a port of the loopback once somebody listens there; the reply must begin so."""
    def connect():
        connection = socket.socket()
        connection.settimeout(5)
        if connection.connect_ex(("127.0.0.1", port)) == 0:
            return connection
        connection.close()
    with wait_until(connect, f"a server on port {port}", 10) as connection:
        connection.sendall(question)
        reply = b""
        while len(reply) < len(answer):
            part = connection.recv(4096)
            if not part:
                break
            reply += part
    check(reply.startswith(answer), "the reply begins with", answer, "but is", reply)


def as_user(box, *paths):
    """Options for a user of the server's own, where root asks; the paths become that user's."""
    if not box.root:
        return [], os.geteuid()
    user = pwd.getpwnam("www-data")
    for path in paths:
        os.chown(path, user.pw_uid, user.pw_gid)
    return ["-u", user.pw_name], user.pw_uid


def serve(box, options, program, env, uid, pidfile, port, *talks):
    """The life of a server: started, talked to, its double refused, stopped by the pid in the file."""
    options = ["-p", pidfile, *options]
    result = box.daemonize(*options, program=program, env=env)
    equal(result.code, 0, result)
    pid = int(text(pidfile))
    equal(pid, box.the_daemon())
    for question, answer in talks:
        ask(port, question, answer)
    equal(ids_of(pid)[0], [uid] * 3, "its user;")
    check(locked(pidfile), "the pidfile is locked")
    box.refused(box.daemonize(*options, program=program, env=env), "ERR-4", pidfile, str(pid))
    for question, answer in talks[-1:]:
        ask(port, question, answer)
    everyone = [pid, *descendants_of(pid)]
    os.kill(int(text(pidfile)), signal.SIGTERM)
    for one in everyone:
        box.wait_gone(one, 10)
    box.nothing_runs()
    check(not locked(pidfile), "the lock is free")
    with box.running("-p", pidfile):  # and the next start can have it
        pass


@rows("PID-2", "PID-6", "CLI-5", "CLI-9", "NTF-13", "PRV-3")
def redis_serves_as_a_daemon(box):
    path, env = server(box, "redis-server")
    port, place = free_port(), box.folder_in("data")
    options, uid = as_user(box, place)
    program = [path, "--port", str(port), "--bind", "127.0.0.1", "--dir", place, "--daemonize", "no",
               "--save", "60 1"]
    log = box.path("redis.log")
    serve(box, ["-o", log, "-c", place, *options], program, env, uid, box.path("redis.pid"), port,
          (b"PING\r\n", b"+PONG\r\n"), (b"INCR counter\r\n", b":1\r\n"), (b"INCR counter\r\n", b":2\r\n"),
          (b"PING\r\n", b"+PONG\r\n"))
    check("Ready to accept connections" in text(log), "the log:", text(log)[-500:])
    check(os.path.exists(f"{place}/dump.rdb"), "redis saved its data when it was stopped")


@rows("PID-2", "PID-6", "CLI-5", "NTF-13", "PRV-3", "STD-2")
def nginx_serves_as_a_daemon(box):
    path, env = server(box, "nginx")
    port, place = free_port(), box.folder_in("data")
    write(f"{place}/index.html", "hello from a daemon\n")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {place}/{kind};" for kind in kinds)
    write(f"{place}/nginx.conf", f"""daemon off; worker_processes 2; pid {place}/own.pid; error_log stderr notice;
        events {{}} http {{ access_log /dev/stdout; {temporary}
        server {{ listen 127.0.0.1:{port}; root {place}; }} }}""")
    options, uid = as_user(box, place)
    log = box.path("nginx.log")
    get = b"GET /index.html HTTP/1.0\r\n\r\n"
    program = [path, "-p", place, "-e", "stderr", "-c", f"{place}/nginx.conf"]
    serve(box, ["-a", "-o", log, *options], program, env, uid, box.path("nginx.pid"), port,
          (get, b"HTTP/1.1 200 OK"), (get, b"HTTP/1.1 200 OK"))
    for part in ("GET /index.html", "start worker process"):  # opened twice, hence -a
        check(part in text(log), part, "is in the log:", text(log)[-500:])


@rows("PID-6", "CLI-5", needs="user")
def sshd_closes_every_descriptor_and_the_lock_with_them(box):
    """A counter-example: what a program closes is released, as the manual says."""
    path, env = server(box, "sshd")
    keygen, _ = server(box, "ssh-keygen")
    port, key, pidfile = free_port(), box.path("key"), box.path("sshd.pid")
    equal(box.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], env=env).code, 0)
    config = box.file("sshd_config",
                      f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {key}\nPidFile none\nUsePAM no\n")
    with box.running("-p", pidfile, program=[path, "-D", "-f", config], env=env) as daemon:
        ask(port, b"", b"SSH-2.0-")
        equal(text(pidfile), f"{daemon.pid}\n")
        check(pidfile not in fds_of(daemon.pid).values(), "sshd still has the lock's descriptor")
        check(not locked(pidfile), "sshd has kept the lock")
