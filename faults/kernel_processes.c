/* kernel_processes.c - the invented kernel: processes, signals, time, exec. */
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

pid_t kernel_fork(void)
{
    int number = script.pid - SCRIPT_CALLER_PID; /* 0: the first fork, 1: the second */
    bool child = number < (int)script.role;
    if (!child && number == 0 && script.meanwhile)
        script.meanwhile();
    if (!child)
        return script.pid + 1;
    script.pid++;
    return 0;
}

pid_t kernel_setsid(void) { return script.pid; }
pid_t kernel_getpid(void) { return script.pid; }

void kernel__exit(int status)
{
    if (script.exits++ == 0)
        script.exit_code = status;
    if (script.exits > script.exit_returns)
        script_stop(SCRIPT_EXITED);
}

void kernel_exit(int status)
{
    script.exit_was_exit = true;
    kernel__exit(status);
}

bool script_daemon_is_dead(void) { return script.daemon_dead && script.clock_ms >= script.event_ms; }

int kernel_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    bool leader = (pid_t)id == SCRIPT_LEADER_PID;
    bool *reaped = leader ? &script.leader_reaped : &script.daemon_reaped;
    int status = leader ? script.leader_status : script.daemon_status;
    only((options & WEXITED) &&
         (leader || (options & WNOHANG))); /* nobody waits for a daemon without looking elsewhere */
    if (type != P_PID || *reaped || (!leader && !script.daemon_is_child))
        return fail(ECHILD);
    if (leader ? script.leader_stopped : !script_daemon_is_dead()) {
        if (!(options & WNOHANG))
            script_stop(SCRIPT_HUNG);
        return 0;
    }
    *reaped = !(options & WNOWAIT);
    info->si_pid = (pid_t)id;
    info->si_code = status & 0x7f ? CLD_KILLED : CLD_EXITED;
    info->si_status = status & 0x7f ? status & 0x7f : status >> 8;
    return 0;
}

static void strike_daemon(int signal)
{
    if (script.signal_count < 8)
        script.signals_sent[script.signal_count++] = signal;
    script.asked |= signal == SIGTERM;
    script.daemon_stopped &= signal != SIGCONT;
    if (signal != SIGKILL && (!script.asked || script.daemon_stopped || script.deaf_to_sigterm))
        return;
    if (script.clock_ms < script.event_ms)
        script.hears_count = 0; /* what it would have said */
    if (!script.struck)
        script.event_ms = script.clock_ms + script.death_ms;
    script.struck = script.daemon_dead = true;
    script.stat_line = NULL;
    script.hears_end = true;
}

static void strike_leader(int signal)
{
    if (signal != SIGKILL || !script.leader_stopped)
        return;
    script.leader_stopped = false;
    script.leader_status = SIGKILL;
    script.hears_end = true;
}

/* A number is its process's until that is reaped; then it may be anybody's.  The daemon's is reaped by init. */
int kernel_kill(pid_t pid, int signal)
{
    bool zombie = script.daemon_unreaped || (script.daemon_is_child && !script.daemon_reaped); /* kill(2) finds it */
    if (signal == 0)
        return script_daemon_is_dead() && !zombie ? fail(ESRCH) : 0;
    if (pid == SCRIPT_LEADER_PID && !script.leader_reaped)
        strike_leader(signal);
    else if (pid == -SCRIPT_LEADER_PID && !script.leader_reaped && !script.left_group)
        strike_daemon(signal);
    else if (pid == SCRIPT_DAEMON_PID && !script_daemon_is_dead())
        strike_daemon(signal);
    else if (pid != -SCRIPT_LEADER_PID || script.leader_reaped)
        script.struck_stranger = true;
    return 0;
}

int kernel_pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned flags)
{
    only(!info && flags == 0);
    const struct script_description *handle = script_description(pidfd);
    if (!handle)
        return -1;
    if (handle->kind == SCRIPT_OTHER)
        script_strike_other(handle, signal);
    else
        strike_daemon(signal);
    return 0;
}

int kernel_pidfd_open(pid_t pid, unsigned flags)
{
    only(flags == 0);
    int other = script_other_number(pid);
    int fd = script_install(other >= 0 ? SCRIPT_OTHER : SCRIPT_PIDFD, -1, O_CLOEXEC);
    if (fd >= 0)
        script_description(fd)->offset = other >= 0 ? other : pid;
    return fd;
}

int kernel_pidfd_exit_status(int pidfd, int *status)
{
    if (!script_description(pidfd))
        return -1;
    if (!script.status_kept)
        return fail(ESRCH);
    *status = script.daemon_status;
    return 0;
}

int kernel_raise(int signal)
{
    script.raised = signal;
    if (signal == SIGKILL)
        script_stop(SCRIPT_KILLED);
    return 0;
}

int kernel_sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    if (signal < 1 || signal >= NSIG || (action && (signal == SIGKILL || signal == SIGSTOP)))
        return fail(EINVAL);
    if (signal > 31 && signal < SIGRTMIN)
        return fail(EINVAL); /* the C library's own */
    if (old)
        *old = script.actions[signal];
    if (action)
        script.actions[signal] = *action;
    return 0;
}

int kernel_stop_ignoring(int signal)
{
    if (script.actions[signal].sa_handler == SIG_IGN)
        script.actions[signal].sa_handler = SIG_DFL;
    return 0;
}

int kernel_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    (void)how;
    if (old)
        *old = script.mask;
    if (set)
        script.mask = *set;
    return 0;
}

int kernel_execve(const char *path, char *const argv[], char *const envp[])
{
    const struct script_file *file = script_walk(path, true);
    size_t used = strlen(script.tried);
    int saved = errno;
    (void)envp;
    snprintf(script.tried + used, sizeof script.tried - used, "%s ", path);
    if (!file)
        return fail(saved);
    if (!S_ISREG(file->mode) || !script_permits(file, X_OK))
        return fail(EACCES);
    snprintf(script.executed, sizeof script.executed, "%s", path);
    for (used = 0; *argv && used < sizeof script.executed_argv; argv++)
        used += (size_t)snprintf(script.executed_argv + used, sizeof script.executed_argv - used, "[%s]", *argv);
    script.exit_code = 0;
    script_stop(SCRIPT_EXITED);
    return 0;
}

int kernel_clock_gettime(clockid_t clock, struct timespec *time)
{
    only(clock == CLOCK_MONOTONIC);
    time->tv_sec = script.clock_ms / 1000;
    time->tv_nsec = (long)(script.clock_ms % 1000 * 1000000);
    return 0;
}

int kernel_unshare(int flags)
{
    only(flags == (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM));
    return script.threads == 1 ? 0 : fail(EINVAL);
}

pid_t kernel_getsid(pid_t pid)
{
    int other = script_other_number(pid);
    bool member = other >= 0 ? script.others[other].in_session : pid == script.in_session && pid > 0;
    return member || pid == SCRIPT_DAEMON_PID ? SCRIPT_LEADER_PID : 1;
}
