/* test_holders.c - who still has the lock of a failed start, and is ended for it (NTF-13). */
#include "unit.h"
#include <errno.h>

#define LOCK_OF(pid) "lock:\t1: FLOCK  ADVISORY  WRITE " pid " fe:00:42 0 EOF\n"
#define OURS LOCK_OF("102")

static const char *lock_path, *failing_call;
static int failing_with, mark;

/* The daemon took the lock on descriptor 7 and is dead; somebody has it still. */
static void the_daemon_dies_with_its_lock_held(void)
{
    struct blivet_page *page = script.page;
    page->pid = SCRIPT_DAEMON_PID;
    page->step = STEP_HAND_OVER; /* later its session would be looked for too */
    page->lock = 7;
    script_add("/run/x.pid", S_IFREG | 0644, "102\n");
    script_add("/run/x.lock", S_IFREG | 0644, "");
    script_add("/run/y.lock", S_IFREG | 0644, "");
    script_file(lock_path)->locked_by = -1;
    script_file(lock_path)->position = mark;
    if (failing_call)
        script_fail(failing_call, 0, failing_with);
}

static void lock_is_held_by(const char *path, const struct script_other *others, int count)
{
    script_begin(SCRIPT_LAUNCHER);
    lock_path = path;
    failing_call = NULL;
    script.meanwhile = the_daemon_dies_with_its_lock_held;
    script.hears_end = script.daemon_dead = script.has_pidfd = true;
    for (int i = 0; i < count; i++)
        script.others[i] = others[i];
    script.other_count = count;
}

static void fail_to_start_as(const char *user, const char *pidfile, const char *lockfile)
{
    struct launch_case launch = { .config = { .pidfile = pidfile, .lockfile = lockfile, .user = user } };
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 1);
    assert_int_equal(script_open_fds(), 2); /* the channel and the handle, as after every start */
}

static void fail_to_start(const char *pidfile, const char *lockfile) { fail_to_start_as(NULL, pidfile, lockfile); }

static void whoever_has_the_dead_daemons_lock_is_ended(void **state)
{
    (void)state;
    static const struct { const char *pidfile, *lockfile; } cases[] = {
        { "/run/x.pid", NULL }, { NULL, "/run/x.lock" }, { "/run/x.pid", "/run/x.lock" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = cases[i].lockfile ? cases[i].lockfile : cases[i].pidfile;
        const struct script_other others[] = { { 1, 7, "", "/dev/null", 0, false, false }, { 500, 7, OURS, path, 0, false, false },
                                               { 501, 7, OURS, path, 0, false, false } };
        lock_is_held_by(path, others, 3);
        if (i == 0)
            script_kernel.close(0); /* what is opened in search of them has that number then (SEQ-9) */
        fail_to_start(cases[i].pidfile, cases[i].lockfile);
        assert_false(script.others[0].killed);
        assert_true(script.others[1].killed && script.others[2].killed);
        assert_int_equal(script_file("/run/x.pid") == NULL, cases[i].pidfile != NULL);
        assert_in_range(script.clock_ms, 0, 200);
    }
}

/* In a PID namespace the dead have no number; then the pidfile must name them, or the position of the lock. */
static void a_taker_without_a_number_is_ours_if_its_mark_is_there(void **state)
{
    (void)state;
    static const struct { const char *pidfile, *lockfile, *info; int mark; bool ours; } cases[] = {
        { "/run/x.pid", NULL, LOCK_OF("0"), 0, true },
        { NULL, "/run/x.lock", LOCK_OF("0"), 0, false },
        { NULL, "/run/x.lock", LOCK_OF("0"), 102, true },
        { NULL, "/run/x.lock", LOCK_OF("0"), 103, false },
        { NULL, "/run/x.lock", LOCK_OF("103"), 102, false },
        { NULL, "/run/x.lock", "", 102, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = cases[i].lockfile ? cases[i].lockfile : cases[i].pidfile;
        const struct script_other holder = { 500, 7, cases[i].info, path, 0, false, false };
        lock_is_held_by(path, &holder, 1);
        mark = cases[i].mark;
        fail_to_start(cases[i].pidfile, cases[i].lockfile);
        assert_int_equal(script.others[0].killed, cases[i].ours);
    }
    mark = 0;
}

static void nobody_else_is_touched(void **state)
{
    (void)state;
    static const struct script_other strangers[] = {
        { 500, 7, LOCK_OF("103"), "/run/x.pid", 0, false, false },                               /* an instance that started since */
        { 500, 7, LOCK_OF("1020"), "/run/x.pid", 0, false, false }, { 500, 7, LOCK_OF("10"), "/run/x.pid", 0, false, false },
        { 500, 7, "", "/run/x.pid", 0, false, false },                                           /* open, not locked */
        { 500, 7, "lock:\t1: POSIX  ADVISORY  WRITE 102 fe:00:42 0 EOF\n", "/run/x.pid", 0, false, false },
        { 500, 7, "lock:\t1: FLOCK  ADVISORY  READ 102 fe:00:42 0 EOF\n", "/run/x.pid", 0, false, false },
        { 500, 7, OURS, "/run/y.lock", 0, false, false },                                        /* another file */
        { 500, 8, OURS, "/run/x.pid", 0, false, false },                                         /* moved: not looked for */
    };
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        lock_is_held_by("/run/x.pid", &strangers[i], 1);
        fail_to_start("/run/x.pid", NULL);
        assert_false(script.others[0].killed);
        assert_string_equal(script_file("/run/x.pid")->content, "102\n"); /* the lock is not ours */
        assert_in_range(script.clock_ms, 0, 3000);
    }
}

/* Else a user's program could hand its lock to a process of somebody else's, for root to kill it. */
static void with_a_user_only_that_users_processes_are_ended(void **state)
{
    (void)state;
    static const uid_t owners[] = { 0, 44, 33 };
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        const struct script_other holder = { 500, 7, OURS, "/run/x.pid", owners[i], false, false };
        lock_is_held_by("/run/x.pid", &holder, 1);
        fail_to_start_as("www", "/run/x.pid", NULL);
        assert_int_equal(script.others[0].killed, owners[i] == 33); /* www */
    }
}

