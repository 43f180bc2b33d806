/* launcher.c - the launcher's side: wait, conclude, print, end (NTF-13).
 *
 * The session leader is waited for, but not reaped before the verdict: as long as it is a zombie, nobody else can
 * be given its number, so kill(-leader) reaches the daemon and what it has forked, and never a stranger.  While
 * the daemon is its own child the leader opens two handles on it, /proc/PID/stat and a pidfd, and passes them on;
 * both are tied to the process, not to the number.  Then the launcher says "go".
 *
 * Promise: exit 0 only if the daemon is ready, or runs the program it announced; with anything else nothing of
 * ours is left, no process, no lock, no pidfile that names it. */
#include "internal.h"
#include "text.h"
#include "verdict.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* GRACE: from SIGTERM to SIGKILL.  OTHERS: for what the daemon has forked.  TRACE: for what the kernel has yet to note. */
enum { GRACE_MS = 5000, OTHERS_MS = 500, TRACE_MS = 100, TICK_MS = 20 };

struct launch {
    struct blivet_context *daemon;
    const struct blivet_ops *ops;
    pid_t leader;
    int channel, stat, pidfd;
    bool leader_ended;
    int leader_status; /* as wait(2) has it; 0: it did its work */
    int64_t deadline;  /* 0: none */
    unsigned char bytes[BLIVET_VERDICT_SIZE];
    size_t count;
    bool ended, late, dead;
    int unreadable; /* errno of the channel, or of the wait for the leader */
    struct blivet_verdict verdict;
};

/* ---- in the launcher: the leader ---- */

/* 1: ended, 0: not yet, -1: no child of ours. */
static int wait_for(const struct blivet_ops *ops, pid_t pid, int options, siginfo_t *info)
{
    int result;
    memset(info, 0, sizeof *info);
    UNINTERRUPTED(result, ops->waitid(P_PID, (id_t)pid, info, WEXITED | options));
    return result != 0 ? -1 : info->si_pid == pid;
}

/* In the encoding of wait(2). */
static int status_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? (info->si_status & 0xff) << 8 : info->si_status;
}

