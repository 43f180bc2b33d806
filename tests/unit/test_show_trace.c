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
    ops->enter_step(STEP_APPLICATION);
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

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

static void a_record_that_was_too_long_says_so(void **state)
{
    (void)state;
    static const struct ending ending = { .foreground = true, .undecided = "the process goes on as the program", .message = "" };
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
    assert_int_equal(count_of(script.printed, "\"ph\": \"X\""), 1);
    memset(script.printed, 0, sizeof script.printed);
    assert_int_equal(count_of(shown(trace_as_text, &ending, false), "getpid()"), 1);
    begin();
    ops->getpid();
    memory.trace.capacity = 1; /* just enough */
    assert_null(strstr(shown(trace_as_text, &ending, false), "calls more"));
    begin();
    ops->enter_step(4);
    ops->getpid();
    memory.trace.records[1].ended_ns = 99000;
    memory.trace.capacity = 1; /* what is behind the last record is none */
    assert_contains(shown(trace_as_json, &ending, false), "\"dur\": 0.000, \"cat\": \"step\"");
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
    for (int i = 0; i < 40; i++) /* none like the one before */
        ops->chdir(i % 2 ? "/" : "/a rather long name of a folder, so that more than one sheet is filled: it is, is it not? it must be");
    script_fail("write", 0, EPIPE);
    script.actions[SIGPIPE].sa_handler = SIG_IGN;
    trace_as_text(&sheet, &memory.trace, &ending);
    assert_int_equal(sheet.fd, -1);
    assert_int_equal(script_count("write"), 1);
}

/* Two processes at once: the places are taken in one order, and the calls begun in another. */
/* The C library hands on what a sandbox made the kernel answer, and sets no errno. */
static void a_refused_umask_has_its_errno(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    static const int64_t results[] = { (mode_t)-EPERM, (mode_t)-EACCES, 022, 0 };
    static const char *const ends[] = { "umask(0) = -1 EPERM\n", "umask(0) = -1 EACCES\n", "umask(0) = 022\n",
                                        "umask(0) = 0\n" };
    for (size_t i = 0; i < 4; i++) {
        begin();
        ops->umask(0);
        memory.trace.records[0].result = results[i];
        assert_contains(shown(trace_as_text, &ending, false), ends[i]);
    }
}

static void lines_are_in_the_order_of_their_times(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    begin();
    ops->getpid();
    ops->getuid();
    ops->geteuid();
    shown(trace_as_text, &ending, false); /* sets times */
    memory.trace.records[2].began_ns = 1000;
    memset(script.printed, 0, sizeof script.printed);
    struct sheet sheet = { .ops = &script_kernel, .fd = 2 };
    trace_as_text(&sheet, &memory.trace, &ending);
    const char *first = strstr(script.printed, "geteuid"), *second = strstr(script.printed, "getpid");
    assert_true(first && second && first < second && second < strstr(script.printed, "getuid"));
}

static void of_two_at_one_time_the_first_record_is_the_first_line(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    struct sheet sheet = { .ops = &script_kernel, .fd = 2 };
    begin();
    ops->getpid();
    ops->getuid();
    memory.trace.records[0].began_ns = memory.trace.records[1].began_ns = 1000;
    trace_as_text(&sheet, &memory.trace, &ending);
    assert_true(strstr(script.printed, "getpid") < strstr(script.printed, "getuid"));
}

