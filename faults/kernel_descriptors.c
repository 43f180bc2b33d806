/* kernel_descriptors.c - the invented kernel: descriptors, what is read and written through them, locks. */
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

struct script_description *script_description(int fd)
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

int script_install(enum script_kind kind, int file, int flags)
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
    struct script_description *open_one = script_description(fd);
    if (!open_one)
        return NULL;
    if (open_one->file < 0) {
        errno = EINVAL;
        return NULL;
    }
    return &script.files[open_one->file];
}

static bool is_stat_of_session(const char *path)
{
    char own[32];
    snprintf(own, sizeof own, "/proc/%d/stat", (int)script.in_session);
    return strcmp(path, own) == 0;
}

int script_open_proc(const char *path, int flags)
{
    char status[64];
    only((flags & O_CLOEXEC) && ((flags & O_DIRECTORY) || (strcmp(path, "/proc/self/fd") != 0 && strcmp(path, "/proc") != 0)));
    if (script.no_proc)
        return fail(ENOENT);
    if (strcmp(path, "/proc/self/fd") == 0)
        return script_install(SCRIPT_LISTING, -1, flags);
    if (strcmp(path, "/proc") == 0)
        return script_install(SCRIPT_OTHERS, -1, flags);
    if (strncmp(path, "/proc/self/fd/", 14) == 0)
        return script_open_other_info(path, flags);
    if (flags & O_DIRECTORY)
        return script_open_other(path, flags);
    if (strcmp(path, "/proc/self/status") != 0 && strcmp(path, "/proc/102/stat") != 0 && !is_stat_of_session(path))
        return fail(ENOENT);
    struct script_file *file = script_file(path);
    if (!file)
        file = script_add(path, S_IFREG | 0444, "");
    if (strcmp(path, "/proc/self/status") == 0) {
        snprintf(status, sizeof status, "Name:\tx\nThreads:\t%d\nEnd:\t\n", script.threads);
        strcpy(file->content, status);
    } else
        snprintf(file->content, sizeof file->content, "%s",
                 script.stat_line ? script.stat_line : "102 (x) S 101 101 101 0 -1 64 0");
    file->size = strlen(file->content);
    return script_install(SCRIPT_FILE, (int)(file - script.files), flags);
}

int kernel_open(const char *path, int flags, mode_t mode)
{
    struct script_walk walk;
    if (script.before_open)
        script.before_open(path);
    only((flags & O_CREAT) || mode == 0);
    if (strncmp(path, "/proc/", 6) == 0 || strcmp(path, "/proc") == 0)
        return script_open_proc(path, flags);
    const bool made_anew = (flags & O_CREAT) && (flags & O_EXCL);
    struct script_file *file = script_walk_to(&walk, path, !(flags & O_NOFOLLOW) && !made_anew);
    if (!file && (errno != ENOENT || !(flags & O_CREAT) || *path == '\0' || walk.rest[0] != '\0'))
        return -1;
    if (!file && walk.folder)
        return fail(EISDIR);
    if (file && made_anew)
        return fail(EEXIST);
    if (file && S_ISLNK(file->mode))
        return fail(ELOOP);
    if (file && S_ISDIR(file->mode) && (flags & O_ACCMODE) != O_RDONLY)
        return fail(EISDIR);
    if (file && S_ISFIFO(file->mode) && (flags & O_ACCMODE) == O_WRONLY)
        return fail(ENXIO);
    if (file && !script_permits(file, (flags & O_ACCMODE) == O_RDONLY ? R_OK : W_OK))
        return fail(EACCES);
    if (!file) {
        char folder[SCRIPT_PATH];
        strcpy(folder, walk.at);
        script_cut_to_parent(folder);
        if (path[strlen(path) - 1] == '/')
            return fail(EISDIR);
        if (!script_file(folder))
            return fail(ENOENT);
        if (!script_permits(script_file(folder), W_OK))
            return fail(EACCES);
        file = script_add(walk.at, S_IFREG | (script.loose_modes ? 0666 : mode & ~script.umask), "");
    }
    if (flags & O_TRUNC)
        script_cut(file, 0);
    return script_install(SCRIPT_FILE, (int)(file - script.files), flags);
}

static bool is_open(const struct script_file *file)
{
    for (int i = 0; i < SCRIPT_FDS; i++)
        if (script.descriptions[i].users > 0 && script.descriptions[i].kind == SCRIPT_FILE &&
            &script.files[script.descriptions[i].file] == file)
            return true;
    return false;
}

