/* pidfile.c - the lock and the pidfile: open, lock, write, remove (PID).
 *
 * Attacks that it answers: a link, FIFO or device planted in the file's place; a file that another user owns or
 * can write, who then picks whom root kills; a file removed and made anew between opening and locking, so that
 * two daemons both "hold" the lock; a reader who meets the file half written. */
#include "internal.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

enum { MOST_TRIES = 100, LONGEST = 4096, CAREFULLY = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* What one of our files is. */
struct target {
    const char *what, *path;
    int kind;   /* of error */
    int access; /* O_RDONLY or O_RDWR */
    bool lock, holds_pid;
};

/* 1: it is what the path names now; 0: it is not; -1: that cannot be told, with errno. */
static int still_named(const struct blivet_ops *ops, const char *path, const struct stat *file)
{
    struct stat now;
    if (ops->lstat(path, &now) != 0)
        return errno == ENOENT ? 0 : -1;
    return blivet_same_inode(&now, file);
}

/* The number that the file reads as, 0 where it reads as none, -1 where it cannot be read. */
static pid_t read_pid(const struct blivet_ops *ops, int fd)
{
    char text[24];
    ssize_t length;
    UNINTERRUPTED(length, ops->pread(fd, text, sizeof text - 1, 0));
    if (length < 0)
        return -1;
    text[length] = '\0';
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || (text[digits] != '\0' && text[digits] != '\n'))
        return 0;
    pid_t pid = 0;
    for (size_t i = 0; i < digits; i++)
        pid = pid * 10 + (text[i] - '0');
    return pid;
}

/* Removed, or where that may not be, emptied; either way it names nobody.  By then the path may be that of another
 * instance's file, which stays: what is emptied is the file that we hold. */
static void remove_or_empty(const struct blivet_ops *ops, const char *path, int fd)
{
    struct stat file;
    int result;
    if (ops->fstat(fd, &file) == 0 && still_named(ops, path, &file) == 1 && ops->unlink(path) == 0)
        return;
    UNINTERRUPTED(result, ops->ftruncate(fd, 0));
}

/* ---- open and lock ---- */

/* O_CREAT with O_EXCL only, so that no link is followed; and fs.protected_regular refuses O_CREAT for another user's
 * file in a sticky directory, even to root, but not before EEXIST. */
static int open_or_create(const struct blivet_ops *ops, const struct target *target, bool *existed)
{
    const int flags = target->access | CAREFULLY;
    int fd;
    UNINTERRUPTED(fd, ops->open(target->path, flags | O_CREAT | O_EXCL, 0644));
    *existed = fd < 0 && errno == EEXIST;
    if (*existed)
        UNINTERRUPTED(fd, ops->open(target->path, flags, 0));
    return fd;
}

static int not_opened(struct blivet_context *daemon, const struct target *target)
{
    if (errno == ELOOP)
        return blivet_refused(daemon, target->kind, target->what, target->path, "is a symbolic link");
    return blivet_failed(daemon, target->kind, target->what, target->path);
}

static int held(struct blivet_context *daemon, const struct target *target, int fd)
{
    struct blivet_text text;
    char why[64];
    pid_t pid = read_pid(daemon->ops, fd);
    blivet_text_begin(&text, why, sizeof why);
    blivet_text_put(&text, "is locked by another process");
    if (pid > 0) {
        blivet_text_put(&text, " (pid ");
        blivet_text_number(&text, (uintmax_t)pid);
        blivet_text_put(&text, ")");
    }
    return blivet_refused(daemon, BLIVET_LOCK_HELD, target->what, target->path, why);
}

static int judge(struct blivet_context *daemon, const struct target *target, const struct stat *file)
{
    if (!S_ISREG(file->st_mode))
        return blivet_refused(daemon, target->kind, target->what, target->path, "is not a regular file");
    if (file->st_nlink > 1)
        return blivet_refused(daemon, target->kind, target->what, target->path, "is a file with several names");
    return 0;
}