static int lines_of(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void rounds_of_the_same_calls_are_one_line(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    begin();
    ops->enter_step(1);
    for (int i = 0; i < 5; i++) {
        ops->getpid();
        ops->chdir("/");
        ops->poll(NULL, 0, 1);
    }
    ops->getpid();
    ops->chdir("/run");
    const char *text = shown(trace_as_text, &ending, false);
    assert_contains(text, "launcher    1  poll(NULL, 0, 1) = 0\n"
                          "       ... launcher    1  getpid, chdir, poll, 4 times more, for 0.017 ms\n"
                          "     0.025 launcher    1  getpid() = 100\n     0.027 launcher    1  chdir(\"/run\")");
    assert_int_equal(lines_of(text), 9);
    memset(script.printed, 0, sizeof script.printed);
    assert_null(strstr(shown(trace_as_json, &ending, false), "4 times more"));
    for (int differs = 0; differs < 7; differs++) { /* then it is no repetition */
        begin();
        for (int i = 0; i < 4; i++)
            ops->chdir("/");
        struct blivet_trace_record *third = &memory.trace.records[2];
        third->call = (int16_t)(third->call + (differs == 0));
        third->process = differs == 1;
        third->step = differs == 2;
        third->result = differs == 3;
        third->error = differs == 4 ? ENOENT : 0;
        third->more = differs == 5;
        third->arguments[1] = differs == 6 ? '.' : '/';
        assert_null(strstr(shown(trace_as_text, &ending, false), "3 times more"));
    }
    begin();
    for (int i = 0; i < 4; i++)
        ops->chdir("/");
    assert_contains(shown(trace_as_text, &ending, false), "... launcher    -  chdir, 3 times more, for ");
    for (int longest = 4; longest < 6; longest++) { /* in no more than four calls */
        begin();
        for (int i = 0; i < 4; i++) {
            ops->chdir("/");
            ops->getpid();
            ops->getuid();
            ops->getgid();
            for (int more = 4; more < longest; more++)
                ops->geteuid();
        }
        const char *shows = shown(trace_as_text, &ending, false);
        assert_int_equal(count_of(shows, "... launcher    -  chdir, getpid, getuid, getgid, 3 times more, for "), longest == 4);
        assert_int_equal(count_of(shows, "times more"), longest == 4);
    }
    begin(); /* of several processes the first */
    for (int i = 0; i < 4; i++) {
        ops->chdir("/");
        ops->getpid();
        memory.trace.records[2 * i + 1].process = 2;
    }
    assert_contains(shown(trace_as_text, &ending, false), "... launcher    -  chdir, getpid, 3 times more, for ");
}

static void a_call_that_has_not_returned_has_no_result(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    begin();
    ops->getpid();
    ops->chdir("/");
    ops->environment();
    ops->getpid();
    for (int i = 0; i < 3; i++)
        memory.trace.records[i].state = BLIVET_CALL_BEGUN;
    memory.trace.records[2].call = -1;
    for (int call = 0; memory.trace.records[2].call < 0; call++)
        if (strcmp(blivet_call_name(call), "execve") == 0)
            memory.trace.records[2].call = (int16_t)call;
    memory.trace.records[3].state = BLIVET_CALL_NONE; /* another process is about to fill it in */
    assert_contains(shown(trace_as_text, &ending, false), "  getpid() = ?\n");
    assert_contains(script.printed, "  chdir(\"/\") = ?\n");
    assert_contains(script.printed, "  execve()\nverdict: exit 0\n");
}

static void what_returns_nothing_has_no_result(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    begin();
    ops->getpid();
    ops->free(NULL);
    assert_contains(shown(trace_as_text, &ending, false), "getpid() = 100\n     0.003 launcher    -  free(NULL)\n");
    memset(script.printed, 0, sizeof script.printed);
    assert_contains(shown(trace_as_json, &ending, false),
                    "\"name\": \"free\", \"args\": {\"step\": 0, \"arguments\": \"NULL\", \"result\": \"\"}");
}

static void each_errno_has_its_name(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    static const struct { int number; const char *name; } errors[] = {
#define REASON(name, text) { name, #name },
#include "../../core/errno.def"
#undef REASON
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        char want[64];
        begin();
        script_fail("chdir", 1, errors[i].number);
        ops->chdir("/");
        snprintf(want, sizeof want, "chdir(\"/\") = -1 %s\n", errors[i].name);
        assert_contains(shown(trace_as_text, &ending, false), want);
    }
}

static void a_number_without_a_name_is_a_question_mark(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    begin();
    script_fail("chdir", 1, 4095);
    ops->chdir("/");
    script_fail("getpwnam", 1, EIO);
    ops->getpwnam("x");
    assert_contains(shown(trace_as_text, &ending, false), "chdir(\"/\") = -1 ?\n");
    assert_contains(script.printed, "getpwnam(\"x\") = NULL EIO\n");
}

static void each_process_has_a_row_and_a_step_ends_with_the_next(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "a\tb" };
    begin();
    ops->enter_step(1);
    ops->fork(); /* in the launcher */
    ops->enter_step(2);
    ops->getpid();
    ops->getpid();
    ops->getpid();
    shown(trace_as_json, &ending, false); /* sets times */
    for (int i = 0; i < 6; i++)
        memory.trace.records[i].began_ns = 1000 * (i + 1);
    memory.trace.records[3].process = 1;
    memory.trace.records[3].pid = SCRIPT_LEADER_PID;
    memory.trace.records[4].state = BLIVET_CALL_NONE;
    memory.trace.records[4].ended_ns = 99000;
    memory.trace.records[5].ended_ns = 500; /* a clock that was asked before the call began */
    memset(script.printed, 0, sizeof script.printed);
    struct sheet sheet = { .ops = &script_kernel, .fd = 2 };
    trace_as_json(&sheet, &memory.trace, &ending);
    assert_contains(script.printed, "\"name\": \"first fork\"");
    assert_contains(script.printed, "\"ts\": 1.000, \"dur\": 2.000, \"cat\": \"step\"");
    assert_contains(script.printed, "\"ts\": 3.000, \"dur\": 3.000, \"cat\": \"step\""); /* the last, as long as calls are made */
    assert_contains(script.printed, "\"pid\": 101, \"args\": {\"name\": \"leader\"}}");
    assert_contains(script.printed, "\"message\": \"a\\u0009b\"");
    assert_null(strstr(script.printed, "\"ts\": 5.000"));
}

