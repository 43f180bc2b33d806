/* blivet.h - the public face of libblivet; it compiles as C11 and C++17.
 *
 * The LAUNCHER calls blivet_daemonize() and waits; the SESSION LEADER, its child, detaches; the
 * DAEMON, the grandchild, is where the call returns.  In foreground mode the caller plays all three.
 * Unless a call says otherwise:
 *  - int results are 0 (done) or -1 (failed, *error filled in).  error may be NULL; a call that
 *    succeeds leaves it alone.  errno is unspecified afterwards: read error->system_errno.
 *  - Strings and arrays stay the caller's and are read during the call only; copies are kept.
 *  - Nothing aborts, ends a process or prints, but launcher and children of a start once it has
 *    forked (SEQ-6), the two calls that report a failure and end the daemon (NTF-9), and the
 *    handler of blivet_remove_pidfile_on().
 *  - A context serves the process that was given it, one thread at a time.  One context a process at a time: a second
 *    start would close the descriptors of the first (STD-5).
 *  - No call is async-signal-safe but blivet_set_error().  The only global state is that of blivet_remove_pidfile_on().
 * Marks such as (PID-2) are rows of the specification. */
#ifndef BLIVET_H
#define BLIVET_H
#include <stddef.h>
#include <stdint.h>
#define BLIVET_VERSION "0.1.0"
#define BLIVET_MESSAGE_SIZE 1024 /* bytes with the final NUL; longer ones are cut (NTF-5) */

#if defined __GNUC__ /* to ignore these results is a vulnerability, not a style */
#define BLIVET_MUST_CHECK __attribute__((__warn_unused_result__))
#define BLIVET_NO_RETURN __attribute__((__noreturn__))
#pragma GCC visibility push(default)
#else
#define BLIVET_MUST_CHECK
#define BLIVET_NO_RETURN
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong.  Made from the one table in error.c, with the exit codes of sysexits.h (ERR). */
enum blivet_kind {
    BLIVET_OK = 0,
    BLIVET_INVALID_CONFIG, BLIVET_PROGRAM_UNUSABLE, BLIVET_NO_SUCH_USER, BLIVET_NO_SUCH_GROUP,
    BLIVET_LOCK_HELD, BLIVET_NOT_DROPPED, BLIVET_THREADS, BLIVET_FORK_FAILED, BLIVET_SETSID_FAILED,
    BLIVET_CHDIR_FAILED, BLIVET_SYSTEM_FAILED, BLIVET_EXEC_FAILED, BLIVET_NOTIFY_FAILED,
    BLIVET_LOCKFILE_FAILED, BLIVET_PIDFILE_FAILED, BLIVET_OUTPUT_FAILED, BLIVET_CHOWN_FAILED,
    BLIVET_PERMISSION_DENIED, BLIVET_APPLICATION_FAILED, BLIVET_LATE, BLIVET_MALFORMED_VERDICT,
    BLIVET_ENDED_EARLY
};

struct blivet_error {
    int kind;         /* enum blivet_kind; callers must expect kinds added later */
    int exit_code;    /* 1 to 254: what a program that gives up should exit with (ERR) */
    int system_errno; /* of the call that failed, 0 where none did */
    int step;         /* 1 to 14, see blivet_step_name(); 0 outside the sequence */
    char message[BLIVET_MESSAGE_SIZE]; /* "what failed: subject: why", no newline (ERR-11) */
};

struct blivet_env { const char *name, *value; }; /* name: no '=' (CFG-8); value: may be empty */

enum { /* blivet_config.flags: each named so that most callers want it absent */
    BLIVET_FOREGROUND = 1 << 0,       /* no fork, no pipe; every failure is returned (SEQ-4) */
    BLIVET_APPEND = 1 << 1,           /* open both log files for appending (STD-2) */
    BLIVET_NO_LOCK = 1 << 2,          /* not with lockfile (CFG-13) */
    BLIVET_KEEP_ALL_FDS = 1 << 3,     /* leave inherited descriptors open (STD-5) */
    BLIVET_KEEP_PIDFILE = 1 << 4,     /* leave it behind in blivet_close() (PID-7) */
    BLIVET_LEAVE_ON_TIMEOUT = 1 << 5, /* do not end a daemon that is late (NTF-11) */
    BLIVET_NO_CHOWN = 1 << 6,         /* the drop hands nothing over; log files may be links (PRV-8) */
    BLIVET_GIVE_PIDFILE = 1 << 7,     /* will be handed over: one of that user's is reused (PID-10) */
    BLIVET_SHOW_STATUS = 1 << 8       /* the launcher prints STATUS= lines as they come (NTF-15) */
};

