"""test_examples.py - the programs of tests/examples, used as their first lines say."""

import contextlib
import os
import re
import signal
import socket

from harness import (NOBODY, check, equal, fds_of, ids_of, locked, read, rows, text, wait_until)


def free_port(numbers=(0,)):
    """A port of the loopback; of those given the first that can be had."""
    for number in numbers:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", number))
            return probe.getsockname()[1]
    raise AssertionError("no port is free")


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def echoes(client, words=b"one, two\n"):
    client.sendall(words)
    reply = b""
    while len(reply) < len(words):
        part = client.recv(4096)
        check(part, "the server hung up after", reply)
        reply += part
    equal(reply, words, "the echo;")


# --- echo.c ---------------------------------------------------------------------------------------

@rows("DOC-1", "PRV-1", "PID-8", needs="root")
def echo_takes_its_port_as_root_and_serves_it_as_somebody_else(box):
    port, pidfile = free_port(range(1023, 600, -1)), box.path("echo.pid")
    command = [box.example("echo"), str(port), pidfile, "nobody"]
    result = box.run(command)
    equal((result.code, result.out, result.err), (0, "", ""))
    pid = box.the_daemon()
    equal(ids_of(pid)[0], [NOBODY.pw_uid] * 3, "its user;")
    equal((text(pidfile), os.stat(pidfile).st_uid), (f"{pid}\n", 0), "the pidfile stays root's;")
    with connect(port) as client:  # at once: it said that it was ready
        echoes(client)
        echoes(client, b"x" * 100000)
        box.stop(pid, signal.SIGTERM)
        box.names_nobody(pidfile)
        check(not locked(pidfile), "the lock is free, though the worker is still there")
        equal(box.run(command).code, 0, "the next start;")
        echoes(client, b"still here\n")
    box.stop(int(text(pidfile)))
    wait_until(lambda: not box.living(), "the worker to see the client's end")


@rows("DOC-1", "PID-6", "PID-7")
def echo_ended_by_a_signal_removes_its_pidfile_and_its_workers_hold_up_no_restart(box):
    port, pidfile = free_port(), box.path("echo.pid")
    command = [box.example("echo"), str(port), pidfile]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        equal(box.run(command).code, 0)
        pid = int(text(pidfile))
        with connect(port) as client:
            echoes(client)
            box.stop(pid, number)
            check(not os.path.exists(pidfile), "the pidfile is gone")
            equal(box.run(command).code, 0, "the next start, with a client of the former one still served;")
            echoes(client, b"still here\n")
            with connect(port) as another:
                echoes(another)
            box.stop(int(text(pidfile)))
        wait_until(lambda: not box.living(), "the workers to end with their clients")


@rows("DOC-1", "NTF-9", "PID-2", "PID-9")
def echo_that_cannot_serve_is_a_failed_start_and_says_why(box):
    port, pidfile, other = free_port(), box.path("echo.pid"), box.path("other.pid")
    equal(box.run([box.example("echo"), str(port), pidfile]).code, 0)
    pid = box.the_daemon()
    result = box.run([box.example("echo"), str(free_port()), pidfile])
    equal(result.code, 69, result)
    check(f"{pidfile}: is locked by another process (pid {pid})" in result.err, result)
    result = box.run([box.example("echo"), str(port), other])
    equal(result.code, 69, result)
    check(re.search(rf"port {port}: Address (already )?in use", result.err), result)  # musl has one word less
    check(not os.path.exists(other), "its pidfile is withdrawn")
    with connect(port) as client:
        echoes(client)
    box.stop(pid)
    box.nothing_runs()


@rows("DOC-1")
def the_examples_refuse_a_wrong_call(box):
    for name, words in (("echo", []), ("echo", ["0", "/x"]), ("echo", ["70x", "/x"]), ("echo", ["", "/x"]), ("exec", ["/x"]), ("hello", []), ("worker", [])):
        with box.about(name, *words):
            result = box.run([box.example(name), *words])
            equal(result.code, 64, result)
            check(result.err.startswith(f"usage: {name} "), result)
    box.nothing_runs()


