/* app.c - one application of the library, told by its arguments what to do.
 *
 * The tests of the library need a hundred little daemons.  This is an interpreter for them: each
 * argument is one word, obeyed from left to right.
 *
 *     app pidfile=/tmp/x.pid flag=foreground -- notify dump=/tmp/facts close
 *
 * Words before "--" fill in the configuration or prepare the process; words after it are done once
 * blivet_daemonize() has returned, in the daemon.  When it returns NULL the application prints
 * "returned: KIND CODE MESSAGE" and exits with that code.  It knows the public header only. */
#ifndef _GNU_SOURCE /* what C11 alone hides of the C library */
#define _GNU_SOURCE
#endif
#include "blivet.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 };

static struct blivet_config config;
static struct blivet_env environment[MOST];
static int keep_fds[MOST];
static struct blivet_context *daemon_context;
static struct blivet_error error;       /* of the last call that failed */
static const char *errors_path;         /* each failed call appends a line here */
static const char *failure_path;        /* facts, when blivet_daemonize() returns NULL */
static const char *atexit_path, *handler_path;
static int checked = 1;

/* --- little helpers ------------------------------------------------------------------------ */

/* The text after "name=" when word begins so, else NULL. */
static const char *value_of(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static int number(const char *text) { return (int)strtol(text, NULL, 10); }

static char *copy(const char *text)
{
    char *mine = strdup(text);
    if (mine == NULL) abort();
    return mine;
}

/* Writes all of text, whatever it costs: a test's own files are not allowed to fail silently. */
static void put(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t done = write(fd, text, length);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) _exit(99);
        text += done;
        length -= (size_t)done;
    }
}

static void append_line(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) _exit(98);
    put(fd, line, strlen(line));
    (void)close(fd);
}

static void sleep_ms(int ms)
{
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

static void *idle(void *unused)
{
    for (;;) pause();
    return unused;
}

static void start_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, idle, NULL) != 0) abort();
}

/* "at exit" and "on a signal": one line with the pid, so that a test sees in which process. */
static void at_exit(void)
{
    char line[32];
    (void)snprintf(line, sizeof line, "%ld\n", (long)getpid());
    append_line(atexit_path, line);
}

static void on_signal(int signal_number)
{
    char line[16];
    char *digit = line + sizeof line;
    long pid = (long)getpid();
    int saved = errno;
    (void)signal_number;
    *--digit = '\0';
    *--digit = '\n';
    for (; pid > 0; pid /= 10) *--digit = (char)('0' + pid % 10);
    append_line(handler_path, digit);
    errno = saved;
}

/* Facts of this process that cannot be read from outside, one "name value" a line; the file appears
 * complete, under its name, by rename. */
