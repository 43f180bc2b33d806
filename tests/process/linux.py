"""linux.py - the system calls that the tests need and Python's library lacks, by way of ctypes."""

import ctypes
import errno
import os
import platform
import struct

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

MACHINE = platform.machine()  # system call numbers differ between processors

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 4, 22, 36, 38
CLONE_NEWNS = 0x20000
MNT_DETACH = 2
MS_NOSUID, MS_BIND, MS_REC, MS_PRIVATE = 2, 4096, 16384, 1 << 18


def checked(result, what):
    """Turn the C library's -1 into an exception."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option, argument):
    checked(libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0), "prctl")


def make_capabilities_inheritable():
    """What this process may do its children are marked for, as a container or pam_cap does."""
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    checked(libc.capget(header, sets), "capget")
    sets[2], sets[5] = sets[1], sets[4]  # inheritable, as permitted
    checked(libc.capset(header, sets), "capset")


def private_mounts():
    """From here on what this process mounts is seen by it and its children only."""
    checked(libc.unshare(CLONE_NEWNS), "unshare")
    checked(libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "mount")


def mount(source, target, kind, flags=0, data=None):
    checked(libc.mount(os.fsencode(source), os.fsencode(target), kind and kind.encode(),
                       ctypes.c_ulong(flags), data and data.encode()), f"mount {target}")


def execve(path, argv, environment):
    """As os.execve, but the environment is a list, which may say a name twice, or nothing at all."""
    def array(items):
        return (ctypes.c_char_p * (len(items) + 1))(*[os.fsencode(item) for item in items], None)
    checked(libc.execve(os.fsencode(path), array(argv), array(environment)), f"execve {path}")


# --- seccomp: let chosen system calls fail --------------------------------------------------------

CALLS = {  # numbers from 424 on are the same on every processor
    "pidfd_send_signal": 424, "pidfd_open": 434, "clone3": 435, "close_range": 436, "openat2": 437,
    "faccessat2": 439,
}
CALLS.update({
    "x86_64": {"open": 2, "openat": 257, "getrandom": 318, "statx": 332},
    "aarch64": {"openat": 56, "getrandom": 278, "statx": 291},
}.get(MACHINE, {}))

LOAD, JUMP_EQUAL, JUMP_BITS, RETURN = 0x20, 0x15, 0x45, 0x06  # instructions of the packet filter
ALLOW, FAIL_WITH = 0x7FFF0000, 0x00050000


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


def deny(calls, creating=0):
    """From here on, in this process and what it runs, each call named in the dictionary calls fails
    with its errno; where creating is an errno, so does every open that says
    O_CREAT without O_EXCL."""
    program = [instruction(LOAD, 0)]  # the number of the call
    for name, number in calls.items():
        program += [instruction(JUMP_EQUAL, CALLS[name], 0, 1), instruction(RETURN, FAIL_WITH | number)]
    if creating:
        for name, flags_at in (("open", 16 + 8), ("openat", 16 + 16)):  # offsets of their flags
            if name in CALLS:
                program += [instruction(JUMP_EQUAL, CALLS[name], 0, 5), instruction(LOAD, flags_at),
                            instruction(JUMP_BITS, os.O_EXCL, 2, 0), instruction(JUMP_BITS, os.O_CREAT, 0, 1),
                            instruction(RETURN, FAIL_WITH | creating), instruction(LOAD, 0)]
    program.append(instruction(RETURN, ALLOW))
    code = b"".join(program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer)))
    if os.geteuid() != 0:
        checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    checked(libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(header), 0, 0), "prctl(seccomp)")


def errno_name(number):
    return errno.errorcode.get(number, str(number))
