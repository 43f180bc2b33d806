/* context.c - life after daemonize: what the daemon says to its launcher, and the end (NTF).
 *
 * The channel is a stream socket.  From the launcher comes one byte, "go": the session leader is gone and the
 * launcher listens.  To the launcher goes the verdict, the daemon's never before "go", and always by
 * send(MSG_NOSIGNAL): a launcher that has died is an error, never a SIGPIPE (NTF-7). */
#include "internal.h"
#include "verdict.h"
#include <errno.h>
#include <string.h>

void blivet_enter(struct blivet_context *daemon, int step)
{
    daemon->step = step;
    if (daemon->page)
        daemon->page->step = step;
    daemon->ops->enter_step(step);
}

/* In a process forked from the daemon the context only closes and frees (NTF-8). */
static bool is_ours(const struct blivet_context *daemon) { return daemon->ops->getpid() == daemon->pid; }

int blivet_await_go(struct blivet_context *daemon)
{
    ssize_t count;
    char go;
    if (daemon->has_go)
        return 0;
    UNINTERRUPTED(count, daemon->ops->recv(daemon->channel, &go, 1, 0));
    if (count <= 0 && daemon->page->left) { /* with what it was sent unread, that is a reset and not the end */
        daemon->has_go = true;
        return 0;
    }
    if (count < 0)
        return blivet_failed(daemon, BLIVET_NOTIFY_FAILED, "notification", NULL);
    if (count == 0)
        return blivet_refused(daemon, BLIVET_NOTIFY_FAILED, "notification", NULL, "the launcher is gone");
    daemon->has_go = true;
    return 0;
}

