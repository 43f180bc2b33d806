/* kernel.c - the invented kernel behind script.c: enough of files, descriptors, locks, identity and time for
 * every branch of core/ and cli/, and nothing of the machine that the tests run on. */
#include "script.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

static int fail(int error)
{
    errno = error;
    return -1;
}

/* ---- files ---- */

static struct script_file *find(const char *path)
{
    for (int i = 0; i < SCRIPT_FILES; i++)
        if (script.files[i].inode != 0 && strcmp(script.files[i].path, path) == 0)
            return &script.files[i];
    return NULL;
}

struct script_file *script_file(const char *path) { return find(path); }

struct script_file *script_add(const char *path, mode_t mode, const char *content)
{
    for (int i = 0; i < SCRIPT_FILES; i++) {
        struct script_file *file = &script.files[i];
        if (file->inode != 0)
            continue;
        memset(file, 0, sizeof *file);
        snprintf(file->path, sizeof file->path, "%s", path);
        file->mode = mode;
        file->uid = script.uids[1];
        file->gid = script.gids[1];
        file->links = 1;
        file->inode = script.next_inode++;
        if (S_ISLNK(mode))
            snprintf(file->target, sizeof file->target, "%s", content);
        else if (content) {
            file->size = strlen(content);
            memcpy(file->content, content, file->size);
        }
        return file;
    }
    abort(); /* SCRIPT_FILES is too small for this test */
}

static void cut_to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = '\0';
}

static bool permits(const struct script_file *file, int mode)
{
    if (script.uids[1] == 0)
        return !(mode & X_OK) || S_ISDIR(file->mode) || (file->mode & 0111);
    mode_t bits = script.uids[1] == file->uid ? file->mode >> 6 : file->mode;
    return ((int)bits & mode & 7) == (mode & 7);
}

enum { SCRIPT_PATH = 1024 };

struct walk {
    char at[SCRIPT_PATH];   /* where we are, without links and dots; in the end where the file is or would be */
    char rest[SCRIPT_PATH]; /* what is still to be walked */
    int links;
};

static struct script_file *lost(int error)
{
    errno = error;
    return NULL;
}

/* Takes the link in the place of the next component. */
static bool enter_link(struct walk *walk, const char *target, const char *behind)
{
    char rest[SCRIPT_PATH];
    int length = snprintf(rest, sizeof rest, "%s/%s", target, behind);
    if (*behind == '\0')
        length = snprintf(rest, sizeof rest, "%s", target);
    strcpy(walk->rest, rest);
    if (*target == '/')
        strcpy(walk->at, "/");
    return length < SCRIPT_PATH && ++walk->links <= 8;
}

/* One component; false at a dead end, with errno. */
static bool step(struct walk *walk, bool follow)
{
    char next[SCRIPT_PATH + 256];
    const struct script_file *here = find(walk->at);
    size_t length = strcspn(walk->rest, "/");
    const char *behind = walk->rest + length;
    if (!here || !S_ISDIR(here->mode) || !permits(here, X_OK))
        return lost(!here ? ENOENT : !S_ISDIR(here->mode) ? ENOTDIR : EACCES);
    size_t used = strlen(walk->at);
    if (length > 255 || used + 1 + length >= sizeof here->path)
        return lost(ENAMETOOLONG);
    behind += strspn(behind, "/");
    if (strncmp(walk->rest, "..", length) == 0 && length == 2)
        cut_to_parent(walk->at);
    else if (length > 1 || walk->rest[0] != '.') {
        snprintf(next, sizeof next, "%s%s%.*s", walk->at, used > 1 ? "/" : "", (int)length, walk->rest);
        const struct script_file *file = find(next);
        if (file && S_ISLNK(file->mode) && (follow || *behind))
            return enter_link(walk, file->target, behind) || lost(ELOOP);
        strcpy(walk->at, next);
    }
    memmove(walk->rest, behind, strlen(behind) + 1);
    return true;
}

/* The file at the end of a path; NULL with errno. */
static struct script_file *walk_to(struct walk *walk, const char *path, bool follow)
{
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof walk->rest)
        return lost(length == 0 ? ENOENT : ENAMETOOLONG);
    strcpy(walk->at, *path == '/' ? "/" : script.directory);
    strcpy(walk->rest, path + strspn(path, "/"));
    walk->links = 0;
    while (walk->rest[0] != '\0')
        if (!step(walk, follow))
            return NULL;
    struct script_file *file = find(walk->at);
    if (file && path[length - 1] == '/' && !S_ISDIR(file->mode))
        return lost(ENOTDIR);
    return file ? file : lost(ENOENT);
}

static struct script_file *walk(const char *path, bool follow)
{
    struct walk unused;
    return walk_to(&unused, path, follow);
}

static void describe(const struct script_file *file, struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_dev = 1;
    status->st_ino = file->inode;
    status->st_mode = file->mode;
    status->st_nlink = file->links;
    status->st_uid = file->uid;
    status->st_gid = file->gid;
    status->st_size = (off_t)file->size;
}