static void dump(const char *path)
{
    char draft[4096];
    FILE *out;
    mode_t mask = umask(0);
    sigset_t blocked;
    (void)umask(mask);
    (void)snprintf(draft, sizeof draft, "%s.draft", path);
    out = fopen(draft, "we");
    if (out == NULL) _exit(97);
    (void)fprintf(out, "pid %ld\nppid %ld\nsid %ld\npgid %ld\numask %03o\n", (long)getpid(),
                  (long)getppid(), (long)getsid(0), (long)getpgrp(), (unsigned)mask);
    (void)fprintf(out, "lock_fd %d\n", daemon_context == NULL ? -1 : blivet_lockfile_fd(daemon_context));
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (fd != fileno(out) && flags >= 0)
            (void)fprintf(out, "fd %d %s\n", fd, flags & FD_CLOEXEC ? "cloexec" : "inherited");
    }
    if (sigprocmask(SIG_SETMASK, NULL, &blocked) != 0) _exit(96);
    for (int number_ = 1; number_ < 32; number_++)
    {
        struct sigaction action;
        if (sigismember(&blocked, number_) == 1) (void)fprintf(out, "blocked %d\n", number_);
        if (sigaction(number_, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            (void)fprintf(out, "ignored %d\n", number_);
    }
    if (fclose(out) != 0 || rename(draft, path) != 0) _exit(95);
}

/* --- before "--": the configuration and the process ------------------------------------------ */

static unsigned flag_named(const char *name)
{
    static const struct { const char *name; unsigned flag; } flags[] = {
        {"foreground", BLIVET_FOREGROUND},       {"append", BLIVET_APPEND},
        {"no-lock", BLIVET_NO_LOCK},             {"keep-all-fds", BLIVET_KEEP_ALL_FDS},
        {"keep-pidfile", BLIVET_KEEP_PIDFILE},   {"leave", BLIVET_LEAVE_ON_TIMEOUT},
        {"no-chown", BLIVET_NO_CHOWN},           {"give-pidfile", BLIVET_GIVE_PIDFILE},
        {"unknown", 1U << 30},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(name, flags[i].name) == 0) return flags[i].flag;
    (void)fprintf(stderr, "app.c: no such flag: %s\n", name);
    exit(99);
}

static void add_env(const char *name, const char *value)
{
    if (config.env_count == MOST) abort();
    environment[config.env_count].name = name;
    environment[config.env_count++].value = value;
    config.env = environment;
}

static void add_env_word(const char *word) /* NAME=VALUE, split at the first '=' */
{
    char *name = copy(word), *equals = strchr(name, '=');
    if (equals == NULL) abort();
    *equals = '\0';
    add_env(name, equals + 1);
}

static void add_keep_fd(const char *text)
{
    if (config.keep_fds_count == MOST) abort();
    keep_fds[config.keep_fds_count++] = number(text);
    config.keep_fds = keep_fds;
}

static void set_handler(const char *word, int restart) /* SIGNAL:FILE */
{
    struct sigaction action = {0};
    const char *colon = strchr(word, ':');
    if (colon == NULL) abort();
    handler_path = colon + 1;
    action.sa_handler = on_signal;
    action.sa_flags = restart ? SA_RESTART : 0;
    (void)sigfillset(&action.sa_mask);
    if (sigaction(number(word), &action, NULL) != 0) abort();
}

static void print_table(void) /* of kinds and exit codes, and the names of the steps */
{
    for (int kind = BLIVET_OK; kind <= BLIVET_ENDED_EARLY; kind++)
        (void)printf("kind %d %d\n", kind, blivet_exit_code(kind));
    for (int step = 0; step <= 15; step++) {
        const char *name = blivet_step_name(step);
        (void)printf("step %d %s\n", step, name == NULL ? "NULL" : name);
    }
    (void)printf("version %s %s\n", BLIVET_VERSION, blivet_version());
    exit(0);
}

static void returned(void)
{
    (void)printf("returned: %d %d %s\n", error.kind, error.exit_code, error.message);
    if (failure_path != NULL) dump(failure_path);
    exit(error.exit_code);
}

static void validate(void) /* judge what was configured so far, and end */
{
    if (blivet_validate(&config, &error) != 0) returned();
    (void)printf("valid\n");
    exit(0);
}

static void configure(const char *word)
{
    const char *value;
    if ((value = value_of(word, "pidfile")) != NULL) config.pidfile = value;
    else if ((value = value_of(word, "lockfile")) != NULL) config.lockfile = value;
    else if ((value = value_of(word, "stdout")) != NULL) config.stdout_path = value;
    else if ((value = value_of(word, "stderr")) != NULL) config.stderr_path = value;
    else if ((value = value_of(word, "chdir")) != NULL) config.working_directory = value;
    else if ((value = value_of(word, "user")) != NULL) config.user = value;
    else if ((value = value_of(word, "group")) != NULL) config.group = value;
    else if ((value = value_of(word, "umask")) != NULL) config.umask = (unsigned)strtoul(value, NULL, 8);
    else if ((value = value_of(word, "env")) != NULL) add_env_word(value);
    else if ((value = value_of(word, "env-name")) != NULL) add_env(value, "x"); /* '=' and all */
    else if ((value = value_of(word, "keep-fd")) != NULL) add_keep_fd(value);
    else if ((value = value_of(word, "flag")) != NULL) config.flags |= flag_named(value);
    else if ((value = value_of(word, "timeout-ms")) != NULL) config.ready_timeout_ms = (unsigned)number(value);
    else if ((value = value_of(word, "reserved-word")) != NULL) config.reserved_word = (unsigned)number(value);
    else if ((value = value_of(word, "reserved")) != NULL) config.reserved[7] = (uintptr_t)number(value);
    else if ((value = value_of(word, "errors")) != NULL) errors_path = value;
    else if ((value = value_of(word, "on-failure")) != NULL) failure_path = value;
    else if ((value = value_of(word, "printf")) != NULL) (void)printf("%s", value);
    else if ((value = value_of(word, "handler")) != NULL) set_handler(value, 1);
    else if ((value = value_of(word, "interrupting-handler")) != NULL) set_handler(value, 0);
    else if ((value = value_of(word, "sigign")) != NULL) (void)signal(number(value), SIG_IGN);
    else if ((value = value_of(word, "atexit")) != NULL) {
        atexit_path = value;
        if (atexit(at_exit) != 0) abort();
    }
    else if (strcmp(word, "thread") == 0) start_thread();
    else if (strcmp(word, "checked") == 0) checked = 1;
    else if (strcmp(word, "unchecked") == 0) checked = 0;
    else if (strcmp(word, "validate") == 0) validate();
    else if (strcmp(word, "table") == 0) print_table();
    else {
        (void)fprintf(stderr, "app.c: no such word: %s\n", word);
        exit(99);
    }
}

/* --- after "--": what the daemon does --------------------------------------------------------- */

/* A call that failed is remembered for "or-fail" and written down; the actions go on. */
static void judge(const char *action, int result)
{
    char line[2 * BLIVET_MESSAGE_SIZE];
    if (result == 0 || errors_path == NULL) return;
    (void)snprintf(line, sizeof line, "%s: %d %d %s\n", action, error.kind, error.exit_code, error.message);
    append_line(errors_path, line);
}

static unsigned chown_named(const char *name)
{
    if (strcmp(name, "all") == 0) return BLIVET_CHOWN_ALL;
    if (strcmp(name, "logs") == 0) return BLIVET_CHOWN_LOGS;
    if (strcmp(name, "pidfile") == 0) return BLIVET_CHOWN_PIDFILE;
    if (strcmp(name, "lockfile") == 0) return BLIVET_CHOWN_LOCKFILE;
    return 0;
}

static int remove_on(const char *list) /* "15,2" */
{
    int signals[MOST];
    size_t count = 0;
    while (list != NULL && count < MOST) {
        signals[count++] = number(list);
        list = strchr(list, ',');
        if (list != NULL) list++;
    }
    return blivet_remove_pidfile_on(daemon_context, signals, count, &error);
}

static void run_program(const char *word) /* /path:argument:argument */
{
    char *arguments[MOST], *rest = copy(word);
    size_t count = 0;
    while (rest != NULL && count < MOST - 1) {
        arguments[count++] = rest;
        rest = strchr(rest, ':');
        if (rest != NULL) *rest++ = '\0';
    }
    arguments[count] = NULL;
    (void)execv(arguments[0], arguments);
}

static void fail(const char *word) /* CODE:TEXT */
{
    const char *colon = strchr(word, ':');
    blivet_fail(daemon_context, number(word), colon == NULL ? NULL : colon + 1);
}

static void report_error(const char *word) /* KIND:ERRNO:WHAT:SUBJECT */
{
    char *part = copy(word), *fields[4] = {NULL, NULL, NULL, NULL};
    for (size_t i = 0; i < 4 && part != NULL; i++) {
        fields[i] = part;
        part = strchr(part, ':');
        if (part != NULL) *part++ = '\0';
    }
    if (fields[2] == NULL) abort();
    blivet_set_error(&error, number(fields[0]), number(fields[1]), fields[2], fields[3], NULL);
    blivet_report_error(daemon_context, &error);
}

/* Bytes given in hexadecimal into every pipe and socket above 2: the notification pipe, as a program
 * with a broken or malicious mind would write to it.  delay_ms between two bytes. */
static void write_to_pipes(const char *hex, int delay_ms)
{
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        const char pair[3] = {hex[0], hex[1], '\0'};
        const char byte = (char)strtol(pair, NULL, 16);
        for (int fd = 3; fd < 256; fd++) {
            struct stat status;
            if (fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)))
                if (write(fd, &byte, 1) < 0) continue; /* a pipe's reading end */
        }
        if (delay_ms > 0) sleep_ms(delay_ms);
    }
}

