/* test_prepare.c - copies, the environment, and memory that runs out (SEQ-11, CFG-2). */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct blivet_error error;

static struct blivet_context *prepared(const struct blivet_config *config)
{
    memset(&error, 0, sizeof error);
    return blivet_prepare(config, &blivet_script, &error);
}

/* ---- copies ---- */

static void a_zero_filled_configuration_is_the_default_one(void **state)
{
    (void)state;
    static const struct blivet_config zero;
    script_begin(SCRIPT_LAUNCHER);
    struct blivet_context *daemon = prepared(&zero);
    assert_non_null(daemon);
    assert_string_equal(daemon->directory, "/");
    assert_null(daemon->pidfile);
    assert_null(daemon->lockfile);
    assert_null(daemon->stdout_path);
    assert_null(daemon->stderr_path);
    assert_null(daemon->environment);
    assert_int_equal(daemon->umask, 0);
    assert_int_equal(daemon->flags, 0);
    assert_int_equal(daemon->timeout_ms, 0);
    assert_false(daemon->identity.wanted);
    const int fds[] = { daemon->channel, daemon->launcher_end, daemon->lock_fd, daemon->pidfile_fd,
                        daemon->log_fds[0], daemon->log_fds[1], daemon->original[0], daemon->original[2] };
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        assert_int_equal(fds[i], -1);
    blivet_discard(daemon);
    assert_int_equal(script.allocations, 0);
}

static void strings_stay_the_callers(void **state)
{
    (void)state;
    char pidfile[] = "/run/x.pid", lockfile[] = "/run/x.lock", directory[] = "/var", output[] = "/var/log/x";
    char name[] = "NAME", value[] = "value", user[] = "www", group[] = "adm";
    int keep[] = { 2 + 5, 2 + 3 };
    char *const strings[] = { pidfile, lockfile, directory, output, name, value, user, group };
    struct blivet_env env = { name, value };
    struct blivet_config config = { .pidfile = pidfile, .lockfile = lockfile, .working_directory = directory,
                                    .stdout_path = output, .stderr_path = output, .user = user, .group = group,
                                    .env = &env, .env_count = 1, .keep_fds = keep, .keep_fds_count = 2 };
    script_begin(SCRIPT_LAUNCHER);
    for (int i = 0; i < 5; i++)
        script_kernel.open("/dev/null", O_RDONLY, 0);
    struct blivet_context *daemon = prepared(&config);
    assert_non_null(daemon);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        memset(strings[i], '#', strlen(strings[i]));
    keep[0] = keep[1] = 0;
    assert_string_equal(daemon->pidfile, "/run/x.pid");
    assert_string_equal(daemon->lockfile, "/run/x.lock");
    assert_string_equal(daemon->directory, "/var");
    assert_string_equal(daemon->stdout_path, "/var/log/x");
    assert_string_equal(daemon->stderr_path, "/var/log/x");
    assert_string_equal(daemon->environment[daemon->inherited_entries], "NAME=value");
    assert_string_equal(daemon->identity.name, "www");
    assert_int_equal(daemon->identity.gid, 4);
    assert_int_equal(daemon->keep_count, 2);
    assert_int_equal(daemon->keep_fds[0], 5); /* sorted */
    assert_int_equal(daemon->keep_fds[1], 7);
    blivet_discard(daemon);
    assert_int_equal(script.allocations, 0);
}

