/* test_program.c - find, check and execute the program (CLI-3, CLI-4, CLI-9, CLI-10). */
#include "unit.h"
#include "../../cli/program.h"
#include <errno.h>
#include <limits.h>
#include <unistd.h>

static struct blivet_error error;

/* ---- before the fork ---- */

static void a_machine_with_programs(void)
{
    script_begin(SCRIPT_LAUNCHER); /* in /tmp */
    script_add("/tmp/tool", S_IFREG | 0755, NULL);
    script_add("/tmp/link", S_IFLNK | 0777, "/bin/true");
    script_add("/tmp/text", S_IFREG | 0644, "words");
    script_add("/tmp/roots", S_IFREG | 0700, NULL);
}

static void a_name_with_a_slash_is_made_absolute_and_checked(void **state)
{
    (void)state;
    static const struct { const char *directory, *word, *absolute, *refusal; } cases[] = {
        { "/tmp", "/bin/true", NULL, NULL },
        { "/tmp", "./tool", "/tmp/./tool", NULL },
        { "/tmp", "../bin/true", "/tmp/../bin/true", NULL },
        { "/", "bin/true", "/bin/true", NULL },
        { "/tmp", "./link", "/tmp/./link", NULL }, /* its name is not resolved: it may be a multi-call program */
        { "/tmp", "tool", NULL, NULL },            /* searched for later, wherever we are */
        { "/tmp", "no-such-program", NULL, NULL },
        { "/tmp", "", NULL, "program: '': is empty" },
        { "/tmp", "/nowhere/x", NULL, "program: /nowhere/x: no such file or directory" },
        { "/tmp", "./gone", "/tmp/./gone", "program: /tmp/./gone: no such file or directory" },
        { "/tmp", "/bin", NULL, "program: /bin: is not a file that can be executed" },
        { "/tmp", "/dev/null", NULL, "program: /dev/null: is not a file that can be executed" },
        { "/tmp", "./text", "/tmp/./text", "program: /tmp/./text: permission denied" },
        { "/tmp", "/bin/true/", NULL, "program: /bin/true/: not a directory" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *absolute;
        memset(&error, 0, sizeof error);
        a_machine_with_programs();
        strcpy(script.directory, cases[i].directory);
        assert_int_equal(program_resolve(cases[i].word, &absolute, &blivet_script, &error), cases[i].refusal ? -1 : 0);
        assert_string_equal(error.message, cases[i].refusal ? cases[i].refusal : "");
        assert_int_equal(error.exit_code, cases[i].refusal ? 66 : 0);
        assert_int_equal(error.system_errno != 0, cases[i].refusal && !strstr(cases[i].refusal, ": is ")); /* no call failed */
        assert_string_equal(absolute ? absolute : "", cases[i].absolute ? cases[i].absolute : "");
        blivet_script.free(absolute);
        assert_int_equal(script.allocations, 0);
    }
}

static void the_effective_user_must_be_allowed_to_run_it(void **state)
{
    (void)state;
    char *absolute;
    a_machine_with_programs();
    assert_int_equal(program_resolve("/tmp/roots", &absolute, &blivet_script, &error), 0);
    for (int i = 0; i < 3; i++)
        script.uids[i] = 1000;
    assert_int_equal(program_resolve("/tmp/roots", &absolute, &blivet_script, &error), -1);
    assert_string_equal(error.message, "program: /tmp/roots: permission denied");
}

static void a_directory_that_is_gone_matters_to_relative_names_only(void **state)
{
    (void)state;
    static const struct { const char *word; int result; } cases[] = { { "./tool", -1 }, { "/bin/true", 0 },
                                                                      { "true", 0 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *absolute;
        a_machine_with_programs();
        script_fail("getcwd", 0, ENOENT);
        assert_int_equal(program_resolve(cases[i].word, &absolute, &blivet_script, &error), cases[i].result);
        assert_null(absolute);
        if (cases[i].result != 0) {
            assert_int_equal(error.exit_code, 66);
            assert_contains(error.message, "program: ./tool: is relative to a directory that is gone");
        }
    }
    char *absolute;
    a_machine_with_programs();
    script_fail("calloc", 1, ENOMEM);
    assert_int_equal(program_resolve("./tool", &absolute, &blivet_script, &error), -1);
    assert_int_equal(error.exit_code, 71);
}

/* ---- exec ---- */

static void exec_body(void *argv) { program_exec(argv, &blivet_script, &error); }

/* With room for two words in front, as in the argv of the command. */
static enum script_end run(const char *program)
{
    static char name[PATH_MAX + 8], one[] = "one", two[] = "t w o", room[] = "";
    static char *argv[6];
    snprintf(name, sizeof name, "%s", program);
    char *const words[] = { room, room, name, one, two, NULL };
    memcpy(argv, words, sizeof words);
    memset(&error, 0, sizeof error);
    return script_run(exec_body, argv + 2);
}

static void a_machine_with_a_path(const char *path)
{
    static char entry[PATH_MAX + 64];
    static char *environment[] = { (char *)"PATHS=/none", entry, (char *)"PATH=/none", NULL };
    snprintf(entry, sizeof entry, "PATH=%s", path);
    script_begin(SCRIPT_LAUNCHER);
    script.environment = environment;
    strcpy(script.directory, "/run");
    script_add("/bin/sh", S_IFREG | 0755, NULL);
    script_add("/a", S_IFDIR | 0755, NULL);
    script_add("/b", S_IFDIR | 0755, NULL);
    script_add("/b/tool", S_IFREG | 0755, NULL);
    script_add("/b/here", S_IFREG | 0755, NULL);
    script_add("/a/tool", S_IFREG | 0644, "not executable");
    script_add("/a/text", S_IFREG | 0644, "not executable");
    script_add("/run/here", S_IFREG | 0755, NULL);
}

static void a_bare_name_is_searched_as_execvp_does(void **state)
{
    (void)state;
    static const struct { const char *path, *name, *tried; int code; } cases[] = {
        { "/b:/bin", "tool", "/b/tool ", 0 },
        { "/none:/b", "tool", "/none/tool /b/tool ", 0 },
        { "/a:/b", "tool", "/a/tool /b/tool ", 0 },         /* what one refuses another may grant */
        { "/a:/none", "tool", "/a/tool /none/tool ", 66 },  /* EACCES outlasts ENOENT */
        { "/none:/bin", "tool", "/none/tool /bin/tool ", 66 },
        { "/bin/true:/b", "tool", "/bin/true/tool /b/tool ", 0 },
        { ":/b", "here", "here ", 0 },                      /* empty: the working directory */
        { "/a:", "here", "/a/here here ", 0 },
        { "/a::/b", "here", "/a/here here ", 0 },
        { "", "here", "here ", 0 },
        { ".:/b", "tool", "./tool /b/tool ", 0 },
        { "/b", "/bin/true", "/bin/true ", 0 },
        { "/b", "./here", "./here ", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        a_machine_with_a_path(cases[i].path);
        assert_int_equal(run(cases[i].name), cases[i].code ? SCRIPT_RETURNED : SCRIPT_EXITED);
        assert_string_equal(script.tried, cases[i].tried);
        assert_int_equal(error.exit_code, cases[i].code);
        char words[64];
        snprintf(words, sizeof words, "[%s][one][t w o]", cases[i].name); /* argv[0] as it was written */
        assert_string_equal(script.executed_argv, cases[i].code ? "" : words);
    }
}

static void the_reason_is_the_one_that_matters(void **state)
{
    (void)state;
    static const struct { const char *name; int fault, code; const char *tried, *want; } cases[] = {
        { "none", 0, 66, "/a/none /b/none ", "program: none: no such file or directory" },
        { "text", 0, 66, "/a/text /b/text ", "program: text: permission denied" },
        { "tool", ETXTBSY, 71, "", "program: tool: text file busy" }, /* found: no other is looked for */
        { "tool", E2BIG, 71, "", "program: tool: argument list too long" },
        { "tool", ESTALE, 0, "/b/tool ", NULL },
        { "tool", ENODEV, 0, "/b/tool ", NULL },
        { "tool", ETIMEDOUT, 0, "/b/tool ", NULL },
        { "tool", ENAMETOOLONG, 0, "/b/tool ", NULL },
        { "/b/tool", ENOENT, 66, "", "program: /b/tool: no such file or directory" },
        { "/b/tool", EACCES, 66, "", "program: /b/tool: permission denied" },
        { "/b/tool", EIO, 71, "", "program: /b/tool: input/output error" },
        { "/b/tool", ELOOP, 71, "", "program: /b/tool: too many levels of symbolic links" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        a_machine_with_a_path("/a:/b");
        if (cases[i].fault)
            script_fail("execve", 1, cases[i].fault);
        assert_int_equal(run(cases[i].name), cases[i].code ? SCRIPT_RETURNED : SCRIPT_EXITED);
        assert_string_equal(script.tried, cases[i].tried);
        assert_int_equal(error.exit_code, cases[i].code);
        assert_string_equal(error.message, cases[i].want ? cases[i].want : "");
    }
}

static void without_a_path_the_systems_own_is_searched(void **state)
{
    (void)state;
    static char *nothing[] = { (char *)"HOME=/", NULL };
    for (int i = 0; i < 2; i++) {
        a_machine_with_a_path("/b");
        script.environment = i ? nothing : NULL;
        assert_int_equal(run("true"), SCRIPT_EXITED);
        assert_string_equal(script.executed, "/bin/true");
        assert_int_equal(run("tool"), SCRIPT_RETURNED);
        assert_int_equal(error.exit_code, 66);
        char standard[256] = "";
        confstr(_CS_PATH, standard, sizeof standard); /* in that order */
        assert_int_equal(strncmp(script.tried, standard, strcspn(standard, ":")), 0);
    }
}

static void a_directory_too_long_for_a_path_is_passed_over(void **state)
{
    (void)state;
    static char path[PATH_MAX + 8];
    const size_t longest = PATH_MAX - 1 - strlen("/tool");
    for (size_t length = longest - 1; length <= longest + 2; length++) {
        memset(path, 'x', length);
        path[0] = '/';
        strcpy(path + length, ":/b");
        a_machine_with_a_path(path);
        assert_int_equal(run("tool"), SCRIPT_EXITED);
        assert_string_equal(script.executed, "/b/tool");
        assert_int_equal(script_count("execve"), length <= longest ? 2 : 1);
    }
}

static void a_script_without_interpreter_is_run_by_sh(void **state)
{
    (void)state;
    static const struct { const char *name, *argv; } cases[] = {
        { "/b/tool", "[/bin/sh][/b/tool][one][t w o]" }, { "tool", "[/bin/sh][/b/tool][one][t w o]" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        a_machine_with_a_path("/b");
        script_fail("execve", 1, ENOEXEC);
        assert_int_equal(run(cases[i].name), SCRIPT_EXITED);
        assert_string_equal(script.executed, "/bin/sh");
        assert_string_equal(script.executed_argv, cases[i].argv);
        a_machine_with_a_path("/b");
        script_fail("execve", 0, ENOEXEC); /* not even sh */
        assert_int_equal(run(cases[i].name), SCRIPT_RETURNED);
        assert_int_equal(error.exit_code, 71);
        assert_int_equal(script_count("execve"), 2);
    }
}

/* A script that sh may not read is not the one; the next one has its own name again. */
static void the_search_goes_on_behind_a_script(void **state)
{
    (void)state;
    a_machine_with_a_path("/a:/b");
    script_fail("execve", 1, ENOEXEC);
    script_fail("execve", 1, EACCES);
    assert_int_equal(run("tool"), SCRIPT_EXITED);
    assert_string_equal(script.executed, "/b/tool");
    assert_string_equal(script.executed_argv, "[tool][one][t w o]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CLI-3 CLI-9 ERR-2", a_name_with_a_slash_is_made_absolute_and_checked),
        CLAIM("CLI-3 ERR-2", the_effective_user_must_be_allowed_to_run_it),
        CLAIM("CLI-3", a_directory_that_is_gone_matters_to_relative_names_only),
        CLAIM("CLI-3 CLI-9 CLI-4", a_bare_name_is_searched_as_execvp_does),
        CLAIM("CLI-4 ERR-2 ERR-6", the_reason_is_the_one_that_matters),
        CLAIM("CLI-3", without_a_path_the_systems_own_is_searched),
        CLAIM("CLI-3", a_directory_too_long_for_a_path_is_passed_over),
        CLAIM("CLI-10", a_script_without_interpreter_is_run_by_sh),
        CLAIM("CLI-3 CLI-10", the_search_goes_on_behind_a_script),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
