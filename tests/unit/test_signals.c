/* test_signals.c - dispositions and mask (STD-6), and the handlers that remove the pidfile (PID-8). */
#include "unit.h"
#include <errno.h>

static struct launch_case launch;
static struct blivet_error error;

static enum script_end start(struct blivet_config config)
{
    memset(&launch, 0, sizeof launch);
    memset(&error, 0, sizeof error);
    launch.config = config;
    return launch_it(&launch);
}

static struct blivet_context *with_pidfile(void)
{
    script_begin(SCRIPT_DAEMON);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_RETURNED);
    return launch.daemon;
}

static void a_handler(int signal) { (void)signal; }

/* ---- steps 9 and 10 ---- */

/* The C library keeps the numbers in between for itself: its own handlers stay, but ignored they must not be. */
static bool stays(int signal, void (*before)(int))
{
    if (signal > 31 && signal < SIGRTMIN)
        return before != SIG_IGN;
    return signal == SIGKILL || signal == SIGSTOP || (signal == SIGPIPE && before == SIG_IGN);
}

static void every_disposition_is_the_default_again(void **state)
{
    (void)state;
    static void (*const before[])(int) = { SIG_IGN, a_handler };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_DAEMON);
        for (int signal = 1; signal < NSIG; signal++) {
            script.actions[signal].sa_handler = before[i];
            script.actions[signal].sa_flags = SA_RESTART;
        }
        assert_int_equal(start((struct blivet_config){ 0 }), SCRIPT_RETURNED);
        for (int signal = 1; signal < NSIG; signal++)
            assert_ptr_equal(script.actions[signal].sa_handler, stays(signal, before[i]) ? before[i] : SIG_DFL);
    }
}

/* SA_SIGINFO: a pointer to a function that may happen to look like SIG_IGN. */
static void a_handler_for_sigpipe_is_none_that_ignores(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script.actions[SIGPIPE].sa_handler = SIG_IGN;
    script.actions[SIGPIPE].sa_flags = SA_SIGINFO;
    assert_int_equal(start((struct blivet_config){ 0 }), SCRIPT_RETURNED);
    assert_ptr_equal(script.actions[SIGPIPE].sa_handler, SIG_DFL);
}

static void the_mask_is_empty_and_was_full_before(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    sigaddset(&script.mask, SIGUSR1);
    script_fail("sigprocmask", 2, EINVAL); /* step 10 */
    assert_int_equal(start((struct blivet_config){ 0 }), SCRIPT_EXITED);
    assert_told(71, "signal mask: invalid argument");
    for (int signal = 1; signal < 32; signal++)
        assert_true(sigismember(&script.mask, signal)); /* so no handler could run up to here */
    script_begin(SCRIPT_DAEMON);
    sigaddset(&script.mask, SIGUSR1);
    assert_int_equal(start((struct blivet_config){ 0 }), SCRIPT_RETURNED);
    for (int signal = 1; signal < 32; signal++)
        assert_false(sigismember(&script.mask, signal));
}

static void leave_traces_on_the_stack(void)
{
    volatile unsigned char traces[4096];
    for (size_t i = 0; i < sizeof traces; i++)
        traces[i] = 0xff;
}

static void the_mask_is_empty_whatever_was_on_the_stack(void **state)
{
    (void)state;
    struct blivet_context *daemon = with_pidfile();
    for (int calls = 0; calls < 2; calls++) { /* before the first one the dynamic linker may be there */
        leave_traces_on_the_stack();
        assert_int_equal(blivet_clear_mask(daemon), 0);
        for (int signal = 1; signal < 32; signal++)
            assert_false(sigismember(&script.mask, signal));
    }
    blivet_close(daemon);
}

static void a_disposition_that_cannot_be_set_is_told(void **state)
{
    (void)state;
    int told = 0;
    for (int nth = 1; nth <= 80; nth++) {
        script_begin(SCRIPT_DAEMON);
        script_fail("sigaction", nth, EINVAL);
        if (start((struct blivet_config){ .pidfile = "/run/x.pid" }) != SCRIPT_EXITED)
            continue; /* one around a flush or a write, or before the fork */
        assert_told(71, "signal dispositions: ");
        assert_null(script_file("/run/x.pid"));
        told++;
    }
    assert_in_range(told, 50, 66); /* one a signal */
}

/* ---- removal by signal ---- */

static const int both[] = { SIGTERM, SIGINT };

static void strike(int signal) { script.actions[signal].sa_handler(signal); }

