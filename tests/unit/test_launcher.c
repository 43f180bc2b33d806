/* test_launcher.c - the launcher's side: every outcome, its exit code and its words (NTF); limits and the killing
 * are in test_launcher_limits.c. */
#include "unit.h"
#include "../../core/launch.h"
#include <errno.h>

static int step_entered;

static void the_children_begin(void)
{
    struct blivet_page *page = script.page;
    page->pid = step_entered < 4 ? 0 : SCRIPT_DAEMON_PID;
    page->step = step_entered;
}

/* What the launcher meets; it fails with code and words, or ends with 0 and says nothing. */
struct outcome {
    const char *hears;
    size_t count;
    bool ends;         /* the channel */
    bool dead;         /* the daemon */
    const char *stat;  /* NULL: reaped */
    bool kept;         /* the pidfd keeps the status */
    int status;
    int code;
    const char *words;
};

static void meet(const struct outcome *outcome, int step, bool has_stat, bool has_pidfd)
{
    step_entered = step;
    script_begin(SCRIPT_LAUNCHER);
    script.meanwhile = the_children_begin;
    script.hears = outcome->hears;
    script.hears_count = outcome->count;
    script.hears_end = outcome->ends;
    script.daemon_dead = outcome->dead;
    script.stat_line = outcome->stat;
    script.status_kept = outcome->kept;
    script.daemon_status = outcome->status;
    script.has_stat = has_stat;
    script.has_pidfd = has_pidfd;
}

static void wait_for_verdict(struct blivet_config config)
{
    struct launch_case launch = { .config = config };
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_false(script.exit_was_exit); /* the exit handlers belong to the daemon */
    assert_true(script.leader_reaped);
    assert_false(script.struck_stranger);
    int handles = script.handles_taken ? script.has_stat + script.has_pidfd : 0;
    assert_int_equal(script_open_fds(), 1 + handles); /* not the daemon's end, or there were no end of file */
}

/* Nothing of ours is left but after success. */
static void assert_outcome(int code, const char *words)
{
    char line[256];
    snprintf(line, sizeof line, "test_launcher: %s\n", words);
    assert_string_equal(script.printed, words ? line : "");
    assert_int_equal(script.exit_code, code);
    assert_int_equal(script.daemon_dead || code == 0, true);
}

#define ALIVE "102 (x) S 101 101 101 0 -1 64 0"
#define EXECED "102 (x) S 101 101 101 0 -1 0 0"
#define FIVE_ZEROS "0 0 0 0 0 "
#define DYING(state, where, status) /* fields 3, 35 and 52 */ \
    "102 (x) " state " 101 101 101 0 -1 68 " FIVE_ZEROS FIVE_ZEROS FIVE_ZEROS FIVE_ZEROS FIVE_ZEROS where " " \
    FIVE_ZEROS FIVE_ZEROS FIVE_ZEROS "0 " status "\n"
#define ASLEEP(where, status) DYING("Z", where, status)
#define ZOMBIE(status) ASLEEP("0", status)
#define SAYS(bytes) bytes, sizeof(bytes) - 1

/* ---- what was said ---- */

