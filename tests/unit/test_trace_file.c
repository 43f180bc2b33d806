/* test_trace_file.c - where a trace goes: which files are refused, and what stays as it was (CLI-16, CLI-17). */
#include "command_line.h"
#include "../../cli/trace.h"
#include <errno.h>
#include <fcntl.h>

static void what_is_no_file_for_a_trace_is_refused_and_not_touched(void **state)
{
    (void)state;
    static const struct {
        const char *line, *path, *message;
        int code;
        bool there;
    } cases[] = {
        { "--trace=/run/own -p /run/own true", "/run/own", "option --trace: /run/own: is the pidfile", 64, true },
        { "--trace=/run/own -l /run/own true", "/run/own", "option --trace: /run/own: is the lockfile", 64, true },
        { "--trace=/run/own -o /run/own -e /x true", "/run/own", "option --trace: /run/own: is stdout", 64, true },
        { "--trace=/run/own -e /run/own true", "/run/own", "option --trace: /run/own: is stderr", 64, true },
        { "--trace=/run/own -p /run/../run/own true", "/run/own", "option --trace: /run/own: is the pidfile", 64,
          true },
        { "--trace=/run/new -p /run/new true", "/run/new", "option --trace: /run/new: is the pidfile", 64, false },
        { "--trace=/run/new -e /run/new true", "/run/new", "option --trace: /run/new: is stderr", 64, false },
        { "--trace=/run/own /run/own", "/run/own", "option --trace: /run/own: is the program", 64, true },
        { "--trace=/run/own ../run/./own x", "/run/own", "option --trace: /run/own: is the program", 64, true },
        { "--trace=/run/own -E PATH=/bin:/run own", "/run/own", "option --trace: /run/own: is the program", 64, true },
        { "--trace=/run/own -c /run -E PATH= own", "/run/own", "option --trace: /run/own: is the program", 64, true },
        { "--trace=/run/plain /run/plain", "/run/plain", "option --trace: /run/plain: is the program", 64, true },
        { "--trace=/tmp/own ./own", "/tmp/own", "option --trace: /tmp/own: is the program", 64, true },
        { "--trace=/dev/null true", "/dev/null", "trace: /dev/null: is not a regular file", 73, true },
        { "--trace=/run/two true", "/run/two", "trace: /run/two: has several names", 73, true },
        { "--trace=/run/link true", "/run/own", "trace: /run/link: is a symbolic link", 73, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[160];
        a_launcher();
        script_add("/run/own", S_IFREG | 0755, "as it was");
        script_add("/run/plain", S_IFREG | 0644, "as it was");
        script_add("/tmp/own", S_IFREG | 0755, "as it was");
        script_add("/run/two", S_IFREG | 0644, "as it was")->links = 2;
        script_add("/run/link", S_IFLNK | 0777, "own");
        assert_int_equal(run(cases[i].line), SCRIPT_RETURNED);
        assert_int_equal(result, cases[i].code);
        snprintf(line, sizeof line, "test_trace_file: %s%s\n", cases[i].message,
                 cases[i].code == 64 ? "; try 'daemonize --help'" : "");
        assert_string_equal(script.printed, line);
        const struct script_file *file = script_file(cases[i].path);
        assert_int_equal(file != NULL, cases[i].there);
        if (file && S_ISREG(file->mode))
            assert_string_equal(file->content, "as it was");
        assert_int_equal(script_open_fds(), 0);
        assert_false(script_called("fork"));
    }
}

static bool writes_safely;
static uintptr_t flags;
static int elsewhere; /* written, but not to stderr */

static void look_at_writes(const char *call)
{
    if (strcmp(call, "open") == 0 && strcmp((const char *)script.first, "/run/t") == 0)
        flags = script.second;
    elsewhere += strcmp(call, "write") == 0 && script.first != 2;
    if (strcmp(call, "pwrite") == 0)
        writes_safely = script.actions[SIGXFSZ].sa_handler == SIG_IGN && script.actions[SIGPIPE].sa_handler == SIG_IGN;
}

static void a_file_is_made_and_signals_stay_as_they_were(void **state)
{
    (void)state;
    a_launcher();
    script.watch = look_at_writes;
    writes_safely = false;
    assert_int_equal(run("--trace=/run/t true"), SCRIPT_EXITED);
    assert_true(writes_safely);
    assert_ptr_equal(script.actions[SIGXFSZ].sa_handler, SIG_DFL);
    assert_ptr_equal(script.actions[SIGPIPE].sa_handler, SIG_DFL);
    const struct script_file *file = script_file("/run/t");
    assert_int_equal(file->mode, S_IFREG | (0644 & ~script.umask));
    const char *last = strstr(file->content, "verdict: ");
    assert_non_null(last);
    assert_string_equal(last, "verdict: exit 0, the program runs\n");
    assert_int_equal(flags, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_CREAT | O_EXCL);
    a_launcher();
    script.watch = look_at_writes;
    script_add("/run/t", S_IFREG | 0600, "old");
    assert_int_equal(run("--trace=/run/t true"), SCRIPT_EXITED);
    assert_int_equal(flags, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(script_file("/run/t")->mode, S_IFREG | 0600);
}

static void what_is_said_goes_to_stderr(void **state)
{
    (void)state;
    static const char *const lines[] = { "-v true", "-Z", "--trace true", "-v --trace=/dev/null true", "-p x true" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        a_launcher();
        script.watch = look_at_writes;
        elsewhere = 0;
        run(lines[i]);
        assert_true(script_called("write"));
        assert_int_equal(elsewhere, 0);
    }
}

static void who_is_not_the_launcher_shows_nothing(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    script_fail("execve", 0, ENOMEM);
    assert_int_equal(run("--trace=/run/t true"), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 71);
    assert_int_equal(script_file("/run/t")->size, 0);
    script_begin(SCRIPT_LAUNCHER); /* and of a search only the program that is found */
    assert_int_equal(run("--trace=/run/t -f -E PATH=/nowhere:/bin true"), SCRIPT_EXITED);
    assert_string_equal(script.executed, "/bin/true");
    assert_int_equal(script_count("ftruncate"), 1);
    script_begin(SCRIPT_LAUNCHER);
    script_add("/run/true", S_IFDIR | 0755, NULL); /* a folder can be entered, but is no program */
    script_add("/tmp/true", S_IFREG | 0644, NULL);
    assert_int_equal(run("--trace=/run/t -f -E PATH=/run:/tmp:/bin true"), SCRIPT_EXITED);
    assert_string_equal(script.executed, "/bin/true");
    assert_int_equal(script_count("ftruncate"), 1);
}

static char kept[1 << 16]; /* a trace that is too long for a file of the invented kernel */

static ssize_t keep(int fd, const void *bytes, size_t count, off_t offset)
{
    (void)fd;
    assert_true((size_t)offset + count < sizeof kept);
    memcpy(kept + offset, bytes, count);
    kept[(size_t)offset + count] = '\0';
    return (ssize_t)count;
}

/* What a process goes on as is not known to run, nor to be ready. */
static void what_is_undecided_says_so_for_viewers_too(void **state)
{
    (void)state;
    static const char *const lines[] = { "--trace=/run/t.json -f true", "--trace=/run/t.json -f --ready=notify true" };
    struct blivet_ops ops = blivet_script;
    ops.pwrite = keep;
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        assert_int_equal(run_on(lines[i], &ops), SCRIPT_EXITED);
        assert_string_equal(script.executed, "/bin/true");
        assert_contains(kept, "\"exit\": null, \"message\": \"the process goes on as the program\"}}\n");
    }
    script_begin(SCRIPT_LAUNCHER);
    script_fail("execve", 0, ENOMEM);
    assert_int_equal(run_on(lines[0], &ops), SCRIPT_EXITED);
    assert_contains(kept, ", \"result\": \"-1 ENOMEM\"}}");
    assert_contains(kept, "\"exit\": 71, \"message\": \"test_trace_file: program: true: cannot allocate memory\"}}\n");
}

static void of_what_was_said_one_line_is_the_verdict(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(run("--trace=/run/t -u nobody-here true"), SCRIPT_RETURNED);
    assert_string_equal(strstr(script_file("/run/t")->content, "verdict: "),
                        "verdict: exit 67, test_trace_file: user: nobody-here: not found\n");
}

static struct blivet_error error;

static const struct blivet_ops *table_of(unsigned mode)
{
    static int keep[4];
    static char program[] = "true";
    static char *words[] = { program, NULL };
    static struct options options;
    options = (struct options){ .program = words, .trace = true, .keep_fds = keep, .config = { .flags = mode } };
    a_launcher();
    const struct blivet_ops *watched = trace_begin(&options, &blivet_script, &error);
    assert_non_null(watched);
    return watched;
}

static void whoever_waits_is_caught_by_each_signal_that_would_end_it(void **state)
{
    (void)state;
    static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
    struct pollfd reader = { .fd = 2, .events = POLLOUT };
    const struct blivet_ops *watched = table_of(0);
    assert_int_equal(watched->poll(&reader, 1, 250), 1); /* to say something is not to wait */
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        assert_ptr_equal(script.actions[signals[i]].sa_handler, SIG_DFL);
    const int64_t begun = script.clock_ms;
    assert_int_equal(watched->poll(NULL, 0, 250), 0);
    assert_int_equal(script.clock_ms - begun, 250);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        assert_ptr_not_equal(script.actions[signals[i]].sa_handler, SIG_DFL);
    assert_ptr_equal(script.actions[SIGUSR1].sa_handler, SIG_DFL);
    watched = table_of(BLIVET_FOREGROUND); /* there nobody waits for a daemon */
    assert_int_equal(watched->poll(NULL, 0, 250), 0);
    assert_ptr_equal(script.actions[SIGINT].sa_handler, SIG_DFL);
}

static void a_refusal_has_words_and_no_errno(void **state)
{
    (void)state;
    static const char *const files[] = { "/dev/null", "/run/two", "/run/own" };
    static char program[] = "true";
    char *words[] = { program, NULL };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct options options = {
            .program = words, .trace = true, .trace_file = files[i], .config = { .pidfile = "/run/own" }
        };
        a_launcher();
        script_add("/run/own", S_IFREG | 0644, "as it was");
        script_add("/run/two", S_IFREG | 0644, "as it was")->links = 2;
        assert_null(trace_begin(&options, &blivet_script, &error));
        assert_int_equal(error.system_errno, 0);
    }
}

