/* options.c - any command line, then the validation of what it asks for (CLI-1, CLI-2, CLI-7, CLI-8).
 *
 * The input is the words behind "daemonize", each ended by a zero byte. */
#include "../cli/options.h"
#include "refusal.h"
#include <stdarg.h>
#include <stdio.h>

enum { MOST_WORDS = 48, MOST_BYTES = 4096, LINE_BYTES = 32768 };

struct line {
    char bytes[LINE_BYTES], *words[4 * MOST_WORDS];
    size_t used;
    int count;
};

static const char *const fields[] = {
    "option", "program", "option --umask", "option --keep-fd", "option --timeout", "option --on-timeout",
    "option --ready", "option --chown", "option --env", "option --trace", "option --explain", "configuration", "umask",
    "readiness descriptor", "lockfile", "pidfile", "working directory", "stdout", "stderr", "env", "keep-fd", "user", "group", NULL
};

static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof line->bytes - line->used;
    va_start(arguments, format);
    int length = vsnprintf(line->bytes + line->used, room, format, arguments);
    va_end(arguments);
    demand(length >= 0 && (size_t)length < room && line->count + 1 < 4 * MOST_WORDS);
    line->words[line->count++] = line->bytes + line->used;
    line->words[line->count] = NULL;
    line->used += (size_t)length + 1;
}

static void read_words(struct line *line, const char *bytes, size_t count)
{
    memset(line, 0, sizeof *line);
    add(line, "daemonize");
    for (size_t at = 0; at < count && line->count <= MOST_WORDS; at += strlen(bytes + at) + 1)
        add(line, "%s", bytes + at); /* the caller has ended the last one */
}

static int parse(struct options *options, struct line *line, struct blivet_error *error)
{
    static const char *const memory_only[] = { "calloc", "free", NULL };
    script.trace[0] = '\0';
    int answer = options_parse(options, line->count, line->words, &blivet_script, error);
    demand(answer == 0 || answer == -1);
    demand_only(memory_only);
    return answer;
}

static bool same(const char *one, const char *other) { return one && other ? strcmp(one, other) == 0 : one == other; }

static void demand_same_options(const struct options *one, const struct options *other)
{
    const struct blivet_config *a = &one->config, *b = &other->config;
    demand(same(a->pidfile, b->pidfile) && same(a->lockfile, b->lockfile));
    demand(same(a->working_directory, b->working_directory));
    demand(same(a->stdout_path, b->stdout_path) && same(a->stderr_path, b->stderr_path));
    demand(same(a->user, b->user) && same(a->group, b->group));
    demand(a->umask == b->umask && a->ready_timeout_ms == b->ready_timeout_ms && a->flags == b->flags);
    demand(a->ready == b->ready && a->ready_fd == b->ready_fd && one->chown == other->chown);
    demand(a->env_count == b->env_count && a->keep_fds_count == b->keep_fds_count);
    for (size_t i = 0; i < a->env_count; i++)
        demand(same(a->env[i].name, b->env[i].name) && same(a->env[i].value, b->env[i].value));
    for (size_t i = 0; i < a->keep_fds_count; i++)
        demand(a->keep_fds[i] == b->keep_fds[i]);
    demand(one->verbose == other->verbose && one->help == other->help && one->version == other->version);
}

/* What was parsed, said again in the longest way. */
static void spell(struct line *line, const struct options *options)
{
    static const char *const chown[] = { "none", "logs", [BLIVET_CHOWN_ALL] = "all" };
    static const char *const switches[] = { "--foreground", "--append", "--no-lock", "--no-close-fds" };
    const struct blivet_config *config = &options->config;
    const struct { const char *name, *value; } values[] = {
        { "pidfile", config->pidfile },     { "lock", config->lockfile },      { "chdir", config->working_directory },
        { "stdout", config->stdout_path },  { "stderr", config->stderr_path }, { "user", config->user },
        { "group", config->group },
    };
    memset(line, 0, sizeof *line);
    add(line, "daemonize");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (values[i].value)
            add(line, "--%s=%s", values[i].name, values[i].value);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (config->flags & 1U << i)
            add(line, "%s", switches[i]);
    for (size_t i = 0; i < config->env_count; i++)
        add(line, "--env=%s=%s", config->env[i].name, config->env[i].value);
    for (size_t i = 0; i < config->keep_fds_count; i++)
        add(line, "--keep-fd=%d", config->keep_fds[i]);
    add(line, "--umask=%o", config->umask);
    add(line, "--timeout=%u.%03u", config->ready_timeout_ms / 1000, config->ready_timeout_ms % 1000);
    add(line, "--on-timeout=%s", config->flags & BLIVET_LEAVE_ON_TIMEOUT ? "leave" : "end");
    add(line, "--chown=%s", chown[options->chown]);
    if (config->ready == BLIVET_READY_FD)
        add(line, "--ready=fd:%d", config->ready_fd);
    else
        add(line, "--ready=%s", config->ready == BLIVET_READY_NOTIFY ? "notify" : "exec");
    if (options->verbose)
        add(line, "--verbose");
    add(line, "--");
}

/* The program's words are the last ones of the line, byte for byte (CLI-8), and all that was said can be said again. */
static void demand_round_trip(const struct options *options, const struct line *line, const struct line *original)
{
    static struct line again;
    struct options spelled;
    struct blivet_error error;
    ptrdiff_t first = options->program - line->words;
    demand(first >= 1 && first < line->count);
    spell(&again, options);
    for (ptrdiff_t i = first; i < line->count; i++) {
        demand(strcmp(line->words[i], original->words[i]) == 0);
        add(&again, "%s", line->words[i]);
    }
    demand(options->program[line->count - first] == NULL);
    demand(parse(&spelled, &again, &error) == 0);
    demand_same_options(options, &spelled);
    for (ptrdiff_t i = 0; i <= line->count - first; i++)
        demand(same(options->program[i], spelled.program[i]));
    options_free(&spelled, &blivet_script);
}

/* "--help" ends the reading, so there is no program, and the rest is not looked at. */
static void judge(struct options *options, const struct line *line, const struct line *original)
{
    static struct script before;
    struct blivet_error error;
    if (options->help || options->version)
        return;
    demand(options->config.umask <= 07777 && options->program && options->program[0]);
    demand(!options->config.stdout_path || options->config.stderr_path); /* CLI-2 */
    demand_round_trip(options, line, original);
    memcpy(&before, &script, sizeof script);
    int answer = blivet_validate_on(&options->config, &blivet_script, &error);
    demand_nothing_changed(&before);
    if (answer != 0)
        demand_refusal(&error, fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct line original, line, twin;
    static char text[MOST_BYTES + 1];
    struct options options, others;
    struct blivet_error error, again;
    if (count > MOST_BYTES)
        return 0;
    memcpy(text, bytes, count);
    text[count] = '\0';
    read_words(&original, text, count);
    read_words(&line, text, count);
    read_words(&twin, text, count);
    script_begin(SCRIPT_LAUNCHER);
    memset(&error, 0, sizeof error);
    memset(&again, 0, sizeof again);
    int answer = parse(&options, &line, &error);
    demand_same_answer(answer, &error, parse(&others, &twin, &again), &again);
    if (answer == 0) {
        demand_same_options(&options, &others);
        judge(&options, &line, &original);
    } else
        demand_refusal(&error, fields);
    options_free(&options, &blivet_script);
    options_free(&others, &blivet_script);
    return 0;
}
