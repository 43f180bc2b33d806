/* test_descriptors.c - step 13: what was inherited is closed, by three ways (STD-5, CFG-14, SEQ-14). */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>

static struct launch_case launch;

enum way { BY_CLOSE_RANGE, BY_LISTING, ONE_BY_ONE };

/* With descriptors 3 to 40 inherited, most of them above the soft limit of 8. */
static void machine(enum script_role role, enum way way)
{
    script_begin(role);
    for (int fd = 3; fd <= 40; fd++)
        assert_int_equal(script_kernel.open("/dev/null", O_RDONLY | (fd % 2 ? O_CLOEXEC : 0), 0), fd);
    script.no_close_range = way != BY_CLOSE_RANGE;
    script.no_proc = way == ONE_BY_ONE;
}

static void start(struct blivet_config config)
{
    memset(&launch, 0, sizeof launch);
    launch.config = config;
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_non_null(launch.daemon);
}

static bool is_own(int fd)
{
    const struct blivet_context *daemon = launch.daemon;
    return fd == daemon->channel || fd == daemon->lock_fd || fd == daemon->pidfile_fd || fd == daemon->log_fds[0] ||
           fd == daemon->log_fds[1] || fd == daemon->original[2];
}

static bool is_asked_for(int fd)
{
    for (size_t i = 0; i < launch.config.keep_fds_count; i++)
        if (launch.config.keep_fds[i] == fd)
            return true;
    return false;
}

/* Exactly the library's own and those listed. */
static void assert_the_rest_is_closed(void)
{
    for (int fd = 3; fd < SCRIPT_FDS; fd++)
        if ((script.fds[fd] >= 0) != (is_own(fd) || is_asked_for(fd)))
            fail_msg("descriptor %d is %s", fd, script.fds[fd] >= 0 ? "open" : "closed");
}

static const int some[] = { 40, 3, 17, 3, 18, 4 };
static const struct blivet_config configs[] = {
    { 0 },
    { .pidfile = "/run/x.pid" },
    { .pidfile = "/run/x.pid", .lockfile = "/run/x.lock", .user = "www", .stdout_path = "/var/log/x.out",
      .stderr_path = "/var/log/x.err" },
    { .user = "www", .stdout_path = "/var/log/x", .stderr_path = "/var/log/x" },
    { .keep_fds = some, .keep_fds_count = 6 },
    { .pidfile = "/run/x.pid", .keep_fds = some, .keep_fds_count = 6 },
    { .flags = BLIVET_FOREGROUND, .stderr_path = "/var/log/x" },
};

static void only_our_own_and_the_listed_ones_stay_open(void **state)
{
    (void)state;
    for (enum way way = BY_CLOSE_RANGE; way <= ONE_BY_ONE; way++)
        for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
            machine(configs[i].flags & BLIVET_FOREGROUND ? SCRIPT_LAUNCHER : SCRIPT_DAEMON, way);
            start(configs[i]);
            assert_the_rest_is_closed();
        }
}

static void the_highest_number_there_can_be_is_closed(void **state)
{
    (void)state;
    for (enum way way = BY_CLOSE_RANGE; way <= ONE_BY_ONE; way++) {
        machine(SCRIPT_DAEMON, way);
        script.fds[SCRIPT_FDS - 1] = script.fds[1];
        script.descriptions[script.fds[1]].users++;
        start(configs[0]);
        assert_int_equal(script.fds[SCRIPT_FDS - 1], -1);
    }
}

static void all_stay_open_where_that_is_asked_for(void **state)
{
    (void)state;
    machine(SCRIPT_DAEMON, BY_CLOSE_RANGE);
    start((struct blivet_config){ .flags = BLIVET_KEEP_ALL_FDS });
    for (int fd = 3; fd <= 40; fd++)
        assert_true(script.fds[fd] >= 0);
}

/* With a table of a million descriptors the difference is a second. */
static void the_cost_does_not_grow_with_the_limit(void **state)
{
    (void)state;
    enum { INHERITED = 38 };
    machine(SCRIPT_DAEMON, BY_CLOSE_RANGE);
    start(configs[5]);
    assert_in_range(script_count("close_range"), 1, 12);
    assert_in_range(script_count("close"), 0, 8);
    machine(SCRIPT_DAEMON, BY_LISTING);
    start(configs[0]);
    assert_in_range(script_count("close"), INHERITED, INHERITED + 8);
    assert_false(script_called("getrlimit"));
    machine(SCRIPT_DAEMON, ONE_BY_ONE);
    start(configs[0]);
    assert_in_range(script_count("close"), INHERITED, SCRIPT_FDS + 8); /* the hard limit is the end */
}

