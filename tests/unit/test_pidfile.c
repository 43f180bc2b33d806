/* test_pidfile.c - open, lock, write (PID); the removal is in test_pidfile_removal.c. */
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

static void assert_content(const char *path, const char *want)
{
    assert_non_null(script_file(path));
    assert_int_equal(script_file(path)->size, strlen(want));
    assert_memory_equal(script_file(path)->content, want, strlen(want));
}

/* ---- content ---- */

static void the_pidfile_is_the_pid_and_a_newline(void **state)
{
    (void)state;
    static const struct { unsigned umask; mode_t mode; } cases[] = { { 0, 0644 }, { 022, 0644 }, { 077, 0600 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .lockfile = "/run/x.lock",
                                                       .umask = cases[i].umask }), SCRIPT_RETURNED);
        assert_content("/run/x.pid", "102\n");
        assert_content("/run/x.lock", "");
        assert_int_equal(script_file("/run/x.pid")->mode, S_IFREG | cases[i].mode);
        assert_int_equal(script_file("/run/x.lock")->mode, S_IFREG | cases[i].mode);
    }
}

static const char *const old_contents[] = { "", "7", "4711\n", "102\n", "4711\n\n\n\n\n", "no pid, but words\n" };

static void old_content_is_replaced_in_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof old_contents / sizeof old_contents[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        ino_t inode = script_add("/run/x.pid", S_IFREG | 0644, old_contents[i])->inode;
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_RETURNED);
        assert_content("/run/x.pid", "102\n");
        assert_int_equal(script_file("/run/x.pid")->inode, inode);
        assert_int_equal(script_count("pwrite"), 1);
        const char *cut = strstr(script.trace, "ftruncate ");
        assert_true(!cut || cut > strstr(script.trace, "pwrite ")); /* never cut first */
    }
}

/* What a reader sees between the write and the cut: one number and newlines. */
static void a_reader_never_sees_two_numbers_or_none(void **state)
{
    (void)state;
    for (size_t i = 3; i < sizeof old_contents / sizeof old_contents[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/run/x.pid", S_IFREG | 0644, old_contents[i]);
        script_fail("ftruncate", 0, EIO);
        script_fail("unlink", 0, EACCES);
        enum script_end end = start((struct blivet_config){ .pidfile = "/run/x.pid" });
        assert_int_equal(end, strlen(old_contents[i]) > 4 ? SCRIPT_EXITED : SCRIPT_RETURNED);
        const struct script_file *file = script_file("/run/x.pid");
        assert_int_equal(file->size, strlen(old_contents[i]));
        assert_memory_equal(file->content, "102", 3);
        assert_int_equal(strspn(file->content + 3, "\n"), file->size - 3);
    }
}

static void what_is_longer_than_any_pidfile_is_cut(void **state)
{
    (void)state;
    static const size_t sizes[] = { 4096, 4097, SCRIPT_CONTENT };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        struct script_file *file = script_add("/run/x.pid", S_IFREG | 0644, "");
        memset(file->content, '7', sizes[i]);
        file->size = sizes[i];
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_RETURNED);
        assert_content("/run/x.pid", "102\n");
    }
}

/* A number that was cut off names a stranger. */
static void a_pidfile_that_fits_in_part_only_is_none(void **state)
{
    (void)state;
    static const char *const olds[] = { NULL, "", "4711\n" };
    for (size_t i = 0; i < sizeof olds / sizeof olds[0]; i++)
        for (size_t room = 1; room < 4; room++) {
            script_begin(SCRIPT_DAEMON);
            script.disk_room = room;
            if (olds[i])
                script_add("/run/x.pid", S_IFREG | 0644, olds[i]);
            assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
            assert_int_equal(script.exit_code, 73);
            assert_told(73, "pidfile: /run/x.pid: no space left on device");
            if (script_file("/run/x.pid"))
                fail_msg("with room for %zu it holds \"%s\"", room, script_file("/run/x.pid")->content);
        }
}