static int send_all(struct blivet_context *daemon, const unsigned char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent;
        UNINTERRUPTED(sent, daemon->ops->send(daemon->channel, bytes, count, MSG_NOSIGNAL));
        if (sent < 0)
            return blivet_failed(daemon, BLIVET_NOTIFY_FAILED, "notification", NULL);
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

static void hang_up(struct blivet_context *daemon)
{
    blivet_close_fd(daemon->ops, &daemon->channel);
    if (daemon->process != CALLER) /* there it is the caller's, or the supervisor's */
        blivet_close_fd(daemon->ops, &daemon->ready_fd);
    if (daemon->page)
        daemon->ops->munmap(daemon->page, sizeof *daemon->page);
    daemon->page = NULL;
}

/* Best effort: the daemon ends whether or not the launcher hears why.  The session leader does not wait for
 * "go": it is the one that the launcher waits for. */
int blivet_tell_failure(struct blivet_context *daemon, int code, const char *message)
{
    unsigned char bytes[BLIVET_VERDICT_SIZE];
    size_t count = blivet_encode_failure(bytes, code, message);
    if (daemon->channel < 0 || daemon->told)
        return 0;
    daemon->told = true;
    if (daemon->process == DAEMON && blivet_await_go(daemon) != 0)
        return -1;
    return send_all(daemon, bytes, count);
}

/* ---- success ---- */

static int refuse_before_drop(struct blivet_context *daemon)
{
    if (blivet_refuse_if_broken(daemon) != 0)
        return -1;
    if (daemon->identity.wanted && !daemon->dropped)
        return blivet_refused(daemon, BLIVET_NOT_DROPPED, "privileges", NULL, "not dropped");
    return 0;
}

static int tell_success(struct blivet_context *daemon, unsigned char byte)
{
    if (daemon->told || blivet_is_foreground(daemon))
        return 0;
    if (daemon->page->left) /* it will not hear us, and that is as it was asked to be (NTF-11) */
        return 0;
    return send_all(daemon, &byte, 1) == 0 || daemon->page->left ? 0 : -1; /* it may have left just now */
}

int blivet_notify_parent(struct blivet_context *daemon, struct blivet_error *error)
{
    if (daemon->announced) { /* after it only a failure means anything (NTF-3) */
        blivet_refused(daemon, BLIVET_NOTIFY_FAILED, "notification", NULL, "an exec was announced");
        return blivet_hand_error(daemon, error);
    }
    if (refuse_before_drop(daemon) != 0 || tell_success(daemon, BLIVET_BYTE_READY) != 0)
        return blivet_hand_error(daemon, error);
    if (blivet_is_foreground(daemon) && !daemon->told && blivet_tell_manager(daemon) != 0)
        return blivet_hand_error(daemon, error);
    daemon->told = true;
    hang_up(daemon);
    return 0;
}

int blivet_announce_exec(struct blivet_context *daemon, struct blivet_error *error)
{
    if (refuse_before_drop(daemon) != 0 || (!daemon->announced && tell_success(daemon, BLIVET_BYTE_EXEC) != 0))
        return blivet_hand_error(daemon, error);
    daemon->announced |= !daemon->told; /* after "ready" nobody is told, and "ready" stays harmless (NTF-12) */
    return 0;
}

/* ---- failure ---- */

/* A start that fails leaves no pidfile, whatever was asked for; an end after "ready" is an ordinary one. */
static void take_pidfile_away(struct blivet_context *daemon)
{
    if (daemon->told)
        blivet_cleanup(daemon);
    else
        blivet_withdraw_pidfile(daemon);
}

void blivet_fail(struct blivet_context *daemon, int exit_code, const char *message)
{
    const struct blivet_ops *ops = daemon->ops;
    int code = exit_code >= 1 && exit_code <= 254 ? exit_code : blivet_exit_code(BLIVET_APPLICATION_FAILED);
    if (!is_ours(daemon))
        for (;;)
            ops->_exit(code); /* a forked worker: neither the pidfile nor the launcher is its business */
    take_pidfile_away(daemon);
    if (blivet_is_foreground(daemon))
        blivet_say(ops, daemon->stderr_path ? daemon->original[2] : 2, message); /* not into the log (CLI-14) */
    else if (blivet_tell_failure(daemon, code, message) != 0 && daemon->announced)
        ops->raise(SIGKILL); /* who announced an exec and exits without a word would pass for the program (NTF-3) */
    for (;;)
        ops->exit(code); /* with the application's exit handlers, once */
}

void blivet_report_error(struct blivet_context *daemon, const struct blivet_error *error)
{
    blivet_fail(daemon, error->exit_code, error->message);
}

/* ---- the end ---- */

void blivet_cleanup(struct blivet_context *daemon)
{
    if (daemon->pidfile_fd < 0 || (daemon->flags & BLIVET_KEEP_PIDFILE) || !is_ours(daemon))
        return;
    blivet_remove_pidfile(daemon->ops, daemon->pidfile, daemon->pidfile_fd, daemon->pid);
}

void blivet_keep_pidfile(struct blivet_context *daemon) { daemon->flags |= BLIVET_KEEP_PIDFILE; }

/* Everything that the context holds.  The lock goes by closing, never by LOCK_UN: a worker may share it (PID-6). */
void blivet_close_all(struct blivet_context *daemon)
{
    hang_up(daemon);
    blivet_close_fd(daemon->ops, &daemon->launcher_end);
    blivet_close_fd(daemon->ops, &daemon->ear);
    blivet_close_fd(daemon->ops, &daemon->ready_write);
    blivet_release_logs(daemon);
    blivet_close_fd(daemon->ops, &daemon->pidfile_fd);
    blivet_close_fd(daemon->ops, &daemon->lock_fd);
    for (int fd = 0; fd < 3; fd++)
        blivet_close_fd(daemon->ops, &daemon->original[fd]);
}

void blivet_close(struct blivet_context *daemon)
{
    if (!daemon)
        return;
    if (is_ours(daemon) && blivet_is_foreground(daemon))
        blivet_cleanup(daemon);
    else if (is_ours(daemon)) {
        take_pidfile_away(daemon);
        if (!daemon->told)
            blivet_tell_failure(daemon, blivet_exit_code(BLIVET_ENDED_EARLY),
                                "daemon exited without signalling readiness");
    }
    blivet_take_handlers_away(daemon); /* after the pidfile: a signal meanwhile must not leave it behind */
    blivet_close_all(daemon);
    blivet_discard(daemon);
}

int blivet_lockfile_fd(const struct blivet_context *daemon) { return daemon->lock_fd; }
