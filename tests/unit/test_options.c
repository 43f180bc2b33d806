/* test_options.c - argv to configuration: every option in every spelling, and every refusal (CLI-1, CLI-2, CLI-7). */
#include "unit.h"
#include "../../cli/options.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct options options;
static struct blivet_error error;

/* Words are separated by one blank each; the options split "NAME=VALUE" in place, so they get a copy. */
static int parse(const char *line)
{
    static char copy[512], *argv[64];
    int argc = 0;
    char *rest = copy;
    snprintf(copy, sizeof copy, "daemonize%s%s", *line ? " " : "", line);
    while ((argv[argc] = strsep(&rest, " ")))
        argc++;
    script_begin(SCRIPT_LAUNCHER);
    memset(&error, 0, sizeof error);
    return options_parse(&options, argc, argv, &blivet_script, &error);
}

static void done(void)
{
    options_free(&options, &blivet_script);
    assert_int_equal(script.allocations, 0);
}

/* ---- spellings ---- */

static void each_option_with_a_value_has_every_spelling(void **state)
{
    (void)state;
    enum { LETTER, NAME, ABBREVIATION };
    static const struct { const char *names[3]; size_t offset; } table[] = {
#define FIELD(member) offsetof(struct blivet_config, member)
        { { "p", "pidfile", "pid" }, FIELD(pidfile) },     { { "c", "chdir", "chd" }, FIELD(working_directory) },
        { { "o", "stdout", "stdo" }, FIELD(stdout_path) }, { { "e", "stderr", "stde" }, FIELD(stderr_path) },
        { { "l", "lock", "loc" }, FIELD(lockfile) },       { { "u", "user", "us" }, FIELD(user) },
        { { "g", "group", "g" }, FIELD(group) },
    };
    static const struct { const char *before; int name; const char *after; } forms[] = {
        { "-", LETTER, " /v" }, { "-", LETTER, "/v" }, { "-a", LETTER, " /v" }, { "-fa", LETTER, "/v" },
        { "--", NAME, " /v" },  { "--", NAME, "=/v" }, { "--", ABBREVIATION, " /v" }, { "--", ABBREVIATION, "=/v" },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (size_t form = 0; form < sizeof forms / sizeof forms[0]; form++) {
            char line[96];
            const char *value;
            snprintf(line, sizeof line, "%s%s%s program -p /not-ours", forms[form].before,
                     table[i].names[forms[form].name], forms[form].after);
            assert_int_equal(parse(line), 0);
            memcpy(&value, (const char *)&options.config + table[i].offset, sizeof value);
            assert_string_equal(value, "/v");
            assert_string_equal(options.program[0], "program");
            assert_string_equal(options.program[2], "/not-ours");
            done();
        }
}

static void each_switch_has_every_spelling(void **state)
{
    (void)state;
    static const struct { const char *line; unsigned flags; bool verbose, help, version; } cases[] = {
        { "x", 0, false, false, false },
        { "-a x", BLIVET_APPEND, false, false, false },
        { "--append x", BLIVET_APPEND, false, false, false },
        { "--ap x", BLIVET_APPEND, false, false, false },
        { "-f x", BLIVET_FOREGROUND, false, false, false },
        { "--foreground x", BLIVET_FOREGROUND, false, false, false },
        { "--no-lock x", BLIVET_NO_LOCK, false, false, false },
        { "--no-l x", BLIVET_NO_LOCK, false, false, false },
        { "--no-close-fds x", BLIVET_KEEP_ALL_FDS, false, false, false },
        { "-v x", BLIVET_SHOW_STATUS, true, false, false },
        { "--verbose x", BLIVET_SHOW_STATUS, true, false, false },
        { "-afv x", BLIVET_APPEND | BLIVET_FOREGROUND | BLIVET_SHOW_STATUS, true, false, false },
        { "-h", 0, false, true, false },
        { "--help", 0, false, true, false },
        { "-V", 0, false, false, true },
        { "--version --frobnicate", 0, false, false, true }, /* what follows is not looked at */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].line), 0);
        assert_int_equal(options.config.flags, cases[i].flags);
        assert_int_equal(options.verbose, cases[i].verbose);
        assert_int_equal(options.help, cases[i].help);
        assert_int_equal(options.version, cases[i].version);
        assert_int_equal(options.chown, BLIVET_CHOWN_LOGS);
        done();
    }
}