/* A worker that holds all it inherited, or leaves the session too, or one that closes the context, or reports a
 * failure. */
enum worker { HOLDING, REGROUPING, LEAVING, CLOSING, FAILING };

static void fork_child(enum worker worker)
{
    int left[2];
    char end;
    if (pipe(left) != 0) abort();
    pid_t child = fork();
    if (child < 0) abort();
    (void)close(child > 0 ? left[1] : left[0]);
    if (child > 0) {
        if (read(left[0], &end, 1) != 0) abort(); /* its end: the worker is where it shall be */
        (void)close(left[0]);
        return;
    }
    if (worker == REGROUPING && setpgid(0, 0) != 0) abort();
    if (worker == LEAVING && setsid() < 0) abort();
    (void)close(left[1]);
    if (worker == FAILING) blivet_fail(daemon_context, 42, "a worker's failure");
    if (worker == CLOSING) {
        blivet_close(daemon_context);
        _exit(0);
    }
    for (;;) pause();
}

static void point(const char *word) /* FD:PATH, as "exec 1>path" in a shell */
{
    const char *colon = strchr(word, ':');
    int fd;
    if (colon == NULL) abort();
    fd = open(colon + 1, O_WRONLY | O_CREAT, 0666);
    if (fd < 0 || dup2(fd, number(word)) < 0) _exit(94);
    (void)close(fd);
}

