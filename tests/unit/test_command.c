/* test_command.c - whole runs of daemonize (CLI). */
#include "command_line.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void machine(enum script_role role)
{
    script_begin(role);
    script_add("/bin/noexec", S_IFREG | 0644, NULL);
}

/* Nothing has begun: the launcher returns, and has said why. */
static void assert_refused(const char *line, int code, const char *message)
{
    char printed[512];
    assert_int_equal(run(line), SCRIPT_RETURNED);
    snprintf(printed, sizeof printed, "test_command: %s\n", message);
    assert_string_equal(script.printed, printed);
    assert_int_equal(result, code);
    assert_false(script_called("fork") || script_called("execve"));
    assert_int_equal(script.allocations, 0);
}

/* ---- before the fork ---- */

static void a_wrong_call_points_to_the_help(void **state)
{
    (void)state;
    static const struct { const char *line, *message; } cases[] = {
        { "", "program: none is given; try 'daemonize --help'" },
        { "-Z true", "option: -Z: is unknown; try 'daemonize --help'" },
        { "-m 9 true", "option --umask: 9: is not an octal number; try 'daemonize --help'" },
        { "-p run/x true", "pidfile: run/x: is not an absolute path; try 'daemonize --help'" },
        { "-l /run/x --no-lock true",
          "lockfile: /run/x: named, and locking turned off; try 'daemonize --help'" },
        { "-p run/x /no/such/program", "pidfile: run/x: is not an absolute path; try 'daemonize --help'" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine(SCRIPT_DAEMON);
        assert_refused(cases[i].line, 64, cases[i].message);
    }
    char line[1000] = "-p ";
    memset(line + 3, 'x', 960);
    strcpy(line + 963, " true");
    machine(SCRIPT_DAEMON);
    assert_int_equal(run(line), SCRIPT_RETURNED);
    assert_contains(script.printed, ": is not an absolute path; try 'daemonize --help'\n"); /* however long the message is */
}

static void other_refusals_before_the_fork_do_not(void **state)
{
    (void)state;
    static const struct { const char *line; int code; const char *message; } cases[] = {
        { "/bin/gone", 66, "program: /bin/gone: no such file or directory" },
        { "/bin/noexec", 66, "program: /bin/noexec: permission denied" },
        { "-u nobody-here true", 67, "user: nobody-here: not found" },
        { "./gone", 66, "program: /tmp/./gone: no such file or directory" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine(SCRIPT_DAEMON);
        assert_refused(cases[i].line, cases[i].code, cases[i].message);
    }
    machine(SCRIPT_DAEMON);
    for (int id = 0; id < 3; id++)
        script.uids[id] = 1000;
    assert_refused("-u www true", 77, "user: www: permission denied: only root can change identity");
}

static void it_does_not_run_with_borrowed_rights(void **state)
{
    (void)state;
    static const char *const lines[] = { "true", "--help", "-Z" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        for (int group = 0; group < 2; group++) {
            machine(SCRIPT_DAEMON);
            *(group ? &script.gids[0] : &script.uids[0]) = 1000;
            assert_refused(lines[i], 77, "permission denied: runs neither set-user-ID nor set-group-ID");
        }
}

static void a_message_that_cannot_be_written_changes_no_exit_code(void **state)
{
    (void)state;
    static const int errors[] = { EPIPE, EFBIG, ENOSPC };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        machine(SCRIPT_LAUNCHER);
        script_fail("write", 0, errors[i]);
        assert_int_equal(run("-Z true"), SCRIPT_RETURNED);
        assert_int_equal(result, 64);
    }
    machine(SCRIPT_LAUNCHER);
    script.stuck_reader = true;
    script.hears = "";
    script.hears_count = 1;
    assert_int_equal(run("-v -p /run/x -o /var/log/x true"), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 0);
    assert_in_range(script.clock_ms, 0, 1999); /* a second at the most, not one a line */
}

/* What comes on the real stdout while the command runs, and begins nothing. */
static const char *shown_by(const char *line)
{
    static char text[16384];
    FILE *file = tmpfile();
    int saved = dup(1);
    fflush(stdout);
    dup2(fileno(file), 1);
    enum script_end end = run(line);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(end, SCRIPT_RETURNED);
    assert_false(script_called("fork"));
    assert_string_equal(script.printed, "");
    return text;
}

static const char *printed_by(const char *line)
{
    const char *text = shown_by(line);
    assert_int_equal(result, 0);
    return text;
}

static void help_and_version_go_to_stdout(void **state)
{
    (void)state;
    machine(SCRIPT_DAEMON);
    assert_string_equal(printed_by("-V"), "daemonize " BLIVET_VERSION "\n");
    const char *help = printed_by("-f --help --frobnicate");
    assert_ptr_equal(script.actions[SIGPIPE].sa_handler, SIG_IGN); /* a reader that goes away ends nothing */
    assert_ptr_equal(script.actions[SIGXFSZ].sa_handler, SIG_IGN);
    assert_contains(help, "Usage: daemonize ");
    assert_contains(help, "--no-close-fds");
}

static int astray; /* copies of another descriptor than 1, words on another than 2 */

static void look_at_descriptors(const char *call)
{
    astray += strcmp(call, "fcntl") == 0 && script.first != 1;
    astray += strcmp(call, "write") == 0 && script.first != 2;
}

/* A file system that tells of it only at the close; a descriptor for that cannot always be had. */
static void output_that_turns_out_to_be_lost_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        int error, code;
        const char *said;
    } cases[] = {
        { "close", ENOSPC, 74, "test_command: standard output: no space left on device\n" },
        { "close", EPIPE, 74, "" },
        { "close", EINTR, 0, "" },
        { "fcntl", EMFILE, 0, "" },
        { "fcntl", EINTR, 0, "" },
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const size_t which = i / 2;
        machine(SCRIPT_DAEMON);
        if (i % 2)
            script_kernel.close(0); /* then that descriptor is 0 */
        const int open_before = script_open_fds();
        script.watch = look_at_descriptors;
        astray = 0;
        script_fail(cases[which].call, 1, cases[which].error);
        fflush(stdout);
        int saved = dup(1), sink = open("/dev/null", O_WRONLY);
        dup2(sink, 1);
        enum script_end end = run("--version");
        dup2(saved, 1);
        close(saved);
        close(sink);
        assert_int_equal(end, SCRIPT_RETURNED);
        assert_int_equal(result, cases[which].code);
        assert_string_equal(script.printed, cases[which].said);
        assert_int_equal(script.faults_fired, 1);
        assert_int_equal(script_open_fds(), open_before);
        assert_int_equal(astray, 0);
    }
}

