/* test_command_shown.c - starts that are watched (--trace) and starts that are only explained (--explain), in process. */
#include "command_line.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- watched ---- */

static void a_watched_start_is_shown_and_ends_as_any_other(void **state)
{
    (void)state;
    a_launcher();
    assert_int_equal(run("--trace true"), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 0);
    assert_contains(script.printed, "launcher    1  fork() = 101\n");
    assert_contains(script.printed, "verdict: exit 0, the program runs\n");
    a_launcher();
    assert_int_equal(run("--trace=/run/t true"), SCRIPT_EXITED);
    assert_string_equal(script.printed, "");
    assert_contains(script_file("/run/t")->content, "launcher    1  fork() = 101\n");
    a_launcher();
    assert_int_equal(run("--trace=/run/t.json true"), SCRIPT_EXITED);
    assert_memory_equal(script_file("/run/t.json")->content, "{\"traceEvents\": [", 17);
}

static void what_the_launcher_said_is_the_message_of_the_verdict(void **state)
{
    (void)state;
    a_launcher();
    script.hears = "\x42program: x: gone\n";
    script.hears_count = 18;
    assert_int_equal(run("--trace=/run/t true"), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 66);
    assert_contains(script_file("/run/t")->content, "verdict: exit 66, test_command_shown: program: x: gone\n");
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(run("--trace=/run/t -u nobody-here true"), SCRIPT_RETURNED);
    assert_int_equal(result, 67);
    assert_contains(script_file("/run/t")->content,
                    "verdict: exit 67, test_command_shown: user: nobody-here: not found\n");
}

/* What the daemon does is shown by the launcher alone, at its end. */
static void the_daemon_shows_nothing(void **state)
{
    (void)state;
    script_begin(SCRIPT_DAEMON);
    assert_int_equal(run("--trace=/run/t -p /run/x.pid true"), SCRIPT_EXITED);
    assert_string_equal(script.executed, "/bin/true");
    assert_int_equal(script_file("/run/t")->size, 0);
    script_begin(SCRIPT_DAEMON);
    script_fail("chdir", 1, EACCES);
    assert_int_equal(run("--trace=/run/t true"), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 71);
    assert_int_equal(script_file("/run/t")->size, 0);
}

/* The caller itself goes on as the program: shown before exec, and after an exec that failed. */
static void in_foreground_mode_it_is_shown_before_exec(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(run("--trace=/run/t -f true"), SCRIPT_EXITED);
    assert_string_equal(script.executed, "/bin/true");
    assert_contains(script_file("/run/t")->content, "verdict: none; the process goes on as the program\n");
    script_begin(SCRIPT_LAUNCHER);
    script_fail("execve", 0, ENOMEM);
    assert_int_equal(run("--trace=/run/t -f true"), SCRIPT_EXITED);
    assert_contains(script_file("/run/t")->content,
                    "verdict: exit 71, test_command_shown: program: true: cannot allocate memory\n");
    assert_null(strstr(script_file("/run/t")->content, "goes on as the program"));
    script_begin(SCRIPT_LAUNCHER);
    script_fail("execve", 0, ENOMEM);
    script_fail("ftruncate", 0, EIO); /* then what comes later stands behind */
    assert_int_equal(run("--trace=/run/t -f true"), SCRIPT_EXITED);
    const char *first = strstr(script_file("/run/t")->content, "goes on as the program");
    assert_non_null(first);
    assert_contains(first, " foreground  +  execve(\"/bin/true\", [\"true\"], &envp) = -1 ENOMEM\n");
    assert_contains(first, "verdict: exit 71");
    script_begin(SCRIPT_LAUNCHER); /* of those that are tried in vain nothing is shown before */
    script_fail("execve", 2, ENOMEM);
    script_fail("ftruncate", 0, EIO);
    assert_int_equal(run("--trace=/run/t -f -E PATH=/nowhere:/bin true"), SCRIPT_EXITED);
    assert_contains(script_file("/run/t")->content, " process  step  call\n");
    assert_contains(script_file("/run/t")->content, "execve(\"/nowhere/true\", [\"true\"], &envp) = -1 ENOENT\n");
    script_begin(SCRIPT_LAUNCHER); /* and after one that was not, each call once */
    script_fail("execve", 1, EACCES);
    script_fail("ftruncate", 0, EIO);
    assert_int_equal(run("--trace=/run/t -f -E PATH=/bin:/nowhere true"), SCRIPT_EXITED);
    const char *behind = strstr(script_file("/run/t")->content, "goes on as the program");
    assert_non_null(behind);
    int environments = 0;
    for (const char *at = behind; (at = strstr(at, "environment()")); at++)
        environments++;
    assert_int_equal(environments, 1);
}

