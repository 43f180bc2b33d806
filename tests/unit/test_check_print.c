/* test_check_print.c - daemoncheck's report, help and folding to the letter (CHK-7). */
#include "unit.h"
#include "../../cli/check_options.h"
#include "../../cli/check_print.h"
#include "../../cli/terminal.h"
#include <stdlib.h>

static char *shown;
static size_t size;

static FILE *begin(void)
{
    free(shown);
    return open_memstream(&shown, &size);
}

static struct check_facts facts = { .stat = { .pid = 42, .name = "a \"b\"\n" }, .program = "/bin/a\\b" };
static struct check_report report = {
    .points = { { "first", "because of that", CHECK_RIGHT, "one \xc3\xa9" },
                { "second", "and so on, for the whole of a long line", CHECK_NOTABLE, "two \"2\"\t" },
                { "third", "it is so", CHECK_WRONG, "" },
                { "fourth", "nobody may look", CHECK_UNSEEN, "not seen" } },
    .count = 4,
    .counts = { [CHECK_RIGHT] = 1, [CHECK_NOTABLE] = 22, [CHECK_WRONG] = 3, [CHECK_UNSEEN] = 4 },
};

static const char *in_json(void)
{
    FILE *stream = begin();
    check_print_json(stream, &facts, &report);
    fclose(stream);
    return shown;
}

static const char *in_text(bool colour, size_t width)
{
    FILE *stream = begin();
    check_print_text(stream, &facts, &report, colour, width);
    fclose(stream);
    return shown;
}

static void a_report_in_json(void **state)
{
    (void)state;
    assert_string_equal(
        in_json(), "{\n"
                   "  \"pid\": 42,\n"
                   "  \"name\": \"a \\\"b\\\"\\\\n\",\n"
                   "  \"program\": \"/bin/a\\\\b\",\n"
                   "  \"right\": 1,\n"
                   "  \"notable\": 22,\n"
                   "  \"wrong\": 3,\n"
                   "  \"unseen\": 4,\n"
                   "  \"points\": [\n"
                   "    {\"point\": \"first\", \"judgement\": \"right\", \"found\": \"one \xc3\xa9\", \"why\": "
                   "\"because of that\"},\n"
                   "    {\"point\": \"second\", \"judgement\": \"notable\", \"found\": \"two \\\"2\\\"\\\\x09\", "
                   "\"why\": \"and so on, for the whole of a long line\"},\n"
                   "    {\"point\": \"third\", \"judgement\": \"wrong\", \"found\": \"\", \"why\": \"it is so\"},\n"
                   "    {\"point\": \"fourth\", \"judgement\": \"unseen\", \"found\": \"not seen\", \"why\": \"nobody "
                   "may look\"}\n"
                   "  ]\n"
                   "}\n");
}

static void a_report_in_text(void **state)
{
    (void)state;
    assert_string_equal(in_text(false, 60), "a \"b\"\\n (pid 42), /bin/a\\b\n"
                                            "\n"
                                            "ok     first          one \xc3\xa9: because of that\n"
                                            "note   second         two \"2\"\\x09: and so on, for the whole\n"
                                            "                      of a long line\n"
                                            "WRONG  third          : it is so\n"
                                            "?      fourth         not seen: nobody may look\n"
                                            "\n"
                                            "1 right, 22 notable, 3 wrong, 4 not seen\n");
    assert_string_equal(in_text(true, 59),
                        "a \"b\"\\n (pid 42), /bin/a\\b\n"
                        "\n"
                        "\033[32mok   \033[0m  first          one \xc3\xa9: because of that\n"
                        "\033[33mnote \033[0m  second         two \"2\"\\x09: and so on, for the whole\n"
                        "       of a long line\n"
                        "\033[1;31mWRONG\033[0m  third          : it is so\n"
                        "\033[36m?    \033[0m  fourth         not seen: nobody may look\n"
                        "\n"
                        "1 right, 22 notable, 3 wrong, 4 not seen\n");
    assert_contains(in_text(false, 30), "1 right, 22 notable, 3 wrong,\n4 not seen\n");
    facts.program[0] = '\0';
    assert_memory_equal(in_text(false, 80), "a \"b\"\\n (pid 42)\n\n", 18);
}