/* One subdirectory a thread. */
static int describe_tasks(struct stat *status)
{
    if (script.no_proc)
        return fail(ENOENT);
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFDIR | 0555;
    status->st_nlink = (nlink_t)(2 + script.threads);
    return 0;
}

static int kernel_stat(const char *path, struct stat *status)
{
    if (strcmp(path, "/proc/self/task") == 0)
        return describe_tasks(status);
    const struct script_file *file = walk(path, true);
    if (!file)
        return -1;
    describe(file, status);
    return 0;
}

static int kernel_lstat(const char *path, struct stat *status)
{
    const struct script_file *file = walk(path, false);
    if (!file)
        return -1;
    describe(file, status);
    return 0;
}

static int kernel_eaccess(const char *path, int mode)
{
    const struct script_file *file = walk(path, true);
    if (!file)
        return -1;
    return permits(file, mode) ? 0 : fail(EACCES);
}

static ssize_t kernel_readlink(const char *path, char *buffer, size_t size)
{
    static const char self[] = "101"; /* the session leader's own view */
    const char *target;
    if (strcmp(path, "/proc/self") == 0 && !script.no_proc)
        target = self;
    else {
        const struct script_file *file = walk(path, false);
        if (!file)
            return -1;
        if (!S_ISLNK(file->mode))
            return fail(EINVAL);
        target = file->target;
    }
    size_t length = strlen(target) < size ? strlen(target) : size;
    memcpy(buffer, target, length);
    return (ssize_t)length;
}

static int kernel_unlink(const char *path)
{
    struct walk walk;
    struct script_file *file = walk_to(&walk, path, false);
    if (!file)
        return -1;
    if (S_ISDIR(file->mode))
        return fail(EISDIR);
    cut_to_parent(walk.at);
    if (!permits(find(walk.at), W_OK))
        return fail(EACCES);
    file->path[0] = '\0'; /* the open descriptions keep it */
    file->links--;
    return 0;
}

static void cut(struct script_file *file, size_t size)
{
    memset(file->content + size, 0, SCRIPT_CONTENT - size);
    file->size = size;
}

/* ---- descriptors ---- */

static struct script_description *description(int fd)
{
    if (fd < 0 || fd >= SCRIPT_FDS || script.fds[fd] < 0) {
        errno = EBADF;
        return NULL;
    }
    return &script.descriptions[script.fds[fd]];
}

static int lowest_free(int from)
{
    for (int fd = from; fd < SCRIPT_FDS; fd++)
        if (script.fds[fd] < 0)
            return fd;
    return fail(EMFILE);
}

static int install(enum script_kind kind, int file, int flags)
{
    int fd = lowest_free(0);
    for (int i = 0; fd >= 0 && i < SCRIPT_FDS; i++) {
        struct script_description *free_one = &script.descriptions[i];
        if (free_one->users > 0)
            continue;
        memset(free_one, 0, sizeof *free_one);
        free_one->kind = kind;
        free_one->users = 1;
        free_one->file = file;
        free_one->flags = flags & ~O_CLOEXEC;
        script.fds[fd] = i;
        script.cloexec[fd] = (flags & O_CLOEXEC) != 0;
        return fd;
    }
    return -1;
}

static struct script_file *file_of(int fd)
{
    struct script_description *open_one = description(fd);
    if (!open_one)
        return NULL;
    if (open_one->file < 0) {
        errno = EINVAL;
        return NULL;
    }
    return &script.files[open_one->file];
}

static int open_proc(const char *path, int flags)
{
    char status[64];
    if (script.no_proc)
        return fail(ENOENT);
    if (strcmp(path, "/proc/self/fd") == 0)
        return install(SCRIPT_LISTING, -1, flags);
    if (strcmp(path, "/proc/self/status") != 0 && strcmp(path, "/proc/102/stat") != 0)
        return fail(ENOENT);
    struct script_file *file = find(path);
    if (!file)
        file = script_add(path, S_IFREG | 0444, "");
    if (strcmp(path, "/proc/self/status") == 0) {
        snprintf(status, sizeof status, "Name:\tx\nThreads:\t%d\nEnd:\t\n", script.threads);
        strcpy(file->content, status);
    } else
        snprintf(file->content, sizeof file->content, "%s",
                 script.stat_line ? script.stat_line : "102 (x) S 101 101 101 0 -1 64 0");
    file->size = strlen(file->content);
    return install(SCRIPT_FILE, (int)(file - script.files), flags);
}