/* One descriptor, or the second would find the first one's lock. */
static void a_lockfile_that_is_the_pidfile_is_no_file_of_its_own(void **state)
{
    (void)state;
    static const struct { const char *lockfile; bool own; } cases[] = {
        { "/run/x.pid", false }, { "/tmp/../run/x.pid", false }, { "/run/x.lock", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_config config = { .pidfile = "/run/x.pid", .lockfile = cases[i].lockfile };
        script_begin(SCRIPT_LAUNCHER);
        struct blivet_context *daemon = prepared(&config);
        assert_non_null(daemon);
        assert_int_equal(daemon->lockfile != NULL, cases[i].own);
        blivet_discard(daemon);
    }
}

/* ---- the environment ---- */

#define MANY(...) (const char *const[]){ __VA_ARGS__, NULL }

static void later_entries_win_and_the_rest_stays(void **state)
{
    (void)state;
    static char *inherited[] = { (char *)"A=1", (char *)"B=2", (char *)"A=3", (char *)"AB=4", (char *)"strange",
                                 (char *)"=5", (char *)"A", NULL };
    static char *nothing[] = { NULL };
    const struct {
        char **inherited;
        struct blivet_env env[4];
        size_t count;
        const char *const *want; /* the configured ones in the order of their names */
    } cases[] = {
        { inherited, { { "C", "6" } }, 1, MANY("A=1", "B=2", "A=3", "AB=4", "strange", "=5", "A", "C=6") },
        { inherited, { { "A", "6" } }, 1, MANY("B=2", "AB=4", "strange", "=5", "A", "A=6") }, /* each of that name */
        { inherited, { { "A", "" } }, 1, MANY("B=2", "AB=4", "strange", "=5", "A", "A=") },
        { inherited, { { "B", "x" }, { "A", "y" }, { "B", "z=z" }, { "B", "last" } }, 4,
          MANY("AB=4", "strange", "=5", "A", "A=y", "B=last") },
        { inherited, { { "strange", "7" } }, 1, MANY("A=1", "B=2", "A=3", "AB=4", "strange", "=5", "A", "strange=7") },
        { nothing, { { "A", "1" } }, 1, MANY("A=1") },
        { NULL, { { "A", "1" }, { "AB", "2" } }, 2, MANY("A=1", "AB=2") },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_config config = { .env = cases[i].env, .env_count = cases[i].count };
        script_begin(SCRIPT_LAUNCHER);
        script.environment = cases[i].inherited;
        struct blivet_context *daemon = prepared(&config);
        assert_non_null(daemon);
        size_t count = 0;
        for (; cases[i].want[count] && daemon->environment[count]; count++)
            assert_string_equal(daemon->environment[count], cases[i].want[count]);
        assert_true(!cases[i].want[count] && !daemon->environment[count]);
        blivet_discard(daemon);
        assert_int_equal(script.allocations, 0);
    }
}

/* As "env -i" gives it; here no memory follows. */
static void an_empty_environment_is_not_looked_past(void **state)
{
    (void)state;
    const struct blivet_env entry = { "A", "1" };
    const struct blivet_config config = { .env = &entry, .env_count = 1 };
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + size, size, PROT_NONE), 0);
    script_begin(SCRIPT_LAUNCHER);
    script.environment = (char **)(void *)(pages + size - sizeof(char *));
    struct blivet_context *daemon = prepared(&config);
    assert_non_null(daemon);
    assert_string_equal(daemon->environment[0], "A=1");
    assert_null(daemon->environment[1]);
    blivet_discard(daemon);
    munmap(pages, 2 * size);
}

/* The process lives on it. */
static void an_environment_that_was_given_is_never_freed(void **state)
{
    (void)state;
    static const struct blivet_env env = { "A", "1" };
    script_begin(SCRIPT_DAEMON);
    struct launch_case launch = { .config = { .env = &env, .env_count = 1 } };
    char **before = script.environment;
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_ptr_not_equal(script.environment, before);
    blivet_close(launch.daemon);
    assert_int_equal(script.allocations, 2); /* the list and "A=1" */
    assert_string_equal(script.environment[3], "A=1");
    assert_null(script.environment[4]);
}

/* ---- memory ---- */

static void memory_that_runs_out_is_an_error_that_leaves_nothing(void **state)
{
    (void)state;
    static const struct blivet_env env[] = { { "A", "1" }, { "B", "2" } };
    static const struct blivet_config config = {
        .pidfile = "/run/x.pid", .lockfile = "/run/x.lock", .working_directory = "/var", .stdout_path = "/var/log/x",
        .stderr_path = "/var/log/y", .user = "www", .env = env, .env_count = 2,
    };
    int nth = 1;
    for (;; nth++) {
        script_begin(SCRIPT_LAUNCHER);
        script_fail("calloc", nth, ENOMEM);
        struct blivet_context *daemon = prepared(&config);
        if (daemon)
            break; /* it never came to the nth */
        assert_int_equal(error.exit_code, 71);
        assert_string_equal(error.message, "memory: cannot allocate memory");
        assert_int_equal(script.allocations, 0);
        assert_int_equal(script_open_fds(), 0);
    }
    assert_int_equal(nth, 1 + 14); /* context, name, home, groups, 5 paths, kept descriptors, names, environment, two entries */
}

/* ---- stdio ---- */

/* What was not changed is not put back: nobody knows what it was. */
static void what_could_not_be_ignored_is_left_alone(void **state)
{
    (void)state;
    for (int nth = 1; nth < 3; nth++) {
        script_begin(SCRIPT_LAUNCHER);
        script_fail("sigaction", nth, EINVAL);
        blivet_flush_stdio(&blivet_script);
        assert_int_equal(script_count("sigaction"), 3);
    }
}

