/* test_context.c - what the daemon says to its launcher, and the end (NTF). */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>

static struct launch_case launch;
static struct blivet_error error;

static struct blivet_context *started_as(enum script_role role, struct blivet_config config)
{
    script_begin(role);
    memset(&launch, 0, sizeof launch);
    memset(&error, 0, sizeof error);
    launch.config = config;
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
    return launch.daemon;
}

static struct blivet_context *started(struct blivet_config config) { return started_as(SCRIPT_DAEMON, config); }

static const struct blivet_config simple = { .pidfile = "/run/x.pid" };

static void assert_said(const char *bytes, size_t count)
{
    assert_int_equal(script.said_count, count);
    assert_memory_equal(script.said, bytes, count);
}

/* ---- success ---- */

static void ready_is_one_zero_byte_and_then_the_end(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    assert_said("\0", 1);
    assert_int_equal(daemon->channel, -1);
    assert_null(script.page);
    assert_int_equal(blivet_notify_parent(daemon, &error), 0); /* a second time is harmless */
    assert_int_equal(blivet_announce_exec(daemon, &error), 0);
    assert_int_equal(blivet_notify_parent(daemon, &error), 0); /* nor does an announcement that nobody hears change that */
    blivet_close(daemon);
    assert_said("\0", 1);
    assert_int_equal(script_open_fds(), 0);
    assert_int_equal(script.allocations, 0);
}

static void the_announcement_leaves_room_for_a_failure(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    assert_int_equal(blivet_announce_exec(daemon, &error), 0);
    assert_int_equal(blivet_announce_exec(daemon, &error), 0);
    assert_said("\xff", 1);
    assert_true(script.cloexec[daemon->channel]); /* exec ends it */
    assert_int_equal(blivet_notify_parent(daemon, &error), -1);
    assert_int_equal(error.exit_code, 71);
    assert_said("\xff", 1);
    blivet_close(daemon);
    assert_said("\xff\x01" "daemon exited without signalling readiness\n", 45);
    assert_null(script_file("/run/x.pid"));
}

static void who_is_still_root_is_not_ready(void **state)
{
    (void)state;
    for (int foreground = 0; foreground < 2; foreground++) {
        struct blivet_context *daemon = started_as(foreground ? SCRIPT_LAUNCHER : SCRIPT_DAEMON, (struct blivet_config){
            .user = "www", .flags = foreground ? BLIVET_FOREGROUND : 0 });
        assert_int_equal(blivet_notify_parent(daemon, &error), -1);
        assert_int_equal(error.kind, BLIVET_NOT_DROPPED);
        assert_int_equal(error.exit_code, 70);
        assert_string_equal(error.message, "privileges: not dropped");
        assert_int_equal(blivet_announce_exec(daemon, &error), -1);
        assert_int_equal(error.exit_code, 70);
        assert_int_equal(script.said_count, 0);
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
        assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    }
}

static void foreground_mode_has_nobody_to_tell(void **state)
{
    (void)state;
    struct blivet_context *daemon = started_as(SCRIPT_LAUNCHER, (struct blivet_config){ .pidfile = "/run/x.pid",
                                                                                        .flags = BLIVET_FOREGROUND });
    size_t before = strlen(script.trace);
    assert_int_equal(blivet_announce_exec(daemon, &error), 0);
    assert_int_equal(strlen(script.trace), before); /* not a single call */
    daemon->announced = false;
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    assert_false(script_called("socket"));
    blivet_close(daemon);
    assert_false(script_called("send"));
    assert_null(script_file("/run/x.pid"));
    assert_string_equal(script.printed, "");
}

/* ---- a launcher that is gone ---- */

static int (*const words_to_launcher[])(struct blivet_context *, struct blivet_error *) = { blivet_notify_parent,
                                                                                            blivet_announce_exec };

static void who_has_no_launcher_is_told_so_and_lives(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct blivet_context *daemon = started(simple);
        script.launcher_gone = true;
        assert_int_equal(words_to_launcher[i](daemon, &error), -1); /* the kernel here aborts where SIGPIPE could come */
        assert_int_equal(error.kind, BLIVET_NOTIFY_FAILED);
        assert_int_equal(error.exit_code, 71);
        assert_string_equal(error.message, "notification: broken pipe");
        assert_int_equal(words_to_launcher[i](daemon, NULL), -1); /* the reason is not wanted; the answer is the same */
        blivet_close(daemon);
        assert_int_equal(script.said_count, 0);
    }
}

