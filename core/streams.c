/* streams.c - /dev/null and the output files on 0, 1 and 2 (STD).
 *
 * Promise: a file is changed only after it has been judged on its open descriptor; opening never blocks, never
 * acquires a terminal; in foreground mode a failure puts 0 to 2 back as they were. */
#include "internal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

void blivet_close_fd(const struct blivet_ops *ops, int *fd)
{
    if (*fd >= 0)
        ops->close(*fd); /* what close answers is ignored: the descriptor is gone either way (SEQ-7) */
    *fd = -1;
}

/* A descriptor of ours never stays at 0, 1 or 2, where somebody prints (SEQ-9), nor in the place of another. */
int blivet_above(const struct blivet_ops *ops, int fd, int floor)
{
    if (fd < 0 || fd > floor)
        return fd;
    int above;
    UNINTERRUPTED(above, ops->fcntl(fd, F_DUPFD_CLOEXEC, floor < INT_MAX ? floor + 1 : floor));
    int saved = errno;
    ops->close(fd);
    errno = saved;
    return above;
}

static int put_on(struct blivet_context *daemon, int fd, int standard, int kind, const char *what, const char *path)
{
    int result;
    UNINTERRUPTED(result, daemon->ops->dup2(fd, standard));
    return result == standard ? 0 : blivet_failed(daemon, kind, what, path);
}

/* ---- step 6 ---- */

/* Foreground mode: the caller gets them back if the start fails (SEQ-4), and the last word on a failure goes to
 * the stderr of the start (CLI-14). */
static int save_originals(struct blivet_context *daemon)
{
    for (int fd = 0; fd < 3; fd++) {
        UNINTERRUPTED(daemon->original[fd], daemon->ops->fcntl(fd, F_DUPFD_CLOEXEC, 3));
        if (daemon->original[fd] < 0 && errno != EBADF) {
            blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "standard descriptors", NULL);
            while (fd-- > 0)
                blivet_close_fd(daemon->ops, &daemon->original[fd]);
            return -1;
        }
    }
    daemon->originals_saved = true;
    return 0;
}

static int open_dev_null(struct blivet_context *daemon)
{
    struct stat file;
    int fd;
    UNINTERRUPTED(fd, daemon->ops->open("/dev/null", O_RDWR | O_NOCTTY, 0));
    if (fd < 0)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "standard descriptors", "/dev/null");
    if (daemon->ops->fstat(fd, &file) != 0)
        blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "standard descriptors", "/dev/null");
    else if (S_ISCHR(file.st_mode))
        return fd;
    else /* a plain file of that name would keep what the daemon prints, and fill the disk */
        blivet_refused(daemon, BLIVET_SYSTEM_FAILED, "standard descriptors", "/dev/null", "is not a device");
    daemon->ops->close(fd);
    return -1;
}

int blivet_null_standard_streams(struct blivet_context *daemon)
{
    blivet_enter(daemon, STEP_DEV_NULL);
    if (blivet_is_foreground(daemon) && save_originals(daemon) != 0)
        return -1;
    int null = open_dev_null(daemon);
    if (null < 0)
        return -1;
    int result = 0;
    for (int fd = 0; fd < 3 && result == 0; fd++) {
        bool stays = fd > 0 && blivet_is_foreground(daemon) && daemon->original[fd] >= 0;
        if (fd != null && !stays)
            result = put_on(daemon, null, fd, BLIVET_SYSTEM_FAILED, "standard descriptors", "/dev/null");
    }
    if (null > 2)
        daemon->ops->close(null);
    return result;
}

void blivet_restore_standard_streams(struct blivet_context *daemon)
{
    int result;
    for (int fd = 0; daemon->originals_saved && fd < 3; fd++) {
        if (daemon->original[fd] >= 0)
            UNINTERRUPTED(result, daemon->ops->dup2(daemon->original[fd], fd));
        else
            daemon->ops->close(fd); /* it was closed */
        blivet_close_fd(daemon->ops, &daemon->original[fd]);
    }
    daemon->originals_saved = false;
}

/* Nothing can fail any more: only the old stderr is still of use, and only if there is a new one. */
void blivet_settle_standard_streams(struct blivet_context *daemon)
{
    daemon->originals_saved = false;
    blivet_close_fd(daemon->ops, &daemon->original[0]);
    blivet_close_fd(daemon->ops, &daemon->original[1]);
    if (!daemon->stderr_path)
        blivet_close_fd(daemon->ops, &daemon->original[2]);
}

/* ---- step 12 ---- */

struct log {
    const char *what, *path;
    int fd;
    bool created; /* by us, as a plain and empty file */
    struct stat file;
};

static bool to_be_handed_over(const struct blivet_context *daemon)
{
    return daemon->identity.wanted && !(daemon->flags & BLIVET_NO_CHOWN);
}

/* A file that is there is opened without O_CREAT, which fs.protected_regular refuses in a sticky directory even
 * to root; O_NONBLOCK: a FIFO without a reader must not hold the start up.  A link may lead to what is not there. */
