/* program.c - find, check and execute the program (CLI-3, CLI-4, CLI-9, CLI-10). */
#include "program.h"
#include <errno.h>
#include <limits.h>
#include <paths.h>
#include <stdbool.h>
#include <string.h>

static int unusable(struct blivet_error *error, int number, const char *path, const char *why)
{
    blivet_set_error(error, BLIVET_PROGRAM_UNUSABLE, number, "program", path, why);
    return -1;
}

/* ---- before the fork ---- */

static int make_absolute(const char *word, char **absolute, const struct blivet_ops *ops, struct blivet_error *error)
{
    char here[PATH_MAX];
    if (!ops->getcwd(here, sizeof here))
        return unusable(error, errno, word, errno == ENOENT ? "is relative to a directory that is gone" : NULL);
    *absolute = ops->calloc(1, strlen(here) + 1 + strlen(word) + 1);
    if (!*absolute) {
        blivet_set_error(error, BLIVET_SYSTEM_FAILED, errno, "memory", NULL, NULL);
        return -1;
    }
    strcpy(*absolute, here); /* fit: just measured */
    strcat(*absolute, strcmp(here, "/") == 0 ? "" : "/");
    strcat(*absolute, word);
    return 0;
}

int program_resolve(const char *word, char **absolute, const struct blivet_ops *ops, struct blivet_error *error)
{
    struct stat file;
    const char *path;
    *absolute = NULL;
    if (*word == '\0')
        return unusable(error, 0, word, "is empty");
    if (!strchr(word, '/'))
        return 0; /* searched in the daemon's PATH, by exec */
    if (*word != '/' && make_absolute(word, absolute, ops, error) != 0)
        return -1;
    path = *absolute ? *absolute : word;
    if (ops->stat(path, &file) != 0)
        return unusable(error, errno, path, NULL);
    if (!S_ISREG(file.st_mode))
        return unusable(error, 0, path, "is not a file that can be executed");
    return ops->eaccess(path, X_OK) == 0 ? 0 : unusable(error, errno, path, NULL);
}

/* ---- in the daemon ---- */

/* A script without "#!" (CLI-10).  The shell's argv is ours with two words in front: the caller left room. */
static void exec_by_shell(const char *path, char **argv, const struct blivet_ops *ops)
{
    char *name = argv[0];
    argv[-1] = (char *)_PATH_BSHELL;
    argv[0] = (char *)path;
    ops->execve(_PATH_BSHELL, argv - 1, ops->environment());
    argv[0] = name;
}

static void exec_file(const char *path, char **argv, const struct blivet_ops *ops)
{
    ops->execve(path, argv, ops->environment());
    if (errno == ENOEXEC)
        exec_by_shell(path, argv, ops);
}

static const char *search_path(const struct blivet_ops *ops, char *standard, size_t size)
{
    for (char **entry = ops->environment(); entry && *entry; entry++)
        if (strncmp(*entry, "PATH=", 5) == 0)
            return *entry + 5;
    confstr(_CS_PATH, standard, size); /* where there is none it stays as it is */
    return standard;
}

/* As execvp: what one directory refuses another may grant, and "permission denied" outlasts "not found". */
static void exec_search(const char *name, char **argv, const struct blivet_ops *ops)
{
    char standard[256] = _PATH_DEFPATH, path[PATH_MAX];
    bool denied = false;
    size_t name_length = strlen(name), length;
    const char *at = search_path(ops, standard, sizeof standard);
    for (;; at += length + 1) {
        length = strcspn(at, ":");
        if (length + 1 + name_length < sizeof path) {
            memcpy(path, at, length); /* an empty one is the working directory */
            path[length] = '/';
            strcpy(path + length + (length > 0), name); /* fits: just measured */
            exec_file(path, argv, ops);
        } else
            errno = ENAMETOOLONG;
        if (errno == EACCES)
            denied = true;
        else if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG && errno != ESTALE && errno != ENODEV &&
                 errno != ETIMEDOUT)
            return;
        if (at[length] == '\0')
            break;
    }
    errno = denied ? EACCES : ENOENT;
}

void program_exec(char **argv, const struct blivet_ops *ops, struct blivet_error *error)
{
    const char *path = argv[0];
    if (strchr(path, '/'))
        exec_file(path, argv, ops);
    else
        exec_search(path, argv, ops);
    int kind = errno == ENOENT || errno == EACCES ? BLIVET_PROGRAM_UNUSABLE : BLIVET_EXEC_FAILED;
    blivet_set_error(error, kind, errno, "program", path, NULL);
}
