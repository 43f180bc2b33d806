/* explain.c - what a start would do, step by step, and what stands against it (CLI-18). */
#include "explain.h"
#include "foresee.h"
#include "terminal.h"
#include "../core/text.h"
#include <limits.h>
#include <stdarg.h>
#include <string.h>

enum { LINE = 4 * PATH_MAX + 256, LABEL = 11, MARGIN = 4, NARROW = 60 };
enum { CALLER, LEADER, DAEMON, PROCESSES };

static const struct {
    const char *name, *purpose, *hazard;
} steps[] = {
    [IN_BEFORE] = { "before the sequence", "what can fail without having begun anything fails here", NULL },
#define STEP(number, symbol, name, purpose, hazard) [number] = { name, purpose, hazard },
#include "../core/steps.def"
#undef STEP
    [IN_BEYOND] = { "after the sequence", "files are handed over, root is given up, the program is run", NULL },
};

/* What the rows of explain.def ask for. */
struct plan {
    const struct options *options;
    bool detached, files, logs, one_log, lock, pidfile_is_lock, identity, user_by_number, group_by_name, environment;
    bool notify, ready_fd;
    bool program_path; /* not searched in PATH */
    struct foresight foresight;
};

/* ---- printing ---- */

struct view {
    FILE *stream;
    size_t width;
    bool colour;
};

enum { PLAIN, BOLD, DIM, RED };

static const char *style(const struct view *view, int which)
{
    static const char *const codes[] = { "\033[0m", "\033[1m", "\033[2m", "\033[31m" };
    return view->colour ? codes[which] : "";
}

/* A label and a paragraph.  Whatever a path holds, it steers no terminal. */
__attribute__((__format__(__printf__, 4, 5))) static void say(const struct view *view, int how, const char *label,
                                                              const char *format, ...)
{
    char line[LINE], shown[4 * LINE];
    struct blivet_text text;
    struct fold fold = { .stream = view->stream, .indent = MARGIN + (view->width < NARROW ? 2 : LABEL),
                         .width = view->width, .column = MARGIN + LABEL };
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    blivet_text_begin(&text, shown, sizeof shown);
    blivet_text_escaped(&text, line, strlen(line));
    fprintf(view->stream, "%*s%s%-*s", MARGIN, "", style(view, how), LABEL, label);
    terminal_fold(&fold, shown);
    fprintf(view->stream, "%s\n", style(view, PLAIN));
}

/* ---- the lines of a step ---- */

struct words {
    char bytes[512];
    struct blivet_text text;
};

/* Each word once, and none that is in the other list. */
static void add_words(struct words *list, const char *other, const char *words)
{
    char word[32];
    for (size_t length; *words; words += length + (words[length] == ' ')) {
        length = strcspn(words, " ");
        snprintf(word, sizeof word, " %.*s ", (int)length, words);
        if (!strstr(list->bytes, word) && !strstr(other, word))
            blivet_text_put(&list->text, word + 1);
    }
}

