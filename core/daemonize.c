/* daemonize.c - THE SEQUENCE.  Read this first.
 *
 * Three processes: the LAUNCHER called blivet_daemonize() and waits (launcher.c); the SESSION LEADER, its child,
 * detaches; the DAEMON, the grandchild, goes on and returns to the caller.  In foreground mode the caller takes
 * the steps from 4 on itself.
 *
 * From the first fork on only async-signal-safe functions are called and nothing is allocated (SEQ-11).  A step
 * that fails has noted its error; what becomes of it is decided in one place, at the end of this file. */
#include "internal.h"
#include <errno.h>
#include <string.h>

/* ---- 1 to 3: out of the session ---- */

static int open_channel(struct blivet_context *daemon)
{
    const struct blivet_ops *ops = daemon->ops;
    int ends[2];
    void *page = ops->mmap(NULL, sizeof *daemon->page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "notification channel", NULL);
    daemon->page = page;
    daemon->page->step = daemon->step;
    if (ops->socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "notification channel", NULL);
    int floor = daemon->ready_fd > 2 ? daemon->ready_fd : 2; /* nothing of ours where the program's is to be */
    daemon->launcher_end = blivet_above(ops, ends[0], floor);
    if (daemon->launcher_end < 0)
        blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "notification channel", NULL);
    daemon->channel = blivet_above(ops, ends[1], floor);
    if (daemon->channel < 0)
        blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "notification channel", NULL);
    return daemon->launcher_end < 0 || daemon->channel < 0 ? -1 : 0;
}

/* No handler of the caller's runs in a child (SEQ-10).  SIGCHLD ignored would reap the leader behind the launcher's
 * back, and the daemon behind the leader's: their numbers could mean somebody else (SEQ-13). */
static int shut_signals_out(struct blivet_context *daemon)
{
    const struct blivet_ops *ops = daemon->ops;
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    sigset_t all;
    sigfillset(&all);
    if (ops->sigprocmask(SIG_SETMASK, &all, &daemon->mask) != 0)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "signal mask", NULL);
    if (ops->sigaction(SIGCHLD, &standard, &daemon->on_child) == 0)
        return 0;
    blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "signal dispositions", "SIGCHLD");
    ops->sigprocmask(SIG_SETMASK, &daemon->mask, NULL);
    return -1;
}

/* Returns in the session leader; in the launcher only if nothing has begun. */
static int first_fork(struct blivet_context *daemon)
{
    const struct blivet_ops *ops = daemon->ops;
    blivet_enter(daemon, STEP_FIRST_FORK);
    if (open_channel(daemon) != 0 || shut_signals_out(daemon) != 0)
        return -1;
    pid_t leader = ops->fork();
    if (leader > 0)
        blivet_launcher_waits(daemon, leader);
    if (leader < 0) {
        blivet_failed(daemon, BLIVET_FORK_FAILED, "first fork", NULL);
        ops->sigaction(SIGCHLD, &daemon->on_child, NULL);
        ops->sigprocmask(SIG_SETMASK, &daemon->mask, NULL);
        return -1;
    }
    daemon->process = SESSION_LEADER;
    blivet_close_fd(ops, &daemon->launcher_end);
    return blivet_place_ready_fd(daemon);
}

static int new_session(struct blivet_context *daemon)
{
    blivet_enter(daemon, STEP_SESSION);
    if (daemon->ops->setsid() < 0)
        return blivet_failed(daemon, BLIVET_SETSID_FAILED, "setsid", NULL);
    return 0;
}

/* The session leader's last act: what the launcher needs to know the daemon by. */
static _Noreturn void leave_daemon_to_launcher(struct blivet_context *daemon, pid_t child)
{
    daemon->page->pid = child;
    bool sent = blivet_send_handles(daemon->ops, daemon->channel, child);
    for (;;)
        daemon->ops->_exit(sent ? 0 : blivet_exit_code(BLIVET_NOTIFY_FAILED));
}

/* Returns in the daemon; in the session leader only if it fails. */
static int second_fork(struct blivet_context *daemon)
{
    blivet_enter(daemon, STEP_SECOND_FORK);
    pid_t child = daemon->ops->fork();
    if (child > 0)
        leave_daemon_to_launcher(daemon, child);
    if (child < 0)
        return blivet_failed(daemon, BLIVET_FORK_FAILED, "second fork", NULL);
    daemon->process = DAEMON;
    return 0;
}

/* In the process that goes on. */
static int note_own_pid(struct blivet_context *daemon)
{
    daemon->pid = daemon->ops->getpid();
    if (daemon->pid <= 0) /* never, but in a sandbox that refuses it: and this number goes into the pidfile */
        return blivet_refused(daemon, BLIVET_SYSTEM_FAILED, "process id", NULL, "cannot be told");
    if (daemon->page)
        daemon->page->pid = daemon->pid;
    return 0;
}