/* It was asked to go and leave the daemon alone when the limit passed. */
static void a_launcher_that_has_left_as_asked_is_no_error(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    ((struct blivet_page *)script.page)->left = 1;
    script.launcher_gone = true;
    assert_int_equal(blivet_announce_exec(daemon, &error), 0);
    assert_false(script_called("send")); /* whoever has the other end by then would take it for something else */
    blivet_close(daemon);
    daemon = started(simple);
    ((struct blivet_page *)script.page)->left = 1;
    script.launcher_gone = true;
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    blivet_close(daemon);
}

static const char *left_at; /* the call */

static void leave_it(const char *call)
{
    if (strcmp(call, left_at) == 0)
        ((struct blivet_page *)script.page)->left = 1;
}

static void a_launcher_that_left_before_go_is_no_error_either(void **state)
{
    (void)state;
    for (int unread = 0; unread < 2; unread++) { /* what the leader had sent it: then that is a reset */
        script_begin(SCRIPT_DAEMON);
        script.launcher_gone = true;
        script.watch = leave_it;
        left_at = "recv";
        if (unread)
            script_fail("recv", 1, ECONNRESET);
        struct launch_case late = { .config = simple };
        assert_int_equal(launch_it(&late), SCRIPT_RETURNED);
        assert_int_equal(blivet_notify_parent(late.daemon, &error), 0);
        blivet_close(late.daemon);
    }
}

/* Between the look at whether it has left and the word to it. */
static void a_launcher_that_leaves_at_that_moment_is_no_error(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct blivet_context *daemon = started(simple);
        script.launcher_gone = true;
        script.watch = leave_it;
        left_at = "send";
        assert_int_equal(words_to_launcher[i](daemon, &error), 0);
        assert_int_equal(error.kind, BLIVET_OK); /* not touched */
        assert_true(script_called("send"));
        blivet_close(daemon);
    }
}

/* There it is the caller's, or the supervisor's. */
static void in_foreground_mode_the_readiness_descriptor_stays_open(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script.fds[9] = script.fds[1];
    script.descriptions[script.fds[1]].users++;
    struct launch_case foreground = { .config = { .ready = BLIVET_READY_FD, .ready_fd = 9, .flags = BLIVET_FOREGROUND } };
    assert_int_equal(launch_it(&foreground), SCRIPT_RETURNED);
    assert_int_equal(blivet_notify_parent(foreground.daemon, &error), 0);
    blivet_close(foreground.daemon);
    assert_true(script.fds[9] >= 0);
}

/* Whoever reads it would wait for its end for as long as the daemon lives. */
static void a_daemon_that_is_ready_lets_go_of_the_readiness_descriptor(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct launch_case promised = { .config = { .ready = BLIVET_READY_FD, .ready_fd = 9 } };
    assert_int_equal(launch_it(&promised), SCRIPT_RETURNED);
    assert_true(script.fds[9] >= 0);
    assert_int_equal(blivet_notify_parent(promised.daemon, &error), 0);
    assert_true(script.fds[9] < 0);
    blivet_close(promised.daemon);
}

static void a_go_that_cannot_be_read_is_told_in_the_exit_code(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_fail("recv", 0, ECONNRESET);
    struct launch_case hopeless = { .config = simple };
    assert_int_equal(launch_it(&hopeless), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 71);
    assert_int_equal(script.said_count, 0);
    assert_null(script_file("/run/x.pid"));
}

