/* config.c - defaults and validation (CFG).
 *
 * Promise: changes nothing on disk, asks no user database, and names field, path and reason in each refusal.
 * It is a forecast: between here and the opening anything may change, so what matters for safety is judged
 * again on the open descriptor (pidfile.c, streams.c). */
#include "internal.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum { MOST_LINKS = 40 }; /* as many as the kernel follows */

struct check {
    const struct blivet_config *config;
    const struct blivet_ops *ops;
    struct blivet_error *error;
    const char *writable; /* a path, and how much of it is the directory that was last found writable */
    size_t length;
};

static int refuse(const struct check *check, const char *field, const char *subject, const char *why)
{
    blivet_set_error(check->error, BLIVET_INVALID_CONFIG, 0, field, subject, why);
    return -1;
}

static int refuse_errno(const struct check *check, const char *field, const char *subject)
{
    blivet_set_error(check->error, BLIVET_INVALID_CONFIG, errno, field, subject, NULL);
    return -1;
}

/* ---- where a path leads ---- */

/* One of the four files, looked at once. */
struct place {
    const char *field, *path; /* path: NULL where it is not configured */
    bool exists, is_link;
    struct stat file;        /* where it exists */
    char name[NAME_MAX + 1]; /* where it does not: what it will be called in its directory */
};

/* "a/b" -> "a", "/b" -> "/", in place; the path is absolute. */
static void cut_to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = '\0';
}

