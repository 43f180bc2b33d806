/* test_identity_drop.c - the change of identity, and its proof (PRV). */
#include "unit.h"
#include <errno.h>

static struct blivet_error error;

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

static void a_dropped_process_is_the_user_in_every_respect(void **state)
{
    (void)state;
    static const struct { const char *user, *group; uid_t uid; gid_t gid; int count; gid_t groups[2];
                          int names; } cases[] = {
        { "www", NULL, 33, 33, 2, { 33, 44 }, 3 }, { "www", "adm", 33, 4, 2, { 33, 44 }, 3 },
        { NULL, "adm", 0, 4, 1, { 4 }, 0 },        { "root", NULL, 0, 0, 1, { 0 }, 3 },
        { NULL, NULL, 0, 0, 1, { 7 }, 0 }, /* neither: nothing */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        script.groups[0] = 7; /* root's own */
        script.group_count = 1;
        struct blivet_config config = { .user = cases[i].user, .group = cases[i].group };
        struct blivet_context *daemon = started(config);
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
        for (int id = 0; id < 3; id++) {
            assert_int_equal(script.uids[id], cases[i].uid);
            assert_int_equal(script.gids[id], cases[i].gid);
        }
        assert_int_equal(script.group_count, cases[i].count);
        assert_memory_equal(script.groups, cases[i].groups, (size_t)cases[i].count * sizeof(gid_t));
        assert_int_equal(script_count("setenv"), cases[i].names);
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0); /* again: nothing is left to do */
        assert_int_equal(script_count("setenv"), cases[i].names);
        assert_int_equal(blivet_notify_parent(daemon, &error), 0);
    }
}

static uintptr_t tried;

static void look_at_what_is_tried(const char *call)
{
    if (strcmp(call, "setresuid") == 0 && (uid_t)script.first == (uid_t)-1)
        tried = script.second;
}

static void it_is_root_that_is_tried_to_be_had_back(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .user = "www" });
    script.watch = look_at_what_is_tried;
    tried = 99;
    assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
    assert_int_equal(tried, 0);
}

/* As many as there is room for at first: then those that the kernel tells need as much again. */
static void sixty_four_groups_are_proved_as_any_others(void **state)
{
    (void)state;
    for (int others = 62; others < 66; others++) {
        script_begin(SCRIPT_DAEMON);
        script.database_groups = others;
        struct blivet_context *daemon = started((struct blivet_config){ .user = "www" });
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
        assert_int_equal(script.group_count, others + 1);
        blivet_script.free(daemon->identity.groups); /* who wrote behind their end is found out */
        daemon->identity.groups = NULL;
    }
}

static void the_environment_is_the_users(void **state)
{
    (void)state;
    static const struct blivet_env env = { "HOME", "/configured" };
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .user = "33", .env = &env, .env_count = 1 });
    assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
    assert_string_equal(script.names[0], "USER=www");
    assert_string_equal(script.names[1], "LOGNAME=www");
    assert_string_equal(script.names[2], "HOME=/var/www"); /* over the configured entry, which was set before */
}

/* Groups need root, so they go before the uid. */
static void identity_changes_in_the_only_order_that_works(void **state)
{
    (void)state;
    static const char *const order[] = { "fchown ", "setgroups ", "setresgid ", "setresuid ", "getresuid ", "capget " };
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started(everything);
    assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
    const char *at = script.trace;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
    }
}

struct proof_case {
    const char *call;
    int nth, error;
    const char *want;
};

static void assert_broken_for_good(struct blivet_context *daemon)
{
    static const int signals[] = { SIGTERM };
    assert_int_equal(blivet_notify_parent(daemon, &error), -1);
    assert_int_equal(error.exit_code, 77);
    assert_int_equal(blivet_announce_exec(daemon, &error), -1);
    assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
    assert_int_equal(error.exit_code, 77);
    assert_int_equal(blivet_drop_privileges_unchecked(daemon, &error), -1);
    assert_int_equal(blivet_chown_paths(daemon, BLIVET_CHOWN_ALL, &error), -1);
    assert_int_equal(error.exit_code, 77);
    assert_int_equal(blivet_remove_pidfile_on(daemon, signals, 1, &error), -1);
    assert_int_equal(error.exit_code, 77);
    assert_int_equal(script.said_count, 0);
    blivet_close(daemon);
    assert_told(1, "daemon exited without signalling readiness");
}

