/* threads.c - exactly one thread, or a refusal (SEQ-8).  Before the fork, in the caller.
 *
 * fork copies one thread: a lock that another one holds stays locked in the daemon for good. */
#include "internal.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { ONE, SEVERAL, UNKNOWN };

/* Where unshare is forbidden, by the kernel's own count.  The field is near the middle of some 1500 bytes. */
static int count_in_proc(const struct blivet_ops *ops)
{
    char status[4096];
    int fd;
    ssize_t length;
    UNINTERRUPTED(fd, ops->open("/proc/self/status", O_RDONLY | O_CLOEXEC, 0));
    if (fd < 0)
        return UNKNOWN;
    UNINTERRUPTED(length, ops->pread(fd, status, sizeof status - 1, 0));
    ops->close(fd);
    status[length > 0 ? length : 0] = '\0';
    const char *line = strstr(status, "\nThreads:\t");
    if (!line)
        return UNKNOWN;
    return strtol(line + strlen("\nThreads:\t"), NULL, 10) == 1 ? ONE : SEVERAL;
}

/* "Share no longer what threads share": nothing to do for one thread, impossible for more (unshare(2)). */
static int count(const struct blivet_ops *ops)
{
    if (ops->unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) == 0)
        return ONE;
    return count_in_proc(ops);
}

int blivet_require_one_thread(const struct blivet_ops *ops, struct blivet_error *error)
{
    int threads = count(ops);
    /* A thread that has been joined may take a moment longer to leave the kernel's books. */
    for (int tries = 0; threads == SEVERAL && tries < 10; tries++) {
        ops->poll(NULL, 0, 1);
        threads = count(ops);
    }
    if (threads == ONE)
        return 0;
    blivet_set_error(error, BLIVET_THREADS, 0, "threads", NULL,
                     threads == SEVERAL ? "the process has more than one" : "their number cannot be told");
    return -1;
}
