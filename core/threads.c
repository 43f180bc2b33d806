/* threads.c - exactly one thread, or a refusal (SEQ-8).  Before the fork, in the caller.
 *
 * fork copies one thread: a lock that another one holds stays locked in the daemon for good. */
#include "internal.h"
#include <sched.h>

enum { ONE, SEVERAL, UNKNOWN };

/* Where unshare is forbidden: a directory's links are its own two and one a subdirectory, here one a thread. */
static int count_in_proc(const struct blivet_ops *ops)
{
    struct stat tasks;
    if (ops->stat("/proc/self/task", &tasks) != 0 || tasks.st_nlink < 3)
        return UNKNOWN;
    return tasks.st_nlink == 3 ? ONE : SEVERAL;
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
