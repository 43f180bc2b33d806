/* test_launcher_limits.c - how long the launcher waits, and how it ends a daemon (NTF-11, NTF-13). */
#include "unit.h"
#include <errno.h>

#define ALIVE "102 (x) S 101 101 101 0 -1 64 0"

static void the_daemon_sleeps_at_the_hand_over(void)
{
    struct blivet_page *page = script.page;
    page->pid = SCRIPT_DAEMON_PID;
    page->step = STEP_HAND_OVER;
    script_add("/run/x.pid", S_IFREG | 0644, "102\n");
}

static void nothing_is_heard(void)
{
    script_begin(SCRIPT_LAUNCHER);
    script.meanwhile = the_daemon_sleeps_at_the_hand_over;
    script.has_stat = script.has_pidfd = true;
    script.stat_line = ALIVE;
}

static void wait_for_verdict(unsigned milliseconds, unsigned flags)
{
    struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .ready_timeout_ms = milliseconds,
                                              .flags = flags } };
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_false(script.struck_stranger);
}

static void assert_nothing_is_left(void)
{
    assert_true(script.daemon_dead);
    assert_true(script.leader_reaped);
    assert_null(script_file("/run/x.pid"));
    assert_int_equal(script.signals_sent[script.signal_count - 1], SIGKILL); /* and whatever it has forked */
}

/* After "go" the application's own code runs, as another user, and shares the page. */
static void another_number_is_written(const char *call)
{
    struct blivet_page *page = script.page;
    if (strcmp(call, "poll") == 0 && script_called("send"))
        page->pid = 1;
}

static void an_application_does_not_pick_whom_the_launcher_signals(void **state)
{
    (void)state;
    for (int known = 1; known < 4; known++) { /* without either handle only the group is signalled */
        nothing_is_heard();
        script.has_stat = known & 1;
        script.has_pidfd = known & 2;
        script.watch = another_number_is_written;
        wait_for_verdict(500, 0);
        assert_int_equal(script.exit_code, 75);
        assert_int_equal(((struct blivet_page *)script.page)->pid, 1);
        assert_nothing_is_left();
    }
}

static bool struck_by_number;

static void look_whom_a_signal_is_for(const char *call)
{
    struck_by_number |= strcmp(call, "kill") == 0 && (pid_t)script.first == SCRIPT_DAEMON_PID;
}

/* What tells neither life nor death. */
static void who_is_not_seen_to_be_alive_is_signalled_by_no_number(void **state)
{
    (void)state;
    static const char *const lines[] = { ALIVE, "102 (x) S 101 101 101", "102 (x", "" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        nothing_is_heard();
        script.has_pidfd = struck_by_number = false;
        script.left_group = true; /* else that signal ends it */
        script.stat_line = lines[i];
        script.watch = look_whom_a_signal_is_for;
        wait_for_verdict(500, 0);
        assert_int_equal(script.exit_code, 75);
        assert_int_equal(struck_by_number, i == 0);
    }
}