int kernel_close(int fd)
{
    only(fd >= 0); /* "none" is not closed */
    struct script_description *open_one = script_description(fd);
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

int kernel_dup2(int from, int to)
{
    if (!script_description(from))
        return -1;
    return from == to ? to : duplicate(from, to, false);
}

int kernel_fcntl(int fd, int command, int argument)
{
    struct script_description *open_one = script_description(fd);
    int to;
    if (!open_one)
        return -1;
    switch (command) {
    case F_GETFD: return script.cloexec[fd] ? FD_CLOEXEC : 0;
    case F_SETFD: script.cloexec[fd] = (argument & FD_CLOEXEC) != 0; return 0;
    case F_GETFL: return open_one->flags;
    case F_SETFL: /* fcntl(2): the access mode and the flags of the opening stay as they are */
        open_one->flags = (open_one->flags & ~(O_APPEND | O_NONBLOCK)) | (argument & (O_APPEND | O_NONBLOCK));
        return 0;
    case F_DUPFD_CLOEXEC:
        to = lowest_free(argument);
        return to < 0 ? -1 : duplicate(fd, to, true);
    }
    return fail(EINVAL);
}

int kernel_fstat(int fd, struct stat *status)
{
    const struct script_description *open_one = script_description(fd);
    if (open_one && open_one->kind == SCRIPT_OTHER) {
        script_describe_other(open_one, status);
        return 0;
    }
    const struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    script_describe(file, status);
    return 0;
}

ssize_t kernel_pread(int fd, void *bytes, size_t count, off_t offset)
{
    const struct script_file *file = file_of(fd);
    only(offset == 0);
    if (!file)
        return -1;
    bool of_session = is_stat_of_session(file->path);
    if ((of_session || strcmp(file->path, "/proc/102/stat") == 0) && script.role == SCRIPT_LAUNCHER) {
        const char *line = script.clock_ms < script.event_ms ? "102 (x) S 101 101 101 0 -1 64 0"
                           : of_session ? script.session_line : script.stat_line;
        if (!line)
            return fail(ESRCH); /* reaped */
        size_t length = strlen(line) < count ? strlen(line) : count;
        use_room(bytes, count);
        memcpy(bytes, line, length);
        return (ssize_t)length;
    }
    size_t from = (size_t)offset < file->size ? (size_t)offset : file->size;
    size_t left = file->size - from < count ? file->size - from : count;
    use_room(bytes, count);
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

ssize_t kernel_pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    if (script.disk_room > 0 && script.disk_room < count)
        count = script.disk_room;
    count = script_moved(count);
    return put(file, bytes, count, offset);
}

/* Everything is in script.printed; files and the terminal keep what came to them. */
ssize_t kernel_write(int fd, const void *bytes, size_t count)
{
    struct script_description *open_one = script_description(fd);
    if (!open_one)
        return -1;
    if (script.stuck_reader && (fd == 1 || fd == 2))
        script_stop(SCRIPT_HUNG); /* a pipe that nobody empties is full */
    count = script_moved(count);
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

int kernel_isatty(int fd)
{
    const struct script_file *file = file_of(fd);
    if (!file)
        return 0;
    if (strcmp(file->path, "/dev/tty") == 0)
        return 1;
    errno = ENOTTY;
    return 0;
}

int kernel_terminal_columns(int fd)
{
    if (kernel_isatty(fd) == 1)
        return script.columns;
    errno = file_of(fd) ? ENOTTY : EBADF;
    return -1;
}

int kernel_ftruncate(int fd, off_t length)
{
    struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    if (length > SCRIPT_CONTENT)
        return fail(EFBIG);
    script_cut(file, (size_t)length);
    return 0;
}

off_t kernel_lseek(int fd, off_t offset, int whence)
{
    struct script_file *file = file_of(fd);
    return file && whence == SEEK_SET ? file->position = offset : -1;
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

int kernel_flock(int fd, int operation)
{
    struct script_file *file = file_of(fd);
    if (!file)
        return -1;
    only(operation == (LOCK_EX | LOCK_NB));
    replace_behind_our_back(file);
    if (file->locked_by == -1 && script.foreign_lock_ms > 0 && script.clock_ms >= script.foreign_lock_ms)
        file->locked_by = 0;
    if (file->locked_by != 0 && file->locked_by != script.fds[fd])
        return fail(EWOULDBLOCK);
    file->locked_by = script.fds[fd];
    return 0;
}

int kernel_fchown(int fd, uid_t owner, gid_t group)
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

int kernel_close_range(unsigned first, unsigned last, int flags)
{
    only(flags == 0);
    if (script.no_close_range)
        return fail(ENOSYS);
    for (unsigned fd = first; fd <= last && fd < SCRIPT_FDS; fd++)
        if (script.fds[fd] >= 0)
            kernel_close((int)fd);
    return 0;
}

static char *put_entry(char *at, const char *name)
{
    const unsigned short length = 32;
    memset(at, 0, length);
    memcpy(at + 16, &length, sizeof length);
    snprintf(at + 19, 12, "%s", name);
    return at + length;
}

ssize_t kernel_getdents(int fd, void *entries, size_t size)
{
    struct script_description *listing = script_description(fd);
    char *at = entries, name[12];
    if (!listing || (listing->kind != SCRIPT_LISTING && listing->kind != SCRIPT_OTHERS))
        return fail(ENOTDIR);
    if (listing->kind == SCRIPT_OTHERS && listing->offset == 0 && script.other_count > 0)
        at = put_entry(put_entry(at, ".."), "self");
    int end = listing->kind == SCRIPT_OTHERS ? script.other_count : SCRIPT_FDS;
    for (; listing->offset < end && (size_t)(at - (char *)entries) + 32 <= size; listing->offset++) {
        if (listing->kind == SCRIPT_LISTING && script.fds[listing->offset] < 0)
            continue;
        snprintf(name, sizeof name, "%d",
                 listing->kind == SCRIPT_OTHERS ? (int)script.others[listing->offset].pid : (int)listing->offset);
        at = put_entry(at, name);
    }
    return at - (char *)entries;
}

int kernel_getrlimit(int resource, struct rlimit *limit)
{
    only(resource == RLIMIT_NOFILE);
    limit->rlim_cur = 8; /* lowered since */
    limit->rlim_max = SCRIPT_FDS;
    return 0;
}
