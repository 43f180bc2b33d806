/* test_pidfile_removal.c - who takes the pidfile away, and who must not (PID-7, PID-9, PID-10). */
#include "unit.h"
#include <errno.h>

static struct launch_case launch;
static struct blivet_error error;

static enum script_end start(struct blivet_config config)
{
    memset(&launch, 0, sizeof launch);
    launch.config = config;
    return launch_it(&launch);
}

static struct blivet_context *started(struct blivet_config config)
{
    assert_int_equal(start(config), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
    return launch.daemon;
}

static void set_content(const char *path, const char *content)
{
    struct script_file *file = script_file(path);
    memset(file->content, 0, sizeof file->content);
    file->size = strlen(content);
    memcpy(file->content, content, file->size);
}

/* "": there, and empty; NULL: not there. */
static void assert_left(const char *path, const char *want)
{
    const struct script_file *file = script_file(path);
    if (!want) {
        assert_null(file);
        return;
    }
    assert_non_null(file);
    assert_int_equal(file->size, strlen(want));
    assert_memory_equal(file->content, want, strlen(want));
}

/* ---- the end of a daemon that was ready (PID-7) ---- */

static void closing_removes_the_pidfile_and_no_lockfile(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid",
                                                                    .lockfile = "/run/x.lock" });
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    blivet_close(daemon);
    assert_left("/run/x.pid", NULL);
    assert_left("/run/x.lock", "");
    assert_false(script_is_locked("/run/x.lock"));
    assert_int_equal(script_open_fds(), 0);
    assert_int_equal(script.allocations, 0);
}

static void the_lock_is_released_after_the_removal(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid" });
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    const char *rest = script.trace + strlen(script.trace);
    blivet_cleanup(daemon);
    assert_left("/run/x.pid", NULL);
    assert_null(strstr(rest, "close ")); /* and no LOCK_UN: the kernel here does not know it */
    assert_null(strstr(rest, "flock "));
    blivet_cleanup(daemon); /* twice is harmless */
    blivet_close(daemon);
    assert_int_equal(script_count("unlink"), 1);
}

static void by_then_a_signal_is_still_caught(const char *call)
{
    if (strcmp(call, "unlink") == 0)
        assert_true(script.actions[SIGTERM].sa_handler != SIG_DFL);
}

/* A signal that ends the process just before the removal must not leave the pidfile behind. */
static void the_handlers_go_after_the_pidfile(void **state)
{
    (void)state;
    static const int signals[] = { SIGTERM };
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid" });
    assert_int_equal(blivet_remove_pidfile_on(daemon, signals, 1, &error), 0);
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    script.watch = by_then_a_signal_is_still_caught;
    blivet_close(daemon);
    assert_left("/run/x.pid", NULL);
    assert_int_equal(script_count("unlink"), 1);
    assert_true(script.actions[SIGTERM].sa_handler == SIG_DFL);
}

static void the_pidfile_of_somebody_else_stays(void **state)
{
    (void)state;
    static const char *const contents[] = { "4711\n", "", "1022\n", "102x\n" };
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid" });
        assert_int_equal(blivet_notify_parent(daemon, &error), 0);
        set_content("/run/x.pid", contents[i]);
        blivet_close(daemon);
        assert_left("/run/x.pid", contents[i]);
    }
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid" });
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    script_kernel.unlink("/run/x.pid");
    script_add("/run/x.pid", S_IFREG | 0644, "102\n"); /* another file, that happens to say so */
    blivet_close(daemon);
    assert_left("/run/x.pid", "102\n");
}

static void a_pidfile_that_is_to_be_kept_is_kept(void **state)
{
    (void)state;
    for (int later = 0; later < 2; later++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid",
                                                                        .flags = later ? 0 : BLIVET_KEEP_PIDFILE });
        if (later)
            blivet_keep_pidfile(daemon);
        assert_int_equal(blivet_notify_parent(daemon, &error), 0);
        blivet_cleanup(daemon);
        blivet_close(daemon);
        assert_left("/run/x.pid", "102\n");
    }
}

static void where_it_may_not_be_removed_it_is_emptied(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid", .user = "www" });
    assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    blivet_close(daemon);
    assert_left("/run/x.pid", ""); /* www may not write to /run */
}