static void what_is_explained_is_not_begun(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "--explain true", "--explain -f true", "--explain --ready=notify -t 3 true", "--explain --ready=fd:5 -E A=1 true",
        "--explain -p /run/x -o /var/log/x.out -u www -g adm --chown=all /bin/true",
        "--explain -p /run/x -l /run/y -e /var/log/x -a --no-close-fds -E PATH=/bin -E PATH=/usr/bin:/bin true",
    };
    static const char harmless[] = " open pread close issetugid calloc free stat lstat eaccess readlink getcwd fcntl geteuid getpid "
                                   "getpwnam getpwuid getgrouplist getgrnam environment getrlimit isatty terminal_columns sigaction ";
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char calls[sizeof script.trace], word[64], *rest = calls;
        machine(SCRIPT_LAUNCHER);
        assert_contains(printed_by(lines[i]), "verdict    nothing is found");
        assert_int_equal(script.allocations, 0);
        memcpy(calls, script.trace, sizeof calls);
        for (const char *call; (call = strsep(&rest, " ")) && *call;) {
            snprintf(word, sizeof word, " %s ", call);
            if (!strstr(harmless, word))
                fail_msg("%s: %s is called", lines[i], call);
        }
    }
}

static void what_is_explained_is_as_wide_as_stdout(void **state)
{
    (void)state;
    for (int fd = 0; fd < 2; fd++) { /* that is no terminal, and the other one is narrow */
        machine(SCRIPT_LAUNCHER);
        script.columns = 30;
        script_kernel.close(fd);
        assert_int_equal(script_kernel.open("/run/file", O_WRONLY | O_CREAT, 0600), fd);
        const char *text = printed_by("--explain true");
        size_t widest = 0;
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            widest = strcspn(line, "\n") > widest ? strcspn(line, "\n") : widest;
        assert_in_range(widest, fd == 1 ? 60 : 20, fd == 1 ? 79 : 40);
        assert_int_equal(strchr(text, '\033') != NULL, fd == 0);
    }
    for (int columns = 60; columns < 62; columns++) { /* where it is narrow, paragraphs begin further to the left */
        machine(SCRIPT_LAUNCHER);
        script.columns = columns;
        assert_int_equal(strstr(printed_by("--explain true"), "\n               ") != NULL, columns == 61);
    }
}

