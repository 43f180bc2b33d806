/* test_streams.c - /dev/null and the output files on 0, 1 and 2 (STD). */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>

static struct launch_case launch;

static enum script_end start(struct blivet_config config)
{
    memset(&launch, 0, sizeof launch);
    launch.config = config;
    return launch_it(&launch);
}

static void print(int fd, const char *text) { script_kernel.write(fd, text, strlen(text)); }

/* ---- output files ---- */

static void output_files_are_created_and_written_only(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x.out", .stderr_path = "/var/log/x.err",
                                                   .umask = 026 }), SCRIPT_RETURNED);
    assert_string_equal(script_path_of(0), "/dev/null");
    assert_int_equal(script_kernel.fcntl(0, F_GETFL, 0) & O_ACCMODE, O_RDWR); /* as on 1 and 2 where no file is */
    assert_string_equal(script_path_of(1), "/var/log/x.out");
    assert_string_equal(script_path_of(2), "/var/log/x.err");
    for (int fd = 1; fd < 3; fd++) {
        assert_int_equal(script_file(script_path_of(fd))->mode, S_IFREG | 0640);
        assert_int_equal(script_kernel.fcntl(fd, F_GETFL, 0) & (O_ACCMODE | O_NONBLOCK), O_WRONLY);
        assert_false(script.cloexec[fd]); /* the program needs them */
    }
    assert_int_equal(script_open_fds(), 1); /* the channel */
}

static void one_configured_stream_leaves_the_other(void **state)
{
    (void)state;
    for (int fd = 1; fd < 3; fd++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_config config = { 0 };
        *(fd == 1 ? &config.stdout_path : &config.stderr_path) = "/var/log/x";
        assert_int_equal(start(config), SCRIPT_RETURNED);
        assert_string_equal(script_path_of(fd), "/var/log/x");
        assert_string_equal(script_path_of(3 - fd), "/dev/null");
    }
}

static int flags_set;

static int fcntl_noting_flags(int fd, int command, int argument)
{
    flags_set = command == F_SETFL ? argument : flags_set;
    return blivet_script.fcntl(fd, command, argument);
}

static void what_is_set_of_a_log_that_was_there_is_append_or_nothing(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    ops.fcntl = fcntl_noting_flags;
    for (int append = 0; append < 2; append++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/var/log/x", S_IFREG | 0644, "old\n");
        struct launch_case opened = { .config = { .stdout_path = "/var/log/x", .flags = append ? BLIVET_APPEND : 0 }, .ops = &ops };
        flags_set = -1;
        assert_int_equal(launch_it(&opened), SCRIPT_RETURNED);
        assert_int_equal(flags_set, append ? O_APPEND : 0);
    }
}

/* Each write of whoever has it goes to the end, whatever others have written (STD-3). */
static void a_log_is_appended_to_from_its_first_byte(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const bool append = i & 1;
        script_begin(SCRIPT_DAEMON);
        if (i & 2)
            script_add("/var/log/x", S_IFREG | 0644, "old\n");
        assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x", .flags = append ? BLIVET_APPEND : 0 }),
                         SCRIPT_RETURNED);
        assert_int_equal(script_kernel.fcntl(1, F_GETFL, 0) & O_APPEND, append ? O_APPEND : 0);
    }
}

static void one_file_under_two_names_is_handed_over_once(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x", .stderr_path = "/var/log/../log/x", .user = "www" }),
                     SCRIPT_RETURNED);
    assert_int_equal(launch.daemon->log_fds[0], launch.daemon->log_fds[1]);
    assert_string_equal(script_path_of(launch.daemon->log_fds[1]), "/var/log/x");
}

static void a_descriptor_is_closed_whatever_its_number(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    for (int fd = 0; fd < 3; fd++) {
        int closing = fd;
        blivet_close_fd(&blivet_script, &closing);
        assert_int_equal(closing, -1);
        assert_true(script.fds[fd] < 0);
    }
}

