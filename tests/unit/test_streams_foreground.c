/* test_streams_foreground.c - foreground mode: 0 to 2 are the caller's, and it gets them back (SEQ-4, STD-1). */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>

static struct launch_case launch;

/* With a terminal on 0 to 2 but for those of the set. */
static void machine(int closed)
{
    script_begin(SCRIPT_LAUNCHER);
    for (int fd = 0; fd < 3; fd++)
        if (closed & 1 << fd)
            script_kernel.close(fd);
}

static enum script_end start(struct blivet_config config)
{
    memset(&launch, 0, sizeof launch);
    launch.config = config;
    launch.config.flags |= BLIVET_FOREGROUND;
    return launch_it(&launch);
}

static void stdin_is_null_and_the_others_stay(void **state)
{
    (void)state;
    for (int closed = 0; closed < 8; closed++) {
        machine(closed);
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_RETURNED);
        assert_non_null(launch.daemon);
        assert_string_equal(script_path_of(0), "/dev/null");
        for (int fd = 1; fd < 3; fd++)
            assert_string_equal(script_path_of(fd), closed & 1 << fd ? "/dev/null" : "/dev/tty");
        assert_true(launch.daemon->lock_fd > 2);
        blivet_close(launch.daemon);
        assert_int_equal(script_open_fds(), 0);
    }
}

static void configured_files_take_their_place(void **state)
{
    (void)state;
    for (int closed = 0; closed < 8; closed++) {
        machine(closed);
        assert_int_equal(start((struct blivet_config){ .stderr_path = "/var/log/x.err" }), SCRIPT_RETURNED);
        assert_string_equal(script_path_of(1), closed & 2 ? "/dev/null" : "/dev/tty");
        assert_string_equal(script_path_of(2), "/var/log/x.err");
        int old = launch.daemon->original[2]; /* for the last word on a failure */
        assert_int_equal(old >= 0, !(closed & 4));
        assert_true(old < 0 || (old > 2 && script.cloexec[old]));
        assert_int_equal(script_open_fds(), old >= 0);
        blivet_close(launch.daemon);
        assert_int_equal(script_open_fds(), 0);
    }
}

static void a_failed_start_gives_everything_back(void **state)
{
    (void)state;
    static const struct { const char *call; int nth, error; } faults[] = {
        { "open", 1, EMFILE },  { "dup2", 1, EBUSY },      { "flock", 1, ENOLCK },     { "sigprocmask", 1, EINVAL },
        { "pwrite", 1, EIO },   { "ftruncate", 1, EIO },   { "ftruncate", 2, EIO },    { "sigaction", 12, EINVAL },
        { "chdir", 1, EACCES },
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        for (int closed = 0; closed < 8; closed++) {
            int before[3];
            machine(closed);
            memcpy(before, script.fds, sizeof before);
            script_add("/var/log/x.out", S_IFREG | 0644, "");
            script_add("/var/log/x.err", S_IFREG | 0644, "");
            script_fail(faults[i].call, faults[i].nth, faults[i].error);
            assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .stdout_path = "/var/log/x.out",
                                                           .stderr_path = "/var/log/x.err" }), SCRIPT_RETURNED);
            if (script.faults_fired == 0 && closed != 0)
                continue; /* fewer calls are needed with fewer descriptors */
            assert_int_equal(script.faults_fired, 1);
            assert_null(launch.daemon);
            assert_int_equal(launch.error.system_errno, faults[i].error);
            assert_memory_equal(script.fds, before, sizeof before);
            assert_int_equal(script_open_fds(), 0);
            assert_int_equal(script.allocations, 0);
            assert_null(script_file("/run/x.pid"));
        }
}

