/* test_daemonize.c - the sequence, played as launcher, session leader, daemon and in foreground mode (SEQ). */
#include "unit.h"
#include <errno.h>

/* ---- the daemon ---- */

static void the_daemon_takes_all_steps_in_order(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .stdout_path = "/var/log/x.out",
                                              .umask = 027 } };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
    static const char *const order[] = { "fork ",  "setsid ",    "fork ",        "umask ", "chdir ", "open ",
                                         "dup2 ",  "flock ",     "pwrite ",      "sigaction ", "sigprocmask ",
                                         "open ",  "dup2 ", "close_range ", "recv " };
    const char *at = strstr(script.trace, "socketpair ");
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        assert_non_null(at);
        at = strstr(at, order[i]);
        if (!at)
            fail_msg("%s is missing, or out of order, in: %s", order[i], script.trace);
        at += strlen(order[i]);
    }
    assert_string_equal(script.directory, "/");
    assert_int_equal(script.umask, 027);
    assert_string_equal(script_file("/run/x.pid")->content, "102\n");
    assert_int_equal(script.allocations_after_fork, 0);
}

static void standard_descriptors_are_the_null_device(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct launch_case launch = { .config = { 0 } };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    for (int fd = 0; fd < 3; fd++)
        assert_string_equal(script.files[script.descriptions[script.fds[fd]].file].path, "/dev/null");
}

static void started_with_closed_descriptors_nothing_of_ours_lands_on_them(void **state)
{
    (void)state;
    for (int closed = 1; closed < 8; closed++) {
        script_begin(SCRIPT_DAEMON);
        for (int fd = 0; fd < 3; fd++)
            if (closed & 1 << fd)
                script_kernel.close(fd);
        struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .stderr_path = "/var/log/x.err" } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_non_null(launch.daemon);
        assert_string_equal(script.files[script.descriptions[script.fds[1]].file].path, "/dev/null");
        assert_string_equal(script.files[script.descriptions[script.fds[2]].file].path, "/var/log/x.err");
        assert_true(launch.daemon->channel > 2 && launch.daemon->lock_fd > 2);
    }
}

struct fault_case {
    const char *call;
    int nth, error, code;
    const char *text;
};

static void a_failing_step_tells_the_launcher_and_ends_with_its_code(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        { "fork", 2, EAGAIN, 71, "second fork: resource temporarily unavailable" },
        { "setsid", 1, EPERM, 71, "setsid: operation not permitted" },
        { "getpid", 1, EPERM, 71, "process id: cannot be told" },
        { "getpid", 1, SCRIPT_LIES, 71, "process id: cannot be told" }, /* 0, as a sandbox may answer */
        { "umask", 1, EPERM, 71, "umask: cannot be set" },
        { "chdir", 1, EACCES, 71, "working directory: /: permission denied" },
        { "dup2", 1, EBUSY, 71, "standard descriptors: /dev/null: device or resource busy" },
        { "flock", 1, ENOLCK, 73, "pidfile: /run/x.pid: no locks available" },
        { "pwrite", 1, ENOSPC, 73, "pidfile: /run/x.pid: no space left on device" },
        { "ftruncate", 1, EIO, 73, "stdout: /var/log/x.out: input/output error" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool in_leader = strcmp(cases[i].call, "fork") == 0 || strcmp(cases[i].call, "setsid") == 0;
        script_begin(in_leader ? SCRIPT_LEADER : SCRIPT_DAEMON);
        script_add("/var/log/x.out", S_IFREG | 0644, "");
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .stdout_path = "/var/log/x.out" } };
        assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
        assert_int_equal(script.faults_fired, 1);
        assert_int_equal(script.exit_code, cases[i].code);
        assert_false(script.exit_was_exit);
        assert_told(cases[i].code, cases[i].text);
        assert_null(script_file("/run/x.pid")); /* a pidfile that we made is gone (PID-9) */
        assert_int_equal(script.allocations_after_fork, 0);
    }
}

