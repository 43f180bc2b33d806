/* script.h - the scripted process: a test plays launcher, session leader or daemon, in process.
 *
 * Two tables, stacked.  `script_kernel` is an invented kernel: a handful of files, descriptors, locks, ids and a
 * clock, and fork answers what the test says.  `blivet_script` stands before it: it notes the name of each call,
 * and fails the one that the test has named.  _exit jumps back into the test. */
#ifndef BLIVET_SCRIPT_H
#define BLIVET_SCRIPT_H
#include "../syscall/ops.h"
#include <setjmp.h>
#include <stdbool.h>

extern const struct blivet_ops blivet_script; /* what the code under test is given */
extern const struct blivet_ops script_kernel;

enum script_role { SCRIPT_LAUNCHER, SCRIPT_LEADER, SCRIPT_DAEMON };
enum { SCRIPT_CALLER_PID = 100, SCRIPT_LEADER_PID = 101, SCRIPT_DAEMON_PID = 102 };
enum { SCRIPT_FDS = 64, SCRIPT_FILES = 48, SCRIPT_CONTENT = 8192, SCRIPT_GROUPS = 256 };

/* In the place of an errno: the call answers 0 and does nothing; it moves half of the bytes that it was asked to. */
enum { SCRIPT_LIES = -1, SCRIPT_HALF = -2 };

enum script_end { SCRIPT_RETURNED, SCRIPT_EXITED, SCRIPT_HUNG, SCRIPT_KILLED /* by the signal in script.raised */ };

struct script_file {
    char path[128];
    mode_t mode; /* with its type */
    uid_t uid;
    gid_t gid;
    nlink_t links;
    ino_t inode; /* 0: no such file */
    char target[128]; /* of a symbolic link */
    char content[SCRIPT_CONTENT];
    off_t position; /* where a descriptor on it was moved to */
    size_t size;
    int locked_by; /* open description; -1: another process */
};

struct script_description {
    int users, file, flags; /* file: -1 where it is none */
    enum script_kind { SCRIPT_FREE, SCRIPT_FILE, SCRIPT_CHANNEL, SCRIPT_PIDFD, SCRIPT_LISTING, SCRIPT_SOCKET,
                       SCRIPT_PIPE, SCRIPT_OTHERS, SCRIPT_OTHER } kind; /* /proc, /proc/PID */
    off_t offset;
};

struct script_fault {
    const char *call;
    int nth, error; /* nth: 1 the first; 0 each one */
    bool persists;  /* the nth and each one after it */
};

struct script {
    /* What the test says. */
    enum script_role role;
    struct script_fault faults[8];
    bool launcher_gone;          /* daemon: no "go", and nobody hears */
    const char *hears;           /* launcher: what comes over the channel */
    size_t hears_count;
    bool hears_end;              /* ... and then its end */
    void (*meanwhile)(void);     /* launcher: what its children do, at the first fork */
    int64_t event_ms;            /* launcher: nothing is heard and nobody is dead before this time */
    bool has_stat, has_pidfd;    /* launcher: what the leader passed on */
    const char *stat_line;       /* what /proc/PID/stat reads; NULL: ESRCH */
    bool leader_stopped;         /* it does not end before SIGKILL */
    int leader_status, daemon_status; /* as wait(2) has them */
    bool leader_spoke;           /* whatever its status: it had passed the handles on */
    bool daemon_dead, daemon_is_child, status_kept;
    bool daemon_unreaped;        /* its parent does not care: kill(2) finds it, dead or not */
    bool deaf_to_sigterm;
    bool daemon_stopped;         /* SIGTERM waits until SIGCONT */
    bool left_group;             /* the daemon: kill(-leader) does not reach it */
    int64_t death_ms;            /* it takes so long to die of a signal */
    int64_t worker_ms;           /* launcher: and so much longer somebody holds the channel open */
    int database_groups;         /* of www, besides its own */
    int threads;                 /* of the process */
    int leaving_threads;         /* joined already, and gone at the next poll */
    bool short_counts;           /* send, recv and write move one byte at a time */
    size_t disk_room;            /* bytes that the next pwrite has room for; 0: enough */
    bool stuck_reader;           /* nothing can be written to descriptors 1 and 2 */
    bool no_close_range, no_proc;
    int foreign_opens;           /* another process replaces the pidfile between open and lock, so often */
    int64_t foreign_lock_ms;     /* when it lets go of a lock that it holds; 0: never */
    void (*before_open)(const char *path); /* what another process does just before */
    void (*watch)(const char *call);       /* looks, before each call ... */
    uintptr_t first, second;               /* ... at its first two arguments */
    int most_calls;              /* who makes more hangs; 0: no bound */
    int exit_returns;            /* so often _exit and exit come back, as they never should: nothing may follow them */
    bool loose_modes;            /* a file system where all may write what is created */