/* Among no groups at all a group 0 would look like the first of them. */
static void more_groups_than_were_asked_for_are_not_the_same(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .group = "0" });
    script.group_count = 2;
    script.groups[0] = 5;
    script.groups[1] = 6;
    script_fail("setgroups", 1, SCRIPT_LIES);
    assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
    assert_string_equal(error.message, "supplementary groups: not what was asked for after the change");
    blivet_close(daemon);
}

static void half_an_identity_is_no_identity(void **state)
{
    (void)state;
    static const struct proof_case cases[] = {
        { "setgroups", 1, EPERM, "supplementary groups: operation not permitted" },
        { "setresgid", 1, EPERM, "group id: operation not permitted" },
        { "setresuid", 1, EAGAIN, "user id: resource temporarily unavailable" },
        { "setgroups", 1, SCRIPT_LIES, "supplementary groups: not what was asked for after the change" },
        { "setresgid", 1, SCRIPT_LIES, "group id: not what was asked for after the change" },
        { "setresuid", 1, SCRIPT_LIES, "user id: not what was asked for after the change" },
        { "setresuid", 2, SCRIPT_LIES, "user id: uid 0 can be had back" },
        { "setresuid", 2, EAGAIN, "user id: resource temporarily unavailable" }, /* not refused for want of the right to */
        { "getresuid", 1, EFAULT, "ids: bad address" },
        { "getresgid", 1, EFAULT, "ids: bad address" },
        { "getgroups", 1, EINVAL, "supplementary groups: invalid argument" },
        { "getgroups", 2, EINVAL, "supplementary groups: invalid argument" },
        { "capget", 1, EPERM, "capabilities: operation not permitted" },
        { NULL, 0, 0, "capabilities: some are left" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started(everything);
        script.keeps_capabilities = cases[i].call == NULL;
        if (cases[i].call)
            script_fail(cases[i].call, cases[i].nth, cases[i].error);
        assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
        assert_int_equal(error.exit_code, 77);
        assert_string_equal(error.message, cases[i].want);
        assert_broken_for_good(daemon);
    }
}

static void each_set_of_capabilities_is_looked_at(void **state)
{
    (void)state;
    static const int words[] = { 0, 1, 3, 4 }; /* effective and permitted; numbers under 32, and from there on */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started((struct blivet_config){ .user = "www" });
        script.left_capabilities[words[i]] = 1;
        assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
        assert_string_equal(error.message, "capabilities: some are left");
        script_begin(SCRIPT_DAEMON); /* beside inheritable ones, which are given up, it is not given up with them */
        daemon = started((struct blivet_config){ .user = "www" });
        script.left_capabilities[words[i]] = script.left_capabilities[2] = 1;
        assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
        assert_string_equal(error.message, "capabilities: some are left");
    }
}

/* A change of ids leaves them to whoever has them: a file that allows it would give them to a program (PRV-4). */
static void inheritable_capabilities_do_not_stay(void **state)
{
    (void)state;
    static const int words[] = { 2, 5 };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started((struct blivet_config){ .user = "www" });
        script.left_capabilities[words[i]] = 1 << 10;
        assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
        assert_int_equal(script.left_capabilities[words[i]], 0);
        assert_int_equal(script_count("capset"), 1);
    }
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started((struct blivet_config){ .user = "www" });
    assert_int_equal(blivet_drop_privileges(daemon, &error), 0);
    assert_false(script_called("capset")); /* a sandbox may forbid it, and there is nothing to give up */
}