static void a_limit_is_in_seconds_and_never_rounded_down(void **state)
{
    (void)state;
    static const struct { const char *line; unsigned milliseconds; } cases[] = {
        { "-t 1 x", 1000 }, { "-t 0 x", 0 }, { "-t 0.5 x", 500 }, { "-t .25 x", 250 }, { "-t 2. x", 2000 },
        { "-t 1.0005 x", 1001 }, { "-t 0.0001 x", 1 }, { "-t 1.9999 x", 2000 }, { "-t 0.0000 x", 0 },
        { "--timeout=4294966.000 x", 4294966000U }, { "-t 1 23", 1000 }, /* the next word is no part of it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].line), 0);
        assert_int_equal(options.config.ready_timeout_ms, cases[i].milliseconds);
        done();
    }
    assert_int_equal(parse("-l /x -a -p /y x"), 0); /* a switch takes nothing back */
    assert_string_equal(options.config.lockfile, "/x");
    done();
    static const char *const wrong[] = { "-t . x", "-t -1 x", "-t 1e3 x", "-t 1s x", "-t 1.2.3 x",
                                         "-t 4294967 x", "-t 4294966.5 x", "-t 4294966.0001 x" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(parse(wrong[i]), -1);
        assert_int_equal(error.exit_code, 64);
        assert_contains(error.message, "option --timeout: ");
        done();
    }
}

static void ways_to_be_ready_are_spelled_out(void **state)
{
    (void)state;
    static const struct { const char *line; unsigned ready; int fd; unsigned flags; } cases[] = {
        { "--ready exec x", BLIVET_READY_EXEC, 0, 0 },
        { "--ready=notify x", BLIVET_READY_NOTIFY, 0, 0 },
        { "--ready=fd:3 x", BLIVET_READY_FD, 3, 0 },
        { "--ready=fd:10 x", BLIVET_READY_FD, 10, 0 },
        { "--ready=fd:2147483647 x", BLIVET_READY_FD, 2147483647, 0 },
        { "--ready=fd:3 --ready=notify x", BLIVET_READY_NOTIFY, 0, 0 },
        { "--ready=notify --ready=exec x", BLIVET_READY_EXEC, 0, 0 },
        { "--on-timeout=leave x", BLIVET_READY_EXEC, 0, BLIVET_LEAVE_ON_TIMEOUT },
        { "--on-timeout=leave --on-timeout=end x", BLIVET_READY_EXEC, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].line), 0);
        assert_int_equal(options.config.ready, cases[i].ready);
        assert_int_equal(options.config.ready_fd, cases[i].fd);
        assert_int_equal(options.config.flags, cases[i].flags);
        done();
    }
    static const struct { const char *line, *message; } wrong[] = {
        { "--ready=fd:2 x", "fd:2: the descriptor is not between 3 and the system's limit" },
        { "--ready=fd:2147483648 x", "fd:2147483648: the descriptor is not between 3 and the system's limit" },
        { "--ready=fd:4294967299 x", "fd:4294967299: the descriptor is not between 3 and the system's limit" },
        { "--ready=fd: x", "fd:: is not one of exec, notify, fd:N" },
        { "--ready=fd:3x x", "fd:3x: is not one of exec, notify, fd:N" },
        { "--ready=fd;5 x", "fd;5: is not one of exec, notify, fd:N" },
        { "--ready=soon x", "soon: is not one of exec, notify, fd:N" },
        { "--on-timeout=x x", "x: is neither end nor leave" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(parse(wrong[i].line), -1);
        assert_int_equal(error.exit_code, 64);
        assert_contains(error.message, wrong[i].message);
        done();
    }
}