static void a_way_that_fails_is_left_for_the_next(void **state)
{
    (void)state;
    static const struct { enum way way; const char *call; int nth, error; } cases[] = {
        { BY_CLOSE_RANGE, "close_range", 1, EPERM },   { BY_CLOSE_RANGE, "close_range", 2, ENOMEM },
        { BY_CLOSE_RANGE, "close_range", 4, EINVAL },  { BY_LISTING, "getdents", 1, ENOENT },
        { BY_LISTING, "getdents", 2, EBADF },          { BY_LISTING, "getdents", 1, SCRIPT_LIES }, /* no listing */
        { ONE_BY_ONE, "getrlimit", 1, EFAULT },        { BY_LISTING, "open", 2, EINTR },
        { ONE_BY_ONE, "close", 20, EIO },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine(SCRIPT_DAEMON, cases[i].way);
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        start(configs[4]);
        assert_int_equal(script.faults_fired, 1);
        assert_the_rest_is_closed();
    }
}

static int get_no_limit(int resource, struct rlimit *limit)
{
    (void)resource;
    limit->rlim_cur = 8;
    limit->rlim_max = RLIM_INFINITY;
    return 0;
}

static void without_any_limit_all_that_there_can_be_are_closed(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    ops.getrlimit = get_no_limit;
    machine(SCRIPT_DAEMON, ONE_BY_ONE);
    launch = (struct launch_case){ .ops = &ops };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_the_rest_is_closed();
    assert_true(script.calls > 1 << 20);
}

enum { FRONT = 64 };

/* What lies before it looks like the highest of all numbers. */
static void *calloc_behind_numbers(size_t count, size_t size)
{
    char *memory = blivet_script.calloc(1, FRONT + count * size);
    if (!memory)
        return NULL;
    memset(memory, 0x7f, FRONT);
    return memory + FRONT;
}

static void free_with_numbers(void *memory) { blivet_script.free(memory ? (char *)memory - FRONT : NULL); }

static void what_lies_before_the_list_is_none_of_it(void **state)
{
    (void)state;
    static const int kept[] = { 30, 20 };
    struct blivet_ops ops = blivet_script;
    ops.calloc = calloc_behind_numbers;
    ops.free = free_with_numbers;
    machine(SCRIPT_DAEMON, BY_LISTING);
    launch = (struct launch_case){ .config = { .keep_fds = kept, .keep_fds_count = 2 }, .ops = &ops };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_the_rest_is_closed();
    machine(SCRIPT_DAEMON, BY_LISTING);
    launch = (struct launch_case){ .ops = &ops };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_the_rest_is_closed();
}

/* A listing as no kernel gives it. */
static ssize_t list_oddly(int fd, void *entries, size_t size)
{
    static const char *const names[] = { "7", "5x", "x", "99999999999", "2147483647", "2147483640", "2147483639", "8" };
    static bool listed;
    char *at = entries;
    (void)fd;
    (void)size;
    listed = !listed;
    memset(entries, 0, size);
    for (size_t i = 0; listed && i < sizeof names / sizeof names[0]; i++) {
        const unsigned short length = 40;
        memcpy(at + 16, &length, sizeof length);
        strcpy(at + 19, names[i]);
        at += length;
    }
    return at - (char *)entries;
}

static void sum_up(void *sum, int listing, int number)
{
    (void)listing;
    *(int64_t *)sum += 1000 + (int64_t)number;
}

static void only_what_is_a_number_counts_as_one(void **state)
{
    (void)state;
    struct blivet_ops ops = blivet_script;
    int64_t sum = 0;
    script_begin(SCRIPT_DAEMON);
    ops.getdents = list_oddly;
    assert_true(blivet_list_numbers(&ops, "/proc/self/fd", sum_up, &sum));
    assert_int_equal(sum, 1007 + 2147484639 + 1008);
    assert_int_equal(script_open_fds(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("STD-5 CFG-14 SEQ-14", only_our_own_and_the_listed_ones_stay_open),
        CLAIM("STD-5 SEQ-14", the_highest_number_there_can_be_is_closed),
        CLAIM("STD-5", all_stay_open_where_that_is_asked_for),
        CLAIM("STD-5", the_cost_does_not_grow_with_the_limit),
        CLAIM("STD-5 SEQ-7 SEQ-14", a_way_that_fails_is_left_for_the_next),
        CLAIM("STD-5 SEQ-14", without_any_limit_all_that_there_can_be_are_closed),
        CLAIM("STD-5 CFG-14", what_lies_before_the_list_is_none_of_it),
        CLAIM("STD-5", only_what_is_a_number_counts_as_one),
    };
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
