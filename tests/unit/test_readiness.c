/* test_readiness.c - a program that says when it is ready, and a manager that is told (NTF-15, NTF-18). */
#include "unit.h"
#include <errno.h>

#define EXECED "102 (x) S 101 101 101 0 -1 0 0"

static void the_children_begin(void)
{
    struct blivet_page *page = script.page;
    page->pid = SCRIPT_DAEMON_PID;
    page->step = STEP_APPLICATION;
}

/* The daemon has announced and exec'd; what follows is in script.notices. */
static void program_runs(void)
{
    script_begin(SCRIPT_LAUNCHER);
    script.meanwhile = the_children_begin;
    script.hears = "\xff";
    script.hears_count = 1;
    script.hears_end = true;
    script.has_stat = script.has_pidfd = true;
    script.stat_line = EXECED;
}

static void says(int64_t at_ms, pid_t sender, const char *text)
{
    script.notices[script.notice_count++] = (struct script_notice){ at_ms, sender, text };
}

static void wait_for(struct blivet_config config, int code, const char *words)
{
    struct launch_case launch = { .config = config };
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, code);
    if (words)
        assert_contains(script.printed, words);
    else
        assert_string_equal(script.printed, "");
}

static const struct blivet_config notify = { .ready = BLIVET_READY_NOTIFY };
static const struct blivet_config newline = { .ready = BLIVET_READY_FD, .ready_fd = 9 };

static void ready_is_what_the_daemon_or_its_session_says(void **state)
{
    (void)state;
    program_runs();
    says(300, SCRIPT_DAEMON_PID, "STATUS=nearly\nREADY=1");
    wait_for(notify, 0, NULL);
    assert_int_equal(script.clock_ms, 300); /* neither before nor long after */
    program_runs();
    script.in_session = 120;
    says(300, 120, "READY=1");
    wait_for(notify, 0, NULL);
}

/* Whatever number the program was promised: nothing of ours is there, least of all the channel. */
static void the_promised_descriptor_takes_the_place_of_nothing_of_ours(void **state)
{
    (void)state;
    for (int number = 3; number < 12; number++) {
        script_begin(SCRIPT_LEADER);
        struct launch_case launch = { .config = { .ready = BLIVET_READY_FD, .ready_fd = number } };
        assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 0);
        int channels = 0;
        for (int fd = 3; fd < SCRIPT_FDS; fd++)
            channels += script.fds[fd] >= 0 && script.descriptions[script.fds[fd]].kind == SCRIPT_CHANNEL;
        assert_int_equal(channels, 1);
        assert_int_equal(script.descriptions[script.fds[number]].kind, SCRIPT_PIPE);
    }
}

static void a_stranger_is_not_heard(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.ready_timeout_ms = 500;
    program_runs();
    says(100, 999, "READY=1");
    says(100, 0, "READY=1");
    wait_for(config, 75, "program was not ready after 0.500 seconds");
    assert_true(script.daemon_dead);
}

static void a_limit_can_be_extended(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.ready_timeout_ms = 500;
    program_runs();
    says(400, SCRIPT_DAEMON_PID, "EXTEND_TIMEOUT_USEC=2000000");
    says(2300, SCRIPT_DAEMON_PID, "READY=1");
    wait_for(config, 0, NULL);
    program_runs();
    says(400, SCRIPT_DAEMON_PID, "EXTEND_TIMEOUT_USEC=2000000\nERRNO=13");
    wait_for(config, 75, "program was not ready after 2.400 seconds: permission denied");
}

static void status_is_shown_only_where_asked(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.flags = BLIVET_SHOW_STATUS;
    program_runs();
    says(10, SCRIPT_DAEMON_PID, "STATUS=load\033ing");
    says(20, SCRIPT_DAEMON_PID, "READY=1");
    wait_for(config, 0, "status: load\\x1bing\n");
}

static void a_death_while_waiting_is_seen_at_once(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.ready_timeout_ms = 60000;
    program_runs();
    says(10, SCRIPT_DAEMON_PID, "ERRNO=2");
    script.event_ms = 0;
    script.daemon_dead = true;
    script.stat_line = NULL;
    script.status_kept = true;
    script.daemon_status = 3 << 8;
    wait_for(config, 1, "program ended before it was ready, with exit status 3");
    assert_true(script.clock_ms < 2000);
}