static void options_end_at_the_first_word_that_is_none(void **state)
{
    (void)state;
    static const struct { const char *line, *program, *argument; } cases[] = {
        { "prog -a", "prog", "-a" }, { "-f prog -a", "prog", "-a" }, { "-- prog -a", "prog", "-a" },
        { "-f -- -a --", "-a", "--" }, { "-p /x prog --", "prog", "--" }, { "- -a", "-", "-a" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].line), 0);
        assert_false(options.config.flags & BLIVET_APPEND);
        assert_string_equal(options.program[0], cases[i].program);
        assert_string_equal(options.program[1], cases[i].argument);
        assert_null(options.program[2]);
        done();
    }
}

/* ---- values ---- */

static void values_are_taken_as_they_are_meant(void **state)
{
    (void)state;
    static const struct { const char *line; unsigned umask, chown, flags; } cases[] = {
        { "-m 0 x", 0, BLIVET_CHOWN_LOGS, 0 },
        { "-m 22 x", 022, BLIVET_CHOWN_LOGS, 0 },
        { "--umask=0027 x", 027, BLIVET_CHOWN_LOGS, 0 },
        { "-m7777 x", 07777, BLIVET_CHOWN_LOGS, 0 },
        { "-m 77 -m 00000000000000000000000007 x", 07, BLIVET_CHOWN_LOGS, 0 }, /* the last one wins */
        { "--chown all x", 0, BLIVET_CHOWN_ALL, BLIVET_GIVE_PIDFILE },
        { "--chown=none x", 0, 0, BLIVET_NO_CHOWN },
        { "--chown none --chown all x", 0, BLIVET_CHOWN_ALL, BLIVET_GIVE_PIDFILE },
        { "--chown all --chown none --chown logs x", 0, BLIVET_CHOWN_LOGS, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].line), 0);
        assert_int_equal(options.config.umask, cases[i].umask);
        assert_int_equal(options.chown, cases[i].chown);
        assert_int_equal(options.config.flags, cases[i].flags);
        done();
    }
}

static void what_can_be_repeated_adds_up(void **state)
{
    (void)state;
    assert_int_equal(parse("-E A -E B= --env=C=d=e -EA=again --keep-fd 3 --keep-fd=2147483647 x"), 0);
    static const struct blivet_env want[] = { { "A", "" }, { "B", "" }, { "C", "d=e" }, { "A", "again" } };
    assert_int_equal(options.config.env_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(options.config.env[i].name, want[i].name);
        assert_string_equal(options.config.env[i].value, want[i].value);
    }
    assert_int_equal(options.config.keep_fds_count, 2);
    assert_int_equal(options.config.keep_fds[0], 3);
    assert_int_equal(options.config.keep_fds[1], 2147483647);
    done();
}

static void any_bytes_pass(void **state)
{
    (void)state;
    char name[] = "-o", value[] = "/a b\nc\xff=", program[] = "./my program", argument[] = "", word[] = "daemonize";
    char *argv[] = { word, name, value, program, argument, NULL };
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(options_parse(&options, 5, argv, &blivet_script, &error), 0);
    assert_string_equal(options.config.stdout_path, "/a b\nc\xff=");
    assert_ptr_equal(options.program, argv + 3);
    assert_string_equal(options.program[0], "./my program");
    done();
}

