/* libc.c - the production table: the C library itself (ASR-2).
 *
 * A member without an adapter below is the function of that name.  Adapters exist where the C library's
 * form is variadic, where older or smaller libraries lack the wrapper, or where it is a variable. */
#include "adapters.h"
#include <sys/auxv.h>
#include <sys/syscall.h>

/* Set-user-ID or set-group-ID.  The kernel says at exec whether something was gained, that or a capability or a domain:
 * only then are the ids asked for. */
static int issetugid_by_vector(void) { return getauxval(AT_SECURE) != 0 && ids_differ(); }

/* For the signals that the C library keeps for itself, and for which it refuses sigaction: one that was inherited
 * as ignored is put to its default, a handler of the library's is left alone.  The handler comes first in the
 * kernel's structure, on MIPS behind the flags. */
static int stop_ignoring_by_number(int signal)
{
#ifdef __mips__
    enum { HANDLER = 1 };
#else
    enum { HANDLER = 0 };
#endif
    unsigned long action[16] = { 0 };
    const size_t set_size = NSIG / 8; /* a bit a signal: 64 of them, on MIPS 128 */
    if (syscall(SYS_rt_sigaction, signal, NULL, action, set_size) != 0)
        return -1;
    if (action[HANDLER] != (unsigned long)SIG_IGN)
        return 0;
    memset(action, 0, sizeof action);
    return (int)syscall(SYS_rt_sigaction, signal, action, NULL, set_size);
}

static int close_range_by_number(unsigned first, unsigned last, int flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}

static ssize_t getdents_by_number(int fd, void *entries, size_t size)
{
    return (ssize_t)syscall(SYS_getdents64, fd, entries, size);
}

static int pidfd_open_by_number(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }

static int pidfd_send_signal_by_number(int pidfd, int signal, siginfo_t *info, unsigned flags)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags);
}

static int capget_by_number(uint32_t header[2], uint32_t sets[6]) { return (int)syscall(SYS_capget, header, sets); }
static int capset_by_number(uint32_t header[2], uint32_t sets[6]) { return (int)syscall(SYS_capset, header, sets); }

/* PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15: the wait status of a process that is no child of ours,
 * even after it has been reaped.  The layout is the kernel's struct pidfd_info, first version. */
static int pidfd_exit_status_by_ioctl(int pidfd, int *status)
{
    enum { INFO_EXIT = 1 << 3 };
    struct {
        uint64_t mask, cgroup;
        uint32_t ids[11];
        int32_t exit_code;
    } info;
    memset(&info, 0, sizeof info);
    info.mask = INFO_EXIT;
    if (syscall(SYS_ioctl, pidfd, _IOWR(0xFF, 11, info), &info) != 0)
        return -1;
    if (!(info.mask & INFO_EXIT)) {
        errno = ESRCH; /* still running, or a kernel that did not keep it */
        return -1;
    }
    *status = info.exit_code;
    return 0;
}

#define open open_3
#define issetugid issetugid_by_vector
#define stop_ignoring stop_ignoring_by_number
#define close_range close_range_by_number
#define getdents getdents_by_number
#define pidfd_open pidfd_open_by_number
#define pidfd_send_signal pidfd_send_signal_by_number
#define pidfd_exit_status pidfd_exit_status_by_ioctl
#define capget capget_by_number
#define capset capset_by_number

/* In the order of ops.def, so that each member meets its function. */
const struct blivet_ops blivet_libc = {
#define CALL(result, name, parameters, arguments, failure, errnos) name,
#define VOID(name, parameters, arguments) name,
#include "ops.def"
#undef CALL
#undef VOID
};