/* One name may begin with another, and what follows may sort before the '='. */
static void names_are_compared_to_their_ends(void **state)
{
    (void)state;
    static char *inherited[] = { (char *)"A1=old", (char *)"A=old", (char *)"A-=old", (char *)"AB=old", (char *)"B=stays", NULL };
    static const struct blivet_env env[] = { { "AB", "4" }, { "A", "0" }, { "A1", "2" }, { "A", "1" }, { "A-", "3" } };
    static const char *const want[] = { "B=stays", "A=1", "A-=3", "A1=2", "AB=4" };
    script_begin(SCRIPT_LAUNCHER);
    script.environment = inherited;
    struct blivet_context *daemon = prepared(&(struct blivet_config){ .env = env, .env_count = 5 });
    assert_non_null(daemon);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(daemon->environment[i], want[i]);
    assert_null(daemon->environment[5]);
    blivet_discard(daemon);
    assert_int_equal(script.allocations, 0);
}

static FILE *buffered;
static off_t written; /* by the time that the fork, or the first change of a descriptor, comes */

static void look_at_the_file(void)
{
    struct stat file;
    fstat(fileno(buffered), &file);
    written = file.st_size;
}

static void look_before_open(const char *path)
{
    if (strcmp(path, "/dev/null") == 0)
        look_at_the_file();
}

static void buffered_output_is_written_before_anything_changes(void **state)
{
    (void)state;
    static const unsigned flags[] = { 0, BLIVET_FOREGROUND };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        buffered = tmpfile();
        fputs("12345", buffered);
        written = -1;
        script.meanwhile = look_at_the_file;
        script.before_open = look_before_open;
        script.hears = "";
        script.hears_count = 1;
        struct launch_case launch = { .config = { .flags = flags[i] } };
        assert_int_equal(launch_it(&launch), flags[i] ? SCRIPT_RETURNED : SCRIPT_EXITED);
        assert_int_equal(written, 5);
        fclose(buffered);
    }
}

/* Else it would come out of a later flush, into a log of ours. */
static void drop_what_is_refused(FILE *stream)
{
    int number = fileno(stream), full = open("/dev/full", O_WRONLY), saved = dup(number);
    static char buffer[4096];
    FILE *later = tmpfile();
    struct stat file;
    if (full < 0)
        skip();
    script_begin(SCRIPT_LAUNCHER);
    fflush(stream);
    setvbuf(stream, buffer, _IOFBF, sizeof buffer); /* standard error has none, and a terminal's is by line */
    dup2(full, number);
    fputs("lost", stream);
    blivet_flush_stdio(&blivet_script);
    dup2(fileno(later), number);
    fflush(stream);
    clearerr(stream);
    dup2(saved, number);
    setvbuf(stream, NULL, _IONBF, 0);
    fstat(fileno(later), &file);
    fclose(later);
    close(full);
    close(saved);
    assert_int_equal(file.st_size, 0);
    assert_ptr_equal(script.actions[SIGPIPE].sa_handler, SIG_DFL); /* ignored for the flush only */
    assert_true(script_count("sigaction") >= 4);
}

static void buffered_output_that_its_file_refuses_is_dropped(void **state)
{
    (void)state;
    drop_what_is_refused(stdout);
    drop_what_is_refused(stderr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CFG-1", a_zero_filled_configuration_is_the_default_one),
        CLAIM("SEQ-11 CFG-14", strings_stay_the_callers),
        CLAIM("CFG-7 CFG-13", a_lockfile_that_is_the_pidfile_is_no_file_of_its_own),
        CLAIM("CFG-2", later_entries_win_and_the_rest_stays),
        CLAIM("CFG-2", an_empty_environment_is_not_looked_past),
        CLAIM("SEQ-11", an_environment_that_was_given_is_never_freed),
        CLAIM("SEQ-11 SEQ-5 ERR-6", memory_that_runs_out_is_an_error_that_leaves_nothing),
        CLAIM("SEQ-12 CLI-12", what_could_not_be_ignored_is_left_alone),
        CLAIM("CFG-2", names_are_compared_to_their_ends),
        CLAIM("SEQ-12", buffered_output_is_written_before_anything_changes),
        CLAIM("SEQ-12 CLI-12", buffered_output_that_its_file_refuses_is_dropped),
    };
    return cmocka_run_group_tests_name("prepare", tests, NULL, NULL);
}
