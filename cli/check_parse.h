/* check_parse.h - the texts of /proc and of a pidfile as numbers.  Pure: proc(5) says what each looks like. */
#ifndef DAEMONCHECK_PARSE_H
#define DAEMONCHECK_PARSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of /proc/PID/stat. */
struct check_stat {
    pid_t pid, parent, session;
    char state, name[64];
    unsigned tty;   /* 0: none; else as proc(5) packs major and minor */
    long threads;   /* with the first one, though that may have ended */
    uint64_t start; /* in clock ticks since boot: with the pid it names one process for ever */
};

/* Of /proc/PID/status. */
struct check_status {
    pid_t process; /* which it is a thread of; of a process its own pid */
    unsigned umask, threads, no_new_privs;
    unsigned uids[4], gids[4]; /* real, effective, saved, file system */
    bool in_root_group;        /* among the supplementary groups */
    size_t group_count;
    uint64_t blocked, ignored;
    uint64_t inheritable, permitted, effective, ambient; /* capabilities */
};

/* Of /proc/PID/fdinfo/N. */
struct check_fdinfo {
    unsigned flags; /* as open(2) has them, O_CLOEXEC too */
    bool locked;    /* exclusively, through this very descriptor */
    bool shared;    /* or so, which excludes nobody */
};

/* False: not what the kernel writes. */
bool check_parse_stat(const char *text, struct check_stat *stat);
bool check_parse_status(const char *text, struct check_status *status);
bool check_parse_fdinfo(const char *text, struct check_fdinfo *info);

/* The mount point in /proc/PID/mountinfo that a path is under; false: none is. */
bool check_parse_mount(const char *text, const char *path, char *mount_point, size_t size);

/* Who holds an exclusive lock on a file, by /proc/locks: its pid, 0 for nobody, -1 for somebody whom the kernel does
 * not name (an open file description lock, or a process of another PID namespace). */
pid_t check_parse_locks(const char *text, dev_t device, ino_t inode);

/* What a pidfile has to say. */
enum check_content { CHECK_PID_AND_NEWLINE, CHECK_PID_UNUSUAL /* other white space, more lines */, CHECK_NO_PID };
enum check_content check_parse_pidfile(const char *text, size_t size, pid_t *pid);
#endif