static void where_it_cannot_be_told_whose_it_is_ours_is_emptied(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid" });
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    script_fail("lstat", 0, EIO);
    blivet_close(daemon);
    assert_left("/run/x.pid", "");
    assert_false(script_called("unlink"));
}

static void a_forked_worker_leaves_it_alone(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid" });
    script.pid = 999;
    blivet_cleanup(daemon);
    assert_left("/run/x.pid", "102\n");
    blivet_close(daemon);
    assert_left("/run/x.pid", "102\n");
    assert_int_equal(script_open_fds(), 0);
}

/* ---- a start that fails (PID-9) ---- */

static void a_start_that_fails_leaves_nobody_named(void **state)
{
    (void)state;
    static const struct { const char *old; bool may_unlink; unsigned flags; const char *want; } cases[] = {
        { NULL, true, 0, NULL },     { "4711\n", true, 0, NULL },
        { NULL, false, 0, "" },      { "4711\n", false, 0, "" },
        { NULL, true, BLIVET_KEEP_PIDFILE, NULL }, /* of a daemon that never was there is none to keep */
        { NULL, true, BLIVET_NO_LOCK, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        if (cases[i].old)
            script_add("/run/x.pid", S_IFREG | 0644, cases[i].old);
        if (!cases[i].may_unlink)
            script_fail("unlink", 0, EPERM);
        script.launcher_gone = true; /* the last step fails */
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .flags = cases[i].flags }),
                         SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 71);
        assert_left("/run/x.pid", cases[i].want);
    }
}

static void what_was_not_ours_yet_is_left_as_it_was(void **state)
{
    (void)state;
    static const struct { const char *call; int nth; } cases[] = { { "flock", 1 }, { "chdir", 1 }, { "pwrite", 1 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_add("/run/x.pid", S_IFREG | 0644, "4711\n");
        script_fail(cases[i].call, cases[i].nth, EIO);
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
        assert_int_equal(script.faults_fired, 1);
        assert_left("/run/x.pid", "4711\n");
    }
}

static void a_failing_daemon_cleans_up_before_it_tells(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_fail("sigprocmask", 2, EINVAL);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_told(71, "signal mask: invalid argument");
    assert_true(strstr(script.trace, "unlink ") < strstr(script.trace, "send "));
    assert_left("/run/x.pid", NULL);
}

/* ---- after a daemon that was killed: the launcher (PID-9) ---- */

static void (*prepare_files)(void);

static void the_daemon_dies_in_its_step(void)
{
    struct blivet_page *page = script.page;
    page->pid = SCRIPT_DAEMON_PID;
    page->step = STEP_OUTPUT;
    prepare_files();
}

static void own_file(void) { script_add("/run/x.pid", S_IFREG | 0644, "102\n"); }
static void foreign_file(void) { script_add("/run/x.pid", S_IFREG | 0644, "4711\n"); }
static void no_file(void) { }
static void link_to_own_file(void)
{
    script_add("/run/y.pid", S_IFREG | 0644, "102\n");
    script_add("/run/x.pid", S_IFLNK | 0777, "/run/y.pid");
}
static void locked_file(void)
{
    own_file();
    script_file("/run/x.pid")->locked_by = -1;
}
static void own_file_and_lockfile(void)
{
    own_file();
    script_add("/run/x.lock", S_IFREG | 0644, "");
}
static void locked_lockfile(void)
{
    own_file_and_lockfile();
    script_file("/run/x.lock")->locked_by = -1;
}

static void linked_lockfile(void)
{
    own_file();
    script_add("/run/y.lock", S_IFREG | 0644, "");
    script_add("/run/x.lock", S_IFLNK | 0777, "/run/y.lock");
}

static void the_launcher_removes_the_pidfile_of_a_daemon_that_was_killed(void **state)
{
    (void)state;
    static const struct { void (*files)(void); const char *lockfile; unsigned flags; bool may_unlink;
                          const char *want; } cases[] = {
        { own_file, NULL, 0, true, NULL },
        { own_file, NULL, BLIVET_NO_LOCK, true, NULL },
        { own_file, NULL, BLIVET_KEEP_PIDFILE, true, NULL },
        { own_file, NULL, 0, false, "" },
        { own_file_and_lockfile, "/run/x.lock", 0, true, NULL },
        { foreign_file, NULL, 0, true, "4711\n" },
        { locked_file, NULL, 0, true, "102\n" }, /* an instance that has started since */
        { locked_file, NULL, BLIVET_NO_LOCK, true, NULL }, /* a lock means nothing here */
        { locked_lockfile, "/run/x.lock", 0, true, "102\n" },
        { own_file, "/run/x.lock", 0, true, "102\n" }, /* no lock to be had */
        { linked_lockfile, "/run/x.lock", 0, true, "102\n" },
        { link_to_own_file, NULL, 0, true, "" },
        { no_file, NULL, 0, true, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        prepare_files = cases[i].files;
        script.meanwhile = the_daemon_dies_in_its_step;
        script.hears_end = script.daemon_dead = script.has_pidfd = true;
        if (!cases[i].may_unlink)
            script_fail("unlink", 0, EACCES);
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .lockfile = cases[i].lockfile,
                                                       .flags = cases[i].flags }), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 1);
        assert_left("/run/x.pid", cases[i].want);
        if (cases[i].files == link_to_own_file)
            assert_left("/run/y.pid", "102\n");
    }
}