/* Past the step that closes descriptors; of a launcher that waits, what it is told to keep stays as it is. */
static void in_foreground_mode_alone_descriptors_are_kept(void **state)
{
    (void)state;
    static char program[] = "true";
    char *words[] = { program, NULL };
    for (int foreground = 0; foreground < 2; foreground++) {
        int keep[4];
        struct options options = { .program = words,
                                   .trace = true,
                                   .trace_file = "/run/t",
                                   .keep_fds = keep,
                                   .config = { .flags = foreground ? BLIVET_FOREGROUND : 0 } };
        a_launcher();
        assert_non_null(trace_begin(&options, &blivet_script, &error));
        assert_int_equal(options.config.keep_fds_count, foreground ? 2 : 0);
        a_launcher();
        script_kernel.close(2);
        options.config.keep_fds_count = 0;
        assert_non_null(trace_begin(&options, &blivet_script, &error));
        assert_int_equal(options.config.keep_fds_count, foreground);
    }
}

static int opened;

static void count_opened(const char *call)
{
    opened += strcmp(call, "open") == 0 && strcmp((const char *)script.first, "/run/t") == 0;
}

/* What a call leaves in errno that did not fail is nobody's word. */
static int open_and_say_eexist(const char *path, int how, mode_t mode)
{
    int fd = blivet_script.open(path, how, mode);
    if (fd >= 0)
        errno = EEXIST;
    return fd;
}

