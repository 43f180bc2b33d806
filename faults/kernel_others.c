/* kernel_others.c - the invented kernel: processes that the test has put beside ours, as /proc shows them. */
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct script_other *other_of(const struct script_description *process)
{
    return &script.others[process->offset];
}

int script_other_number(pid_t pid)
{
    for (int i = 0; i < script.other_count; i++)
        if (script.others[i].pid == pid && !script.others[i].killed)
            return i;
    return -1;
}

bool script_other_is_dead(const struct script_description *process) { return other_of(process)->killed; }

/* "/proc/4711" */
int script_open_other(const char *path, int flags)
{
    int other = script_other_number((pid_t)strtol(path + strlen("/proc/"), NULL, 10));
    int fd = other >= 0 ? script_install(SCRIPT_OTHER, -1, flags) : fail(ENOENT);
    if (fd >= 0)
        script_description(fd)->offset = other;
    return fd;
}

/* "/proc/self/fd/5/fdinfo/4": the description of the directory on 5, and what it is asked for. */
static struct script_other *other_behind(const char *path, const char *folder)
{
    static const char own[] = "/proc/self/fd/";
    char *rest;
    if (strncmp(path, own, sizeof own - 1) != 0)
        return NULL;
    long directory = strtol(path + sizeof own - 1, &rest, 10);
    struct script_description *process = script_description((int)directory);
    if (!process || process->kind != SCRIPT_OTHER || strncmp(rest, folder, strlen(folder)) != 0)
        return NULL;
    struct script_other *other = other_of(process);
    return !other->killed && strtol(rest + strlen(folder), NULL, 10) == other->fd ? other : NULL;
}

int script_open_other_info(const char *path, int flags)
{
    const struct script_other *other = other_behind(path, "/fdinfo/");
    if (!other)
        return fail(ENOENT);
    struct script_file *file = script_file("/proc/info");
    if (!file)
        file = script_add("/proc/info", S_IFREG | 0400, "");
    const struct script_file *held = script_file(other->path);
    snprintf(file->content, sizeof file->content, "pos:\t%lld\nflags:\t02100000\n%s",
             held ? (long long)held->position : 0, other->lock);
    file->size = strlen(file->content);
    return script_install(SCRIPT_FILE, (int)(file - script.files), flags);
}

/* The file that one of them has open; NULL where the path is no such. */
const struct script_file *script_file_of_other(const char *path)
{
    const struct script_other *other = other_behind(path, "/fd/");
    return other ? script_file(other->path) : NULL;
}

void script_describe_other(const struct script_description *process, struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFDIR | 0555;
    status->st_uid = other_of(process)->uid;
}

/* Whoever has the lock's open file and dies lets go of the lock, if nobody else has it. */
void script_strike_other(const struct script_description *process, int signal)
{
    struct script_other *other = other_of(process);
    struct script_file *file = script_file(other->path);
    if (signal != SIGKILL)
        return;
    other->killed = true;
    for (int i = 0; i < script.other_count; i++)
        if (!script.others[i].killed && strcmp(script.others[i].lock, other->lock) == 0)
            return;
    if (file && file->locked_by == -1)
        file->locked_by = 0;
}