static void a_limit_passed_is_a_temporary_failure(void **state)
{
    (void)state;
    static const struct { unsigned limit; const char *words; } cases[] = {
        { 1, "0.001 seconds" },    { 500, "0.500 seconds" }, { 1000, "1 second" },    { 1001, "1.001 seconds" },
        { 1234, "1.234 seconds" }, { 2000, "2 seconds" },     { 61000, "61 seconds" }, { 90000, "90 seconds" },
        { 999, "0.999 seconds" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int known = 0; known < 4; known++) {
            char line[128];
            nothing_is_heard();
            script.has_stat = known & 1;
            script.has_pidfd = known & 2;
            wait_for_verdict(cases[i].limit, 0);
            snprintf(line, sizeof line, "%s: daemon was not ready after %s in step 14, hand-over\n",
                     "test_launcher_limits", cases[i].words);
            assert_string_equal(script.printed, line);
            assert_int_equal(script.exit_code, 75);
            assert_int_equal(script.signals_sent[0], SIGTERM);
            assert_nothing_is_left();
            assert_in_range(script.clock_ms, cases[i].limit, cases[i].limit + 1000);
        }
}

static void time_flies(const char *call) { script.clock_ms += strcmp(call, "sigprocmask") == 0 ? 600 : 0; }

/* Of the leader nothing is known then. */
static void a_limit_may_be_over_before_the_leader_is_looked_at(void **state)
{
    (void)state;
    nothing_is_heard();
    script.watch = time_flies;
    wait_for_verdict(500, 0);
    assert_string_equal(script.printed,
                        "test_launcher_limits: daemon was not ready after 0.500 seconds in step 14, hand-over\n");
    assert_int_equal(script.exit_code, 75);
    assert_nothing_is_left();
}

static void an_announcement_alone_is_not_in_time(void **state)
{
    (void)state;
    nothing_is_heard();
    script.hears = "\xff";
    script.hears_count = 1;
    wait_for_verdict(500, 0);
    assert_int_equal(script.exit_code, 75);
    assert_nothing_is_left();
}

static void a_late_daemon_is_left_where_that_is_asked_for(void **state)
{
    (void)state;
    nothing_is_heard();
    wait_for_verdict(500, BLIVET_LEAVE_ON_TIMEOUT);
    assert_int_equal(script.exit_code, 75);
    assert_contains(script.printed, "daemon was not ready after 0.500 seconds");
    assert_false(script.daemon_dead);
    assert_int_equal(script.signal_count, 0);
    assert_non_null(script_file("/run/x.pid"));
    assert_true(script.leader_reaped);
    assert_int_equal(script.clock_ms, 500); /* nobody's end is waited for */
    assert_int_equal(((struct blivet_page *)script.page)->left, 1); /* it may yet say that it is ready */
}

/* Asked to be left alone when late; not when it has failed. */
static void a_daemon_that_failed_is_never_left(void **state)
{
    (void)state;
    nothing_is_heard();
    script.hears = "\x07no config\n";
    script.hears_count = 11;
    wait_for_verdict(500, BLIVET_LEAVE_ON_TIMEOUT);
    assert_int_equal(script.exit_code, 7);
    assert_nothing_is_left();
}

static void who_is_ready_in_time_is_not_late(void **state)
{
    (void)state;
    for (int known = 0; known < 4; known++) {
        nothing_is_heard();
        script.has_stat = known & 1;
        script.has_pidfd = known & 2;
        script.hears = "";
        script.hears_count = 1;
        script.event_ms = 490;
        wait_for_verdict(500, 0);
        assert_int_equal(script.exit_code, 0);
        assert_string_equal(script.printed, "");
        assert_int_equal(script.signal_count, 0);
        assert_non_null(script_file("/run/x.pid"));
    }
}

static int longest_sleep, shortest_sleep;

static int poll_noting_the_time(struct pollfd *fds, nfds_t count, int milliseconds)
{
    longest_sleep = milliseconds > longest_sleep ? milliseconds : longest_sleep;
    shortest_sleep = milliseconds < shortest_sleep ? milliseconds : shortest_sleep;
    return blivet_script.poll(fds, count, milliseconds);
}

static void without_a_limit_it_waits_for_ever(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    ops.poll = poll_noting_the_time;
    nothing_is_heard();
    longest_sleep = shortest_sleep = -1;
    struct launch_case launch = { .config = { .pidfile = "/run/x.pid" }, .ops = &ops };
    assert_int_equal(launch_it(&launch), SCRIPT_HUNG);
    assert_int_equal(longest_sleep, -1);
    assert_int_equal(shortest_sleep, -1); /* for what is below, POSIX promises nothing */
}

/* The launcher has the caller's mask and handlers back, and its timers still run: they give no more time. */
static void a_daemon_that_does_not_heed_sigterm_is_killed(void **state)
{
    (void)state;
    static const int timers[] = { 0, 1, 10, 100, 1000 };
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++)
        for (int known = 0; known < 4; known++) {
            nothing_is_heard();
            script.has_stat = known & 1;
            script.has_pidfd = known & 2;
            script.deaf_to_sigterm = true;
            script.timer_ms = timers[i];
            wait_for_verdict(500, 0);
            assert_int_equal(script.exit_code, 75);
            assert_nothing_is_left();
            assert_in_range(script.clock_ms, 2000, 20000); /* it had its time */
        }
}

/* What stands still would take the whole time, and end by SIGKILL, unasked. */
static void a_daemon_that_is_stopped_goes_on_to_heed_sigterm(void **state)
{
    (void)state;
    for (int known = 0; known < 4; known++)
        for (int left = 0; left <= (known > 0); left++) {
            nothing_is_heard();
            script.has_stat = known & 1;
            script.has_pidfd = known & 2;
            script.left_group = left;
            script.daemon_stopped = true;
            wait_for_verdict(500, 0);
            assert_int_equal(script.exit_code, 75);
            assert_int_equal(script.signals_sent[0], SIGTERM); /* before SIGCONT: it does nothing else first */
            assert_true(script.daemon_dead);
            assert_in_range(script.clock_ms, 500, 550);
        }
}

