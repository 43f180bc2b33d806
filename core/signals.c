/* signals.c - dispositions and mask (STD-6), and the clean-up handler (PID-8). */
#include "internal.h"
#include <errno.h>

/* glibc and musl keep the numbers between the classic signals and SIGRTMIN for themselves. */
static bool is_reserved(int signal) { return signal > 31 && signal < SIGRTMIN; }

/* False: nothing has changed, and *old is not to be put back. */
bool blivet_ignore_signal(const struct blivet_ops *ops, int signal, struct sigaction *old)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    return ops->sigaction(signal, &ignore, old) == 0;
}

static int reset(const struct blivet_ops *ops, int signal)
{
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    struct sigaction current;
    if (is_reserved(signal))
        return ops->stop_ignoring(signal);
    if (signal == SIGPIPE) { /* a library user who ignores it wants write errors instead */
        if (ops->sigaction(signal, NULL, &current) != 0)
            return -1;
        if (!(current.sa_flags & SA_SIGINFO) && (current.sa_handler == SIG_IGN || current.sa_handler == SIG_DFL))
            return 0;
    }
    return ops->sigaction(signal, &standard, NULL);
}

int blivet_reset_dispositions(struct blivet_context *daemon)
{
    blivet_enter(daemon, STEP_DISPOSITIONS);
    for (int signal = 1; signal < NSIG; signal++)
        if (signal != SIGKILL && signal != SIGSTOP && reset(daemon->ops, signal) != 0)
            return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "signal dispositions", blivet_signal_name(signal));
    return 0;
}

int blivet_clear_mask(struct blivet_context *daemon)
{
    sigset_t none;
    blivet_enter(daemon, STEP_MASK);
    sigemptyset(&none);
    if (daemon->ops->sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "signal mask", NULL);
    return 0;
}

/* ---- remove the pidfile when a signal ends the process (PID-8) ---- */

/* The only global state of the library: a handler has no other way to its data. */
static struct {
    const struct blivet_context *owner; /* NULL: no handler is installed */
    const struct blivet_ops *ops;
    struct sigaction before[NSIG];
    bool installed[NSIG];
} cleaner;

static void remove_and_die(int signal)
{
    const struct blivet_context *daemon = cleaner.owner;
    const struct blivet_ops *ops = cleaner.ops;
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    int saved = errno;
    if (daemon && !(daemon->flags & BLIVET_KEEP_PIDFILE) && ops->getpid() == daemon->pid)
        blivet_remove_pidfile(ops, daemon->pidfile, daemon->pidfile_fd, daemon->pid);
    ops->sigaction(signal, &standard, NULL);
    ops->raise(signal); /* blocked until this handler returns, then it ends the process */
    errno = saved;
}

/* Whether its default action ends the process, and it can be caught. */
static bool ends_process(int signal)
{
    static const int others[] = { SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG, SIGWINCH };
    if (signal < 1 || signal >= NSIG || is_reserved(signal))
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (signal == others[i])
            return false;
    return true;
}

static void put_back(int signal)
{
    if (cleaner.installed[signal])
        cleaner.ops->sigaction(signal, &cleaner.before[signal], NULL);
    cleaner.installed[signal] = false;
}

void blivet_take_handlers_away(struct blivet_context *daemon)
{
    if (cleaner.owner != daemon)
        return;
    for (int signal = 1; signal < NSIG; signal++)
        put_back(signal);
    cleaner.owner = NULL;
}

static int install(struct blivet_context *daemon, const int *signals, size_t count)
{
    struct sigaction action = { .sa_handler = remove_and_die };
    sigfillset(&action.sa_mask); /* no other handler runs on a half-removed pidfile */
    cleaner.owner = daemon;
    cleaner.ops = daemon->ops;
    for (size_t i = 0; i < count; i++) {
        int signal = signals[i];
        if (cleaner.installed[signal])
            continue;
        if (daemon->ops->sigaction(signal, &action, &cleaner.before[signal]) != 0) {
            blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "signal handler", blivet_signal_name(signal));
            blivet_take_handlers_away(daemon);
            return -1;
        }
        cleaner.installed[signal] = true;
    }
    return 0;
}

int blivet_remove_pidfile_on(struct blivet_context *daemon, const int *signals, size_t count,
                             struct blivet_error *error)
{
    int result = blivet_refuse_if_broken(daemon);
    for (size_t i = 0; i < count && result == 0; i++)
        if (!ends_process(signals[i]))
            result = blivet_refused(daemon, BLIVET_INVALID_CONFIG, "signal", blivet_signal_name(signals[i]),
                                    "cannot be caught, or does not end a process");
    if (result == 0 && cleaner.owner)
        result = blivet_refused(daemon, BLIVET_INVALID_CONFIG, "signal handlers", NULL, "are installed already");
    if (result == 0 && daemon->pidfile_fd >= 0 && count > 0)
        result = install(daemon, signals, count);
    return result == 0 ? 0 : blivet_hand_error(daemon, error);
}

const char *blivet_signal_name(int signal)
{
    static const char *const names[] = {
        [SIGHUP] = "SIGHUP", [SIGINT] = "SIGINT", [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
        [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS", [SIGFPE] = "SIGFPE",
        [SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
        [SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM", [SIGCHLD] = "SIGCHLD",
        [SIGCONT] = "SIGCONT", [SIGSTOP] = "SIGSTOP", [SIGTSTP] = "SIGTSTP", [SIGTTIN] = "SIGTTIN",
        [SIGTTOU] = "SIGTTOU", [SIGURG] = "SIGURG", [SIGXCPU] = "SIGXCPU", [SIGXFSZ] = "SIGXFSZ",
        [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF", [SIGWINCH] = "SIGWINCH", [SIGIO] = "SIGIO",
        [SIGSYS] = "SIGSYS",
#ifdef SIGSTKFLT
        [SIGSTKFLT] = "SIGSTKFLT",
#endif
#ifdef SIGPWR
        [SIGPWR] = "SIGPWR",
#endif
    };
    size_t count = sizeof names / sizeof names[0];
    if (signal < 0 || (size_t)signal >= count || !names[signal])
        return "a signal without a name";
    return names[signal];
}