static void a_log_is_cut_or_continued(void **state)
{
    (void)state;
    for (int append = 0; append < 2; append++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/var/log/x.out", S_IFREG | 0600, "old\n");
        script_add("/var/log/x.err", S_IFREG | 0600, "old\n");
        assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x.out", .stderr_path = "/var/log/x.err",
                                                       .flags = append ? BLIVET_APPEND : 0 }), SCRIPT_RETURNED);
        print(1, "new\n");
        print(2, "new\n");
        assert_string_equal(script_file("/var/log/x.out")->content, append ? "old\nnew\n" : "new\n");
        assert_string_equal(script_file("/var/log/x.err")->content, append ? "old\nnew\n" : "new\n");
        assert_int_equal(script_file("/var/log/x.out")->mode, S_IFREG | 0600);
    }
}

static void two_spellings_of_one_file_share_one_offset(void **state)
{
    (void)state;
    static const char *const spellings[] = { "/var/log/x", "/var/../var/log/x", "/var/log/link" };
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++)
        for (int old = 0; old < 2; old++) {
            script_begin(SCRIPT_DAEMON);
            script_add("/var/log/link", S_IFLNK | 0777, "/var/log/x");
            if (old)
                script_add("/var/log/x", S_IFREG | 0644, "old\n");
            assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x", .stderr_path = spellings[i],
                                                           .flags = BLIVET_KEEP_ALL_FDS }), SCRIPT_RETURNED);
            print(1, "out 1\n");
            print(2, "err 1\n");
            print(1, "out 2\n");
            assert_string_equal(script_file("/var/log/x")->content, "out 1\nerr 1\nout 2\n");
            assert_int_equal(script_open_fds(), 1); /* the channel: none is left over */
        }
}

static int log_flags; /* of the last opening of the log */

static void look_at_open(const char *call)
{
    if (strcmp(call, "open") == 0)
        log_flags = (int)script.second;
}

/* fs.protected_regular refuses O_CREAT for another user's file in a sticky directory, even to root. */
static void a_log_that_is_there_is_opened_without_o_creat(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_add("/var/log/x", S_IFREG | 0644, "");
    script.watch = look_at_open;
    assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x" }), SCRIPT_RETURNED);
    assert_false(log_flags & O_CREAT);
    assert_true(log_flags & O_NONBLOCK);
    assert_int_equal(script_count("open"), 3); /* /dev/null, EEXIST, and as it is */
    script_begin(SCRIPT_DAEMON);
    script.watch = look_at_open;
    assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x" }), SCRIPT_RETURNED);
    assert_int_equal(log_flags & (O_CREAT | O_EXCL | O_NONBLOCK), O_CREAT | O_EXCL);
    assert_int_equal(script_count("open"), 2);
    assert_false(script_called("ftruncate"));
}

static void a_link_to_where_nothing_is_makes_the_log_there(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_add("/var/log/x", S_IFLNK | 0777, "/var/log/y");
    assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x" }), SCRIPT_RETURNED);
    assert_string_equal(script_path_of(1), "/var/log/y");
    assert_int_equal(script_count("open"), 4);
    script_begin(SCRIPT_DAEMON);
    script_add("/var/log/x", S_IFLNK | 0777, "/var/log/y");
    script_fail("open", 4, EINTR);
    assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x" }), SCRIPT_RETURNED);
    assert_string_equal(script_path_of(1), "/var/log/y");
}

/* ---- what cannot be a log ---- */

static void what_cannot_be_opened_is_73(void **state)
{
    (void)state;
    static const struct { const char *path, *want; } cases[] = {
        { "/var/log", "stderr: /var/log: is a directory" },
        { "/run/pipe", "stderr: /run/pipe: no such device or address" }, /* nobody reads: not waited for */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/run/pipe", S_IFIFO | 0600, NULL);
        script_add("/var/log/x", S_IFREG | 0644, "old\n");
        assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x", .stderr_path = cases[i].path }),
                         SCRIPT_EXITED);
        assert_told(73, cases[i].want);
        assert_string_equal(script_file("/var/log/x")->content, "old\n"); /* cut only when both are judged */
    }
}

static void devices_are_neither_cut_nor_taken_as_a_terminal(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_add("/dev/console", S_IFCHR | 0666, NULL);
    assert_int_equal(start((struct blivet_config){ .stdout_path = "/dev/console" }), SCRIPT_RETURNED);
    assert_false(script_called("ftruncate"));
    assert_int_equal(script_kernel.fcntl(1, F_GETFL, 0) & (O_NOCTTY | O_NONBLOCK), O_NOCTTY);
}

static mode_t planted;
static nlink_t names;
static const char *aim;