static void a_verdict_decides_whatever_else_is_known(void **state)
{
    (void)state;
    static const struct outcome outcomes[] = {
        { SAYS("\0"), false, false, ALIVE, false, 0, 0, NULL },
        { SAYS("\0"), true, true, NULL, true, 9, 0, NULL }, /* it was ready, and died later */
        { SAYS("\x49stdout: /x: no space\n"), false, false, ALIVE, false, 0, 73, "stdout: /x: no space" },
        { SAYS("\x49stdout: /x: no space"), true, true, NULL, false, 0, 73, "stdout: /x: no space" },
        { SAYS("\x49stdout: /x: no space\n"), true, true, ZOMBIE("18688"), false, 0, 73, "stdout: /x: no space" },
        { SAYS("\x03\n"), true, true, NULL, false, 0, 3, "daemon failed" },
        { SAYS("\xfe" "a\x1b[2J\xff\n"), true, true, NULL, false, 0, 254, "a\\x1b[2J\\xff" },
        { SAYS("\xff\x42program: x: not found\n"), true, true, ZOMBIE("16896"), false, 0, 66, "program: x: not found" },
        { SAYS("\xff\x00"), false, false, EXECED, false, 0, 76, "malformed verdict: byte 255 byte 0" },
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        for (int known = 0; known < 8; known++) {
            meet(&outcomes[i], STEP_APPLICATION, known & 1, known & 2);
            script.short_counts = known & 4;
            wait_for_verdict((struct blivet_config){ 0 });
            assert_outcome(outcomes[i].code, outcomes[i].words);
        }
}

static void a_message_longer_than_the_buffer_is_cut(void **state)
{
    (void)state;
    static char endless[3000] = "\x49";
    static const size_t sizes[] = { sizeof endless, BLIVET_VERDICT_SIZE }; /* more than fits, and just as much */
    memset(endless + 1, 'x', sizeof endless - 1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct outcome outcome = { endless, sizes[i], false, false, ALIVE, false, 0, 73, NULL };
        meet(&outcome, STEP_APPLICATION, true, true);
        wait_for_verdict((struct blivet_config){ 0 });
        assert_int_equal(script.exit_code, 73);
        assert_in_range(strlen(script.printed), BLIVET_MESSAGE_SIZE, BLIVET_MESSAGE_SIZE + 20);
        assert_true(script.daemon_dead);
    }
}

static size_t room; /* for a message */

static ssize_t receive_within_its_room(int fd, void *bytes, size_t count, int flags)
{
    if (room > 0) /* what comes later is thrown away */
        assert_int_equal(count, room);
    ssize_t moved = blivet_script.recv(fd, bytes, count, flags);
    room -= room > 0 && moved > 0 ? (size_t)moved : 0;
    return moved;
}

static void a_message_in_pieces_is_read_into_what_room_is_left(void **state)
{
    (void)state;
    static char endless[3000] = "\x49";
    struct blivet_ops ops = blivet_script;
    struct launch_case launch = { .ops = &ops };
    const struct outcome outcome = { SAYS(endless), false, false, ALIVE, false, 0, 73, NULL };
    memset(endless + 1, 'x', sizeof endless - 1);
    meet(&outcome, STEP_APPLICATION, true, true);
    ops.recv = receive_within_its_room;
    room = BLIVET_VERDICT_SIZE;
    script_fail("recv", 1, SCRIPT_HALF);
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 73);
    assert_true(script_count("recv") > 1 && room == 0);
    assert_in_range(strlen(script.printed), BLIVET_MESSAGE_SIZE, BLIVET_MESSAGE_SIZE + 20);
}

/* ---- silence ---- */

#define IN_STEP " in step 12, output files"

static void silence_is_judged_by_what_the_system_tells(void **state)
{
    (void)state;
    static const struct outcome outcomes[] = {
        { SAYS(""), true, true, ZOMBIE("11"), false, 0, 1, "daemon was killed by SIGSEGV" IN_STEP },
        { SAYS(""), true, true, ZOMBIE("139"), false, 0, 1, "daemon was killed by SIGSEGV" IN_STEP }, /* dumped core */
        { SAYS(""), true, true, ZOMBIE("1"), false, 0, 1, "daemon was killed by SIGHUP" IN_STEP },
        { SAYS(""), true, true, ZOMBIE("768"), false, 0, 1,
          "daemon ended before it was ready, with exit status 3," IN_STEP },
        { SAYS(""), true, true, NULL, true, 9, 1, "daemon was killed by SIGKILL" IN_STEP },
        { SAYS(""), true, true, NULL, true, 0, 1, "daemon ended before it was ready, with exit status 0," IN_STEP },
        { SAYS(""), true, true, NULL, false, 0, 1, "daemon ended before it was ready" IN_STEP },
        { SAYS(""), true, true, ASLEEP("1", "0"), false, 0, 1, /* who may know where it sleeps may know the 0 too */
          "daemon ended before it was ready, with exit status 0," IN_STEP },
        { SAYS(""), true, true, ZOMBIE("0"), false, 0, 1, "daemon ended before it was ready" IN_STEP },
        { SAYS(""), true, true, ZOMBIE("0"), true, 6, 1, "daemon was killed by SIGABRT" IN_STEP },
        { SAYS(""), true, true, DYING("R", "1", "0"), true, 11, 1, /* its status is not there yet */
          "daemon was killed by SIGSEGV" IN_STEP },
        { SAYS(""), true, true, ZOMBIE("0"), true, 34, 1, "daemon was killed by a signal without a name" IN_STEP },
        { SAYS(""), true, false, ALIVE, false, 0, 1, "daemon hung up before it was ready" },
        { SAYS(""), true, false, EXECED, false, 0, 1, "daemon ran another program before it was ready" },
        { SAYS("\xff"), true, false, EXECED, false, 0, 0, NULL },
        { SAYS("\xff"), false, false, EXECED, false, 0, 0, NULL }, /* a worker holds the channel */
        { SAYS("\xff"), true, true, ZOMBIE("9"), false, 0, 1, "daemon was killed by SIGKILL" IN_STEP },
        { SAYS("\xff"), true, true, NULL, true, 3 << 8, 0, NULL }, /* the program has run and ended */
        { SAYS("\xff"), true, true, NULL, true, 9, 1, "daemon was killed by SIGKILL" IN_STEP },
        { SAYS("\xff"), true, true, NULL, false, 0, 0, NULL }, /* presumed */
        { SAYS("\xff"), true, false, ALIVE, false, 0, 1, "daemon hung up before it was ready" },
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        meet(&outcomes[i], STEP_OUTPUT, true, true);
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(outcomes[i].code, outcomes[i].words);
    }
}

