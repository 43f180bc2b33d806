/* command.c - what daemonize does, in order (CLI-11): options, program, daemonize, hand over, drop, announce, exec. */
#include "command.h"
#include "explain.h"
#include "options.h"
#include "output.h"
#include "program.h"
#include "trace.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* One line; what is wrong with the call points to the help (CLI-7). */
static int fail(const struct blivet_ops *ops, const struct blivet_error *error)
{
    static const char hint[] = "; try 'daemonize --help'";
    char line[BLIVET_MESSAGE_SIZE + sizeof hint];
    snprintf(line, sizeof line, "%s%s", error->message, error->kind == BLIVET_INVALID_CONFIG ? hint : "");
    blivet_say(ops, 2, line);
    return error->exit_code;
}

/* Whoever started us would lend a stranger our rights over files and processes (CLI-15). */
static int refuse_set_id(const struct blivet_ops *ops, struct blivet_error *error)
{
    if (!ops->issetugid())
        return 0;
    blivet_set_error(error, BLIVET_PERMISSION_DENIED, 0, "permission denied", NULL,
                     "runs neither set-user-ID nor set-group-ID");
    return -1;
}

static int print(struct options *options, const struct blivet_ops *ops)
{
    int code = 0;
    output_begin(ops);
    if (options->help)
        options_help(stdout);
    else if (options->version)
        printf("daemonize %s\n", blivet_version());
    else
        code = explain(options, ops, stdout, 1);
    return output_end(ops, code);
}

/* What will be done, before the fork (CLI-6).  After a line that nobody reads the rest is not tried. */
static void announce_plan(const struct options *options, const struct blivet_ops *ops)
{
    const struct blivet_config *config = &options->config;
    const char *lock = config->flags & BLIVET_NO_LOCK ? NULL : config->lockfile ? config->lockfile : config->pidfile;
    const bool waits = !(config->flags & BLIVET_FOREGROUND);
    const char *const plan[][2] = {
        { "program", options->program[0] },
        { "mode", config->flags & BLIVET_FOREGROUND ? "foreground" : "daemon" },
        { "working directory", config->working_directory ? config->working_directory : "/" },
        { "pidfile", config->pidfile },
        { "lock", lock },
        { "stdout", config->stdout_path },
        { "stderr", config->stderr_path },
        { "user", config->user },
        { "group", config->group },
        { "ready", waits ? options->ready : NULL },
        { "timeout in seconds", waits ? options->timeout : NULL },
        { "on timeout", waits ? options->on_timeout : NULL },
    };
    for (size_t i = 0; i < sizeof plan / sizeof plan[0]; i++) {
        struct blivet_error line;
        if (!plan[i][1])
            continue;
        blivet_set_error(&line, BLIVET_OK, 0, plan[i][0], plan[i][1], NULL);
        if (!blivet_say(ops, 2, line.message))
            break;
    }
}

/* After the sequence, in the daemon: from the launcher's files and rights to the program's. */
static _Noreturn void become_program(struct blivet_context *daemon, const struct options *options, const struct blivet_ops *ops)
{
    struct blivet_error error;
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    const bool changed = options->config.user || options->config.group;
    sigset_t none;
    int result = 0, lock_fd = blivet_lockfile_fd(daemon);
    if (blivet_chown_paths(daemon, options->chown, &error) != 0 ||
        blivet_drop_privileges_unchecked(daemon, &error) != 0)
        blivet_report_error(daemon, &error);
    sigemptyset(&none);
    if (lock_fd >= 0) /* the lock survives exec (CLI-5) */
        UNINTERRUPTED(result, ops->fcntl(lock_fd, F_SETFD, 0));
    if (result != 0 ||
        ops->sigaction(SIGPIPE, &standard, NULL) != 0 ||
        (changed && ops->sigprocmask(SIG_SETMASK, &none, NULL) != 0)) { /* musl blocks signals to change identity */
        blivet_set_error(&error, BLIVET_SYSTEM_FAILED, errno, "program", options->program[0], NULL);
        blivet_report_error(daemon, &error);
    }
    if (blivet_announce_exec(daemon, &error) == 0)
        program_exec(options->program, ops, &error);
    blivet_report_error(daemon, &error);
}

/* Returns only if nothing has begun; then the error is told. */
static void run(struct options *options, const struct blivet_ops *ops, struct blivet_error *error)
{
    int unusable = program_resolve(options->program[0], &options->program_path, ops, error);
    /* Daemonizing validates too, but a wrong call is 64 whatever else is wrong, and the plan of one is not announced. */
    if ((unusable || options->verbose) && blivet_validate_on(&options->config, ops, error) != 0)
        return;
    if (unusable)
        return;
    if (options->program_path) /* the directory will be another by the time of exec (CLI-9) */
        options->program[0] = options->program_path;
    if (options->verbose)
        announce_plan(options, ops);
    struct blivet_context *daemon = blivet_daemonize_on(&options->config, ops, BLIVET_TRUST_COMMAND, error);
    if (!daemon)
        return;
    become_program(daemon, options, ops);
}

/* The same on a table that records (CLI-16). */
static int start(struct options *options, const struct blivet_ops *ops)
{
    struct blivet_error error;
    const struct blivet_ops *table = options->trace ? trace_begin(options, ops, &error) : ops;
    if (table)
        run(options, table, &error);
    int status = fail(table ? table : ops, &error);
    if (table != ops && table)
        trace_end(status);
    return status;
}

int daemonize_command(int argc, char **argv, const struct blivet_ops *ops)
{
    struct options options;
    struct blivet_error error;
    int status = 0;
    memset(&options, 0, sizeof options);
    if (refuse_set_id(ops, &error) != 0 || options_parse(&options, argc, argv, ops, &error) != 0)
        status = fail(ops, &error);
    else if (options.help || options.version || options.explain)
        status = print(&options, ops);
    else
        status = start(&options, ops);
    options_free(&options, ops);
    return status;
}