/* ---- 4, 5, 11, 14: steps of a line or two; the longer ones have files of their own ---- */

static int set_umask(struct blivet_context *daemon)
{
    blivet_enter(daemon, STEP_UMASK);
    if (daemon->ops->umask(daemon->umask) > 0777) /* no old mask is; a sandbox may refuse, with any errno */
        return blivet_refused(daemon, BLIVET_SYSTEM_FAILED, "umask", NULL, "cannot be set");
    return 0;
}

static int change_directory(struct blivet_context *daemon)
{
    int result;
    blivet_enter(daemon, STEP_DIRECTORY);
    UNINTERRUPTED(result, daemon->ops->chdir(daemon->directory));
    return result == 0 ? 0 : blivet_failed(daemon, BLIVET_CHDIR_FAILED, "working directory", daemon->directory);
}

static int set_environment(struct blivet_context *daemon)
{
    blivet_enter(daemon, STEP_ENVIRONMENT);
    if (daemon->environment) {
        daemon->ops->set_environment(daemon->environment);
        daemon->environment_given = true;
    }
    return 0;
}

/* The caller's code runs only as init's child, and only for a launcher that is still there (NTF-17). */
static int hand_over(struct blivet_context *daemon)
{
    blivet_enter(daemon, STEP_HAND_OVER);
    if (!blivet_is_foreground(daemon) && blivet_await_go(daemon) != 0)
        return -1;
    blivet_enter(daemon, STEP_APPLICATION);
    return 0;
}

/* ---- the sequence (SEQ-1) ---- */

static int take_all_steps(struct blivet_context *daemon)
{
    bool detach = !blivet_is_foreground(daemon);
    return (detach && (first_fork(daemon) != 0         /*  1 */
                       || new_session(daemon) != 0     /*  2 */
                       || second_fork(daemon) != 0))   /*  3 */
           || note_own_pid(daemon) != 0
           || set_umask(daemon) != 0                   /*  4 */
           || change_directory(daemon) != 0            /*  5 */
           || blivet_null_standard_streams(daemon) != 0 /* 6 */
           || blivet_take_lock(daemon) != 0            /*  7 */
           || blivet_write_pidfile(daemon) != 0        /*  8 */
           || blivet_reset_dispositions(daemon) != 0   /*  9 */
           || blivet_clear_mask(daemon) != 0           /* 10 */
           || set_environment(daemon) != 0             /* 11 */ /* GCOVR_EXCL_BR_LINE: cannot fail, and has the form of the others */
           || blivet_open_output_files(daemon) != 0    /* 12 */
           || blivet_close_inherited(daemon) != 0      /* 13 */ /* GCOVR_EXCL_BR_LINE: cannot fail, and has the form of the others */
           || hand_over(daemon) != 0;                  /* 14 */
}

/* ---- what becomes of a failure ---- */

/* Session leader and daemon: leave nothing, tell, end with the same code (SEQ-6). */
static _Noreturn void give_up(struct blivet_context *daemon)
{
    blivet_withdraw_pidfile(daemon);
    blivet_tell_failure(daemon, daemon->error.exit_code, daemon->error.message);
    for (;;)
        daemon->ops->_exit(daemon->error.exit_code);
}

/* The caller: nothing of ours stays open, locked or written (SEQ-4, SEQ-5). */
static void undo(struct blivet_context *daemon)
{
    blivet_withdraw_pidfile(daemon);
    blivet_restore_standard_streams(daemon);
    blivet_close_all(daemon);
    blivet_discard(daemon);
}

struct blivet_context *blivet_daemonize_on(const struct blivet_config *config, const struct blivet_ops *ops,
                                           enum blivet_threads threads, struct blivet_error *error)
{
    struct blivet_error unwanted;
    error = error ? error : &unwanted;
    struct blivet_context *daemon = blivet_prepare(config, ops, error);
    if (!daemon)
        return NULL;
    if (threads == BLIVET_COUNT_THREADS && blivet_require_one_thread(ops, error) != 0) {
        blivet_close_all(daemon);
        blivet_discard(daemon);
        return NULL;
    }
    if (threads != BLIVET_TRUST_COMMAND)
        blivet_flush_stdio(ops);
    if (take_all_steps(daemon) == 0)
        return daemon;
    if (daemon->process != CALLER)
        give_up(daemon);
    *error = daemon->error;
    undo(daemon);
    return NULL;
}

struct blivet_context *blivet_daemonize(const struct blivet_config *config, struct blivet_error *error)
{
    return blivet_daemonize_on(config, &blivet_libc, BLIVET_COUNT_THREADS, error);
}

struct blivet_context *blivet_daemonize_unchecked(const struct blivet_config *config, struct blivet_error *error)
{
    return blivet_daemonize_on(config, &blivet_libc, BLIVET_TRUST_CALLER, error);
}
