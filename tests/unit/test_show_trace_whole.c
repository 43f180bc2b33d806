/* test_show_trace_whole.c - a trace to the letter, at several widths and for viewers (CLI-16, CLI-17).  watched.def has it;
 * after a change that is meant
 *
 *     ANEW=1 build/tests/unit/test_show_trace_whole >new && mv new tests/unit/watched.def
 *
 * makes it anew: look at the difference before you commit it. */
#include "unit.h"
#include "../../cli/show_trace.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"
static const struct {
    size_t width; /* of the terminal; 0: it is none */
    bool colour, foreground, json;
    const char *text;
} cases[] = {
#include "watched.def"
};

enum { CASES = sizeof cases / sizeof cases[0] };

static union {
    struct blivet_trace trace;
    char bytes[1 << 15];
} memory;

/* Three processes, all kinds of results, lines of many lengths; then times that are always the same. */
static void record(void)
{
    script_begin(SCRIPT_LAUNCHER);
    const struct blivet_ops *ops = blivet_trace_on(&memory, sizeof memory, &blivet_script);
    ops->getpid();
    ops->enter_step(1);
    ops->open("/a/path/of/some/length/that/has/no/blank/and/no/bar",
              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ops->chdir("/a path/with blanks/in it");
    ops->enter_step(4);
    ops->umask(027);
    ops->getpwnam("nobody at all");
    for (int i = 0; i < 9; i++) {
        ops->poll(NULL, 0, 20);
        ops->kill(4711, 0);
    }
    for (int i = 0; i < 3; i++)
        ops->getuid();
    ops->enter_step(STEP_APPLICATION);
    for (int i = 0; i < 12; i++) {
        char path[32];
        snprintf(path, sizeof path, "/%.*s", 4 + i, "xxxx xxxxxxxxxxxxxx");
        ops->chdir(path);
    }
    ops->getsid(0);
    for (uint32_t i = 0; i < memory.trace.count; i++) {
        struct blivet_trace_record *one = &memory.trace.records[i];
        one->process = i < 2 ? 0 : i < 4 ? 1 : 2;
        one->pid = SCRIPT_CALLER_PID + one->process;
        one->began_ns = 1234567 * (int64_t)(i + 1);
        one->ended_ns = one->began_ns + 1001 * (int64_t)i;
    }
    memory.trace.records[5].more = 4321;
    memory.trace.records[0].state = BLIVET_CALL_BEGUN;
    memory.trace.records[3].began_ns = memory.trace.records[2].began_ns - 1;
}

static const char *shown(int which)
{
    struct sheet sheet = { .ops = &script_kernel, .fd = 2, .colour = cases[which].colour, .width = cases[which].width };
    struct ending ending = { .foreground = cases[which].foreground,
                             .code = 66,
                             .message = "daemonize: program: \"x\"" };
    if (which % 2)
        ending = (struct ending){ .foreground = cases[which].foreground, .undecided = "nobody knows", .message = "" };
    record();
    if (cases[which].json)
        memory.trace.capacity = 12; /* and no room for the others */
    (cases[which].json ? trace_as_json : trace_as_text)(&sheet, &memory.trace, &ending);
    assert_int_equal(sheet.used, 0);
    assert_int_equal(sheet.error, 0);
    return script.printed;
}

static void each_line_is_what_is_kept(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        assert_string_equal(shown(i), cases[i].text);
}

static void make_anew(int which)
{
    printf("{ %zu, %d, %d, %d,\n", cases[which].width, cases[which].colour, cases[which].foreground, cases[which].json);
    for (const char *at = shown(which); *at; at += strcspn(at, "\n") + 1) {
        printf("  \"");
        for (size_t i = 0; at[i] != '\n'; i++) {
            printf("%s", i % 100 == 99 ? "\"\n  \"" : "");
            if (at[i] == '\033')
                printf("\\33");
            else
                printf(at[i] == '"' || at[i] == '\\' ? "\\%c" : "%c", at[i]);
        }
        printf("\\n\"\n");
    }
    printf("},\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = { CLAIM("CLI-16 CLI-17", each_line_is_what_is_kept) };
    for (int i = 0; getenv("ANEW") && i < CASES; i++)
        make_anew(i);
    return getenv("ANEW") ? 0 : cmocka_run_group_tests_name("show_trace_whole", tests, NULL, NULL);
}
