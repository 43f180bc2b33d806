/* test_trace.c - the recording table: what it writes down, and that nothing else changes. */
#include "unit.h"
#include "../../syscall/trace.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

static union {
    struct blivet_trace trace;
    char bytes[256 * 1024];
} memory;
static const struct blivet_ops *ops;

static void begin_trace(enum script_role role, size_t size)
{
    script_begin(role);
    ops = blivet_trace_on(&memory, size, &blivet_script);
}

static const struct blivet_trace_record *last(void) { return &memory.trace.records[memory.trace.count - 1]; }

static void assert_last(const char *call, const char *arguments, int64_t result, int error)
{
    assert_string_equal(blivet_call_name(last()->call), call);
    assert_string_equal(last()->arguments, arguments);
    assert_int_equal(last()->state, BLIVET_CALL_RETURNED);
    assert_int_equal(last()->result, result);
    assert_int_equal(last()->error, error);
}

static void arguments_are_readable(void **state)
{
    (void)state;
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t all;
    int ends[2];
    sigfillset(&all);
    begin_trace(SCRIPT_DAEMON, sizeof memory);
    int fd = ops->open("/run/a\"\n\001", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    assert_last("open", "\"/run/a\\\"\\n\\001\", O_RDWR|O_CREAT|O_CLOEXEC, 0640", fd, 0);
    ops->open("/run", O_RDONLY | 0x40000000, 0);
    assert_last("open", "\"/run\", O_RDONLY|1073741824, 0", last()->result, last()->error);
    ops->flock(fd, LOCK_EX | LOCK_NB);
    assert_last("flock", "3, LOCK_EX|LOCK_NB", 0, 0);
    ops->fcntl(fd, F_DUPFD_CLOEXEC, 10);
    assert_last("fcntl", "3, F_DUPFD_CLOEXEC, 10", last()->result, 0);
    ops->sigaction(SIGTERM, &ignore, NULL);
    assert_last("sigaction", "SIGTERM, SIG_IGN, NULL", 0, 0);
    ops->sigprocmask(SIG_SETMASK, &all, NULL);
    assert_last("sigprocmask", "SIG_SETMASK, all, NULL", 0, 0);
    assert_int_equal(ops->getpid(), SCRIPT_CALLER_PID);
    assert_last("getpid", "", SCRIPT_CALLER_PID, 0);
    ops->pwrite(fd, "7\n", 2, 0);
    assert_last("pwrite", "3, \"7\\n\", 2, 0", 2, 0);
    assert_int_equal(ops->socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_contains(last()->arguments, "AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [");
    ops->kill(-5, SIGKILL);
    assert_contains(last()->arguments, "-5, SIGKILL");
}

static void any_handler(int signal) { (void)signal; }
static void any_action(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
}

static void what_an_argument_points_to_is_shown(void **state)
{
    (void)state;
    const struct sigaction standard = { .sa_handler = SIG_DFL }, handler = { .sa_handler = any_handler },
                           action = { .sa_sigaction = any_action, .sa_flags = SA_SIGINFO };
    struct pollfd fds[] = { { .fd = 3, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
    char one[] = "one", two[] = "\177\200\\";
    char *argv[12] = { one, two };
    int ends[2];
    sigset_t set;
    begin_trace(SCRIPT_DAEMON, sizeof memory);
    ops->sigaction(SIGTERM, &standard, NULL);
    assert_last("sigaction", "SIGTERM, SIG_DFL, NULL", 0, 0);
    ops->sigaction(SIGTERM, &handler, NULL);
    assert_last("sigaction", "SIGTERM, handler, NULL", 0, 0);
    ops->sigaction(SIGTERM, &action, NULL);
    assert_last("sigaction", "SIGTERM, handler, NULL", 0, 0);
    sigemptyset(&set);
    ops->sigprocmask(SIG_SETMASK, &set, NULL);
    assert_last("sigprocmask", "SIG_SETMASK, none, NULL", 0, 0);
    sigaddset(&set, SIGHUP);
    ops->sigprocmask(SIG_BLOCK, &set, &set);
    assert_contains(last()->arguments, ", some, &");
    ops->poll(fds, 2, 0);
    assert_contains(last()->arguments, "[3, -1], 2, 0");
    ops->execve("/bin/gone", argv, argv);
    assert_last("execve", "\"/bin/gone\", [\"one\", \"\\177\\200\\\\\"], &envp", -1, ENOENT);
    for (int i = 0; i < 11; i++)
        argv[i] = one;
    ops->execve("/x", argv, argv);
    const char *more = last()->arguments;
    int words = 0;
    for (const char *at = more; (at = strstr(at, "one")); at++)
        words++;
    assert_int_equal(words, 8);
    assert_string_equal(more + strlen(more) - strlen("\"one\", ...], &envp"), "\"one\", ...], &envp");
    argv[8] = NULL;
    ops->execve("/x", argv, argv);
    assert_null(strstr(last()->arguments, "..."));
    ops->pwrite(3, one, 0, 0);
    assert_contains(last()->arguments, "3, \"\", 0, 0");
    ops->pidfd_exit_status(3, &words);
    assert_contains(last()->arguments, "3, &status");
    ops->umask(0);
    assert_last("umask", "0", 022, 0);
    script_fail("socketpair", 1, EMFILE);
    ops->socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    assert_contains(last()->arguments, "&ends"); /* nothing has been filled in */
    script_fail("pipe2", 1, EMFILE);
    ops->pipe2(ends, O_CLOEXEC);
    assert_contains(last()->arguments, "&ends");
    ops->pipe2(ends, O_CLOEXEC);
    assert_contains(last()->arguments, "], O_CLOEXEC");
    script_fail("fork", 1, EAGAIN);
    ops->fork();
    assert_last("fork", "", -1, EAGAIN);
    assert_string_equal(blivet_call_name(-1), "?");
    assert_string_equal(blivet_call_name(4711), "?");
}

static void a_failure_is_recorded_and_errno_stays(void **state)
{
    (void)state;
    begin_trace(SCRIPT_DAEMON, sizeof memory);
    script_fail("setsid", 1, EPERM);
    assert_int_equal(ops->setsid(), -1);
    assert_int_equal(errno, EPERM);
    assert_last("setsid", "", -1, EPERM);
    errno = ENXIO; /* a call that works leaves it alone, and so does the record */
    assert_int_equal(ops->chdir("/"), 0);
    assert_int_equal(errno, ENXIO);
    assert_last("chdir", "\"/\"", 0, 0);
    errno = 0; /* getpwnam(3): NULL and 0 is "not there" */
    assert_null(ops->getpwnam("nobody at all"));
    assert_int_equal(errno, 0);
    assert_last("getpwnam", "\"nobody at all\"", 0, 0);
}

static void process_and_step_are_noted(void **state)
{
    (void)state;
    begin_trace(SCRIPT_DAEMON, sizeof memory);
    ops->enter_step(1);
    assert_int_equal(ops->fork(), 0);
    assert_int_equal(last()->state, BLIVET_CALL_BEGUN); /* its parent fills in the rest */
    assert_int_equal(last()->process, 0);
    ops->enter_step(3);
    assert_int_equal(ops->fork(), 0);
    assert_int_equal(last()->process, 1);
    ops->umask(0);
    assert_int_equal(last()->process, 2);
    assert_int_equal(last()->step, 3);
    assert_true(last()->ended_ns >= last()->began_ns);
    assert_true(last()[-1].began_ns <= last()->began_ns);
}

static void leave(void *unused)
{
    (void)unused;
    ops->_exit(3);
}

static void an_end_is_recorded_before_it_comes(void **state)
{
    (void)state;
    begin_trace(SCRIPT_LAUNCHER, sizeof memory);
    assert_int_equal(script_run(leave, NULL), SCRIPT_EXITED);
    assert_string_equal(blivet_call_name(last()->call), "_exit");
    assert_string_equal(last()->arguments, "3");
    assert_int_equal(last()->state, BLIVET_CALL_BEGUN);
}

static void long_arguments_are_cut(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    begin_trace(SCRIPT_DAEMON, sizeof memory);
    ops->setenv(name, name, 1);
    ops->chdir(name);
    const char *text = last()->arguments;
    assert_true(strlen(text) < BLIVET_TRACE_ARGUMENTS);
    assert_string_equal(text + strlen(text) - 3, "...");
}

/* Whatever it is that has no room: a text and a list end where they are cut. */
static void what_is_cut_is_closed(void **state)
{
    (void)state;
    char path[64], word[64], escaped[50] = "";
    for (size_t length = 1; length < 60; length++) {
        char *argv[] = { word, escaped, word, escaped, NULL };
        memset(escaped, '\\', sizeof escaped - 1);
        memset(path, 'p', length);
        memset(word, 'w', length);
        path[length] = word[length] = '\0';
        begin_trace(SCRIPT_DAEMON, sizeof memory);
        ops->execve(path, argv, argv);
        const char *text = last()->arguments;
        bool in_text = false, in_list = false;
        for (const char *at = text; *at; at++)
            if (in_text && *at == '\\')
                at++;
            else if (*at == '"')
                in_text = !in_text;
            else if (!in_text && (*at == '[' || *at == ']'))
                in_list = *at == '[';
        assert_false(in_text);
        assert_false(in_list);
        assert_non_null(strstr(text, "..."));
        assert_in_range(strlen(text), BLIVET_TRACE_ARGUMENTS - 10, BLIVET_TRACE_ARGUMENTS - 1);
        argv[0] = argv[1] = escaped; /* a list that is whole, before and behind the cut */
        memset(escaped, 'e', sizeof escaped - 10);
        escaped[sizeof escaped - 10] = '\0';
        argv[2] = NULL;
        ops->execve(path, argv, argv);
        text = last()->arguments;
        const char *end = strchr(text, ']');
        assert_true(end == strrchr(text, ']') && end);
        memset(escaped, '\\', sizeof escaped - 1);
    }
}

static void a_full_trace_goes_on_without_records(void **state)
{
    (void)state;
    begin_trace(SCRIPT_DAEMON, sizeof memory.trace + 2 * sizeof memory.trace.records[0]);
    memory.trace.records[2].pid = -7;
    assert_int_equal(memory.trace.capacity, 2);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ops->chdir("/"), 0);
    assert_int_equal(memory.trace.count, 5);
    assert_int_equal(memory.trace.records[2].pid, -7);
    assert_int_equal(script_count("chdir"), 5);
}

static void of_thousands_in_a_row_a_hundred_are_recorded(void **state)
{
    (void)state;
    begin_trace(SCRIPT_DAEMON, sizeof memory.trace + 110 * sizeof memory.trace.records[0]);
    for (int fd = 3; fd < 5003; fd++)
        ops->close(fd);
    ops->chdir("/");
    assert_int_equal(memory.trace.count, BLIVET_TRACE_IN_A_ROW + 1);
    assert_int_equal(memory.trace.records[BLIVET_TRACE_IN_A_ROW - 1].more, 5000 - BLIVET_TRACE_IN_A_ROW);
    assert_last("chdir", "\"/\"", 0, 0);
    ops->close(3);
    ops->enter_step(7); /* in another step they are counted anew */
    ops->close(3);
    assert_int_equal(memory.trace.count, BLIVET_TRACE_IN_A_ROW + 4);
    begin_trace(SCRIPT_DAEMON, sizeof memory.trace); /* no room for one that could count */
    for (int fd = 0; fd < 2 * BLIVET_TRACE_IN_A_ROW; fd++)
        ops->close(fd);
    assert_int_equal(memory.trace.count, BLIVET_TRACE_IN_A_ROW);
}

/* Others that come between do not let one name take the room of all that follows. */
static void of_thousands_in_a_step_some_hundred_are_recorded(void **state)
{
    (void)state;
    const int most = BLIVET_TRACE_IN_A_STEP;
    begin_trace(SCRIPT_DAEMON, sizeof memory.trace + (size_t)(2 * most + 20) * sizeof memory.trace.records[0]);
    for (int fd = 3; fd < 5003; fd++) {
        ops->close(fd);
        ops->chdir("/");
    }
    assert_int_equal(memory.trace.count, 2 * most);
    assert_int_equal(memory.trace.records[2 * most - 2].more, 5000 - most);
    assert_int_equal(memory.trace.records[2 * most - 1].more, 5000 - most);
    ops->umask(0);
    assert_last("umask", "0", 022, 0);
    ops->enter_step(7);
    ops->close(3);
    assert_last("close", "3", -1, EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("ASR-7", arguments_are_readable),
        CLAIM("ASR-7", what_an_argument_points_to_is_shown),
        CLAIM("ASR-7", a_failure_is_recorded_and_errno_stays),
        CLAIM("ASR-7", process_and_step_are_noted),
        CLAIM("ASR-7", an_end_is_recorded_before_it_comes),
        CLAIM("ASR-7", long_arguments_are_cut),
        CLAIM("ASR-7", what_is_cut_is_closed),
        CLAIM("ASR-7", of_thousands_in_a_row_a_hundred_are_recorded),
        CLAIM("ASR-7", of_thousands_in_a_step_some_hundred_are_recorded),
        CLAIM("ASR-7", a_full_trace_goes_on_without_records),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
