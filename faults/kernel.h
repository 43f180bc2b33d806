/* kernel.h - what the files of the invented kernel share; script.h is for the tests. */
#ifndef BLIVET_KERNEL_H
#define BLIVET_KERNEL_H
#include "script.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALL(result, name, parameters, arguments, failure, errnos) result kernel_##name parameters;
#define VOID(name, parameters, arguments) void kernel_##name parameters;
#include "../syscall/ops.def"
#undef CALL
#undef VOID

static inline int fail(int error)
{
    errno = error;
    return -1;
}

/* The kernel was invented for the ways in which it is asked: another is a mistake of who asks. */
static inline void only(bool known)
{
    if (!known)
        abort();
}

/* A call may use all the room that it is given, and what lies behind its answer is nobody's word. */
static inline void use_room(void *room, size_t size) { memset(room, '7', size); }

static inline void *lost(int error)
{
    errno = error;
    return NULL;
}

/* How much of what it was asked to a write or a read moves. */
static inline size_t script_moved(size_t count)
{
    bool half = script.half;
    script.half = false;
    return count < 2 ? count : script.short_counts ? 1 : half ? count / 2 : count;
}

/* kernel_files.c */
enum { SCRIPT_PATH = 1024 };

struct script_walk {
    char at[SCRIPT_PATH];   /* where we are, without links and dots; in the end where the file is or would be */
    char rest[SCRIPT_PATH]; /* what is still to be walked */
    int links;
    bool folder; /* a last link said that it leads to one: it ends in '/' */
};

/* The file at the end of a path; NULL with errno. */
struct script_file *script_walk_to(struct script_walk *walk, const char *path, bool follow);
struct script_file *script_walk(const char *path, bool follow);
bool script_permits(const struct script_file *file, int mode);
void script_describe(const struct script_file *file, struct stat *status);
void script_cut(struct script_file *file, size_t size);
void script_cut_to_parent(char *path);

/* kernel_descriptors.c */
struct script_description *script_description(int fd); /* NULL with errno */
int script_install(enum script_kind kind, int file, int flags);
int script_open_proc(const char *path, int flags);

/* kernel_others.c */
int script_other_number(pid_t pid); /* -1: none that lives has that number */
bool script_other_is_dead(const struct script_description *process);
int script_open_other(const char *path, int flags);
int script_open_other_info(const char *path, int flags);
const struct script_file *script_file_of_other(const char *path);
void script_describe_other(const struct script_description *process, struct stat *status);
void script_strike_other(const struct script_description *process, int signal);

/* kernel_processes.c */
bool script_daemon_is_dead(void);
#endif