static void inheritable_capabilities_that_stay_stop_the_drop(void **state)
{
    (void)state;
    static const struct proof_case cases[] = {
        { "capset", 1, EPERM, "capabilities: operation not permitted" },
        { "capset", 1, SCRIPT_LIES, "capabilities: some are left" },
        { "capget", 2, EFAULT, "capabilities: bad address" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int word = 2; word < 6; word += 3) {
            script_begin(SCRIPT_DAEMON);
            struct blivet_context *daemon = started(everything);
            script.left_capabilities[word] = 1;
            script_fail(cases[i].call, cases[i].nth, cases[i].error);
            assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
            assert_int_equal(error.exit_code, 77);
            assert_string_equal(error.message, cases[i].want);
            assert_broken_for_good(daemon);
        }
}

static void each_single_id_is_looked_at(void **state)
{
    (void)state;
    for (int which = 0; which < 6; which++) {
        script_begin(SCRIPT_DAEMON);
        struct blivet_context *daemon = started((struct blivet_config){ .user = "www" });
        for (int i = 0; i < 3; i++) {
            script.uids[i] = which == i ? 34 : 33;
            script.gids[i] = which == i + 3 ? 34 : 33;
        }
        script_fail("setgroups", 1, SCRIPT_LIES);
        script_fail("setresgid", 1, SCRIPT_LIES);
        script_fail("setresuid", 1, SCRIPT_LIES);
        assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
        assert_string_equal(error.message, which < 3 ? "user id: not what was asked for after the change"
                                                     : "group id: not what was asked for after the change");
    }
}

static void each_single_group_is_looked_at(void **state)
{
    (void)state;
    enum { GROUPS = 5 };
    for (int which = 0; which < GROUPS; which++) {
        script_begin(SCRIPT_DAEMON);
        script.database_groups = GROUPS - 1;
        struct blivet_context *daemon = started((struct blivet_config){ .user = "www" });
        assert_int_equal(daemon->identity.group_count, GROUPS);
        memcpy(script.groups, daemon->identity.groups, GROUPS * sizeof(gid_t));
        script.group_count = GROUPS;
        script.groups[which] += 10000;
        script_fail("setgroups", 1, SCRIPT_LIES);
        assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
        assert_string_equal(error.message, "supplementary groups: not what was asked for after the change");
    }
}

static void an_environment_that_cannot_be_changed_stops_the_drop(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    struct blivet_context *daemon = started(everything);
    script_fail("setenv", 2, ENOMEM);
    assert_int_equal(blivet_drop_privileges(daemon, &error), -1);
    assert_string_equal(error.message, "environment: LOGNAME: cannot allocate memory");
    assert_int_equal(error.exit_code, 71);
    assert_int_equal(script.uids[0], 0);
    assert_int_equal(blivet_drop_privileges(daemon, &error), 0); /* nothing was half done */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("PRV-4", each_single_group_is_looked_at),
        CLAIM("PRV-3 PRV-4", a_dropped_process_is_the_user_in_every_respect),
        CLAIM("PRV-4", it_is_root_that_is_tried_to_be_had_back),
        CLAIM("PRV-3 PRV-4", sixty_four_groups_are_proved_as_any_others),
        CLAIM("PRV-5", the_environment_is_the_users),
        CLAIM("PRV-1 PRV-3", identity_changes_in_the_only_order_that_works),
        CLAIM("PRV-3 PRV-4", more_groups_than_were_asked_for_are_not_the_same),
        CLAIM("PRV-4 ERR-10 NTF-8", half_an_identity_is_no_identity),
        CLAIM("PRV-4", each_set_of_capabilities_is_looked_at),
        CLAIM("PRV-4", inheritable_capabilities_do_not_stay),
        CLAIM("PRV-4", inheritable_capabilities_that_stay_stop_the_drop),
        CLAIM("PRV-4", each_single_id_is_looked_at),
        CLAIM("ERR-6 PRV-5", an_environment_that_cannot_be_changed_stops_the_drop),
    };
    return cmocka_run_group_tests_name("identity_drop", tests, NULL, NULL);
}