static int lock(struct blivet_context *daemon, const struct target *target, int fd)
{
    int result;
    UNINTERRUPTED(result, daemon->ops->flock(fd, LOCK_EX | LOCK_NB));
    if (result == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return held(daemon, target, fd);
    return blivet_failed(daemon, target->kind, target->what, target->path);
}

/* PID-10: who owns a pidfile, or can write it, or has it open, picks whom root kills. */
static bool is_safe_for_root(const struct blivet_context *daemon, const struct stat *file)
{
    if (file->st_uid == 0 && !(file->st_mode & (S_IWGRP | S_IWOTH)))
        return true;
    if ((daemon->flags & BLIVET_GIVE_PIDFILE) && daemon->identity.has_user && file->st_uid == daemon->identity.uid)
        return true; /* it will be that user's in any case */
    return daemon->ops->geteuid() != 0;
}

enum { DONE, AGAIN, FAILED };

/* One try on an open file: judged, locked, and still the one that the path names. */
static int secure(struct blivet_context *daemon, const struct target *target, int fd, bool created, struct stat *file)
{
    const struct blivet_ops *ops = daemon->ops;
    if (ops->fstat(fd, file) != 0) {
        blivet_failed(daemon, target->kind, target->what, target->path);
        return FAILED;
    }
    if (judge(daemon, target, file) != 0 || (target->lock && lock(daemon, target, fd) != 0))
        return FAILED;
    /* Without this two daemons can hold the lock, one of them on a file that is gone (PID-4). */
    int named = still_named(ops, target->path, file);
    if (named < 0) {
        blivet_failed(daemon, target->kind, target->what, target->path);
        return FAILED;
    }
    if (named == 0)
        return AGAIN;
    if (!target->holds_pid || is_safe_for_root(daemon, file))
        return DONE;
    if (created) { /* a file system without owners or modes: another one would be no better */
        blivet_refused(daemon, target->kind, target->what, target->path, "is writable by others than root");
        return FAILED;
    }
    if (ops->unlink(target->path) == 0 || errno == ENOENT)
        return AGAIN;
    blivet_failed(daemon, target->kind, target->what, target->path);
    return FAILED;
}

/* Returns a descriptor, and what is on it, or -1 with the error noted. */
static int open_own_file(struct blivet_context *daemon, const struct target *target, struct stat *file)
{
    const struct blivet_ops *ops = daemon->ops;
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        bool existed;
        int fd = open_or_create(ops, target, &existed);
        if (fd < 0 && existed && errno == ENOENT)
            continue; /* somebody was between the two openings */
        if (fd < 0)
            return not_opened(daemon, target);
        const bool created = !existed;
        int outcome = secure(daemon, target, fd, created, file);
        if (outcome == DONE) {
            daemon->pidfile_ours |= created && target->holds_pid;
            return fd;
        }
        if (outcome == FAILED && created && daemon->error.kind != BLIVET_LOCK_HELD)
            remove_or_empty(ops, target->path, fd); /* ours, and of no use */
        ops->close(fd);
        if (outcome == FAILED)
            return -1;
    }
    return blivet_refused(daemon, target->kind, target->what, target->path, "is replaced again and again");
}

/* For reading: the program that the command runs has this descriptor, and must not be able to write the pid that
 * root will kill (PRV-7).  Where a lock takes a writable one (NFS), only for those who change no identity. */
static int open_lock(struct blivet_context *daemon, struct target target)
{
    int fd = open_own_file(daemon, &target, &daemon->lock_status);
    if (fd >= 0 || daemon->error.system_errno != EBADF || daemon->identity.wanted)
        return fd;
    target.access = O_RDWR;
    return open_own_file(daemon, &target, &daemon->lock_status);
}

int blivet_take_lock(struct blivet_context *daemon)
{
    const struct target lockfile = { "lockfile", daemon->lockfile, BLIVET_LOCKFILE_FAILED, O_RDONLY, true, false };
    const struct target pidfile = { "pidfile", daemon->pidfile, BLIVET_PIDFILE_FAILED, O_RDONLY, true, true };
    blivet_enter(daemon, STEP_LOCK);
    if ((daemon->flags & BLIVET_NO_LOCK) || (!daemon->lockfile && !daemon->pidfile))
        return 0;
    daemon->lock_fd = open_lock(daemon, daemon->lockfile ? lockfile : pidfile);
    if (daemon->lock_fd >= 0 && daemon->page)
        daemon->page->lock = daemon->lock_fd;
    if (daemon->lock_fd >= 0 && !daemon->pidfile) /* the mark of holders.c, for want of a pidfile that names us */
        daemon->ops->lseek(daemon->lock_fd, daemon->pid, SEEK_SET);
    return daemon->lock_fd >= 0 ? 0 : -1;
}