static void a_step_ends_when_its_process_has_no_more_calls(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    begin();
    ops->enter_step(4);
    ops->getpid();
    ops->getpid();
    shown(trace_as_json, &ending, false);
    memory.trace.records[0].began_ns = 1000;
    memory.trace.records[1].began_ns = 2000;
    memory.trace.records[1].ended_ns = 9000;
    memory.trace.records[2].began_ns = 3000;
    memory.trace.records[2].ended_ns = 4000;
    struct sheet sheet = { .ops = &script_kernel, .fd = 2 };
    memset(script.printed, 0, sizeof script.printed);
    trace_as_json(&sheet, &memory.trace, &ending);
    assert_contains(script.printed, "\"ts\": 1.000, \"dur\": 8.000, \"cat\": \"step\"");
}

static void what_is_longer_than_a_line_is_cut(void **state)
{
    (void)state;
    static char endless[6000];
    struct ending ending = { .message = endless };
    memset(endless, 'x', sizeof endless - 1);
    begin();
    const char *text = shown(trace_as_text, &ending, false);
    assert_contains(text, "verdict: exit 0, xxx");
    assert_in_range(strlen(text), 2048, 4095);
    const size_t line = 2 * BLIVET_MESSAGE_SIZE + 512, head = strlen("        ms process  step  call\n");
    for (size_t length = line - 3; length < line + 3; length++) { /* with what is before and behind it */
        memset(endless, 'x', sizeof endless);
        endless[length - strlen("verdict: exit 0, \n")] = '\0';
        script_begin(SCRIPT_LAUNCHER);
        struct sheet sheet = { .ops = &script_kernel, .is_file = true };
        sheet.fd = script_kernel.open("/run/t", O_WRONLY | O_CREAT, 0644);
        memory.trace.count = 0;
        trace_as_text(&sheet, &memory.trace, &ending);
        assert_int_equal(script_file("/run/t")->size, head + (length < line ? length : line - 1));
        assert_int_equal(strlen(script_file("/run/t")->content), script_file("/run/t")->size);
    }
}

/* Interrupted, in halves, or to somebody who does not read. */
static void nothing_of_it_is_lost_on_the_way(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    static char whole[sizeof script.printed];
    begin();
    ops->chdir("/");
    strcpy(whole, shown(trace_as_text, &ending, false));
    struct sheet slow = { .ops = &blivet_script, .fd = 2 };
    script_begin(SCRIPT_LAUNCHER);
    script.short_counts = true; /* a byte at a time */
    trace_as_text(&slow, &memory.trace, &ending);
    assert_string_equal(script.printed, whole);
    for (int how = 0; how < 3; how++) {
        struct sheet sheet = { .ops = &blivet_script, .fd = 2 };
        script_begin(SCRIPT_LAUNCHER);
        script_fail("write", 1, how ? EINTR : SCRIPT_HALF);
        script.stuck_reader = how == 2;
        trace_as_text(&sheet, &memory.trace, &ending);
        assert_string_equal(script.printed, how == 2 ? "" : whole);
        assert_int_equal(sheet.fd, how == 2 ? -1 : 2);
        trace_as_text(&sheet, &memory.trace, &ending); /* what has been shown is not shown again */
        assert_int_equal(script_count("write") > 3, 0);
        assert_int_equal(count_of(script.printed, " process  step  call\n"), how != 2);
    }
    for (int how = 0; how < 4; how++) {
        static const int errors[] = { SCRIPT_HALF, EINTR, EIO, SCRIPT_HALF };
        script_begin(SCRIPT_LAUNCHER);
        struct sheet sheet = { .ops = &blivet_script, .is_file = true };
        script_kernel.close(0); /* then that is the file's */
        sheet.fd = script_kernel.open("/run/t", O_WRONLY | O_CREAT, 0644);
        script_fail("pwrite", 1, errors[how]);
        if (how == 3)
            script_fail("pwrite", 1, ENOSPC); /* the second half */
        trace_as_text(&sheet, &memory.trace, &ending);
        if (how < 2) {
            assert_string_equal(script_file("/run/t")->content, whole);
            assert_int_equal(script_file("/run/t")->size, strlen(whole));
        } else
            assert_int_equal(sheet.fd, -1);
    }
}