/* A sandbox may refuse umask, which the C library hands on as it is: minus ENOSYS, say, with errno untouched. */
static void an_answer_that_is_no_mask_stops_the_start(void **state)
{
    (void)state;
    static const mode_t answers[] = { (mode_t)-ENOSYS, (mode_t)-4095, 01000, 0777, 0 };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script.umask = answers[i];
        struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .umask = 077 } };
        bool is_mask = answers[i] <= 0777;
        assert_int_equal(launch_it(&launch), is_mask ? SCRIPT_RETURNED : SCRIPT_EXITED);
        if (!is_mask)
            assert_told(71, "umask: cannot be set");
        assert_int_equal(script_file("/run/x.pid") != NULL, is_mask);
    }
}

static void interrupted_calls_are_repeated(void **state)
{
    (void)state;
    static const char *const calls[] = { "open", "flock", "dup2", "pwrite", "ftruncate", "chdir", "recv", "fcntl" };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/var/log/x.out", S_IFREG | 0644, "");
        script_fail(calls[i], 1, EINTR);
        struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .stdout_path = "/var/log/x.out" } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_int_equal(script.faults_fired, 1);
        assert_non_null(launch.daemon);
    }
}

static void without_a_launcher_the_daemon_does_not_return(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script.launcher_gone = true;
    struct launch_case launch = { .config = { .pidfile = "/run/x.pid" } };
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 71);
    assert_null(script_file("/run/x.pid"));
}

/* What the launcher says of a death names the step (NTF-14): by then it is in the memory that both share. */
static int steps_wrong;

static void look_at_the_step(const char *call)
{
    static const struct { const char *call; int earlier, step; } expected[] = { /* earlier: calls of that name */
        { "socketpair", 0, 1 }, { "sigprocmask", 0, 1 }, { "fork", 0, 1 },       { "setsid", 0, 2 },
        { "fork", 1, 3 },       { "umask", 0, 4 },       { "chdir", 0, 5 },      { "dup2", 0, 6 },
        { "flock", 0, 7 },      { "pwrite", 0, 8 },      { "stop_ignoring", 0, 9 }, { "sigprocmask", 1, 10 },
        { "set_environment", 0, 11 }, { "ftruncate", 0, 12 }, { "dup2", 3, 12 },  { "close_range", 0, 13 },
        { "recv", 0, 14 },
    };
    const struct blivet_page *page = script.page;
    for (size_t i = 0; page && i < sizeof expected / sizeof expected[0]; i++)
        if (strcmp(call, expected[i].call) == 0 && script_count(call) == expected[i].earlier)
            steps_wrong += page->step != expected[i].step;
}

static void each_step_is_noted_before_it_is_taken(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script.watch = look_at_the_step;
    steps_wrong = 0;
    struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .stdout_path = "/var/log/x.out",
                                              .env = &(struct blivet_env){ "A", "1" }, .env_count = 1 } };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    const struct blivet_page *page = script.page;
    assert_int_equal(steps_wrong, 0);
    assert_int_equal(page->step, STEP_APPLICATION);
    assert_int_equal(page->pid, SCRIPT_DAEMON_PID);
}

/* ---- the launcher ---- */

static void a_failing_first_fork_is_returned_with_everything_as_before(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        { "fork", 1, EAGAIN, 71, "first fork: resource temporarily unavailable" },
        { "socketpair", 1, EMFILE, 71, "notification channel: too many open files" },
        { "mmap", 1, ENOMEM, 71, "notification channel: cannot allocate memory" },
        { "sigprocmask", 1, EINVAL, 71, "signal mask: invalid argument" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        sigset_t before = script.mask;
        script_add("/var/log/x.out", S_IFREG | 0644, "");
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .env = &(struct blivet_env){ "A", "1" },
                                                  .env_count = 1 } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_null(launch.daemon);
        assert_int_equal(launch.error.exit_code, cases[i].code);
        assert_string_equal(launch.error.message, cases[i].text);
        assert_int_equal(script_open_fds(), 0);
        assert_int_equal(script.allocations, 0);
        assert_memory_equal(&before, &script.mask, sizeof before);
        assert_null(script_file("/run/x.pid"));
    }
}

