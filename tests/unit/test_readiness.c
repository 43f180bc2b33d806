/* test_readiness.c - a program that says when it is ready, and a manager that is told (NTF-15, NTF-18). */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

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

static uintptr_t socket_type;

static void look_at_socket(const char *call)
{
    if (strcmp(call, "socket") == 0)
        socket_type = script.second;
}

static void nobody_inherits_the_socket_and_nobody_is_held_up_at_it(void **state)
{
    (void)state;
    static const struct blivet_config config = { .ready = BLIVET_READY_NOTIFY };
    struct blivet_error error;
    script_begin(SCRIPT_LAUNCHER);
    script.watch = look_at_socket;
    struct blivet_context *daemon = blivet_prepare(&config, &blivet_script, &error);
    assert_non_null(daemon);
    assert_int_equal(socket_type, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
    blivet_discard(daemon);
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

static void an_extension_without_end_is_the_longest_there_is(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.ready_timeout_ms = 500;
    program_runs();
    says(400, SCRIPT_DAEMON_PID, "EXTEND_TIMEOUT_USEC=18446744073709551615");
    says(3000000, SCRIPT_DAEMON_PID, "READY=1");
    wait_for(config, 0, NULL);
    assert_int_equal(script.clock_ms, 3000000);
}

static void without_handles_the_program_is_watched_too(void **state)
{
    (void)state;
    for (int with_stat = 0; with_stat < 2; with_stat++) {
        program_runs();
        script.has_pidfd = false;
        script.has_stat = with_stat;
        says(300, SCRIPT_DAEMON_PID, "READY=1");
        wait_for(notify, 0, NULL);
        program_runs();
        script.has_pidfd = false;
        script.has_stat = with_stat;
        says(300, 0, NULL);
        wait_for(newline, 1, "program closed its readiness descriptor before it was ready");
        program_runs();
        script.has_pidfd = false;
        script.has_stat = with_stat;
        script.event_ms = 50;
        script.daemon_dead = true;
        script.stat_line = NULL;
        wait_for(newline, 1, "program ended before it was ready");
        assert_in_range(script.clock_ms, 50, 500);
    }
}

static void it_dies_once_its_descriptor_has_ended(const char *call)
{
    if (!script_called("read") || strcmp(call, "read") == 0)
        return;
    script.daemon_dead = script.status_kept = true;
    script.stat_line = NULL;
    script.daemon_status = SIGKILL;
}

/* The end of its descriptor comes a moment before its death can be seen. */
static void a_program_that_dies_has_not_only_hung_up(void **state)
{
    (void)state;
    for (int with_pidfd = 0; with_pidfd < 2; with_pidfd++) {
        program_runs();
        script.has_pidfd = with_pidfd;
        script.watch = it_dies_once_its_descriptor_has_ended;
        says(10, 0, NULL);
        wait_for(newline, 1, with_pidfd ? "program was killed by SIGKILL\n" : "program ended before it was ready");
        assert_true(script.daemon_dead);
    }
}

static void a_program_that_backgrounds_itself_is_told_how_to_be_run(void **state)
{
    (void)state;
    static const char hint[] = "; one that backgrounds itself must be run in its foreground mode";
    static const struct { bool known; int status; const char *notice; bool hinted; } cases[] = {
        { true, 0, "STATUS=x", true }, { false, 0, "STATUS=x", true }, { true, 3 << 8, "STATUS=x", false },
        { true, 0, "ERRNO=2", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_runs();
        says(10, SCRIPT_DAEMON_PID, cases[i].notice);
        script.event_ms = 50;
        script.daemon_dead = true;
        script.stat_line = NULL;
        script.status_kept = cases[i].known;
        script.daemon_status = cases[i].status;
        wait_for(notify, 1, "program ended before it was ready");
        assert_int_equal(strstr(script.printed, hint) != NULL, cases[i].hinted);
    }
}

static void an_extension_never_shortens(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.ready_timeout_ms = 5000;
    program_runs();
    says(100, SCRIPT_DAEMON_PID, "EXTEND_TIMEOUT_USEC=100000");
    says(3000, SCRIPT_DAEMON_PID, "READY=1");
    wait_for(config, 0, NULL);
}

static void ready_at_the_limit_is_in_time(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.ready_timeout_ms = 500;
    program_runs();
    says(500, SCRIPT_DAEMON_PID, "READY=1");
    wait_for(config, 0, NULL);
}

static void what_was_said_is_not_taken_back_by_the_next_message(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.ready_timeout_ms = 500;
    program_runs();
    says(300, SCRIPT_DAEMON_PID, "READY=1");
    says(300, SCRIPT_DAEMON_PID, "STATUS=x");
    wait_for(config, 0, NULL);
    program_runs();
    says(300, SCRIPT_DAEMON_PID, "ERRNO=13");
    says(400, SCRIPT_DAEMON_PID, "STATUS=x");
    wait_for(config, 75, "program was not ready after 0.500 seconds: permission denied");
}

static void where_there_is_no_limit_none_is_set(void **state)
{
    (void)state;
    program_runs();
    says(400, SCRIPT_DAEMON_PID, "EXTEND_TIMEOUT_USEC=2000000");
    says(60000, SCRIPT_DAEMON_PID, "READY=1");
    wait_for(notify, 0, NULL);
}

static void look_where_it_is_written(const char *call)
{
    if (strcmp(call, "write") == 0)
        assert_int_equal(script.first, 2);
}

static void status_is_shown_only_where_asked(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.flags = BLIVET_SHOW_STATUS;
    program_runs();
    script.watch = look_where_it_is_written;
    says(10, SCRIPT_DAEMON_PID, "STATUS=load\033ing");
    says(20, SCRIPT_DAEMON_PID, "STATUS=nearly");
    says(20, SCRIPT_DAEMON_PID, "READY=1");
    wait_for(config, 0, "status: load\\x1bing\n");
    assert_contains(script.printed, "status: nearly\n");
    assert_true(script_called("write"));
}

static void a_status_that_nobody_reads_is_not_tried_again(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.flags = BLIVET_SHOW_STATUS;
    program_runs();
    script.stuck_reader = true;
    says(30, SCRIPT_DAEMON_PID, "STATUS=one");
    says(30, SCRIPT_DAEMON_PID, "STATUS=two");
    says(30, SCRIPT_DAEMON_PID, "STATUS=three\nREADY=1");
    wait_for(config, 0, NULL);
    assert_in_range(script.clock_ms, 30, 1999); /* a second at the most, not one a line */
}

/* What the kernel hands over with a datagram, as a test wishes. */
static struct {
    bool nobody, other_kind, other_level, cut;
    int datagrams;
} strange;

static ssize_t receive_strangely(int fd, struct msghdr *message, int flags)
{
    const struct ucred credentials = { SCRIPT_DAEMON_PID, 0, 0 };
    static const char ready[] = "READY=1";
    if (message->msg_iov[0].iov_len < 100) /* the leader's handles */
        return blivet_script.recvmsg(fd, message, flags);
    if (strange.datagrams-- <= 0) {
        script.notices_heard = script.notice_count;
        errno = EAGAIN;
        return -1;
    }
    script.clock_ms++;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = strange.other_level ? SOL_SOCKET + 1 : SOL_SOCKET;
    header->cmsg_type = strange.other_kind ? SCM_RIGHTS : SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof credentials);
    memcpy(CMSG_DATA(header), &credentials, sizeof credentials);
    if (strange.nobody)
        message->msg_controllen = 0;
    message->msg_flags = strange.cut ? MSG_TRUNC : 0;
    memcpy(message->msg_iov[0].iov_base, ready, sizeof ready - 1);
    errno = EIO; /* of an earlier call: what succeeds leaves it */
    return sizeof ready - 1;
}

static void only_a_whole_datagram_with_its_sender_is_heard(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    ops.recvmsg = receive_strangely;
    for (int how = 0; how < 5; how++) {
        struct launch_case launch = { .config = notify, .ops = &ops };
        launch.config.ready_timeout_ms = 500;
        program_runs();
        says(10, SCRIPT_DAEMON_PID, "");
        memset(&strange, 0, sizeof strange);
        strange.datagrams = 1;
        strange.nobody = how == 1;
        strange.other_kind = how == 2;
        strange.other_level = how == 3;
        strange.cut = how == 4;
        assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, how == 0 ? 0 : 75);
    }
}

static void an_errno_is_left_over(const char *call)
{
    if (strcmp(call, "recvmsg") == 0)
        errno = EIO;
}

/* Anyone on the machine can send one. */
static void an_empty_datagram_is_no_failure_and_hides_nothing(void **state)
{
    (void)state;
    static const pid_t senders[] = { 999, SCRIPT_DAEMON_PID };
    for (size_t i = 0; i < 2; i++) {
        struct blivet_config config = notify;
        config.ready_timeout_ms = 500;
        program_runs();
        script.watch = an_errno_is_left_over;
        says(500, senders[i], "");
        says(500, SCRIPT_DAEMON_PID, "READY=1"); /* in time, if it is heard at once */
        wait_for(config, 0, NULL);
    }
}

/* Whoever sends without end must not keep the limit from being looked at. */
static void a_flood_does_not_hide_the_limit(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    struct launch_case launch = { .config = notify, .ops = &ops };
    ops.recvmsg = receive_strangely;
    launch.config.ready_timeout_ms = 500;
    program_runs();
    says(10, SCRIPT_DAEMON_PID, "");
    memset(&strange, 0, sizeof strange);
    strange.datagrams = 100000;
    strange.nobody = true;
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 75);
    assert_in_range(script.clock_ms, 500, 500 + 64 + 1000);
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

/* Both are there at one poll. */
static void it_dies_once_it_has_spoken(const char *call)
{
    if (strcmp(call, "poll") == 0 && script.clock_ms > 0)
        script.daemon_dead = true;
}

static void another_main_process_is_watched_and_named(void **state)
{
    (void)state;
    static const char *const contents[][2] = { { "102\n", "120\n" }, { "999\n", "999\n" } }; /* another's: left alone */
    struct blivet_config config = notify;
    config.pidfile = "/run/x.pid";
    for (size_t i = 0; i < 2; i++) {
        program_runs();
        script_add("/run/x.pid", S_IFREG | 0644, contents[i][0]);
        script.in_session = 120;
        says(10, SCRIPT_DAEMON_PID, "MAINPID=999");
        says(20, SCRIPT_DAEMON_PID, "MAINPID=120");
        says(30, 120, "READY=1");
        wait_for(config, 0, NULL);
        assert_memory_equal(script_file("/run/x.pid")->content, contents[i][1], 4);
    }
    config.ready_timeout_ms = 500;
    program_runs();
    script_add("/run/x.pid", S_IFREG | 0644, "102\n");
    script.in_session = 120;
    says(20, SCRIPT_DAEMON_PID, "MAINPID=120");
    wait_for(config, 75, "program was not ready after 0.500 seconds");
    assert_null(script_file("/run/x.pid")); /* it named the one that was ended */
}

static const char *put_in_its_place; /* what a link there leads to; NULL: nothing is */

static void the_children_begin_beside_a_link(void)
{
    the_children_begin();
    script_add("/run/x.pid", put_in_its_place ? S_IFLNK | 0777 : S_IFREG | 0644, put_in_its_place ? put_in_its_place : "102\n");
}

static void look_at_pidfile(const char *call)
{
    if (strcmp(call, "open") != 0 || strcmp((const char *)script.first, "/run/x.pid") != 0)
        return;
    assert_int_equal(script.second, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* A link in its place would pick the file that root writes. */
static void no_link_is_followed_to_name_another_main_process(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.pidfile = "/run/x.pid";
    for (int linked = 0; linked < 2; linked++) {
        program_runs();
        script_add("/run/victim", S_IFREG | 0644, "102\n");
        script.in_session = 120;
        put_in_its_place = linked ? "/run/victim" : NULL;
        script.meanwhile = the_children_begin_beside_a_link;
        script.watch = look_at_pidfile;
        says(20, SCRIPT_DAEMON_PID, "MAINPID=120");
        says(30, 120, "READY=1");
        wait_for(config, 0, NULL);
        assert_memory_equal(script_file("/run/victim")->content, "102\n", 4);
        if (!linked)
            assert_memory_equal(script_file("/run/x.pid")->content, "120\n", 4);
    }
}

static void the_main_process_may_name_itself_and_there_may_be_no_pidfile(void **state)
{
    (void)state;
    program_runs();
    says(10, SCRIPT_DAEMON_PID, "MAINPID=102\nREADY=1");
    wait_for(notify, 0, NULL);
    assert_int_equal(script_count("pidfd_open"), 0);
    int without = 0;
    for (int with_stat = 0; with_stat < 2; with_stat++) {
        program_runs();
        script_kernel.close(0);
        script.has_stat = with_stat;
        script.in_session = 120;
        says(20, SCRIPT_DAEMON_PID, "MAINPID=120");
        says(30, 120, "READY=1");
        wait_for(notify, 0, NULL);
        assert_int_equal(script.fds[0], -1); /* nothing of ours where somebody reads */
        if (with_stat)
            assert_int_equal(script_count("open"), without + 1);
        without = script_count("open"); /* a /proc that may count differently is not asked */
    }
}

static void a_death_at_the_limit_is_told_as_one(void **state)
{
    (void)state;
    struct blivet_config config = notify;
    config.ready_timeout_ms = 500;
    program_runs();
    script.event_ms = 500;
    script.daemon_dead = true;
    script.stat_line = NULL;
    script.status_kept = true;
    script.daemon_status = 3 << 8;
    wait_for(config, 1, "program ended before it was ready, with exit status 3");
}

/* What it said before it died counts: by then another one is meant. */
static int place;

static void look_at_the_place(const char *call)
{
    if (strcmp(call, "fork") == 0 && script.pid == SCRIPT_CALLER_PID)
        assert_true(script.fds[place] < 0);
}

/* The lowest that may be asked for is the first that is given out (NTF-15). */
static void nothing_of_ours_is_where_the_programs_is_to_be(void **state)
{
    (void)state;
    for (place = 3; place < 8; place++) {
        script_begin(SCRIPT_LEADER);
        script.watch = look_at_the_place;
        struct launch_case launch = { .config = { .ready = BLIVET_READY_FD, .ready_fd = place } };
        assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 0);
        assert_int_equal(script.descriptions[script.fds[place]].kind, SCRIPT_PIPE);
    }
}

static void look_at_2(const char *call)
{
    if (strcmp(call, "fork") == 0 || strcmp(call, "poll") == 0 || strcmp(call, "recv") == 0)
        assert_true(script.fds[2] < 0);
}

/* Started with stderr closed: what the launcher prints must not go to a socket or a handle (SEQ-9). */
static void no_handle_takes_the_place_of_a_closed_stderr(void **state)
{
    (void)state;
    for (int known = 1; known < 4; known++) {
        struct blivet_config config = notify;
        config.ready_timeout_ms = 5000;
        program_runs();
        script_kernel.close(2);
        script.watch = look_at_2;
        script.has_stat = known & 1;
        script.has_pidfd = known & 2;
        script.in_session = 120;
        says(20, SCRIPT_DAEMON_PID, "MAINPID=120");
        says(40, 120, "READY=1");
        wait_for(config, 0, NULL);
        assert_true(script_called("pidfd_open"));
    }
}

static void it_names_another_and_dies(void)
{
    static const struct script_other successor = { 120, 7, "", "/dev/null", 0, false, true };
    program_runs();
    script.hears_end = false;
    script.others[0] = successor;
    script.other_count = 1;
    says(20, SCRIPT_DAEMON_PID, "MAINPID=120");
    says(300, 120, "READY=1");
    script.watch = it_dies_once_it_has_spoken;
}

static void a_death_after_another_was_named_ends_nothing(void **state)
{
    (void)state;
    it_names_another_and_dies();
    wait_for(notify, 0, NULL);
    assert_int_equal(script.clock_ms, 300);
    assert_true(script.daemon_dead);
}

static bool a_death_was_told;

static int poll_interrupted_after_a_death(struct pollfd *fds, nfds_t count, int milliseconds)
{
    if (a_death_was_told && count == 2) {
        a_death_was_told = false;
        errno = EINTR; /* and what poll has told before still stands there */
        return -1;
    }
    int ready = blivet_script.poll(fds, count, milliseconds);
    a_death_was_told |= count == 2 && fds[1].revents != 0;
    return ready;
}

static void the_death_of_one_is_not_anothers_after_an_interruption(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    struct launch_case launch = { .config = notify, .ops = &ops };
    ops.poll = poll_interrupted_after_a_death;
    a_death_was_told = false;
    it_names_another_and_dies();
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_string_equal(script.printed, "");
    assert_int_equal(script.exit_code, 0);
    assert_int_equal(script.clock_ms, 300);
    assert_true(script.daemon_dead && !a_death_was_told);
}

/* By its own /proc/PID/stat: it has not been reaped, and its parent may take its time. */
static void how_another_main_process_died_is_told_at_once(void **state)
{
    (void)state;
    static const struct { const char *stat; int kept; const char *words; } cases[] = {
        { "120 (y) Z 102 101 101 0 -1 4 0 9", 0, ": main process was killed by SIGKILL\n" },
        { "120 (y) Z 102 101 101 0 -1 4 0 1792", 0, ": main process ended before it was ready, with exit status 7\n" },
        { "120 (y) Z 102 101 101 0 -1 4 0 0", 0, ": main process ended before it was ready\n" }, /* they may not know */
        { "120 (y) Z 102 101 101 0 -1 4 0 0", 9, ": main process was killed by SIGKILL\n" }, /* but the pidfd does */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_runs();
        script.in_session = 120;
        script.session_line = cases[i].stat;
        script.status_kept = cases[i].kept != 0;
        script.daemon_status = cases[i].kept;
        says(10, SCRIPT_DAEMON_PID, "MAINPID=120");
        script.event_ms = 50;
        script.daemon_dead = true;
        wait_for(notify, 1, cases[i].words);
        assert_in_range(script.clock_ms, 50, 100);
    }
}

/* Who is ready must live, unless it is the main process itself that had said so. */
static void another_cannot_say_it_for_a_dead_main_process(void **state)
{
    (void)state;
    static const struct { const char *first, *second; int sender, code; } cases[] = {
        { "MAINPID=120", "READY=1", SCRIPT_DAEMON_PID, 1 },   { "MAINPID=120\nREADY=1", "X=1", SCRIPT_DAEMON_PID, 1 },
        { "MAINPID=120", "READY=1", 120, 0 },                 { "X=1", "READY=1", 120, 1 },
        { "X=1", "READY=1", SCRIPT_DAEMON_PID, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_runs();
        script.in_session = 120;
        script.session_line = "120 (y) Z 102 101 101 0 -1 4 0 1792";
        says(10, SCRIPT_DAEMON_PID, cases[i].first);
        says(10, cases[i].sender, cases[i].second);
        script.event_ms = 10;
        script.daemon_dead = true;
        wait_for(notify, cases[i].code, cases[i].code ? " ended before it was ready" : NULL);
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
    assert_int_equal(script_open_fds(), 4); /* channel, handles, ear: with the other end there were no end of file */
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

static int end_that_is_written;

static int make_a_pipe(int ends[2], int flags)
{
    int result = blivet_script.pipe2(ends, flags);
    end_that_is_written = ends[1];
    return result;
}

static int open_a_pipe_again(const char *path, int flags, mode_t mode)
{
    if (strncmp(path, "/proc/self/fd/", 14) != 0)
        return blivet_script.open(path, flags, mode);
    assert_int_equal(flags, O_RDWR | O_CLOEXEC);
    assert_int_equal(atoi(path + 14), end_that_is_written); /* of the other one the launcher would never see the end */
    return script_kernel.fcntl(atoi(path + 14), F_DUPFD_CLOEXEC, 3);
}

/* Opened for both ways, so that a word that nobody reads is no SIGPIPE. */
static void the_pipe_is_opened_both_ways_and_once(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    struct launch_case launch = { .config = newline, .ops = &ops };
    ops.open = open_a_pipe_again;
    ops.pipe2 = make_a_pipe;
    script_begin(SCRIPT_DAEMON);
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_int_equal(script.descriptions[script.fds[9]].kind, SCRIPT_PIPE);
    assert_int_equal(script_open_fds(), 2); /* the channel and this one */
    program_runs();
    says(20, 0, "\n");
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script_open_fds(), 4); /* the launcher: channel, handles, ear, and no end that would hide the other's */
}

static int name_nothing(int fd, struct sockaddr *address, socklen_t *size)
{
    (void)fd;
    (void)address;
    *size = sizeof(sa_family_t) + 1;
    return 0;
}

static int name_too_much(int fd, struct sockaddr *address, socklen_t *size)
{
    (void)fd;
    (void)address;
    *size = sizeof(sa_family_t) + BLIVET_NOTIFY_NAME;
    return 0;
}

static int name_a_file(int fd, struct sockaddr *address, socklen_t *size)
{
    (void)fd;
    memcpy(address->sa_data, "/run/x", 7);
    *size = sizeof(sa_family_t) + 7;
    return 0;
}

static void a_socket_without_a_name_of_its_own_is_none(void **state)
{
    (void)state;
    static int (*const ways[])(int, struct sockaddr *, socklen_t *) = { name_nothing, name_too_much, name_a_file };
    for (size_t i = 0; i < 3; i++) {
        struct blivet_ops ops = blivet_script;
        struct launch_case launch = { .config = notify, .ops = &ops };
        ops.getsockname = ways[i];
        script_begin(SCRIPT_LAUNCHER);
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_string_equal(launch.error.message, "notify socket: was given no name");
        assert_int_equal(launch.error.exit_code, 71);
        assert_int_equal(script_open_fds(), 0);
        assert_int_equal(script.allocations, 0);
    }
}

static size_t name_length;

static int name_as_long_as_that(int fd, struct sockaddr *address, socklen_t *size)
{
    (void)fd;
    memset(address->sa_data, 'n', name_length);
    address->sa_data[0] = '\0';
    *size = (socklen_t)(sizeof(sa_family_t) + name_length);
    return 0;
}

static void a_name_of_any_length_that_a_socket_can_have_is_passed_on_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = { 2, 107, 108, 109 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct blivet_ops ops = blivet_script;
        struct launch_case launch = { .config = notify, .ops = &ops };
        ops.getsockname = name_as_long_as_that;
        name_length = lengths[i];
        script_begin(SCRIPT_DAEMON);
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        if (lengths[i] > 108) {
            assert_string_equal(launch.error.message, "notify socket: was given no name");
            continue;
        }
        assert_non_null(launch.daemon);
        char **last = script.environment, want[160] = "NOTIFY_SOCKET=@";
        while (last[1])
            last++;
        memset(want + strlen(want), 'n', lengths[i] - 1);
        assert_string_equal(*last, want);
    }
}

static void a_descriptor_at_the_very_limit_is_refused(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    struct launch_case launch = { .config = { .ready = BLIVET_READY_FD, .ready_fd = INT_MAX } };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_null(launch.daemon);
    assert_contains(launch.error.message, "readiness descriptor: ");
    assert_int_equal(script_open_fds(), 0);
}

/* Or the lock could be there, and the program would write into it, or close it. */
static void in_foreground_mode_the_descriptor_has_to_be_there(void **state)
{
    (void)state;
    static const struct blivet_config foreground = { .ready = BLIVET_READY_FD, .ready_fd = 6, .pidfile = "/run/x.pid",
                                                     .flags = BLIVET_FOREGROUND };
    script_begin(SCRIPT_DAEMON);
    struct launch_case launch = { .config = foreground };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_null(launch.daemon);
    assert_int_equal(launch.error.kind, BLIVET_INVALID_CONFIG);
    assert_int_equal(launch.error.exit_code, 64);
    assert_string_equal(launch.error.message, "readiness descriptor: 6: is not an open descriptor");
    assert_null(script_file("/run/x.pid"));
    assert_int_equal(script_open_fds(), 0);
    assert_int_equal(script.allocations, 0);
    script_begin(SCRIPT_DAEMON);
    script.fds[6] = script.fds[1];
    script.descriptions[script.fds[1]].users++;
    script_fail("fcntl", 1, EINTR);
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
    assert_int_equal(script.faults_fired, 1);
    assert_int_equal(script.fds[6], script.fds[1]);
    blivet_close(launch.daemon);
}

static void the_program_finds_the_sockets_name(void **state)
{
    (void)state;
    static const struct blivet_env before[] = { { "NOTIFY_SOCKET", "/run/manager" }, { "ZONE", "1" }, { "AREA", "2" } };
    script_begin(SCRIPT_DAEMON);
    struct launch_case launch = { .config = notify };
    launch.config.env = before;
    launch.config.env_count = 3;
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    char **last = script.environment;
    while (last[1])
        last++;
    assert_string_equal(last[-2], "AREA=2");
    assert_string_equal(last[-1], "NOTIFY_SOCKET=@0a1b2");
    assert_string_equal(last[0], "ZONE=1");
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

static size_t name_size, word_size;

static int connect_noting_the_size(int fd, const struct sockaddr *address, socklen_t size)
{
    name_size = size - offsetof(struct sockaddr, sa_data);
    return blivet_script.connect(fd, address, size);
}

static ssize_t send_noting_the_size(int fd, const void *bytes, size_t count, int flags)
{
    word_size = count;
    return blivet_script.send(fd, bytes, count, flags);
}

/* unix(7): a path with its zero byte, an abstract name without; and a manager refuses a message that has one. */
static void a_manager_is_given_no_byte_too_many_and_none_too_few(void **state)
{
    (void)state;
    static char *environments[][2] = { { (char *)"NOTIFY_SOCKET=/run/systemd/notify", NULL },
                                       { (char *)"NOTIFY_SOCKET=@abstract", NULL } };
    for (int i = 0; i < 2; i++) {
        struct blivet_ops ops = blivet_script;
        struct launch_case launch = { .config = { .flags = BLIVET_FOREGROUND }, .ops = &ops };
        ops.connect = connect_noting_the_size;
        ops.send = send_noting_the_size;
        script_begin(SCRIPT_LAUNCHER);
        script.environment = environments[i];
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_int_equal(blivet_notify_parent(launch.daemon, &launch.error), 0);
        assert_int_equal(name_size, i == 0 ? sizeof "/run/systemd/notify" : strlen("@abstract"));
        assert_int_equal(word_size, strlen("READY=1"));
    }
}

static void in_foreground_mode_a_manager_is_told_once(void **state)
{
    (void)state;
    static char *environments[][3] = { { (char *)"NOTIFY_SOCKET=/run/systemd/notify", NULL },
                                       { (char *)"A=b", (char *)"NOTIFY_SOCKET=@abstract", NULL } };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script.environment = environments[i];
        struct launch_case launch = { .config = { .flags = BLIVET_FOREGROUND } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_int_equal(blivet_notify_parent(launch.daemon, &launch.error), 0);
        assert_int_equal(blivet_notify_parent(launch.daemon, &launch.error), 0);
        assert_string_equal(script.told_manager, "READY=1");
        assert_string_equal(script.manager, environments[i][i] + strlen("NOTIFY_SOCKET="));
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

static void without_a_manager_nobody_is_told(void **state)
{
    (void)state;
    static char *none[] = { (char *)"NOTIFY_SOCKETS=/x", (char *)"NOTIFY_SOCKET=", NULL };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script.environment = i ? none : NULL;
        struct launch_case launch = { .config = { .flags = BLIVET_FOREGROUND } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_int_equal(blivet_notify_parent(launch.daemon, &launch.error), 0);
        assert_false(script_called("socket"));
    }
}

static void a_name_longer_than_any_sockets_is_refused(void **state)
{
    (void)state;
    for (size_t length = 107; length <= 108; length++) {
        char entry[200] = "NOTIFY_SOCKET=/";
        char *environment[] = { entry, NULL };
        size_t before = strlen("NOTIFY_SOCKET=");
        memset(entry + before + 1, 'x', length - 1);
        script_begin(SCRIPT_LAUNCHER);
        script.environment = environment;
        struct launch_case launch = { .config = { .flags = BLIVET_FOREGROUND } };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_int_equal(blivet_notify_parent(launch.daemon, &launch.error), length == 107 ? 0 : -1);
        if (length == 108)
            assert_contains(launch.error.message, "is not the name of a socket");
        else
            assert_string_equal(script.manager, entry + before);
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
        CLAIM("NTF-15 NTF-11", an_extension_never_shortens),
        CLAIM("NTF-15 NTF-11", ready_at_the_limit_is_in_time),
        CLAIM("NTF-15 NTF-14", what_was_said_is_not_taken_back_by_the_next_message),
        CLAIM("NTF-15 NTF-11", where_there_is_no_limit_none_is_set),
        CLAIM("NTF-15 NTF-5", status_is_shown_only_where_asked),
        CLAIM("NTF-15 NTF-14", a_death_while_waiting_is_seen_at_once),
        CLAIM("NTF-15 NTF-11", a_death_at_the_limit_is_told_as_one),
        CLAIM("NTF-15", nothing_of_ours_is_where_the_programs_is_to_be),
        CLAIM("SEQ-9 NTF-15", no_handle_takes_the_place_of_a_closed_stderr),
        CLAIM("NTF-15", a_death_after_another_was_named_ends_nothing),
        CLAIM("NTF-15", another_main_process_is_watched_and_named),
        CLAIM("NTF-15 NTF-16", the_death_of_one_is_not_anothers_after_an_interruption),
        CLAIM("NTF-15 PID-5", no_link_is_followed_to_name_another_main_process),
        CLAIM("NTF-14 NTF-15 NTF-19", how_another_main_process_died_is_told_at_once),
        CLAIM("NTF-13 NTF-15", another_cannot_say_it_for_a_dead_main_process),
        CLAIM("NTF-15", a_newline_on_the_descriptor_is_ready_and_nothing_else),
        CLAIM("NTF-14 NTF-15 NTF-19", a_death_that_closes_the_descriptor_is_told_as_one),
        CLAIM("NTF-15 CLI-5", the_program_finds_the_descriptor_where_it_was_promised),
        CLAIM("NTF-15 CFG-2", the_program_finds_the_sockets_name),
        CLAIM("NTF-15 SEQ-5", what_cannot_be_opened_is_returned_with_nothing_left),
        CLAIM("NTF-18", in_foreground_mode_a_manager_is_told_once),
        CLAIM("NTF-18", a_manager_is_given_no_byte_too_many_and_none_too_few),
        CLAIM("NTF-18", a_manager_that_cannot_be_told_is_an_error),
        CLAIM("NTF-11 NTF-15", an_extension_without_end_is_the_longest_there_is),
        CLAIM("NTF-15 SEQ-14", without_handles_the_program_is_watched_too),
        CLAIM("NTF-14 NTF-15", a_program_that_dies_has_not_only_hung_up),
        CLAIM("NTF-14 NTF-15", a_program_that_backgrounds_itself_is_told_how_to_be_run),
        CLAIM("NTF-15 CLI-12", a_status_that_nobody_reads_is_not_tried_again),
        CLAIM("NTF-15", only_a_whole_datagram_with_its_sender_is_heard),
        CLAIM("NTF-15 NTF-11", an_empty_datagram_is_no_failure_and_hides_nothing),
        CLAIM("NTF-15 NTF-11", a_flood_does_not_hide_the_limit),
        CLAIM("NTF-15", the_main_process_may_name_itself_and_there_may_be_no_pidfile),
        CLAIM("NTF-13 NTF-15", the_pipe_is_opened_both_ways_and_once),
        CLAIM("NTF-15", nobody_inherits_the_socket_and_nobody_is_held_up_at_it),
        CLAIM("NTF-15 SEQ-5", a_socket_without_a_name_of_its_own_is_none),
        CLAIM("NTF-15 CFG-2", a_name_of_any_length_that_a_socket_can_have_is_passed_on_whole),
        CLAIM("NTF-15 SEQ-5", a_descriptor_at_the_very_limit_is_refused),
        CLAIM("NTF-15 SEQ-4 ERR-1", in_foreground_mode_the_descriptor_has_to_be_there),
        CLAIM("NTF-18", without_a_manager_nobody_is_told),
        CLAIM("NTF-18", a_name_longer_than_any_sockets_is_refused),
    };
    return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