static void on_the_narrowest_terminal_each_word_is_whole(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    for (size_t width = 1; width < 6; width++) {
        struct sheet sheet = { .ops = &script_kernel, .fd = 2, .width = width };
        begin();
        ops->open("/a/long/name", O_RDONLY | O_CLOEXEC, 0);
        trace_as_text(&sheet, &memory.trace, &ending);
        assert_contains(script.printed, "        open(\"/a/long/name\",\n        O_RDONLY|\n        O_CLOEXEC,\n        0)\n"
                                        "        =\n        -1\n        ENOENT\n");
    }
}

static void on_a_narrow_terminal_a_call_that_fits_into_a_line_has_one(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    struct sheet sheet = { .ops = &script_kernel, .fd = 2, .width = 40 };
    begin();
    ops->open("/a/name", O_RDONLY, 0);
    trace_as_text(&sheet, &memory.trace, &ending);
    assert_contains(script.printed, "-  \n        open(\"/a/name\", O_RDONLY, 0) =\n        -1 ENOENT\n");
    memset(script.printed, 0, sizeof script.printed);
    begin();
    ops->chdir("/a/name");
    sheet.shown = 0;
    trace_as_text(&sheet, &memory.trace, &ending);
    assert_contains(script.printed, "-  \n        chdir(\"/a/name\") = -1 ENOENT\n");
}

static void calls_that_were_left_out_are_counted(void **state)
{
    (void)state;
    static const struct ending ending = { .message = "" };
    begin();
    ops->getpid();
    memory.trace.records[0].more = 3;
    assert_contains(shown(trace_as_json, &ending, false), ", \"times more\": 3}}");
    assert_contains(shown(trace_as_text, &ending, false), "getpid(...), 3 times more\n");
    memory.trace.records[0].more = 1;
    assert_contains(shown(trace_as_text, &ending, false), "getpid(...), 1 times more\n");
    assert_contains(shown(trace_as_json, &ending, false), ", \"times more\": 1}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CLI-16", a_line_has_time_process_step_call_and_result),
        CLAIM("CLI-16 CLI-17", a_record_that_was_too_long_says_so),
        CLAIM("CLI-17", events_are_json),
        CLAIM("CLI-12 CLI-16", what_cannot_be_written_is_not_tried_again),
        CLAIM("CLI-16", a_refused_umask_has_its_errno),
        CLAIM("CLI-16", lines_are_in_the_order_of_their_times),
        CLAIM("CLI-16", of_two_at_one_time_the_first_record_is_the_first_line),
        CLAIM("CLI-16", rounds_of_the_same_calls_are_one_line),
        CLAIM("CLI-16", a_call_that_has_not_returned_has_no_result),
        CLAIM("CLI-16 CLI-17", what_returns_nothing_has_no_result),
        CLAIM("CLI-16", a_number_without_a_name_is_a_question_mark),
        CLAIM("CLI-17", each_process_has_a_row_and_a_step_ends_with_the_next),
        CLAIM("CLI-17", a_step_ends_when_its_process_has_no_more_calls),
        CLAIM("CLI-16", what_is_longer_than_a_line_is_cut),
        CLAIM("CLI-12 CLI-16", nothing_of_it_is_lost_on_the_way),
        CLAIM("CLI-16", each_errno_has_its_name),
        CLAIM("CLI-16 CHK-7", on_the_narrowest_terminal_each_word_is_whole),
        CLAIM("CLI-16", on_a_narrow_terminal_a_call_that_fits_into_a_line_has_one),
        CLAIM("CLI-16 CLI-17", calls_that_were_left_out_are_counted),
    };
    return cmocka_run_group_tests_name("show_trace", tests, NULL, NULL);
}