static void without_handles_silence_that_was_not_announced_is_still_a_failure(void **state)
{
    (void)state;
    static const struct outcome outcomes[] = {
        { SAYS(""), true, true, NULL, false, 0, 1, "daemon ended before it was ready" IN_STEP },
        { SAYS(""), true, false, NULL, false, 0, 1, "daemon hung up before it was ready" },
        { SAYS("\xff"), true, false, NULL, false, 0, 0, NULL },
        { SAYS("\xff"), true, true, NULL, false, 0, 0, NULL },
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        meet(&outcomes[i], STEP_OUTPUT, false, false);
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(outcomes[i].code, outcomes[i].words);
    }
}

/* A worker forked before "ready" holds the channel open: nobody will speak, and no end will come. */
static void a_death_is_seen_though_a_worker_holds_the_channel(void **state)
{
    (void)state;
    static const struct outcome outcomes[] = {
        { SAYS(""), false, true, ZOMBIE("11"), false, 0, 1, "daemon was killed by SIGSEGV" IN_STEP },
        { SAYS("\x49half a"), false, true, ZOMBIE("11"), false, 0, 73, "half a" },
        { SAYS("\xff"), false, true, ZOMBIE("9"), false, 0, 1, "daemon was killed by SIGKILL" IN_STEP },
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        for (int known = 1; known < 4; known++) {
            meet(&outcomes[i], STEP_OUTPUT, known & 1, known & 2);
            script.event_ms = 3000; /* it dies after a while */
            if (!(known & 1) && outcomes[i].code == 1) {
                script.status_kept = true;
                script.daemon_status = outcomes[i].hears[0] ? 9 : 11;
            }
            wait_for_verdict((struct blivet_config){ 0 });
            assert_outcome(outcomes[i].code, outcomes[i].words);
            assert_in_range(script.clock_ms, 3000, 4000);
        }
}

/* Its signal ends each sleep before a tick is over. */
static void a_timer_of_the_callers_keeps_nothing_from_being_looked_at(void **state)
{
    (void)state;
    static const struct outcome runs = { SAYS("\xff"), false, false, EXECED, false, 0, 0, NULL },
                                dies = { SAYS(""), false, true, ZOMBIE("11"), false, 0, 1, "daemon was killed by SIGSEGV" IN_STEP };
    for (int pidfd = 0; pidfd < 2; pidfd++) {
        meet(&runs, STEP_OUTPUT, true, pidfd);
        script.timer_ms = 10;
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(0, NULL);
        assert_in_range(script.clock_ms, 0, 100);
        meet(&dies, STEP_OUTPUT, true, pidfd);
        script.event_ms = 3000;
        script.timer_ms = 10;
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(1, dies.words);
        assert_in_range(script.clock_ms, 3000, 4000);
    }
}

static void a_subreaper_knows_how_its_child_died(void **state)
{
    (void)state;
    static const struct outcome killed = { SAYS(""), true, true, NULL, false, 11, 1, NULL },
                                failed = { SAYS("\x49x\n"), true, true, NULL, false, 73 << 8, 73, NULL },
                                silent = { SAYS("\x49x\n"), false, false, ALIVE, false, 0, 73, NULL };
    const struct outcome *const outcomes[] = { &killed, &failed, &silent };
    for (size_t i = 0; i < 3; i++) {
        meet(outcomes[i], STEP_OUTPUT, false, false);
        script.daemon_is_child = true;
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(outcomes[i]->code, i ? "x" : "daemon was killed by SIGSEGV" IN_STEP);
        assert_true(script.daemon_reaped); /* no zombie is left */
        assert_in_range(script.clock_ms, 0, i < 2 ? 100 : 5100); /* kill(2) finds a zombie: the death was seen all the same */
    }
}

static void the_step_last_entered_is_named(void **state)
{
    (void)state;
    static const struct outcome dead = { SAYS(""), true, true, NULL, false, 0, 1, NULL };
    for (int step = STEP_UMASK; step <= STEP_APPLICATION; step++) {
        char words[128];
        meet(&dead, step, true, true);
        wait_for_verdict((struct blivet_config){ 0 });
        snprintf(words, sizeof words, "daemon ended before it was ready in step %d, %s", step,
                 step < STEP_APPLICATION ? blivet_step_name(step) : "");
        assert_outcome(1, step < STEP_APPLICATION ? words : "daemon ended before it was ready after the last step, in its own start");
    }
}

/* ---- the session leader ---- */

static void a_leader_that_dies_takes_the_start_with_it(void **state)
{
    (void)state;
    static const struct outcome silence = { SAYS(""), true, true, NULL, false, 0, 1, NULL };
    static const struct { int status, step; const char *words; } cases[] = {
        { 9, STEP_SECOND_FORK, "session leader was killed by SIGKILL in step 3, second fork" },
        { 71 << 8, STEP_HAND_OVER, "session leader ended before it was ready, with exit status 71, in step 3, second fork" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        meet(&silence, cases[i].step, true, true);
        script.leader_status = cases[i].status;
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(1, cases[i].words);
        assert_true(script_called("shutdown")); /* without "go" the daemon gives up */
        assert_false(script_called("send"));
    }
}

/* Its number stays where nobody reaps it, but without "go" only its death has closed the channel. */
static void a_daemon_without_handles_that_nobody_reaps_is_not_waited_for(void **state)
{
    (void)state;
    static const struct outcome silence = { SAYS(""), true, true, NULL, false, 0, 1, NULL };
    meet(&silence, STEP_HAND_OVER, false, false);
    script.leader_status = SIGKILL;
    script.daemon_unreaped = true;
    wait_for_verdict((struct blivet_config){ 0 });
    assert_outcome(1, "session leader was killed by SIGKILL in step 3, second fork");
    assert_in_range(script.clock_ms, 0, 50);
}

static void what_a_failing_leader_told_is_the_reason(void **state)
{
    (void)state;
    static const struct outcome told = { SAYS("\x47setsid: operation not permitted\n"), true, false, NULL, false,
                                         0, 71, NULL };
    meet(&told, 2, false, false);
    script.leader_status = 71 << 8;
    wait_for_verdict((struct blivet_config){ 0 });
    assert_string_equal(script.printed, "test_launcher: setsid: operation not permitted\n");
    assert_int_equal(script.exit_code, 71);
}

static void go_is_said_when_the_leader_is_gone(void **state)
{
    (void)state;
    static const struct outcome ready = { SAYS("\0"), false, false, ALIVE, false, 0, 0, NULL };
    meet(&ready, STEP_APPLICATION, true, true);
    wait_for_verdict((struct blivet_config){ 0 });
    assert_true(strstr(script.trace, "waitid ") < strstr(script.trace, "send "));
    assert_int_equal(strncmp(strstr(script.trace, "fork "), "fork close sigprocmask waitid ", 30), 0); /* ^C ends the wait */
    assert_int_equal(script_count("send"), 1);
    assert_false(script_called("shutdown"));
}

/* A process is reaped a moment before its status is kept. */
static void a_status_that_comes_late_is_waited_for(void **state)
{
    (void)state;
    static const struct outcome dead = { SAYS(""), true, true, NULL, true, 11, 1, NULL };
    static const struct { int error; const char *words; } cases[] = {
        { ESRCH, "daemon was killed by SIGSEGV" IN_STEP },
        { ENOTTY, "daemon ended before it was ready" IN_STEP }, /* a kernel that does not know the question */
    };
    for (size_t i = 0; i < 2; i++) {
        meet(&dead, STEP_OUTPUT, true, true);
        script_fail("pidfd_exit_status", 1, cases[i].error);
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(1, cases[i].words);
    }
}

/* It has hung up; why, its last words or the system tell. */
static void a_daemon_that_cannot_hear_go_is_judged_like_any_other(void **state)
{
    (void)state;
    static const struct outcome told = { SAYS("\x49x\n"), true, true, NULL, false, 0, 73, "x" },
                                killed = { SAYS(""), true, true, ZOMBIE("9"), false, 0, 1,
                                           "daemon was killed by SIGKILL" IN_STEP };
    const struct outcome *const outcomes[] = { &told, &killed };
    for (size_t i = 0; i < 2; i++) {
        meet(outcomes[i], STEP_OUTPUT, true, true);
        script_fail("send", 1, EPIPE);
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(outcomes[i]->code, outcomes[i]->words);
    }
}

/* It passed on what it had to, and died of something after that. */
static void a_leaders_death_does_not_undo_a_start(void **state)
{
    (void)state;
    static const struct outcome started = { SAYS("\xff"), true, false, EXECED, false, 0, 0, NULL };
    meet(&started, STEP_APPLICATION, true, true);
    script.leader_status = SIGKILL;
    script.leader_spoke = true;
    wait_for_verdict((struct blivet_config){ 0 });
    assert_outcome(0, NULL);
}

static void a_stat_that_cannot_be_understood_tells_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = { "102 (x) S 101 101", "", "102", "102 (x)", "102 (x) Z 101 101 101 0 -1 68 0" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const struct outcome killed = { SAYS(""), true, true, lines[i], true, 9, 1,
                                        "daemon was killed by SIGKILL" };
        meet(&killed, 99, true, true); /* and a step that there is not */
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(1, killed.words);
    }
}

static void of_a_stat_longer_than_any_the_beginning_is_read(void **state)
{
    (void)state;
    static char line[3000];
    const struct outcome alive = { SAYS(""), true, false, line, false, 0, 1, "daemon hung up before it was ready" };
    snprintf(line, sizeof line, "%s %02900d", ALIVE, 0);
    meet(&alive, STEP_OUTPUT, true, true);
    wait_for_verdict((struct blivet_config){ 0 });
    assert_outcome(1, alive.words);
}

/* waitid(2) leaves it as it was where nobody has ended: POSIX did not always ask for a zero. */
static void what_stood_in_the_answer_before_is_no_end(void **state)
{
    (void)state;
    siginfo_t info = { .si_signo = SIGCHLD };
    script_begin(SCRIPT_LAUNCHER);
    script.leader_stopped = true;
    info.si_pid = SCRIPT_LEADER_PID;
    assert_int_equal(blivet_wait_for(&blivet_script, SCRIPT_LEADER_PID, WNOHANG, &info), 0);
}

static void leave_an_old_errno(const char *call)
{
    if (strcmp(call, "poll") == 0)
        errno = ESRCH;
}

/* ESRCH of an earlier call is no death. */
static void a_stat_that_is_empty_is_no_death(void **state)
{
    (void)state;
    static const struct outcome silent = { NULL, 0, false, false, "", false, 0, 75,
                                           "daemon was not ready after 0.500 seconds in step 14, hand-over" };
    meet(&silent, STEP_HAND_OVER, true, false);
    script.watch = leave_an_old_errno;
    wait_for_verdict((struct blivet_config){ .ready_timeout_ms = 500 });
    assert_outcome(75, silent.words);
}

static int64_t gone_ms;

static int be_a_group(pid_t pid, int signal)
{
    if (pid != -SCRIPT_LEADER_PID || signal != 0)
        return blivet_script.kill(pid, signal);
    errno = ESRCH;
    return script.clock_ms < gone_ms ? 0 : -1;
}

/* Children of an exec'd program, which hold no channel. */
static void what_was_killed_with_the_daemon_has_a_moment_to_be_gone(void **state)
{
    (void)state;
    static const struct outcome failed = { SAYS("\x49x\n"), true, true, NULL, false, 0, 73, "x" };
    static const int64_t moments[] = { 0, 10, INT64_MAX };
    for (size_t i = 0; i < 3; i++) {
        struct blivet_ops ops = blivet_script;
        struct launch_case launch = { .ops = &ops };
        ops.kill = be_a_group;
        gone_ms = moments[i];
        meet(&failed, STEP_APPLICATION, true, true);
        assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
        assert_outcome(73, "x");
        assert_in_range(script.clock_ms, i == 1 ? 10 : 0, i == 0 ? 5 : 100); /* nobody waits for ever */
    }
}

/* ---- the launcher's own troubles ---- */

static void a_channel_that_cannot_be_read_is_a_system_error(void **state)
{
    (void)state;
    static const struct outcome alive = { SAYS("\0"), false, false, ALIVE, false, 0, 71, NULL };
    static const struct { const char *call; int error; const char *words; } cases[] = {
        { "recv", EIO, "notification channel: input/output error" },
        { "poll", ENOMEM, "notification channel: cannot allocate memory" },
        { "recvmsg", EMSGSIZE, "notification channel: message too long" },
        { "recvmsg", SCRIPT_LIES, "notification channel: protocol error" }, /* it left well, and said nothing */
        { "waitid", EINVAL, "notification channel: invalid argument" },
        { "send", ENOBUFS, "notification channel: no buffer space available" }, /* the "go" */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        meet(&alive, STEP_APPLICATION, true, true);
        script_fail(cases[i].call, 1, cases[i].error);
        wait_for_verdict((struct blivet_config){ 0 });
        assert_int_equal(script.faults_fired, 1);
        assert_outcome(71, cases[i].words);
        assert_true(strcmp(cases[i].call, "send") != 0 || script_called("shutdown"));
    }
}

static void interruptions_change_nothing(void **state)
{
    (void)state;
    static const char *const calls[] = { "recv", "poll", "recvmsg", "waitid", "pread", "send" };
    static const struct outcome started = { SAYS("\xff"), true, false, EXECED, false, 0, 0, NULL };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        meet(&started, STEP_APPLICATION, true, true);
        script_fail(calls[i], 1, EINTR);
        wait_for_verdict((struct blivet_config){ .ready_timeout_ms = i % 2 ? 1000 : 0 });
        assert_int_equal(script.faults_fired, 1);
        assert_outcome(0, NULL);
    }
}

