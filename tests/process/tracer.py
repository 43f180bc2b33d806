"""tracer.py - follows a launch from system call to system call, and meddles.

A launch is three processes: the launcher forks the session leader, which forks the daemon.  follow()
runs them under ptrace and stops each before and after every system call.  At each stop a function of
the test's is called; while it runs the process stands still, so the test can kill it or its
neighbours, plant files in its way, or make the call fail: races become plain sequences.

strace can inject faults too, but it counts calls without telling the three processes apart.
"""

import contextlib
import ctypes
import os
import signal
import struct

from linux import MACHINE, checked, libc

TRACEME, CONT, DETACH, SYSCALL = 0, 7, 17, 24
SETOPTIONS, GETEVENTMSG, GETREGSET, SETREGSET, GET_SYSCALL_INFO = 0x4200, 0x4201, 0x4204, 0x4205, 0x420E
OPTIONS = 1 | 2 | 4 | 8 | 16 | 1 << 20  # mark system calls; report fork, vfork, clone, exec; kill on exit
EVENT_EXEC, NEW_CHILD_EVENTS = 4, (1, 2, 3)
WALL = 0x40000000
RELATIVE = {"openat", "openat2", "unlinkat", "readlinkat", "newfstatat", "statx", "faccessat", "faccessat2",
            "fchownat"}  # their first argument is a directory
NAMING = RELATIVE | {"open", "stat", "lstat", "access", "unlink", "readlink"}
ROLES = ["launcher", "leader", "daemon"]

X86_64 = """0 read 1 write 2 open 3 close 4 stat 5 fstat 6 lstat 7 poll 9 mmap 10 mprotect 11 munmap 12 brk
13 rt_sigaction 14 rt_sigprocmask 15 rt_sigreturn 16 ioctl 17 pread64 18 pwrite64 20 writev 21 access 22 pipe
24 sched_yield 28 madvise 32 dup 33 dup2 34 pause 35 nanosleep 39 getpid 41 socket 42 connect 44 sendto
45 recvfrom 46 sendmsg 47 recvmsg 53 socketpair 56 clone 57 fork 58 vfork 59 execve 60 exit 61 wait4
62 kill 72 fcntl 73 flock 74 fsync 75 fdatasync 77 ftruncate 79 getcwd 80 chdir 82 rename 87 unlink
89 readlink 91 fchmod 93 fchown 95 umask 96 gettimeofday 97 getrlimit 102 getuid 104 getgid 105 setuid
106 setgid 107 geteuid 108 getegid 110 getppid 112 setsid 113 setreuid 114 setregid 115 getgroups
116 setgroups 117 setresuid 118 getresuid 119 setresgid 120 getresgid 124 getsid 125 capget 126 capset
128 rt_sigtimedwait 137 statfs 138 fstatfs 157 prctl 158 arch_prctl 186 gettid 202 futex 217 getdents64
218 set_tid_address 228 clock_gettime 230 clock_nanosleep 231 exit_group 232 epoll_wait 234 tgkill
247 waitid 257 openat 260 fchownat 262 newfstatat 263 unlinkat 267 readlinkat 269 faccessat 270 pselect6
271 ppoll 273 set_robust_list 283 timerfd_create 288 accept4 292 dup3 293 pipe2 302 prlimit64 318 getrandom
322 execveat 332 statx 334 rseq"""
AARCH64 = """17 getcwd 23 dup 24 dup3 25 fcntl 29 ioctl 32 flock 35 unlinkat 38 renameat 43 statfs 44 fstatfs
46 ftruncate 48 faccessat 49 chdir 52 fchmod 54 fchownat 55 fchown 56 openat 57 close 59 pipe2 61 getdents64
63 read 64 write 66 writev 67 pread64 68 pwrite64 72 pselect6 73 ppoll 78 readlinkat 79 newfstatat 80 fstat 82 fsync
90 capget 91 capset 93 exit 94 exit_group 95 waitid 96 set_tid_address 98 futex 99 set_robust_list 101 nanosleep
113 clock_gettime 115 clock_nanosleep 129 kill 131 tgkill 134 rt_sigaction 135 rt_sigprocmask
137 rt_sigtimedwait 139 rt_sigreturn 143 setregid 144 setgid 145 setreuid 146 setuid 147 setresuid
148 getresuid 149 setresgid 150 getresgid 156 getsid 157 setsid 158 getgroups 159 setgroups 163 getrlimit
166 umask 167 prctl 172 getpid 173 getppid 174 getuid 175 geteuid 176 getgid 177 getegid 178 gettid
198 socket 199 socketpair 203 connect 206 sendto 207 recvfrom 211 sendmsg 212 recvmsg 214 brk 215 munmap
220 clone 221 execve 222 mmap 226 mprotect 233 madvise 242 accept4 260 wait4 261 prlimit64 278 getrandom
281 execveat 291 statx 293 rseq"""
EVERYWHERE = """424 pidfd_send_signal 434 pidfd_open 435 clone3 436 close_range 437 openat2 439 faccessat2"""


