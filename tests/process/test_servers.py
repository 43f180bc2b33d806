"""test_servers.py - real servers as the program: redis, nginx, PostgreSQL, haproxy and, as the counter-example, sshd.

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
        for place in ("usr/sbin", "usr/bin", "usr/lib/postgresql/15/bin"):
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


# --- who says READY=1 ----------------------------------------------------------------------------------

def postgres(box):
    """A data directory made for the occasion: options of ours, the program, its environment, its socket, its user."""
    initdb, env = server(box, "initdb")
    path, _ = server(box, "postgres")
    place = box.folder_in("pg", 0o700)
    options, uid = as_user(box, place)
    user = (uid, pwd.getpwuid(uid).pw_gid, []) if box.root else None
    made = box.run([initdb, "-D", f"{place}/data", "-N", "-A", "trust", "--no-locale", "-U", "me"], 120, env=env, user=user)
    equal(made.code, 0, made)
    program = [path, "-D", f"{place}/data", "-k", place, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "jit=off"]
    return ["--ready=notify", "-t", "60", "-o", box.path("log"), *options], program, env, f"{place}/.s.PGSQL.5432", uid


def accepts_queries(path):
    """One try: a session of its own is opened as the protocol has it, up to "ready for query"."""
    startup = b"\0\3\0\0user\0me\0database\0postgres\0\0"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(path)
        client.sendall((len(startup) + 4).to_bytes(4, "big") + startup)
        reply = b""
        while b"Z\0\0\0\5I" not in reply:
            part = client.recv(4096)
            check(part and b"E" != reply[:1], "it answers", reply)
            reply += part


@rows("NTF-15", "NTF-13", "PID-3", "PRV-3", seconds=300)
def postgresql_accepts_queries_as_soon_as_the_launcher_has_returned(box):
    options, program, env, path, uid = postgres(box)
    pidfile = box.path("postgres.pid")
    for number in range(3):
        with box.about("start", number):
            result = box.daemonize(*options, "-p", pidfile, program=program, env=env, seconds=90)
            equal(result.code, 0, result, text(box.path("log"))[-500:])
            accepts_queries(path)
            pid = box.the_daemon()
            equal((text(pidfile), locked(pidfile), ids_of(pid)[0]), (f"{pid}\n", True, [uid] * 3))
            # the data is taken: a second one under another pidfile fails, and leaves nothing
            other = box.path("other.pid")
            box.refused(box.daemonize(*options, "-p", other, program=program, env=env, seconds=90), "ERR-13", "exit status 1")
            check(not os.path.exists(other) and box.the_daemon() == pid, "nothing of the second is left")
            accepts_queries(path)
            os.kill(pid, signal.SIGINT)  # "fast shutdown"
            box.wait_gone(pid, 60)
            box.nothing_left(None, pidfile)


@rows("NTF-15", "NTF-13", "ERR-13", "PID-9", seconds=180)
def a_postgresql_with_a_mistake_in_its_configuration_is_a_failed_start(box):
    options, program, env, _, _ = postgres(box)
    for mistake in ("shared_buffers=plenty", "no_such_setting=1", "port=99999", "unix_socket_directories=/nowhere"):
        with box.about(mistake):
            result = box.daemonize(*options, "-p", box.path("pid"), program=[*program, "-c", mistake], env=env, seconds=90)
            box.refused(result, "ERR-13", "program ended before it was ready, with exit status 1")
            box.nothing_left(box.path("pid"))


def haproxy(box, port, more=""):
    path, env = server(box, "haproxy")
    config = box.file("haproxy.cfg", f"""global
    maxconn 100
defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
frontend front
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain string hello
    {more}
""")
    options, uid = as_user(box)
    return ["--ready=notify", "-t", "60", "-o", box.path("log"), *options], [path, "-Ws", "-f", config], env, uid


def answers_http(port):
    """One try."""
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        reply = client.recv(100)
        check(reply.startswith(b"HTTP/1.1 200 "), reply)


@rows("NTF-15", "NTF-13", "PID-3", "PRV-3", seconds=120)
def haproxy_answers_as_soon_as_the_launcher_has_returned(box):
    """A master, which says that it is ready, and a worker."""
    pidfile = box.path("haproxy.pid")
    for number in range(5):
        port = free_port()
        options, program, env, uid = haproxy(box, port)
        with box.about("start", number):
            result = box.daemonize(*options, "-p", pidfile, program=program, env=env, seconds=90)
            equal(result.code, 0, result, text(box.path("log"))[-500:])
            answers_http(port)
            pid = box.the_daemon()
            equal((text(pidfile), locked(pidfile), ids_of(pid)[0]), (f"{pid}\n", True, [uid] * 3))
            equal(len(descendants_of(pid)), 1, "workers;")
            box.refused(box.daemonize(*options, "-p", pidfile, program=program, env=env), "ERR-4", str(pid))
            os.kill(pid, signal.SIGTERM)
            box.wait_gone(pid, 20)
            box.nothing_left(None, pidfile)


@rows("NTF-15", "NTF-13", "ERR-13", "PID-9", seconds=120)
def a_haproxy_that_cannot_start_is_a_failed_start(box):
    pidfile = box.path("pid")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        for port, mistake in ((taken, ""), (free_port(), "no-such-word here")):
            options, program, env, _ = haproxy(box, port, mistake)
            with box.about(port, mistake):
                result = box.daemonize(*options, "-p", pidfile, program=program, env=env, seconds=90)
                box.refused(result, "ERR-13", "program ended before it was ready, with exit status 1")
                box.nothing_left(pidfile)


# --- who backgrounds itself ----------------------------------------------------------------------------

@rows("NTF-13", "NTF-15", "ERR-13", "PID-9", seconds=120)
def servers_that_background_themselves_are_failed_starts_and_nothing_of_them_is_left(box):
    pidfile, place = box.path("pid"), box.folder_in("data")
    redis, env = server(box, "redis-server")
    nginx, _ = server(box, "nginx")
    config = box.file("nginx.conf", f"daemon on; worker_processes 2; pid {place}/own.pid; error_log stderr; events {{}}")
    for program in ([redis, "--port", str(free_port()), "--bind", "127.0.0.1", "--dir", place, "--daemonize", "yes"],
                    [nginx, "-p", place, "-e", "stderr", "-c", config]):
        for ready in ("notify", "fd:5"):
            with box.about(os.path.basename(program[0]), ready):
                result = box.daemonize(f"--ready={ready}", "-t", "60", "-p", pidfile, program=program, env=env, seconds=90)
                box.refused(result, "ERR-13", "must be run in its foreground mode")
                box.nothing_left(pidfile)


# --- who closes what it was given ----------------------------------------------------------------------

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
