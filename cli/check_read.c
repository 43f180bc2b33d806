/* check_read.c - reads /proc and the pidfile, and changes nothing (CHK-1, CHK-2).
 *
 * What another user's process does not show stays unseen, each by its own flag. */
#include "check_read.h"
#include "../core/internal.h"
#include "../core/text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* The message, and the exit code as a result.  system_errno is the reason where why is NULL. */
static int refuse(struct blivet_error *error, int code, int system_errno, const char *what, const char *subject,
                  const char *why)
{
    blivet_set_error(error, BLIVET_OK, system_errno, what, subject, why);
    return code;
}

enum { PATH_SIZE = 64, MOST = 1 << 24 }; /* more than 16 MiB is no text of /proc's */

/* "/proc/PID/name", and a number after it where it is not negative. */
static const char *path_of(char path[PATH_SIZE], pid_t pid, const char *name, int number)
{
    struct blivet_text text;
    blivet_text_begin(&text, path, PATH_SIZE);
    blivet_text_put(&text, "/proc/");
    blivet_text_number(&text, (uintmax_t)pid);
    blivet_text_put(&text, name);
    if (number >= 0)
        blivet_text_number(&text, (uintmax_t)number);
    return path;
}

/* The whole file, to be freed, or NULL.  A file of /proc does not know its size. */
static char *slurp(const struct blivet_ops *ops, const char *path, size_t most, size_t *size)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t count;
    int fd;
    *size = 0;
    UNINTERRUPTED(fd, ops->open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0)); /* it might be a FIFO */
    if (fd < 0)
        return NULL;
    do {
        if (*size + 1 >= room) {
            char *larger = ops->calloc(1, room = room ? 2 * room : 8192);
            if (larger && text)
                memcpy(larger, text, *size);
            ops->free(text);
            text = larger;
        }
        count = -1;
        if (text)
            UNINTERRUPTED(count, ops->read(fd, text + *size, room - *size - 1));
        *size += count > 0 ? (size_t)count : 0;
    } while (count > 0 && *size < most);
    ops->close(fd);
    if (count < 0) {
        ops->free(text);
        return NULL;
    }
    return text;
}

static bool read_link(const struct blivet_ops *ops, pid_t pid, const char *name, int number, char to[CHECK_NAME])
{
    char path[PATH_SIZE];
    ssize_t length = ops->readlink(path_of(path, pid, name, number), to, CHECK_NAME - 1);
    to[length > 0 ? length : 0] = '\0';
    return length >= 0;
}

static bool read_stat(const struct blivet_ops *ops, pid_t pid, struct check_stat *stat)
{
    char path[PATH_SIZE];
    size_t size;
    char *text = slurp(ops, path_of(path, pid, "/stat", -1), MOST, &size);
    bool good = text && check_parse_stat(text, stat);
    ops->free(text);
    return good;
}

static bool read_status(const struct blivet_ops *ops, pid_t pid, struct check_status *status)
{
    char path[PATH_SIZE];
    size_t size;
    char *text = slurp(ops, path_of(path, pid, "/status", -1), MOST, &size);
    bool good = text && check_parse_status(text, status);
    ops->free(text);
    return good;
}

/* The first thread may end before the others; it is shown like a process that has ended. */
static bool has_ended(const struct check_stat *stat) { return strchr("ZX", stat->state) && stat->threads < 2; }

static void read_relative(const struct blivet_ops *ops, pid_t pid, struct check_relative *relative)
{
    relative->alive = pid > 0 && read_stat(ops, pid, &relative->stat) && !has_ended(&relative->stat);
}

/* ---- directory and descriptors ---- */

static void read_directory(const struct blivet_ops *ops, struct check_facts *facts)
{
    char path[PATH_SIZE];
    size_t size;
    pid_t pid = facts->stat.pid;
    facts->directory_seen = read_link(ops, pid, "/cwd", -1, facts->directory) &&
                            read_link(ops, pid, "/root", -1, facts->root) &&
                            ops->stat(path_of(path, pid, "/cwd", -1), &facts->directory_file) == 0;
    char *mounts = slurp(ops, path_of(path, pid, "/mountinfo", -1), MOST, &size);
    if (mounts)
        check_parse_mount(mounts, facts->directory, facts->mount_point, sizeof facts->mount_point); /* or it is "" */
    ops->free(mounts);
}

struct listing {
    const struct blivet_ops *ops;
    struct check_facts *facts;
    bool lacks_memory, forbidden;
};