static void a_handler(int signal) { (void)signal; }

/* SIGCHLD is at its default from before the fork (SEQ-13), and the caller's again where there was none. */
static void a_failing_first_fork_gives_signals_back(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        { "fork", 1, EAGAIN, 71, "first fork: resource temporarily unavailable" },
        { "sigaction", 5, EINVAL, 71, "signal dispositions: SIGCHLD: invalid argument" }, /* four for the flush */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script.actions[SIGCHLD].sa_handler = a_handler;
        sigaddset(&script.mask, SIGUSR1);
        script_add("/var/log/x.out", S_IFREG | 0644, "");
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        struct launch_case launch = { .config = { 0 } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_string_equal(launch.error.message, cases[i].text);
        assert_int_equal(launch.error.step, 1);
        assert_ptr_equal(script.actions[SIGCHLD].sa_handler, a_handler);
        assert_true(sigismember(&script.mask, SIGUSR1) && !sigismember(&script.mask, SIGTERM));
    }
}

static void a_channel_that_cannot_leave_the_standard_descriptors_is_an_error(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 2; nth++) {
        script_begin(SCRIPT_LAUNCHER);
        for (int fd = 0; fd < 3; fd++)
            script_kernel.close(fd);
        script_fail("fcntl", nth, EMFILE);
        script_fail("close", 1, EIO); /* what close answers must not hide the reason */
        struct launch_case launch = { .config = { 0 } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_null(launch.daemon);
        assert_string_equal(launch.error.message, "notification channel: too many open files");
        for (int fd = 0; fd < 3; fd++)
            assert_int_equal(script.fds[fd], -1);
        assert_int_equal(script_open_fds(), 0);
    }
}

static void no_reason_is_forced_on_who_wants_none_body(void *unused)
{
    (void)unused;
    static const struct blivet_config config = { .pidfile = "x" };
    assert_null(blivet_daemonize_on(&config, &blivet_script, BLIVET_TRUST_CALLER, NULL));
}

static void no_reason_is_forced_on_who_wants_none(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(script_run(no_reason_is_forced_on_who_wants_none_body, NULL), SCRIPT_RETURNED);
}

static void the_launcher_has_its_mask_back_while_it_waits(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    sigaddset(&script.mask, SIGUSR1);
    script.actions[SIGCHLD].sa_handler = SIG_IGN;
    script.hears = "";
    script.hears_count = 1; /* ready */
    struct launch_case launch = { .config = { 0 } };
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 0);
    assert_true(sigismember(&script.mask, SIGUSR1));
    assert_false(sigismember(&script.mask, SIGTERM));
    assert_ptr_equal(script.actions[SIGCHLD].sa_handler, SIG_DFL);
}

/* ---- the session leader ---- */

static void the_session_leader_hands_over_and_ends(void **state)
{
    (void)state;
    script_begin(SCRIPT_LEADER);
    script.stat_line = "102 (x) S 101 101 101 0 -1 64 0";
    struct launch_case launch = { .config = { .pidfile = "/run/x.pid" } };
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 0);
    assert_false(script.exit_was_exit);
    assert_true(script_called("pidfd_open"));
    assert_int_equal(script_count("sendmsg"), 1);
    assert_null(script_file("/run/x.pid"));
}

/* ---- foreground mode ---- */

static void foreground_mode_forks_nothing_and_returns_every_failure(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        { "chdir", 1, EACCES, 71, "working directory" },  { "open", 1, EMFILE, 71, "/dev/null" },
        { "flock", 1, ENOLCK, 73, "pidfile" },            { "pwrite", 1, EIO, 73, "pidfile" },
        { "sigprocmask", 1, EFAULT, 71, "signal mask" },  { "ftruncate", 1, EIO, 73, "stdout" },
        { "dup2", 2, EBUSY, 73, "stdout" },              { "getpid", 1, EPERM, 71, "process id: cannot be told" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        int before[3] = { script.fds[0], script.fds[1], script.fds[2] };
        script_add("/var/log/x.out", S_IFREG | 0644, "");
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .stdout_path = "/var/log/x.out",
                                                  .flags = BLIVET_FOREGROUND } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_int_equal(script.faults_fired, 1);
        assert_null(launch.daemon);
        assert_int_equal(launch.error.exit_code, cases[i].code);
        assert_contains(launch.error.message, cases[i].text);
        assert_false(script_called("fork"));
        assert_int_equal(script_open_fds(), 0);
        assert_memory_equal(before, script.fds, sizeof before); /* 0 to 2 as they were */
        assert_int_equal(script.allocations, 0);
        assert_null(script_file("/run/x.pid"));
    }
}