static void a_table_of_descriptors_that_is_full_is_an_error(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 3; nth++) {
        machine(0);
        script_fail("fcntl", nth, EMFILE);
        assert_int_equal(start((struct blivet_config){ 0 }), SCRIPT_RETURNED);
        assert_null(launch.daemon);
        assert_string_equal(launch.error.message, "standard descriptors: too many open files");
        assert_int_equal(launch.error.exit_code, 71);
        assert_int_equal(launch.error.step, 6);
        assert_int_equal(script_open_fds(), 0);
        assert_string_equal(script_path_of(0), "/dev/tty");
    }
}

static void nothing_of_a_null_device_that_is_none_stays(void **state)
{
    (void)state;
    machine(0);
    script_kernel.unlink("/dev/null");
    script_add("/dev/null", S_IFREG | 0666, "");
    assert_int_equal(start((struct blivet_config){ 0 }), SCRIPT_RETURNED);
    assert_string_equal(launch.error.message, "standard descriptors: /dev/null: is not a device");
    assert_string_equal(script_path_of(0), "/dev/tty");
    assert_int_equal(script_open_fds(), 0);
}

/* Where descriptors are left open, the copies that served a failed start are not among them. */
static void copies_of_the_originals_do_not_outlive_the_start(void **state)
{
    (void)state;
    static const unsigned flags[] = { 0, BLIVET_KEEP_ALL_FDS };
    for (int i = 0; i < 2; i++) {
        machine(0);
        assert_int_equal(start((struct blivet_config){ .flags = flags[i] }), SCRIPT_RETURNED);
        for (int fd = 0; fd < 3; fd++)
            assert_int_equal(launch.daemon->original[fd], -1);
        assert_int_equal(script_open_fds(), 0);
    }
}

static void an_interrupted_return_is_repeated(void **state)
{
    (void)state;
    machine(0);
    script_add("/var/log/x.out", S_IFREG | 0644, "");
    script_fail("ftruncate", 1, EIO);
    script_fail("dup2", 2, EINTR); /* the first one puts /dev/null on 0 */
    assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x.out" }), SCRIPT_RETURNED);
    assert_int_equal(script.faults_fired, 2);
    assert_string_equal(script_path_of(0), "/dev/tty");
    assert_string_equal(script_path_of(1), "/dev/tty");
}

static void every_other_step_is_taken_in_the_calling_process(void **state)
{
    (void)state;
    static const struct blivet_env env = { "A", "1" };
    machine(0);
    script.actions[SIGTERM].sa_handler = SIG_IGN;
    sigfillset(&script.mask);
    script_kernel.open("/dev/null", O_RDONLY, 0);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .working_directory = "/var", .umask = 027,
                                                   .env = &env, .env_count = 1 }), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
    assert_false(script_called("fork") || script_called("setsid") || script_called("socketpair"));
    assert_string_equal(script.directory, "/var");
    assert_int_equal(script.umask, 027);
    assert_memory_equal(script_file("/run/x.pid")->content, "100\n", 4); /* our own number */
    assert_ptr_equal(script.actions[SIGTERM].sa_handler, SIG_DFL);
    assert_false(sigismember(&script.mask, SIGTERM));
    assert_string_equal(script.environment[3], "A=1");
    assert_false(script.fds[3] >= 0 && strcmp(script_path_of(3), "/dev/null") == 0); /* what was inherited is closed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("SEQ-4 SEQ-9 STD-1", stdin_is_null_and_the_others_stay),
        CLAIM("SEQ-4 CLI-14", configured_files_take_their_place),
        CLAIM("SEQ-4 SEQ-7", a_failed_start_gives_everything_back),
        CLAIM("SEQ-4 ERR-6", a_table_of_descriptors_that_is_full_is_an_error),
        CLAIM("SEQ-4 SEQ-7", nothing_of_a_null_device_that_is_none_stays),
        CLAIM("SEQ-4 STD-5", copies_of_the_originals_do_not_outlive_the_start),
        CLAIM("SEQ-4 SEQ-7", an_interrupted_return_is_repeated),
        CLAIM("SEQ-4", every_other_step_is_taken_in_the_calling_process),
    };
    return cmocka_run_group_tests_name("streams_foreground", tests, NULL, NULL);
}
