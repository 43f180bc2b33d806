/* test_config.c - validation: what is refused, how it is said, and that nothing is touched (CFG). */
#include "unit.h"
#include <errno.h>
#include <limits.h>

/* ---- a machine with everything that may lie in the place of a file ---- */

static void machine(uid_t uid)
{
    script_begin(SCRIPT_LAUNCHER);
    script_add("/run/old.pid", S_IFREG | 0644, "4711\n");
    script_add("/run/link.pid", S_IFLNK | 0777, "old.pid");
    script_add("/run/dangling", S_IFLNK | 0777, "/run/new.pid");
    script_add("/run/to-tmp", S_IFLNK | 0777, "/tmp/new.log");
    script_add("/run/loop", S_IFLNK | 0777, "loop");
    script_add("/run/pipe", S_IFIFO | 0600, NULL);
    script_add("/tmp/run", S_IFLNK | 0777, "/run");
    struct script_file *one = script_add("/run/one", S_IFREG | 0644, "");
    struct script_file *two = script_add("/run/two", S_IFREG | 0644, "");
    two->inode = one->inode; /* one file with two names */
    one->links = two->links = 2;
    script_file("/tmp")->mode = S_IFDIR | 01777;
    script_add("/tmp/locked", S_IFDIR | 0700, NULL);
    script_add("/tmp/locked/log", S_IFREG | 0666, "");
    script_add("/var/log/shared", S_IFREG | 0666, "");
    for (int i = 0; i < 3; i++)
        script.uids[i] = uid;
}

struct config_case {
    struct blivet_config config;
    const char *want; /* the message; NULL: accepted */
};

/* Its errno is the one that the message has the words of; 0 where it has none. */
static bool is_said(const struct blivet_error *error)
{
    static const struct { int number; const char *text; } reasons[] = {
#define REASON(name, text) { name, text },
#include "../../core/errno.def"
#undef REASON
    };
    size_t length = strlen(error->message);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        size_t tail = strlen(reasons[i].text);
        if (length > tail + 2 && strcmp(error->message + length - tail, reasons[i].text) == 0 &&
            strncmp(error->message + length - tail - 2, ": ", 2) == 0)
            return error->system_errno == reasons[i].number;
    }
    return error->system_errno == 0 || strstr(error->message, "cannot be created: its directory cannot be written");
}

static void judge_all(const struct config_case *cases, size_t count, uid_t uid)
{
    for (size_t i = 0; i < count; i++) {
        struct blivet_error error = { .message = "accepted" };
        machine(uid);
        int result = blivet_validate_on(&cases[i].config, &blivet_script, &error);
        assert_string_equal(error.message, cases[i].want ? cases[i].want : "accepted");
        assert_int_equal(result, cases[i].want ? -1 : 0);
        assert_int_equal(error.kind, cases[i].want ? BLIVET_INVALID_CONFIG : BLIVET_OK);
        assert_int_equal(error.exit_code, cases[i].want ? 64 : 0);
        assert_true(is_said(&error));
    }
}

#define JUDGE_ALL(cases, uid) judge_all(cases, sizeof(cases) / sizeof(cases)[0], uid)

/* ---- the four files and the directory ---- */

static void paths_are_absolute_and_not_empty(void **state)
{
    (void)state;
    static char endless[PATH_MAX + 1];
    static const struct config_case cases[] = {
        { { 0 }, NULL },
        { { .pidfile = "" }, "pidfile: '': is empty" },
        { { .lockfile = "" }, "lockfile: '': is empty" },
        { { .stdout_path = "" }, "stdout: '': is empty" },
        { { .stderr_path = "" }, "stderr: '': is empty" },
        { { .working_directory = "" }, "working directory: '': is empty" },
        { { .pidfile = "run/x" }, "pidfile: run/x: is not an absolute path" },
        { { .lockfile = "./x" }, "lockfile: ./x: is not an absolute path" },
        { { .stdout_path = "x" }, "stdout: x: is not an absolute path" },
        { { .stderr_path = "../x" }, "stderr: ../x: is not an absolute path" },
        { { .working_directory = "." }, "working directory: .: is not an absolute path" },
    };
    JUDGE_ALL(cases, 0);
    struct blivet_config config = { .pidfile = endless };
    struct blivet_error error;
    memset(endless, 'x', PATH_MAX);
    endless[0] = '/';
    assert_int_equal(blivet_validate_on(&config, &blivet_script, &error), -1);
    assert_contains(error.message, "...: file name too long");
}