/* A promise of exit: nothing is left, also of a process that takes its time. */
static void a_slow_death_is_waited_for(void **state)
{
    (void)state;
    for (int known = 0; known < 4; known++)
        for (int deaf = 0; deaf < 2; deaf++) {
            nothing_is_heard();
            script.has_stat = known & 1;
            script.has_pidfd = known & 2;
            script.deaf_to_sigterm = deaf;
            script.death_ms = 3000;
            wait_for_verdict(500, 0);
            assert_int_equal(script.exit_code, 75);
            assert_true(script.struck && script.clock_ms >= script.event_ms);
            assert_nothing_is_left();
        }
}

/* Who still holds the channel, killed with it or not, has half a second to let go of it. */
static void what_it_has_forked_is_waited_for(void **state)
{
    (void)state;
    static const struct { int64_t held, least, most; } cases[] = { { 0, 500, 550 }, { 300, 800, 850 }, { 60000, 1000, 1050 } };
    for (int known = 0; known < 4; known++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            nothing_is_heard();
            script.has_stat = known & 1;
            script.has_pidfd = known & 2;
            script.worker_ms = cases[i].held;
            wait_for_verdict(500, 0);
            assert_int_equal(script.exit_code, 75);
            assert_nothing_is_left();
            assert_in_range(script.clock_ms, cases[i].least, cases[i].most);
        }
}

static void a_stopped_leader_can_be_left_too(void **state)
{
    (void)state;
    nothing_is_heard();
    script.leader_stopped = true;
    wait_for_verdict(500, BLIVET_LEAVE_ON_TIMEOUT); /* SCRIPT_HUNG where it waits for the leader */
    assert_int_equal(script.exit_code, 75);
    assert_int_equal(script.signal_count, 0);
    assert_true(script.leader_stopped && !script.leader_reaped); /* it was not killed either */
    assert_false(script_called("shutdown")); /* nor told to give up, should it go on */
}

static void a_daemon_that_has_left_its_group_is_reached_too(void **state)
{
    (void)state;
    for (int known = 1; known < 4; known++) { /* without any handle there is no safe way */
        nothing_is_heard();
        script.has_stat = known & 1;
        script.has_pidfd = known & 2;
        script.left_group = true;
        wait_for_verdict(500, 0);
        assert_int_equal(script.exit_code, 75);
        assert_true(script.daemon_dead);
        assert_null(script_file("/run/x.pid"));
    }
}

/* ---- process groups of their own, in the daemon's session ---- */

static void the_application_starts(void)
{
    the_daemon_sleeps_at_the_hand_over();
    ((struct blivet_page *)script.page)->step = STEP_APPLICATION;
}

static void others_are_there(void)
{
    static const struct script_other others[] = { { 201, 7, "", "/dev/null", 0, false, true },
                                                  { 202, 7, "", "/dev/null", 0, false, false },
                                                  { 203, 7, "", "/dev/null", 33, false, true },
                                                  { SCRIPT_LEADER_PID, 7, "", "/dev/null", 0, false, true } };
    nothing_is_heard();
    script.meanwhile = the_application_starts;
    memcpy(script.others, others, sizeof others);
    script.other_count = 4;
}

static void one_is_forked_meanwhile(const char *call)
{
    if (script.others[2].killed && script.other_count == 4 && strcmp(call, "close") == 0)
        script.others[script.other_count++] = (struct script_other){ 204, 7, "", "/dev/null", 0, false, true };
}

static void the_session_is_ended_whatever_its_groups(void **state)
{
    (void)state;
    for (int known = 0; known < 4; known++) {
        others_are_there();
        script.has_stat = known & 1;
        script.has_pidfd = known & 2;
        script.watch = one_is_forked_meanwhile;
        wait_for_verdict(500, 0);
        assert_true(script.others[0].killed && script.others[2].killed && script.others[4].killed);
        assert_false(script.others[1].killed || script.others[3].killed); /* the leader is reaped, by its number */
        assert_nothing_is_left();
        assert_in_range(script.clock_ms, 500, 600);
    }
}

static void the_number_becomes_anothers(const char *call)
{
    if (strcmp(call, "pidfd_open") == 0 && script_called("getdents"))
        script.others[0].in_session = script.others[2].in_session = false;
}

static void whose_number_is_anothers_by_then_is_not_touched(void **state)
{
    (void)state;
    others_are_there();
    script.watch = the_number_becomes_anothers;
    wait_for_verdict(500, 0);
    assert_false(script.others[0].killed || script.others[1].killed || script.others[2].killed);
}