static void what_happens_while_it_is_emptied_changes_nothing(void **state)
{
    (void)state;
    static const int errors[] = { EINTR, EIO };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/run/x.pid", S_IFREG | 0644, "");
        script.disk_room = 2;
        script_fail("ftruncate", 1, errors[i]);
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
        if (errors[i] == EINTR)
            assert_null(script_file("/run/x.pid"));
        else
            assert_content("/run/x.pid", "10"); /* somebody else's number, which a disk that broke twice has kept */
        assert_told(73, "pidfile: /run/x.pid: no space left on device");
    }
}

static void a_write_that_moves_nothing_is_a_full_disk(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_fail("pwrite", 1, SCRIPT_LIES);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_told(73, "pidfile: /run/x.pid: no space left on device");
    assert_null(script_file("/run/x.pid"));
}

static void a_size_limit_is_an_error_and_no_death(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_fail("pwrite", 1, EFBIG);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_told(73, "pidfile: /run/x.pid: file too large");
    assert_null(script_file("/run/x.pid"));
    script_begin(SCRIPT_LAUNCHER);
    script.actions[SIGXFSZ].sa_flags = SA_RESTART;
    script_fail("pwrite", 1, EFBIG);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .flags = BLIVET_FOREGROUND }),
                     SCRIPT_RETURNED);
    assert_int_equal(script.actions[SIGXFSZ].sa_flags, SA_RESTART); /* the caller's again */
}

static void fail_to_put_back(const char *call)
{
    if (strcmp(call, "pwrite") == 0)
        script_fail("sigaction", 1, EINVAL);
}

static void what_happens_after_a_write_that_failed_does_not_hide_why(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script.watch = fail_to_put_back;
    script_fail("pwrite", 1, EIO);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_int_equal(script.faults_fired, 2);
    assert_told(73, "pidfile: /run/x.pid: input/output error");
}

/* ---- the lock ---- */

static void the_lock_is_the_pidfile_or_a_file_of_its_own_or_none(void **state)
{
    (void)state;
    static const struct { struct blivet_config config; bool pidfile, lockfile; } cases[] = {
        { { .pidfile = "/run/x.pid" }, true, false },
        { { .pidfile = "/run/x.pid", .lockfile = "/run/x.lock" }, false, true },
        { { .pidfile = "/run/x.pid", .lockfile = "/tmp/../run/x.pid" }, true, false },
        { { .lockfile = "/run/x.lock" }, false, true },
        { { .pidfile = "/run/x.pid", .flags = BLIVET_NO_LOCK }, false, false },
        { { 0 }, false, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool locked = cases[i].pidfile || cases[i].lockfile;
        script_begin(SCRIPT_DAEMON);
        script_add("/run/x.lock", S_IFREG | 0644, "left alone");
        assert_int_equal(start(cases[i].config), SCRIPT_RETURNED);
        assert_int_equal(script_is_locked("/run/x.pid"), cases[i].pidfile);
        assert_int_equal(script_is_locked("/run/x.lock"), cases[i].lockfile);
        assert_content("/run/x.lock", "left alone");
        int fd = blivet_lockfile_fd(launch.daemon);
        assert_int_equal(fd >= 0, locked);
        const struct blivet_page *page = script.page;
        assert_int_equal(page->lock, locked ? fd : 0); /* the launcher ends who has it still (NTF-13) */
        assert_true(!locked || (fd > 2 && script.cloexec[fd]));
        assert_int_equal(script_file("/run/x.pid") != NULL, cases[i].config.pidfile != NULL);
        blivet_close(launch.daemon);
        assert_false(script_is_locked("/run/x.pid") || script_is_locked("/run/x.lock"));
    }
}

static void a_second_instance_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const struct { const char *content, *who; } cases[] = {
        { "4711\n", " (pid 4711)" }, { "4711", " (pid 4711)" }, { "4711\n\n\n", " (pid 4711)" },
        { "123456789\n", " (pid 123456789)" },
        { "", "" }, { "x4711\n", "" }, { "4711x\n", "" }, { "0\n", "" }, { "-5\n", "" }, { "12345678901\n", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int own = 0; own < 2; own++) {
            char want[128];
            const char *path = own ? "/run/x.lock" : "/run/x.pid";
            struct blivet_config config = { .pidfile = "/run/x.pid", .lockfile = own ? path : NULL,
                                            .stdout_path = "/var/log/x", .umask = 077 };
            script_begin(SCRIPT_DAEMON);
            script_add("/run/x.pid", S_IFREG | 0644, "1\n");
            script_file("/run/x.pid")->size = 0;
            if (own)
                script_add(path, S_IFREG | 0644, "");
            strcpy(script_file(path)->content, cases[i].content);
            script_file(path)->size = strlen(cases[i].content);
            script_file(path)->locked_by = -1;
            assert_int_equal(start(config), SCRIPT_EXITED);
            snprintf(want, sizeof want, "%s: %s: is locked by another process%s", own ? "lockfile" : "pidfile", path,
                     cases[i].who);
            assert_told(69, want);
            assert_string_equal(script.said + 1, want); /* and nothing behind it */
            assert_content(path, cases[i].content);
            assert_false(script_called("pwrite") || script_called("ftruncate") || script_called("unlink"));
            assert_null(script_file("/var/log/x"));
        }
}

/* Between our creation of the file and our lock. */
static void a_rival_takes_it(const char *call)
{
    struct script_file *file = script_file("/run/x.pid");
    if (strcmp(call, "flock") != 0 || !file)
        return;
    file->locked_by = -1;
    strcpy(file->content, "4711\n");
    file->size = 5;
}

static void what_we_created_and_a_rival_locked_is_the_rivals(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script.watch = a_rival_takes_it;
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 69);
    assert_content("/run/x.pid", "4711\n");
}