/* The exit code is all that is heard of it; the rest is for whoever looks into a context that is left. */
static void a_go_that_never_comes_is_noted_with_its_reason_and_step(void **state)
{
    (void)state;
    static const struct { int error; const char *want; } cases[] = {
        { 0, "notification: the launcher is gone" }, { ECONNRESET, "notification: connection reset by peer" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_context *daemon = started(simple);
        script.launcher_gone = true;
        daemon->has_go = false;
        blivet_enter(daemon, STEP_HAND_OVER);
        if (cases[i].error != 0)
            script_fail("recv", 1, cases[i].error);
        errno = EIO; /* of something else */
        assert_int_not_equal(blivet_await_go(daemon), 0);
        assert_string_equal(daemon->error.message, cases[i].want);
        assert_int_equal(daemon->error.system_errno, cases[i].error);
        assert_int_equal(daemon->error.step, 14);
        blivet_close(daemon);
    }
}

static void interrupted_and_short_sends_lose_nothing(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    script.short_counts = true;
    script_fail("send", 1, EINTR);
    script_fail("send", 5, EINTR);
    blivet_close(daemon);
    assert_int_equal(script.faults_fired, 2);
    assert_said("\x01" "daemon exited without signalling readiness\n", 44);
}

/* ---- failure ---- */

struct failure {
    struct blivet_context *daemon;
    int code;
    const char *message;
};

static void fail_body(void *argument)
{
    struct failure *failure = argument;
    blivet_fail(failure->daemon, failure->code, failure->message);
}

static void give_up_with(struct blivet_context *daemon, int code, const char *message)
{
    struct failure failure = { daemon, code, message };
    assert_int_equal(script_run(fail_body, &failure), SCRIPT_EXITED);
}

static void a_failure_has_a_code_of_choice_and_a_text(void **state)
{
    (void)state;
    static const struct { int code, told; const char *message, *want; } cases[] = {
        { 1, 1, "no config", "no config" },  { 254, 254, "x", "x" },      { 255, 70, "x", "x" },
        { 0, 70, "x", "x" },                 { 256, 70, "x", "x" },       { -1, 70, "x", "x" },
        { 3, 3, "a\nb\x1b", "a\\nb\\x1b" },  { 3, 3, "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        give_up_with(started(simple), cases[i].code, cases[i].message);
        assert_int_equal(script.exit_code, cases[i].told);
        assert_true(script.exit_was_exit); /* the application's exit handlers run */
        assert_told(cases[i].told, cases[i].want);
        assert_string_equal(script.said + 1, cases[i].want);
        assert_null(script_file("/run/x.pid"));
        assert_true(strstr(script.trace, "unlink ") < strstr(script.trace, "send "));
        assert_string_equal(script.printed, ""); /* the launcher prints */
    }
}

/* Or the launcher, finding it gone with an exit status, would take it for the program. */
static void an_announced_exec_that_failed_unheard_is_no_ordinary_exit(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    assert_int_equal(blivet_announce_exec(daemon, &error), 0);
    script_fail("send", 1, ENOBUFS);
    struct failure failure = { daemon, 66, "program: /x: no such file" };
    assert_int_equal(script_run(fail_body, &failure), SCRIPT_KILLED);
    assert_int_equal(script.raised, SIGKILL);
    assert_null(script_file("/run/x.pid"));
}

static void report_body(void *daemon) { blivet_report_error(daemon, &error); }

static void an_error_of_ours_is_reported_as_it_is(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    blivet_set_error(&error, BLIVET_OUTPUT_FAILED, EROFS, "stdout", "/x", NULL);
    assert_int_equal(script_run(report_body, daemon), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 73);
    assert_told(73, "stdout: /x: read-only file system");
}

static void in_foreground_mode_a_failure_is_printed_on_the_stderr_of_the_start(void **state)
{
    (void)state;
    for (int configured = 0; configured < 2; configured++) {
        struct blivet_context *daemon = started_as(SCRIPT_LAUNCHER, (struct blivet_config){
            .pidfile = "/run/x.pid", .flags = BLIVET_FOREGROUND, .stderr_path = configured ? "/var/log/x" : NULL });
        script_kernel.dup2(script_kernel.open("/var/log/y", O_WRONLY | O_CREAT, 0644), 1);
        give_up_with(daemon, 7, "no config");
        assert_int_equal(script.exit_code, 7);
        assert_true(script.exit_was_exit);
        assert_int_equal(script_file("/var/log/y")->size, 0); /* where the program's own output goes */
        assert_string_equal(script_file("/dev/tty")->content, "test_context: no config\n");
        assert_true(!configured || script_file("/var/log/x")->size == 0);
        assert_null(script_file("/run/x.pid"));
    }
}

static void a_failure_after_ready_tells_nobody(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct blivet_context *daemon = started(simple);
        assert_int_equal(blivet_notify_parent(daemon, &error), 0);
        if (keep)
            blivet_keep_pidfile(daemon);
        give_up_with(daemon, 7, "later");
        assert_int_equal(script.exit_code, 7);
        assert_said("\0", 1);
        assert_int_equal(script_file("/run/x.pid") != NULL, keep);
    }
}

static void a_failure_without_a_launcher_still_ends_the_process(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    script.launcher_gone = true;
    give_up_with(daemon, 7, "x");
    assert_int_equal(script.exit_code, 7);
    assert_null(script_file("/run/x.pid"));
}

/* As an exit handler may that does not know of the first. */
static void a_second_failure_is_not_told(void **state)
{
    (void)state;
    for (size_t announced = 0; announced < 2; announced++) {
        struct blivet_context *daemon = started(simple);
        if (announced)
            assert_int_equal(blivet_announce_exec(daemon, &error), 0);
        give_up_with(daemon, 7, "the reason");
        give_up_with(daemon, 8, "what came of it"); /* an ordinary exit: the first was heard */
        assert_int_equal(script.said_count, announced + 12);
        assert_memory_equal(script.said + announced, "\x07the reason\n", 12);
    }
}

static void a_worker_that_fails_only_ends(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    script.pid = 999;
    give_up_with(daemon, 7, "x");
    assert_int_equal(script.exit_code, 7);
    assert_false(script.exit_was_exit);
    assert_int_equal(script.said_count, 0);
    assert_non_null(script_file("/run/x.pid"));
}

/* ---- the end ---- */

static void closing_without_a_word_tells_a_failure(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    blivet_close(daemon);
    assert_told(1, "daemon exited without signalling readiness");
    assert_int_equal(script_open_fds(), 0);
    assert_int_equal(script.allocations, 0);
    assert_null(script.page);
    blivet_close(NULL);
}

static void closing_in_foreground_mode_keeps_what_is_to_be_kept(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 2; flags++) {
        struct blivet_config config = { .pidfile = "/run/x.pid", .flags = BLIVET_FOREGROUND | (flags ? BLIVET_KEEP_PIDFILE : 0) };
        blivet_close(started(config));
        assert_int_equal(script_file("/run/x.pid") != NULL, flags);
        assert_int_equal(script.said_count, 0);
        assert_int_equal(script_open_fds(), 0);
    }
}