/* The three public calls, on the C library itself: refused before anything has begun. */
static void the_public_calls_validate_first(void **state)
{
    (void)state;
    const struct blivet_config config = { .umask = 010000 };
    struct blivet_error error;
    memset(&error, 0, sizeof error);
    assert_int_equal(blivet_validate(&config, &error), -1);
    assert_string_equal(error.message, "umask: 4096: is over 4095, octal 07777");
    memset(&error, 0, sizeof error);
    assert_null(blivet_daemonize(&config, &error));
    assert_int_equal(error.exit_code, 64);
    memset(&error, 0, sizeof error);
    assert_null(blivet_daemonize_unchecked(&config, &error));
    assert_int_equal(error.kind, BLIVET_INVALID_CONFIG);
    const struct blivet_config standard = { 0 };
    assert_int_equal(blivet_validate(&standard, &error), 0);
}

/* Unblocked first, a SIGCHLD that waited would meet the default and be lost. */
static void after_a_failed_fork_the_callers_handler_is_back_before_signals_are(void **state)
{
    (void)state;
    struct launch_case launch = { 0 };
    script_begin(SCRIPT_LAUNCHER);
    script_fail("fork", 1, EAGAIN);
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_null(launch.daemon);
    const char *fork = strstr(script.trace, "fork ");
    assert_non_null(fork);
    const char *handler = strstr(fork, "sigaction "), *mask = strstr(fork, "sigprocmask ");
    assert_true(handler && mask && handler < mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("SEQ-5 SEQ-13", after_a_failed_fork_the_callers_handler_is_back_before_signals_are),
        CLAIM("CFG-1 CFG-3 CFG-11", the_public_calls_validate_first),
        CLAIM("SEQ-1 SEQ-11 PID-1", the_daemon_takes_all_steps_in_order),
        CLAIM("STD-1", standard_descriptors_are_the_null_device),
        CLAIM("SEQ-9", started_with_closed_descriptors_nothing_of_ours_lands_on_them),
        CLAIM("SEQ-6 SEQ-7 PID-9 ERR-6 ERR-7", a_failing_step_tells_the_launcher_and_ends_with_its_code),
        CLAIM("SEQ-6", an_answer_that_is_no_mask_stops_the_start),
        CLAIM("SEQ-7", interrupted_calls_are_repeated),
        CLAIM("NTF-13 NTF-17", without_a_launcher_the_daemon_does_not_return),
        CLAIM("NTF-14 SEQ-1", each_step_is_noted_before_it_is_taken),
        CLAIM("SEQ-5 SEQ-13 ERR-6", a_failing_first_fork_gives_signals_back),
        CLAIM("SEQ-5 SEQ-9 ERR-6", a_channel_that_cannot_leave_the_standard_descriptors_is_an_error),
        CLAIM("SEQ-5", no_reason_is_forced_on_who_wants_none),
        CLAIM("SEQ-5 ERR-6", a_failing_first_fork_is_returned_with_everything_as_before),
        CLAIM("SEQ-10 SEQ-13 NTF-1", the_launcher_has_its_mask_back_while_it_waits),
        CLAIM("SEQ-3 SEQ-12", the_session_leader_hands_over_and_ends),
        CLAIM("SEQ-4", foreground_mode_forks_nothing_and_returns_every_failure),
    };
    return cmocka_run_group_tests_name("daemonize", tests, NULL, NULL);
}
