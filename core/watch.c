/* watch.c - what the launcher knows of the daemon, and how it ends it: only through what cannot name another process,
 * the leader's number, unreaped, and the two handles that the leader passed on. */
#include "launch.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* GRACE: from SIGTERM to SIGKILL.  OTHERS: for what the daemon has forked.  STATUS: where it is for the message alone. */
enum { GRACE_MS = 5000, OTHERS_MS = 500, GROUP_MS = 20, STATUS_MS = 10 };

/* ---- look ---- */

/* Before "go" only our own code has written into the page.  Later the application can, and with its own identity: it
 * must not pick whom root signals. */
pid_t blivet_daemon_pid(const struct launch *launch) { return launch->pid > 0 ? launch->pid : launch->daemon->page->pid; }

/* 1: ended, 0: not yet, -1: no child of ours. */
int blivet_wait_for(const struct blivet_ops *ops, pid_t pid, int options, siginfo_t *info)
{
    int result;
    memset(info, 0, sizeof *info);
    UNINTERRUPTED(result, ops->waitid(P_PID, (id_t)pid, info, WEXITED | options));
    return result != 0 ? -1 : info->si_pid == pid;
}

/* In the encoding of wait(2). */
int blivet_status_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? (info->si_status & 0xff) << 8 : info->si_status;
}

/* From the third on; NULL where there are not so many. */
static const char *field(const char *line, int number)
{
    const char *at = strrchr(line, ')'); /* the name before it may hold anything */
    for (int i = 2; at && i < number; i++)
        at = strchr(at + 1, ' ');
    return at ? at + 1 : NULL;
}

static bool read_stat(const struct launch *launch, struct blivet_evidence *evidence)
{
    enum { STATE = 3, FLAGS = 9, WCHAN = 35 };
    char line[1024];
    ssize_t count = -1;
    if (launch->stat >= 0)
        UNINTERRUPTED(count, launch->ops->pread(launch->stat, line, sizeof line - 1, 0));
    if (count <= 0)
        return false; /* ESRCH: it has been reaped */
    line[count] = '\0';
    const char *flags = field(line, FLAGS), *wchan = field(line, WCHAN);
    if (!flags)
        return false;
    evidence->seen = true;
    evidence->flags = (unsigned)strtoul(flags, NULL, 10);
    evidence->status = (int)strtol(strrchr(line, ' '), NULL, 10); /* field 52 */
    /* 0 also to those who may not know; of a zombie they may not know either where it sleeps, which is never 0 */
    evidence->known = evidence->status != 0 || (*field(line, STATE) == 'Z' && wchan && strtoul(wchan, NULL, 16) != 0);
    return true;
}

bool blivet_is_certainly_alive(const struct launch *launch)
{
    struct blivet_evidence evidence = { 0 };
    return read_stat(launch, &evidence) && !(evidence.flags & BLIVET_PF_EXITING);
}

bool blivet_dies_within(const struct launch *launch, int milliseconds)
{
    struct pollfd pidfd = { .fd = launch->pidfd, .events = POLLIN };
    int64_t deadline = -1;
    int ready, left = milliseconds;
    while ((ready = launch->ops->poll(&pidfd, 1, left)) < 0 && errno == EINTR) {
        int64_t now = blivet_now_ms(launch->ops);
        if (deadline < 0)
            deadline = now + milliseconds; /* from the first time on: a timer of the caller's must not put it off for ever */
        left = deadline > now ? (int)(deadline - now) : 0;
    }
    return ready > 0;
}

bool blivet_is_dead(const struct launch *launch)
{
    struct blivet_evidence evidence = { 0 };
    pid_t pid = blivet_daemon_pid(launch);
    siginfo_t info;
    if (launch->pidfd >= 0)
        return blivet_dies_within(launch, 0);
    errno = 0;
    if (launch->stat >= 0) /* ESRCH: reaped; any other failure tells nothing */
        return read_stat(launch, &evidence) ? (evidence.flags & BLIVET_PF_EXITING) != 0 : errno == ESRCH;
    if (launch->ended && launch->forked == 0)
        return true; /* without "go" nothing but its death closes the channel; a zombie kill(2) would still find */
    if (pid > 0 && blivet_wait_for(launch->ops, pid, WNOHANG | WNOWAIT, &info) == 1)
        return true; /* adopted by us, and a zombie: kill(2) would still find it */
    return pid <= 0 || (launch->ops->kill(pid, 0) != 0 && errno == ESRCH);
}

bool blivet_has_execed(const struct launch *launch)
{
    struct blivet_evidence evidence = { .announced = true };
    return read_stat(launch, &evidence) && blivet_judge(&evidence) == BLIVET_STARTED;
}

/* A process closes the channel a moment before its death can be seen, and is reaped a moment before its status is
 * kept: where /proc does not tell, these moments are waited for. */
static bool ask_pidfd(const struct launch *launch, int milliseconds, int *status)
{
    int64_t deadline = blivet_now_ms(launch->ops) + milliseconds;
    if (!blivet_dies_within(launch, milliseconds))
        return false;
    for (;;) {
        if (launch->ops->pidfd_exit_status(launch->pidfd, status) == 0)
            return true;
        if (errno != ESRCH || blivet_now_ms(launch->ops) >= deadline)
            return false;
        launch->ops->poll(NULL, 0, 1);
    }
}