static void visit_fd(void *argument, int own, int number)
{
    struct listing *listing = argument;
    struct check_facts *facts = listing->facts;
    const struct blivet_ops *ops = listing->ops;
    pid_t pid = facts->stat.pid;
    char path[PATH_SIZE];
    size_t size;
    (void)own;
    if (facts->fd_count == facts->fd_room) {
        size_t room = facts->fd_room ? 2 * facts->fd_room : 16;
        struct check_fd *larger = ops->calloc(room, sizeof *larger);
        listing->lacks_memory |= !larger;
        if (!larger)
            return;
        if (facts->fds)
            memcpy(larger, facts->fds, facts->fd_count * sizeof *larger);
        ops->free(facts->fds);
        facts->fds = larger;
        facts->fd_room = room;
    }
    struct check_fd *fd = &facts->fds[facts->fd_count];
    fd->number = number;
    errno = 0;
    char *text = slurp(ops, path_of(path, pid, "/fdinfo/", number), MOST, &size);
    if (text && check_parse_fdinfo(text, &fd->info) && read_link(ops, pid, "/fd/", number, fd->target) &&
        ops->stat(path_of(path, pid, "/fd/", number), &fd->file) == 0)
        facts->fd_count++;
    else /* or it has been closed in the meantime */
        listing->forbidden |= errno == EACCES || errno == EPERM;
    ops->free(text);
}

static bool read_fds(const struct blivet_ops *ops, struct check_facts *facts)
{
    struct listing listing = { ops, facts, false, false };
    char path[PATH_SIZE];
    facts->fds_seen = blivet_list_numbers(ops, path_of(path, facts->stat.pid, "/fd", -1), visit_fd, &listing);
    facts->fds_seen &= !listing.forbidden; /* root in a container can list the numbers, and no more */
    return !listing.lacks_memory;
}

/* ---- pidfile ---- */

enum { MOST_LINKS = 40 }; /* as many as the kernel follows */

static bool leads_there(const struct blivet_ops *ops, const struct check_pidfile *pidfile, const char *path)
{
    struct stat file;
    return ops->stat(path, &file) == 0 && blivet_same_inode(&file, &pidfile->file);
}

static bool begin_at_root(const struct blivet_ops *ops, const struct check_pidfile *pidfile, char path[PATH_MAX])
{
    char here[PATH_MAX] = "";
    struct blivet_text text;
    if (*pidfile->path != '/' && !ops->getcwd(here, sizeof here))
        return false;
    blivet_text_begin(&text, path, PATH_MAX);
    blivet_text_put(&text, here);
    blivet_text_put(&text, *here ? "/" : "");
    blivet_text_put(&text, pidfile->path);
    return leads_there(ops, pidfile, path);
}

/* The way with what a link says in its place.  False: that is longer than the kernel lets anybody write it. */
static bool follow(const struct blivet_ops *ops, const char *link, const char *behind, char path[PATH_MAX])
{
    char target[PATH_MAX] = "";
    struct blivet_text text;
    ops->readlink(link, target, sizeof target - 1);
    size_t before = *target == '/' ? 0 : (size_t)(strrchr(link, '/') - link) + 1;
    memcpy(path, link, before);
    blivet_text_begin(&text, path + before, PATH_MAX - before);
    blivet_text_put(&text, target);
    blivet_text_put(&text, "/");
    blivet_text_put(&text, behind);
    return !text.cut;
}

/* Somebody who is neither root nor us can put another in its place, or into it.  A directory that all may write is sticky
 * where that is right; then they can still make links there, and replace them. */
static bool is_open(struct check_pidfile *pidfile, const struct stat *place, bool shared, unsigned observer)
{
    const bool is_link = S_ISLNK(place->st_mode), foreign = place->st_uid != 0 && place->st_uid != observer;
    pidfile->open_owner = place->st_uid;
    pidfile->open_mode = !is_link && (place->st_mode & 022) && !(place->st_mode & S_ISVTX);
    return pidfile->open_mode || (foreign && (shared || !is_link));
}

/* As the kernel walks: from the root on, through each link, to the directory that the pidfile is in. */
static void look_along(const struct blivet_ops *ops, struct check_pidfile *pidfile, unsigned observer)
{
    char path[PATH_MAX];
    struct stat file;
    struct blivet_text text;
    bool shared = false; /* others may write the directory before */
    size_t end = 0;
    if (!begin_at_root(ops, pidfile, path))
        return;
    for (int links = 0; path[end] == '/';) {
        path[end] = '\0';
        const char *place = end > 0 ? path : "/";
        if (ops->lstat(place, &file) != 0)
            return;
        const bool leads_on = S_ISLNK(file.st_mode) && !is_open(pidfile, &file, shared, observer);
        if (leads_on && links++ < MOST_LINKS) {
            char further[PATH_MAX];
            if (!follow(ops, path, path + end + 1, further))
                return;
            if (leads_there(ops, pidfile, further)) { /* a link of /proc's may mean more than its text: another root */
                strcpy(path, further);
                end = 0;
                continue;
            }
        }
        if (leads_on && ops->stat(place, &file) != 0)
            return;
        if (is_open(pidfile, &file, shared, observer)) {
            blivet_text_begin(&text, pidfile->open_to, sizeof pidfile->open_to);
            blivet_text_escaped(&text, place, strlen(place));
            break;
        }
        shared = (file.st_mode & 022) != 0;
        path[end] = '/';
        end += 1 + strcspn(path + end + 1, "/");
    }
    pidfile->place_seen = true;
}