/* It is not asked who is in it where only our own code has run, or the daemon is left alone. */
static void a_session_that_is_not_to_be_ended_is_not_looked_at(void **state)
{
    (void)state;
    others_are_there();
    wait_for_verdict(500, BLIVET_LEAVE_ON_TIMEOUT);
    assert_false(script_called("getdents"));
    others_are_there();
    script.meanwhile = the_daemon_sleeps_at_the_hand_over;
    wait_for_verdict(500, 0);
    assert_false(script_called("getdents"));
}

static void a_session_that_cannot_be_ended_holds_nobody(void **state)
{
    (void)state;
    static const struct { const char *call; int error; } cases[] = {
        { "getdents", ENOSYS }, { "getsid", EPERM }, { "pidfd_open", ENOSYS }, { "pidfd_send_signal", EPERM },
        { "pidfd_send_signal", SCRIPT_LIES }, { NULL, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        others_are_there();
        script.no_proc = !cases[i].call;
        if (cases[i].call)
            script_fail(cases[i].call, 0, cases[i].error);
        wait_for_verdict(500, 0);
        assert_int_equal(script.exit_code, 75);
        assert_false(script.others[0].killed || script.others[2].killed);
        assert_in_range(script.clock_ms, 500, 1500);
    }
}

static void a_daemon_that_hung_up_or_talks_nonsense_is_ended(void **state)
{
    (void)state;
    static const struct { const char *hears; size_t count; int code; } cases[] = { { "", 0, 1 },
                                                                                   { "\xff\xff", 2, 76 } };
    for (size_t i = 0; i < 2; i++) {
        nothing_is_heard();
        script.hears = cases[i].hears;
        script.hears_count = cases[i].count;
        script.hears_end = true;
        wait_for_verdict(0, 0);
        assert_int_equal(script.exit_code, cases[i].code);
        assert_int_equal(script.signals_sent[0], SIGTERM);
        assert_nothing_is_left();
    }
}

static void a_daemon_that_failed_is_given_time_to_end_by_itself(void **state)
{
    (void)state;
    nothing_is_heard();
    script.hears = "\x07no config\n";
    script.hears_count = 11;
    wait_for_verdict(0, 0);
    assert_int_equal(script.exit_code, 7);
    for (int i = 0; i < script.signal_count; i++)
        assert_int_equal(script.signals_sent[i], SIGKILL); /* its exit handlers were not interrupted by SIGTERM */
    assert_in_range(script.clock_ms, 1000, 20000);
    assert_nothing_is_left();
}

static void a_leader_that_is_stopped_cannot_hold_the_launcher(void **state)
{
    (void)state;
    for (int known = 0; known < 4; known++) {
        nothing_is_heard();
        script.leader_stopped = true;
        script.handles_taken = known & 1; /* it has not spoken */
        if (known & 2)
            script_fail("pidfd_open", 0, ENOSYS);
        wait_for_verdict(500, 0);
        assert_int_equal(script.exit_code, 75);
        assert_true(script.leader_reaped);
        assert_true(script.daemon_dead);
        assert_in_range(script.clock_ms, 500, 20000);
    }
}

/* The daemon stands still and does not hear that there will be no "go".  Once it is killed, and where nobody reaps it,
 * only a handle tells its death: its number stays in use. */
static void the_handles_of_a_leader_that_was_killed_tell_when_its_daemon_is_dead(void **state)
{
    (void)state;
    for (int known = 1; known < 4; known++) {
        nothing_is_heard();
        script.leader_status = SIGKILL;
        script.leader_spoke = script.daemon_unreaped = true;
        script.has_stat = known & 1;
        script.has_pidfd = known & 2;
        wait_for_verdict(500, 0);
        assert_int_equal(script.exit_code, 75);
        assert_nothing_is_left();
        assert_in_range(script.clock_ms, 500, 550);
    }
}

static void the_leader_is_stopped_before_the_second_fork(void)
{
    ((struct blivet_page *)script.page)->step = 2;
}

static bool somebody_goes_on;

static void look_for_sigcont(const char *call)
{
    somebody_goes_on |= strcmp(call, "kill") == 0 && (int)script.second == SIGCONT;
}

/* It blocks SIGTERM: continued, it would go on with a start that is being ended. */
static void a_leader_that_is_stopped_does_not_go_on(void **state)
{
    (void)state;
    nothing_is_heard();
    script.leader_stopped = true;
    script.handles_taken = true; /* it has not spoken */
    script.watch = look_for_sigcont;
    somebody_goes_on = false;
    wait_for_verdict(500, 0);
    assert_int_equal(script.exit_code, 75);
    assert_false(somebody_goes_on);
    assert_true(script.daemon_dead && script.leader_reaped);
}

/* By then it may have no group of its own. */
static void a_stopped_leader_is_struck_by_its_own_number(void **state)
{
    (void)state;
    nothing_is_heard();
    script.meanwhile = the_leader_is_stopped_before_the_second_fork;
    script.leader_stopped = script.left_group = true;
    script.handles_taken = true; /* it has not spoken */
    wait_for_verdict(500, 0);
    assert_int_equal(script.exit_code, 75);
    assert_true(script.leader_reaped);
    assert_in_range(script.clock_ms, 500, 600);
}

static void a_leader_that_cannot_be_killed_cannot_hold_it_either(void **state)
{
    (void)state;
    nothing_is_heard();
    script.meanwhile = the_leader_is_stopped_before_the_second_fork;
    script.leader_stopped = script.handles_taken = true;
    script_fail("kill", 0, EPERM);
    wait_for_verdict(500, 0);
    assert_int_equal(script.exit_code, 75);
    assert_in_range(script.clock_ms, 1500, 4000);
}

static void a_leader_without_a_handle_is_waited_for_too(void **state)
{
    (void)state;
    nothing_is_heard();
    script.hears = "\0";
    script.hears_count = 1;
    script_fail("pidfd_open", 0, ENOSYS);
    wait_for_verdict(500, 0);
    assert_int_equal(script.faults_fired, 1);
    assert_int_equal(script.exit_code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-20 NTF-11", an_application_does_not_pick_whom_the_launcher_signals),
        CLAIM("NTF-13 NTF-20", who_is_not_seen_to_be_alive_is_signalled_by_no_number),
        CLAIM("NTF-11 NTF-13 NTF-14 CFG-15 ERR-8", a_limit_passed_is_a_temporary_failure),
        CLAIM("NTF-11 NTF-14", a_limit_may_be_over_before_the_leader_is_looked_at),
        CLAIM("NTF-3 NTF-11", an_announcement_alone_is_not_in_time),
        CLAIM("NTF-11 NTF-13", a_late_daemon_is_left_where_that_is_asked_for),
        CLAIM("NTF-11 NTF-13", a_daemon_that_failed_is_never_left),
        CLAIM("NTF-11", who_is_ready_in_time_is_not_late),
        CLAIM("CFG-1 NTF-11", without_a_limit_it_waits_for_ever),
        CLAIM("NTF-11 NTF-13", a_daemon_that_does_not_heed_sigterm_is_killed),
        CLAIM("NTF-11", a_daemon_that_is_stopped_goes_on_to_heed_sigterm),
        CLAIM("NTF-13", a_slow_death_is_waited_for),
        CLAIM("NTF-13 NTF-19", what_it_has_forked_is_waited_for),
        CLAIM("NTF-11", a_stopped_leader_can_be_left_too),
        CLAIM("NTF-13", a_daemon_that_has_left_its_group_is_reached_too),
        CLAIM("NTF-13", the_session_is_ended_whatever_its_groups),
        CLAIM("NTF-13", whose_number_is_anothers_by_then_is_not_touched),
        CLAIM("NTF-13 NTF-11", a_session_that_is_not_to_be_ended_is_not_looked_at),
        CLAIM("NTF-13 SEQ-14", a_session_that_cannot_be_ended_holds_nobody),
        CLAIM("NTF-4 NTF-13", a_daemon_that_hung_up_or_talks_nonsense_is_ended),
        CLAIM("NTF-9 NTF-13", a_daemon_that_failed_is_given_time_to_end_by_itself),
        CLAIM("NTF-11", a_leader_that_is_stopped_cannot_hold_the_launcher),
        CLAIM("NTF-13 NTF-19", the_handles_of_a_leader_that_was_killed_tell_when_its_daemon_is_dead),
        CLAIM("NTF-11 NTF-13", a_leader_that_is_stopped_does_not_go_on),
        CLAIM("NTF-13", a_stopped_leader_is_struck_by_its_own_number),
        CLAIM("NTF-13", a_leader_that_cannot_be_killed_cannot_hold_it_either),
        CLAIM("NTF-11 SEQ-14", a_leader_without_a_handle_is_waited_for_too),
    };
    return cmocka_run_group_tests_name("launcher_limits", tests, NULL, NULL);
}