static void any_other_failure_is_73_and_leaves_no_new_file(void **state)
{
    (void)state;
    static const struct { const char *call; int nth, error; struct blivet_config config; const char *want; } cases[] = {
        { "flock", 1, ENOLCK, { .pidfile = "/run/x.pid" }, "pidfile: /run/x.pid: no locks available" },
        { "flock", 1, ENOLCK, { .lockfile = "/run/x.lock" }, "lockfile: /run/x.lock: no locks available" },
        { "open", 2, EACCES, { .pidfile = "/run/x.pid" }, "pidfile: /run/x.pid: permission denied" },
        { "open", 2, ENOSPC, { .lockfile = "/run/x.lock" }, "lockfile: /run/x.lock: no space left on device" },
        { "open", 2, EROFS, { .pidfile = "/run/x.pid", .flags = BLIVET_NO_LOCK },
          "pidfile: /run/x.pid: read-only file system" },
        { "fstat", 2, EOVERFLOW, { .pidfile = "/run/x.pid" }, "pidfile: /run/x.pid: value too large" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        assert_int_equal(start(cases[i].config), SCRIPT_EXITED);
        assert_int_equal(script.faults_fired, 1);
        assert_int_equal(script.exit_code, 73);
        assert_told(73, cases[i].want);
        assert_null(script_file("/run/x.pid"));
        assert_null(script_file("/run/x.lock"));
    }
}

/* Step 7 has made the file, and step 8 cannot open it again. */
static void a_file_that_only_the_lock_has_made_goes_too(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_fail("open", 3, EMFILE);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_told(73, "pidfile: /run/x.pid: too many open files");
    assert_null(script_file("/run/x.pid"));
}

/* Else, in a PID namespace, what escapes a failed start cannot be told from another instance (NTF-13). */
static void a_lock_without_a_pidfile_is_marked_with_the_pid(void **state)
{
    (void)state;
    static const struct { struct blivet_config config; bool marked; } cases[] = {
        { { .lockfile = "/run/x.lock" }, true },
        { { .lockfile = "/run/x.lock", .pidfile = "/run/x.pid" }, false },
        { { .pidfile = "/run/x.pid" }, false },
        { { .lockfile = "/run/x.lock", .flags = BLIVET_NO_LOCK }, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int fails = 0; fails < 2; fails++) {
            script_begin(SCRIPT_DAEMON);
            if (fails)
                script_fail("lseek", 1, EINVAL);
            assert_int_equal(start(cases[i].config), SCRIPT_RETURNED);
            assert_int_equal(script_called("lseek"), cases[i].marked);
            if (cases[i].marked)
                assert_int_equal(script_file("/run/x.lock")->position, fails ? 0 : SCRIPT_DAEMON_PID);
        }
}

/* ---- what other processes do meanwhile ---- */

/* Another instance locks the file between our making and our locking it: then it is that one's. */
static void a_new_file_that_another_locks_first_is_left_to_it(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_fail("flock", 1, EWOULDBLOCK);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_told(69, "pidfile: /run/x.pid: is locked by another process");
    assert_content("/run/x.pid", "");
}

static void what_cannot_be_a_pid_is_not_named(void **state)
{
    (void)state;
    static const char *const contents[] = { "1234567890\n", "4294967398\n", "12 34\n", "-5\n", "0x10\n", "" };
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/run/x.pid", S_IFREG | 0644, contents[i])->locked_by = -1;
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
        assert_told(69, "pidfile: /run/x.pid: is locked by another process");
        assert_null(strstr(script.said + 1, "(pid"));
    }
}


static void a_file_that_was_replaced_before_the_lock_is_left_for_the_new_one(void **state)
{
    (void)state;
    for (int often = 1; often < 50; often += 12) {
        script_begin(SCRIPT_DAEMON);
        script.foreign_opens = often;
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_RETURNED);
        assert_int_equal(script.foreign_opens, 0);
        assert_string_equal(script_path_of(blivet_lockfile_fd(launch.daemon)), "/run/x.pid");
        assert_true(script_is_locked("/run/x.pid"));
        assert_content("/run/x.pid", "102\n");
    }
}