enum { /* blivet_config.ready: what counts as ready after blivet_announce_exec() (NTF-15) */
    BLIVET_READY_EXEC = 0,   /* the exec itself */
    BLIVET_READY_NOTIFY = 1, /* READY=1 by the sd_notify protocol; the program finds NOTIFY_SOCKET */
    BLIVET_READY_FD = 2      /* a newline on descriptor ready_fd, which the program is given */
};

/* All zero is the default (CFG-1).  No padding; what is unknown must be zero, so that a field added
 * later takes a reserved slot: an old program means its default, and a new program on an old
 * library is told BLIVET_INVALID_CONFIG instead of being half obeyed. */
struct blivet_config {
    const char *pidfile;           /* absolute; NULL: none (PID) */
    const char *lockfile;          /* absolute; NULL: the pidfile is locked itself (CFG-13) */
    const char *working_directory; /* absolute; NULL: "/" (CFG-4) */
    const char *stdout_path;       /* absolute; NULL: /dev/null, in foreground mode left (STD-1) */
    const char *stderr_path;       /* likewise; may be the same file (STD-3) */
    const char *user;              /* name or decimal uid; NULL: stay.  Needs euid 0 (CFG-9) */
    const char *group;             /* name or decimal gid; NULL: the user's own (PRV-3) */
    const struct blivet_env *env;  /* env_count entries, a later one of a name wins (CFG-2) */
    size_t env_count;
    const int *keep_fds;           /* keep_fds_count descriptors to leave open (CFG-14) */
    size_t keep_fds_count;
    unsigned umask;                /* 0 to 07777 (CFG-11) */
    unsigned ready_timeout_ms;     /* milliseconds that the launcher waits; 0: no limit (CFG-15) */
    unsigned flags;                /* BLIVET_FOREGROUND | ... */
    unsigned ready;                /* BLIVET_READY_...; in foreground mode nobody waits */
    int ready_fd;                  /* for BLIVET_READY_FD: over 2; in foreground mode open, and left so */
    unsigned reserved_word;        /* zero */
    uintptr_t reserved[8];         /* zero */
};

struct blivet_context; /* opaque; from blivet_daemonize(), freed by the calls marked "ends" */

/* Judges a configuration; touches nothing on disk and asks no user database (CFG-3, CFG-10).
 * Returns in the caller.  Errors: BLIVET_INVALID_CONFIG, BLIVET_PERMISSION_DENIED. */
int blivet_validate(const struct blivet_config *config, struct blivet_error *error) BLIVET_MUST_CHECK;

/* Becomes a daemon.  Returns a context IN THE DAEMON, still with the caller's identity; the caller
 * owns it.  Returns NULL IN THE LAUNCHER, nothing begun, if validation, the look-up of user and
 * group, memory or the first fork fails, or if there is a second thread (SEQ-8); in foreground mode,
 * after any failure.  Otherwise the launcher, stdio flushed, waits for the verdict, prints a failure
 * and _exit()s with its code: exit handlers and destructors run in the daemon alone (SEQ-12). */
struct blivet_context *blivet_daemonize(const struct blivet_config *config,
                                        struct blivet_error *error) BLIVET_MUST_CHECK;
/* The same without counting threads: the caller vouches for there being one. */
struct blivet_context *blivet_daemonize_unchecked(const struct blivet_config *config,
                                                  struct blivet_error *error) BLIVET_MUST_CHECK;

/* All calls below return in the daemon (foreground mode: in the caller).
 *
 * Hands files to the configured user and group, through the descriptors held, never by path
 * (PRV-6).  Only regular files with one name are handed over; /dev/null and the like stay. */