static void the_working_directory_is_one(void **state)
{
    (void)state;
    static const struct config_case cases[] = {
        { { .working_directory = "/var/log" }, NULL },
        { { .working_directory = "/tmp/run" }, NULL },
        { { .working_directory = "/nowhere" }, "working directory: /nowhere: no such file or directory" },
        { { .working_directory = "/run/old.pid" }, "working directory: /run/old.pid: is not a directory" },
        { { .working_directory = "/run/loop" }, "working directory: /run/loop: too many levels of symbolic links" },
    };
    JUDGE_ALL(cases, 0);
}

static void pidfile_and_lockfile_are_regular_files_with_one_name(void **state)
{
    (void)state;
    static const struct config_case cases[] = {
        { { .pidfile = "/run/old.pid" }, NULL },
        { { .pidfile = "/run/new.pid" }, NULL },
        { { .pidfile = "/tmp/run/new.pid" }, NULL }, /* a directory on the way may be a link */
        { { .pidfile = "/run" }, "pidfile: /run: is not a regular file" },
        { { .pidfile = "/run/pipe" }, "pidfile: /run/pipe: is not a regular file" },
        { { .pidfile = "/dev/null" }, "pidfile: /dev/null: is not a regular file" },
        { { .pidfile = "/run/link.pid" }, "pidfile: /run/link.pid: is a symbolic link" },
        { { .pidfile = "/run/dangling" }, "pidfile: /run/dangling: is a symbolic link" },
        { { .pidfile = "/run/one" }, "pidfile: /run/one: is a file with several names" },
        { { .lockfile = "/run/old.pid" }, NULL },
        { { .lockfile = "/run/pipe" }, "lockfile: /run/pipe: is not a regular file" },
        { { .lockfile = "/run/link.pid" }, "lockfile: /run/link.pid: is a symbolic link" },
        { { .lockfile = "/run/two" }, "lockfile: /run/two: is a file with several names" },
        { { .pidfile = "/new.pid" }, NULL },
        { { .pidfile = "/run/new/" }, "pidfile: /run/new/: no such file or directory" },
    };
    JUDGE_ALL(cases, 0);
}

static void output_goes_to_whatever_can_be_opened(void **state)
{
    (void)state;
    static const struct config_case cases[] = {
        { { .stdout_path = "/dev/null", .stderr_path = "/run/pipe" }, NULL },
        { { .stdout_path = "/run/one", .stderr_path = "/run/link.pid" }, NULL },
        { { .stdout_path = "/var/log" }, NULL }, /* step 12 says so (CFG-5) */
        { { .stdout_path = "/run/loop" }, "stdout: /run/loop: too many levels of symbolic links" },
        { { .stderr_path = "/run/old.pid/x" }, "stderr: /run/old.pid/x: not a directory" },
        { { .stderr_path = "/nowhere/x" }, "stderr: /nowhere/x: no such file or directory" },
    };
    JUDGE_ALL(cases, 0);
}

