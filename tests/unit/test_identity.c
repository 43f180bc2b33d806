/* test_identity.c - look up and hand over (PRV); the drop is in test_identity_drop.c. */
#include "unit.h"
#include <errno.h>

static struct blivet_error error;

/* ---- look up, before the first fork ---- */

static void users_and_groups_are_names_or_numbers(void **state)
{
    (void)state;
    static const struct { const char *user, *group; bool has_user; uid_t uid; gid_t gid; int groups; } cases[] = {
        { "www", NULL, true, 33, 33, 2 },  { "33", NULL, true, 33, 33, 2 },  { "0033", NULL, true, 33, 33, 2 },
        { "www", "adm", true, 33, 4, 2 },  { "www", "7", true, 33, 7, 2 },   { "root", NULL, true, 0, 0, 1 },
        { NULL, "adm", false, 0, 4, 1 },   { NULL, "0", false, 0, 0, 1 },
        { NULL, "4294967294", false, 0, (gid_t)-2, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_config config = { .user = cases[i].user, .group = cases[i].group };
        script_begin(SCRIPT_LAUNCHER);
        struct blivet_context *daemon = blivet_prepare(&config, &blivet_script, &error);
        assert_non_null(daemon);
        assert_true(daemon->identity.wanted);
        assert_int_equal(daemon->identity.has_user, cases[i].has_user);
        assert_int_equal(daemon->identity.uid, cases[i].uid);
        assert_int_equal(daemon->identity.gid, cases[i].gid);
        assert_int_equal(daemon->identity.group_count, cases[i].groups);
        blivet_discard(daemon);
        assert_int_equal(script.allocations, 0);
    }
}

static void what_nobody_is_called_is_named_before_the_fork(void **state)
{
    (void)state;
    static const struct { const char *user, *group, *want; } cases[] = {
        { "nobody-here", NULL, "user: nobody-here: not found" },
        { "", NULL, "user: '': is empty" },
        { "4711", NULL, "user: 4711: not found" }, /* a user needs an entry, by number too */
        { "4294967295", NULL, "user: 4294967295: is no valid user id" },
        { "4294967296", NULL, "user: 4294967296: is no valid user id" }, /* not 0 */
        { "99999999999999999999999", NULL, "user: 99999999999999999999999: is no valid user id" },
        { "-1", NULL, "user: -1: not found" },
        { "", NULL, "user: '': is empty" },
        { NULL, "", "group: '': is empty" },
        { "33 ", NULL, "user: 33 : not found" },
        { "ghost", NULL, "user: ghost: has no valid id in the user database" },
        { "lost", NULL, "user: lost: has no valid id in the user database" },
        { NULL, "nobody-here", "group: nobody-here: not found" },
        { NULL, "", "group: '': is empty" },
        { "www", "", "group: '': is empty" },
        { "www", "4294967295", "group: 4294967295: is no valid group id" },
        { NULL, "18446744073709551616", "group: 18446744073709551616: is no valid group id" },
        { NULL, "ghost", "group: ghost: has no valid id in the group database" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct launch_case launch = { .config = { .user = cases[i].user, .group = cases[i].group,
                                                  .pidfile = "/run/x.pid" } };
        script_begin(SCRIPT_DAEMON);
        assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
        assert_null(launch.daemon);
        assert_string_equal(launch.error.message, cases[i].want);
        assert_int_equal(launch.error.exit_code, 67);
        assert_false(script_called("fork"));
        assert_null(script_file("/run/x.pid"));
        assert_int_equal(script.allocations, 0);
    }
}

static void a_database_that_fails_is_no_missing_user(void **state)
{
    (void)state;
    static const struct { const char *call, *user, *group; int error, code; } cases[] = {
        { "getpwnam", "www", NULL, EIO, 71 },    { "getpwuid", "33", NULL, EMFILE, 71 },
        { "getgrnam", NULL, "adm", ENOMEM, 71 }, { "getpwnam", "www", NULL, ENOENT, 67 },
        { "getpwuid", "33", NULL, ESRCH, 67 },   { "getgrnam", NULL, "adm", EPERM, 67 },
        { "getpwnam", "www", NULL, EBADF, 67 },
        { "getpwnam", "www", NULL, EINTR, 0 },   { "getgrnam", NULL, "adm", EINTR, 0 }, /* repeated */
        { "getgrouplist", "www", NULL, ENOMEM, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_config config = { .user = cases[i].user, .group = cases[i].group };
        script_begin(SCRIPT_LAUNCHER);
        script_fail(cases[i].call, 1, cases[i].error);
        struct blivet_context *daemon = blivet_prepare(&config, &blivet_script, &error);
        assert_int_equal(script.faults_fired, 1);
        assert_int_equal(daemon == NULL, cases[i].code != 0);
        if (!daemon)
            assert_int_equal(error.exit_code, cases[i].code);
        else
            blivet_discard(daemon);
        assert_int_equal(script.allocations, 0);
    }
}

static void without_logs_there_is_none_to_hand_over(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct launch_case launch = { .config = { .user = "www", .flags = BLIVET_NO_CHOWN } };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_int_equal(blivet_chown_paths(launch.daemon, BLIVET_CHOWN_LOGS, &error), 0);
    assert_false(script_called("fchown"));
    script_begin(SCRIPT_DAEMON);
    launch.config.stdout_path = launch.config.stderr_path = "/var/log/x";
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_int_equal(blivet_chown_paths(launch.daemon, BLIVET_CHOWN_LOGS, &error), -1); /* a link may have led there */
    blivet_release_logs(launch.daemon);
    assert_int_equal(blivet_chown_paths(launch.daemon, BLIVET_CHOWN_LOGS, &error), 0);
    assert_false(script_called("fchown"));
}

/* Databases say "not there" by leaving errno alone. */
static void an_errno_of_long_ago_is_no_failure(void **state)
{
    (void)state;
    static const struct blivet_config configs[] = { { .user = "nobody-here" }, { .group = "nobody-here" } };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        errno = EIO;
        assert_null(blivet_prepare(&configs[i], &blivet_script, &error));
        assert_int_equal(error.exit_code, 67);
    }
}

static void there_is_room_for_as_many_groups_as_the_database_gives(void **state)
{
    (void)state;
    static const struct blivet_config config = { .user = "www" };
    script_begin(SCRIPT_LAUNCHER);
    script.database_groups = 199;
    struct blivet_context *daemon = blivet_prepare(&config, &blivet_script, &error);
    assert_non_null(daemon);
    assert_int_equal(daemon->identity.group_count, 200);
    for (int i = 1; i < 200; i++)
        assert_true(daemon->identity.groups[i - 1] < daemon->identity.groups[i]);
    blivet_discard(daemon);
    script_fail("getgrouplist", 0, ENOMEM); /* never enough */
    assert_null(blivet_prepare(&config, &blivet_script, &error));
    assert_string_equal(error.message, "supplementary groups: www: cannot be looked up");
    assert_int_equal(script.allocations, 0);
}

/* ---- hand over ---- */

static struct blivet_context *started(struct blivet_config config)
{
    static struct launch_case launch;
    memset(&launch, 0, sizeof launch);
    launch.config = config;
    memset(&error, 0, sizeof error);
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
    return launch.daemon;
}

static const struct blivet_config everything = { .user = "www", .pidfile = "/run/x.pid", .lockfile = "/run/x.lock",
                                                 .stdout_path = "/var/log/x.out", .stderr_path = "/var/log/x.err" };

static void assert_owner(const char *path, uid_t uid, gid_t gid)
{
    assert_non_null(script_file(path));
    assert_int_equal(script_file(path)->uid, uid);
    assert_int_equal(script_file(path)->gid, gid);
}

static void what_is_handed_over_is_chosen(void **state)
{
    (void)state;
    static const unsigned choices[] = { 0, BLIVET_CHOWN_LOGS, BLIVET_CHOWN_PIDFILE, BLIVET_CHOWN_LOCKFILE,
                                        BLIVET_CHOWN_ALL };
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started(everything);
        script_kernel.close(1); /* the caller has pointed it elsewhere (PRV-6) */
        assert_int_equal(script_kernel.open("/bin/true", 0, 0), 1);
        assert_int_equal(blivet_chown_paths(daemon, choices[i], &error), 0);
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0); /* hands over nothing more */
        const uid_t logs = choices[i] & BLIVET_CHOWN_LOGS ? 33 : 0,
                    pidfile = choices[i] & BLIVET_CHOWN_PIDFILE ? 33 : 0,
                    lockfile = choices[i] & BLIVET_CHOWN_LOCKFILE ? 33 : 0;
        assert_owner("/var/log/x.out", logs, logs);
        assert_owner("/var/log/x.err", logs, logs);
        assert_owner("/run/x.pid", pidfile, pidfile);
        assert_owner("/run/x.lock", lockfile, lockfile);
        assert_owner("/bin/true", 0, 0);
    }
}

