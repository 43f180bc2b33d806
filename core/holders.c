/* holders.c - after a failed start: ends who still has its lock, out of reach of the session's number (NTF-13).
 *
 * What leaves the session takes the open file with it that the daemon locked, mostly under the same number, and the
 * kernel notes on it who took the lock.  A directory of /proc belongs to a process as a pidfd does, not to its number:
 * what is seen by way of it is that process's own, and so is the signal. */
#include "internal.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const struct blivet_context *daemon;
    struct stat lock;
    pid_t locker;
    bool named, found;
};

/* "/proc/self/fd/DIRECTORY/fdinfo/NUMBER" */
static void put_path(char path[80], int directory, const char *folder, int number)
{
    struct blivet_text text;
    blivet_text_begin(&text, path, 80);
    blivet_text_put(&text, "/proc/self/fd/");
    blivet_text_number(&text, (uintmax_t)directory);
    blivet_text_put(&text, folder);
    blivet_text_number(&text, (uintmax_t)number);
}

static long number_after(const char *info, const char *words)
{
    const char *at = strstr(info, words);
    return at ? strtol(at + strlen(words), NULL, 10) : -1;
}

/* "pos:	1234 ... lock:	1: FLOCK  ADVISORY  WRITE 1234 fe:00:42 0 EOF".  In a PID namespace the dead have no number, 0:
 * then the pidfile must have it, or without one the lock's file position; every other instance leaves its own
 * there. */
static bool names_locker(const struct search *search, const char *info)
{
    const char *lock = strstr(info, "FLOCK");
    long locker = lock ? number_after(lock, "WRITE ") : -1;
    return locker == search->locker || (locker == 0 && (search->named || number_after(info, "pos:") == search->locker));
}

static bool holds(const struct search *search, int process)
{
    const struct blivet_ops *ops = search->daemon->ops;
    const struct blivet_page *page = search->daemon->page;
    const struct blivet_identity *identity = &search->daemon->identity;
    char path[80], info[1024];
    struct stat file;
    ssize_t count;
    int fd;
    /* A user's program could hand the lock to somebody else's process, for root to kill it. */
    if (identity->has_user && (ops->fstat(process, &file) != 0 || file.st_uid != identity->uid))
        return false;
    put_path(path, process, "/fdinfo/", page->lock);
    UNINTERRUPTED(fd, ops->open(path, O_RDONLY | O_CLOEXEC, 0));
    if (fd < 0)
        return false;
    UNINTERRUPTED(count, ops->pread(fd, info, sizeof info - 1, 0));
    ops->close(fd);
    info[count > 0 ? count : 0] = '\0';
    put_path(path, process, "/fd/", page->lock);
    return names_locker(search, info) && ops->stat(path, &file) == 0 && blivet_same_inode(&file, &search->lock);
}

static void end_if_holder(void *argument, int listing, int pid)
{
    struct search *search = argument;
    const struct blivet_ops *ops = search->daemon->ops;
    char path[40];
    struct blivet_text text;
    int process;
    (void)listing;
    blivet_text_begin(&text, path, sizeof path);
    blivet_text_put(&text, "/proc/");
    blivet_text_number(&text, (uintmax_t)pid);
    UNINTERRUPTED(process, ops->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
    if (process < 0)
        return;
    if (holds(search, process) && ops->pidfd_send_signal(process, SIGKILL, NULL, 0) == 0)
        search->found = true;
    ops->close(process);
}

/* named: the pidfile still names the dead.  True: somebody was found and killed, and may take a moment to be gone. */
bool blivet_end_holders(const struct blivet_context *daemon, int lock_fd, pid_t locker, bool named)
{
    struct search search = { .daemon = daemon, .locker = locker, .named = named };
    if (daemon->page->lock <= 0 || daemon->ops->fstat(lock_fd, &search.lock) != 0)
        return false;
    blivet_list_numbers(daemon->ops, "/proc", end_if_holder, &search);
    return search.found;
}