static int kernel_open(const char *path, int flags, mode_t mode)
{
    struct walk walk;
    if (script.before_open)
        script.before_open(path);
    if (strncmp(path, "/proc/", 6) == 0)
        return open_proc(path, flags);
    struct script_file *file = walk_to(&walk, path, !(flags & O_NOFOLLOW));
    if (!file && (errno != ENOENT || !(flags & O_CREAT)))
        return -1;
    if (file && (flags & O_CREAT) && (flags & O_EXCL))
        return fail(EEXIST);
    if (file && S_ISLNK(file->mode))
        return fail(ELOOP);
    if (file && S_ISDIR(file->mode) && (flags & O_ACCMODE) != O_RDONLY)
        return fail(EISDIR);
    if (file && S_ISFIFO(file->mode) && (flags & O_ACCMODE) == O_WRONLY)
        return fail(ENXIO);
    if (file && !permits(file, (flags & O_ACCMODE) == O_RDONLY ? R_OK : W_OK))
        return fail(EACCES);
    if (!file) {
        char folder[SCRIPT_PATH];
        strcpy(folder, walk.at);
        cut_to_parent(folder);
        if (!find(folder)) /* a missing directory on the way */
            return fail(ENOENT);
        if (!permits(find(folder), W_OK))
            return fail(EACCES);
        file = script_add(walk.at, S_IFREG | (script.loose_modes ? 0666 : mode & ~script.umask), "");
    }
    if (flags & O_TRUNC)
        cut(file, 0);
    return install(SCRIPT_FILE, (int)(file - script.files), flags);
}

static bool is_open(const struct script_file *file)
{
    for (int i = 0; i < SCRIPT_FDS; i++)
        if (script.descriptions[i].users > 0 && script.descriptions[i].kind == SCRIPT_FILE &&
            &script.files[script.descriptions[i].file] == file)
            return true;
    return false;
}

static int kernel_close(int fd)
{
    struct script_description *open_one = description(fd);
    if (!open_one)
        return -1;
    int number = script.fds[fd];
    script.fds[fd] = -1;
    if (--open_one->users > 0 || open_one->file < 0)
        return 0;
    struct script_file *file = &script.files[open_one->file];
    if (file->locked_by == number)
        file->locked_by = 0;
    if (file->path[0] == '\0' && !is_open(file))
        file->inode = 0; /* nobody can get at it any more */
    return 0;
}

static int duplicate(int from, int to, bool cloexec)
{
    if (script.fds[to] >= 0 && to != from)
        kernel_close(to);
    script.fds[to] = script.fds[from];
    script.cloexec[to] = cloexec;
    if (to != from)
        script.descriptions[script.fds[to]].users++;
    return to;
}

static int kernel_dup2(int from, int to)
{
    if (!description(from))
        return -1;
    return from == to ? to : duplicate(from, to, false);
}

static int kernel_fcntl(int fd, int command, int argument)
{
    struct script_description *open_one = description(fd);
    int to;
    if (!open_one)
        return -1;
    switch (command) {
    case F_GETFD: return script.cloexec[fd] ? FD_CLOEXEC : 0;
    case F_SETFD: script.cloexec[fd] = (argument & FD_CLOEXEC) != 0; return 0;
    case F_GETFL: return open_one->flags;
    case F_SETFL: open_one->flags = argument; return 0;
    case F_DUPFD_CLOEXEC:
        to = lowest_free(argument);
        return to < 0 ? -1 : duplicate(fd, to, true);
    }
    return fail(EINVAL);
}

static int kernel_fstat(int fd, struct stat *status)
{
    const struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    describe(file, status);
    return 0;
}

static ssize_t kernel_pread(int fd, void *bytes, size_t count, off_t offset)
{
    const struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    if (strcmp(file->path, "/proc/102/stat") == 0 && script.role == SCRIPT_LAUNCHER) {
        const char *line = script.clock_ms < script.event_ms ? "102 (x) S 101 101 101 0 -1 64 0" : script.stat_line;
        if (!line)
            return fail(ESRCH); /* reaped */
        size_t length = strlen(line) < count ? strlen(line) : count;
        memcpy(bytes, line, length);
        return (ssize_t)length;
    }
    size_t from = (size_t)offset < file->size ? (size_t)offset : file->size;
    size_t left = file->size - from < count ? file->size - from : count;
    memcpy(bytes, file->content + from, left);
    return (ssize_t)left;
}

static ssize_t put(struct script_file *file, const void *bytes, size_t count, off_t offset)
{
    if ((size_t)offset + count > SCRIPT_CONTENT)
        return fail(ENOSPC);
    memcpy(file->content + offset, bytes, count);
    if ((size_t)offset + count > file->size)
        file->size = (size_t)offset + count;
    return (ssize_t)count;
}

static ssize_t kernel_pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    if (script.disk_room > 0 && script.disk_room < count)
        count = script.disk_room;
    return put(file, bytes, count, offset);
}

/* Everything is in script.printed; files and the terminal keep what came to them. */
static ssize_t kernel_write(int fd, const void *bytes, size_t count)
{
    struct script_description *open_one = description(fd);
    if (!open_one)
        return -1;
    if (script.stuck_reader && (fd == 1 || fd == 2))
        script_stop(SCRIPT_HUNG); /* a pipe that nobody empties is full */
    count = script.short_counts && count > 1 ? 1 : count;
    size_t used = strlen(script.printed);
    if (used + count < sizeof script.printed)
        memcpy(script.printed + used, bytes, count);
    struct script_file *file = open_one->file < 0 ? NULL : &script.files[open_one->file];
    if (!file || strcmp(file->path, "/dev/null") == 0)
        return (ssize_t)count;
    if (open_one->flags & O_APPEND)
        open_one->offset = (off_t)file->size;
    open_one->offset += put(file, bytes, count, open_one->offset);
    return (ssize_t)count;
}