void blivet_gather(const struct launch *launch, struct blivet_evidence *evidence)
{
    siginfo_t info;
    pid_t pid = blivet_daemon_pid(launch);
    evidence->announced = launch->verdict.state == BLIVET_ANNOUNCED;
    if (read_stat(launch, evidence) && !launch->execed && blivet_judge(evidence) == BLIVET_STARTED)
        return; /* it runs its program */
    if (!evidence->known && pid > 0 && blivet_wait_for(launch->ops, pid, WNOHANG | WNOWAIT, &info) == 1) {
        evidence->known = true; /* a subreaper is its parent */
        evidence->status = blivet_status_of(&info);
    }
    if (!evidence->known && launch->pidfd >= 0 && (!evidence->seen || (evidence->flags & BLIVET_PF_EXITING)))
        evidence->known = ask_pidfd(launch, evidence->seen ? STATUS_MS : TRACE_MS, &evidence->status);
    evidence->alive = !evidence->seen && !evidence->known && !blivet_is_dead(launch);
}

/* ---- end ---- */

static void signal_daemon(const struct launch *launch, int signal)
{
    const struct blivet_ops *ops = launch->ops;
    if (!launch->leader_ended)
        ops->kill(launch->leader, signal); /* it may not have a group of its own yet */
    ops->kill(-launch->leader, signal);
    if (launch->pidfd >= 0) /* the daemon may have left the group */
        ops->pidfd_send_signal(launch->pidfd, signal, NULL, 0);
    else if (blivet_is_certainly_alive(launch))
        ops->kill(blivet_daemon_pid(launch), signal); /* not reaped: the number is still its own */
}

static void await_death(const struct launch *launch, int milliseconds)
{
    int64_t deadline = blivet_now_ms(launch->ops) + milliseconds, now;
    while (!blivet_is_dead(launch) && (now = blivet_now_ms(launch->ops)) < deadline)
        if (launch->pidfd >= 0)
            blivet_dies_within(launch, (int)(deadline - now));
        else
            launch->ops->poll(NULL, 0, TICK_MS);
}

/* The last holder of the channel is gone: what the daemon has forked has ended too. */
static void await_silence(const struct launch *launch, int milliseconds)
{
    int64_t deadline = blivet_now_ms(launch->ops) + milliseconds, now;
    struct pollfd channel = { .fd = launch->channel, .events = POLLIN };
    char rest[256];
    ssize_t count = 1;
    while (count > 0 && (now = blivet_now_ms(launch->ops)) < deadline)
        if (launch->ops->poll(&channel, 1, (int)(deadline - now)) > 0)
            count = launch->ops->recv(launch->channel, rest, sizeof rest, MSG_DONTWAIT);
}

/* What was killed and holds no channel, such as children of an exec'd program, may take a moment to be gone, or much
 * longer to be reaped by an init that is slow: that cannot be told apart, so only the moment is waited for.  The
 * question harms nobody, whoever has the number. */
void blivet_await_group(const struct launch *launch)
{
    int64_t deadline = blivet_now_ms(launch->ops) + GROUP_MS;
    while (launch->ops->kill(-launch->leader, 0) == 0 && blivet_now_ms(launch->ops) < deadline)
        launch->ops->poll(NULL, 0, 1);
}

struct session {
    const struct launch *launch;
    bool alive;
};

/* The session's number is the leader's, unreaped.  A member is asked for it again once there is a handle: its own number
 * may be another's by then. */
static void end_member(void *argument, int listing, int pid)
{
    struct session *session = argument;
    const struct blivet_ops *ops = session->launch->ops;
    const pid_t leader = session->launch->leader;
    struct pollfd member = { .events = POLLIN };
    (void)listing;
    if (pid == leader || ops->getsid(pid) != leader)
        return;
    member.fd = ops->pidfd_open(pid, 0);
    if (member.fd < 0)
        return;
    if (ops->getsid(pid) == leader && ops->poll(&member, 1, 0) == 0 &&
        ops->pidfd_send_signal(member.fd, SIGKILL, NULL, 0) == 0)
        session->alive = true;
    ops->close(member.fd);
}

/* What a program has put into process groups of their own, as a shell does with its jobs (NTF-13): until nobody is found,
 * since they may fork meanwhile. */
static void end_session(const struct launch *launch)
{
    const struct blivet_ops *ops = launch->ops;
    struct session session = { launch, launch->daemon->page->step == STEP_APPLICATION };
    int64_t deadline = blivet_now_ms(ops) + OTHERS_MS;
    while (session.alive && blivet_now_ms(ops) < deadline) {
        session.alive = false;
        blivet_list_numbers(ops, "/proc", end_member, &session);
        if (session.alive)
            ops->poll(NULL, 0, 1);
    }
}

void blivet_end_daemon(const struct launch *launch, bool ask_first)
{
    if (ask_first)
        signal_daemon(launch, SIGTERM);
    if (ask_first && launch->leader_ended) /* a leader that is stopped would go on with the start */
        signal_daemon(launch, SIGCONT);    /* what has stopped itself hears nothing else before */
    await_death(launch, GRACE_MS); /* one that has failed ends by itself */
    signal_daemon(launch, SIGKILL); /* and what it has forked (NTF-13) */
    await_death(launch, GRACE_MS);
    end_session(launch);
    await_silence(launch, OTHERS_MS);
}

