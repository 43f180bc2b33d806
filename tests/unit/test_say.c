/* test_say.c - one line on a descriptor, come what may (CLI-12). */
#include "unit.h"
#include <errno.h>
#include <limits.h>

static void say_body(void *message) { blivet_say(&blivet_script, 2, message); }

static enum script_end say(const char *message) { return script_run(say_body, (void *)(uintptr_t)message); }

/* The process goes on, with the dispositions that it had. */
static void assert_nothing_changed(enum script_end end)
{
    assert_int_equal(end, SCRIPT_RETURNED);
    assert_ptr_equal(script.actions[SIGPIPE].sa_handler, SIG_DFL);
    assert_ptr_equal(script.actions[SIGXFSZ].sa_handler, SIG_DFL);
    assert_int_equal(script.allocations, 0);
}

static void a_message_is_one_escaped_line_with_the_program_in_front(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_nothing_changed(say("pidfile: /run/a\nb\x1b: is locked"));
    assert_string_equal(script.printed, "test_say: pidfile: /run/a\\nb\\x1b: is locked\n");
    assert_string_equal(script_file("/dev/tty")->content, script.printed);
}

static void a_message_that_cannot_be_written_changes_nothing(void **state)
{
    (void)state;
    static const int errors[] = { EPIPE, EFBIG, ENOSPC, EIO, EBADF, EAGAIN, EDQUOT, SCRIPT_LIES };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script_fail("write", 0, errors[i]);
        assert_nothing_changed(say("x"));
        assert_int_equal(script.faults_fired, 1); /* tried, once */
        assert_string_equal(script.printed, "");
    }
}

static void a_closed_descriptor_changes_nothing(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script_kernel.close(2);
    assert_nothing_changed(say("x"));
    assert_string_equal(script.printed, "");
}

static void an_interrupted_write_is_repeated(void **state)
{
    (void)state;
    static const char *const calls[] = { "write", "poll" };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script_fail(calls[i], 1, EINTR);
        assert_nothing_changed(say("x"));
        assert_int_equal(script.faults_fired, 1);
        assert_string_equal(script.printed, "test_say: x\n");
    }
}

static void a_message_written_in_parts_is_whole(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script.short_counts = true;
    assert_nothing_changed(say("in parts"));
    assert_string_equal(script.printed, "test_say: in parts\n");
}

static void a_reader_that_reads_nothing_is_not_waited_for_long(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script.stuck_reader = true;
    assert_nothing_changed(say("x"));
    assert_in_range(script.clock_ms, 1, 5000);
    assert_string_equal(script.printed, "");
}

static void an_interruption_does_not_make_it_write_where_it_would_wait(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script.stuck_reader = true;
    script_fail("poll", 1, EINTR);
    assert_nothing_changed(say("x")); /* SCRIPT_HUNG where it writes */
    assert_int_equal(script.faults_fired, 1);
}

static void a_message_without_end_still_ends_in_a_newline(void **state)
{
    (void)state;
    static char endless[3000];
    memset(endless, '\x1b', sizeof endless - 1);
    script_begin(SCRIPT_LAUNCHER);
    assert_nothing_changed(say(endless));
    size_t size = strlen(script.printed);
    assert_in_range(size, BLIVET_MESSAGE_SIZE, BLIVET_MESSAGE_SIZE + 300);
    assert_string_equal(script.printed + size - 9, "\\x1b\\x1b\n"); /* no torn escape */
    memset(endless, 'x', sizeof endless - 1);
    script_begin(SCRIPT_LAUNCHER);
    assert_nothing_changed(say(endless));
    assert_int_equal(strlen(script.printed), BLIVET_MESSAGE_SIZE + 300 - 1);
}