static int kernel_ftruncate(int fd, off_t length)
{
    struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    if (length > SCRIPT_CONTENT)
        return fail(EFBIG);
    cut(file, (size_t)length);
    return 0;
}

/* Another process: it replaces the file between our open and our lock. */
static void replace_behind_our_back(struct script_file *file)
{
    char path[128];
    if (script.foreign_opens <= 0 || file->path[0] == '\0')
        return;
    script.foreign_opens--;
    strcpy(path, file->path);
    file->path[0] = '\0';
    file->links--;
    script_add(path, S_IFREG | 0644, "");
}

static int kernel_flock(int fd, int operation)
{
    struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    if (!(operation & LOCK_EX))
        return fail(EINVAL);
    replace_behind_our_back(file);
    if (file->locked_by == -1 && script.foreign_lock_ms > 0 && script.clock_ms >= script.foreign_lock_ms)
        file->locked_by = 0;
    if (file->locked_by != 0 && file->locked_by != script.fds[fd])
        return fail(EWOULDBLOCK);
    file->locked_by = script.fds[fd];
    return 0;
}

static int kernel_fchown(int fd, uid_t owner, gid_t group)
{
    struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    if (owner != (uid_t)-1)
        file->uid = owner;
    if (group != (gid_t)-1)
        file->gid = group;
    return 0;
}

static int kernel_close_range(unsigned first, unsigned last, int flags)
{
    (void)flags;
    if (script.no_close_range)
        return fail(ENOSYS);
    for (unsigned fd = first; fd <= last && fd < SCRIPT_FDS; fd++)
        if (script.fds[fd] >= 0)
            kernel_close((int)fd);
    return 0;
}

static ssize_t kernel_getdents(int fd, void *entries, size_t size)
{
    struct script_description *listing = description(fd);
    char *at = entries;
    if (!listing || listing->kind != SCRIPT_LISTING)
        return fail(ENOTDIR);
    for (; listing->offset < SCRIPT_FDS && (size_t)(at - (char *)entries) + 32 <= size; listing->offset++) {
        unsigned short length = 32;
        if (script.fds[listing->offset] < 0)
            continue;
        memset(at, 0, length);
        memcpy(at + 16, &length, sizeof length);
        snprintf(at + 19, 12, "%d", (int)listing->offset);
        at += length;
    }
    return at - (char *)entries;
}

static int kernel_getrlimit(int resource, struct rlimit *limit)
{
    (void)resource;
    limit->rlim_cur = 8; /* lowered since */
    limit->rlim_max = SCRIPT_FDS;
    return 0;
}

/* ---- processes, signals, time ---- */

static pid_t kernel_fork(void)
{
    int number = script.pid - SCRIPT_CALLER_PID; /* 0: the first fork, 1: the second */
    bool child = number < (int)script.role;
    if (!child && number == 0 && script.meanwhile)
        script.meanwhile();
    if (!child)
        return script.pid + 1;
    script.pid++;
    return 0;
}

static pid_t kernel_setsid(void) { return script.pid; }
static pid_t kernel_getpid(void) { return script.pid; }

static void kernel__exit(int status)
{
    script.exit_code = status;
    script_stop(SCRIPT_EXITED);
}

static void kernel_exit(int status)
{
    script.exit_was_exit = true;
    kernel__exit(status);
}

static bool is_dead(void) { return script.daemon_dead && script.clock_ms >= script.event_ms; }

static int kernel_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    bool leader = (pid_t)id == SCRIPT_LEADER_PID;
    bool *reaped = leader ? &script.leader_reaped : &script.daemon_reaped;
    int status = leader ? script.leader_status : script.daemon_status;
    if (type != P_PID || *reaped || (!leader && !script.daemon_is_child))
        return fail(ECHILD);
    if (leader ? script.leader_stopped : !is_dead()) {
        if (!(options & WNOHANG))
            script_stop(SCRIPT_HUNG);
        return 0;
    }
    *reaped = !(options & WNOWAIT);
    info->si_pid = (pid_t)id;
    info->si_code = status & 0x7f ? CLD_KILLED : CLD_EXITED;
    info->si_status = status & 0x7f ? status & 0x7f : status >> 8;
    return 0;
}

static void strike_daemon(int signal)
{
    if (script.signal_count < 8)
        script.signals_sent[script.signal_count++] = signal;
    if (signal != SIGKILL && (signal != SIGTERM || script.deaf_to_sigterm))
        return;
    if (script.clock_ms < script.event_ms)
        script.hears_count = 0; /* what it would have said */
    if (!script.struck)
        script.event_ms = script.clock_ms + script.death_ms;
    script.struck = script.daemon_dead = true;
    script.stat_line = NULL;
    script.hears_end = true;
}

