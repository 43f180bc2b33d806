/* test_handles.c - the leader's last act: two handles on the daemon (NTF-3, SEQ-14). */
#include "unit.h"
#include <errno.h>

enum { STAT = 1, PIDFD = 2, ALWAYS = 4 };

/* ---- sent by the session leader ---- */

static enum script_end lead(void)
{
    struct launch_case launch = { .config = { .pidfile = "/run/x.pid" } };
    return launch_it(&launch);
}

static void the_leader_passes_on_what_it_can_open(void **state)
{
    (void)state;
    static const struct { const char *call; int error, kind; } cases[] = {
        { "", 0, STAT | PIDFD },             { "pidfd_open", ENOSYS, STAT },     { "pidfd_open", EPERM, STAT },
        { "open", ENOENT, PIDFD },           { "pread", EIO, PIDFD },            { "pread", SCRIPT_LIES, PIDFD },
        { "readlink", ENOENT, PIDFD },       { "open", EINTR, STAT | PIDFD },    { "pread", EINTR, STAT | PIDFD },
        { "sendmsg", EINTR, STAT | PIDFD },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LEADER);
        script_fail(cases[i].call, 1, cases[i].error);
        assert_int_equal(lead(), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 0);
        assert_int_equal(script.handles_kind, ALWAYS | cases[i].kind);
        assert_int_equal(script.handles_sent, (cases[i].kind & STAT ? 1 : 0) + (cases[i].kind & PIDFD ? 1 : 0));
        assert_int_equal(((struct blivet_page *)script.page)->pid, SCRIPT_DAEMON_PID);
        assert_int_equal(script_open_fds(), 1 + script.handles_sent); /* and not the launcher's end */
    }
}

/* A /proc of another namespace counts differently: its "102" may be anybody. */
static void a_stat_that_is_not_of_our_child_is_not_passed_on(void **state)
{
    (void)state;
    static const struct { const char *line; bool ours; } cases[] = {
        { "102 (x) S 101 1 1 0", true },      { "102 (a) S 7) S 101 1", true }, { "102 () R 101 1", true },
        { "102 (x) S 7 101 101 0", false },   { "102 (x) S 1011 1", false },    { "102 (x) S 10 1", false },
        { "102 (101) S 7 1", false },         { "102 (x) S 101", false },       { "102 x S 101 1", false },
        { "102 (x) S 101 ", true },           { "", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LEADER);
        script.stat_line = cases[i].line;
        assert_int_equal(lead(), SCRIPT_EXITED);
        assert_int_equal(script.handles_kind, ALWAYS | PIDFD | (cases[i].ours ? STAT : 0));
    }
}

static void where_nothing_can_be_opened_the_byte_alone_is(void **state)
{
    (void)state;
    script_begin(SCRIPT_LEADER);
    script_fail("open", 1, ENOENT);
    script_fail("pidfd_open", 1, ENOSYS);
    assert_int_equal(lead(), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 0);
    assert_int_equal(script.handles_sent, 0);
    assert_int_equal(script.handles_kind, ALWAYS);
}

static void where_nothing_can_be_passed_the_byte_alone_is(void **state)
{
    (void)state;
    static const int errors[] = { ETOOMANYREFS, EPERM };
    for (size_t i = 0; i < 2; i++) {
        script_begin(SCRIPT_LEADER);
        script_fail("sendmsg", 1, errors[i]);
        assert_int_equal(lead(), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 0);
        assert_int_equal(script.handles_sent, 0);
        assert_int_equal(script.handles_kind, ALWAYS);
    }
}

static void a_leader_that_cannot_speak_says_so_in_its_exit_code(void **state)
{
    (void)state;
    script_begin(SCRIPT_LEADER);
    script.launcher_gone = true;
    assert_int_equal(lead(), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 71);
}

static ssize_t read_a_long_name(const char *path, char *buffer, size_t size)
{
    (void)path;
    memset(buffer, '1', size);
    return (ssize_t)size;
}

static void a_number_of_ours_that_may_go_on_is_not_compared(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    struct launch_case launch = { .ops = &ops };
    script_begin(SCRIPT_LEADER);
    script.stat_line = "102 (x) S 111111111111111111111111 1 1 0";
    ops.readlink = read_a_long_name;
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.handles_kind, ALWAYS | PIDFD);
}

static ssize_t read_a_short_name(const char *path, char *buffer, size_t size)
{
    (void)path;
    (void)size;
    *buffer = '2';
    return 1;
}

/* As in a PID namespace that was just made. */
static void a_number_of_ours_with_one_digit_is_compared(void **state)
{
    (void)state;
    static const char *const lines[] = { "3 (x) S 2 2 2 0", "3 (x) S 7 2 2 0", "3 (x) S 22 2 2 0" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct blivet_ops ops = blivet_script;
        struct launch_case launch = { .ops = &ops };
        script_begin(SCRIPT_LEADER);
        script.stat_line = lines[i];
        ops.readlink = read_a_short_name;
        assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
        assert_int_equal(script.handles_kind, ALWAYS | PIDFD | (i == 0 ? STAT : 0));
    }
}

static void of_a_line_longer_than_any_the_beginning_is_read(void **state)
{
    (void)state;
    char line[2000];
    snprintf(line, sizeof line, "102 (x) S 101 %01900d", 0);
    script_begin(SCRIPT_LEADER);
    script.stat_line = line;
    assert_int_equal(lead(), SCRIPT_EXITED);
    assert_int_equal(script.handles_kind, ALWAYS | PIDFD | STAT);
}