static void a_signal_removes_the_pidfile_and_ends_the_process(void **state)
{
    (void)state;
    struct blivet_context *daemon = with_pidfile();
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), 0);
    for (int signal = 1; signal < 32; signal++) /* no other handler runs on a half-removed pidfile */
        assert_true(sigismember(&script.actions[SIGTERM].sa_mask, signal) == 1);
    errno = 4711;
    strike(SIGINT);
    assert_int_equal(errno, 4711);
    assert_null(script_file("/run/x.pid"));
    assert_int_equal(script.raised, SIGINT);
    assert_ptr_equal(script.actions[SIGINT].sa_handler, SIG_DFL);
    blivet_close(daemon);
}

static void the_handler_empties_what_it_cannot_remove(void **state)
{
    (void)state;
    struct blivet_context *daemon = with_pidfile();
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), 0);
    script_fail("unlink", 1, EACCES);
    errno = 4711;
    strike(SIGTERM);
    assert_int_equal(errno, 4711); /* the code that was interrupted has its own */
    assert_int_equal(script_file("/run/x.pid")->size, 0);
    blivet_close(daemon);
}

static void handler_leaves(const char *content, pid_t pid, bool keep)
{
    struct blivet_context *daemon = with_pidfile();
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), 0);
    memset(script_file("/run/x.pid")->content, 0, 16);
    strcpy(script_file("/run/x.pid")->content, content);
    script_file("/run/x.pid")->size = strlen(content);
    script.pid = pid;
    if (keep)
        blivet_keep_pidfile(daemon);
    strike(SIGTERM);
    assert_string_equal(script_file("/run/x.pid")->content, content);
    assert_int_equal(script.raised, SIGTERM);
    blivet_close(daemon);
}

static void it_leaves_what_it_may_not_remove(void **state)
{
    (void)state;
    handler_leaves("102\n", 999, false); /* in a forked worker */
    handler_leaves("4711\n", SCRIPT_DAEMON_PID, false);
    handler_leaves("102\n", SCRIPT_DAEMON_PID, true);
}

/* One that was on its way when the context was closed. */
static void a_handler_without_a_context_only_ends_the_process(void **state)
{
    (void)state;
    struct blivet_context *daemon = with_pidfile();
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), 0);
    void (*handler)(int) = script.actions[SIGTERM].sa_handler;
    blivet_close(daemon);
    script_add("/run/x.pid", S_IFREG | 0644, "102\n");
    script.actions[SIGTERM].sa_handler = handler;
    strike(SIGTERM);
    assert_int_equal(script.raised, SIGTERM);
    assert_non_null(script_file("/run/x.pid"));
}

static void for_no_signals_nothing_is_installed(void **state)
{
    (void)state;
    struct blivet_context *daemon = with_pidfile();
    assert_int_equal(blivet_remove_pidfile_on(daemon, NULL, 0, &error), 0);
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), 0);
    blivet_close(daemon);
}

static void all_signals_are_installed_or_none(void **state)
{
    (void)state;
    static const int five[] = { SIGHUP, SIGINT, SIGTERM, SIGINT, SIGQUIT };
    for (int nth = 1; nth <= 5; nth++) {
        struct blivet_context *daemon = with_pidfile();
        script.actions[SIGINT].sa_handler = a_handler;
        script_fail("sigaction", nth, EINVAL);
        int result = blivet_remove_pidfile_on(daemon, five, 5, &error);
        assert_int_equal(result, nth <= 4 ? -1 : 0); /* SIGINT is listed twice and installed once */
        assert_int_equal(script.actions[SIGTERM].sa_handler != SIG_DFL, result == 0);
        assert_int_equal(script.actions[SIGINT].sa_handler != a_handler, result == 0);
        assert_int_equal(script.actions[SIGHUP].sa_handler != SIG_DFL, result == 0);
        if (result != 0) {
            assert_int_equal(error.exit_code, 71);
            script.faults[0].call = "";
            assert_int_equal(blivet_remove_pidfile_on(daemon, five, 5, &error), 0); /* not held against us */
        }
        blivet_close(daemon);
        assert_ptr_equal(script.actions[SIGINT].sa_handler, a_handler); /* given back */
        assert_ptr_equal(script.actions[SIGQUIT].sa_handler, SIG_DFL);
    }
}

