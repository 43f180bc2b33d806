/* test_show_trace.c - how a record is shown (CLI-16, CLI-17). */
#include "unit.h"
#include "../../cli/show_trace.h"
#include <errno.h>
#include <fcntl.h>

static union {
    struct blivet_trace trace;
    char bytes[8192];
} memory;
static const struct blivet_ops *ops;

static void begin(void)
{
    script_begin(SCRIPT_LAUNCHER);
    ops = blivet_trace_on(&memory, sizeof memory, &blivet_script);
}

static const char *shown(void (*how)(struct sheet *, const struct blivet_trace *, const struct ending *),
                         const struct ending *ending, bool colour)
{
    struct sheet sheet = { .ops = &script_kernel, .fd = 2, .colour = colour };
    for (uint32_t i = 0; i < memory.trace.count && i < memory.trace.capacity; i++) {
        memory.trace.records[i].pid = SCRIPT_CALLER_PID;
        memory.trace.records[i].began_ns = 1500 * (int64_t)(i + 1);
        memory.trace.records[i].ended_ns = memory.trace.records[i].began_ns + 250;
    }
    how(&sheet, &memory.trace, ending);
    return script.printed;
}

static void a_line_has_time_process_step_call_and_result(void **state)
{
    (void)state;
    static const struct ending ending = { .code = 69, .message = "daemonize: why" };
    begin();
    ops->environment();
    ops->enter_step(4);
    ops->umask(027);
    script_fail("chdir", 1, ENOENT);
    ops->chdir("/a\"b");
    ops->enter_step(15);
    ops->getpwnam("nobody at all");
    assert_contains(shown(trace_as_text, &ending, false), "        ms process  step  call\n"
                                                          "     0.002 launcher    -  environment() = 0x");
    assert_contains(script.printed, "     0.003 launcher    4  -- umask\n");
    assert_contains(script.printed, "launcher    4  umask(027) = 022\n");
    assert_contains(script.printed, "launcher    4  chdir(\"/a\\\"b\") = -1 ENOENT\n");
    assert_contains(script.printed, "launcher    +  -- after the sequence\n");
    assert_contains(script.printed, "launcher    +  getpwnam(\"nobody at all\") = NULL\nverdict: exit 69, daemonize: why\n");
    assert_null(strchr(script.printed, '\033'));
    begin();
    script_fail("setsid", 1, EPERM);
    ops->setsid();
    assert_contains(shown(trace_as_text, &ending, true), "\033[31msetsid() = -1 EPERM\033[0m\n");
}

static void a_record_that_was_too_long_says_so(void **state)
{
    (void)state;
    static const struct ending ending = { .foreground = true, .begun = true, .message = "" };
    begin();
    for (uint32_t i = 0; i < memory.trace.capacity + 7; i++)
        ops->getpid();
    assert_contains(shown(trace_as_text, &ending, false), "... 7 calls more, for which there was no room\n"
                                                          "verdict: none; the process goes on as the program\n");
    begin();
    for (uint32_t i = 0; i < memory.trace.capacity + 7; i++)
        ops->getpid();
    memory.trace.capacity = 1;
    memory.trace.count = 8;
    assert_contains(shown(trace_as_json, &ending, false), "\"not recorded\": 7, \"exit\": null");
}

static void events_are_json(void **state)
{
    (void)state;
    static const struct ending ending = { .code = 71, .message = "a \"b\"" };
    begin();
    ops->enter_step(5);
    ops->chdir("/a\"b");
    assert_string_equal(shown(trace_as_json, &ending, false),
        "{\"traceEvents\": [\n"
        "{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": 100, \"args\": {\"name\": \"launcher\"}},\n"
        "{\"ph\": \"M\", \"name\": \"process_sort_index\", \"pid\": 100, \"args\": {\"sort_index\": 0}},\n"
        "{\"ph\": \"X\", \"pid\": 100, \"tid\": 100, \"ts\": 1.500, \"dur\": 1.750, \"cat\": \"step\", "
        "\"name\": \"working directory\", \"args\": {\"step\": 5}},\n"
        "{\"ph\": \"X\", \"pid\": 100, \"tid\": 100, \"ts\": 3.000, \"dur\": 0.250, \"cat\": \"call\", \"name\": \"chdir\", "
        "\"args\": {\"step\": 5, \"arguments\": \"\\\"/a\\\\\\\"b\\\"\", \"result\": \"-1 ENOENT\"}}\n"
        "],\n\"otherData\": {\"not recorded\": 0, \"exit\": 71, \"message\": \"a \\\"b\\\"\"}}\n");
}

static void what_cannot_be_written_is_not_tried_again(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    struct sheet sheet = { .ops = &blivet_script, .fd = 2 };
    begin();
    for (int i = 0; i < 40; i++)
        ops->chdir("/a rather long name of a folder, so that more than one sheet is filled: it is, is it not? it must be");
    script_fail("write", 0, EPIPE);
    script.actions[SIGPIPE].sa_handler = SIG_IGN;
    trace_as_text(&sheet, &memory.trace, &ending);
    assert_int_equal(sheet.fd, -1);
    assert_int_equal(script_count("write"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CLI-16", a_line_has_time_process_step_call_and_result),
        CLAIM("CLI-16 CLI-17", a_record_that_was_too_long_says_so),
        CLAIM("CLI-17", events_are_json),
        CLAIM("CLI-12 CLI-16", what_cannot_be_written_is_not_tried_again),
    };
    return cmocka_run_group_tests_name("show_trace", tests, NULL, NULL);
}