static void another_main_process_is_watched_and_named(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.pidfile = "/run/x.pid";
    program_runs();
    script_add("/run/x.pid", S_IFREG | 0644, "102\n");
    script.in_session = 120;
    says(10, SCRIPT_DAEMON_PID, "MAINPID=999");
    says(20, SCRIPT_DAEMON_PID, "MAINPID=120");
    says(30, 120, "READY=1");
    wait_for(config, 0, NULL);
    assert_memory_equal(script_file("/run/x.pid")->content, "120\n", 4);
}

/* By its own /proc/PID/stat: it has not been reaped, and its parent may take its time. */
static void how_another_main_process_died_is_told_at_once(void **state)
{
    (void)state;
    static const struct { const char *stat, *words; } cases[] = {
        { "120 (y) Z 102 101 101 0 -1 4 0 9", ": main process was killed by SIGKILL\n" },
        { "120 (y) Z 102 101 101 0 -1 4 0 1792", ": main process ended before it was ready, with exit status 7\n" },
        { "120 (y) Z 102 101 101 0 -1 4 0 0", ": main process ended before it was ready\n" }, /* they may not know */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_runs();
        script.in_session = 120;
        script.session_line = cases[i].stat;
        says(10, SCRIPT_DAEMON_PID, "MAINPID=120");
        script.event_ms = 50;
        script.daemon_dead = true;
        wait_for(notify, 1, cases[i].words);
        assert_in_range(script.clock_ms, 50, 100);
    }
}

static void the_process_named_leaves_before_it_is_held(const char *call)
{
    if (strcmp(call, "pidfd_open") == 0)
        script.in_session = 0;
}

/* By then the number may be anybody's. */
static void a_main_process_is_asked_for_again_once_it_is_held(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.pidfile = "/run/x.pid";
    program_runs();
    script_add("/run/x.pid", S_IFREG | 0644, "102\n");
    script.in_session = 120;
    script.watch = the_process_named_leaves_before_it_is_held;
    says(20, SCRIPT_DAEMON_PID, "MAINPID=120");
    says(30, SCRIPT_DAEMON_PID, "READY=1");
    wait_for(config, 0, NULL);
    assert_true(script_called("pidfd_open"));
    assert_memory_equal(script_file("/run/x.pid")->content, "102\n", 4);
}

static void it_is_dead_a_moment_later(const char *call)
{
    if (strcmp(call, "poll") == 0 && script_called("read"))
        script.daemon_dead = true;
}

static void a_newline_on_the_descriptor_is_ready_and_nothing_else(void **state)
{
    (void)state;
    program_runs();
    says(100, 0, "loading");
    says(200, 0, "\n");
    wait_for(newline, 0, NULL);
    assert_int_equal(script.clock_ms, 200);
    program_runs();
    says(100, 0, "loading");
    says(200, 0, NULL);
    wait_for(newline, 1, "program closed its readiness descriptor before it was ready");
    assert_true(script.daemon_dead);
    assert_in_range(script.clock_ms, 200, 249); /* that it lives can be seen at once */
}

/* Its descriptors are closed a moment before the pidfd tells of the death. */
static void a_death_that_closes_the_descriptor_is_told_as_one(void **state)
{
    (void)state;
    program_runs();
    script.stat_line = "102 (x) Z 101 101 101 0 -1 4 0 11";
    script.status_kept = true;
    script.daemon_status = 11;
    says(200, 0, NULL);
    script.watch = it_is_dead_a_moment_later;
    wait_for(newline, 1, "program was killed by SIGSEGV");
    assert_in_range(script.clock_ms, 200, 249);
}

static void the_program_finds_the_descriptor_where_it_was_promised(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script.no_proc = true; /* so that the pipe is not opened a second time, both ways */
    struct launch_case launch = { .config = newline };
    launch.config.pidfile = "/run/x.pid";
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
    assert_int_equal(script.descriptions[script.fds[9]].kind, SCRIPT_PIPE);
    assert_false(script.cloexec[9]);
    assert_int_equal(launch.daemon->ear, -1);
    assert_int_equal(launch.daemon->ready_write, -1);
    assert_int_not_equal(blivet_lockfile_fd(launch.daemon), 9);
    assert_int_equal(script_open_fds(), 4); /* the channel, the lock, the pidfile and this one */
}