static void strike_leader(int signal)
{
    if (signal != SIGKILL || !script.leader_stopped)
        return;
    script.leader_stopped = false;
    script.leader_status = SIGKILL;
    script.hears_end = true;
}

/* A number is its process's until that is reaped; then it may be anybody's.  The daemon's is reaped by init. */
static int kernel_kill(pid_t pid, int signal)
{
    if (signal == 0)
        return is_dead() ? fail(ESRCH) : 0;
    if (pid == SCRIPT_LEADER_PID && !script.leader_reaped)
        strike_leader(signal);
    else if (pid == -SCRIPT_LEADER_PID && !script.leader_reaped && !script.left_group)
        strike_daemon(signal);
    else if (pid == SCRIPT_DAEMON_PID && !is_dead())
        strike_daemon(signal);
    else if (pid != -SCRIPT_LEADER_PID || script.leader_reaped)
        script.struck_stranger = true;
    return 0;
}

static int kernel_pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned flags)
{
    (void)info;
    (void)flags;
    if (!description(pidfd))
        return -1;
    strike_daemon(signal);
    return 0;
}

static int kernel_pidfd_open(pid_t pid, unsigned flags)
{
    (void)pid;
    (void)flags;
    return install(SCRIPT_PIDFD, -1, O_CLOEXEC);
}

static int kernel_pidfd_exit_status(int pidfd, int *status)
{
    if (!description(pidfd))
        return -1;
    if (!script.status_kept)
        return fail(ESRCH);
    *status = script.daemon_status;
    return 0;
}

static int kernel_raise(int signal)
{
    script.raised = signal;
    return 0;
}

static int kernel_sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    if (signal < 1 || signal >= NSIG || (action && (signal == SIGKILL || signal == SIGSTOP)))
        return fail(EINVAL);
    if (signal > 31 && signal < SIGRTMIN)
        return fail(EINVAL); /* the C library's own */
    if (old)
        *old = script.actions[signal];
    if (action)
        script.actions[signal] = *action;
    return 0;
}

static int kernel_stop_ignoring(int signal)
{
    if (script.actions[signal].sa_handler == SIG_IGN)
        script.actions[signal].sa_handler = SIG_DFL;
    return 0;
}

static int kernel_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    (void)how;
    if (old)
        *old = script.mask;
    if (set)
        script.mask = *set;
    return 0;
}

static int kernel_execve(const char *path, char *const argv[], char *const envp[])
{
    const struct script_file *file = walk(path, true);
    size_t used = strlen(script.tried);
    int saved = errno;
    (void)envp;
    snprintf(script.tried + used, sizeof script.tried - used, "%s ", path);
    if (!file)
        return fail(saved);
    if (!S_ISREG(file->mode) || !permits(file, X_OK))
        return fail(EACCES);
    snprintf(script.executed, sizeof script.executed, "%s", path);
    for (used = 0; *argv && used < sizeof script.executed_argv; argv++)
        used += (size_t)snprintf(script.executed_argv + used, sizeof script.executed_argv - used, "[%s]", *argv);
    script.exit_code = 0;
    script_stop(SCRIPT_EXITED);
    return 0;
}

static int kernel_clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    time->tv_sec = script.clock_ms / 1000;
    time->tv_nsec = script.clock_ms % 1000 * 1000000;
    return 0;
}

static int kernel_unshare(int flags)
{
    (void)flags;
    return script.threads == 1 ? 0 : fail(EINVAL);
}

/* ---- the channel ---- */

static int kernel_socketpair(int domain, int type, int protocol, int ends[2])
{
    (void)domain;
    (void)protocol;
    int flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0;
    ends[0] = install(SCRIPT_CHANNEL, -1, flags);
    ends[1] = install(SCRIPT_CHANNEL, -1, flags);
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

/* ---- readiness: a notify socket, a pipe, a service manager ---- */

static int kernel_socket(int domain, int type, int protocol)
{
    (void)domain;
    (void)protocol;
    return install(SCRIPT_SOCKET, -1, type & SOCK_CLOEXEC ? O_CLOEXEC : 0);
}

static int kernel_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    (void)level;
    (void)name;
    (void)value;
    (void)size;
    return description(fd) ? 0 : -1;
}

static int kernel_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    (void)address;
    (void)size;
    return description(fd) ? 0 : -1;
}

static int kernel_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    static const char name[] = "\0" "0a1b2"; /* as the kernel picks one */
    if (!description(fd))
        return -1;
    memcpy((char *)address + offsetof(struct sockaddr, sa_data), name, sizeof name - 1);
    *size = (socklen_t)(offsetof(struct sockaddr, sa_data) + sizeof name - 1);
    return 0;
}

static int kernel_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    size_t length = size - offsetof(struct sockaddr, sa_data);
    if (!description(fd))
        return -1;
    if (length >= sizeof script.manager)
        return fail(EINVAL);
    memcpy(script.manager, (const char *)address + offsetof(struct sockaddr, sa_data), length);
    if (script.manager[0] == '\0')
        script.manager[0] = '@';
    return 0;
}