/* Then the file has the number 0 until it is out of the way. */
static void with_stdin_closed_a_trace_is_as_any_other(void **state)
{
    (void)state;
    a_launcher();
    script_kernel.close(0);
    script.watch = count_opened;
    opened = 0;
    struct blivet_ops ops = blivet_script;
    ops.open = open_and_say_eexist;
    assert_int_equal(run_on("--trace=/run/t true", &ops), SCRIPT_EXITED);
    assert_int_equal(opened, 1);
    assert_contains(script_file("/run/t")->content, "verdict: exit 0, the program runs\n");
    a_launcher();
    script_kernel.close(0);
    assert_int_equal(run("--trace=/run/t -p /run/t true"), SCRIPT_RETURNED);
    assert_string_equal(script.printed,
                        "test_trace_file: option --trace: /run/t: is the pidfile; try 'daemonize --help'\n");
    assert_null(script_file("/run/t"));
}

static int place;

static void look_at_place(const char *call)
{
    for (int fd = SCRIPT_FDS - 1; strcmp(call, "mmap") == 0 && fd > 2; fd--)
        if (script.fds[fd] >= 0)
            place = fd;
}

/* Its descriptor is out of the way: at 1000, or where that is past the limit, as for this invented process, lower. */
static void a_lower_place_is_taken_where_a_high_one_is_none(void **state)
{
    (void)state;
    for (int refused = 0; refused < 2; refused++) {
        a_launcher();
        if (refused)
            script_fail("fcntl", 3, EMFILE);
        script_fail("mmap", 1, ENOMEM);
        script.watch = look_at_place;
        place = 0;
        assert_int_equal(run("--trace=/run/t true"), SCRIPT_RETURNED);
        assert_int_equal(place, refused ? 0 : 10);
        assert_int_equal(script_count("fcntl"), 3);
        assert_string_equal(script.printed, refused ? "test_trace_file: trace: /run/t: too many open files\n"
                                                    : "test_trace_file: memory: cannot allocate memory\n");
    }
}