def table(text):
    words = text.split()
    return {int(number): name for number, name in zip(words[::2], words[1::2])}


NAMES = table(EVERYWHERE)
NAMES.update(table({"x86_64": X86_64, "aarch64": AARCH64}.get(MACHINE, "")))


def ptrace(request, pid, address=0, data=0):
    return checked(libc.ptrace(request, pid, address, data), f"ptrace {request:#x}")


def available():
    """May we trace at all?  Sandboxes and emulators say no."""
    if MACHINE not in ("x86_64", "aarch64"):
        return False
    pid = os.fork()
    if pid == 0:
        try:
            ptrace(TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
        finally:
            os._exit(1)
    status = os.waitpid(pid, WALL)[1]
    if not os.WIFSTOPPED(status):
        return False
    try:
        ptrace(SETOPTIONS, pid, 0, OPTIONS)
        ptrace(SYSCALL, pid)
        os.waitpid(pid, WALL)
        info = ctypes.create_string_buffer(88)
        ptrace(GET_SYSCALL_INFO, pid, 88, ctypes.addressof(info))
        return True
    except OSError:
        return False
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, WALL)


class Call:
    """One stop of one process at a system call."""

    def __init__(self, process, number, arguments):
        self.role, self.pid, self.index = process.role, process.pid, process.count
        self.number, self.arguments = number, arguments
        self.name = NAMES.get(number, str(number))
        self.done, self.result = False, None  # on the way out: what the kernel gave, negative is an errno

    def path(self):
        """The path that an open, unlink or the like was given."""
        at = self.arguments[1 if self.name in RELATIVE else 0]
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            return os.pread(memory.fileno(), 4096 - at % 4096, at).split(b"\0")[0].decode(errors="replace")

    def __repr__(self):
        result = f" = {self.result}" if self.done else ""
        return f"{self.role}'s call {self.index}, {self.name}{result}"


class Process:
    def __init__(self, pid, role):
        self.pid, self.role = pid, role
        self.count = 0        # system calls entered so far
        self.call = None      # the one it is in
        self.error = None     # what this call shall give instead of being made
        self.running = role != "launcher"  # the launcher counts from its exec on


class Registers:
    """The registers of a stopped process, to make a call fail."""

    def __init__(self, pid, kind=1, size=8 * 40):
        self.pid, self.kind = pid, kind
        self.buffer = ctypes.create_string_buffer(size)
        self.vector = struct.pack("PN", ctypes.addressof(self.buffer), size)
        self.holder = ctypes.create_string_buffer(self.vector, len(self.vector))
        ptrace(GETREGSET, pid, kind, ctypes.addressof(self.holder))

    def set(self, offset, form, value):
        struct.pack_into(form, self.buffer, offset, value)
        ptrace(SETREGSET, self.pid, self.kind, ctypes.addressof(self.holder))


def skip_call(pid):
    if MACHINE == "x86_64":
        Registers(pid).set(8 * 15, "q", -1)     # orig_rax
    else:
        Registers(pid, kind=0x404, size=4).set(0, "i", -1)


def give_result(pid, value):
    Registers(pid).set(8 * (10 if MACHINE == "x86_64" else 0), "q", value)  # rax or x0