/* ---- ... between making the file and writing it ---- */

static int step_of_death;

static void the_daemon_dies_in_that_step(void)
{
    the_daemon_dies_in_its_step();
    ((struct blivet_page *)script.page)->step = step_of_death;
}

static void empty_file(void) { script_add("/run/x.pid", S_IFREG | 0644, ""); }
static void empty_file_and_lockfile(void)
{
    empty_file();
    script_add("/run/x.lock", S_IFREG | 0644, "");
}
static void empty_file_locked(void)
{
    empty_file();
    script_file("/run/x.pid")->locked_by = -1;
}
static void empty_file_of_another(void)
{
    empty_file();
    script_file("/run/x.pid")->uid = 33;
}
static void empty_file_with_two_names(void)
{
    empty_file();
    script_file("/run/x.pid")->links = 2;
}
static void empty_device(void) { script_add("/run/x.pid", S_IFCHR | 0644, ""); }
static void unreadable_file(void) { script_add("/run/x.pid", S_IFREG | 0644, "x\n"); }

static void a_killed_daemons_file_that_it_had_not_written_is_removed(void **state)
{
    (void)state;
    static const char told[] = "\x49pidfile: /run/x.pid: no space\n";
    static const struct { int step; void (*files)(void); const char *lockfile; unsigned flags; bool tells, may_unlink;
                          const char *want; } cases[] = {
        { STEP_LOCK, empty_file, NULL, 0, false, true, NULL },
        { STEP_PIDFILE, empty_file, NULL, 0, false, true, NULL },
        { STEP_PIDFILE, empty_file_and_lockfile, "/run/x.lock", 0, false, true, NULL },
        { STEP_PIDFILE, empty_file, NULL, 0, false, false, "" },
        { STEP_LOCK, empty_file_and_lockfile, "/run/x.lock", 0, false, true, "" }, /* not opened yet */
        { STEP_DEV_NULL, empty_file, NULL, 0, false, true, "" },
        { STEP_DISPOSITIONS, empty_file, NULL, 0, false, true, "" }, /* emptied, then */
        { STEP_PIDFILE, empty_file, NULL, BLIVET_NO_LOCK, false, true, "" }, /* whose it is cannot be known */
        { STEP_PIDFILE, empty_file, NULL, 0, true, true, "" }, /* who tells has cleaned up, or it was not the daemon's */
        { STEP_LOCK, empty_file_locked, NULL, 0, false, true, "" }, /* another instance, about to write */
        { STEP_PIDFILE, empty_file, "/run/x.lock", 0, false, true, "" }, /* no lock to be had */
        { STEP_PIDFILE, empty_file_of_another, NULL, 0, false, true, "" },
        { STEP_PIDFILE, empty_file_with_two_names, NULL, 0, false, true, "" },
        { STEP_PIDFILE, empty_device, NULL, 0, false, true, "" },
        { STEP_PIDFILE, unreadable_file, NULL, 0, false, true, "x\n" },
        { STEP_PIDFILE, no_file, NULL, 0, false, true, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        prepare_files = cases[i].files;
        step_of_death = cases[i].step;
        script.meanwhile = the_daemon_dies_in_that_step;
        script.hears_end = script.daemon_dead = script.has_pidfd = true;
        script.hears = told;
        script.hears_count = cases[i].tells ? sizeof told - 1 : 0;
        if (!cases[i].may_unlink)
            script_fail("unlink", 0, EACCES);
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .lockfile = cases[i].lockfile,
                                                       .flags = cases[i].flags }), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, cases[i].tells ? 73 : 1);
        assert_left("/run/x.pid", cases[i].want);
        assert_in_range(script.clock_ms, 0, 150); /* no lock is waited for */
    }
}