static void plant_log(const char *path)
{
    if (strcmp(path, "/var/log/x") != 0 || script_file(path))
        return;
    script_add(path, planted, S_ISLNK(planted) ? aim : "precious")->links = names;
}

/* Looked at again on the open descriptors: validation saw no file. */
static void a_log_that_has_become_ours_is_refused_uncut(void **state)
{
    (void)state;
    static const struct { const char *aim, *want; } cases[] = {
        { "/run/x.pid", "stdout: /var/log/x: is the pidfile" },
        { "/run/x.lock", "stdout: /var/log/x: is the lockfile" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/run/x.lock", S_IFREG | 0644, "untouched");
        planted = S_IFLNK | 0777;
        names = 1;
        aim = cases[i].aim;
        script.before_open = plant_log;
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .lockfile = "/run/x.lock",
                                                       .stdout_path = "/var/log/x" }), SCRIPT_EXITED);
        assert_told(73, cases[i].want);
        assert_string_equal(script_file("/run/x.lock")->content, "untouched");
    }
}

static void a_log_to_be_handed_over_is_one_file_with_one_name(void **state)
{
    (void)state;
    static const struct { const char *user, *group; unsigned flags; mode_t mode; nlink_t links;
                          const char *want; } cases[] = {
        { "www", NULL, 0, S_IFLNK | 0777, 1, "stdout: /var/log/x: is a symbolic link" },
        { NULL, "adm", 0, S_IFLNK | 0777, 1, "stdout: /var/log/x: is a symbolic link" },
        { "www", NULL, 0, S_IFREG | 0644, 2, "stdout: /var/log/x: is a file with several names" },
        { "www", NULL, BLIVET_NO_CHOWN, S_IFLNK | 0777, 1, NULL },
        { "www", NULL, BLIVET_NO_CHOWN, S_IFREG | 0644, 2, NULL },
        { NULL, NULL, 0, S_IFLNK | 0777, 1, NULL },
        { NULL, NULL, 0, S_IFREG | 0644, 2, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/run/victim", S_IFREG | 0644, "precious");
        planted = cases[i].mode;
        names = cases[i].links;
        aim = "/run/victim";
        script.before_open = plant_log;
        enum script_end end = start((struct blivet_config){ .user = cases[i].user, .group = cases[i].group,
                                                            .flags = cases[i].flags, .stdout_path = "/var/log/x" });
        assert_int_equal(end, cases[i].want ? SCRIPT_EXITED : SCRIPT_RETURNED);
        const char *judged = S_ISLNK(planted) ? "/run/victim" : "/var/log/x";
        assert_string_equal(script_file(judged)->content, cases[i].want ? "precious" : "");
        if (cases[i].want)
            assert_told(73, cases[i].want);
    }
}

/* ---- for the hand-over ---- */

static void copies_for_the_hand_over_are_ours_alone(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    assert_int_equal(start((struct blivet_config){ .user = "www", .stdout_path = "/var/log/x.out",
                                                   .stderr_path = "/var/log/x.err" }), SCRIPT_RETURNED);
    for (int i = 0; i < 2; i++) {
        int fd = launch.daemon->log_fds[i];
        assert_true(fd > 2 && script.cloexec[fd]);
        assert_string_equal(script_path_of(fd), script_path_of(i + 1));
    }
}

/* The copies may be none, one for both, or two; what is on 0 to 2 is the program's by then. */
static void letting_go_of_copies_leaves_the_standard_descriptors(void **state)
{
    (void)state;
    static const char *const paths[][2] = { { NULL, NULL }, { "/var/log/x", "/var/log/x" }, { "/var/log/x", "/var/log/y" },
                                            { "/var/log/x", NULL }, { NULL, "/var/log/y" } };
    for (size_t i = 0; i < 2 * sizeof paths / sizeof paths[0]; i++) {
        const char *out = paths[i / 2][0], *err = paths[i / 2][1];
        script_begin(SCRIPT_DAEMON);
        assert_int_equal(start((struct blivet_config){ .user = i % 2 ? "www" : NULL, .stdout_path = out, .stderr_path = err }),
                         SCRIPT_RETURNED);
        blivet_close(launch.daemon);
        assert_string_equal(script_path_of(0), "/dev/null");
        assert_string_equal(script_path_of(1), out ? out : "/dev/null");
        assert_string_equal(script_path_of(2), err ? err : "/dev/null");
        assert_int_equal(script_open_fds(), 0);
    }
}

static bool closed_twice;

static void look_at_close(const char *call)
{
    if (strcmp(call, "close") == 0 && script.first < SCRIPT_FDS && script.fds[script.first] < 0)
        closed_twice = true;
}

/* Closed twice, it may be what another thread has opened meanwhile. */
static void one_copy_for_both_streams_is_closed_once(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    assert_int_equal(start((struct blivet_config){ .user = "www", .stdout_path = "/var/log/x",
                                                   .stderr_path = "/var/log/x" }), SCRIPT_RETURNED);
    closed_twice = false;
    script.watch = look_at_close;
    blivet_close(launch.daemon);
    assert_true(script_called("close"));
    assert_false(closed_twice);
}

static void failures_of_step_12_say_which_file(void **state)
{
    (void)state;
    static const struct { const char *call; int nth, error; const char *want; } cases[] = {
        { "open", 2, EROFS, "stdout: /var/log/x.out: read-only file system" },
        { "open", 4, ENOSPC, "stderr: /var/log/x.err: no space left on device" },
        { "fstat", 2, EOVERFLOW, "stdout: /var/log/x.out: value too large" },
        { "ftruncate", 1, EIO, "stderr: /var/log/x.err: input/output error" },
        { "dup2", 4, EBUSY, "stdout: /var/log/x.out: device or resource busy" },
        { "dup2", 5, EBUSY, "stderr: /var/log/x.err: device or resource busy" },
        { "fcntl", 1, EBADF, "stderr: /var/log/x.err: bad file descriptor" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/var/log/x.err", S_IFREG | 0644, "");
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        assert_int_equal(start((struct blivet_config){ .stdout_path = "/var/log/x.out",
                                                       .stderr_path = "/var/log/x.err" }), SCRIPT_EXITED);
        assert_int_equal(script.faults_fired, 1);
        assert_told(73, cases[i].want);
    }
}

/* ---- step 6 ---- */

static void a_null_device_that_is_none_is_a_system_error(void **state)
{
    (void)state;
    static const struct { mode_t mode; const char *want; } cases[] = {
        { 0, "standard descriptors: /dev/null: no such file or directory" },
        { S_IFREG | 0666, "standard descriptors: /dev/null: is not a device" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_kernel.unlink("/dev/null");
        if (cases[i].mode)
            script_add("/dev/null", cases[i].mode, "");
        assert_int_equal(start((struct blivet_config){ 0 }), SCRIPT_EXITED);
        assert_told(71, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("STD-3", a_log_is_appended_to_from_its_first_byte),
        CLAIM("STD-4 STD-3", what_is_set_of_a_log_that_was_there_is_append_or_nothing),
        CLAIM("STD-3 PRV-6", one_file_under_two_names_is_handed_over_once),
        CLAIM("SEQ-7", a_descriptor_is_closed_whatever_its_number),
        CLAIM("STD-1 STD-2", output_files_are_created_and_written_only),
        CLAIM("STD-1", one_configured_stream_leaves_the_other),
        CLAIM("STD-2", a_log_is_cut_or_continued),
        CLAIM("STD-3", two_spellings_of_one_file_share_one_offset),
        CLAIM("STD-2", a_log_that_is_there_is_opened_without_o_creat),
        CLAIM("STD-2", a_link_to_where_nothing_is_makes_the_log_there),
        CLAIM("STD-4 CFG-5 STD-2 ERR-7", what_cannot_be_opened_is_73),
        CLAIM("STD-4", devices_are_neither_cut_nor_taken_as_a_terminal),
        CLAIM("CFG-7 STD-2 ERR-7", a_log_that_has_become_ours_is_refused_uncut),
        CLAIM("PRV-8 STD-2 ERR-7", a_log_to_be_handed_over_is_one_file_with_one_name),
        CLAIM("PRV-6", copies_for_the_hand_over_are_ours_alone),
        CLAIM("PRV-6 STD-1", letting_go_of_copies_leaves_the_standard_descriptors),
        CLAIM("STD-3 PRV-6", one_copy_for_both_streams_is_closed_once),
        CLAIM("CFG-12 ERR-7", failures_of_step_12_say_which_file),
        CLAIM("SEQ-7 ERR-6", a_null_device_that_is_none_is_a_system_error),
    };
    return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