static void a_signal_that_does_not_end_a_process_is_refused(void **state)
{
    (void)state;
    static const int refused[] = { 0, -1, NSIG, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG,
                                   SIGWINCH, 32, 33 };
    static const int accepted[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGIO };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct blivet_context *daemon = with_pidfile();
        const int list[] = { SIGTERM, refused[i], SIGINT };
        int before = script_count("sigaction");
        for (size_t from = 0; from < 2; from++)
            for (size_t count = 2 - from; count <= 3 - from; count++) { /* in the middle, first, last and alone */
                assert_int_equal(blivet_remove_pidfile_on(daemon, list + from, count, &error), -1);
                assert_int_equal(error.exit_code, 64);
                assert_contains(error.message, "cannot be caught, or does not end a process");
            }
        assert_int_equal(script_count("sigaction"), before);
        blivet_close(daemon);
    }
    struct blivet_context *daemon = with_pidfile();
    assert_int_equal(blivet_remove_pidfile_on(daemon, accepted, sizeof accepted / sizeof accepted[0], &error), 0);
    const int real_time[] = { SIGRTMIN };
    blivet_close(daemon);
    daemon = with_pidfile();
    assert_int_equal(blivet_remove_pidfile_on(daemon, real_time, 1, &error), 0);
    blivet_close(daemon);
}

static void a_second_installation_is_refused(void **state)
{
    (void)state;
    struct blivet_context *daemon = with_pidfile();
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), 0);
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), -1);
    assert_int_equal(error.exit_code, 64);
    assert_string_equal(error.message, "signal handlers: are installed already");
    blivet_close(daemon);
    daemon = with_pidfile(); /* another context, now that the first is closed */
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), 0);
    blivet_close(daemon);
}

static void closing_another_context_leaves_the_handlers(void **state)
{
    (void)state;
    struct blivet_context *daemon = with_pidfile();
    assert_int_equal(blivet_remove_pidfile_on(daemon, both, 2, &error), 0);
    void (*handler)(int) = script.actions[SIGTERM].sa_handler;
    static struct launch_case second;
    second = (struct launch_case){ .config = { .pidfile = "/run/y.pid", .flags = BLIVET_FOREGROUND | BLIVET_KEEP_ALL_FDS } };
    assert_int_equal(launch_it(&second), SCRIPT_RETURNED);
    assert_non_null(second.daemon);
    script.actions[SIGTERM].sa_handler = handler; /* step 9 has taken it away */
    blivet_close(second.daemon);
    assert_ptr_equal(script.actions[SIGTERM].sa_handler, handler);
    strike(SIGTERM);
    assert_null(script_file("/run/x.pid"));
    assert_int_equal(script.raised, SIGTERM);
    blivet_close(daemon);
}

static void without_a_pidfile_nothing_is_installed(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    assert_int_equal(start((struct blivet_config){ .lockfile = "/run/x.lock" }), SCRIPT_RETURNED);
    assert_int_equal(blivet_remove_pidfile_on(launch.daemon, both, 2, &error), 0);
    assert_ptr_equal(script.actions[SIGTERM].sa_handler, SIG_DFL);
    blivet_close(launch.daemon);
}

static void names_of_signals_are_those_of_the_system(void **state)
{
    (void)state;
    for (int signal = 1; signal < 32; signal++) {
        char want[32];
        snprintf(want, sizeof want, "SIG%s", sigabbrev_np(signal));
        assert_string_equal(blivet_signal_name(signal), signal == SIGIO ? "SIGIO" : want);
    }
    assert_string_equal(blivet_signal_name(0), "a signal without a name");
    assert_string_equal(blivet_signal_name(32), "a signal without a name");
    assert_string_equal(blivet_signal_name(-1), "a signal without a name");
    assert_string_equal(blivet_signal_name(4711), "a signal without a name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("STD-6", every_disposition_is_the_default_again),
        CLAIM("STD-6", a_handler_for_sigpipe_is_none_that_ignores),
        CLAIM("STD-6 SEQ-10", the_mask_is_empty_and_was_full_before),
        CLAIM("STD-6", the_mask_is_empty_whatever_was_on_the_stack),
        CLAIM("SEQ-7 PID-9 ERR-6", a_disposition_that_cannot_be_set_is_told),
        CLAIM("PID-8", a_signal_removes_the_pidfile_and_ends_the_process),
        CLAIM("PID-8 PID-7", the_handler_empties_what_it_cannot_remove),
        CLAIM("PID-8 PID-7", it_leaves_what_it_may_not_remove),
        CLAIM("PID-8", a_handler_without_a_context_only_ends_the_process),
        CLAIM("PID-8", for_no_signals_nothing_is_installed),
        CLAIM("PID-8", all_signals_are_installed_or_none),
        CLAIM("PID-8 ERR-1", a_signal_that_does_not_end_a_process_is_refused),
        CLAIM("PID-8 ERR-1", a_second_installation_is_refused),
        CLAIM("PID-8", closing_another_context_leaves_the_handlers),
        CLAIM("PID-8", without_a_pidfile_nothing_is_installed),
        CLAIM("NTF-14", names_of_signals_are_those_of_the_system),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
