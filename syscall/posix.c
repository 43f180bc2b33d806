/* posix.c - the production table without what Linux alone has (-DBLIVET_PORTABLE=ON), in the place of libc.c.
 *
 * What is absent answers ENOSYS, /proc is not there, and the core does it by other means (SEQ-14).  What is lost:
 *  - close_range, getdents: step 13 closes one by one;
 *  - pidfds, /proc/PID/stat: the session leader's number, unreaped, is the handle that is left; a program that is
 *    killed between the announcement and exec is presumed to have started, and one whose worker holds the channel or the
 *    readiness descriptor is not seen to die before the worker does, or the limit comes;
 *  - SO_PASSCRED: who sent a notification cannot be told, so BLIVET_READY_NOTIFY is refused; BLIVET_READY_FD is for
 *    every system;
 *  - /proc/self/fd: the pipe of BLIVET_READY_FD is not opened both ways, so a program that says that it is ready when
 *    its launcher was killed ends by SIGPIPE;
 *  - /proc: of a failed start's session only the daemon's own process group is found and ended;
 *  - unshare: only a C library that knows it can say that there is one thread; else the checked calls refuse;
 *  - capget: there are no capabilities, so none are found left;
 *  - the signals that the C library keeps for itself stay as they were inherited. */
#include "adapters.h"
#include <stdbool.h>
#if defined __has_include
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define ONE_THREAD __libc_single_threaded
#endif
#endif
#ifndef ONE_THREAD
#define ONE_THREAD 0 /* not known */
#endif

static int absent(void)
{
    errno = ENOSYS;
    return -1;
}

static bool is_in_proc(const char *path)
{
    if (strncmp(path, "/proc/", 6) != 0)
        return false;
    errno = ENOENT;
    return true;
}

static int open_elsewhere(const char *path, int flags, mode_t mode)
{
    return is_in_proc(path) ? -1 : open_3(path, flags, mode);
}

static int stat_elsewhere(const char *path, struct stat *status) { return is_in_proc(path) ? -1 : stat(path, status); }
static int lstat_elsewhere(const char *path, struct stat *status) { return is_in_proc(path) ? -1 : lstat(path, status); }

static ssize_t readlink_elsewhere(const char *path, char *buffer, size_t size)
{
    return is_in_proc(path) ? -1 : readlink(path, buffer, size);
}

static int setsockopt_without_senders(int fd, int level, int name, const void *value, socklen_t size)
{
#ifdef SO_PASSCRED
    if (level == SOL_SOCKET && name == SO_PASSCRED) {
        errno = ENOPROTOOPT;
        return -1;
    }
#endif
    return setsockopt(fd, level, name, value, size);
}

static int one_thread_by_libc(int flags)
{
    (void)flags;
    return ONE_THREAD ? 0 : absent();
}

static int leave_ignored(int signal)
{
    (void)signal;
    return 0;
}

static int no_close_range(unsigned first, unsigned last, int flags)
{
    (void)first, (void)last, (void)flags;
    return absent();
}

static ssize_t no_getdents(int fd, void *entries, size_t size)
{
    (void)fd, (void)entries, (void)size;
    return absent();
}

static int no_pidfd_open(pid_t pid, unsigned flags)
{
    (void)pid, (void)flags;
    return absent();
}

static int no_pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned flags)
{
    (void)pidfd, (void)signal, (void)info, (void)flags;
    return absent();
}

static int no_pidfd_exit_status(int pidfd, int *status)
{
    (void)pidfd, (void)status;
    return absent();
}

static int none_by_capget(uint32_t header[2], uint32_t sets[6])
{
    (void)header;
    memset(sets, 0, 6 * sizeof *sets);
    return 0;
}

static int no_capset(uint32_t header[2], uint32_t sets[6])
{
    (void)header, (void)sets;
    return absent();
}

#define open open_elsewhere
#define stat stat_elsewhere
#define lstat lstat_elsewhere
#define readlink readlink_elsewhere
#define setsockopt setsockopt_without_senders
#define unshare one_thread_by_libc
#define issetugid ids_differ
#define stop_ignoring leave_ignored
#define close_range no_close_range
#define getdents no_getdents
#define pidfd_open no_pidfd_open
#define pidfd_send_signal no_pidfd_send_signal
#define pidfd_exit_status no_pidfd_exit_status
#define capget none_by_capget
#define capset no_capset

const struct blivet_ops blivet_libc = {
#define CALL(result, name, parameters, arguments, failure, errnos) name,
#define VOID(name, parameters, arguments) name,
#include "ops.def"
#undef CALL
#undef VOID
};