static void a_message_that_cannot_be_printed_changes_nothing(void **state)
{
    (void)state;
    static const struct outcome failed = { SAYS("\x49x\n"), true, true, NULL, false, 0, 73, NULL };
    for (int how = 0; how < 3; how++) {
        meet(&failed, STEP_APPLICATION, true, true);
        script.stuck_reader = how == 0;
        if (how == 1)
            script_kernel.close(2);
        else if (how == 2)
            script_fail("write", 0, EPIPE);
        wait_for_verdict((struct blivet_config){ 0 });
        assert_outcome(73, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-1 NTF-2 NTF-4 NTF-5 NTF-6 NTF-13 NTF-16 ERR-9 SEQ-12", a_verdict_decides_whatever_else_is_known),
        CLAIM("NTF-5", a_message_longer_than_the_buffer_is_cut),
        CLAIM("NTF-5", a_message_in_pieces_is_read_into_what_room_is_left),
        CLAIM("NTF-3 NTF-13 NTF-14 ERR-13", silence_is_judged_by_what_the_system_tells),
        CLAIM("NTF-3 NTF-13 SEQ-14 ERR-13", without_handles_silence_that_was_not_announced_is_still_a_failure),
        CLAIM("NTF-16", a_death_is_seen_though_a_worker_holds_the_channel),
        CLAIM("NTF-16", a_timer_of_the_callers_keeps_nothing_from_being_looked_at),
        CLAIM("SEQ-13 NTF-14", a_subreaper_knows_how_its_child_died),
        CLAIM("NTF-14", the_step_last_entered_is_named),
        CLAIM("NTF-13 NTF-14", a_leader_that_dies_takes_the_start_with_it),
        CLAIM("SEQ-6", what_a_failing_leader_told_is_the_reason),
        CLAIM("NTF-17 SEQ-13", go_is_said_when_the_leader_is_gone),
        CLAIM("NTF-13 NTF-19", a_daemon_without_handles_that_nobody_reaps_is_not_waited_for),
        CLAIM("NTF-14 SEQ-14", a_status_that_comes_late_is_waited_for),
        CLAIM("NTF-17 NTF-13", a_daemon_that_cannot_hear_go_is_judged_like_any_other),
        CLAIM("NTF-3 NTF-13", a_leaders_death_does_not_undo_a_start),
        CLAIM("NTF-11 NTF-14", a_stat_that_is_empty_is_no_death),
        CLAIM("NTF-14 SEQ-14", a_stat_that_cannot_be_understood_tells_nothing),
        CLAIM("NTF-14 SEQ-14", of_a_stat_longer_than_any_the_beginning_is_read),
        CLAIM("NTF-11 NTF-13", what_stood_in_the_answer_before_is_no_end),
        CLAIM("NTF-13", what_was_killed_with_the_daemon_has_a_moment_to_be_gone),
        CLAIM("NTF-4 NTF-17 ERR-6", a_channel_that_cannot_be_read_is_a_system_error),
        CLAIM("NTF-6 SEQ-7", interruptions_change_nothing),
        CLAIM("CLI-12", a_message_that_cannot_be_printed_changes_nothing),
    };
    return cmocka_run_group_tests_name("launcher", tests, NULL, NULL);
}