static void enter(const char *path) /* where only one process at a time may be */
{
    char line[4200];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    (void)snprintf(line, sizeof line, "%s: somebody is there already\n", path);
    if (fd < 0 && errors_path != NULL) append_line(errors_path, line);
    if (fd >= 0) (void)close(fd);
}

static void wait_for(const char *path) /* until that file exists */
{
    while (access(path, F_OK) != 0) sleep_ms(5);
}

static void act(const char *word)
{
    const char *value;
    if (strcmp(word, "notify") == 0) judge(word, blivet_notify_parent(daemon_context, &error));
    else if (strcmp(word, "announce") == 0) judge(word, blivet_announce_exec(daemon_context, &error));
    else if (strcmp(word, "drop") == 0) judge(word, blivet_drop_privileges(daemon_context, &error));
    else if (strcmp(word, "drop-unchecked") == 0)
        judge(word, blivet_drop_privileges_unchecked(daemon_context, &error));
    else if ((value = value_of(word, "chown")) != NULL)
        judge(word, blivet_chown_paths(daemon_context, chown_named(value), &error));
    else if ((value = value_of(word, "remove-on")) != NULL) judge(word, remove_on(value));
    else if ((value = value_of(word, "fail")) != NULL) fail(value);
    else if ((value = value_of(word, "report-error")) != NULL) report_error(value);
    else if (strcmp(word, "or-fail") == 0) {
        if (error.kind != BLIVET_OK) blivet_report_error(daemon_context, &error);
    }
    else if (strcmp(word, "cleanup") == 0) blivet_cleanup(daemon_context);
    else if (strcmp(word, "keep-pidfile") == 0) blivet_keep_pidfile(daemon_context);
    else if (strcmp(word, "close") == 0) {
        blivet_close(daemon_context);
        daemon_context = NULL;
    }
    else if (strcmp(word, "inherit-lock") == 0) (void)fcntl(blivet_lockfile_fd(daemon_context), F_SETFD, 0);
    else if ((value = value_of(word, "exec")) != NULL) run_program(value);
    else if (strcmp(word, "fork-worker") == 0) fork_child(HOLDING);
    else if (strcmp(word, "worker-regroup") == 0) fork_child(REGROUPING);
    else if (strcmp(word, "worker-leave") == 0) fork_child(LEAVING);
    else if (strcmp(word, "worker-close") == 0) fork_child(CLOSING);
    else if (strcmp(word, "worker-fail") == 0) fork_child(FAILING);
    else if (strcmp(word, "thread") == 0) start_thread();
    else if ((value = value_of(word, "garbage")) != NULL) write_to_pipes(value, 0);
    else if ((value = value_of(word, "trickle")) != NULL) write_to_pipes(value, 30);
    else if ((value = value_of(word, "sleep")) != NULL) sleep_ms(number(value));
    else if ((value = value_of(word, "wait-for")) != NULL) wait_for(value);
    else if ((value = value_of(word, "write-stdout")) != NULL) put(1, value, strlen(value));
    else if ((value = value_of(word, "write-stderr")) != NULL) put(2, value, strlen(value));
    else if ((value = value_of(word, "point")) != NULL) point(value);
    else if ((value = value_of(word, "enter")) != NULL) enter(value);
    else if ((value = value_of(word, "leave")) != NULL) (void)unlink(value);
    else if ((value = value_of(word, "dump")) != NULL) dump(value);
    else if ((value = value_of(word, "sigign")) != NULL) (void)signal(number(value), SIG_IGN);
    else if ((value = value_of(word, "kill-self")) != NULL) (void)kill(getpid(), number(value));
    else if (strcmp(word, "forget") == 0) {
        for (int fd = 3; fd < 1024; fd++) (void)close(fd);
    }
    else if (strcmp(word, "abort") == 0) abort();
    else if (strcmp(word, "pause") == 0) {
        for (;;) pause();
    }
    else _exit(93); /* a word that does not exist: seen as a strange exit code */
}

int main(int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) configure(argv[i]);
    daemon_context = checked ? blivet_daemonize(&config, &error) : blivet_daemonize_unchecked(&config, &error);
    if (daemon_context == NULL) returned();
    for (i++; i < argc; i++) {
        if (strcmp(argv[i], "return") == 0) return 0;
        act(argv[i]);
    }
    return 0;
}