/* ---- write ---- */

/* In place, in one write, padded with newlines over what was there, then cut: who reads meanwhile finds neither
 * two numbers nor nothing (PID-3).  What is longer than any pidfile is cut to LONGEST first. */
static int replace_bytes(const struct blivet_ops *ops, int fd, const struct stat *file, pid_t pid)
{
    char bytes[LONGEST];
    struct blivet_text text;
    int result;
    ssize_t written;
    memset(bytes, '\n', sizeof bytes);
    blivet_text_begin(&text, bytes, sizeof bytes);
    blivet_text_number(&text, (uintmax_t)pid);
    *text.at = '\n'; /* over the NUL */
    size_t length = (size_t)(text.at - bytes) + 1, size = length;
    if (file->st_size > (off_t)length)
        size = file->st_size > LONGEST ? LONGEST : (size_t)file->st_size;
    if (file->st_size > LONGEST) {
        UNINTERRUPTED(result, ops->ftruncate(fd, LONGEST));
        if (result != 0)
            return -1;
    }
    UNINTERRUPTED(written, ops->pwrite(fd, bytes, size, 0));
    if (written < 0)
        return -1;
    if ((size_t)written < length) { /* room for a part only, and the half of a number is somebody else's */
        UNINTERRUPTED(result, ops->ftruncate(fd, 0));
        errno = ENOSPC;
        return -1;
    }
    if (size == length)
        return 0;
    UNINTERRUPTED(result, ops->ftruncate(fd, (off_t)length));
    return result;
}

/* Past a size limit it is an error, not a death. */
static int replace_content(const struct blivet_ops *ops, int fd, const struct stat *file, pid_t pid)
{
    struct sigaction before;
    bool ignored = blivet_ignore_signal(ops, SIGXFSZ, &before);
    int result = replace_bytes(ops, fd, file, pid), number = errno;
    if (ignored)
        ops->sigaction(SIGXFSZ, &before, NULL);
    errno = number;
    return result;
}

/* A second description of the file that was locked in step 7; it is never inherited. */
static int open_locked(struct blivet_context *daemon, const struct target *pidfile)
{
    struct stat *file = &daemon->pidfile_status;
    int fd;
    UNINTERRUPTED(fd, daemon->ops->open(pidfile->path, pidfile->access | CAREFULLY, 0));
    if (fd < 0)
        return not_opened(daemon, pidfile);
    if (daemon->ops->fstat(fd, file) != 0)
        blivet_failed(daemon, pidfile->kind, pidfile->what, pidfile->path);
    else if (blivet_same_inode(&daemon->lock_status, file))
        return fd;
    else
        blivet_refused(daemon, pidfile->kind, pidfile->what, pidfile->path, "was replaced after it was locked");
    daemon->ops->close(fd);
    return -1;
}

int blivet_write_pidfile(struct blivet_context *daemon)
{
    const struct target pidfile = { "pidfile", daemon->pidfile, BLIVET_PIDFILE_FAILED, O_RDWR, false, true };
    bool is_the_lock = daemon->lock_fd >= 0 && !daemon->lockfile;
    blivet_enter(daemon, STEP_PIDFILE);
    if (!daemon->pidfile)
        return 0;
    daemon->pidfile_fd = is_the_lock ? open_locked(daemon, &pidfile)
                                     : open_own_file(daemon, &pidfile, &daemon->pidfile_status);
    if (daemon->pidfile_fd < 0)
        return -1;
    daemon->pidfile_ours = true;
    if (replace_content(daemon->ops, daemon->pidfile_fd, &daemon->pidfile_status, daemon->pid) != 0)
        return blivet_failed(daemon, BLIVET_PIDFILE_FAILED, "pidfile", daemon->pidfile);
    return 0;
}

/* ---- remove ---- */

/* If it still holds that pid.  Async-signal-safe: the clean-up handler calls it (PID-8). */
void blivet_remove_pidfile(const struct blivet_ops *ops, const char *path, int fd, pid_t pid)
{
    if (read_pid(ops, fd) == pid)
        remove_or_empty(ops, path, fd);
}