static int left_ms(const struct launch *launch)
{
    int64_t left = launch->deadline ? launch->deadline - blivet_now_ms(launch->ops) : INT32_MAX;
    return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* To its end, but not reaped; where there is a limit, no longer than that: a leader can be stopped. */
static void await_leader(struct launch *launch)
{
    struct pollfd channel = { .fd = launch->channel, .events = POLLIN };
    siginfo_t info;
    int ended = 0;
    if (launch->deadline)
        launch->ops->poll(&channel, 1, left_ms(launch)); /* its last act but one is to speak */
    while (ended == 0 && left_ms(launch) > 0) {
        ended = wait_for(launch->ops, launch->leader, launch->deadline ? WNOHANG | WNOWAIT : WNOWAIT, &info);
        if (ended == 0)
            launch->ops->poll(NULL, 0, 1);
    }
    if (ended < 0)
        launch->unreadable = errno;
    launch->leader_ended = ended > 0;
    launch->late = ended == 0;
    if (ended > 0)
        launch->leader_status = status_of(&info);
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
    if (launch->leader_ended && launch->daemon->page->pid > 0) {
        errno = 0;
        handed = blivet_receive_handles(ops, launch->channel, &launch->stat, &launch->pidfd);
        if (!handed && launch->leader_status == 0)
            launch->unreadable = errno ? errno : EPROTO;
    }
    bool going = launch->leader_status == 0 && handed && say_go(launch);
    if (!going && launch->leader_ended)
        ops->shutdown(launch->channel, SHUT_WR);
}

/* ---- in the launcher: the verdict ---- */

static bool read_stat(const struct launch *launch, struct blivet_evidence *evidence)
{
    char line[1024], *tail;
    ssize_t count = -1;
    if (launch->stat >= 0)
        UNINTERRUPTED(count, launch->ops->pread(launch->stat, line, sizeof line - 1, 0));
    if (count <= 0)
        return false; /* ESRCH: it has been reaped */
    line[count] = '\0';
    tail = strrchr(line, ')');
    for (int field = 2; tail && field < 9; field++)
        tail = strchr(tail + 1, ' ');
    if (!tail)
        return false;
    evidence->seen = true;
    evidence->flags = (unsigned)strtoul(tail, NULL, 10);
    char *last = strrchr(line, ' '); /* field 52, the wait status; 0 to those who may not know */
    long status = last ? strtol(last, NULL, 10) : 0;
    if (status != 0) {
        evidence->known = true;
        evidence->status = (int)status;
    }
    return true;
}

static bool is_signalled(const struct launch *launch, int milliseconds)
{
    struct pollfd pidfd = { .fd = launch->pidfd, .events = POLLIN };
    return launch->pidfd >= 0 && launch->ops->poll(&pidfd, 1, milliseconds) > 0;
}

static bool is_dead(const struct launch *launch)
{
    struct blivet_evidence evidence = { 0 };
    pid_t pid = launch->daemon->page->pid;
    if (launch->pidfd >= 0)
        return is_signalled(launch, 0);
    if (launch->stat >= 0)
        return !read_stat(launch, &evidence) || (evidence.flags & BLIVET_PF_EXITING);
    return pid <= 0 || (launch->ops->kill(pid, 0) != 0 && errno == ESRCH);
}

static bool has_execed(const struct launch *launch)
{
    struct blivet_evidence evidence = { .announced = true };
    return read_stat(launch, &evidence) && blivet_judge(&evidence) == BLIVET_STARTED;
}

static void read_channel(struct launch *launch)
{
    ssize_t count;
    UNINTERRUPTED(count, launch->ops->recv(launch->channel, launch->bytes + launch->count,
                                           sizeof launch->bytes - launch->count, MSG_DONTWAIT));
    if (count > 0)
        launch->count += (size_t)count;
    else if (count == 0 || errno == ECONNRESET) /* reset: it died with our "go" unread */
        launch->ended = true;
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
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
    bool ticking = launch->pidfd < 0 || launch->verdict.state == BLIVET_ANNOUNCED;
    int left = left_ms(launch);
    if (ticking)
        return left < TICK_MS ? left : TICK_MS;
    return launch->deadline ? left : -1;
}

static void await_verdict(struct launch *launch)
{
    struct pollfd fds[2] = { { .fd = launch->channel, .events = POLLIN }, { .fd = launch->pidfd, .events = POLLIN } };
    while (!is_concluded(launch)) {
        int ready = launch->ops->poll(fds, 2, nap(launch));
        if (ready < 0 && errno != EINTR)
            launch->unreadable = errno;
        if (ready < 0)
            continue;
        /* Looked at before reading: what it said before it died counts. */
        launch->dead = launch->pidfd >= 0 ? fds[1].revents != 0 : is_dead(launch);
        if (ready > 0 || launch->dead)
            read_channel(launch);
        else if (launch->verdict.state == BLIVET_ANNOUNCED && has_execed(launch))
            launch->ended = true; /* a worker may hold the channel open (NTF-16) */
        else if (left_ms(launch) == 0)
            launch->late = true;
    }
}

/* ---- in the launcher: the end ---- */

/* Only through what cannot name another process: the leader's number, unreaped, and the handles. */
static void signal_daemon(const struct launch *launch, int signal)
{
    const struct blivet_ops *ops = launch->ops;
    if (!launch->leader_ended)
        ops->kill(launch->leader, signal); /* it may not have a group of its own yet */
    ops->kill(-launch->leader, signal);
    if (launch->pidfd >= 0) /* the daemon may have left the group */
        ops->pidfd_send_signal(launch->pidfd, signal, NULL, 0);
    else if (launch->stat >= 0 && !is_dead(launch))
        ops->kill(launch->daemon->page->pid, signal); /* not reaped: the number is still its own */
}

static void await_death(const struct launch *launch, int milliseconds)
{
    int64_t deadline = blivet_now_ms(launch->ops) + milliseconds;
    while (!is_dead(launch) && blivet_now_ms(launch->ops) < deadline)
        if (!is_signalled(launch, TICK_MS) && launch->pidfd < 0)
            launch->ops->poll(NULL, 0, TICK_MS);
}

/* The last holder of the channel is gone: what the daemon has forked has ended too. */
static void await_silence(const struct launch *launch, int milliseconds)
{
    int64_t deadline = blivet_now_ms(launch->ops) + milliseconds;
    struct pollfd channel = { .fd = launch->channel, .events = POLLIN };
    char rest[256];
    ssize_t count = 1;
    while (count > 0 && blivet_now_ms(launch->ops) < deadline)
        if (launch->ops->poll(&channel, 1, TICK_MS) > 0)
            count = launch->ops->recv(launch->channel, rest, sizeof rest, MSG_DONTWAIT);
}

static void end_daemon(struct launch *launch, bool ask_first)
{
    if (ask_first)
        signal_daemon(launch, SIGTERM);
    if (ask_first || launch->verdict.state == BLIVET_FAILED)
        await_death(launch, GRACE_MS);
    signal_daemon(launch, SIGKILL); /* and what it has forked (NTF-13) */
    await_death(launch, GRACE_MS);
    await_silence(launch, OTHERS_MS);
}

/* A process closes the channel a moment before its death can be seen, and is reaped a moment before its status is
 * kept: where /proc does not tell, these moments are waited for. */
static bool ask_pidfd(const struct launch *launch, int *status)
{
    int64_t deadline = blivet_now_ms(launch->ops) + TRACE_MS;
    if (!is_signalled(launch, TRACE_MS))
        return false;
    for (;;) {
        if (launch->ops->pidfd_exit_status(launch->pidfd, status) == 0)
            return true;
        if (errno != ESRCH || blivet_now_ms(launch->ops) >= deadline)
            return false;
        launch->ops->poll(NULL, 0, 1);
    }
}

static void gather(struct launch *launch, struct blivet_evidence *evidence)
{
    siginfo_t info;
    pid_t pid = launch->daemon->page->pid;
    evidence->announced = launch->verdict.state == BLIVET_ANNOUNCED;
    read_stat(launch, evidence);
    if (!evidence->known && pid > 0 && wait_for(launch->ops, pid, WNOHANG | WNOWAIT, &info) == 1) {
        evidence->known = true; /* a subreaper is its parent */
        evidence->status = status_of(&info);
    }
    if (!evidence->known && launch->pidfd >= 0 && (!evidence->seen || (evidence->flags & BLIVET_PF_EXITING)))
        evidence->known = ask_pidfd(launch, &evidence->status);
    evidence->alive = !evidence->seen && !evidence->known && !is_dead(launch);
}

/* "in step 12, output files" (NTF-14) */
static void put_step(struct blivet_text *text, int step)
{
    const char *name = blivet_step_name(step);
    if (!name) {
        blivet_text_put(text, step == STEP_APPLICATION ? " after the last step, in its own start" : "");
        return;
    }
    blivet_text_put(text, " in step ");
    blivet_text_number(text, (uintmax_t)step);
    blivet_text_put(text, ", ");
    blivet_text_put(text, name);
}

static void describe_death(struct launch *launch, const char *who, bool known, int status)
{
    struct blivet_text text;
    char words[200];
    blivet_text_begin(&text, words, sizeof words);
    blivet_text_put(&text, who);
    if (known && (status & 0x7f)) {
        blivet_text_put(&text, " was killed by ");
        blivet_text_put(&text, blivet_signal_name(status & 0x7f));
    } else
        blivet_text_put(&text, " ended before it was ready");
    if (known && !(status & 0x7f)) {
        blivet_text_put(&text, ", with exit status ");
        blivet_text_number(&text, (uintmax_t)((status >> 8) & 0xff));
        blivet_text_put(&text, ",");
    }
    put_step(&text, launch->daemon->page->step);
    blivet_set_error(&launch->daemon->error, BLIVET_ENDED_EARLY, 0, words, NULL, NULL);
}

/* Silence.  Returns true if the announced program runs. */
static bool judge_silence(struct launch *launch)
{
    struct blivet_evidence evidence = { 0 };
    struct blivet_error *error = &launch->daemon->error;
    gather(launch, &evidence);
    enum blivet_fate fate = blivet_judge(&evidence);
    if (launch->leader_status != 0 && fate != BLIVET_STARTED)
        describe_death(launch, "session leader", true, launch->leader_status);
    else if (fate == BLIVET_DIED)
        describe_death(launch, "daemon", evidence.known, evidence.status);
    else if (fate == BLIVET_HUNG_UP)
        blivet_set_error(error, BLIVET_ENDED_EARLY, 0, "daemon hung up before it was ready", NULL, NULL);
    else if (fate == BLIVET_STRAYED)
        blivet_set_error(error, BLIVET_ENDED_EARLY, 0, "daemon ran another program before it was ready", NULL, NULL);
    return fate == BLIVET_STARTED;
}

static void describe_lateness(struct launch *launch)
{
    struct blivet_text text;
    char words[160];
    unsigned limit = launch->daemon->timeout_ms;
    char fraction[] = { '.', (char)('0' + limit / 100 % 10), (char)('0' + limit / 10 % 10), (char)('0' + limit % 10), 0 };
    blivet_text_begin(&text, words, sizeof words);
    blivet_text_put(&text, "daemon was not ready after ");
    blivet_text_number(&text, limit / 1000);
    blivet_text_put(&text, limit % 1000 ? fraction : "");
    blivet_text_put(&text, " seconds");
    put_step(&text, launch->daemon->page->step);
    blivet_set_error(&launch->daemon->error, BLIVET_LATE, 0, words, NULL, NULL);
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
        describe_lateness(launch);
    else if (launch->unreadable)
        blivet_set_error(error, BLIVET_SYSTEM_FAILED, launch->unreadable, "notification channel", NULL, NULL);
    else if (judge_silence(launch))
        return true;
    if (launch->late && (launch->daemon->flags & BLIVET_LEAVE_ON_TIMEOUT)) {
        launch->daemon->page->left = 1;
        return false;
    }
    end_daemon(launch, ask_first);
    blivet_remove_pidfile_of_dead(launch->daemon, launch->daemon->page->pid);
    return false;
}

void blivet_launcher_waits(struct blivet_context *daemon, pid_t leader)
{
    const struct blivet_ops *ops = daemon->ops;
    struct launch launch = { .daemon = daemon, .ops = ops, .leader = leader, .channel = daemon->launcher_end,
                             .stat = -1, .pidfd = -1 };
    siginfo_t info;
    launch.deadline = daemon->timeout_ms ? blivet_now_ms(ops) + daemon->timeout_ms : 0;
    blivet_close_fd(ops, &daemon->channel);
    ops->sigprocmask(SIG_SETMASK, &daemon->mask, NULL); /* SIGCHLD stays at its default: nobody else reaps our children */
    see_leader_off(&launch);
    await_verdict(&launch);
    bool ready = conclude(&launch);
    wait_for(ops, leader, launch.leader_ended || !daemon->page->left ? 0 : WNOHANG, &info);
    if (!ready && daemon->page->pid > 0)
        wait_for(ops, daemon->page->pid, WNOHANG, &info); /* where it is our child: a subreaper, or init */
    if (!ready)
        blivet_say(ops, 2, daemon->error.message);
    for (;;)
        ops->_exit(ready ? 0 : daemon->error.exit_code);
}
