/* launcher.c - the launcher's side: wait, conclude, print, end (NTF-13).
 *
 * The session leader is waited for, but not reaped before the verdict: as long as it is a zombie, nobody else can
 * be given its number, so kill(-leader) reaches the daemon and what it has forked, and never a stranger.  While
 * the daemon is its own child the leader opens two handles on it, /proc/PID/stat and a pidfd, and passes them on;
 * both are tied to the process, not to the number.  Then the launcher says "go".
 *
 * Promise: exit 0 only if the daemon is ready, or runs the program it announced; with anything else nothing of
 * ours is left, no process, no lock, no pidfile that names it. */
#include "launch.h"
#include <errno.h>
#include <string.h>

/* ---- the leader ---- */

static int left_ms(const struct launch *launch)
{
    int64_t left = launch->deadline ? launch->deadline - blivet_now_ms(launch->ops) : INT32_MAX;
    return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* To its end, but not reaped; where there is a limit, no longer than that: a leader can be stopped. */
static void await_leader(struct launch *launch)
{
    const struct blivet_ops *ops = launch->ops;
    bool limited = launch->deadline != 0;
    struct pollfd end = { .fd = limited ? blivet_above(ops, ops->pidfd_open(launch->leader, 0), 2) : -1, .events = POLLIN };
    siginfo_t info;
    int ended = 0;
    while (ended == 0 && left_ms(launch) > 0) {
        if (limited)
            ops->poll(&end, 1, end.fd >= 0 ? left_ms(launch) : 1);
        ended = blivet_wait_for(ops, launch->leader, limited ? WNOHANG | WNOWAIT : WNOWAIT, &info);
    }
    blivet_close_fd(ops, &end.fd);
    if (ended < 0)
        launch->unreadable = errno;
    launch->leader_ended = ended > 0;
    launch->late = ended == 0;
    if (ended > 0)
        launch->leader_status = blivet_status_of(&info);
}

/* Who is not there to hear it has hung up, and the channel will say so. */
static bool say_go(struct launch *launch)
{
    ssize_t sent;
    UNINTERRUPTED(sent, launch->ops->send(launch->channel, "g", 1, MSG_NOSIGNAL));
    if (sent != 1 && errno != EPIPE)
        launch->unreadable = errno;
    return sent == 1;
}

/* A leader that did its work has passed the handles on.  Without that there is no "go", and the end of the
 * channel makes the daemon give up. */
static void see_leader_off(struct launch *launch)
{
    const struct blivet_ops *ops = launch->ops;
    bool handed = false;
    await_leader(launch);
    if (launch->leader_ended && (launch->leader_status == 0 || launch->daemon->page->pid > 0)) {
        errno = 0;
        handed = blivet_receive_handles(ops, launch->channel, &launch->stat, &launch->pidfd);
        if (!handed && launch->leader_status == 0)
            launch->unreadable = errno ? errno : EPROTO;
    }
    if (launch->leader_status == 0 && handed)
        launch->forked = launch->pid = launch->daemon->page->pid; /* not later: after "go" an application writes there too */
    bool going = launch->pid > 0 && say_go(launch);
    if (!going && launch->leader_ended)
        ops->shutdown(launch->channel, SHUT_WR);
}

/* ---- the verdict ---- */

static void read_channel(struct launch *launch)
{
    ssize_t count;
    UNINTERRUPTED(count, launch->ops->recv(launch->channel, launch->bytes + launch->count,
                                           sizeof launch->bytes - launch->count, MSG_DONTWAIT));
    if (count > 0)
        launch->count += (size_t)count;
    else if (count == 0 || errno == ECONNRESET) /* reset: it died with our "go" unread */
        launch->ended = true;
    else if (errno != EAGAIN)
        launch->unreadable = errno;
    else if (launch->dead)
        launch->ended = true; /* a worker may hold the channel open, but nobody will speak any more (NTF-16) */
}

static bool is_concluded(struct launch *launch)
{
    bool full = launch->count == sizeof launch->bytes;
    blivet_decode(launch->bytes, launch->count, launch->ended || full, &launch->verdict);
    if (launch->ended || launch->unreadable || launch->late)
        return true;
    return launch->verdict.state != BLIVET_WAITING && launch->verdict.state != BLIVET_ANNOUNCED;
}

/* How long to sleep: to the limit, or a tick where something must be looked at that no poll tells. */
static int nap(const struct launch *launch)
{
    bool ticking = launch->pidfd < 0 || (launch->verdict.state == BLIVET_ANNOUNCED && !launch->execed);
    int left = left_ms(launch);
    if (ticking)
        return left < TICK_MS ? left : TICK_MS;
    return launch->deadline ? left : -1;
}

/* On what it speaks through and, the second, its pidfd.  Whether it is dead is looked at before anything is read: what it
 * said before it died counts. */
static int await_event(struct launch *launch, struct pollfd fds[2])
{
    fds[1].fd = launch->pidfd; /* MAINPID= may have changed it */
    fds[0].revents = fds[1].revents = 0; /* a poll that is interrupted leaves them as they were */
    int ready = launch->ops->poll(fds, 2, nap(launch));
    if (ready < 0 && errno == EINTR)
        ready = 0; /* a timer of the caller's must not put the looks off for ever */
    if (ready >= 0)
        launch->dead = launch->pidfd >= 0 ? fds[1].revents != 0 : blivet_is_dead(launch);
    else
        launch->unreadable = errno;
    return ready;
}

static void await_verdict(struct launch *launch)
{
    struct pollfd fds[2] = { { .fd = launch->channel, .events = POLLIN }, { .events = POLLIN } };
    while (!is_concluded(launch)) {
        int ready = await_event(launch, fds);
        if (ready < 0)
            continue;
        if (ready > 0 || launch->dead)
            read_channel(launch);
        else if (launch->verdict.state == BLIVET_ANNOUNCED && blivet_has_execed(launch))
            launch->ended = true; /* a worker may hold the channel open (NTF-16) */
        else if (left_ms(launch) == 0)
            launch->late = true;
    }
}

/* ---- a program that says when it is ready (NTF-15) ---- */

/* The end of its descriptor comes a moment before a pidfd tells of a death, but not before /proc/PID/stat does. */
static bool has_died(const struct launch *launch)
{
    if (launch->dead || blivet_is_certainly_alive(launch))
        return launch->dead;
    return launch->pidfd >= 0 ? blivet_dies_within(launch, TRACE_MS) : blivet_is_dead(launch);
}

static void describe_unready_program(struct launch *launch)
{
    struct blivet_evidence evidence = { 0 };
    if (!has_died(launch)) {
        blivet_set_error(&launch->daemon->error, BLIVET_ENDED_EARLY, launch->reported,
                         "program closed its readiness descriptor before it was ready", NULL, NULL);
        return;
    }
    blivet_gather(launch, &evidence);
    blivet_describe_death(launch, launch->pid == launch->forked ? "program" : "main process", evidence.known, evidence.status);
}

static bool await_readiness(struct launch *launch)
{
    struct pollfd fds[2] = { { .fd = launch->daemon->ear, .events = POLLIN }, { .events = POLLIN } };
    launch->execed = true;
    launch->dead = false;
    while (!launch->ready && !launch->hung_up && !launch->dead && !launch->late && !launch->unreadable) {
        if (await_event(launch, fds) < 0)
            continue;
        if (fds[0].revents)
            blivet_hear(launch);
        if (launch->pidfd != fds[1].fd) /* it named another before it died */
            launch->dead = false;
        launch->late = !launch->dead && left_ms(launch) == 0;
    }
    if (launch->ready)
        return true;
    if (launch->unreadable)
        blivet_set_error(&launch->daemon->error, BLIVET_SYSTEM_FAILED, launch->unreadable, "notification channel", NULL,
                         NULL);
    else if (launch->late)
        blivet_describe_lateness(launch);
    else
        describe_unready_program(launch);
    return false;
}

/* ---- the end ---- */

/* Silence.  Returns true if the announced program runs. */
static bool judge_silence(struct launch *launch)
{
    struct blivet_evidence evidence = { 0 };
    struct blivet_error *error = &launch->daemon->error;
    blivet_gather(launch, &evidence);
    enum blivet_fate fate = blivet_judge(&evidence);
    if (launch->leader_status != 0 && fate != BLIVET_STARTED)
        blivet_describe_death(launch, "session leader", true, launch->leader_status);
    else if (fate == BLIVET_DIED)
        blivet_describe_death(launch, "daemon", evidence.known, evidence.status);
    else if (fate == BLIVET_HUNG_UP)
        blivet_set_error(error, BLIVET_ENDED_EARLY, 0, "daemon hung up before it was ready", NULL, NULL);
    else if (fate == BLIVET_STRAYED)
        blivet_set_error(error, BLIVET_ENDED_EARLY, 0, "daemon ran another program before it was ready", NULL, NULL);
    return fate == BLIVET_STARTED;
}

/* Returns true on success; else the error is in the context and nothing is left. */
static bool conclude(struct launch *launch)
{
    struct blivet_error *error = &launch->daemon->error;
    bool ask_first = true;
    if (launch->verdict.state == BLIVET_READY)
        return true;
    if (launch->verdict.state == BLIVET_FAILED) {
        blivet_set_error(error, BLIVET_APPLICATION_FAILED, 0,
                         *launch->verdict.message ? launch->verdict.message : "daemon failed", NULL, NULL);
        error->exit_code = launch->verdict.code;
        ask_first = false;
    } else if (launch->verdict.state == BLIVET_MALFORMED)
        blivet_set_error(error, BLIVET_MALFORMED_VERDICT, 0, "malformed verdict", launch->verdict.message, NULL);
    else if (launch->late)
        blivet_describe_lateness(launch);
    else if (launch->unreadable)
        blivet_set_error(error, BLIVET_SYSTEM_FAILED, launch->unreadable, "notification channel", NULL, NULL);
    else if (judge_silence(launch) && (launch->daemon->ready == BLIVET_READY_EXEC || await_readiness(launch)))
        return true;
    if (launch->late && (launch->daemon->flags & BLIVET_LEAVE_ON_TIMEOUT)) {
        launch->daemon->page->left = 1;
        return false;
    }
    blivet_end_daemon(launch, ask_first);
    blivet_clean_up_after_dead(launch->daemon, launch->forked ? launch->forked : launch->daemon->page->pid,
                               blivet_daemon_pid(launch));
    return false;
}

/* One that is stopped was killed with the daemon, or left with it.  If the signal did not get through it is sent again,
 * up to a limit: nobody waits for ever. */
static void reap_leader(const struct launch *launch)
{
    enum { PATIENCE_MS = 1000 };
    const struct blivet_ops *ops = launch->ops;
    siginfo_t info;
    if (blivet_wait_for(ops, launch->leader, launch->leader_ended ? 0 : WNOHANG, &info) != 0 || launch->daemon->page->left)
        return;
    int64_t deadline = blivet_now_ms(ops) + PATIENCE_MS;
    do {
        ops->kill(launch->leader, SIGKILL); /* unreaped: the number is its own */
        ops->poll(NULL, 0, 1);
    } while (blivet_wait_for(ops, launch->leader, WNOHANG, &info) == 0 && blivet_now_ms(ops) < deadline);
}

void blivet_launcher_waits(struct blivet_context *daemon, pid_t leader)
{
    const struct blivet_ops *ops = daemon->ops;
    struct launch launch = { .daemon = daemon, .ops = ops, .leader = leader, .channel = daemon->launcher_end,
                             .stat = -1, .pidfd = -1 };
    siginfo_t info;
    launch.limit_ms = daemon->timeout_ms;
    launch.deadline = launch.limit_ms ? blivet_now_ms(ops) + launch.limit_ms : 0;
    blivet_close_fd(ops, &daemon->channel);
    blivet_close_fd(ops, &daemon->ready_write);
    ops->sigprocmask(SIG_SETMASK, &daemon->mask, NULL); /* SIGCHLD stays at its default: nobody else reaps our children */
    see_leader_off(&launch);
    await_verdict(&launch);
    bool ready = conclude(&launch);
    reap_leader(&launch);
    if (!ready && blivet_daemon_pid(&launch) > 0)
        blivet_wait_for(ops, blivet_daemon_pid(&launch), WNOHANG, &info); /* where it is our child: a subreaper, or init */
    if (!ready)
        blivet_say(ops, 2, daemon->error.message);
    if (!ready && !daemon->page->left)
        blivet_await_group(&launch); /* the leader is reaped: its number is in use for as long as one of them is there */
    for (;;)
        ops->_exit(ready ? 0 : daemon->error.exit_code);
}