/* A start that fails: a file that we made, or began to write, and that names us or nobody (PID-9). */
void blivet_withdraw_pidfile(struct blivet_context *daemon)
{
    int fd = daemon->pidfile_fd >= 0 ? daemon->pidfile_fd : daemon->lock_fd; /* made by step 7, not yet open twice */
    if (!daemon->pidfile_ours)
        return;
    daemon->pidfile_ours = false;
    pid_t pid = read_pid(daemon->ops, fd);
    if (pid <= 0 || pid == daemon->pid)
        remove_or_empty(daemon->ops, daemon->pidfile, fd);
}

/* What has died may take a moment to let go of its lock, and what has left its session is ended; who forks on and on is
 * not seen at each look.  An instance that holds it by right has written its own number, or will: then it is no longer
 * our business.  fd: the pidfile, if there is one. */
static bool lock_of_dead(struct blivet_context *daemon, int lock_fd, pid_t locker, int fd, pid_t pid)
{
    enum { PATIENCE_MS = 1000, NAP_MS = 10 };
    const struct blivet_ops *ops = daemon->ops;
    int64_t deadline = blivet_now_ms(ops) + PATIENCE_MS;
    int result;
    for (;;) {
        UNINTERRUPTED(result, ops->flock(lock_fd, LOCK_EX | LOCK_NB));
        if (result == 0 || errno != EWOULDBLOCK)
            return result == 0;
        bool named = fd >= 0 && read_pid(ops, fd) == pid;
        bool ended = blivet_end_holders(daemon, lock_fd, locker, named);
        if ((fd >= 0 && !named && !ended) || blivet_now_ms(ops) >= deadline)
            return false;
        ops->poll(NULL, 0, NAP_MS);
    }
}

/* In the launcher: the program has named another main process (NTF-15). */
void blivet_rewrite_pidfile(struct blivet_context *daemon, pid_t from, pid_t to)
{
    struct stat file;
    int fd;
    if (!daemon->pidfile)
        return;
    UNINTERRUPTED(fd, daemon->ops->open(daemon->pidfile, O_RDWR | CAREFULLY, 0));
    if (fd >= 0 && read_pid(daemon->ops, fd) == from && daemon->ops->fstat(fd, &file) == 0)
        replace_content(daemon->ops, fd, &file, to);
    blivet_close_fd(daemon->ops, &fd);
}

/* Made by a daemon that was killed before it wrote it; one that told has cleaned up itself.  Without a lock it could be
 * that of an instance which is about to write. */
static bool is_unwritten(const struct blivet_context *daemon, int fd)
{
    const int step = daemon->page->step;
    struct stat file;
    if (daemon->error.kind == BLIVET_APPLICATION_FAILED || (daemon->flags & BLIVET_NO_LOCK))
        return false;
    if (step != STEP_PIDFILE && (step != STEP_LOCK || daemon->lockfile))
        return false;
    return daemon->ops->fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_nlink == 1 && file.st_size == 0 &&
           file.st_uid == daemon->ops->geteuid();
}

static bool is_of_dead(const struct blivet_context *daemon, int fd, pid_t pid)
{
    return fd >= 0 && (read_pid(daemon->ops, fd) == pid || is_unwritten(daemon, fd));
}

/* In the launcher, after a start that failed: only if the lock can be had (PID-9). */
void blivet_clean_up_after_dead(struct blivet_context *daemon, pid_t locker, pid_t pid)
{
    const struct blivet_ops *ops = daemon->ops;
    int lock_fd = -1, fd = -1;
    if (daemon->pidfile && pid > 0)
        UNINTERRUPTED(fd, ops->open(daemon->pidfile, O_RDWR | CAREFULLY, 0));
    bool left = is_of_dead(daemon, fd, pid);
    bool locked = left ? !(daemon->flags & BLIVET_NO_LOCK) : daemon->page->lock > 0;
    if (daemon->lockfile && locked)
        UNINTERRUPTED(lock_fd, ops->open(daemon->lockfile, O_RDWR | CAREFULLY, 0));
    int lock = daemon->lockfile ? lock_fd : fd;
    bool may = !locked || (lock >= 0 && lock_of_dead(daemon, lock, locker, fd, pid));
    if (left && may && is_of_dead(daemon, fd, pid)) /* who had the lock meanwhile may have written another number */
        remove_or_empty(ops, daemon->pidfile, fd);
    blivet_close_fd(ops, &fd);
    blivet_close_fd(ops, &lock_fd);
}
