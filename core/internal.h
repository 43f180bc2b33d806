/* internal.h - what the files of core/ share: the context, and who does what.
 *
 * Int results are 0, or -1 with the error noted in the context at the line where it happened; nobody rewrites
 * it on the way up. */
#ifndef BLIVET_INTERNAL_H
#define BLIVET_INTERNAL_H
#include "seam.h"
#include <stdbool.h>

enum {
#define STEP(number, symbol, name, purpose, hazard) STEP_##symbol = (number),
#include "steps.def"
#undef STEP
    STEP_APPLICATION, /* after the sequence: the application's own start */
    BLIVET_STEPS = STEP_APPLICATION - 1
};

/* In memory shared by the three processes: what the launcher says of a death (NTF-14). */
struct blivet_page {
    _Atomic int step; /* the one that was last entered */
    _Atomic int pid;  /* of the daemon; 0 before the second fork */
    _Atomic int left; /* the launcher has gone and left the daemon to itself, as it was asked to (NTF-11) */
    _Atomic int lock; /* its descriptor, 0: none */
};

struct blivet_identity {
    bool wanted; /* a user, a group, or both are configured */
    bool has_user;
    uid_t uid;
    gid_t gid;
    char *name, *home; /* of the user */
    gid_t *groups;     /* sorted; room for twice as many, the second half for the proof */
    int group_count;
};

enum { CALLER, SESSION_LEADER, DAEMON };

struct blivet_context {
    const struct blivet_ops *ops;
    /* The plan: made before the fork, read afterwards. */
    char *pidfile, *lockfile, *directory, *stdout_path, *stderr_path;
    mode_t umask;
    unsigned flags, timeout_ms, ready; /* ready: BLIVET_READY_... */
    int ready_fd;                      /* BLIVET_READY_FD: where the program finds it */
    char **environment; /* given to the process in step 11 and never freed from then on */
    size_t inherited_entries; /* the first ones of it; the others are ours */
    bool environment_given;
    int *keep_fds;      /* with room for BLIVET_OWN_FDS more */
    size_t keep_count;
    struct blivet_identity identity;
    /* Who and where we are. */
    int process; /* CALLER (the launcher, or foreground mode), SESSION_LEADER, DAEMON */
    int step;
    pid_t pid; /* of the process that the context serves */
    struct blivet_page *page;
    sigset_t mask;             /* the caller's, and its SIGCHLD */
    struct sigaction on_child;
    /* What is held; -1 where it is not. */
    int channel;      /* the daemon's end */
    int launcher_end; /* the launcher's */
    int lock_fd, pidfile_fd;
    struct stat lock_status, pidfile_status; /* when they were opened */
    int ear;         /* the launcher's: the notify socket, or the end of the readiness pipe that is read */
    int ready_write; /* the other end, on its way to ready_fd */
    int log_fds[2];
    int original[3]; /* foreground mode: 0 to 2 as they were */
    bool originals_saved;
    /* How far it got. */
    bool pidfile_ours; /* created or written by us */
    bool logs_followed; /* opened through whatever link there was */
    bool has_go, told, announced, handed_over, dropped;
    bool broken; /* half an identity: nothing but a failure may follow (PRV-4) */
    struct blivet_error error;
};

enum { BLIVET_OWN_FDS = 7 }; /* channel, lock, pidfile, two logs, the old stderr, the readiness descriptor */

static inline bool blivet_is_foreground(const struct blivet_context *daemon)
{
    return (daemon->flags & BLIVET_FOREGROUND) != 0;
}

static inline bool blivet_same_inode(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static inline int64_t blivet_now_ms(const struct blivet_ops *ops)
{
    struct timespec time = { 0, 0 };
    ops->clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* error.c.  failed: reads errno; refused: the reason is ours. */
int blivet_failed(struct blivet_context *daemon, int kind, const char *what, const char *subject);
int blivet_refused(struct blivet_context *daemon, int kind, const char *what, const char *subject, const char *why);
int blivet_hand_error(const struct blivet_context *daemon, struct blivet_error *error);

/* config.c */
int blivet_check_config(const struct blivet_config *config, const struct blivet_ops *ops, bool *pidfile_is_lock,
                        struct blivet_error *error);

/* threads.c */
int blivet_require_one_thread(const struct blivet_ops *ops, struct blivet_error *error);

/* prepare.c */
struct blivet_context *blivet_prepare(const struct blivet_config *config, const struct blivet_ops *ops,
                                      struct blivet_error *error);
void blivet_discard(struct blivet_context *daemon);
void blivet_flush_stdio(const struct blivet_ops *ops);

/* identity.c */
int blivet_look_up_identity(struct blivet_context *daemon, const struct blivet_config *config);
int blivet_refuse_if_broken(struct blivet_context *daemon);

/* launcher.c */
_Noreturn void blivet_launcher_waits(struct blivet_context *daemon, pid_t leader);

/* readiness.c */
enum { BLIVET_NOTIFY_NAME = 110 };
int blivet_open_ear(struct blivet_context *daemon, char name[BLIVET_NOTIFY_NAME]);
int blivet_place_ready_fd(struct blivet_context *daemon);
int blivet_tell_manager(struct blivet_context *daemon);

/* handles.c */
int blivet_open_stat(const struct blivet_ops *ops, pid_t pid);
bool blivet_send_handles(const struct blivet_ops *ops, int channel, pid_t child);
bool blivet_receive_handles(const struct blivet_ops *ops, int channel, int *stat, int *pidfd);

/* streams.c */
int blivet_above(const struct blivet_ops *ops, int fd, int floor);
void blivet_close_fd(const struct blivet_ops *ops, int *fd);
int blivet_null_standard_streams(struct blivet_context *daemon);
int blivet_open_output_files(struct blivet_context *daemon);
void blivet_release_logs(struct blivet_context *daemon);
void blivet_settle_standard_streams(struct blivet_context *daemon);
void blivet_restore_standard_streams(struct blivet_context *daemon);

/* pidfile.c */
int blivet_take_lock(struct blivet_context *daemon);
int blivet_write_pidfile(struct blivet_context *daemon);
void blivet_withdraw_pidfile(struct blivet_context *daemon);
void blivet_remove_pidfile(const struct blivet_ops *ops, const char *path, int fd, pid_t pid);
void blivet_rewrite_pidfile(struct blivet_context *daemon, pid_t from, pid_t to);
void blivet_clean_up_after_dead(struct blivet_context *daemon, pid_t locker, pid_t pid);

/* holders.c */
bool blivet_end_holders(const struct blivet_context *daemon, int lock_fd, pid_t locker, bool named);

/* signals.c */
int blivet_reset_dispositions(struct blivet_context *daemon);
int blivet_clear_mask(struct blivet_context *daemon);
void blivet_take_handlers_away(struct blivet_context *daemon);
bool blivet_ignore_signal(const struct blivet_ops *ops, int signal, struct sigaction *old);
const char *blivet_signal_name(int signal);

/* descriptors.c */
int blivet_close_inherited(struct blivet_context *daemon);
bool blivet_list_numbers(const struct blivet_ops *ops, const char *path, void (*visit)(void *, int, int), void *argument);

/* context.c */
void blivet_enter(struct blivet_context *daemon, int step);
int blivet_await_go(struct blivet_context *daemon);
int blivet_tell_failure(struct blivet_context *daemon, int code, const char *message);
void blivet_close_all(struct blivet_context *daemon);
#endif