static void stderr_goes_beside_stdout(void **state)
{
    (void)state;
    static const struct { const char *line, *want; } cases[] = {
        { "-o /l/x.stdout x", "/l/x.stderr" },     { "-o /l/x.out x", "/l/x.err" },
        { "-o /l/x.log x", "/l/x.log" },           { "-o /l/x.out.1 x", "/l/x.out.1" },
        { "-o /l/layout x", "/l/layout" },         { "-o /l/.out x", "/l/.err" },
        { "-o /dev/null x", "/dev/null" },         { "-o /l/x.out -e /l/y x", "/l/y" },
        { "-e /l/y -o /l/x.out x", "/l/y" },       { "-e /l/y x", "/l/y" },
        { "-o /l/x.stdout.out x", "/l/x.stdout.err" }, { "x", NULL },
        { "-o .out x", ".out" },                   { "-o .stdout x", ".stdout" }, /* an ending of nothing */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].line), 0);
        if (cases[i].want)
            assert_string_equal(options.config.stderr_path, cases[i].want);
        else
            assert_null(options.config.stderr_path);
        done();
    }
}

/* ---- refusals ---- */

static const struct { const char *line, *want; } refusals[] = {
    { "", "program: none is given" },
    { "-a", "program: none is given" },
    { "-a --", "program: none is given" },
    { "-Z x", "option: -Z: is unknown" },
    { "-aZv x", "option: -Z: is unknown" },
    { "--append -Zv x", "option: -Z: is unknown" }, /* not the word before it */
    { "-E --x=1 -Zv x", "option: -Z: is unknown" },
    { "--frobnicate x", "option: --frobnicate: is unknown or ambiguous" },
    { "--frobnicate=1 x", "option: --frobnicate=1: is unknown or ambiguous" },
    { "--no x", "option: --no: is unknown or ambiguous" },
    { "--st=/x x", "option: --st=/x: is unknown or ambiguous" },
    { "-p", "option: -p: needs an argument" },
    { "-ap", "option: -p: needs an argument" },
    { "--append -p", "option: -p: needs an argument" },
    { "--pidfile", "option: --pidfile: needs an argument" },
    { "-a --keep-fd", "option: --keep-fd: needs an argument" },
    { "--append=1 x", "option: --append=1: takes no argument" },
    { "-m 8 x", "option --umask: 8: is not an octal number" },
    { "-m  x", "option --umask: '': is not an octal number" },
    { "--umask=-1 x", "option --umask: -1: is not an octal number" },
    { "-m 0x1 x", "option --umask: 0x1: is not an octal number" },
    { "-m 10000 x", "option --umask: 10000: is over 07777" },
    { "-m 7777777777777777777777777 x", "option --umask: 7777777777777777777777777: is over 07777" },
    { "--keep-fd x x", "option --keep-fd: x: is not a descriptor number" },
    { "--keep-fd= x", "option --keep-fd: '': is not a descriptor number" },
    { "--keep-fd -3 x", "option --keep-fd: -3: is not a descriptor number" },
    { "--keep-fd 2147483648 x", "option --keep-fd: 2147483648: is too large" },
    { "--keep-fd 99999999999999999999 x", "option --keep-fd: 99999999999999999999: is too large" },
    { "--chown some x", "option --chown: some: is not one of logs, all, none" },
    { "--chown= x", "option --chown: '': is not one of logs, all, none" },
    { "--trace= x", "option --trace: '': names no file" },
    { "--explain --trace x", "option --explain: does nothing that --trace could show" },
    { "-E =x x", "option --env: =x: the name is empty" },
    { "--env= x", "option --env: '': the name is empty" },
};

static void a_refusal_names_option_and_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_int_equal(parse(refusals[i].line), -1);
        assert_string_equal(error.message, refusals[i].want);
        assert_int_equal(error.system_errno, 0);
        assert_int_equal(error.kind, BLIVET_INVALID_CONFIG);
        assert_int_equal(error.exit_code, 64);
        done();
    }
}

static void no_word_at_all_is_a_usage_error(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *edge = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(edge != MAP_FAILED);
    assert_int_equal(mprotect(edge + page, page, PROT_NONE), 0);
    char **argv = (char **)(void *)(edge + page) - 1; /* execve allows it; who looks behind its end is killed */
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(options_parse(&options, 0, argv, &blivet_script, &error), -1);
    munmap(edge, 2 * page);
    assert_int_equal(error.exit_code, 64);
    assert_string_equal(error.message, "program: none is given");
    done();
}