enum { BLIVET_CHOWN_LOGS = 1, BLIVET_CHOWN_PIDFILE = 2, BLIVET_CHOWN_LOCKFILE = 4, BLIVET_CHOWN_ALL = 7 };
int blivet_chown_paths(struct blivet_context *daemon, unsigned which,
                       struct blivet_error *error) BLIVET_MUST_CHECK;

/* Hands the logs over if blivet_chown_paths() was not called; then groups, gid, uid, then proof that
 * root is gone for good (PRV-1 to PRV-4).  Does nothing where neither user nor group is configured.
 * After a failed switch the context accepts nothing but a report of failure and its closing. */
int blivet_drop_privileges(struct blivet_context *daemon, struct blivet_error *error) BLIVET_MUST_CHECK;
int blivet_drop_privileges_unchecked(struct blivet_context *daemon, struct blivet_error *error) BLIVET_MUST_CHECK;

/* Tells the launcher "ready": it exits 0.  In foreground mode a service manager that gave NOTIFY_SOCKET is told
 * instead, by READY=1; without one nobody is.  A second call is harmless (NTF-12), and so is one to a launcher whose
 * limit has passed with BLIVET_LEAVE_ON_TIMEOUT.  Errors: BLIVET_NOT_DROPPED; BLIVET_NOTIFY_FAILED if the launcher
 * is gone, never SIGPIPE (NTF-7), or if an exec was announced. */
int blivet_notify_parent(struct blivet_context *daemon, struct blivet_error *error) BLIVET_MUST_CHECK;

/* Tells the launcher that exec follows: silence from here on is success (NTF-3).  For programs that
 * call exec themselves; do nothing in between.  Errors: as blivet_notify_parent(). */
int blivet_announce_exec(struct blivet_context *daemon, struct blivet_error *error) BLIVET_MUST_CHECK;

/* Clean up (PID-9), tell the launcher (foreground mode: stderr) and end the process (NTF-9).
 * exit_code: 1 to 254, anything else becomes 70. */
void blivet_fail(struct blivet_context *daemon, int exit_code, const char *message) BLIVET_NO_RETURN;
void blivet_report_error(struct blivet_context *daemon, const struct blivet_error *error) BLIVET_NO_RETURN;

/* Removes the pidfile now (PID-7); harmless twice. */
void blivet_cleanup(struct blivet_context *daemon);

/* From now on blivet_cleanup() and blivet_close() leave the pidfile behind (PID-7).  A start that fails takes it
 * away all the same (PID-9). */
void blivet_keep_pidfile(struct blivet_context *daemon);

/* Ends the context: "failed" if the launcher was told nothing (NTF-8), which then ends a process that does not end
 * itself within five seconds; pidfile removed, or emptied where that is no longer allowed (PID-7); lock released.
 * In a process forked from the daemon it only frees and closes.  NULL is allowed. */
void blivet_close(struct blivet_context *daemon);

/* Removes the pidfile when one of count signals ends the process; all are installed or none
 * (PID-8).  Once a context, one context a process at a time; blivet_close() takes the handlers away again. */
int blivet_remove_pidfile_on(struct blivet_context *daemon, const int *signals, size_t count,
                             struct blivet_error *error) BLIVET_MUST_CHECK;

/* The locked descriptor, close-on-exec, still the context's; -1 where there is none (PID-6). */
int blivet_lockfile_fd(const struct blivet_context *daemon);

/* Fills in an error as the library does: exit code from the table, "what: subject: why" with control
 * characters escaped and an overlong subject cut.  For applications that report failures of their
 * own through blivet_report_error().  subject and why may be NULL; where why is NULL and
 * system_errno is not 0, the text of that errno is the reason.  Returns in the caller; cannot fail;
 * async-signal-safe. */
void blivet_set_error(struct blivet_error *error, int kind, int system_errno, const char *what,
                      const char *subject, const char *why);

int blivet_exit_code(int kind);          /* the table of ERR; 0 for BLIVET_OK */
const char *blivet_step_name(int step);  /* static text, "output files"; NULL if not 1 to 14 */
const char *blivet_version(void);        /* of the library at run time */

#ifdef __cplusplus
}
#endif
#if defined __GNUC__
#pragma GCC visibility pop
#endif
#endif