static void the_program_finds_the_sockets_name(void **state)
{
    (void)state;
    static const struct blivet_env before = { "NOTIFY_SOCKET", "/run/manager" };
    script_begin(SCRIPT_DAEMON);
    struct launch_case launch = { .config = notify };
    launch.config.env = &before;
    launch.config.env_count = 1;
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    char **last = script.environment;
    while (last[1])
        last++;
    assert_string_equal(*last, "NOTIFY_SOCKET=@0a1b2");
}

static void what_cannot_be_opened_is_returned_with_nothing_left(void **state)
{
    (void)state;
    static const struct { const char *call; bool by_fd; int error, code; } cases[] = {
        { "socket", false, EMFILE, 71 }, { "setsockopt", false, ENOPROTOOPT, 71 }, { "bind", false, EADDRINUSE, 71 },
        { "getsockname", false, ENOBUFS, 71 }, { "pipe2", true, EMFILE, 71 }, { "fcntl", true, EINVAL, 64 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script_fail(cases[i].call, 1, cases[i].error);
        struct launch_case launch = { .config = cases[i].by_fd ? newline : notify };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_null(launch.daemon);
        assert_int_equal(launch.error.exit_code, cases[i].code);
        assert_int_equal(script_open_fds(), 0);
        assert_int_equal(script.allocations, 0);
    }
}

static void in_foreground_mode_a_manager_is_told_once(void **state)
{
    (void)state;
    static char *environments[][2] = { { (char *)"NOTIFY_SOCKET=/run/systemd/notify", NULL },
                                       { (char *)"NOTIFY_SOCKET=@abstract", NULL } };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script.environment = environments[i];
        struct launch_case launch = { .config = { .flags = BLIVET_FOREGROUND } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_int_equal(blivet_notify_parent(launch.daemon, &launch.error), 0);
        assert_int_equal(blivet_notify_parent(launch.daemon, &launch.error), 0);
        assert_string_equal(script.told_manager, "READY=1");
        assert_string_equal(script.manager, environments[i][0] + strlen("NOTIFY_SOCKET="));
        assert_int_equal(script_open_fds(), 0);
    }
}

static void a_manager_that_cannot_be_told_is_an_error(void **state)
{
    (void)state;
    static char *environments[][2] = { { (char *)"NOTIFY_SOCKET=/run/systemd/notify", NULL },
                                       { (char *)"NOTIFY_SOCKET=relative", NULL } };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script.environment = environments[i];
        script_fail("connect", 1, ECONNREFUSED);
        struct launch_case launch = { .config = { .flags = BLIVET_FOREGROUND } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_int_equal(blivet_notify_parent(launch.daemon, &launch.error), -1);
        assert_int_equal(launch.error.exit_code, 71);
        assert_contains(launch.error.message, "NOTIFY_SOCKET: ");
        assert_int_equal(script_open_fds(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-15", a_main_process_is_asked_for_again_once_it_is_held),
        CLAIM("NTF-15", ready_is_what_the_daemon_or_its_session_says),
        CLAIM("NTF-15", a_stranger_is_not_heard),
        CLAIM("NTF-15", the_promised_descriptor_takes_the_place_of_nothing_of_ours),
        CLAIM("NTF-15 NTF-11", a_limit_can_be_extended),
        CLAIM("NTF-15 NTF-5", status_is_shown_only_where_asked),
        CLAIM("NTF-15 NTF-14", a_death_while_waiting_is_seen_at_once),
        CLAIM("NTF-15", another_main_process_is_watched_and_named),
        CLAIM("NTF-14 NTF-15 NTF-19", how_another_main_process_died_is_told_at_once),
        CLAIM("NTF-15", a_newline_on_the_descriptor_is_ready_and_nothing_else),
        CLAIM("NTF-14 NTF-15 NTF-19", a_death_that_closes_the_descriptor_is_told_as_one),
        CLAIM("NTF-15 CLI-5", the_program_finds_the_descriptor_where_it_was_promised),
        CLAIM("NTF-15 CFG-2", the_program_finds_the_sockets_name),
        CLAIM("NTF-15 SEQ-5", what_cannot_be_opened_is_returned_with_nothing_left),
        CLAIM("NTF-18", in_foreground_mode_a_manager_is_told_once),
        CLAIM("NTF-18", a_manager_that_cannot_be_told_is_an_error),
    };
    return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
