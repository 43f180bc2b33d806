/* test_threads.c - exactly one thread, or a refusal (SEQ-8). */
#include "unit.h"
#include <errno.h>

static struct blivet_error error;

static int asked(void)
{
    memset(&error, 0, sizeof error);
    return blivet_require_one_thread(&blivet_script, &error);
}

static void assert_refused(const char *message)
{
    assert_int_equal(asked(), -1);
    assert_int_equal(error.kind, BLIVET_THREADS);
    assert_int_equal(error.exit_code, 70);
    assert_int_equal(error.system_errno, 0); /* no call has failed */
    assert_string_equal(error.message, message);
    assert_int_equal(script_open_fds(), 0);
}

static void one_thread_is_fine(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(asked(), 0);
    assert_false(script_called("open")); /* the kernel was asked, not a file */
}

static void a_sandbox_that_forbids_to_ask_is_no_second_thread(void **state)
{
    (void)state;
    static const int errors[] = { EPERM, ENOSYS, EINVAL };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script_fail("unshare", 0, errors[i]);
        assert_int_equal(asked(), 0);
        assert_int_equal(script_open_fds(), 0);
    }
}

static void a_second_thread_is_refused(void **state)
{
    (void)state;
    static const int counts[] = { 2, 10, 11 }; /* 10 begins with a 1 */
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script.threads = counts[i];
        assert_refused("threads: the process has more than one");
        assert_in_range(script.clock_ms, 1, 1000); /* not waited for long */
    }
}

static void a_thread_that_has_been_joined_is_waited_for(void **state)
{
    (void)state;
    for (int leaving = 3; leaving < 12; leaving++) { /* for so many milliseconds; ten are the limit */
        script_begin(SCRIPT_LAUNCHER);
        script.threads = 1 + leaving;
        script.leaving_threads = leaving;
        assert_int_equal(asked(), leaving > 10 ? -1 : 0);
        assert_int_equal(script.threads, leaving > 10 ? 2 : 1);
        assert_int_equal(script.clock_ms, leaving > 10 ? 10 : leaving);
    }
}

static void a_number_that_cannot_be_told_is_refused(void **state)
{
    (void)state;
    for (int folder = 0; folder < 2; folder++) {
        script_begin(SCRIPT_LAUNCHER);
        script.no_proc = !folder;
        script.threads = folder ? 0 : 1; /* a folder of that name that is not the kernel's */
        script_fail("unshare", 0, EPERM);
        assert_refused("threads: their number cannot be told");
    }
}

static void the_checked_entry_refuses_before_anything_is_done(void **state)
{
    (void)state;
    static const struct { unsigned flags, ready; } cases[] = { { 0, BLIVET_READY_EXEC }, { BLIVET_FOREGROUND, BLIVET_READY_EXEC },
                                                               { 0, BLIVET_READY_NOTIFY }, { 0, BLIVET_READY_FD } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script.threads = 2;
        struct launch_case launch = { .config = { .pidfile = "/run/x.pid", .flags = cases[i].flags, .ready = cases[i].ready,
                                                  .ready_fd = cases[i].ready == BLIVET_READY_FD ? 9 : 0 },
                                      .threads = BLIVET_COUNT_THREADS };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_null(launch.daemon);
        assert_int_equal(launch.error.exit_code, 70);
        assert_false(script_called("fork") || script_called("umask") || script_called("chdir"));
        assert_null(script_file("/run/x.pid"));
        assert_int_equal(script.allocations, 0);
        assert_int_equal(script_open_fds(), 0); /* nor is what "ready" would be heard by */
    }
}

static void the_unchecked_entry_trusts_its_caller(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script.threads = 2;
    struct launch_case launch = { .threads = BLIVET_TRUST_CALLER };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
    assert_false(script_called("unshare"));
}

/* It changes the environment (PRV-10); without a user it does not. */
static void the_drop_asks_too(void **state)
{
    (void)state;
    static const struct { struct blivet_config config; int want; } cases[] = {
        { { .user = "www" }, -1 }, { { .group = "adm" }, 0 }, { { 0 }, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        struct launch_case launch = { .config = cases[i].config };
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        script.threads = 2;
        assert_int_equal(blivet_drop_privileges(launch.daemon, &error), cases[i].want);
        assert_true(cases[i].want == 0 || error.exit_code == 70);
        assert_int_equal(script_called("setenv"), 0);
        assert_int_equal(blivet_drop_privileges_unchecked(launch.daemon, &error), 0);
        assert_int_equal(blivet_drop_privileges(launch.daemon, &error), 0); /* done: nothing is changed any more */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("SEQ-8", one_thread_is_fine),
        CLAIM("SEQ-8 SEQ-14", a_sandbox_that_forbids_to_ask_is_no_second_thread),
        CLAIM("SEQ-8 ERR-5", a_second_thread_is_refused),
        CLAIM("SEQ-8", a_thread_that_has_been_joined_is_waited_for),
        CLAIM("SEQ-8", a_number_that_cannot_be_told_is_refused),
        CLAIM("SEQ-8 SEQ-5", the_checked_entry_refuses_before_anything_is_done),
        CLAIM("SEQ-8", the_unchecked_entry_trusts_its_caller),
        CLAIM("PRV-10 ERR-5", the_drop_asks_too),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