static void one_that_cannot_be_judged_or_locked_stays(void **state)
{
    (void)state;
    static const char *const calls[] = { "fstat", "flock", "lstat" };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        prepare_files = empty_file;
        step_of_death = STEP_PIDFILE;
        script.meanwhile = the_daemon_dies_in_that_step;
        script.hears_end = script.daemon_dead = script.has_pidfd = true;
        script_fail(calls[i], i == 2 ? 2 : 0, EIO); /* the first lstat is the validation's */
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 1);
        assert_true(script.faults_fired > 0);
        assert_left("/run/x.pid", "");
    }
}

static void another_instance_writes_it_meanwhile(const char *call)
{
    if (strcmp(call, "flock") == 0)
        set_content("/run/x.pid", "4711\n");
}

static void what_was_empty_before_the_lock_was_had_is_looked_at_again(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    prepare_files = empty_file;
    step_of_death = STEP_PIDFILE;
    script.meanwhile = the_daemon_dies_in_that_step;
    script.hears_end = script.daemon_dead = script.has_pidfd = true;
    script.watch = another_instance_writes_it_meanwhile;
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_left("/run/x.pid", "4711\n");
}

/* A lock that cannot be told is none that could be had. */
static void the_launcher_removes_nothing_without_the_lock(void **state)
{
    (void)state;
    static const int errors[] = { ENOLCK, EBADF, EIO };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        prepare_files = own_file;
        script.meanwhile = the_daemon_dies_in_its_step;
        script.hears_end = script.daemon_dead = script.has_pidfd = true;
        script_fail("flock", 0, errors[i]);
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 1);
        assert_left("/run/x.pid", "102\n");
    }
}

static int64_t tried_ms; /* when the lock was tried first */

static void look_at_the_first_try(const char *call)
{
    if (strcmp(call, "flock") == 0 && !script_called("flock"))
        tried_ms = script.clock_ms;
}

/* What has died may take a moment to let go. */
static void a_lock_of_the_dead_is_waited_for(void **state)
{
    (void)state;
    static const struct { int64_t released; const char *want; } cases[] = { { 300, NULL }, { 100000, "102\n" } };
    for (size_t i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        prepare_files = locked_file;
        script.meanwhile = the_daemon_dies_in_its_step;
        script.hears_end = script.daemon_dead = script.has_pidfd = true;
        script.foreign_lock_ms = cases[i].released;
        script.watch = look_at_the_first_try;
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 1);
        assert_left("/run/x.pid", cases[i].want);
        assert_int_equal(script.clock_ms, i == 0 ? cases[i].released : tried_ms + 1000); /* a second, and no longer */
    }
}

static void another_instance_writes_its_number(const char *call)
{
    if (strcmp(call, "poll") == 0 && script_called("flock"))
        set_content("/run/x.pid", "4711\n");
}

static void a_lock_that_is_anothers_by_then_is_not_waited_for(void **state)
{
    (void)state;
    for (int closed = 0; closed < 2; closed++) {
        script_begin(SCRIPT_LAUNCHER);
        if (closed)
            script_kernel.close(0); /* the pidfile has that number then */
        prepare_files = locked_file;
        script.meanwhile = the_daemon_dies_in_its_step;
        script.hears_end = script.daemon_dead = script.has_pidfd = true;
        script.watch = another_instance_writes_its_number;
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 1);
        assert_left("/run/x.pid", "4711\n");
        assert_in_range(script.clock_ms, 0, 500);
    }
}