static int kernel_pipe2(int ends[2], int flags)
{
    ends[0] = install(SCRIPT_PIPE, -1, flags);
    ends[1] = install(SCRIPT_PIPE, -1, flags);
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

static const struct script_notice *next_notice(void)
{
    const struct script_notice *next = &script.notices[script.notices_heard];
    return script.notices_heard < script.notice_count && script.clock_ms >= next->at_ms ? next : NULL;
}

static ssize_t kernel_read(int fd, void *bytes, size_t count)
{
    const struct script_notice *next = next_notice();
    if (!description(fd))
        return -1;
    if (!next)
        return fail(EAGAIN);
    script.notices_heard++;
    size_t length = next->text ? strlen(next->text) : 0;
    length = length < count ? length : count;
    memcpy(bytes, next->text ? next->text : "", length);
    return (ssize_t)length;
}

static ssize_t receive_datagram(struct msghdr *message)
{
    const struct script_notice *next = next_notice();
    if (!next)
        return fail(EAGAIN);
    script.notices_heard++;
    struct ucred credentials = { .pid = next->sender };
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof credentials);
    memcpy(CMSG_DATA(header), &credentials, sizeof credentials);
    size_t length = strlen(next->text), room = message->msg_iov[0].iov_len;
    message->msg_flags = length > room ? MSG_TRUNC : 0;
    memcpy(message->msg_iov[0].iov_base, next->text, length < room ? length : room);
    return (ssize_t)(length < room ? length : room);
}

static pid_t kernel_getsid(pid_t pid)
{
    if (pid == SCRIPT_DAEMON_PID || (pid == script.in_session && pid > 0))
        return SCRIPT_LEADER_PID;
    return 1;
}

/* ---- the channel: speaking and listening ---- */

static ssize_t kernel_send(int fd, const void *bytes, size_t count, int flags)
{
    const struct script_description *open_one = description(fd);
    if (!open_one)
        return -1;
    if (!(flags & MSG_NOSIGNAL))
        abort(); /* it would be a SIGPIPE */
    if (open_one->kind == SCRIPT_SOCKET) {
        size_t used = strlen(script.told_manager);
        if (used + count < sizeof script.told_manager)
            memcpy(script.told_manager + used, bytes, count);
        return (ssize_t)count;
    }
    if (script.role == SCRIPT_LAUNCHER)
        return (ssize_t)count;
    if (script.launcher_gone)
        return fail(EPIPE);
    count = script.short_counts && count > 1 ? 1 : count;
    if (script.said_count + count > sizeof script.said)
        abort(); /* no verdict is as long as that */
    memcpy(script.said + script.said_count, bytes, count);
    script.said_count += count;
    return (ssize_t)count;
}

static ssize_t kernel_recv(int fd, void *bytes, size_t count, int flags)
{
    (void)flags;
    if (!description(fd))
        return -1;
    if (script.role != SCRIPT_LAUNCHER) {
        if (script.launcher_gone)
            return 0;
        if (script.go_taken)
            script_stop(SCRIPT_HUNG); /* it is said once */
        script.go_taken = true;
        *(char *)bytes = 'g';
        return 1;
    }
    if (script.clock_ms < script.event_ms)
        return fail(EAGAIN);
    if (script.hears_count == 0)
        return script.hears_end ? 0 : fail(EAGAIN);
    count = script.short_counts ? 1 : count;
    size_t part = count < script.hears_count ? count : script.hears_count;
    memcpy(bytes, script.hears, part);
    script.hears += part;
    script.hears_count -= part;
    return (ssize_t)part;
}

static ssize_t kernel_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!description(fd))
        return -1;
    if (!(flags & MSG_NOSIGNAL))
        abort(); /* it would be a SIGPIPE */
    if (script.launcher_gone)
        return fail(EPIPE);
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (message->msg_iovlen != 1 ||
        (header && (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)))
        return fail(EINVAL);
    script.handles_sent = header ? (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
    for (int i = 0; i < script.handles_sent; i++) {
        int handle;
        memcpy(&handle, CMSG_DATA(header) + (size_t)i * sizeof handle, sizeof handle);
        if (handle <= 2 || !description(handle))
            return fail(EBADF);
    }
    script.handles_kind = *(const char *)message->msg_iov[0].iov_base;
    return 1;
}

/* The leader's last act. */
static bool handles_wait(void) { return !script.handles_taken && script.leader_status == 0; }

static ssize_t kernel_recvmsg(int fd, struct msghdr *message, int flags)
{
    int fds[2], count = 0;
    const struct script_description *open_one = description(fd);
    (void)flags;
    if (!open_one)
        return -1;
    if (open_one->kind == SCRIPT_SOCKET)
        return receive_datagram(message);
    if (message->msg_iovlen != 1)
        return fail(EMSGSIZE);
    if (!handles_wait())
        return script.hears_end ? 0 : fail(EAGAIN);
    script.handles_taken = true;
    *(char *)message->msg_iov[0].iov_base = (char)(4 | (script.has_stat ? 1 : 0) | (script.has_pidfd ? 2 : 0));
    if (script.has_stat)
        fds[count++] = open_proc("/proc/102/stat", O_CLOEXEC);
    if (script.has_pidfd)
        fds[count++] = install(SCRIPT_PIDFD, -1, O_CLOEXEC);
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, (size_t)count * sizeof(int));
    return 1;
}