static void in_foreground_mode_it_goes_where_stderr_went(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(run("--trace -f -e /var/log/x true"), SCRIPT_EXITED);
    assert_string_equal(script.executed, "/bin/true");
    assert_contains(script.printed, " foreground  6  open(\"/dev/null\"");
    assert_int_equal(script_file("/var/log/x")->size, 0);
    script_begin(SCRIPT_LAUNCHER);
    script_kernel.close(1);
    assert_int_equal(script_kernel.open("/run/out", O_WRONLY | O_CREAT, 0600), 1);
    assert_int_equal(run("--trace -f -e /var/log/x true"), SCRIPT_EXITED);
    assert_int_equal(script_file("/run/out")->size, 0);
    a_launcher();
    assert_int_equal(run("--trace true"), SCRIPT_EXITED);
    assert_false(script_called("fcntl")); /* of a launcher nothing is replaced, so nothing is moved */
    assert_contains(script.printed, "verdict: exit 0, the program runs\n");
    a_launcher(); /* and the plan is said as without it */
    assert_int_equal(run("-v --trace=/run/t -p /run/x true"), SCRIPT_EXITED);
    assert_contains(script.printed, ": program: true\n");
    assert_contains(script.printed, ": pidfile: /run/x\n");
}

static void on_a_terminal_it_is_as_wide_as_that(void **state)
{
    (void)state;
    for (int columns = 62; columns < 90; columns += 9) {
        size_t widest = 0;
        a_launcher();
        script.columns = columns;
        script_kernel.close(1); /* what is on stdout does not matter */
        assert_int_equal(script_kernel.open("/run/out", O_WRONLY | O_CREAT, 0600), 1);
        assert_int_equal(run("--trace true"), SCRIPT_EXITED);
        for (const char *at = script.printed; *at; at += strcspn(at, "\n") + 1)
            if (strcspn(at, "\n") > widest && !strchr("\033", *at) && !memchr(at, '\033', strcspn(at, "\n")))
                widest = strcspn(at, "\n");
        assert_in_range(widest, (size_t)columns - 12, (size_t)columns - 1);
    }
}

/* A pipe, or a file that the shell has opened: it is not cut to the width of any terminal, nor coloured. */
static void what_is_no_terminal_has_whole_lines(void **state)
{
    (void)state;
    a_launcher();
    assert_int_equal(run("--trace true"), SCRIPT_EXITED);
    assert_non_null(strchr(script.printed, '\033'));
    for (int is_file = 0; is_file < 2; is_file++) {
        size_t widest = 0;
        a_launcher();
        script_kernel.close(2);
        assert_int_equal(script_kernel.open("/run/err", O_WRONLY | O_CREAT, 0600), 2);
        assert_int_equal(run(is_file ? "--trace=.json true" : "--trace true"), SCRIPT_EXITED);
        const char *text = script_file(is_file ? "/tmp/.json" : "/run/err")->content;
        assert_null(strchr(text, '\033'));
        assert_int_equal(strncmp(text, "        ms process", 18), 0); /* an ending of nothing is none */
        for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
            widest = strcspn(at, "\n") > widest ? strcspn(at, "\n") : widest;
        assert_in_range(widest, 81, 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CLI-17 ERR-1 ERR-7", what_is_no_file_for_a_trace_is_refused_and_not_touched),
        CLAIM("CLI-12 CLI-17", a_file_is_made_and_signals_stay_as_they_were),
        CLAIM("CLI-6 CLI-16", what_is_said_goes_to_stderr),
        CLAIM("CLI-16", who_is_not_the_launcher_shows_nothing),
        CLAIM("CLI-17", what_is_undecided_says_so_for_viewers_too),
        CLAIM("CLI-16", of_what_was_said_one_line_is_the_verdict),
        CLAIM("CLI-17 ERR-7", a_refusal_has_words_and_no_errno),
        CLAIM("CLI-17", with_stdin_closed_a_trace_is_as_any_other),
        CLAIM("CLI-16", in_foreground_mode_alone_descriptors_are_kept),
        CLAIM("CLI-12 CLI-16", whoever_waits_is_caught_by_each_signal_that_would_end_it),
        CLAIM("CLI-16", a_lower_place_is_taken_where_a_high_one_is_none),
        CLAIM("CLI-14 CLI-16", in_foreground_mode_it_goes_where_stderr_went),
        CLAIM("CLI-16 CLI-17", what_is_no_terminal_has_whole_lines),
        CLAIM("CLI-16", on_a_terminal_it_is_as_wide_as_that),
    };
    return cmocka_run_group_tests_name("trace_file", tests, NULL, NULL);
}