static void a_trace_that_cannot_be_had_is_told_before_anything_begins(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        int nth, error;
        const char *message;
        int code;
    } cases[] = {
        { "open", 1, EROFS, "trace: /run/t: read-only file system", 73 },
        { "fstat", 1, EIO, "trace: /run/t: input/output error", 73 },
        { "fcntl", 0, EMFILE, "trace: /run/t: too many open files", 73 },
        { "mmap", 1, ENOMEM, "memory: cannot allocate memory", 71 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[128];
        script_begin(SCRIPT_LAUNCHER);
        script_fail(cases[i].call, cases[i].nth, cases[i].error);
        assert_int_equal(run("--trace=/run/t true"), SCRIPT_RETURNED);
        snprintf(line, sizeof line, "test_command_shown: %s\n", cases[i].message);
        assert_string_equal(script.printed, line);
        assert_int_equal(result, cases[i].code);
        assert_false(script_called("fork"));
        assert_int_equal(script.allocations, 0);
    }
}

/* A file that does not hold all of it: told once, and the start is what it was. */
static void a_trace_that_is_lost_is_told_and_changes_no_start(void **state)
{
    (void)state;
    static const char loss[] = "test_command_shown: trace: /run/t: no space left on device\n";
    static const struct {
        const char *call, *option;
        int error;
        bool told;
    } cases[] = {
        { "pwrite", "", ENOSPC, true }, { "ftruncate", "", ENOSPC, true },   { "close", "", ENOSPC, true },
        { "close", "", EINTR, false },  { "pwrite", ".json", ENOSPC, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[96];
        a_launcher();
        script_fail(cases[i].call, 0, cases[i].error);
        snprintf(line, sizeof line, "--trace=/run/t%s true", cases[i].option);
        assert_int_equal(run(line), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 0);
        snprintf(line, sizeof line, "test_command_shown: trace: /run/t%s: no space left on device\n", cases[i].option);
        assert_string_equal(script.printed, cases[i].told ? line : "");
    }
    script_begin(SCRIPT_LAUNCHER); /* shown twice */
    script_fail("pwrite", 0, ENOSPC);
    script_fail("execve", 0, ENOMEM);
    assert_int_equal(run("--trace=/run/t -f -e /var/log/x true"), SCRIPT_EXITED);
    assert_int_equal(script.exit_code, 71);
    const char *first = strstr(script.printed, loss);
    assert_non_null(first);
    assert_null(strstr(first + strlen(loss), ": trace: ")); /* nor for another reason */
    for (int i = 0; i < 2; i++) {                           /* the first one, and its own descriptors are open */
        script_begin(SCRIPT_LAUNCHER);
        script_fail(cases[i].call, 0, ENOSPC);
        script_fail("close", 0, EDQUOT);
        assert_int_equal(run("--trace=/run/t -f true"), SCRIPT_EXITED);
        assert_contains(script.printed, loss);
        assert_true(script.fds[0] >= 0);
    }
}

/* A question that has no argument is shown with none, 0. */
static void which_descriptors_are_asked_about_is_shown(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(script_kernel.open("/dev/null", O_RDWR, 0), 3);
    assert_int_equal(script_kernel.open("/dev/null", O_RDWR, 0), 4);
    assert_int_equal(run("--trace -f --keep-fd=3 --ready=fd:4 true"), SCRIPT_EXITED);
    assert_contains(script.printed, "  fcntl(3, F_GETFD, 0) = 0\n");
    assert_contains(script.printed, "  fcntl(4, F_GETFD, 0) = 0\n");
}

static int waited;

static void is_interrupted(const char *call)
{
    if (strcmp(call, "poll") == 0 && script.actions[SIGINT].sa_handler != SIG_DFL && ++waited == 2)
        script.actions[SIGINT].sa_handler(SIGINT);
}

/* What is known so far is shown, and the launcher ends by the signal; one that it was started with ignored stays so. */
static void an_interrupted_launcher_shows_what_there_is(void **state)
{
    (void)state;
    a_launcher();
    script.hears = "";
    script.hears_count = 0;
    script.hears_end = false;
    script.event_ms = 100000;
    script.watch = is_interrupted;
    script.actions[SIGHUP].sa_handler = SIG_IGN;
    waited = 0;
    assert_int_equal(run("--trace=/run/t true"),
                     SCRIPT_HUNG); /* the scripted raise comes back, and nothing follows it */
    assert_int_equal(script.raised, SIGINT);
    assert_int_equal(waited, 2);
    assert_int_equal(script_count("raise"), 1);
    assert_ptr_equal(script.actions[SIGINT].sa_handler, SIG_DFL);
    assert_ptr_equal(script.actions[SIGHUP].sa_handler, SIG_IGN);
    assert_contains(script_file("/run/t")->content, "launcher    1  poll(");
    assert_contains(script_file("/run/t")->content,
                    "\nverdict: none; the launcher was ended by signal 2 while it waited\n");
}

/* In pieces, and no longer than asked for. */
static void a_watched_launcher_waits_as_long_as_any_other(void **state)
{
    (void)state;
    for (int watched = 0; watched < 2; watched++) {
        a_launcher();
        script.hears = "";
        script.hears_count = 0;
        script.hears_end = false;
        script.event_ms = 100000;
        assert_int_equal(run(watched ? "--trace=/run/t -t 0.25 true" : "-t 0.25 true"), SCRIPT_EXITED);
        assert_int_equal(script.exit_code, 75);
        assert_in_range(script.clock_ms, 250, 300);
    }
}

static void interruptions_do_not_lose_a_trace(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        int nth;
    } cases[] = { { "open", 1 }, { "open", 2 }, { "fcntl", 1 } };
    for (size_t i = 0; i < 3; i++) {
        a_launcher();
        if (i == 1)
            script_add("/run/t", S_IFREG | 0644, "old, and longer than what comes, by far?");
        script_fail(cases[i].call, cases[i].nth, EINTR);
        assert_int_equal(run("--trace=/run/t true"), SCRIPT_EXITED);
        assert_int_equal(script.faults_fired, 1);
        assert_contains(script_file("/run/t")->content, "verdict: exit 0, the program runs\n");
        assert_null(strstr(script_file("/run/t")->content, "by far"));
    }
}