static ssize_t read_into_what_was_there(int fd, void *buffer, size_t size, off_t offset)
{
    ssize_t count = blivet_script.pread(fd, buffer, size, offset);
    memset((char *)buffer + count, ')', count < 0 ? 0 : size - (size_t)count);
    return count;
}

static void what_stands_behind_the_line_is_not_looked_at(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    struct launch_case launch = { .ops = &ops };
    script_begin(SCRIPT_LEADER);
    ops.pread = read_into_what_was_there;
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.handles_kind, ALWAYS | PIDFD | STAT);
}

/* ---- received by the launcher ---- */

static void what_was_sent_is_received_above_the_standard_descriptors(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++)
        for (int closed = 0; closed < 2; closed++) {
            int ends[2], stat = -1, pidfd = -1;
            script_begin(SCRIPT_LAUNCHER);
            assert_int_equal(script_kernel.socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
            for (int fd = 0; closed && fd < 3; fd++)
                script_kernel.close(fd);
            script.has_stat = kind & STAT;
            script.has_pidfd = kind & PIDFD;
            script_fail("recvmsg", 1, EINTR);
            assert_true(blivet_receive_handles(&blivet_script, ends[0], &stat, &pidfd));
            assert_int_equal(stat > 2, kind & STAT ? 1 : 0);
            assert_int_equal(pidfd > 2, kind & PIDFD ? 1 : 0);
            assert_string_equal(stat > 2 ? script_path_of(stat) : "/proc/102/stat", "/proc/102/stat");
            assert_int_equal(script_open_fds(), 2 + (stat > 2) + (pidfd > 2));
            assert_true((stat < 0 || script.cloexec[stat]) && (pidfd < 0 || script.cloexec[pidfd]));
        }
}

static void a_leader_that_said_nothing_is_not_believed(void **state)
{
    (void)state;
    int ends[2], stat = -1, pidfd = -1;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(script_kernel.socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    script.handles_taken = true;
    assert_false(blivet_receive_handles(&blivet_script, ends[0], &stat, &pidfd));
    assert_int_equal(stat, -1);
    assert_int_equal(pidfd, -1);
}

static size_t carried; /* bytes of control data, as the header says; 0: not even a header */

static ssize_t receive_oddly(int fd, struct msghdr *message, int flags)
{
    (void)fd;
    (void)flags;
    *(char *)message->msg_iov[0].iov_base = ALWAYS | STAT | PIDFD;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    memset(header, 7, message->msg_controllen);
    header->cmsg_len = (socklen_t)CMSG_LEN(carried);
    message->msg_controllen = carried == 0 ? 0 : message->msg_controllen;
    return 1;
}

static void a_promise_of_handles_without_handles_is_none(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 3 * sizeof(int) };
    struct blivet_ops ops = blivet_script;
    ops.recvmsg = receive_oddly;
    for (size_t i = 0; i < 2; i++) {
        int stat = -1, pidfd = -1;
        script_begin(SCRIPT_LAUNCHER);
        carried = lengths[i];
        assert_true(blivet_receive_handles(&ops, 3, &stat, &pidfd));
        assert_int_equal(stat, -1);
        assert_int_equal(pidfd, -1);
    }
}

/* Whoever starts us may have closed them: a descriptor is as good with the number 0. */
static void a_leader_without_standard_descriptors_passes_on_both(void **state)
{
    (void)state;
    for (int left_out = 0; left_out < 2; left_out++) {
        script_begin(SCRIPT_LEADER);
        for (int fd = 0; fd < 3; fd++)
            script_kernel.close(fd);
        if (left_out)
            script_fail("open", 1, ENOENT); /* then the other has the number 0 */
        assert_int_equal(lead(), SCRIPT_EXITED);
        assert_int_equal(script.handles_kind, ALWAYS | PIDFD | (left_out ? 0 : STAT));
        assert_int_equal(script.handles_sent, left_out ? 1 : 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-3 SEQ-14 SEQ-7", the_leader_passes_on_what_it_can_open),
        CLAIM("NTF-3", a_stat_that_is_not_of_our_child_is_not_passed_on),
        CLAIM("NTF-3", a_number_of_ours_that_may_go_on_is_not_compared),
        CLAIM("NTF-3", a_number_of_ours_with_one_digit_is_compared),
        CLAIM("NTF-3", of_a_line_longer_than_any_the_beginning_is_read),
        CLAIM("NTF-3", what_stands_behind_the_line_is_not_looked_at),
        CLAIM("SEQ-14", where_nothing_can_be_opened_the_byte_alone_is),
        CLAIM("SEQ-14", where_nothing_can_be_passed_the_byte_alone_is),
        CLAIM("NTF-7 ERR-6", a_leader_that_cannot_speak_says_so_in_its_exit_code),
        CLAIM("SEQ-9 SEQ-14 NTF-6", what_was_sent_is_received_above_the_standard_descriptors),
        CLAIM("NTF-17", a_leader_that_said_nothing_is_not_believed),
        CLAIM("NTF-3 SEQ-14", a_promise_of_handles_without_handles_is_none),
        CLAIM("SEQ-9 NTF-3", a_leader_without_standard_descriptors_passes_on_both),
    };
    return cmocka_run_group_tests_name("handles", tests, NULL, NULL);
}