static void the_effective_user_can_write_each_file_or_its_directory(void **state)
{
    (void)state;
    static const struct config_case cases[] = {
        { { .stdout_path = "/dev/null", .stderr_path = "/var/log/shared" }, NULL }, /* in directories of root */
        { { .pidfile = "/tmp/new.pid", .stderr_path = "/tmp/new.log" }, NULL },
        { { .pidfile = "/run/old.pid" }, "pidfile: /run/old.pid: permission denied" },
        { { .stdout_path = "/run/old.pid" }, "stdout: /run/old.pid: permission denied" },
        { { .pidfile = "/run/new" }, "pidfile: /run/new: cannot be created: its directory cannot be written" },
        { { .lockfile = "/run/new" }, "lockfile: /run/new: cannot be created: its directory cannot be written" },
        { { .stderr_path = "/run/dangling" },
          "stderr: /run/dangling: cannot be created: its directory cannot be written" },
        { { .stdout_path = "/tmp/locked/log" }, "stdout: /tmp/locked/log: permission denied" },
        /* A directory that was found writable says nothing of another, nor of the one that a link lies in. */
        { { .pidfile = "/tmp/new", .lockfile = "/run/new" },
          "lockfile: /run/new: cannot be created: its directory cannot be written" },
        { { .stdout_path = "/run/to-tmp", .stderr_path = "/run/new" },
          "stderr: /run/new: cannot be created: its directory cannot be written" },
        { { .stdout_path = "/run/to-tmp", .stderr_path = "/new" },
          "stderr: /new: cannot be created: its directory cannot be written" },
    };
    JUDGE_ALL(cases, 1000);
}

/* ---- one file under two names (CFG-7) ---- */

static void no_output_goes_to_the_pidfile_or_the_lockfile(void **state)
{
    (void)state;
    static const struct { const char *own, *output; bool same; } spelled[] = {
        { "/run/old.pid", "/run/old.pid", true },     { "/run/new.pid", "/run/new.pid", true },
        { "/run/new.pid", "/run//./new.pid", true },  { "/run/new.pid", "/var/log/../../run/new.pid", true },
        { "/run/new.pid", "/tmp/run/new.pid", true }, { "/run/new.pid", "/run/dangling", true },
        { "/run/old.pid", "/run/link.pid", true },    { "/run/old.pid", "/var/log/shared", false },
        { "/run/new.pid", "/var/log/new.pid", false }, { "/run/new.pid", "/run/new.pid2", false },
    };
    for (size_t i = 0; i < sizeof spelled / sizeof spelled[0]; i++)
        for (int which = 0; which < 4; which++) {
            struct blivet_config config = { 0 };
            struct blivet_error error = { .message = "accepted" };
            char want[128] = "accepted";
            *(which & 1 ? &config.pidfile : &config.lockfile) = spelled[i].own;
            *(which & 2 ? &config.stdout_path : &config.stderr_path) = spelled[i].output;
            if (spelled[i].same)
                snprintf(want, sizeof want, "%s: %s: is the same file as %s", which & 1 ? "pidfile" : "lockfile",
                         spelled[i].own, which & 2 ? "stdout" : "stderr");
            machine(0);
            int result = blivet_validate_on(&config, &blivet_script, &error);
            assert_string_equal(error.message, want);
            assert_int_equal(result, spelled[i].same ? -1 : 0);
        }
}

static void two_files_of_one_kind_may_be_one(void **state)
{
    (void)state;
    static const struct config_case cases[] = {
        { { .pidfile = "/run/new.pid", .lockfile = "/tmp/run/new.pid" }, NULL },
        { { .stdout_path = "/var/log/x", .stderr_path = "/var/../var/log/x" }, NULL },
    };
    JUDGE_ALL(cases, 0);
    static const struct { const char *pidfile, *lockfile; bool same; } spelled[] = {
        { "/run/new.pid", "/run/new.pid", true },     { "/run/new.pid", "/tmp/run/new.pid", true },
        { "/run/old.pid", "/run/./old.pid", true },   { "/run/old.pid", "/run/new.pid", false },
        { "/run/new.pid", "/run/other.pid", false },  { "/run/new.pid", "/var/log/new.pid", false },
        { "/run/new.pid", NULL, false },
    };
    for (size_t i = 0; i < sizeof spelled / sizeof spelled[0]; i++) {
        const struct blivet_config config = { .pidfile = spelled[i].pidfile, .lockfile = spelled[i].lockfile };
        struct blivet_error error;
        bool same = !spelled[i].same;
        machine(0);
        assert_int_equal(blivet_check_config(&config, &blivet_script, &same, &error), 0);
        assert_int_equal(same, spelled[i].same);
    }
}

