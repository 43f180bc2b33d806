/* command_line.h - one run of the command in process, on the scripted table. */
#ifndef BLIVET_COMMAND_LINE_H
#define BLIVET_COMMAND_LINE_H
#include "unit.h"
#include "../../cli/command.h"

static int result, argc; /* what the command returned, and what it was given */
static char *argv[64];
static const struct blivet_ops *table;

static void command_body(void *unused)
{
    (void)unused;
    result = daemonize_command(argc, argv, table);
}

/* Words are separated by one blank each. */
static inline enum script_end run_on(const char *line, const struct blivet_ops *ops)
{
    static char copy[1024];
    char *rest = copy;
    snprintf(copy, sizeof copy, "daemonize%s%s", *line ? " " : "", line);
    for (argc = 0; (argv[argc] = strsep(&rest, " ")); argc++)
        ;
    result = -1;
    table = ops;
    return script_run(command_body, NULL);
}

static inline enum script_end run(const char *line) { return run_on(line, &blivet_script); }

/* What the three processes share is two pieces of memory here, and only the last is the page. */
static inline void the_program_starts(void)
{
    struct blivet_page *page = script.page;
    page->pid = SCRIPT_DAEMON_PID;
}

/* Its daemon announces the program, and runs it. */
static inline void a_launcher(void)
{
    script_begin(SCRIPT_LAUNCHER);
    script.meanwhile = the_program_starts;
    script.has_stat = script.has_pidfd = script.hears_end = true;
    script.stat_line = "102 (x) S 101 101 101 0 -1 0 0";
    script.hears = "\xff";
    script.hears_count = 1;
}
#endif