    struct script_notice {
        int64_t at_ms;
        pid_t sender;
        const char *text; /* over the notify socket, or the readiness pipe; NULL: the pipe's end */
    } notices[8];
    int notice_count;

    struct script_other { /* a process beside ours, and what it has open */
        pid_t pid;
        int fd;
        const char *lock; /* the line of its fdinfo, "" where there is none */
        const char *path; /* of the file */
        uid_t uid;
        bool killed, in_session; /* the daemon's */
    } others[5];
    int other_count;
    pid_t in_session; /* a process of the daemon's session, beside the daemon */
    const char *session_line; /* what its /proc/PID/stat reads from event_ms on; NULL: ESRCH */

    /* What the kernel knows. */
    struct script_file files[SCRIPT_FILES];
    struct script_description descriptions[SCRIPT_FDS];
    int fds[SCRIPT_FDS];         /* description, -1: closed */
    bool cloexec[SCRIPT_FDS];
    pid_t pid;
    uid_t uids[3];
    gid_t gids[3];
    gid_t groups[SCRIPT_GROUPS];
    int group_count;
    uint32_t capabilities;
    bool keeps_capabilities;     /* no_setuid_fixup */
    uint32_t left_capabilities[6]; /* and these, as capget tells them */
    bool blocks_for_ids;         /* a C library that blocks signals while ids change, and leaves them so */
    mode_t umask;
    int columns; /* of its terminal */
    char directory[128];
    struct sigaction actions[NSIG];
    sigset_t mask;
    char **environment;
    char names[8][64];           /* set by setenv */
    int64_t clock_ms, timer_ms;  /* the caller's interval timer, whose signal it catches; 0: none */
    ino_t next_inode;
    void *page;                  /* shared memory */
    size_t page_size;

    /* What happened. */
    char trace[16384];           /* names of calls, each with a space behind */
    size_t traced;               /* its length */
    int calls, faults_fired;
    bool half;                   /* what the next of the kernel's writes and reads moves */
    char manager[160];           /* the address that was connected to, with '@' for a zero byte */
    char told_manager[64];
    int notices_heard;
    char said[2048];             /* by the daemon over the channel */
    size_t said_count;
    int handles_sent, handles_kind; /* by the leader: descriptors, and the byte with them */
    char printed[4096];          /* on descriptor 2, of whatever kind */
    int exit_code;
    bool exit_was_exit;          /* exit(3) rather than _exit(2) */
    int exits;                   /* calls of the two */
    char called_after_exit[24];  /* the first one, "": none */
    int signals_sent[8], signal_count;
    int raised;
    size_t allocations, allocations_after_fork;
    bool handles_taken;          /* said at first: the leader never speaks */
    bool handles_lost;           /* their byte was read, and not they */
    bool go_taken, struck, asked, leader_reaped, daemon_reaped, struck_stranger;
    char tried[512];             /* paths that execve was given, each with a space behind */
    char executed[256];          /* the one that it took */
    char executed_argv[512];     /* its words, each in brackets */
    bool running;                /* inside script_run */
    jmp_buf end;
};

extern struct script script;

/* A fresh machine: /, /dev/null, /run, /tmp, /var/log; descriptors 0 to 2 on a terminal; root. */
void script_begin(enum script_role role);
void script_fail(const char *call, int nth, int error);
void script_fail_from(const char *call, int nth, int error); /* and each one after it */
struct script_file *script_file(const char *path);                       /* NULL: not there */
struct script_file *script_add(const char *path, mode_t mode, const char *content);
/* Runs the code under test; says how it ended. */
enum script_end script_run(void (*body)(void *), void *argument);
bool script_called(const char *call);
int script_count(const char *call);
int script_open_fds(void); /* above 2 */
const char *script_path_of(int fd); /* of the file on it; NULL: closed, or no file */
_Noreturn void script_stop(enum script_end how); /* ends the scripted process */
bool script_is_locked(const char *path);
#endif