/* ---- explained ---- */

static char shown[1 << 16];

/* What comes on the real stdout. */
static int explained(const char *line)
{
    static char *plain[] = { (char *)"NO_COLOR=1", NULL };
    FILE *file = tmpfile();
    int saved = dup(1);
    fflush(stdout);
    dup2(fileno(file), 1);
    script.environment = script.environment ? plain : NULL;
    enum script_end end = run(line);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    rewind(file);
    shown[fread(shown, 1, sizeof shown - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(end, SCRIPT_RETURNED);
    assert_int_equal(script.allocations, 0);
    assert_false(script_called("fork") || script_called("pwrite") || script_called("unlink") ||
                 script_called("execve"));
    return result;
}

static int count_of(const char *part)
{
    int count = 0;
    for (const char *at = shown; (at = strstr(at, part)); at++)
        count++;
    return count;
}

/* Programs and outputs that a start would refuse, and such that it would not. */
static void begin_with_files(void)
{
    script_begin(SCRIPT_LAUNCHER);
    script_kernel.open("/dev/null", O_RDONLY, 0); /* 3 */
    script_add("/bin/noexec", S_IFREG | 0644, NULL);
    script_add("/bin/good-script", S_IFREG | 0755, "#! \t/bin/true -x\n");
    script_add("/bin/relative-script", S_IFREG | 0755, "#!true\n");
    script_add("/bin/folder-script", S_IFREG | 0755, "#!/run\n");
    script_add("/bin/beside-script", S_IFREG | 0755, "#!/bin/true/x\n");
    script_add("/run/socket", S_IFSOCK | 0666, NULL);
    strcpy(script.directory, "/bin"); /* the launcher's: the daemon searches from its own */
    script_add("/bin/bad-script", S_IFREG | 0755, "#!/no/such\n");
    script_add("/bin/unexecutable-script", S_IFREG | 0755, "#!/bin/noexec");
    script_add("/sbin/two-places", S_IFREG | 0755, "#!/no/such\n"); /* exec goes on to the next */
    script_add("/bin/two-places", S_IFREG | 0755, NULL);
    script_add("/sbin", S_IFDIR | 0755, NULL);
    script_add("/sbin/noexec", S_IFREG | 0644, NULL);
    script_add("/run/noexec", S_IFDIR | 0755, NULL);
    script_add("/var/log/one", S_IFREG | 0644, NULL);
    strcpy(script_add("/var/log/link", S_IFLNK | 0777, NULL)->target, "/var/log/one");
    script_add("/var/log/two", S_IFREG | 0644, NULL)->links = 2;
}

struct foreseen {
    const char *line;
    int code, errors;
    const char *first;
};

static void assert_foreseen(const struct foreseen *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char line[256];
        begin_with_files();
        snprintf(line, sizeof line, "--explain %s", cases[i].line);
        assert_int_equal(explained(line), cases[i].code);
        assert_int_equal(count_of("    ERROR "), cases[i].errors);
        for (char *at = shown; (at = strstr(at, "\n               "));) /* unfolded */
            memmove(at + 1, at + 16, strlen(at + 16) + 1), *at = ' ';
        assert_contains(strstr(shown, "verdict"), cases[i].first);
    }
}

static void all_that_stands_against_a_start_is_found(void **state)
{
    (void)state;
    static const struct foreseen cases[] = {
        { "true", 0, 0, "nothing is found that stands against this start" },
        { "-p /gone/x -c /nowhere -u nobody-here true", 64, 3,
          "working directory: /nowhere: no such file or directory" },
        { "-o /run true", 73, 1, "stdout: /run: is a directory" },
        { "-o /var/log/x -e /gone/y -u nobody-here true", 64, 2, "stderr: /gone/y: no such file or directory" },
        { "-o /dev/null -e /run true", 73, 1, "stderr: /run: is a directory" },
        { "-e /run true", 73, 1, "stderr: /run: is a directory" },
        { "-o /run -e /run true", 73, 1, "stdout: /run: is a directory" },
        { "--ready=fd:99999999 true", 64, 1,
          "readiness descriptor: 99999999: is too close to the limit of open files" },
        { "--ready=fd:7 true", 64, 1, "readiness descriptor: 7: is too close to the limit of open files" },
        { "--ready=fd:5 true", 0, 0, "nothing is found" },
        { "--ready=fd:6 true", 0, 0, "nothing is found" },
        { "-f --ready=fd:3 true", 0, 0, "nothing is found" },
        { "-f --ready=fd:7 true", 64, 1, "readiness descriptor: 7: is not an open descriptor" },
        { "-f --ready=fd:7 -c /nowhere -u nobody-here true", 64, 3,
          "working directory: /nowhere: no such file or directory" },
        { "-o /var/log/link -u www true", 73, 1, "stdout: /var/log/link: is a symbolic link" },
        { "-o /var/log/link -u www --chown=none true", 0, 0, "nothing is found" },
        { "-e /var/log/two -g adm true", 73, 1, "stderr: /var/log/two: is a file with several names" },
        { "-o /var/log/two -e /var/log/link -u www true", 73, 2, "stdout: /var/log/two: is a file with several names" },
        { "-o /var/log/link -e /var/log/two true", 0, 0, "nothing is found" },
        { "-o /run/socket true", 73, 1, "stdout: /run/socket: no such device or address" },
        { "-u www -o /run true", 73, 1, "stdout: /run: is a directory" },
        { "-o run true", 64, 1, "stdout: run: is not an absolute path" },
        { "-p x /bin/noexec", 64, 2, "pidfile: x: is not an absolute path" },
    };
    assert_foreseen(cases, sizeof cases / sizeof cases[0]);
}

static void a_directory_that_may_not_be_entered_is_found(void **state)
{
    (void)state;
    for (int may = 0; may < 2; may++) {
        begin_with_files();
        script_add("/var/locked", S_IFDIR | (may ? 0711 : 0700), NULL);
        script.uids[0] = script.uids[1] = script.uids[2] = 1000;
        assert_int_equal(explained("--explain -c /var/locked true"), may ? 0 : 71);
        assert_int_equal(count_of("    ERROR "), !may);
        assert_contains(strstr(shown, "verdict"),
                        may ? "nothing is found" : "working directory: /var/locked: permission denied");
    }
}

static void a_program_that_cannot_be_run_is_found(void **state)
{
    (void)state;
    static const struct foreseen cases[] = {
        { "-E PATH=/run:/sbin noexec", 66, 1, "program: noexec: permission denied" },
        { "-E PATH=/gone -E A=b -E PATH=/bin true", 0, 0, "nothing is found" },
        { "-E PATH=/bin -E PATH=/gone true", 66, 1, "program: true: no such file or directory" },
        { "/bin/noexec", 66, 1, "program: /bin/noexec: permission denied" },
        { "/bin/good-script", 0, 0, "nothing is found" },
        { "-c /bin /bin/relative-script", 0, 0, "nothing is found" },
        { "/bin/relative-script", 66, 1, "interpreter of the program: true: no such file or directory" },
        { "/bin/folder-script", 66, 1, "interpreter of the program: /run: permission denied" },
        { "/bin/beside-script", 71, 1, "interpreter of the program: /bin/true/x: not a directory" },
        { "-E PATH=/bin beside-script", 66, 1, "interpreter of the program: /bin/true/x: no such file or directory" },
        { "-c /bin -E PATH= true", 0, 0, "nothing is found" },
        { "-c /run -E PATH= true", 66, 1, "program: true: no such file or directory" },
        { "-E PATH=bin true", 0, 0, "nothing is found" },
        { "-E PATH=: true", 66, 1, "program: true: no such file or directory" },
        { "-c /run -E PATH=../bin:/gone true", 0, 0, "nothing is found" },
        { "/bin/bad-script", 66, 1, "interpreter of the program: /no/such: no such file or directory" },
        { "-E PATH=/bin bad-script", 66, 1, "interpreter of the program: /no/such: no such file or directory" },
        { "-E PATH=/sbin:/bin two-places", 0, 0, "nothing is found" },
        { "/bin/unexecutable-script", 66, 1, "interpreter of the program: /bin/noexec: permission denied" },
    };
    assert_foreseen(cases, sizeof cases / sizeof cases[0]);
}

/* Each one that is to stay is named once, and what stands against one of them is said where they are closed. */
static void descriptors_are_foreseen_at_their_step(void **state)
{
    (void)state;
    static const char *const lines[] = { "--explain --keep-fd=3 --keep-fd=4 --keep-fd=40 --keep-fd=5 true",
                                         "--explain -f --ready=fd:7 true" };
    static const char *const kept[] = { "3 stays open\n", "4 stays open\n", "5 stays open\n", "40 stays open\n" };
    for (int i = 0; i < 2; i++) {
        script_begin(SCRIPT_LAUNCHER);
        for (int fd = 3; fd < 6; fd++)
            assert_int_equal(script_kernel.open("/dev/null", O_RDONLY, 0), fd);
        assert_int_equal(explained(lines[i]), 64);
        assert_int_equal(count_of("    ERROR 64 "), 1);
        assert_true(strstr(shown, "    ERROR 64 ") > strstr(shown, "output files"));
        for (size_t which = 0; which < sizeof kept / sizeof kept[0]; which++)
            assert_int_equal(count_of(kept[which]), i == 0);
    }
}

static void no_path_steers_the_terminal(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(explained("--explain -o /run/a\001\002\033[31mb true"), 0);
    assert_int_equal(count_of("/run/a\\x01\\x02\\x1b[31mb, emptied first\n"), 1);
}

static void the_first_that_can_be_run_is_it(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script_add("/sbin", S_IFDIR | 0755, NULL);
    script_add("/sbin/true", S_IFREG | 0755, NULL);
    assert_int_equal(explained("--explain -E PATH=/gone:/bin:/sbin true"), 0);
    assert_int_equal(count_of(" runs /bin/true\n"), 1);
}

static uintptr_t program_flags;

static void look_at_program(const char *call)
{
    if (strcmp(call, "open") == 0 && strcmp((const char *)script.first, "/bin/bad-script") == 0)
        program_flags = script.second;
}

static void a_program_that_cannot_be_read_is_no_script(void **state)
{
    (void)state;
    static const char *const calls[] = { "open", "pread" };
    for (int i = 0; i < 4; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script_add("/bin/bad-script", S_IFREG | 0755, "#!/no/such\n");
        script_fail(calls[i % 2], 1, i < 2 ? EACCES : EINTR);
        assert_int_equal(explained("--explain /bin/bad-script"), i < 2 ? 0 : 66);
        assert_int_equal(script_open_fds(), 0);
    }
    script_begin(SCRIPT_LAUNCHER); /* and whatever its number is, it is opened so that nothing happens to it or to us */
    script_add("/bin/bad-script", S_IFREG | 0755, "#!/no/such\n");
    script_kernel.close(0);
    script.watch = look_at_program;
    program_flags = 0;
    assert_int_equal(explained("--explain /bin/bad-script"), 66);
    assert_int_equal(program_flags, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    script_begin(SCRIPT_LAUNCHER); /* nor is it what the one before it was */
    script_add("/sbin", S_IFDIR | 0755, NULL);
    script_add("/sbin/bad-script", S_IFREG | 0755, "#!/no/such\n");
    script_add("/bin/bad-script", S_IFREG | 0755, "#!/no/such\n");
    script_fail("open", 2, EACCES);
    assert_int_equal(explained("--explain -E PATH=/sbin:/bin bad-script"), 0);
    assert_int_equal(script.faults_fired, 1);
}

static void what_begins_where_we_are_is_not_looked_for_elsewhere(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script_add("/tmp/tool", S_IFREG | 0755, NULL);
    assert_int_equal(explained("--explain -c /run ./tool"), 0);
    assert_int_equal(count_of("runs /tmp/./tool\n"), 1);
}

static void an_interpreter_is_what_stands_behind_the_first_two_bytes(void **state)
{
    (void)state;
    static char endless[400] = "#!/";
    static const struct {
        const char *content;
        int code;
    } cases[] = { { "# /no/such\n", 0 }, { "#", 0 }, { "", 0 }, { "#! \t/no/such\n", 66 }, { endless, 71 } };
    memset(endless + 3, 'x', sizeof endless - 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(SCRIPT_LAUNCHER);
        script_add("/bin/script", S_IFREG | 0755, cases[i].content);
        assert_int_equal(explained("--explain /bin/script"), cases[i].code);
    }
    size_t longest = 0; /* no more than the kernel reads, and all of that */
    for (const char *at = strchr(strstr(shown, "verdict"), 'x'); at && *at; at += longest > 100 ? strlen(at) : 1)
        longest = strspn(at, "x");
    assert_int_equal(longest, 252);
}

static void look_fails_at_the_output(const char *call)
{
    if (strcmp(call, "stat") == 0 && strcmp((const char *)script.first, "/run") == 0 && script_count("lstat") > 0)
        script_fail("stat", 1, EACCES);
}

/* What it would be refused for cannot be known then. */
static void an_output_that_cannot_be_looked_at_stands_against_nothing(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        script_begin(SCRIPT_LAUNCHER);
        script.watch = fails ? look_fails_at_the_output : NULL;
        assert_int_equal(explained("--explain -u www -o /run true"), fails ? 0 : 73);
        assert_int_equal(script.faults_fired > 0, fails);
    }
}

static void a_limit_that_cannot_be_told_stands_against_nothing(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script_fail("getrlimit", 1, EINVAL);
    assert_int_equal(explained("--explain --ready=fd:7 true"), 0);
}

static void more_than_can_be_told_is_not_told(void **state)
{
    (void)state;
    char line[512] = "--explain";
    script_begin(SCRIPT_LAUNCHER);
    for (int fd = 40; fd < 60; fd++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " --keep-fd=%d", fd);
    strcat(line, " true");
    assert_int_equal(explained(line), 64);
    assert_int_equal(count_of("    ERROR 64   keep-fd: "), 16);
}

static void what_no_option_is_to_blame_for_stands_before_the_sequence(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    script_fail_from("calloc", 3, ENOMEM); /* after the two for the options */
    assert_int_equal(explained("--explain -p /run/x.pid true"), 71);
    assert_int_equal(count_of("    ERROR 71   memory: cannot allocate memory"), 1);
    assert_true(strstr(shown, "ERROR 71") < strstr(shown, "first fork"));
}

static void memory_for_the_search_may_run_out(void **state)
{
    (void)state;
    for (int nth = 1; nth < 12; nth++) {
        script_begin(SCRIPT_LAUNCHER);
        script_fail("calloc", nth, ENOMEM);
        int code = explained("--explain -E PATH=/bin true");
        assert_true(code == 0 || code == 66 || code == 71);
    }
}

static void what_happens_at_the_limit_is_explained(void **state)
{
    (void)state;
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(explained("--explain -t 2 --on-timeout=leave true"), 0);
    assert_int_equal(count_of("no longer than 2 s, then the program is left"), 1);
    script_begin(SCRIPT_LAUNCHER);
    script.environment = NULL;
    assert_int_equal(explained("--explain -t 2 true"), 0);
    assert_int_equal(count_of("no longer than 2 s, then the program is ended"), 1);
    script_begin(SCRIPT_LAUNCHER);
    assert_int_equal(explained("--explain -t 0.001 true"), 0);
    assert_int_equal(count_of("no longer than 0.001 s, then the program is ended"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CLI-16 CLI-17", a_watched_start_is_shown_and_ends_as_any_other),
        CLAIM("CLI-16", what_the_launcher_said_is_the_message_of_the_verdict),
        CLAIM("CLI-16", the_daemon_shows_nothing),
        CLAIM("CLI-16", in_foreground_mode_it_is_shown_before_exec),
        CLAIM("CLI-16 ERR-7", a_trace_that_cannot_be_had_is_told_before_anything_begins),
        CLAIM("CLI-16 CFG-14", which_descriptors_are_asked_about_is_shown),
        CLAIM("CLI-17", a_trace_that_is_lost_is_told_and_changes_no_start),
        CLAIM("CLI-16", an_interrupted_launcher_shows_what_there_is),
        CLAIM("CLI-16", a_watched_launcher_waits_as_long_as_any_other),
        CLAIM("CLI-16 SEQ-7", interruptions_do_not_lose_a_trace),
        CLAIM("CLI-18", all_that_stands_against_a_start_is_found),
        CLAIM("CLI-18", a_directory_that_may_not_be_entered_is_found),
        CLAIM("CLI-18", a_program_that_cannot_be_run_is_found),
        CLAIM("CLI-18", descriptors_are_foreseen_at_their_step),
        CLAIM("CLI-18", no_path_steers_the_terminal),
        CLAIM("CLI-18", the_first_that_can_be_run_is_it),
        CLAIM("CLI-18", a_program_that_cannot_be_read_is_no_script),
        CLAIM("CLI-18", what_begins_where_we_are_is_not_looked_for_elsewhere),
        CLAIM("CLI-18", an_interpreter_is_what_stands_behind_the_first_two_bytes),
        CLAIM("CLI-18", an_output_that_cannot_be_looked_at_stands_against_nothing),
        CLAIM("CLI-18", a_limit_that_cannot_be_told_stands_against_nothing),
        CLAIM("CLI-18", more_than_can_be_told_is_not_told),
        CLAIM("CLI-18", what_no_option_is_to_blame_for_stands_before_the_sequence),
        CLAIM("CLI-18 ERR-6", memory_for_the_search_may_run_out),
        CLAIM("CLI-18", what_happens_at_the_limit_is_explained),
    };
    return cmocka_run_group_tests_name("command_shown", tests, NULL, NULL);
}