static void fail_body(void *daemon) { blivet_fail(daemon, 7, "no config"); }

/* As an exit handler may that does not know of the first: by then it may be another instance's, about to be written. */
static void what_a_failed_start_has_emptied_is_not_removed_later(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    struct blivet_context *daemon = started((struct blivet_config){ .pidfile = "/run/x.pid",
                                                                    .flags = BLIVET_FOREGROUND | BLIVET_NO_LOCK });
    script_fail("unlink", 1, EACCES);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(script_run(fail_body, daemon), SCRIPT_EXITED);
        assert_left("/run/x.pid", "");
    }
}

static const char *content_of_long_ago;

static void the_leader_dies_before_there_is_a_daemon(void) { script_add("/run/x.pid", S_IFREG | 0644, content_of_long_ago); }

static void before_there_is_a_daemon_no_pidfile_is_touched(void **state)
{
    (void)state;
    static const char *const contents[] = { "102\n", "", "0\n", "not a number\n" }; /* nor one that names nobody */
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        content_of_long_ago = contents[i];
        script.meanwhile = the_leader_dies_before_there_is_a_daemon;
        script.hears_end = true;
        script.leader_status = SIGKILL;
        script.handles_taken = true;
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 1);
        assert_left("/run/x.pid", contents[i]);
        assert_false(script_called("flock"));
    }
}

static void without_a_pidfile_there_is_none_to_remove(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .lockfile = "/run/x.lock" });
    blivet_cleanup(daemon);
    assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    blivet_close(daemon);
    assert_false(script_called("unlink"));
    assert_left("/run/x.lock", "");
}

/* ---- for root (PID-10) ---- */

static void for_root_a_file_in_other_hands_is_replaced(void **state)
{
    (void)state;
    static const struct { uid_t uid, owner; mode_t mode; unsigned flags; const char *user; bool replaced; } cases[] = {
        { 0, 0, 0644, 0, NULL, false },      { 0, 33, 0644, 0, NULL, true },      { 0, 0, 0664, 0, NULL, true },
        { 0, 0, 0646, 0, NULL, true },       { 0, 33, 0644, 0, "www", true },
        { 0, 33, 0644, BLIVET_GIVE_PIDFILE, "www", false }, { 0, 44, 0644, BLIVET_GIVE_PIDFILE, "www", true },
        { 0, 33, 0644, BLIVET_GIVE_PIDFILE, NULL, true },   { 1000, 1000, 0666, 0, NULL, false },
        { 0, 33, 0644, BLIVET_NO_LOCK, NULL, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script_file("/run")->mode |= 0777;
        for (int id = 0; id < 3; id++)
            script.uids[id] = cases[i].uid;
        struct script_file *old = script_add("/run/x.pid", S_IFREG | cases[i].mode, "4711\n");
        ino_t inode = old->inode;
        old->uid = cases[i].owner;
        started((struct blivet_config){ .pidfile = "/run/x.pid", .user = cases[i].user, .flags = cases[i].flags });
        assert_int_equal(script_file("/run/x.pid")->inode != inode, cases[i].replaced);
        assert_int_equal(script_file("/run/x.pid")->uid, cases[i].replaced ? 0 : cases[i].owner);
        assert_left("/run/x.pid", "102\n");
        assert_int_equal(script_is_locked("/run/x.pid"), !(cases[i].flags & BLIVET_NO_LOCK));
        blivet_close(launch.daemon);
    }
}

static void a_file_in_other_hands_that_cannot_be_replaced_is_refused(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_add("/run/x.pid", S_IFREG | 0666, "4711\n");
    script_fail("unlink", 0, EPERM);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_told(73, "pidfile: /run/x.pid: operation not permitted");
    assert_left("/run/x.pid", "4711\n");
}

static void a_file_system_where_all_may_write_holds_no_pidfile_for_root(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script.loose_modes = true;
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_told(73, "pidfile: /run/x.pid: is writable by others than root");
    assert_left("/run/x.pid", NULL);
}

/* Its content means nothing. */
static void a_lockfile_of_its_own_may_be_in_other_hands(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct script_file *lock = script_add("/run/x.lock", S_IFREG | 0666, "");
    ino_t inode = lock->inode;
    lock->uid = 33;
    started((struct blivet_config){ .pidfile = "/run/x.pid", .lockfile = "/run/x.lock" });
    assert_int_equal(script_file("/run/x.lock")->inode, inode);
}

/* The launcher opens it anew, and may get the number 0. */
static void with_closed_standard_descriptors_the_pidfile_of_the_dead_goes_too(void **state)
{
    (void)state;
    static void (*const ways[])(void) = { own_file, own_file_and_lockfile, locked_file };
    for (int i = 0; i < 3; i++) {
        script_begin(SCRIPT_LAUNCHER);
        for (int fd = 0; fd < 3; fd++)
            script_kernel.close(fd);
        prepare_files = ways[i];
        script.meanwhile = the_daemon_dies_in_its_step;
        script.hears_end = script.daemon_dead = script.has_pidfd = true;
        script.foreign_lock_ms = 300; /* a moment to let go */
        assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid", .lockfile = i == 1 ? "/run/x.lock" : NULL }),
                         SCRIPT_EXITED);
        assert_left("/run/x.pid", NULL);
    }
}