/* Whoever chose it: what went wrong is still read. */
static void a_long_name_does_not_push_the_reason_out(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t shown, count;
    } names[] = { { "x", 1, 255 }, { "\x1b", 4, 255 }, { "\xe2\x82\xac", 3, 85 }, { "x", 1, 299 } };
    static char name[300], reason[BLIVET_MESSAGE_SIZE];
    char *const own = program_invocation_short_name;
    memset(reason, 'r', sizeof reason - 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *name = '\0';
        for (size_t n = 0; n < names[i].count; n++)
            strcat(name, names[i].bytes);
        script_begin(SCRIPT_LAUNCHER);
        program_invocation_short_name = name;
        enum script_end end = say(reason);
        program_invocation_short_name = own;
        assert_nothing_changed(end);
        const char *colon = strstr(script.printed, ": ");
        assert_non_null(colon);
        assert_int_equal((size_t)(colon - script.printed) % names[i].shown, 0); /* cut between two characters */
        assert_in_range(colon - script.printed, 250, NAME_MAX * names[i].shown);
        assert_memory_equal(colon + 2, reason, sizeof reason - 1);
        assert_string_equal(colon + 2 + sizeof reason - 1, "\n");
    }
}

static void handlers_of_the_caller_are_put_back(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script.actions[SIGPIPE].sa_handler = SIG_IGN;
    script.actions[SIGXFSZ].sa_flags = SA_RESTART;
    assert_int_equal(say("x"), SCRIPT_RETURNED);
    assert_ptr_equal(script.actions[SIGPIPE].sa_handler, SIG_IGN);
    assert_int_equal(script.actions[SIGXFSZ].sa_flags, SA_RESTART);
}

/* What was not changed is not put back: nobody knows what it was. */
static void what_could_not_be_ignored_is_left_alone(void **state)
{
    (void)state;
    for (int nth = 1; nth < 3; nth++) {
        script_begin(SCRIPT_LAUNCHER);
        script_fail("sigaction", nth, EINVAL);
        assert_nothing_changed(say("x"));
        assert_int_equal(script_count("sigaction"), 3);
        assert_string_equal(script.printed, "test_say: x\n");
    }
}

static int64_t late_ms;

static void time_passes(const char *call)
{
    if (strcmp(call, "poll") == 0 && script_count("poll") == 0)
        script.clock_ms += late_ms;
}

/* Interrupted, it waits for what is left of its second, and no longer. */
static void a_second_is_a_second(void **state)
{
    (void)state;
    static const int64_t times[] = { 0, 998, 999, 4999 }; /* and the one that an interruption takes */
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script.stuck_reader = true;
        script.watch = time_passes;
        late_ms = times[i];
        script_fail("poll", 1, EINTR);
        assert_nothing_changed(say("x"));
        assert_int_equal(script.clock_ms, late_ms < 999 ? 1000 : late_ms + 1);
    }
}

static void say_on_0(void *argument)
{
    (void)argument;
    assert_true(blivet_say(&blivet_script, 0, "x"));
    assert_false(blivet_say(&blivet_script, -1, "lost"));
}

static void any_descriptor_will_do(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(script_run(say_on_0, NULL), SCRIPT_RETURNED);
    assert_string_equal(script.printed, "test_say: x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("ERR-11 NTF-2 NTF-5", a_message_is_one_escaped_line_with_the_program_in_front),
        CLAIM("CLI-12", a_message_that_cannot_be_written_changes_nothing),
        CLAIM("CLI-12", a_closed_descriptor_changes_nothing),
        CLAIM("SEQ-7", an_interrupted_write_is_repeated),
        CLAIM("NTF-6", a_message_written_in_parts_is_whole),
        CLAIM("CLI-12", a_reader_that_reads_nothing_is_not_waited_for_long),
        CLAIM("CLI-12 SEQ-7", an_interruption_does_not_make_it_write_where_it_would_wait),
        CLAIM("NTF-5 CLI-12", a_message_without_end_still_ends_in_a_newline),
        CLAIM("NTF-5 ERR-11", a_long_name_does_not_push_the_reason_out),
        CLAIM("CLI-12", what_could_not_be_ignored_is_left_alone),
        CLAIM("CLI-12", any_descriptor_will_do),
        CLAIM("CLI-12 SEQ-7", a_second_is_a_second),
        CLAIM("CLI-12", handlers_of_the_caller_are_put_back),
    };
    return cmocka_run_group_tests_name("say", tests, NULL, NULL);
}