/* As process 1 of a PID namespace below that of a daemon which is process 1 as well. */
static void a_worker_of_the_same_number_can_say_that_the_file_stays(void **state)
{
    (void)state;
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid", .flags = BLIVET_FOREGROUND });
    blivet_keep_pidfile(daemon);
    blivet_close(daemon);
    assert_string_equal(script_file("/run/x.pid")->content, "100\n");
    assert_int_equal(script_open_fds(), 0);
}

static void closing_in_a_worker_only_drops_its_copies(void **state)
{
    (void)state;
    struct blivet_context *daemon = started(simple);
    script.pid = 999;
    blivet_close(daemon);
    assert_int_equal(script.said_count, 0);
    assert_false(script_called("shutdown"));
    assert_int_equal(script_open_fds(), 0);
    assert_non_null(script_file("/run/x.pid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-7 NTF-13 NTF-3 ERR-6", who_has_no_launcher_is_told_so_and_lives),
        CLAIM("NTF-9", a_second_failure_is_not_told),
        CLAIM("NTF-1 NTF-12", ready_is_one_zero_byte_and_then_the_end),
        CLAIM("NTF-3 NTF-6 NTF-8", the_announcement_leaves_room_for_a_failure),
        CLAIM("NTF-10 ERR-5", who_is_still_root_is_not_ready),
        CLAIM("SEQ-4", foreground_mode_has_nobody_to_tell),
        CLAIM("NTF-11", a_launcher_that_has_left_as_asked_is_no_error),
        CLAIM("NTF-11", a_launcher_that_left_before_go_is_no_error_either),
        CLAIM("NTF-11", a_launcher_that_leaves_at_that_moment_is_no_error),
        CLAIM("NTF-15 SEQ-4", in_foreground_mode_the_readiness_descriptor_stays_open),
        CLAIM("NTF-15", a_daemon_that_is_ready_lets_go_of_the_readiness_descriptor),
        CLAIM("NTF-13 NTF-17", a_go_that_cannot_be_read_is_told_in_the_exit_code),
        CLAIM("NTF-13 NTF-17", a_go_that_never_comes_is_noted_with_its_reason_and_step),
        CLAIM("NTF-6 SEQ-7", interrupted_and_short_sends_lose_nothing),
        CLAIM("NTF-9 NTF-5 NTF-2 PID-9 ERR-14", a_failure_has_a_code_of_choice_and_a_text),
        CLAIM("NTF-3 NTF-13", an_announced_exec_that_failed_unheard_is_no_ordinary_exit),
        CLAIM("NTF-9", an_error_of_ours_is_reported_as_it_is),
        CLAIM("NTF-9 CLI-14", in_foreground_mode_a_failure_is_printed_on_the_stderr_of_the_start),
        CLAIM("NTF-9 PID-7", a_failure_after_ready_tells_nobody),
        CLAIM("NTF-7 NTF-9", a_failure_without_a_launcher_still_ends_the_process),
        CLAIM("NTF-9", a_worker_that_fails_only_ends),
        CLAIM("NTF-8", closing_without_a_word_tells_a_failure),
        CLAIM("PID-7 SEQ-4", closing_in_foreground_mode_keeps_what_is_to_be_kept),
        CLAIM("NTF-8 PID-7", closing_in_a_worker_only_drops_its_copies),
        CLAIM("PID-7", a_worker_of_the_same_number_can_say_that_the_file_stays),
    };
    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