/* After "go" the application's own code runs, as another user, and shares the page. */
static void another_number_is_written(const char *call)
{
    struct blivet_page *page = script.page;
    if (strcmp(call, "poll") == 0 && script_called("send"))
        page->pid = 103;
}

static void an_application_does_not_pick_whose_lock_it_was(void **state)
{
    (void)state;
    static const struct script_other others[] = { { 500, 7, OURS, "/run/x.pid", 0, false, false },
                                                  { 501, 7, LOCK_OF("103"), "/run/x.pid", 0, false, false } };
    for (int i = 0; i < 2; i++) {
        lock_is_held_by("/run/x.pid", &others[i], 1);
        script.watch = another_number_is_written;
        fail_to_start("/run/x.pid", NULL);
        assert_int_equal(((struct blivet_page *)script.page)->pid, 103);
        assert_int_equal(script.others[0].killed, i == 0);
    }
}

static void with_a_free_lock_nobody_is_looked_for(void **state)
{
    (void)state;
    static const struct script_other bystander = { 500, 7, "", "/run/x.pid", 0, false, false };
    lock_is_held_by("/run/y.lock", &bystander, 1);
    fail_to_start("/run/x.pid", NULL);
    assert_false(script_called("getdents"));
    assert_null(script_file("/run/x.pid"));
}

