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

struct place {
    bool exists;
    struct stat file;            /* where it exists */
    struct stat folder;          /* its parent directory */
    char name[NAME_MAX + 1];     /* its last component there */
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

/* Follows links in the last place by hand, because the file at the end need not exist yet (CFG-7).
 * On success path is where the file is or will be. */
static int find(const struct blivet_ops *ops, char path[PATH_MAX], struct place *place)
{
    for (int links = 0;; links++) {
        place->exists = ops->lstat(path, &place->file) == 0;
        if (!place->exists && errno != ENOENT)
            return -1;
        if (!place->exists || !S_ISLNK(place->file.st_mode))
            break;
        if (links == MOST_LINKS) {
            errno = ELOOP;
            return -1;
        }
        if (follow(ops, path) != 0)
            return -1;
    }
    const char *name = strrchr(path, '/') + 1;
    if (strlen(name) >= sizeof place->name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(place->name, name); /* fits: just measured */
    cut_to_parent(path);
    return ops->stat(path, &place->folder);
}

static int find_copy(const struct blivet_ops *ops, const char *path, struct place *place)
{
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof copy) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(copy, path); /* fits: just measured */
    return find(ops, copy, place);
}

bool blivet_same_file(const struct blivet_ops *ops, const char *one, const char *other)
{
    struct place a, b;
    if (strcmp(one, other) == 0)
        return true;
    if (find_copy(ops, one, &a) != 0 || find_copy(ops, other, &b) != 0 || a.exists != b.exists)
        return false;
    if (a.exists)
        return blivet_same_inode(&a.file, &b.file);
    return blivet_same_inode(&a.folder, &b.folder) && strcmp(a.name, b.name) == 0;
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

/* A file that is not there yet needs a directory that can be written (CFG-6). */
static int check_parent(const struct check *check, const char *field, const char *path)
{
    char parent[PATH_MAX];
    struct place place;
    strcpy(parent, path); /* fits: check_spelling */
    if (find(check->ops, parent, &place) != 0)
        return refuse_errno(check, field, path);
    if (place.name[0] == '\0')
        return refuse(check, field, path, "no such directory");
    if (check->ops->eaccess(parent, W_OK | X_OK) != 0) {
        blivet_set_error(check->error, BLIVET_INVALID_CONFIG, errno, field, path,
                         "cannot be created: its directory cannot be written");
        return -1;
    }
    return 0;
}

/* Of a file that was there a moment ago: another instance may have removed it since. */
static int check_writable(const struct check *check, const char *field, const char *path)
{
    if (check->ops->eaccess(path, W_OK) == 0)
        return 0;
    return errno == ENOENT ? check_parent(check, field, path) : refuse_errno(check, field, path);
}

/* PID-5: who can put a link or a device in the place of a pidfile picks what root overwrites. */
static int check_own_file(const struct check *check, const char *field, const char *path)
{
    struct stat file;
    if (!path)
        return 0;
    if (check_spelling(check, field, path) != 0)
        return -1;
    if (check->ops->lstat(path, &file) != 0)
        return errno == ENOENT ? check_parent(check, field, path) : refuse_errno(check, field, path);
    if (S_ISLNK(file.st_mode))
        return refuse(check, field, path, "is a symbolic link");
    if (!S_ISREG(file.st_mode))
        return refuse(check, field, path, "is not a regular file");
    if (file.st_nlink > 1)
        return refuse(check, field, path, "is a file with several names");
    return check_writable(check, field, path);
}

static int check_output_file(const struct check *check, const char *field, const char *path)
{
    struct stat file;
    if (!path)
        return 0;
    if (check_spelling(check, field, path) != 0)
        return -1;
    if (check->ops->stat(path, &file) != 0)
        return errno == ENOENT ? check_parent(check, field, path) : refuse_errno(check, field, path);
    if (S_ISDIR(file.st_mode))
        return 0; /* step 12 says so (CFG-5) */
    return check_writable(check, field, path);
}

/* A log in the pidfile would be read as a pid (CFG-7). */
static int check_distinct(const struct check *check)
{
    const struct blivet_config *config = check->config;
    const char *own[] = { config->pidfile, config->lockfile };
    const char *own_field[] = { "pidfile", "lockfile" };
    const char *output[] = { config->stdout_path, config->stderr_path };
    static const char *const why[] = { "is the same file as stdout", "is the same file as stderr" };
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            if (own[i] && output[j] && blivet_same_file(check->ops, own[i], output[j]))
                return refuse(check, own_field[i], own[i], why[j]);
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
        if (fd < 0 || check->ops->fcntl(fd, F_GETFD, 0) == -1)
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

int blivet_validate_on(const struct blivet_config *config, const struct blivet_ops *ops, struct blivet_error *error)
{
    struct blivet_error unwanted;
    const struct check check = { config, ops, error ? error : &unwanted };
    if (check_switches(&check) != 0 || check_working_directory(&check) != 0 ||
        check_own_file(&check, "pidfile", config->pidfile) != 0 ||
        check_own_file(&check, "lockfile", config->lockfile) != 0 ||
        check_output_file(&check, "stdout", config->stdout_path) != 0 ||
        check_output_file(&check, "stderr", config->stderr_path) != 0 || check_distinct(&check) != 0 ||
        check_environment(&check) != 0 || check_kept_descriptors(&check) != 0)
        return -1;
    return check_permission(&check);
}

int blivet_validate(const struct blivet_config *config, struct blivet_error *error)
{
    return blivet_validate_on(config, &blivet_libc, error);
}