/* A relative link leads on from the directory that it lies in. */
static int follow(const struct blivet_ops *ops, char path[PATH_MAX])
{
    char target[PATH_MAX];
    ssize_t length = ops->readlink(path, target, sizeof target - 1);
    if (length < 0)
        return -1;
    target[length] = '\0';
    if (target[0] == '/')
        path[0] = '\0';
    else
        *(strrchr(path, '/') + 1) = '\0';
    if (strlen(path) + strlen(target) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcat(path, target); /* fits: just measured */
    return 0;
}

/* The directory in which a file that does not exist will be created, and its name there.  Links in the last place are
 * followed by hand, because no call of the system does where there is nothing at the end. */
static int find_parent(const struct blivet_ops *ops, const struct place *place, char parent[PATH_MAX],
                       char name[NAME_MAX + 1])
{
    struct stat file;
    bool is_link = place->is_link;
    strcpy(parent, place->path); /* fits: check_spelling */
    for (int links = 0; is_link; links++) {
        if (links == MOST_LINKS) {
            errno = ELOOP;
            return -1;
        }
        if (follow(ops, parent) != 0)
            return -1;
        is_link = ops->lstat(parent, &file) == 0 && S_ISLNK(file.st_mode);
    }
    const char *last = strrchr(parent, '/') + 1;
    if (strlen(last) > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(name, last); /* fits: just measured */
    cut_to_parent(parent);
    return 0;
}

/* own: the pidfile or the lockfile, which is no link. */
static bool is_same_parent(const struct blivet_ops *ops, const struct place *own, const struct place *other)
{
    char parent[PATH_MAX], name[NAME_MAX + 1];
    struct stat folder, other_folder;
    strcpy(parent, own->path); /* fits: check_spelling */
    cut_to_parent(parent);
    return ops->stat(parent, &folder) == 0 && find_parent(ops, other, parent, name) == 0 &&
           ops->stat(parent, &other_folder) == 0 && blivet_same_inode(&folder, &other_folder);
}

static bool is_same_file(const struct blivet_ops *ops, const struct place *one, const struct place *other)
{
    if (!one->path || !other->path)
        return false;
    if (strcmp(one->path, other->path) == 0)
        return true;
    if (one->exists)
        return blivet_same_inode(&one->file, &other->file);
    return strcmp(one->name, other->name) == 0 && is_same_parent(ops, one, other);
}

/* ---- the four files ---- */

static int check_spelling(const struct check *check, const char *field, const char *path)
{
    if (*path == '\0')
        return refuse(check, field, path, "is empty");
    if (*path != '/')
        return refuse(check, field, path, "is not an absolute path");
    if (strlen(path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return refuse_errno(check, field, path);
    }
    return 0;
}

/* A file that is not there yet needs a directory that can be written (CFG-6); of several in one it is asked once. */
static int check_parent(struct check *check, struct place *place)
{
    char parent[PATH_MAX];
    place->exists = false;
    if (find_parent(check->ops, place, parent, place->name) != 0)
        return refuse_errno(check, place->field, place->path);
    const size_t length = strlen(parent);
    const bool asked = length == check->length && memcmp(parent, check->writable, length) == 0;
    int number = asked || check->ops->eaccess(parent, W_OK | X_OK) == 0 ? 0 : errno;
    if (number != 0 && number != EACCES && number != EPERM)
        return refuse_errno(check, place->field, place->path);
    if (place->name[0] == '\0')
        return refuse(check, place->field, place->path, "no such directory");
    if (number == 0) {
        check->writable = place->path;
        check->length = place->is_link ? 0 : length; /* a link lies elsewhere */
        return 0;
    }
    blivet_set_error(check->error, BLIVET_INVALID_CONFIG, number, place->field, place->path,
                     "cannot be created: its directory cannot be written");
    return -1;
}

/* Of a file that was there a moment ago: another instance may have removed it since. */
static int check_writable(struct check *check, struct place *place)
{
    if (check->ops->eaccess(place->path, W_OK) == 0)
        return 0;
    return errno == ENOENT ? check_parent(check, place) : refuse_errno(check, place->field, place->path);
}

/* PID-5: who can put a link or a device in the place of a pidfile picks what root overwrites. */
static int check_own_file(struct check *check, struct place *place)
{
    if (!place->path)
        return 0;
    if (check_spelling(check, place->field, place->path) != 0)
        return -1;
    place->exists = check->ops->lstat(place->path, &place->file) == 0;
    if (!place->exists)
        return errno == ENOENT ? check_parent(check, place) : refuse_errno(check, place->field, place->path);
    if (S_ISLNK(place->file.st_mode))
        return refuse(check, place->field, place->path, "is a symbolic link");
    if (!S_ISREG(place->file.st_mode))
        return refuse(check, place->field, place->path, "is not a regular file");
    if (place->file.st_nlink > 1)
        return refuse(check, place->field, place->path, "is a file with several names");
    return check_writable(check, place);
}

static int check_output_file(struct check *check, struct place *place)
{
    if (!place->path)
        return 0;
    if (check_spelling(check, place->field, place->path) != 0)
        return -1;
    place->exists = check->ops->lstat(place->path, &place->file) == 0;
    place->is_link = place->exists && S_ISLNK(place->file.st_mode);
    if (place->is_link)
        place->exists = check->ops->stat(place->path, &place->file) == 0;
    if (!place->exists)
        return errno == ENOENT ? check_parent(check, place) : refuse_errno(check, place->field, place->path);
    if (S_ISDIR(place->file.st_mode))
        return 0; /* step 12 says so (CFG-5) */
    return check_writable(check, place);
}

/* A log in the pidfile would be read as a pid (CFG-7). */
static int check_distinct(const struct check *check, const struct place *own, const struct place *output)
{
    const bool is_stdout = strcmp(output->field, "stdout") == 0;
    if (!is_same_file(check->ops, own, output))
        return 0;
    return refuse(check, own->field, own->path, is_stdout ? "is the same file as stdout" : "is the same file as stderr");
}

static int check_files(struct check *check, bool *pidfile_is_lock)
{
    const struct blivet_config *config = check->config;
    struct place pidfile = { .field = "pidfile", .path = config->pidfile };
    struct place lockfile = { .field = "lockfile", .path = config->lockfile };
    struct place out = { .field = "stdout", .path = config->stdout_path };
    struct place err = { .field = "stderr", .path = config->stderr_path };
    if (out.path && err.path && strcmp(out.path, err.path) == 0)
        err.path = NULL; /* what is said of the one holds for the other */
    if (check_own_file(check, &pidfile) != 0 || check_own_file(check, &lockfile) != 0 ||
        check_output_file(check, &out) != 0 || check_output_file(check, &err) != 0 ||
        check_distinct(check, &pidfile, &out) != 0 || check_distinct(check, &pidfile, &err) != 0 ||
        check_distinct(check, &lockfile, &out) != 0 || check_distinct(check, &lockfile, &err) != 0)
        return -1;
    *pidfile_is_lock = is_same_file(check->ops, &pidfile, &lockfile);
    return 0;
}

/* ---- the rest ---- */

static int check_working_directory(const struct check *check)
{
    const char *path = check->config->working_directory;
    struct stat file;
    if (!path)
        return 0;
    if (check_spelling(check, "working directory", path) != 0)
        return -1;
    if (check->ops->stat(path, &file) != 0)
        return refuse_errno(check, "working directory", path);
    if (!S_ISDIR(file.st_mode))
        return refuse(check, "working directory", path, "is not a directory");
    return 0;
}

static int check_environment(const struct check *check)
{
    const struct blivet_config *config = check->config;
    if (config->env_count > 0 && !config->env)
        return refuse(check, "env", NULL, "has a count but no entries");
    for (size_t i = 0; i < config->env_count; i++) {
        const struct blivet_env *entry = &config->env[i];
        if (!entry->name || *entry->name == '\0')
            return refuse(check, "env", entry->value ? entry->value : "", "the name is empty");
        if (strchr(entry->name, '='))
            return refuse(check, "env", entry->name, "the name has a '='");
        if (!entry->value)
            return refuse(check, "env", entry->name, "has no value");
    }
    return 0;
}

static int check_kept_descriptors(const struct check *check)
{
    const struct blivet_config *config = check->config;
    if (config->keep_fds_count > 0 && !config->keep_fds)
        return refuse(check, "keep-fd", NULL, "has a count but no descriptors");
    for (size_t i = 0; i < config->keep_fds_count; i++) {
        int fd = config->keep_fds[i];
        char digits[24];
        struct blivet_text text;
        blivet_text_begin(&text, digits, sizeof digits);
        blivet_text_put(&text, fd < 0 ? "-" : "");
        blivet_text_number(&text, fd < 0 ? -(uintmax_t)fd : (uintmax_t)fd);
        if (fd >= 0 && fd <= 2)
            return refuse(check, "keep-fd", digits, "a standard descriptor is always replaced");
        if (config->ready == BLIVET_READY_FD && fd == config->ready_fd)
            return refuse(check, "keep-fd", digits, "is to be the readiness descriptor");
        int flags;
        UNINTERRUPTED(flags, check->ops->fcntl(fd, F_GETFD, 0));
        if (flags < 0)
            return refuse(check, "keep-fd", digits, "is not an open descriptor");
    }
    return 0;
}

static int check_switches(const struct check *check)
{
    const struct blivet_config *config = check->config;
    const unsigned known = BLIVET_FOREGROUND | BLIVET_APPEND | BLIVET_NO_LOCK | BLIVET_KEEP_ALL_FDS |
                           BLIVET_KEEP_PIDFILE | BLIVET_LEAVE_ON_TIMEOUT | BLIVET_NO_CHOWN | BLIVET_GIVE_PIDFILE |
                           BLIVET_SHOW_STATUS;
    uintptr_t unknown = (config->flags & ~known) | config->reserved_word;
    for (size_t i = 0; i < sizeof config->reserved / sizeof config->reserved[0]; i++)
        unknown |= config->reserved[i];
    if (unknown != 0 || config->ready > BLIVET_READY_FD)
        return refuse(check, "configuration", NULL, "asks for what this version does not know");
    if (config->umask > 07777) {
        char digits[24];
        struct blivet_text text;
        blivet_text_begin(&text, digits, sizeof digits);
        blivet_text_number(&text, config->umask);
        return refuse(check, "umask", digits, "is over 4095, octal 07777");
    }
    if (config->ready == BLIVET_READY_FD && config->ready_fd < 3)
        return refuse(check, "readiness descriptor", NULL, "is not over 2");
    if (config->ready != BLIVET_READY_FD && config->ready_fd != 0)
        return refuse(check, "readiness descriptor", NULL, "is given, but not asked for");
    if ((config->flags & BLIVET_NO_LOCK) && config->lockfile)
        return refuse(check, "lockfile", config->lockfile, "named, and locking turned off");
    return 0;
}

static int check_permission(const struct check *check)
{
    const char *asked = check->config->user ? check->config->user : check->config->group;
    if (!asked || check->ops->geteuid() == 0)
        return 0;
    blivet_set_error(check->error, BLIVET_PERMISSION_DENIED, 0, check->config->user ? "user" : "group", asked,
                     "permission denied: only root can change identity");
    return -1;
}

int blivet_check_config(const struct blivet_config *config, const struct blivet_ops *ops, bool *pidfile_is_lock,
                        struct blivet_error *error)
{
    struct check check = { .config = config, .ops = ops, .error = error };
    if (check_switches(&check) != 0 || check_working_directory(&check) != 0 ||
        check_files(&check, pidfile_is_lock) != 0 || check_environment(&check) != 0 ||
        check_kept_descriptors(&check) != 0)
        return -1;
    return check_permission(&check);
}

int blivet_validate_on(const struct blivet_config *config, const struct blivet_ops *ops, struct blivet_error *error)
{
    struct blivet_error unwanted;
    bool pidfile_is_lock;
    return blivet_check_config(config, ops, &pidfile_is_lock, error ? error : &unwanted);
}

int blivet_validate(const struct blivet_config *config, struct blivet_error *error)
{
    return blivet_validate_on(config, &blivet_libc, error);
}