static int read_pidfile(const struct blivet_ops *ops, struct check_facts *facts, const char *path,
                        struct blivet_error *error)
{
    struct check_pidfile *pidfile = &facts->pidfile;
    size_t size;
    pidfile->path = path;
    if (ops->lstat(path, &pidfile->link) != 0 || ops->stat(path, &pidfile->file) != 0)
        return refuse(error, EX_NOINPUT, errno, "pidfile", path, NULL);
    if (!S_ISREG(pidfile->file.st_mode))
        return refuse(error, EX_NOINPUT, 0, "pidfile", path, "is not a regular file");
    char *text = slurp(ops, path, 4096, &size);
    if (!text)
        return refuse(error, EX_NOINPUT, errno, "pidfile", path, NULL);
    pidfile->content = check_parse_pidfile(text, size, &pidfile->named);
    ops->free(text);
    look_along(ops, pidfile, facts->observer);
    char *locks = slurp(ops, "/proc/locks", MOST, &size);
    pidfile->locks_seen = locks != NULL;
    if (locks)
        pidfile->locker = check_parse_locks(locks, pidfile->file.st_dev, pidfile->file.st_ino);
    ops->free(locks);
    return 0;
}

/* ---- all of it ---- */

static int nobody(struct blivet_error *error, pid_t pid, const char *why)
{
    char number[24];
    snprintf(number, sizeof number, "%d", (int)pid);
    return refuse(error, EX_UNAVAILABLE, 0, "process", number, why);
}

/* /proc shows a thread by its number too, as if it were a process; signals to that reach the process. */
static int only_a_thread(struct blivet_error *error, pid_t thread, pid_t process)
{
    char why[64];
    snprintf(why, sizeof why, "is a thread of process %d: ask about that one", (int)process);
    return nobody(error, thread, why);
}

static int read_process(const struct blivet_ops *ops, struct check_facts *facts, pid_t pid, struct blivet_error *error)
{
    struct check_stat again;
    char path[PATH_SIZE];
    size_t size;
    if (!read_stat(ops, pid, &facts->stat))
        return nobody(error, pid, "does not exist");
    if (has_ended(&facts->stat))
        return nobody(error, pid, "has ended, and its parent has not asked for its status");
    if (strchr("ZX", facts->stat.state))
        return nobody(error, pid, "goes on without its first thread, where /proc shows nothing of it");
    read_relative(ops, facts->stat.parent, &facts->parent);
    read_relative(ops, facts->stat.session, &facts->leader);
    read_link(ops, pid, "/exe", -1, facts->program); /* or it stays empty */
    read_directory(ops, facts);
    if (!read_fds(ops, facts))
        return refuse(error, EX_OSERR, ENOMEM, "memory", NULL, NULL);
    char *wchan = slurp(ops, path_of(path, pid, "/wchan", -1), MOST, &size);
    facts->waits_for_signal = wchan && strstr(wchan, "sigtimedwait");
    ops->free(wchan);
    /* A number comes again: that all this was one process is seen from its start. */
    if (!read_status(ops, pid, &facts->status) || !read_stat(ops, pid, &again) || again.start != facts->stat.start)
        return nobody(error, pid, "has ended while it was looked at");
    return facts->status.process == pid ? 0 : only_a_thread(error, pid, facts->status.process);
}

int check_read(struct check_facts *facts, pid_t pid, const char *pidfile, const struct blivet_ops *ops,
               struct blivet_error *error)
{
    struct check_stat own;
    facts->observer = ops->geteuid();
    if (!read_stat(ops, ops->getpid(), &own))
        return refuse(error, EX_OSERR, 0, "/proc", NULL, "is not as Linux has it, or is not mounted");
    int code = pidfile ? read_pidfile(ops, facts, pidfile, error) : 0;
    if (code != 0)
        return code;
    if (pid == 0 && facts->pidfile.content == CHECK_NO_PID)
        return refuse(error, EX_NOINPUT, 0, "pidfile", pidfile, "names no process");
    return read_process(ops, facts, pid ? pid : facts->pidfile.named, error);
}

void check_free(struct check_facts *facts, const struct blivet_ops *ops) { ops->free(facts->fds); }