static void a_pidfile_that_cannot_be_read_is_left(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    prepare_files = own_file;
    script.meanwhile = the_daemon_dies_in_its_step;
    script.hears_end = script.daemon_dead = script.has_pidfd = true;
    script_fail("pread", 0, EIO);
    assert_int_equal(start((struct blivet_config){ .pidfile = "/run/x.pid" }), SCRIPT_EXITED);
    assert_left("/run/x.pid", "102\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("PID-7", closing_removes_the_pidfile_and_no_lockfile),
        CLAIM("PID-6 PID-7", the_lock_is_released_after_the_removal),
        CLAIM("PID-7", the_pidfile_of_somebody_else_stays),
        CLAIM("PID-7", a_pidfile_that_is_to_be_kept_is_kept),
        CLAIM("PID-7", where_it_may_not_be_removed_it_is_emptied),
        CLAIM("PID-7 SEQ-7", where_it_cannot_be_told_whose_it_is_ours_is_emptied),
        CLAIM("PID-7 NTF-8", a_forked_worker_leaves_it_alone),
        CLAIM("PID-9 NTF-13", a_start_that_fails_leaves_nobody_named),
        CLAIM("PID-9", what_was_not_ours_yet_is_left_as_it_was),
        CLAIM("PID-9 NTF-13", a_failing_daemon_cleans_up_before_it_tells),
        CLAIM("PID-9 NTF-13", the_launcher_removes_the_pidfile_of_a_daemon_that_was_killed),
        CLAIM("PID-9", a_killed_daemons_file_that_it_had_not_written_is_removed),
        CLAIM("PID-9", one_that_cannot_be_judged_or_locked_stays),
        CLAIM("PID-9 PID-2", what_was_empty_before_the_lock_was_had_is_looked_at_again),
        CLAIM("PID-9", the_launcher_removes_nothing_without_the_lock),
        CLAIM("PID-8", the_handlers_go_after_the_pidfile),
        CLAIM("PID-9", what_a_failed_start_has_emptied_is_not_removed_later),
        CLAIM("PID-9", a_lock_of_the_dead_is_waited_for),
        CLAIM("PID-9 PID-2", a_lock_that_is_anothers_by_then_is_not_waited_for),
        CLAIM("PID-9 NTF-13", before_there_is_a_daemon_no_pidfile_is_touched),
        CLAIM("PID-7", without_a_pidfile_there_is_none_to_remove),
        CLAIM("PID-10 ERR-7", a_file_system_where_all_may_write_holds_no_pidfile_for_root),
        CLAIM("PID-10", for_root_a_file_in_other_hands_is_replaced),
        CLAIM("PID-10 ERR-7", a_file_in_other_hands_that_cannot_be_replaced_is_refused),
        CLAIM("PID-10 CFG-13", a_lockfile_of_its_own_may_be_in_other_hands),
        CLAIM("PID-9 SEQ-9", with_closed_standard_descriptors_the_pidfile_of_the_dead_goes_too),
        CLAIM("PID-9 PID-7", a_pidfile_that_cannot_be_read_is_left),
    };
    return cmocka_run_group_tests_name("pidfile_removal", tests, NULL, NULL);
}