static int open_log(struct blivet_context *daemon, struct log *log)
{
    int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC;
    if (daemon->flags & BLIVET_APPEND)
        flags |= O_APPEND;
    if (to_be_handed_over(daemon))
        flags |= O_NOFOLLOW; /* or whoever plants a link picks the file that the user is given (PRV-8) */
    UNINTERRUPTED(log->fd, daemon->ops->open(log->path, flags | O_CREAT | O_EXCL, 0644));
    log->created = log->fd >= 0;
    if (log->fd < 0 && errno == EEXIST)
        UNINTERRUPTED(log->fd, daemon->ops->open(log->path, flags | O_NONBLOCK, 0));
    if (log->fd < 0 && errno == ENOENT)
        UNINTERRUPTED(log->fd, daemon->ops->open(log->path, flags | O_NONBLOCK | O_CREAT, 0644));
    if (log->fd < 0 && errno == ELOOP && to_be_handed_over(daemon))
        return blivet_refused(daemon, BLIVET_OUTPUT_FAILED, log->what, log->path, "is a symbolic link");
    if (log->fd < 0)
        return blivet_failed(daemon, BLIVET_OUTPUT_FAILED, log->what, log->path);
    return 0;
}

static int judge_log(struct blivet_context *daemon, struct log *log)
{
    if (daemon->ops->fstat(log->fd, &log->file) != 0)
        return blivet_failed(daemon, BLIVET_OUTPUT_FAILED, log->what, log->path);
    if (daemon->pidfile_fd >= 0 && blivet_same_inode(&daemon->pidfile_status, &log->file))
        return blivet_refused(daemon, BLIVET_OUTPUT_FAILED, log->what, log->path, "is the pidfile");
    if (daemon->lock_fd >= 0 && blivet_same_inode(&daemon->lock_status, &log->file))
        return blivet_refused(daemon, BLIVET_OUTPUT_FAILED, log->what, log->path, "is the lockfile");
    if (to_be_handed_over(daemon) && S_ISREG(log->file.st_mode) && log->file.st_nlink > 1)
        return blivet_refused(daemon, BLIVET_OUTPUT_FAILED, log->what, log->path, "is a file with several names");
    return 0;
}

/* Only now, with everything judged, is the file changed. */
static int begin_log(struct blivet_context *daemon, struct log *log)
{
    int result;
    if (log->created)
        return 0;
    if (!(daemon->flags & BLIVET_APPEND) && S_ISREG(log->file.st_mode)) {
        UNINTERRUPTED(result, daemon->ops->ftruncate(log->fd, 0));
        if (result != 0)
            return blivet_failed(daemon, BLIVET_OUTPUT_FAILED, log->what, log->path);
    }
    /* O_NONBLOCK off again (STD-4); of the flags that can be set, append is the only other one of ours. */
    UNINTERRUPTED(result, daemon->ops->fcntl(log->fd, F_SETFL, daemon->flags & BLIVET_APPEND ? O_APPEND : 0));
    return result == 0 ? 0 : blivet_failed(daemon, BLIVET_OUTPUT_FAILED, log->what, log->path);
}

/* The descriptor is in the context from the start, so that a failure closes it. */
static int open_and_judge(struct blivet_context *daemon, struct log *log, int *held)
{
    if (!log->path)
        return 0;
    if (open_log(daemon, log) != 0)
        return -1;
    *held = log->fd;
    return judge_log(daemon, log);
}

/* Two descriptions of one file would have two offsets, and lines overwrite each other (STD-3). */
static int open_logs(struct blivet_context *daemon, struct log *out, struct log *err)
{
    bool one_path = out->path && err->path && strcmp(out->path, err->path) == 0;
    if (open_and_judge(daemon, out, &daemon->log_fds[0]) != 0 ||
        (!one_path && open_and_judge(daemon, err, &daemon->log_fds[1]) != 0))
        return -1;
    bool two_names = out->fd >= 0 && err->fd >= 0 && blivet_same_inode(&out->file, &err->file);
    if (two_names)
        daemon->ops->close(err->fd);
    if (one_path || two_names)
        daemon->log_fds[1] = err->fd = out->fd;
    if (out->fd >= 0 && begin_log(daemon, out) != 0)
        return -1;
    return err->fd >= 0 && err->fd != out->fd ? begin_log(daemon, err) : 0;
}

/* The copies above 2; the two may be one. */
void blivet_release_logs(struct blivet_context *daemon)
{
    if (daemon->log_fds[1] == daemon->log_fds[0])
        daemon->log_fds[1] = -1;
    blivet_close_fd(daemon->ops, &daemon->log_fds[0]);
    blivet_close_fd(daemon->ops, &daemon->log_fds[1]);
}

int blivet_open_output_files(struct blivet_context *daemon)
{
    struct log logs[2] = { { .what = "stdout", .path = daemon->stdout_path, .fd = -1 },
                           { .what = "stderr", .path = daemon->stderr_path, .fd = -1 } };
    blivet_enter(daemon, STEP_OUTPUT);
    daemon->logs_followed = !to_be_handed_over(daemon);
    if (open_logs(daemon, &logs[0], &logs[1]) != 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (logs[i].fd >= 0 && put_on(daemon, logs[i].fd, i + 1, BLIVET_OUTPUT_FAILED, logs[i].what, logs[i].path) != 0)
            return -1;
    if (!daemon->identity.wanted) /* nobody to hand them over to */
        blivet_release_logs(daemon);
    return 0;
}
