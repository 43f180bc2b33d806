/* descriptors.c - step 13: close what was inherited (STD-5).
 *
 * By close_range, gap by gap between the descriptors that stay; else those that /proc/self/fd lists; else one by
 * one up to the limit.  Errors are ignored: the next way is tried, and the last way cannot fail, but it does not see
 * what was opened above the limit before that was lowered. */
#include "internal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* The list is ascending: the caller's part was sorted before the fork (prepare.c). */
static void keep(struct blivet_context *daemon, int fd)
{
    int *fds = daemon->keep_fds;
    size_t at = daemon->keep_count;
    if (fd < 3)
        return;
    for (; at > 0 && fds[at - 1] > fd; at--)
        fds[at] = fds[at - 1];
    fds[at] = fd;
    daemon->keep_count++;
}

static bool is_kept(const struct blivet_context *daemon, int fd)
{
    size_t low = 0, high = daemon->keep_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (daemon->keep_fds[middle] < fd)
            low = middle + 1;
        else
            high = middle;
    }
    return low < daemon->keep_count && daemon->keep_fds[low] == fd;
}

static bool close_gaps(const struct blivet_context *daemon)
{
    unsigned first = 3;
    for (size_t i = 0; i < daemon->keep_count; i++) {
        unsigned kept = (unsigned)daemon->keep_fds[i];
        if (first < kept && daemon->ops->close_range(first, kept - 1, 0) != 0)
            return false;
        first = kept + 1;
    }
    return daemon->ops->close_range(first, UINT_MAX, 0) == 0;
}

/* The kernel's record in a directory listing, getdents64(2). */
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int parse_number(const char *name)
{
    int number = 0;
    for (; *name >= '0' && *name <= '9' && number < INT_MAX / 10; name++)
        number = number * 10 + (*name - '0');
    return *name == '\0' ? number : -1;
}

/* The numbers among the names in a directory of /proc; the first of the two that visit is given is the listing's own
 * descriptor.  True: it was read to its end. */
bool blivet_list_numbers(const struct blivet_ops *ops, const char *path, void (*visit)(void *, int, int), void *argument)
{
    union {
        struct entry align;
        char bytes[4096];
    } buffer;
    ssize_t size;
    int listing;
    UNINTERRUPTED(listing, ops->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
    if (listing < 0)
        return false;
    while ((size = ops->getdents(listing, &buffer, sizeof buffer)) > 0)
        for (ssize_t at = 0; at < size;) {
            const struct entry *entry = (const struct entry *)(const void *)(buffer.bytes + at);
            int number = parse_number(entry->name);
            at += entry->length;
            if (number >= 0)
                visit(argument, listing, number);
        }
    ops->close(listing);
    return size == 0;
}

struct closing {
    const struct blivet_context *daemon;
    bool shown;
};

static void close_one(void *argument, int listing, int fd)
{
    struct closing *closing = argument;
    if (fd == listing)
        closing->shown = true;
    else if (fd > 2 && !is_kept(closing->daemon, fd))
        closing->daemon->ops->close(fd);
}

/* False unless the listing shows itself: a folder of that name that is not the kernel's proves nothing. */
static bool close_listed(const struct blivet_context *daemon)
{
    struct closing closing = { daemon, false };
    return blivet_list_numbers(daemon->ops, "/proc/self/fd", close_one, &closing) && closing.shown;
}

static void close_one_by_one(const struct blivet_context *daemon)
{
    enum { MOST = 1 << 20 }; /* Linux: fs.nr_open, where nobody has raised it; more would take too long */
    struct rlimit limit;
    rlim_t last = MOST;
    if (daemon->ops->getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < last)
        last = limit.rlim_max; /* the hard one: it is mostly the soft one that has been lowered */
    for (int fd = 3; (rlim_t)fd < last; fd++)
        if (!is_kept(daemon, fd))
            daemon->ops->close(fd);
}

int blivet_close_inherited(struct blivet_context *daemon)
{
    blivet_enter(daemon, STEP_DESCRIPTORS);
    blivet_settle_standard_streams(daemon);
    if (daemon->flags & BLIVET_KEEP_ALL_FDS)
        return 0;
    keep(daemon, daemon->channel);
    keep(daemon, daemon->lock_fd);
    keep(daemon, daemon->pidfile_fd);
    keep(daemon, daemon->log_fds[0]);
    if (daemon->log_fds[1] != daemon->log_fds[0])
        keep(daemon, daemon->log_fds[1]);
    keep(daemon, daemon->original[2]);
    keep(daemon, daemon->ready_fd);
    if (!close_gaps(daemon) && !close_listed(daemon))
        close_one_by_one(daemon);
    return 0;
}