static void memory_that_runs_out_is_a_system_error(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 3; nth++) {
        char word[] = "daemonize", output[] = "-o/l/x", program[] = "x";
        char *argv[] = { word, output, program, NULL };
        script_begin(SCRIPT_LAUNCHER);
        script_fail("calloc", nth, ENOMEM);
        assert_int_equal(options_parse(&options, 3, argv, &blivet_script, &error), -1);
        assert_int_equal(error.exit_code, 71);
        assert_string_equal(error.message, "memory: cannot allocate memory");
        done();
    }
}

/* ---- help ---- */

static void the_help_lists_every_option(void **state)
{
    (void)state;
    enum { OPTION_NO_LOCK = 256, OPTION_CHOWN, OPTION_NO_CLOSE_FDS, OPTION_KEEP_FD, OPTION_ON_TIMEOUT, OPTION_READY,
           OPTION_EXPLAIN, OPTION_TRACE };
    static const struct { const char *name; int letter; const char *argument, *help; } table[] = {
#define OPTION(name, value, argument, help) { name, value, argument, help },
#include "../../cli/options.def"
#undef OPTION
    };
    char *text = NULL, *expected = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    options_help(stream);
    fclose(stream);
    stream = open_memstream(&expected, &size);
    fputs("Usage: daemonize [options] [--] program [argument ...]\n"
          "Run a program as a daemon; exit 0 only once it runs.\n\n", stream);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *argument = table[i].argument ? table[i].argument : "", *sign = *argument == '\0' || *argument == '[' ? "" : "=";
        char spelled[64];
        if (table[i].letter < 256)
            snprintf(spelled, sizeof spelled, "-%c, --%s%s%s", table[i].letter, table[i].name, *sign ? " " : "", argument);
        else
            snprintf(spelled, sizeof spelled, "    --%s%s%s", table[i].name, sign, argument);
        fprintf(stream, "  %-28s %s\n", spelled, table[i].help);
    }
    fputs("\nPaths are absolute.  Options end at the first word that is not one.\n"
          "Exit status: 0, or the reason as in sysexits.h; see daemonize(1).\n", stream);
    fclose(stream);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
}

static void a_start_can_be_watched_or_explained(void **state)
{
    (void)state;
    assert_int_equal(parse("--trace x"), 0);
    assert_true(options.trace && !options.explain);
    assert_null(options.trace_file);
    assert_string_equal(options.program[0], "x");
    done();
    assert_int_equal(parse("--trace=/t.json x"), 0);
    assert_true(options.trace);
    assert_string_equal(options.trace_file, "/t.json");
    done();
    assert_int_equal(parse("--explain x"), 0);
    assert_true(options.explain && !options.trace);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CLI-1", each_option_with_a_value_has_every_spelling),
        CLAIM("CLI-1 CLI-13", each_switch_has_every_spelling),
        CLAIM("CLI-1 NTF-11", a_limit_is_in_seconds_and_never_rounded_down),
        CLAIM("CLI-1 NTF-15", ways_to_be_ready_are_spelled_out),
        CLAIM("CLI-1", options_end_at_the_first_word_that_is_none),
        CLAIM("CLI-1 CFG-11 PRV-7", values_are_taken_as_they_are_meant),
        CLAIM("CLI-1 CFG-2 CFG-14", what_can_be_repeated_adds_up),
        CLAIM("CLI-8", any_bytes_pass),
        CLAIM("CLI-2", stderr_goes_beside_stdout),
        CLAIM("CLI-7 ERR-1", a_refusal_names_option_and_value),
        CLAIM("CLI-7 ERR-1", no_word_at_all_is_a_usage_error),
        CLAIM("ERR-6", memory_that_runs_out_is_a_system_error),
        CLAIM("CLI-13", the_help_lists_every_option),
        CLAIM("CLI-16 CLI-18", a_start_can_be_watched_or_explained),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
