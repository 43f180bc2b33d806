/* test_explain.c - what --explain says, to the letter (CLI-18).  explained.def has it; after a change that is meant
 *
 *     ANEW=1 build/tests/unit/test_explain >new && mv new tests/unit/explained.def
 *
 * makes it anew: look at the difference before you commit it. */
#include "unit.h"
#include "../../cli/explain.h"
#include "../../cli/options.h"
#include <fcntl.h>
#include <stdlib.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"
static const struct {
    const char *line;
    int code;
    const char *text;
} cases[] = {
#include "explained.def"
};

enum { CASES = sizeof cases / sizeof cases[0] };

static char *shown;

/* Leaves out why a step is taken, which comes from steps.def, and the lines on which that goes on. */
static void cut_reasons(void)
{
    char *to = shown;
    bool cut = false;
    for (const char *at = shown, *end; *at; at = end) {
        end = at + strcspn(at, "\n") + 1;
        if (strncmp(at, "               ", 15) != 0)
            cut = strncmp(at, "    why  ", 9) == 0 || strncmp(at, "    without it ", 15) == 0;
        if (!cut)
            to = (char *)memmove(to, at, (size_t)(end - at)) + (end - at);
    }
    *to = '\0';
}

/* Words are separated by one blank each.  "(60)" in front: on a terminal of so many columns; "...": without the reasons. */
static int explained(const char *line)
{
    static char *plain[] = { (char *)"NO_COLOR=1", NULL };
    static char copy[512], *argv[32];
    struct options options;
    struct blivet_error error;
    char *rest = copy;
    int argc = 0, fd = 1;
    size_t size;
    bool brief = strncmp(line, "... ", 4) == 0;
    free(shown);
    script_begin(SCRIPT_LAUNCHER);
    script_add("/dev/tty", S_IFCHR | 0666, NULL);
    script_add("/var/log/link", S_IFLNK | 0777, "/var/log/x");
    script_add("/bin/noexec", S_IFREG | 0644, "");
    script_add("/usr/bin", S_IFDIR | 0755, NULL);
    script_add("/usr/bin/true", S_IFREG | 0755, "");
    script_add("/run/pid", S_IFREG | 0644, "42\n");
    if (*line == '(') {
        script.columns = (int)strtol(line + 1, NULL, 10);
        line = strchr(line, ' ') + 1;
        fd = blivet_script.open("/dev/tty", O_RDWR, 0);
    } else
        script.environment = plain;
    snprintf(copy, sizeof copy, "daemonize %s", line + (brief ? 4 : 0));
    while ((argv[argc] = strsep(&rest, " ")))
        argc++;
    assert_int_equal(options_parse(&options, argc, argv, &blivet_script, &error), 0);
    FILE *stream = open_memstream(&shown, &size);
    int code = explain(&options, &blivet_script, stream, fd);
    fclose(stream);
    options_free(&options, &blivet_script);
    if (brief)
        cut_reasons();
    return code;
}

static void each_line_is_what_is_kept(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        assert_int_equal(explained(cases[i].line), cases[i].code);
        assert_string_equal(shown, cases[i].text);
    }
}

static void make_anew(const char *line)
{
    int code = explained(line);
    printf("{ \"%s\", %d,\n", line, code);
    for (const char *at = shown; *at; at += strcspn(at, "\n") + 1) {
        printf("  \"");
        for (size_t i = 0; at[i] != '\n'; i++)
            if (at[i] == '\033')
                printf("\\33");
            else
                printf(at[i] == '"' || at[i] == '\\' ? "\\%c" : "%c", at[i]);
        printf("\\n\"\n");
    }
    printf("},\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = { CLAIM("CLI-18", each_line_is_what_is_kept) };
    for (int i = 0; getenv("ANEW") && i < CASES; i++)
        make_anew(cases[i].line);
    return getenv("ANEW") ? 0 : cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