static int kernel_shutdown(int fd, int how)
{
    (void)how;
    return description(fd) ? 0 : -1;
}

static short events_of(const struct pollfd *asked)
{
    const struct script_description *open_one = description(asked->fd);
    bool heard = script.clock_ms >= script.event_ms && (script.hears_count > 0 || script.hears_end);
    if (!open_one)
        return POLLNVAL;
    if (asked->events & POLLOUT)
        return script.stuck_reader ? 0 : POLLOUT;
    if (open_one->kind == SCRIPT_CHANNEL)
        return heard || handles_wait() ? POLLIN : 0;
    if (open_one->kind == SCRIPT_SOCKET || open_one->kind == SCRIPT_PIPE)
        return next_notice() ? POLLIN : 0;
    return open_one->kind == SCRIPT_PIDFD && is_dead() ? POLLIN : 0;
}

static int look(struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = fds[i].fd < 0 ? 0 : events_of(&fds[i]);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Time passes here, and nowhere else. */
static int kernel_poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
    int ready = look(fds, count);
    if (ready > 0 || milliseconds == 0)
        return ready;
    int64_t until = milliseconds > 0 ? script.clock_ms + milliseconds : INT64_MAX;
    if (script.leaving_threads > 0) {
        script.leaving_threads--;
        script.threads--;
    }
    if (script.clock_ms < script.event_ms && script.event_ms <= until)
        until = script.event_ms;
    const struct script_notice *next = &script.notices[script.notices_heard];
    if (script.notices_heard < script.notice_count && script.clock_ms < next->at_ms && next->at_ms <= until)
        until = next->at_ms;
    if (until > 3600000)
        script_stop(SCRIPT_HUNG); /* nothing will ever happen */
    script.clock_ms = until;
    return look(fds, count);
}

/* ---- memory, attributes ---- */

static void *kernel_calloc(size_t count, size_t size)
{
    script.allocations++;
    if (script.pid != SCRIPT_CALLER_PID)
        script.allocations_after_fork++;
    return calloc(count, size);
}

static void kernel_free(void *memory)
{
    if (memory)
        script.allocations--;
    free(memory);
}

static void *kernel_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    (void)address;
    (void)protection;
    (void)flags;
    (void)fd;
    (void)offset;
    script.page = calloc(1, length);
    return script.page;
}

static int kernel_munmap(void *address, size_t length)
{
    (void)length;
    free(address);
    script.page = NULL;
    return 0;
}

static mode_t kernel_umask(mode_t mask)
{
    mode_t old = script.umask;
    script.umask = mask & 0777;
    return old;
}

static int kernel_chdir(const char *path)
{
    const struct script_file *file = walk(path, true);
    if (!file)
        return -1;
    if (!S_ISDIR(file->mode))
        return fail(ENOTDIR);
    snprintf(script.directory, sizeof script.directory, "%s", path);
    return 0;
}

static char *kernel_getcwd(char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", script.directory);
    return buffer;
}

static int kernel_setenv(const char *name, const char *value, int overwrite)
{
    size_t length = strlen(name);
    (void)overwrite;
    for (int i = 0; i < 8; i++)
        if (script.names[i][0] == '\0' ||
            (strncmp(script.names[i], name, length) == 0 && script.names[i][length] == '=')) {
            snprintf(script.names[i], sizeof script.names[i], "%s=%s", name, value);
            return 0;
        }
    return fail(ENOMEM);
}

static int kernel_unsetenv(const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < 8; i++)
        if (strncmp(script.names[i], name, length) == 0 && script.names[i][length] == '=')
            script.names[i][0] = '\0';
    return 0;
}

static char **kernel_environment(void) { return script.environment; }
static void kernel_set_environment(char **entries) { script.environment = entries; }

/* ---- identity: root, www, two broken entries, and no others ---- */

static uid_t kernel_getuid(void) { return script.uids[0]; }
static uid_t kernel_geteuid(void) { return script.uids[1]; }
static gid_t kernel_getgid(void) { return script.gids[0]; }
static gid_t kernel_getegid(void) { return script.gids[1]; }

#define USER(name, uid, gid, home) \
    { .pw_name = (char *)(name), .pw_uid = (uid), .pw_gid = (gid), .pw_dir = (char *)(home) }
static struct passwd users[] = { USER("root", 0, 0, "/root"), USER("www", 33, 33, "/var/www"),
                                 USER("ghost", (uid_t)-1, 5, "/"), USER("lost", 5, (gid_t)-1, "/") };
static struct group groups[] = { { .gr_name = (char *)"adm", .gr_gid = 4 },
                                 { .gr_name = (char *)"ghost", .gr_gid = (gid_t)-1 } };

static struct passwd *kernel_getpwnam(const char *name)
{
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        if (strcmp(users[i].pw_name, name) == 0)
            return &users[i];
    return NULL;
}

