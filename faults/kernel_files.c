/* kernel_files.c - the invented kernel: files and the way to them. */
#include "kernel.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script_file *script_file(const char *path)
{
    for (int i = 0; i < SCRIPT_FILES; i++)
        if (script.files[i].inode != 0 && strcmp(script.files[i].path, path) == 0)
            return &script.files[i];
    return NULL;
}

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

void script_cut_to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = '\0';
}

bool script_permits(const struct script_file *file, int mode)
{
    if (script.uids[1] == 0)
        return !(mode & X_OK) || S_ISDIR(file->mode) || (file->mode & 0111);
    mode_t bits = script.uids[1] == file->uid ? file->mode >> 6 : file->mode;
    return ((int)bits & mode & 7) == (mode & 7);
}

/* Takes the link in the place of the next component. */
static bool enter_link(struct script_walk *walk, const char *target, const char *behind)
{
    char rest[SCRIPT_PATH];
    int length = snprintf(rest, sizeof rest, "%s/%s", target, behind);
    if (*behind == '\0')
        length = snprintf(rest, sizeof rest, "%s", target);
    walk->folder |= *behind == '\0' && *target != '\0' && target[strlen(target) - 1] == '/';
    strcpy(walk->rest, rest); /* behind was in it */
    if (*target == '/')
        strcpy(walk->at, "/");
    return length < SCRIPT_PATH && ++walk->links <= 8;
}

/* One component; false at a dead end, with errno. */
static bool step(struct script_walk *walk, bool follow)
{
    char next[SCRIPT_PATH + 256];
    const struct script_file *here = script_file(walk->at);
    size_t length = strcspn(walk->rest, "/");
    const char *behind = walk->rest + length;
    if (!here || !S_ISDIR(here->mode) || !script_permits(here, X_OK))
        return lost(!here ? ENOENT : !S_ISDIR(here->mode) ? ENOTDIR : EACCES);
    size_t used = strlen(walk->at);
    if (length > 255 || used + 1 + length >= sizeof here->path)
        return lost(ENAMETOOLONG);
    behind += strspn(behind, "/");
    if (strncmp(walk->rest, "..", length) == 0 && length == 2)
        script_cut_to_parent(walk->at);
    else if (length > 1 || walk->rest[0] != '.') {
        snprintf(next, sizeof next, "%s%s%.*s", walk->at, used > 1 ? "/" : "", (int)length, walk->rest);
        const struct script_file *file = script_file(next);
        if (file && S_ISLNK(file->mode) && (follow || *behind))
            return enter_link(walk, file->target, behind) || lost(ELOOP);
        strcpy(walk->at, next);
    }
    memmove(walk->rest, behind, strlen(behind) + 1);
    return true;
}

/* The file at the end of a path; NULL with errno. */
struct script_file *script_walk_to(struct script_walk *walk, const char *path, bool follow)
{
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof walk->rest)
        return lost(length == 0 ? ENOENT : ENAMETOOLONG);
    strcpy(walk->at, *path == '/' ? "/" : script.directory);
    strcpy(walk->rest, path + strspn(path, "/"));
    walk->links = 0;
    walk->folder = false;
    while (walk->rest[0] != '\0')
        if (!step(walk, follow))
            return NULL;
    struct script_file *file = script_file(walk->at);
    if (file && (walk->folder || path[length - 1] == '/') && !S_ISDIR(file->mode))
        return lost(ENOTDIR);
    return file ? file : lost(ENOENT);
}

struct script_file *script_walk(const char *path, bool follow)
{
    struct script_walk unused;
    return script_walk_to(&unused, path, follow);
}

void script_describe(const struct script_file *file, struct stat *status)
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

int kernel_stat(const char *path, struct stat *status)
{
    if (strcmp(path, "/proc/self/task") == 0)
        return describe_tasks(status);
    const struct script_file *file = script_file_of_other(path);
    if (!file)
        file = script_walk(path, true);
    if (!file)
        return -1;
    script_describe(file, status);
    return 0;
}

int kernel_lstat(const char *path, struct stat *status)
{
    const struct script_file *file = script_walk(path, false);
    if (!file)
        return -1;
    script_describe(file, status);
    return 0;
}

int kernel_eaccess(const char *path, int mode)
{
    const struct script_file *file = script_walk(path, true);
    if (!file)
        return -1;
    return script_permits(file, mode) ? 0 : fail(EACCES);
}

ssize_t kernel_readlink(const char *path, char *buffer, size_t size)
{
    static const char self[] = "101"; /* the session leader's own view */
    const char *target;
    if (strcmp(path, "/proc/self") == 0 && !script.no_proc)
        target = self;
    else {
        const struct script_file *file = script_walk(path, false);
        if (!file)
            return -1;
        if (!S_ISLNK(file->mode))
            return fail(EINVAL);
        target = file->target;
    }
    size_t length = strlen(target) < size ? strlen(target) : size;
    use_room(buffer, size);
    memcpy(buffer, target, length);
    return (ssize_t)length;
}

int kernel_unlink(const char *path)
{
    struct script_walk walk;
    struct script_file *file = script_walk_to(&walk, path, false);
    if (!file)
        return -1;
    if (S_ISDIR(file->mode))
        return fail(EISDIR);
    script_cut_to_parent(walk.at);
    if (!script_permits(script_file(walk.at), W_OK))
        return fail(EACCES);
    file->path[0] = '\0'; /* the open descriptions keep it */
    file->links--;
    return 0;
}

void script_cut(struct script_file *file, size_t size)
{
    memset(file->content + size, 0, SCRIPT_CONTENT - size);
    file->size = size;
}