static void a_file_that_is_replaced_for_ever_is_given_up(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script.foreign_opens = 100000;
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .flags = BLIVET_FOREGROUND }),
                     SCRIPT_RETURNED);
    assert_null(launch.daemon);
    assert_int_equal(launch.error.exit_code, 73);
    assert_string_equal(launch.error.message, "pidfile: /run/x.pid: is replaced again and again");
    assert_int_equal(script_count("flock"), 100);
    assert_int_equal(script_open_fds(), 0);
}

static bool swapped;

static void swap(const char *path)
{
    if (swapped || strcmp(path, "/run/x.pid") != 0 || !script_is_locked(path))
        return;
    swapped = true;
    script_kernel.unlink(path);
    script_add(path, S_IFREG | 0644, "4711\n");
}

static void a_file_that_was_replaced_behind_the_lock_is_not_written(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    swapped = false;
    script.before_open = swap;
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .flags = BLIVET_FOREGROUND }),
                     SCRIPT_RETURNED);
    assert_null(launch.daemon);
    assert_int_equal(launch.error.exit_code, 73);
    assert_string_equal(launch.error.message, "pidfile: /run/x.pid: was replaced after it was locked");
    assert_content("/run/x.pid", "4711\n");
    assert_int_equal(script_open_fds(), 0);
}

/* NFS: an exclusive lock needs a descriptor for writing.  Not one that a program with another identity gets. */
static void a_lock_that_wants_to_write_is_given_only_to_our_own(void **state)
{
    (void)state;
    for (int user = 0; user < 2; user++) {
        script_begin(SCRIPT_DAEMON);
        script_fail("flock", 1, EBADF);
        enum script_end end = start((struct blivet_config){ .pidfile = "/run/x.pid", .user = user ? "www" : NULL });
        assert_int_equal(end, user ? SCRIPT_EXITED : SCRIPT_RETURNED);
        if (user) {
            assert_told(73, "pidfile: /run/x.pid: bad file descriptor");
            continue;
        }
        int fd = blivet_lockfile_fd(launch.daemon);
        assert_int_equal(script_kernel.fcntl(fd, F_GETFL, 0) & O_ACCMODE, O_RDWR);
        assert_true(script_is_locked("/run/x.pid"));
    }
}