/* ---- the rest ---- */

static const struct blivet_env good[] = { { "A", "" }, { "B", "x=y" } }, nameless[] = { { "A", "1" }, { "", "2" } },
                               no_name[] = { { NULL, NULL } }, with_sign[] = { { "A=B", "1" } },
                               no_value[] = { { "A", NULL } };
static const int standard_fd[] = { 2 }, first_fd[] = { 0 }, negative_fd[] = { -7 }, closed_fd[] = { 9 };

static void numbers_names_and_flags_are_judged(void **state)
{
    (void)state;
    static const struct config_case cases[] = {
        { { .env = good, .env_count = 2, .umask = 07777, .ready_timeout_ms = UINT32_MAX }, NULL },
        { { .env = nameless, .env_count = 2 }, "env: 2: the name is empty" },
        { { .env = no_name, .env_count = 1 }, "env: '': the name is empty" },
        { { .env = with_sign, .env_count = 1 }, "env: A=B: the name has a '='" },
        { { .env = no_value, .env_count = 1 }, "env: A: has no value" },
        { { .env_count = 1 }, "env: has a count but no entries" },
        { { .umask = 010000 }, "umask: 4096: is over 4095, octal 07777" },
        { { .keep_fds = standard_fd, .keep_fds_count = 1 }, "keep-fd: 2: a standard descriptor is always replaced" },
        { { .keep_fds = first_fd, .keep_fds_count = 1 }, "keep-fd: 0: a standard descriptor is always replaced" },
        { { .keep_fds = negative_fd, .keep_fds_count = 1 }, "keep-fd: -7: is not an open descriptor" },
        { { .keep_fds = closed_fd, .keep_fds_count = 1 }, "keep-fd: 9: is not an open descriptor" },
        { { .keep_fds_count = 1 }, "keep-fd: has a count but no descriptors" },
        { { .lockfile = "/run/x", .flags = BLIVET_NO_LOCK }, "lockfile: /run/x: named, and locking turned off" },
        { { .pidfile = "/run/x", .flags = BLIVET_NO_LOCK }, NULL },
        { { .flags = 1 << 9 }, "configuration: asks for what this version does not know" },
        { { .reserved_word = 1 }, "configuration: asks for what this version does not know" },
        { { .reserved = { [0] = 1 } }, "configuration: asks for what this version does not know" },
        { { .reserved = { [7] = 1 } }, "configuration: asks for what this version does not know" },
        { { .flags = (1 << 9) - 1 - BLIVET_NO_LOCK }, NULL },
        { { .ready = 3 }, "configuration: asks for what this version does not know" },
        { { .ready = BLIVET_READY_FD, .ready_fd = 2 }, "readiness descriptor: is not over 2" },
        { { .ready_fd = 5 }, "readiness descriptor: is given, but not asked for" },
        { { .ready = BLIVET_READY_NOTIFY }, NULL },
    };
    JUDGE_ALL(cases, 0);
}