# --- exec.c ---------------------------------------------------------------------------------------

@rows("DOC-1", "NTF-3", "PID-6")
def exec_becomes_the_program_and_the_lock_goes_with_it(box):
    pidfile = box.path("exec.pid")
    result = box.run([box.example("exec"), pidfile, "sleep", "60"])
    equal((result.code, result.out, result.err), (0, "", ""))
    pid = box.the_daemon()
    box.wait_for_exec(pid)
    equal(read(f"/proc/{pid}/comm"), b"sleep\n")
    equal(text(pidfile), f"{pid}\n")
    check(locked(pidfile), "the program holds the lock")
    box.stop(pid)
    check(not locked(pidfile), "and its end frees it")


@rows("DOC-1", "NTF-3", "PID-9")
def exec_of_a_program_that_is_not_there_is_a_failed_start(box):
    pidfile = box.path("exec.pid")
    result = box.run([box.example("exec"), pidfile, box.path("nothing")])
    equal(result.code, 66, result)
    check("nothing: no such file or directory" in result.err, result)
    box.nothing_left(pidfile)


# --- hello.cpp ------------------------------------------------------------------------------------

@rows("DOC-1", "STD-2", "SEQ-12")
def hello_greets_in_its_log_and_ends(box):
    log = box.path("hello.log")
    result = box.run([box.example("hello"), log, "1"])
    equal((result.code, result.out, result.err), (0, "", ""))
    pid = box.the_daemon()
    equal(text(log), f"hello from process {pid}\n")
    equal(box.ended_with(pid), 0)
    equal(text(log), f"hello from process {pid}\ngoodbye\n")


@rows("DOC-1", "CFG-4")
def hello_with_a_relative_path_is_told_so_in_the_launcher(box):
    result = box.run([box.example("hello"), "hello.log", "1"])
    equal(result.code, 64, result)
    box.message(result, "hello.log", name="hello")
    box.nothing_runs()


# --- worker.c -------------------------------------------------------------------------------------

def supervised(box, count, *words, **how):
    """A worker started as a service manager would: its sockets from 3 on, and a stray descriptor."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    fds = {3 + i: listener for i, listener in enumerate(listeners)} | {9: open(os.devnull, "rb")}
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(box.path("notify"))
    os.chmod(box.path("notify"), 0o777)
    manager.settimeout(5)
    env = {"NOTIFY_SOCKET": box.path("notify"), "LISTEN_FDS": str(count), "PATH": os.environ["PATH"]}
    launch = box.start(["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", box.example("worker"), *words],
                       fds=fds, env=env, **how)
    return launch, listeners, manager


@rows("DOC-1", "SEQ-4", "CFG-14", "NTF-18")
def worker_serves_the_sockets_of_its_supervisor_from_the_same_process(box):
    launch, listeners, manager = supervised(box, 2)
    equal(manager.recv(100), b"READY=1", "what the manager is told;")
    for listener in listeners:
        with connect(listener.getsockname()[1]) as client:
            equal(client.recv(100), b"process %d, user %d\n" % (launch.pid, os.geteuid()))
    check(9 not in fds_of(launch.pid), "the stray descriptor is closed:", fds_of(launch.pid))
    launch.kill(signal.SIGTERM)
    equal(launch.wait().code, -signal.SIGTERM, "the supervisor sees the signal;")


@rows("DOC-1", "PRV-3", needs="root")
def worker_serves_as_another_user(box):
    launch, listeners, manager = supervised(box, 1, "nobody")
    equal(manager.recv(100), b"READY=1", "what the manager is told;")
    with connect(listeners[0].getsockname()[1]) as client:
        equal(client.recv(100), b"process %d, user %d\n" % (launch.pid, NOBODY.pw_uid))
    launch.kill()
    launch.wait()