static void with_a_group_alone_a_log_keeps_its_owner(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_add("/var/log/x.out", S_IFREG | 0664, "")->uid = 44;
    struct blivet_context *daemon = started((struct blivet_config){ .group = "adm", .stdout_path = "/var/log/x.out" });
    assert_int_equal(blivet_chown_paths(daemon, BLIVET_CHOWN_LOGS, &error), 0);
    assert_owner("/var/log/x.out", 44, 4);
}

static void the_drop_hands_the_logs_over_first(void **state)
{
    (void)state;
    static const struct { const char *user, *group; unsigned flags; uid_t uid; gid_t gid; } cases[] = {
        { "www", NULL, 0, 33, 33 }, { "www", "adm", 0, 33, 4 }, { NULL, "adm", 0, 0, 4 },
        { "www", NULL, BLIVET_NO_CHOWN, 0, 0 }, { NULL, NULL, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_config config = everything;
        config.user = cases[i].user;
        config.group = cases[i].group;
        config.flags = cases[i].flags;
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started(config);
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
        assert_owner("/var/log/x.out", cases[i].uid, cases[i].gid);
        assert_owner("/run/x.pid", 0, 0);
        assert_int_equal(daemon->log_fds[0], -1); /* held for the hand-over only */
        assert_int_equal(daemon->log_fds[1], -1);
    }
}

static void only_regular_files_with_one_name_are_handed_over(void **state)
{
    (void)state;
    struct blivet_config config = { .user = "www", .stdout_path = "/dev/null", .stderr_path = "/var/log/x.err" };
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started(config);
    script_file("/var/log/x.err")->links = 2; /* since it was opened */
    assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
    assert_string_equal(error.message, "stderr: /var/log/x.err: is a file with several names");
    assert_int_equal(error.exit_code, 73);
    assert_owner("/dev/null", 0, 0);
    script_file("/var/log/x.err")->links = 1;
    assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
    assert_owner("/var/log/x.err", 33, 33);
    assert_owner("/dev/null", 0, 0);
}

static void a_failed_hand_over_changes_no_identity_and_may_be_repeated(void **state)
{
    (void)state;
    static const struct { const char *call; int error; const char *want; } cases[] = {
        { "fchown", EPERM, "stdout: /var/log/x.out: operation not permitted" },
        { "fchown", EROFS, "stdout: /var/log/x.out: read-only file system" },
        { "fstat", EOVERFLOW, "stdout: /var/log/x.out: value too large" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started(everything);
        script_fail(cases[i].call, 1, cases[i].error);
        assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
        assert_int_equal(error.exit_code, 73);
        assert_string_equal(error.message, cases[i].want);
        assert_false(script_called("setgroups") || script_called("setresgid") || script_called("setenv"));
        assert_int_equal(blivet_notify_parent(daemon, &error), -1); /* still root */
        assert_int_equal(error.exit_code, 70);
        assert_int_equal(blivet_chown_paths(daemon, BLIVET_CHOWN_LOGS, &error), 0);
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
        assert_owner("/var/log/x.err", 33, 33);
    }
}

static void an_interrupted_hand_over_is_repeated(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started(everything);
    script_fail("fchown", 1, EINTR);
    assert_int_equal(blivet_chown_paths(daemon, BLIVET_CHOWN_ALL, &error), 0);
    assert_owner("/var/log/x.out", 33, 33);
}

/* PRV-8's files may be links where nothing is to be handed over; then nothing can be. */
static void logs_that_were_opened_through_links_are_not_handed_over(void **state)
{
    (void)state;
    for (int missing = 0; missing < 3; missing++) {
        struct blivet_config config = everything;
        config.flags = BLIVET_NO_CHOWN;
        config.stdout_path = missing == 1 ? NULL : config.stdout_path;
        config.stderr_path = missing == 2 ? NULL : config.stderr_path;
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started(config);
        assert_int_equal(blivet_chown_paths(daemon, BLIVET_CHOWN_LOGS, &error), -1);
        assert_int_equal(error.exit_code, 73);
        assert_int_equal(error.step, 0); /* the sequence is over */
        assert_owner(missing == 1 ? "/var/log/x.err" : "/var/log/x.out", 0, 0);
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("PRV-2 PRV-3", users_and_groups_are_names_or_numbers),
        CLAIM("PRV-2 ERR-3 SEQ-5", what_nobody_is_called_is_named_before_the_fork),
        CLAIM("PRV-2 SEQ-7", a_database_that_fails_is_no_missing_user),
        CLAIM("PRV-2 ERR-3", an_errno_of_long_ago_is_no_failure),
        CLAIM("PRV-3", there_is_room_for_as_many_groups_as_the_database_gives),
        CLAIM("PRV-6 PRV-7", what_is_handed_over_is_chosen),
        CLAIM("PRV-6 PRV-7", with_a_group_alone_a_log_keeps_its_owner),
        CLAIM("PRV-1 PRV-6 PRV-7", the_drop_hands_the_logs_over_first),
        CLAIM("PRV-1 PRV-7", only_regular_files_with_one_name_are_handed_over),
        CLAIM("PRV-1 PRV-9 NTF-10 ERR-5 ERR-7", a_failed_hand_over_changes_no_identity_and_may_be_repeated),
        CLAIM("SEQ-7", an_interrupted_hand_over_is_repeated),
        CLAIM("PRV-8", logs_that_were_opened_through_links_are_not_handed_over),
        CLAIM("PRV-7", without_logs_there_is_none_to_hand_over),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