static void an_identity_asks_for_root_and_for_no_database(void **state)
{
    (void)state;
    static const struct { struct blivet_config config; const char *want; } cases[] = {
        { { .user = "www" }, "user: www: permission denied: only root can change identity" },
        { { .group = "adm" }, "group: adm: permission denied: only root can change identity" },
        { { .user = "", .group = "adm" }, "user: '': permission denied: only root can change identity" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uid_t uid = 0; uid <= 1000; uid += 1000) {
            struct blivet_error error = { 0 };
            machine(uid);
            script.uids[0] = 0; /* the effective one counts */
            assert_int_equal(blivet_validate_on(&cases[i].config, &blivet_script, &error), uid ? -1 : 0);
            assert_string_equal(error.message, uid ? cases[i].want : "");
            assert_int_equal(error.exit_code, uid ? 77 : 0);
            assert_int_equal(error.system_errno, 0);
            assert_false(script_called("getpwnam") || script_called("getpwuid") || script_called("getgrnam"));
        }
}

static void what_the_system_answers_is_the_reason(void **state)
{
    (void)state;
    static const struct { const char *call; int nth; struct blivet_config config; const char *want; } cases[] = {
        { "lstat", 1, { .pidfile = "/run/x" }, "pidfile: /run/x: input/output error" },
        { "lstat", 1, { .stdout_path = "/run/x" }, "stdout: /run/x: input/output error" },
        { "stat", 1, { .stdout_path = "/run/link.pid" }, "stdout: /run/link.pid: input/output error" },
        { "eaccess", 1, { .stderr_path = "/run/one" }, "stderr: /run/one: input/output error" },
        { "readlink", 1, { .stderr_path = "/run/dangling" }, "stderr: /run/dangling: input/output error" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_error error;
        machine(0);
        script_fail(cases[i].call, cases[i].nth, EIO);
        assert_int_equal(blivet_validate_on(&cases[i].config, &blivet_script, &error), -1);
        assert_int_equal(script.faults_fired, 1);
        assert_string_equal(error.message, cases[i].want);
        assert_int_equal(error.exit_code, 64);
    }
}

/* Another instance may end, and remove its pidfile, while we look. */
static void a_file_that_goes_away_meanwhile_is_judged_by_its_directory(void **state)
{
    (void)state;
    static const struct { struct blivet_config config; uid_t uid; int want; } cases[] = {
        { { .pidfile = "/tmp/mine" }, 1000, 0 },  { { .stdout_path = "/tmp/mine" }, 1000, 0 },
        { { .pidfile = "/run/mine" }, 1000, -1 }, { { .stderr_path = "/run/mine" }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_error error;
        machine(cases[i].uid);
        script_add("/tmp/mine", S_IFREG | 0644, "");
        script_add("/run/mine", S_IFREG | 0644, "");
        script_fail("eaccess", 1, ENOENT);
        assert_int_equal(blivet_validate_on(&cases[i].config, &blivet_script, &error), cases[i].want);
        assert_int_equal(script.faults_fired, 1);
        if (cases[i].want != 0)
            assert_contains(error.message, "its directory cannot be written");
    }
}

static int remove_and_look(const char *path, int mode)
{
    if (strcmp(path, "/run/old.pid") == 0)
        script_file(path)->inode = 0;
    return script_kernel.eaccess(path, mode);
}

/* Then it is compared as one that is not there: by its name. */
static void a_file_that_goes_away_meanwhile_is_still_the_same_file(void **state)
{
    (void)state;
    static const struct blivet_config config = { .pidfile = "/run/old.pid", .stdout_path = "/run/link.pid" };
    struct blivet_ops ops = blivet_script;
    struct blivet_error error;
    machine(0);
    ops.eaccess = remove_and_look;
    assert_int_equal(blivet_validate_on(&config, &ops, &error), -1);
    assert_string_equal(error.message, "pidfile: /run/old.pid: is the same file as stdout");
}

/* A link is followed by hand where nothing is at its end; these are of a machine stranger than the invented one. */
static ssize_t read_endless_link(const char *path, char *buffer, size_t size)
{
    (void)path;
    memset(buffer, 'x', size);
    return (ssize_t)size;
}

static int followed;

static ssize_t read_short_link(const char *path, char *buffer, size_t size)
{
    (void)path;
    (void)size;
    followed++;
    *buffer = 'x';
    return 1;
}

static int lead_nowhere(const char *path, struct stat *file)
{
    (void)path;
    (void)file;
    errno = ENOENT;
    return -1;
}

static int be_a_link(const char *path, struct stat *file)
{
    (void)path;
    memset(file, 0, sizeof *file);
    file->st_mode = S_IFLNK | 0777;
    return 0;
}

static void links_that_lead_on_for_ever_are_given_up(void **state)
{
    (void)state;
    static const struct blivet_config config = { .stdout_path = "/run/dangling" };
    struct blivet_ops ops = blivet_script;
    struct blivet_error error;
    machine(0);
    ops.readlink = read_endless_link;
    assert_int_equal(blivet_validate_on(&config, &ops, &error), -1);
    assert_string_equal(error.message, "stdout: /run/dangling: file name too long");
    ops.readlink = read_short_link;
    ops.stat = lead_nowhere;
    ops.lstat = be_a_link;
    assert_int_equal(blivet_validate_on(&config, &ops, &error), -1);
    assert_string_equal(error.message, "stdout: /run/dangling: too many levels of symbolic links");
    assert_int_equal(followed, 40); /* as many as the kernel follows */
}

static size_t link_length, path_length;
static bool leads_to_root;
static int looked;

static ssize_t read_long_link(const char *path, char *buffer, size_t size)
{
    (void)path;
    for (size_t i = 0; i < link_length && i < size; i++)
        buffer[i] = i % 2 != leads_to_root ? '/' : 'x';
    return (ssize_t)(link_length < size ? link_length : size);
}

static int count_and_be_a_link(const char *path, struct stat *file)
{
    assert_true(strlen(path) < PATH_MAX);
    looked++;
    path_length = strlen(path);
    return looked == 1 ? be_a_link(path, file) : lead_nowhere(path, file);
}

/* Nobody is asked about a path that is longer than any. */
static void what_is_too_long_is_not_asked_for(void **state)
{
    (void)state;
    static char path[PATH_MAX + 1] = "/";
    const size_t prefix = strlen("/run/");
    struct blivet_ops ops = blivet_script;
    struct blivet_error error;
    ops.readlink = read_long_link;
    ops.lstat = count_and_be_a_link;
    ops.stat = lead_nowhere;
    for (int over = 0; over < 2; over++) {
        machine(0);
        looked = 0;
        link_length = PATH_MAX - 1 - prefix + (size_t)over;
        assert_int_equal(blivet_validate_on(&(struct blivet_config){ .stdout_path = "/run/dangling" }, &ops, &error), -1);
        assert_int_equal(looked, 2 - over);
        memset(path + 1, 'x', sizeof path - 2);
        path[PATH_MAX - 1 + over] = '\0';
        looked = 0;
        assert_int_equal(blivet_validate_on(&(struct blivet_config){ .stdout_path = path }, &ops, &error), -1);
        assert_int_equal(looked > 0, !over);
    }
    machine(0);
    looked = 0;
    leads_to_root = true;
    link_length = PATH_MAX - 1;
    assert_int_equal(blivet_validate_on(&(struct blivet_config){ .stdout_path = "/run/dangling" }, &ops, &error), -1);
    assert_int_equal(path_length, PATH_MAX - 1); /* all of a link that is as long as any can be */
    static char longest[5 + NAME_MAX + 2] = "/run/";
    memset(longest + 5, 'x', NAME_MAX);
    machine(0);
    ops.lstat = lead_nowhere;
    assert_int_equal(blivet_validate_on(&(struct blivet_config){ .pidfile = longest }, &ops, &error), 0);
    longest[5 + NAME_MAX] = 'x';
    machine(0);
    assert_int_equal(blivet_validate_on(&(struct blivet_config){ .pidfile = longest }, &ops, &error), -1);
    assert_int_equal(error.system_errno, ENAMETOOLONG);
    assert_false(script_called("eaccess"));
}

static void a_chain_of_links_ends_where_the_last_one_leads(void **state)
{
    (void)state;
    static const struct blivet_config config = { .pidfile = "/run/new.pid", .stdout_path = "/run/far" };
    struct blivet_error error;
    machine(0);
    script_add("/run/far", S_IFLNK | 0777, "dangling");
    assert_int_equal(blivet_validate_on(&config, &blivet_script, &error), -1);
    assert_string_equal(error.message, "pidfile: /run/new.pid: is the same file as stdout");
}

static void make_what_is_missing(const char *call)
{
    if (strcmp(call, "eaccess") == 0 && !script_file("/run/new"))
        script_add("/run/new", S_IFDIR | 0755, NULL);
    if (strcmp(call, "lstat") == 0 && script_called("readlink") && !script_file("/run/new.pid"))
        script_add("/run/new.pid", S_IFREG | 0644, "");
}

static void what_appears_meanwhile_is_no_better(void **state)
{
    (void)state;
    static const struct config_case cases[] = {
        { { .pidfile = "/run/new/" }, "pidfile: /run/new/: no such directory" },
        { { .pidfile = "/tmp/new.pid", .stdout_path = "/run/dangling" }, NULL },
    };
    for (size_t i = 0; i < 2; i++) {
        struct blivet_error error = { .message = "accepted" };
        machine(0);
        script.watch = make_what_is_missing;
        assert_int_equal(blivet_validate_on(&cases[i].config, &blivet_script, &error), cases[i].want ? -1 : 0);
        assert_string_equal(error.message, cases[i].want ? cases[i].want : "accepted");
        assert_non_null(script_file(i ? "/run/new.pid" : "/run/new"));
    }
}

/* What cannot be told apart is left to the judgement of the opened files. */
static void two_files_whose_directory_cannot_be_seen_count_as_two(void **state)
{
    (void)state;
    static const struct { const char *call; int nth; } cases[] = {
        { "", 0 }, { "stat", 2 }, { "stat", 3 }, { "readlink", 2 },
    };
    static const struct blivet_config config = { .pidfile = "/run/new.pid", .stdout_path = "/run/dangling" };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_error error;
        machine(0);
        script_fail(cases[i].call, cases[i].nth, EACCES);
        assert_int_equal(blivet_validate_on(&config, &blivet_script, &error), i == 0 ? -1 : 0);
        assert_int_equal(script.faults_fired, i == 0 ? 0 : 1);
    }
    struct blivet_error error; /* those of one name are one, whatever can be seen */
    machine(0);
    script_fail("stat", 0, EACCES);
    const struct blivet_config one = { .pidfile = "/run/new", .stdout_path = "/run/new" };
    assert_int_equal(blivet_validate_on(&one, &blivet_script, &error), -1);
    assert_string_equal(error.message, "pidfile: /run/new: is the same file as stdout");
}

static void one_number_on_two_devices_is_two_files(void **state)
{
    (void)state;
    const struct stat one = { .st_dev = 1, .st_ino = 7 }, elsewhere = { .st_dev = 2, .st_ino = 7 },
                      other = { .st_dev = 1, .st_ino = 8 };
    assert_true(blivet_same_inode(&one, &one));
    assert_false(blivet_same_inode(&one, &elsewhere));
    assert_false(blivet_same_inode(&one, &other));
}

/* ---- it only looks ---- */

static void validation_changes_nothing(void **state)
{
    (void)state;
    static struct script before;
    static const struct blivet_config config = { .pidfile = "/run/new.pid", .lockfile = "/run/new.lock",
                                                 .stdout_path = "/var/log/x", .stderr_path = "/run/pipe",
                                                 .env = good, .env_count = 2, .user = "www", .umask = 077 };
    machine(0);
    before = script;
    assert_int_equal(blivet_validate_on(&config, &blivet_script, NULL), 0);
    assert_memory_equal(script.files, before.files, sizeof before.files);
    assert_memory_equal(script.fds, before.fds, sizeof before.fds);
    assert_int_equal(script.umask, before.umask);
    assert_int_equal(script.allocations, 0);
}

static void daemonizing_validates_before_any_fork(void **state)
{
    (void)state;
    machine(0);
    struct launch_case launch = { .config = { .pidfile = "x" } };
    assert_int_equal(launch_it(&launch), SCRIPT_RETURNED);
    assert_null(launch.daemon);
    assert_int_equal(launch.error.exit_code, 64);
    assert_string_equal(launch.error.message, "pidfile: x: is not an absolute path");
    assert_false(script_called("fork") || script_called("socketpair") || script_called("open"));
    assert_int_equal(blivet_validate_on(&launch.config, &blivet_script, NULL), -1); /* the reason is not wanted */
}

static void the_readiness_descriptor_is_not_kept_as_well(void **state)
{
    (void)state;
    static const int kept[] = { 8, 9 };
    for (int fd = 8; fd <= 10; fd++) {
        const struct blivet_config config = { .ready = fd == 10 ? BLIVET_READY_EXEC : BLIVET_READY_FD,
                                              .ready_fd = fd == 10 ? 0 : fd, .keep_fds = kept, .keep_fds_count = 2 };
        struct blivet_error error;
        machine(0);
        while (script_kernel.open("/dev/null", 0, 0) < 10)
            ;
        assert_int_equal(blivet_validate_on(&config, &blivet_script, &error), fd == 10 ? 0 : -1);
        if (fd < 10)
            assert_string_equal(error.message, fd == 8 ? "keep-fd: 8: is to be the readiness descriptor"
                                                       : "keep-fd: 9: is to be the readiness descriptor");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CFG-1 CFG-4 CFG-12 ERR-1", paths_are_absolute_and_not_empty),
        CLAIM("CFG-4", the_working_directory_is_one),
        CLAIM("CFG-5 PID-5", pidfile_and_lockfile_are_regular_files_with_one_name),
        CLAIM("CFG-5", output_goes_to_whatever_can_be_opened),
        CLAIM("CFG-6", the_effective_user_can_write_each_file_or_its_directory),
        CLAIM("CFG-7", no_output_goes_to_the_pidfile_or_the_lockfile),
        CLAIM("CFG-7", two_files_of_one_kind_may_be_one),
        CLAIM("CFG-1 CFG-8 CFG-11 CFG-13 CFG-14 CFG-15", numbers_names_and_flags_are_judged),
        CLAIM("CFG-9 CFG-10 ERR-10", an_identity_asks_for_root_and_for_no_database),
        CLAIM("CFG-12", what_the_system_answers_is_the_reason),
        CLAIM("CFG-6", a_file_that_goes_away_meanwhile_is_judged_by_its_directory),
        CLAIM("CFG-6 CFG-7", a_file_that_goes_away_meanwhile_is_still_the_same_file),
        CLAIM("CFG-12 CFG-6", links_that_lead_on_for_ever_are_given_up),
        CLAIM("CFG-11 CFG-6", what_is_too_long_is_not_asked_for),
        CLAIM("CFG-7", a_chain_of_links_ends_where_the_last_one_leads),
        CLAIM("CFG-6", what_appears_meanwhile_is_no_better),
        CLAIM("CFG-7", two_files_whose_directory_cannot_be_seen_count_as_two),
        CLAIM("CFG-7 PID-3", one_number_on_two_devices_is_two_files),
        CLAIM("CFG-3", validation_changes_nothing),
        CLAIM("CFG-3", daemonizing_validates_before_any_fork),
        CLAIM("CFG-14 NTF-15", the_readiness_descriptor_is_not_kept_as_well),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