static struct passwd *kernel_getpwuid(uid_t uid)
{
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        if (users[i].pw_uid == uid)
            return &users[i];
    return NULL;
}

static struct group *kernel_getgrnam(const char *name)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(groups[i].gr_name, name) == 0)
            return &groups[i];
    return NULL;
}

/* The user's own group, then 44 and as many more as the test says; not sorted, as databases have it. */
static int kernel_getgrouplist(const char *user, gid_t group, gid_t *list, int *count)
{
    int room = *count, has = strcmp(user, "www") == 0 ? 1 + script.database_groups : 1;
    *count = has;
    for (int i = 0; i < has && i < room; i++)
        list[i] = i == 0 ? group : (gid_t)(44 + has - i - 1);
    return has <= room ? has : -1;
}

static int kernel_setgroups(size_t count, const gid_t *list)
{
    if (script.uids[1] != 0)
        return fail(EPERM);
    if (count > SCRIPT_GROUPS)
        return fail(EINVAL);
    memcpy(script.groups, list, count * sizeof *list);
    script.group_count = (int)count;
    return 0;
}

static int kernel_getgroups(int count, gid_t *list)
{
    if (count != 0 && count < script.group_count)
        return fail(EINVAL);
    for (int i = 0; count != 0 && i < script.group_count; i++)
        list[i] = script.groups[script.group_count - 1 - i]; /* in no order that one could rely on */
    return script.group_count;
}

static int kernel_setresgid(gid_t real, gid_t effective, gid_t saved)
{
    if (script.uids[1] != 0)
        return fail(EPERM);
    script.gids[0] = real;
    script.gids[1] = effective;
    script.gids[2] = saved;
    return 0;
}

static int kernel_setresuid(uid_t real, uid_t effective, uid_t saved)
{
    const uid_t asked[3] = { real, effective, saved };
    bool may = script.uids[1] == 0;
    for (int i = 0; i < 3 && !may; i++)
        if (asked[i] != (uid_t)-1 && asked[i] != script.uids[0] && asked[i] != script.uids[1] &&
            asked[i] != script.uids[2])
            return fail(EPERM);
    for (int i = 0; i < 3; i++)
        if (asked[i] != (uid_t)-1)
            script.uids[i] = asked[i];
    if (script.blocks_for_ids)
        sigfillset(&script.mask);
    if (script.uids[1] != 0 && !script.keeps_capabilities)
        script.capabilities = 0;
    return 0;
}

static int kernel_getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    *real = script.gids[0];
    *effective = script.gids[1];
    *saved = script.gids[2];
    return 0;
}

static int kernel_getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    *real = script.uids[0];
    *effective = script.uids[1];
    *saved = script.uids[2];
    return 0;
}

static int kernel_capget(uint32_t header[2], uint32_t sets[6])
{
    (void)header;
    memset(sets, 0, 6 * sizeof *sets);
    sets[0] = sets[1] = script.capabilities;
    return 0;
}

/* ---- the table, and a fresh machine ---- */

const struct blivet_ops script_kernel = {
#define CALL(result, name, parameters, arguments, failure, errnos) .name = kernel_##name,
#define VOID(name, parameters, arguments) .name = kernel_##name,
#include "../syscall/ops.def"
#undef CALL
#undef VOID
};

const char *script_path_of(int fd)
{
    const struct script_description *open_one = description(fd);
    return open_one && open_one->file >= 0 ? script.files[open_one->file].path : NULL;
}

int script_open_fds(void)
{
    int count = 0;
    for (int fd = 3; fd < SCRIPT_FDS; fd++)
        count += script.fds[fd] >= 0;
    return count;
}

bool script_is_locked(const char *path)
{
    const struct script_file *file = find(path);
    return file && file->locked_by != 0;
}

void script_begin(enum script_role role)
{
    static char *environment[] = { (char *)"PATH=/bin", (char *)"LANG=C", (char *)"strange", NULL };
    static const char *const folders[] = { "/", "/dev", "/run", "/tmp", "/var", "/var/log", "/bin" };
    memset(&script, 0, sizeof script);
    script.role = role;
    script.pid = SCRIPT_CALLER_PID;
    script.threads = 1;
    script.database_groups = 1;
    script.next_inode = 1000;
    script.environment = environment;
    script.umask = 022;
    script.capabilities = 0xffffffff;
    script.descriptions[0].users = 1; /* never given out: a lock by description 0 would read as unlocked */
    strcpy(script.directory, "/tmp");
    for (int fd = 0; fd < SCRIPT_FDS; fd++)
        script.fds[fd] = -1;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        script_add(folders[i], S_IFDIR | 0755, NULL);
    script_add("/dev/null", S_IFCHR | 0666, NULL);
    script_add("/dev/tty", S_IFCHR | 0666, NULL);
    script_add("/bin/true", S_IFREG | 0755, NULL);
    for (int fd = 0; fd < 3; fd++)
        install(SCRIPT_FILE, (int)(script_file("/dev/tty") - script.files), O_RDWR);
}