static void where_it_cannot_be_had_the_launcher_ends_all_the_same(void **state)
{
    (void)state;
    static const struct script_other holder = { 500, 7, OURS, "/run/x.pid", 0, false, false };
    static const struct { const char *call; int error; } cases[] = {
        { "getdents", ENOSYS }, { "pidfd_send_signal", ENOSYS }, { "pidfd_send_signal", EPERM }, { "stat", EACCES },
        { "fstat", EOVERFLOW }, { NULL, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lock_is_held_by("/run/x.pid", &holder, 1);
        script.no_proc = !cases[i].call;
        failing_call = cases[i].call;
        failing_with = cases[i].error;
        fail_to_start("/run/x.pid", NULL);
        assert_false(script.others[0].killed);
        assert_string_equal(script_file("/run/x.pid")->content, "102\n");
        assert_in_range(script.clock_ms, 0, 3000);
    }
}

static void it_ends_before_it_is_looked_at(const char *call)
{
    if (strcmp(call, "open") == 0 && script_count("getdents") == 1)
        script.others[0].killed = true;
}

static void one_that_is_gone_by_then_is_passed_over(void **state)
{
    (void)state;
    static const struct script_other others[] = { { 500, 7, OURS, "/run/x.pid", 0, false, false },
                                                  { 501, 7, OURS, "/run/x.pid", 0, false, false } };
    lock_is_held_by("/run/x.pid", others, 2);
    script.watch = it_ends_before_it_is_looked_at;
    fail_to_start("/run/x.pid", NULL);
    assert_true(script.others[1].killed);
    assert_null(script_file("/run/x.pid"));
}

static void interruptions_hide_nobody(void **state)
{
    (void)state;
    static const struct script_other holder = { 500, 7, OURS, "/run/x.pid", 0, false, false };
    static const char *const calls[] = { "open", "pread" };
    for (size_t i = 0; i < 2; i++)
        for (int nth = 1; nth < 6; nth++) {
            lock_is_held_by("/run/x.pid", &holder, 1);
            script_fail(calls[i], nth, EINTR);
            fail_to_start("/run/x.pid", NULL);
            assert_true(script.others[0].killed);
            assert_null(script_file("/run/x.pid"));
        }
}

/* The first is of the lock, the second of who has it. */
static void fail_the_second_fstat(const char *call)
{
    if (strcmp(call, "getdents") == 0 && script_called("flock") && !script.faults[0].call)
        script_fail_from("fstat", 1, ESRCH);
}

/* What it has locked is not known then, nor whose it is. */
static void who_cannot_be_read_is_not_ended(void **state)
{
    (void)state;
    static const struct script_other holder = { 500, 7, OURS, "/run/x.pid", 33, false, false };
    lock_is_held_by("/run/x.pid", &holder, 1);
    failing_call = "pread";
    failing_with = EIO;
    fail_to_start_as("www", "/run/x.pid", NULL);
    assert_false(script.others[0].killed);
    lock_is_held_by("/run/x.pid", &holder, 1);
    script.watch = fail_the_second_fstat;
    failing_call = NULL;
    fail_to_start_as("www", "/run/x.pid", NULL);
    assert_false(script.others[0].killed);
    assert_true(script.faults_fired > 0);
}

/* And says so after it has filled the room. */
static ssize_t fail_to_read_info(int fd, void *bytes, size_t count, off_t offset)
{
    const bool is_info = script_path_of(fd) && strcmp(script_path_of(fd), "/proc/info") == 0;
    ssize_t length = blivet_script.pread(fd, bytes, count, offset);
    if (!is_info)
        return length;
    errno = EIO;
    return -1;
}

static void what_a_failed_reading_leaves_behind_convicts_nobody(void **state)
{
    (void)state;
    static const struct script_other holder = { 500, 7, OURS, "/run/x.pid", 0, false, false };
    struct blivet_ops ops = blivet_script;
    ops.pread = fail_to_read_info;
    lock_is_held_by("/run/x.pid", &holder, 1);
    struct launch_case launch = { .config = { .pidfile = "/run/x.pid" }, .ops = &ops };
    assert_int_equal(launch_it(&launch), SCRIPT_EXITED);
    assert_non_null(script_file("/proc/info"));
    assert_false(script.others[0].killed);
}

/* Between one look and the next a holder may hand the lock on. */
static void another_takes_it_over(const char *call)
{
    static const struct script_other late = { 501, 7, OURS, "/run/x.lock", 0, false, false };
    if (strcmp(call, "poll") == 0 && script.others[0].killed && script.other_count == 1) {
        script.others[script.other_count++] = late;
        script_file("/run/x.lock")->locked_by = -1;
    }
}

static void it_is_looked_again_until_nobody_is_found(void **state)
{
    (void)state;
    static const struct script_other holder = { 500, 7, OURS, "/run/x.lock", 0, false, false };
    lock_is_held_by("/run/x.lock", &holder, 1);
    script.watch = another_takes_it_over;
    fail_to_start(NULL, "/run/x.lock");
    assert_int_equal(script.other_count, 2);
    assert_true(script.others[0].killed && script.others[1].killed);
}

/* It forks on and on, and is never where it is looked for; then it is. */
static void it_is_found_at_last(const char *call)
{
    static const struct script_other late = { 501, 7, OURS, "/run/x.lock", 0, false, false };
    if (strcmp(call, "poll") == 0 && script_count("getdents") > 8 && script.other_count == 0)
        script.others[script.other_count++] = late;
}

static void it_is_looked_again_where_nobody_is_found(void **state)
{
    (void)state;
    lock_is_held_by("/run/x.lock", NULL, 0);
    script.watch = it_is_found_at_last;
    fail_to_start(NULL, "/run/x.lock");
    assert_int_equal(script.other_count, 1);
    assert_true(script.others[0].killed);
    assert_in_range(script.clock_ms, 0, 1000);
}

/* Its own number on the lock tells; what the pidfile has become does not matter. */
static void the_pidfile_is_emptied_meanwhile(void)
{
    the_daemon_dies_with_its_lock_held();
    script_file("/run/x.pid")->size = 0;
}

static void a_pidfile_that_names_nobody_protects_no_holder(void **state)
{
    (void)state;
    static const struct script_other holder = { 500, 7, OURS, "/run/x.lock", 0, false, false };
    lock_is_held_by("/run/x.lock", &holder, 1);
    script.meanwhile = the_pidfile_is_emptied_meanwhile;
    fail_to_start("/run/x.pid", "/run/x.lock");
    assert_true(script.others[0].killed);
    assert_in_range(script.clock_ms, 0, 200);
}

static void it_is_not_written_yet(void)
{
    the_pidfile_is_emptied_meanwhile();
    ((struct blivet_page *)script.page)->step = STEP_PIDFILE;
}

/* Once whoever held the lock is ended it can be had, and the file is nobody's. */
static void a_pidfile_that_was_not_written_goes_with_the_last_holder(void **state)
{
    (void)state;
    static const struct script_other holder = { 500, 7, OURS, "/run/x.lock", 0, false, false };
    lock_is_held_by("/run/x.lock", &holder, 1);
    script.meanwhile = it_is_not_written_yet;
    fail_to_start("/run/x.pid", "/run/x.lock");
    assert_true(script.others[0].killed);
    assert_null(script_file("/run/x.pid"));
}

/* Descriptor 0 is nobody's lock. */
static void there_is_no_lock(void)
{
    the_daemon_dies_with_its_lock_held();
    ((struct blivet_page *)script.page)->lock = 0;
}

static void without_a_lock_nobody_is_ended(void **state)
{
    (void)state;
    static const struct script_other bystander = { 500, 0, OURS, "/run/x.pid", 0, false, false };
    lock_is_held_by("/run/x.pid", &bystander, 1);
    script.meanwhile = there_is_no_lock;
    fail_to_start("/run/x.pid", NULL);
    assert_false(script.others[0].killed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-13 PID-9", whoever_has_the_dead_daemons_lock_is_ended),
        CLAIM("NTF-13 PID-9", a_taker_without_a_number_is_ours_if_its_mark_is_there),
        CLAIM("NTF-13 PID-2", nobody_else_is_touched),
        CLAIM("NTF-20 NTF-13", an_application_does_not_pick_whose_lock_it_was),
        CLAIM("NTF-13", with_a_user_only_that_users_processes_are_ended),
        CLAIM("NTF-13", with_a_free_lock_nobody_is_looked_for),
        CLAIM("NTF-13 SEQ-14", where_it_cannot_be_had_the_launcher_ends_all_the_same),
        CLAIM("NTF-13 PID-9", one_that_is_gone_by_then_is_passed_over),
        CLAIM("NTF-13 SEQ-7", interruptions_hide_nobody),
        CLAIM("NTF-13", who_cannot_be_read_is_not_ended),
        CLAIM("NTF-13", what_a_failed_reading_leaves_behind_convicts_nobody),
        CLAIM("NTF-13", it_is_looked_again_until_nobody_is_found),
        CLAIM("NTF-13", it_is_looked_again_where_nobody_is_found),
        CLAIM("NTF-13", a_pidfile_that_names_nobody_protects_no_holder),
        CLAIM("NTF-13 PID-9", a_pidfile_that_was_not_written_goes_with_the_last_holder),
        CLAIM("NTF-13", without_a_lock_nobody_is_ended),
    };
    return cmocka_run_group_tests_name("holders", tests, NULL, NULL);
}