static void the_help_to_the_letter(void **state)
{
    (void)state;
    FILE *stream = begin();
    check_options_help(stream);
    fclose(stream);
    assert_string_equal(shown, "Usage: daemoncheck [options] pid\n"
                               "       daemoncheck [options] -p pidfile [pid]\n"
                               "Say of a running process, point by point, whether it is a well-made daemon.\n"
                               "\n"
                               "  -p, --pidfile PATH           judge this pidfile and whom it names\n"
                               "      --format=text|json       for people or for machines (default text)\n"
                               "  -h, --help                   print this and exit\n"
                               "  -V, --version                print the version and exit\n"
                               "\n"
                               "Exit status: 0, 1 if something is wrong, 77 if not all could be seen, or the\n"
                               "reason as in sysexits.h; see daemoncheck(1).\n");
}

static void text_is_folded_where_a_word_ends(void **state)
{
    (void)state;
    static const struct {
        size_t width, indent, column;
        const char *text, *want;
    } cases[] = {
        { 10, 2, 0, "", "" },
        { 10, 2, 0, "ab cd", "ab cd" },
        { 5, 2, 0, "ab cd", "ab cd" },
        { 4, 2, 0, "ab cd", "ab\n  cd" },
        { 5, 0, 1, "ab cd", "ab\ncd" },
        { 6, 1, 1, "ab cd ef gh", "ab cd\n ef gh" },
        { 2, 0, 9, "abcdef g", "abcdef\ng" },
        { 5, 0, 0, "\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9",
          "\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9" }, /* characters, not bytes */
        { 4, 0, 0, "\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9", "\xc3\xa9\xc3\xa9\n\xc3\xa9\xc3\xa9" },
        { 20, 0, 0, "a  b", "a  b" },
        { 13, 0, 0, "/aa/bb/ccc/dd", "/aa/bb/ccc/dd" },
        { 10, 2, 0, "/aa/bb/ccc/dd", "/aa/bb/\n  ccc/dd" }, /* a word with no room on any line: behind a slash */
        { 7, 2, 0, "/aa/bb/ccc/dd", "/aa/bb/\n  ccc/\n  dd" },
        { 6, 2, 0, "/aa/bb/ccc/dd", "/aa/\n  bb/\n  ccc/\n  dd" },
        { 4, 0, 2, "/aa/b", "/aa/b" },
        { 4, 0, 0, "a/bcdef", "a/\nbcdef" },
        { 2, 0, 2, "\x80/bcd", "\x80/bcd" }, /* no room is none, even for a byte that begins no character */
        { 6, 1, 0, "x /\xc3\xa9/\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 y",
          "x\n /\xc3\xa9/\n \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n y" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FILE *stream = begin();
        struct fold fold = {
            .stream = stream, .indent = cases[i].indent, .width = cases[i].width, .column = cases[i].column
        };
        terminal_fold(&fold, cases[i].text);
        fclose(stream);
        assert_string_equal(shown, cases[i].want);
    }
}

static void a_width_is_the_terminals_less_a_column(void **state)
{
    (void)state;
    static const struct {
        int columns;
        size_t width;
    } cases[] = { { 100, 99 }, { 2, 1 }, { 1, 0 }, { 0, 79 }, { -1, 79 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script.columns = cases[i].columns;
        assert_int_equal(terminal_width(&blivet_script, 1), cases[i].width);
    }
    assert_int_equal(terminal_width(&blivet_script, 99), 79);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CHK-7", a_report_in_json),
        CLAIM("CHK-7", a_report_in_text),
        CLAIM("CHK-1", the_help_to_the_letter),
        CLAIM("CHK-7 CLI-18", text_is_folded_where_a_word_ends),
        CLAIM("CHK-7 CLI-16", a_width_is_the_terminals_less_a_column),
    };
    return cmocka_run_group_tests_name("check_print", tests, NULL, NULL);
}