static mode_t planted;

static void plant(const char *path)
{
    if (strcmp(path, "/run/x.pid") != 0 || script_file(path))
        return;
    struct script_file *file = script_add(path, planted | 0666, S_ISLNK(planted) ? "/run/victim" : "");
    file->links = S_ISREG(planted) ? 2 : 1;
}

static void what_is_planted_after_validation_is_refused_unchanged(void **state)
{
    (void)state;
    static const struct { mode_t mode; const char *why; } cases[] = {
        { S_IFLNK, "is a symbolic link" },       { S_IFIFO, "is not a regular file" },
        { S_IFCHR, "is not a regular file" },    { S_IFREG, "is a file with several names" },
        { S_IFDIR, "is " },
    };
    static const struct blivet_config configs[] = {
        { .pidfile = "/run/x.pid" }, { .pidfile = "/run/x.pid", .flags = BLIVET_NO_LOCK }, { .lockfile = "/run/x.pid" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t j = 0; j < sizeof configs / sizeof configs[0]; j++) {
            char want[96];
            script_begin(SCRIPT_DAEMON);
            script_add("/run/victim", S_IFREG | 0644, "precious");
            planted = cases[i].mode;
            script.before_open = plant;
            assert_int_equal(start(configs[j]), SCRIPT_EXITED);
            snprintf(want, sizeof want, "%s: /run/x.pid: %s", configs[j].pidfile ? "pidfile" : "lockfile",
                     cases[i].why);
            assert_told(73, want);
            assert_content("/run/victim", "precious");
            assert_content("/run/x.pid", "");
            assert_false(script_is_locked("/run/x.pid") || script_is_locked("/run/victim"));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("ERR-7 SEQ-7", what_happens_while_it_is_emptied_changes_nothing),
        CLAIM("PID-2 PID-9", what_we_created_and_a_rival_locked_is_the_rivals),
        CLAIM("PID-1", the_pidfile_is_the_pid_and_a_newline),
        CLAIM("PID-3", old_content_is_replaced_in_place),
        CLAIM("PID-3", a_reader_never_sees_two_numbers_or_none),
        CLAIM("PID-3", what_is_longer_than_any_pidfile_is_cut),
        CLAIM("PID-3 PID-9 ERR-7", a_pidfile_that_fits_in_part_only_is_none),
        CLAIM("PID-3 ERR-7", a_write_that_moves_nothing_is_a_full_disk),
        CLAIM("PID-9 ERR-7", a_size_limit_is_an_error_and_no_death),
        CLAIM("ERR-7 SEQ-7", what_happens_after_a_write_that_failed_does_not_hide_why),
        CLAIM("CFG-13 PID-6 NTF-13", the_lock_is_the_pidfile_or_a_file_of_its_own_or_none),
        CLAIM("PID-2 ERR-4", a_second_instance_is_refused_and_changes_nothing),
        CLAIM("PID-2 PID-9 ERR-7", any_other_failure_is_73_and_leaves_no_new_file),
        CLAIM("NTF-13", a_lock_without_a_pidfile_is_marked_with_the_pid),
        CLAIM("PID-9 ERR-7", a_file_that_only_the_lock_has_made_goes_too),
        CLAIM("PID-2 ERR-4", a_new_file_that_another_locks_first_is_left_to_it),
        CLAIM("PID-2", what_cannot_be_a_pid_is_not_named),
        CLAIM("PID-4", a_file_that_was_replaced_before_the_lock_is_left_for_the_new_one),
        CLAIM("PID-4", a_file_that_is_replaced_for_ever_is_given_up),
        CLAIM("PID-4 ERR-7", a_file_that_was_replaced_behind_the_lock_is_not_written),
        CLAIM("CLI-5 PID-2 ERR-7", a_lock_that_wants_to_write_is_given_only_to_our_own),
        CLAIM("PID-5", what_is_planted_after_validation_is_refused_unchanged),
    };
    return cmocka_run_group_tests_name("pidfile", tests, NULL, NULL);
}