class Tracer:
    """Follows one launch.  on_call(call) is asked at each stop; a number that it returns on the way
    in is the errno with which the call fails instead of being made, "pretend" lets it say 0 without
    having been made; a number on the way out is an errno too, of a call that was made.
    beyond_exec: the daemon is followed as "program" once it has become one, its calls counted anew."""

    def __init__(self, pid, on_call, beyond_exec=False):
        self.on_call, self.beyond_exec = on_call, beyond_exec
        self.launcher = pid
        self.processes = {pid: Process(pid, "launcher")}
        self.early = set()            # children that stopped before their parent told us of them
        self.statuses = {}            # how each process ended, by pid
        self.pids = {"launcher": pid}
        os.waitpid(pid, WALL)         # it stopped itself before its exec
        ptrace(SETOPTIONS, pid, 0, OPTIONS)
        ptrace(SYSCALL, pid)

    def follow(self, seconds, forget):
        """Until the launcher has ended, its status; None if that takes longer than so many seconds.
        Statuses of processes that are not ours go to the function forget."""
        waiting = True
        while self.launcher not in self.statuses:
            pid, status = os.waitpid(-1, WALL | os.WNOHANG)
            if pid == 0:
                waiting = signal.sigtimedwait([signal.SIGCHLD], seconds)
                if waiting is None:
                    return None
            elif pid in self.processes or os.WIFSTOPPED(status):
                self.handle(pid, status)
            else:
                forget(pid, status)
        self.let_go()
        return self.statuses[self.launcher]

    def let_go(self):
        """The launcher has ended: whoever is still being followed, and is forked meanwhile, goes on
        without us."""
        while True:
            followed = [pid for pid in self.processes if pid not in self.statuses]
            if not followed:
                return
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                self.detach(followed[0])
            self.processes.pop(followed[0], None)

    def detach(self, pid):
        os.kill(pid, signal.SIGSTOP)   # so that it comes to a stop at which it can be let go
        while True:
            status = os.waitpid(pid, WALL)[1]
            if not os.WIFSTOPPED(status):
                self.statuses[pid] = status
                return
            if os.WSTOPSIG(status) == signal.SIGSTOP and status >> 16 == 0:
                ptrace(DETACH, pid)
                return
            if not self.handle(pid, status):
                os.kill(pid, signal.SIGCONT)   # takes the SIGSTOP back
                return

    def handle(self, pid, status):
        """One event.  False when the process is no longer followed."""
        process = self.processes.get(pid)
        if process is None:
            self.early.add(pid)
            return True
        if not os.WIFSTOPPED(status):
            self.statuses[pid] = status
            return False
        stop, event, deliver = os.WSTOPSIG(status), status >> 16, 0
        try:
            if event in NEW_CHILD_EVENTS:
                self.adopt(process)
            elif event == EVENT_EXEC:
                if process.role == "daemon" and not self.beyond_exec:  # the program runs: it is not ours to watch
                    del self.processes[pid]
                    ptrace(DETACH, pid)
                    return False
                if process.role == "daemon":
                    process.role, process.count, process.call = "program", 0, None
                process.running = True
            elif stop == signal.SIGTRAP | 0x80:
                self.system_call(process)
            elif stop != signal.SIGTRAP:
                deliver = stop
            ptrace(SYSCALL, pid, 0, deliver)
        except ProcessLookupError:  # killed meanwhile: its end is reported next
            pass
        return True

    def adopt(self, parent):
        message = ctypes.c_ulong()
        ptrace(GETEVENTMSG, parent.pid, 0, ctypes.addressof(message))
        pid = message.value
        place = ROLES.index(parent.role) + 1 if parent.role in ROLES else len(ROLES)
        role = ROLES[place] if place < len(ROLES) else "other"
        self.processes[pid] = Process(pid, role)
        self.pids.setdefault(role, pid)
        if pid not in self.early:
            status = os.waitpid(pid, WALL)[1]
            if not os.WIFSTOPPED(status):
                self.statuses[pid] = status
                return
        self.early.discard(pid)
        ptrace(SYSCALL, pid)

    def system_call(self, process):
        if not process.running:
            return
        info = ctypes.create_string_buffer(88)
        ptrace(GET_SYSCALL_INFO, process.pid, 88, ctypes.addressof(info))
        if info.raw[0] == 1:  # on the way in
            number, *arguments = struct.unpack_from("7Q", info, 24)
            process.call = Call(process, number, arguments)
            process.count += 1
            process.error = self.ask(process.call)
            if process.error:
                skip_call(process.pid)
        elif info.raw[0] == 2 and process.call:
            if process.error:
                give_result(process.pid, 0 if process.error == "pretend" else -process.error)
            process.call.done = True
            process.call.result = None if process.error else struct.unpack_from("q", info, 24)[0]
            process.error = None
            failing = self.ask(process.call)
            if isinstance(failing, int):
                give_result(process.pid, -failing)
            process.call = None

    def ask(self, call):
        try:
            return self.on_call(call)
        except ProcessLookupError as problem:  # the test's own, not one of a process that vanished under us
            raise RuntimeError(f"at {call}: {problem}") from problem