static void what_is_explained_has_the_code_of_the_start(void **state)
{
    (void)state;
    machine(SCRIPT_LAUNCHER);
    shown_by("--explain -p run/x -o /no/x -u nobody-at-all no-such-program");
    assert_int_equal(result, 64);
    machine(SCRIPT_LAUNCHER);
    shown_by("--explain -u nobody-at-all no-such-program");
    assert_int_equal(result, 67);
    machine(SCRIPT_LAUNCHER);
    shown_by("--explain /bin/noexec");
    assert_int_equal(result, 66);
    for (int nth = 4; nth < 16; nth++) { /* for want of memory it says that, or does without */
        machine(SCRIPT_LAUNCHER);
        script_fail("calloc", nth, ENOMEM);
        shown_by("--explain -p /run/x -o /run/y -E PATH=/bin true");
        assert_true(result == 0 || result == 71);
        assert_int_equal(script.allocations, 0);
    }
}

static void what_will_be_done_is_said_where_that_is_asked_for(void **state)
{
    (void)state;
    machine(SCRIPT_DAEMON);
    assert_int_equal(run("-p /run/x -o /var/log/x.out -u www -g adm true"), SCRIPT_EXITED);
    assert_string_equal(script.printed, "");
    machine(SCRIPT_DAEMON);
    assert_int_equal(run("-v -p /run/x -o /var/log/x.out -u www -g adm true"), SCRIPT_EXITED);
    static const char *const parts[] = { ": program: true\n", ": mode: daemon\n", ": working directory: /\n",
                                         ": pidfile: /run/x\n", ": lock: /run/x\n", ": stdout: /var/log/x.out\n",
                                         ": stderr: /var/log/x.err\n", ": user: www\n", ": group: adm\n" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_contains(script.printed, parts[i]);
    assert_string_equal(script_file("/dev/tty")->content, script.printed); /* before stderr became a file */
    assert_true(strstr(script.trace, "write ") < strstr(script.trace, "fork "));
}

static void the_plan_has_what_was_chosen(void **state)
{
    (void)state;
    static const struct { const char *line, *said, *unsaid; } cases[] = {
        { "-v -f -c /run -p /run/x true", ": mode: foreground\n", ": mode: daemon\n" },
        { "-v -f -c /run -p /run/x true", ": working directory: /run\n", ": working directory: /\n" },
        { "-v -f -l /run/l -p /run/x true", ": lock: /run/l\n", ": lock: /run/x\n" },
        { "-v -f --no-lock -p /run/x true", ": pidfile: /run/x\n", ": lock: " },
        { "-v --ready=fd:9 true", ": ready: fd:9\n", ": timeout" },
        { "-v --ready=notify -t 1.50 true", ": ready: notify\n", ": on timeout" },
        { "-v --ready=notify -t 1.50 true", ": timeout in seconds: 1.50\n", ": on timeout" },
        { "-v -t 2 --on-timeout=leave true", ": on timeout: leave\n", ": ready" },
        { "-v -f --ready=fd:9 -t 2 --on-timeout=leave true", ": mode: foreground\n", ": timeout" }, /* nobody waits */
        { "-v -f --ready=fd:9 -t 2 --on-timeout=leave true", ": mode: foreground\n", ": ready" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine(SCRIPT_LAUNCHER);
        run(cases[i].line);
        assert_contains(script.printed, cases[i].said);
        assert_null(strstr(script.printed, cases[i].unsaid));
    }
}

/* ---- in the daemon ---- */

static void the_program_is_run_after_everything_else(void **state)
{
    (void)state;
    static const char *const order[] = { "fork ", "setsid ", "fork ", "fchown ", "setgroups ", "setresgid ",
                                         "setresuid ", "fcntl ", "sigaction ", "send ", "execve " };
    machine(SCRIPT_DAEMON);
    assert_int_equal(run("-u www -p /run/x -o /var/log/x.out -E A=1 /bin/true -p  x"), SCRIPT_EXITED);
    const char *at = script.trace;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        if (!at)
            fail_msg("%s is missing, or out of order, in: %s", order[i], script.trace);
        at += strlen(order[i]);
    }
    assert_string_equal(script.executed, "/bin/true");
    assert_string_equal(script.executed_argv, "[/bin/true][-p][][x]");
    assert_int_equal(script.said_count, 1);
    assert_int_equal((unsigned char)script.said[0], 0xff);
    assert_string_equal(script.environment[3], "A=1");
    assert_int_equal(script.uids[0], 33);
    assert_int_equal(script_file("/var/log/x.err")->uid, 33);
    assert_int_equal(script_file("/run/x")->uid, 0); /* the logs only */
    assert_memory_equal(script_file("/run/x")->content, "102\n", 4); /* it outlives the program */
    assert_int_equal(script.allocations_after_fork, 0);
}

static void the_program_gets_the_lock_and_nothing_else_of_ours(void **state)
{
    (void)state;
    static const char *const lines[] = { "-p /run/x true", "-l /run/x -p /run/y -o /var/log/x -u www true",
                                         "-f -l /run/x -p /run/y -e /var/log/x -u www true" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int inherited = 0;
        machine(SCRIPT_DAEMON);
        script.actions[SIGPIPE].sa_handler = SIG_IGN; /* the caller's; the program begins anew (STD-6) */
        script.blocks_for_ids = true;
        assert_int_equal(run(lines[i]), SCRIPT_EXITED);
        assert_string_equal(script.executed, "/bin/true");
        for (int fd = 3; fd < SCRIPT_FDS; fd++) {
            if (script.fds[fd] < 0 || script.cloexec[fd])
                continue;
            inherited++;
            assert_string_equal(script_path_of(fd), "/run/x");
            assert_int_equal(script_kernel.fcntl(fd, F_GETFL, 0) & O_ACCMODE, O_RDONLY);
            assert_int_equal(script_file("/run/x")->locked_by, script.fds[fd]);
        }
        assert_int_equal(inherited, 1);
        assert_ptr_equal(script.actions[SIGPIPE].sa_handler, SIG_DFL);
        assert_ptr_equal(script.actions[SIGXFSZ].sa_handler, SIG_DFL);
        assert_false(sigismember(&script.mask, SIGTERM));
    }
}

static void an_interrupted_call_before_exec_is_repeated(void **state)
{
    (void)state;
    machine(SCRIPT_DAEMON);
    script_fail("fcntl", 1, EINTR);
    assert_int_equal(run("-p /run/x true"), SCRIPT_EXITED);
    assert_string_equal(script.executed, "/bin/true");
    assert_true(script_is_locked("/run/x"));
}

static void a_relative_program_keeps_its_name_and_its_place(void **state)
{
    (void)state;
    machine(SCRIPT_DAEMON);
    script_add("/tmp/link", S_IFLNK | 0777, "/bin/true");
    assert_int_equal(run("./link x"), SCRIPT_EXITED);
    assert_string_equal(script.directory, "/");
    assert_string_equal(script.executed, "/tmp/./link");
    assert_string_equal(script.executed_argv, "[/tmp/./link][x]");
}

static void a_failure_in_the_daemon_is_told_and_cleaned_up(void **state)
{
    (void)state;
    static const struct { const char *line, *call; int nth, error, code; const char *announced, *message; } cases[] = {
        { "-p /run/x gone", "", 0, 0, 66, "\xff", "program: gone: no such file or directory" },
        { "-p /run/x noexec", "", 0, 0, 66, "\xff", "program: noexec: permission denied" },
        { "-p /run/x true", "execve", 1, EIO, 71, "\xff", "program: true: input/output error" },
        { "-p /run/x -u www true", "setresuid", 1, EAGAIN, 77, "", "user id: resource temporarily unavailable" },
        { "-p /run/x -u www --chown all true", "fchown", 1, EPERM, 73, "", "pidfile: /run/x: operation not permitted" },
        { "-p /run/x true", "fcntl", 1, EBADF, 71, "", "program: true: bad file descriptor" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine(SCRIPT_DAEMON);
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        assert_int_equal(run(cases[i].line), SCRIPT_EXITED);
        assert_string_equal(script.executed, "");
        assert_int_equal(script.exit_code, cases[i].code);
        size_t announced = strlen(cases[i].announced);
        assert_memory_equal(script.said, cases[i].announced, announced);
        memmove(script.said, script.said + announced, script.said_count -= announced);
        assert_told(cases[i].code, cases[i].message);
        assert_true(!script_file("/run/x") || script_file("/run/x")->size == 0); /* emptied where the rights are gone */
        assert_string_equal(script.printed, "");
    }
}

static void a_second_instance_is_refused(void **state)
{
    (void)state;
    machine(SCRIPT_DAEMON);
    script_add("/run/x", S_IFREG | 0644, "4711\n")->locked_by = -1;
    assert_int_equal(run("-p /run/x true"), SCRIPT_EXITED);
    assert_told(69, "pidfile: /run/x: is locked by another process (pid 4711)");
    assert_string_equal(script_file("/run/x")->content, "4711\n");
    assert_string_equal(script.executed, "");
}

/* It dies while it waits, before "go" or after. */
static void without_a_launcher_nothing_is_executed(void **state)
{
    (void)state;
    for (int later = 0; later < 2; later++) {
        machine(SCRIPT_DAEMON);
        script.launcher_gone = !later;
        if (later)
            script_fail("send", 0, EPIPE);
        assert_int_equal(run("-p /run/x -o /var/log/x true"), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 71);
        assert_false(script_called("execve"));
        assert_null(script_file("/run/x"));
    }
}

/* ---- in the launcher ---- */

static void the_children_begin(void)
{
    struct blivet_page *page = script.page;
    page->pid = SCRIPT_DAEMON_PID;
    page->step = STEP_OUTPUT;
}

static void the_launcher_says_what_became_of_it(void **state)
{
    (void)state;
    static const struct { const char *hears, *stat; int code; const char *printed; } cases[] = {
        { "\xff", "102 (x) S 101 101 101 0 -1 0 0", 0, "" },
        { "\xff\x42program: x: no such file\n", NULL, 66, "test_command: program: x: no such file\n" },
        { "\xff", "102 (x) Z 101 101 101 0 -1 68 9", 1, "test_command: daemon was killed by SIGKILL in step 12, output files\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine(SCRIPT_LAUNCHER);
        script.meanwhile = the_children_begin;
        script.hears = cases[i].hears;
        script.hears_count = strlen(cases[i].hears);
        script.stat_line = cases[i].stat;
        script.hears_end = script.has_stat = true;
        assert_int_equal(run("-p /run/x x"), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, cases[i].code);
        assert_string_equal(script.printed, cases[i].printed);
    }
}

/* ---- in foreground mode ---- */

static void foreground_mode_execs_in_place(void **state)
{
    (void)state;
    machine(SCRIPT_LAUNCHER);
    assert_int_equal(run("-f -p /run/x true"), SCRIPT_EXITED);
    assert_string_equal(script.executed, "/bin/true");
    assert_false(script_called("fork") || script_called("send"));
    assert_memory_equal(script_file("/run/x")->content, "100\n", 4);
    assert_string_equal(script_path_of(1), "/dev/tty");
}

static void in_foreground_mode_failures_are_printed_where_it_was_started(void **state)
{
    (void)state;
    static const struct { const char *line, *call; int nth, code; const char *message; } cases[] = {
        { "-f -p /run/x -o /var/log/x gone", "", 0, 66, "program: gone: no such file or directory" },
        { "-f -p /run/x gone", "", 0, 66, "program: gone: no such file or directory" },
        { "-f -p /run/x -e /var/log/x -u www true", "setgroups", 1, 77, "supplementary groups: input/output error" },
        { "-f -p /run/x -e /var/log/x true", "ftruncate", 1, 73, "stderr: /var/log/x: input/output error" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        machine(SCRIPT_LAUNCHER);
        script_add("/var/log/x", S_IFREG | 0644, "");
        script_fail(cases[i].call, cases[i].nth, EIO);
        enum script_end end = run(cases[i].line);
        assert_int_equal(end == SCRIPT_EXITED ? script.exit_code : result, cases[i].code);
        snprintf(line, sizeof line, "test_command: %s\n", cases[i].message);
        assert_string_equal(script_file("/dev/tty")->content, line);
        assert_true(!script_file("/var/log/x") || script_file("/var/log/x")->size == 0);
        assert_null(script_file("/run/x"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CLI-7 ERR-1", a_wrong_call_points_to_the_help),
        CLAIM("CLI-3 PRV-2 CFG-9 ERR-2 ERR-3 ERR-10", other_refusals_before_the_fork_do_not),
        CLAIM("CLI-15 ERR-10", it_does_not_run_with_borrowed_rights),
        CLAIM("CLI-12", a_message_that_cannot_be_written_changes_no_exit_code),
        CLAIM("CLI-13", help_and_version_go_to_stdout),
        CLAIM("CLI-19", output_that_turns_out_to_be_lost_is_an_error),
        CLAIM("CLI-18", what_is_explained_is_not_begun),
        CLAIM("CLI-18", what_is_explained_is_as_wide_as_stdout),
        CLAIM("CLI-18", what_is_explained_has_the_code_of_the_start),
        CLAIM("CLI-6", what_will_be_done_is_said_where_that_is_asked_for),
        CLAIM("CLI-6 CFG-13", the_plan_has_what_was_chosen),
        CLAIM("CLI-11 CLI-8 CLI-5 SEQ-11 PID-7", the_program_is_run_after_everything_else),
        CLAIM("CLI-5 STD-6 PID-6", the_program_gets_the_lock_and_nothing_else_of_ours),
        CLAIM("SEQ-7 CLI-5", an_interrupted_call_before_exec_is_repeated),
        CLAIM("CLI-9", a_relative_program_keeps_its_name_and_its_place),
        CLAIM("CLI-4 CLI-11 NTF-9 PID-9 ERR-2", a_failure_in_the_daemon_is_told_and_cleaned_up),
        CLAIM("PID-2 ERR-4", a_second_instance_is_refused),
        CLAIM("NTF-13 NTF-3", without_a_launcher_nothing_is_executed),
        CLAIM("CLI-4 CLI-6 NTF-3", the_launcher_says_what_became_of_it),
        CLAIM("SEQ-4 CLI-11", foreground_mode_execs_in_place),
        CLAIM("CLI-14 NTF-9", in_foreground_mode_failures_are_printed_where_it_was_started),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