static void say_calls(const struct view *view, const struct plan *plan, int step, int process)
{
    static const char *const names[] = { "launcher", "leader", "daemon" };
    const struct options *options = plan->options;
    const struct blivet_config *config = &options->config;
    struct words always, at_need;
    blivet_text_begin(&always.text, always.bytes, sizeof always.bytes);
    blivet_text_begin(&at_need.text, at_need.bytes, sizeof at_need.bytes);
    blivet_text_put(&always.text, " ");
    blivet_text_put(&at_need.text, " ");
#define SKIPPED(at, when, why)
#define CALLS(at, who, when, calls, need) \
    if (IN_##at == step && (who) == process && (when)) \
        add_words(&always, "", calls);
#include "explain.def"
#undef CALLS
#define CALLS(at, who, when, calls, need) \
    if (IN_##at == step && (who) == process && (when)) \
        add_words(&at_need, always.bytes, need);
#include "explain.def"
#undef CALLS
#undef SKIPPED
    if (always.bytes[1])
        say(view, PLAIN, plan->detached ? names[process] : "foreground", "%s", always.bytes + 1);
    if (at_need.bytes[1])
        say(view, PLAIN, "  at need", "%s", at_need.bytes + 1);
}

static void say_skipped(const struct view *view, const struct plan *plan, int step)
{
    const struct blivet_config *config = &plan->options->config;
#define CALLS(at, who, when, calls, need)
#define SKIPPED(at, when, why) \
    if (IN_##at == step && (when)) \
        say(view, DIM, "skipped", "%s", why);
#include "explain.def"
#undef CALLS
#undef SKIPPED
}

static void say_ready(const struct view *view, const struct options *options)
{
    const struct blivet_config *config = &options->config;
    if (config->ready == BLIVET_READY_FD)
        say(view, PLAIN, "here", "waits for a newline on the program's descriptor %d", config->ready_fd);
    else
        say(view, PLAIN, "here", "waits until %s", config->ready == BLIVET_READY_NOTIFY ? "READY=1 comes" : "the program runs");
    if (config->ready_timeout_ms > 0)
        say(view, PLAIN, "", "no longer than %s s, then the program is %s", options->timeout,
            config->flags & BLIVET_LEAVE_ON_TIMEOUT ? "left" : "ended");
}

/* What these options make of the step. */
static void say_here(const struct view *view, const struct plan *plan, int step)
{
    const struct options *options = plan->options;
    const struct blivet_config *config = &options->config;
    const char *how = config->flags & BLIVET_APPEND ? "appended to" : "emptied first";
    const char *out = plan->one_log ? "stdout and stderr" : "stdout";
    if (step == IN_FIRST_FORK && plan->detached)
        say_ready(view, options);
    else if (step == IN_UMASK)
        say(view, PLAIN, "here", "%04o", config->umask);
    else if (step == IN_DIRECTORY)
        say(view, PLAIN, "here", "%s", config->working_directory ? config->working_directory : "/");
    else if (step == IN_LOCK && plan->lock)
        say(view, PLAIN, "here", "%s; who holds it is seen only by taking it",
            plan->pidfile_is_lock ? config->pidfile : config->lockfile);
    else if (step == IN_PIDFILE && config->pidfile)
        say(view, PLAIN, "here", "%s", config->pidfile);
    for (size_t i = 0; step == IN_ENVIRONMENT && i < config->env_count; i++)
        say(view, PLAIN, i == 0 ? "here" : "", "%s", config->env[i].name); /* a value may be a secret */
    if (step == IN_OUTPUT && config->stdout_path)
        say(view, PLAIN, "here", "%s: %s, %s", out, config->stdout_path, how);
    if (step == IN_OUTPUT && config->stderr_path && !plan->one_log)
        say(view, PLAIN, "here", "stderr: %s, %s", config->stderr_path, how);
    for (size_t i = 0; step == IN_DESCRIPTORS && i < config->keep_fds_count; i++)
        say(view, PLAIN, "here", "%d stays open", config->keep_fds[i]);
    if (step == IN_BEYOND && config->user)
        say(view, PLAIN, "here", "becomes user %s", config->user);
    if (step == IN_BEYOND && config->group)
        say(view, PLAIN, "here", "becomes group %s", config->group);
    if (step == IN_BEYOND && *plan->foresight.program)
        say(view, PLAIN, "here", "runs %s", plan->foresight.program);
}

static void say_step(const struct view *view, const struct plan *plan, int step)
{
    char sign[8] = "-";
    if (step != IN_BEFORE)
        snprintf(sign, sizeof sign, step == IN_BEYOND ? "+" : "%d", step);
    fprintf(view->stream, "%s%2s  %s%s%s\n", step == IN_BEFORE ? "" : "\n", sign, style(view, BOLD), steps[step].name, style(view, PLAIN));
    say(view, PLAIN, "why", "%s", steps[step].purpose);
    if (steps[step].hazard)
        say(view, PLAIN, "without it", "%s", steps[step].hazard);
    say_skipped(view, plan, step);
    say_here(view, plan, step);
    for (size_t i = 0; i < plan->foresight.count; i++)
        if (plan->foresight.problems[i].step == step) {
            char label[16];
            snprintf(label, sizeof label, "ERROR %d", plan->foresight.problems[i].error.exit_code);
            say(view, RED, label, "%s", plan->foresight.problems[i].error.message);
        }
    for (int process = CALLER; process < PROCESSES; process++)
        say_calls(view, plan, step, process);
}

/* ---- the whole ---- */

static bool is_number(const char *text) { return text && text[strspn(text, "0123456789")] == '\0'; }

static int conclude(const struct view *view, const struct plan *plan)
{
    const struct blivet_error *first = &plan->foresight.problems[0].error;
    if (plan->foresight.count == 0)
        say(view, BOLD, "verdict", "nothing is found that stands against this start; nothing was done");
    else
        say(view, RED, "verdict", "exit %d, %s", first->exit_code, first->message);
    return plan->foresight.count == 0 ? 0 : first->exit_code;
}

int explain(struct options *options, const struct blivet_ops *ops, FILE *stream, int fd)
{
    static struct plan plan;
    const struct blivet_config *config = &options->config;
    const struct view view = { stream, terminal_width(ops, fd), terminal_colour(ops, fd) };
    memset(&plan, 0, sizeof plan);
    plan.options = options;
    plan.detached = !(config->flags & BLIVET_FOREGROUND);
    plan.logs = config->stdout_path || config->stderr_path;
    plan.files = plan.logs || config->pidfile || config->lockfile;
    plan.lock = !(config->flags & BLIVET_NO_LOCK) && (config->pidfile || config->lockfile);
    plan.user_by_number = is_number(config->user);
    plan.group_by_name = config->group && !is_number(config->group);
    plan.pidfile_is_lock = plan.lock && !config->lockfile;
    plan.identity = config->user || config->group;
    plan.one_log = is_one_log(config);
    plan.notify = plan.detached && config->ready == BLIVET_READY_NOTIFY;
    plan.ready_fd = plan.detached && config->ready == BLIVET_READY_FD;
    plan.environment = config->env_count > 0 || plan.notify;
    plan.program_path = strchr(options->program[0], '/') != NULL;
    foresee(&plan.foresight, options, ops);
    plan.pidfile_is_lock |= plan.foresight.pidfile_is_lock;
    for (int step = IN_BEFORE; step <= IN_BEYOND; step++)
        say_step(&view, &plan, step);
    fputs("\n", stream);
    return conclude(&view, &plan);
}
