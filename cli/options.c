/* options.c - argv to configuration (CLI-1, CLI-2, CLI-7).  Pure but for the memory it asks for. */
#include "options.h"
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_NO_LOCK = UCHAR_MAX + 1, OPTION_CHOWN, OPTION_NO_CLOSE_FDS, OPTION_KEEP_FD,
       OPTION_ON_TIMEOUT, OPTION_READY, OPTION_EXPLAIN, OPTION_TRACE };

static const struct option long_options[] = {
#define OPTION(name, value, argument, help) \
    { name, (value) == OPTION_TRACE ? optional_argument : (argument) != NULL ? required_argument : no_argument, NULL, value },
#include "options.def"
#undef OPTION
    { NULL, 0, NULL, 0 }
};

static int usage(struct blivet_error *error, const char *what, const char *subject, const char *why)
{
    blivet_set_error(error, BLIVET_INVALID_CONFIG, 0, what, subject, why);
    return -1;
}

static int no_memory(struct blivet_error *error)
{
    blivet_set_error(error, BLIVET_SYSTEM_FAILED, errno, "memory", NULL, NULL);
    return -1;
}

/* ---- values ---- */

static int parse_umask(struct options *options, const char *text, struct blivet_error *error)
{
    if (*text == '\0' || text[strspn(text, "01234567")] != '\0')
        return usage(error, "option --umask", text, "is not an octal number");
    unsigned long value = strtoul(text, NULL, 8); /* out of range: ULONG_MAX */
    if (value > 07777)
        return usage(error, "option --umask", text, "is over 07777");
    options->config.umask = (unsigned)value;
    return 0;
}

static int parse_keep_fd(struct options *options, const char *text, struct blivet_error *error)
{
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
        return usage(error, "option --keep-fd", text, "is not a descriptor number");
    unsigned long value = strtoul(text, NULL, 10);
    if (value > INT_MAX)
        return usage(error, "option --keep-fd", text, "is too large");
    options->keep_fds[options->config.keep_fds_count++] = (int)value;
    return 0;
}

/* Seconds, with decimals if need be, as milliseconds rounded up: 0.0001 is not "without limit". */
static int parse_timeout(struct options *options, const char *text, struct blivet_error *error)
{
    const char *digits = "0123456789";
    size_t whole = strspn(text, digits), decimals = 0;
    if (text[whole] == '.')
        decimals = strspn(text + whole + 1, digits);
    const char *end = text + whole + (text[whole] == '.') + decimals;
    if (*end != '\0' || whole + decimals == 0)
        return usage(error, "option --timeout", text, "is not a number of seconds");
    unsigned long seconds = strtoul(text, NULL, 10), longest = UINT_MAX / 1000 - 1;
    unsigned milliseconds = 0, scale = 100;
    bool rest = false;
    for (const char *digit = end - decimals; digit < end; digit++, scale /= 10) {
        milliseconds += scale * (unsigned)(*digit - '0');
        rest |= scale == 0 && *digit != '0';
    }
    milliseconds += rest;
    if (seconds > longest || (seconds == longest && milliseconds > 0))
        return usage(error, "option --timeout", text, "is too long");
    options->config.ready_timeout_ms = (unsigned)seconds * 1000 + milliseconds;
    options->timeout = text;
    return 0;
}

static int parse_on_timeout(struct options *options, const char *text, struct blivet_error *error)
{
    options->config.flags &= ~(unsigned)BLIVET_LEAVE_ON_TIMEOUT;
    if (strcmp(text, "leave") == 0)
        options->config.flags |= BLIVET_LEAVE_ON_TIMEOUT;
    else if (strcmp(text, "end") != 0)
        return usage(error, "option --on-timeout", text, "is neither end nor leave");
    options->on_timeout = text;
    return 0;
}

static int parse_ready(struct options *options, const char *text, struct blivet_error *error)
{
    struct blivet_config *config = &options->config;
    config->ready_fd = 0;
    if (strcmp(text, "exec") == 0)
        config->ready = BLIVET_READY_EXEC;
    else if (strcmp(text, "notify") == 0)
        config->ready = BLIVET_READY_NOTIFY;
    else if (strncmp(text, "fd:", 3) == 0 && text[3] != '\0' && text[3 + strspn(text + 3, "0123456789")] == '\0') {
        unsigned long fd = strtoul(text + 3, NULL, 10);
        if (fd < 3 || fd > INT_MAX)
            return usage(error, "option --ready", text, "the descriptor is not between 3 and the system's limit");
        config->ready = BLIVET_READY_FD;
        config->ready_fd = (int)fd;
    } else
        return usage(error, "option --ready", text, "is not one of exec, notify, fd:N");
    options->ready = text;
    return 0;
}

/* Without a file: on standard error. */
static int parse_trace(struct options *options, const char *text, struct blivet_error *error)
{
    options->trace = true;
    options->trace_file = text;
    if (text && *text == '\0')
        return usage(error, "option --trace", text, "names no file");
    return 0;
}

static int parse_chown(struct options *options, const char *text, struct blivet_error *error)
{
    options->config.flags &= ~(unsigned)(BLIVET_NO_CHOWN | BLIVET_GIVE_PIDFILE);
    if (strcmp(text, "logs") == 0)
        options->chown = BLIVET_CHOWN_LOGS;
    else if (strcmp(text, "all") == 0) {
        options->chown = BLIVET_CHOWN_ALL;
        options->config.flags |= BLIVET_GIVE_PIDFILE;
    } else if (strcmp(text, "none") == 0) {
        options->chown = 0;
        options->config.flags |= BLIVET_NO_CHOWN;
    } else
        return usage(error, "option --chown", text, "is not one of logs, all, none");
    return 0;
}

static int parse_env(struct options *options, char *text, struct blivet_error *error)
{
    static const char empty[] = "";
    char *sign = strchr(text, '=');
    if (*text == '\0' || sign == text)
        return usage(error, "option --env", text, "the name is empty");
    if (sign)
        *sign = '\0';
    options->env[options->config.env_count++] = (struct blivet_env){ text, sign ? sign + 1 : empty };
    return 0;
}

/* "-o" without "-e": "x.stdout" and "x.stderr", "x.out" and "x.err", else the same file (CLI-2). */
static int pair_stderr(struct options *options, const struct blivet_ops *ops, struct blivet_error *error)
{
    static const char *const endings[][2] = { { ".stdout", ".stderr" }, { ".out", ".err" } };
    const char *path = options->config.stdout_path;
    if (!path || options->config.stderr_path)
        return 0;
    size_t length = strlen(path);
    options->stderr_path = ops->calloc(1, length + 1);
    if (!options->stderr_path)
        return no_memory(error);
    strcpy(options->stderr_path, path); /* fits: just measured */
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending = strlen(endings[i][0]);
        if (length > ending && strcmp(path + length - ending, endings[i][0]) == 0)
            strcpy(options->stderr_path + length - ending, endings[i][1]); /* of the same length */
    }
    options->config.stderr_path = options->stderr_path;
    return 0;
}

/* ---- options ---- */

static int apply(struct options *options, int value, char *argument, struct blivet_error *error)
{
    struct blivet_config *config = &options->config;
    switch (value) {
    case 'p': config->pidfile = argument; break;
    case 'c': config->working_directory = argument; break;
    case 'm': return parse_umask(options, argument, error);
    case 'o': config->stdout_path = argument; break;
    case 'e': config->stderr_path = argument; break;
    case 'a': config->flags |= BLIVET_APPEND; break;
    case 'l': config->lockfile = argument; break;
    case OPTION_NO_LOCK: config->flags |= BLIVET_NO_LOCK; break;
    case 'E': return parse_env(options, argument, error);
    case 'u': config->user = argument; break;
    case 'g': config->group = argument; break;
    case OPTION_CHOWN: return parse_chown(options, argument, error);
    case 'f': config->flags |= BLIVET_FOREGROUND; break;
    case OPTION_NO_CLOSE_FDS: config->flags |= BLIVET_KEEP_ALL_FDS; break;
    case OPTION_KEEP_FD: return parse_keep_fd(options, argument, error);
    case 't': return parse_timeout(options, argument, error);
    case OPTION_ON_TIMEOUT: return parse_on_timeout(options, argument, error);
    case OPTION_READY: return parse_ready(options, argument, error);
    case OPTION_EXPLAIN: options->explain = true; break;
    case OPTION_TRACE: return parse_trace(options, argument, error);
    case 'v':
        options->verbose = true;
        config->flags |= BLIVET_SHOW_STATUS;
        break;
    case 'h': options->help = true; break;
    case 'V': /* getopt_long gives no other */
    default: options->version = true; break;
    }
    return 0;
}

/* What getopt_long refuses, in the word that it was looking at. */
static int refuse(int answer, const char *word, struct blivet_error *error)
{
    char letter[] = { '-', (char)optopt, '\0' };
    bool is_long = strncmp(word, "--", 2) == 0;
    if (answer == ':')
        return usage(error, "option", is_long ? word : letter, "needs an argument");
    if (is_long && optopt != 0)
        return usage(error, "option", word, "takes no argument");
    if (is_long)
        return usage(error, "option", word, "is unknown or ambiguous");
    return usage(error, "option", letter, "is unknown");
}

static int allocate(struct options *options, int argc, const struct blivet_ops *ops, struct blivet_error *error)
{
    options->env = ops->calloc((size_t)argc + 1, sizeof *options->env);
    options->keep_fds = ops->calloc((size_t)argc + 1, sizeof *options->keep_fds);
    options->config.env = options->env;
    options->config.keep_fds = options->keep_fds;
    return options->env && options->keep_fds ? 0 : no_memory(error);
}

int options_parse(struct options *options, int argc, char **argv, const struct blivet_ops *ops,
                  struct blivet_error *error)
{
    static const char letters[] = "+:p:c:m:o:e:al:E:u:g:ft:vhV"; /* +: options end at the first word that is none */
    int value;
    memset(options, 0, sizeof *options);
    options->chown = BLIVET_CHOWN_LOGS;
    if (allocate(options, argc, ops, error) != 0)
        return -1;
    if (argc < 1) /* execve allows it */
        return usage(error, "program", NULL, "none is given");
    optind = 0; /* from the start, each time */
    for (;;) {
        const char *word = argv[optind > 0 ? optind : 1]; /* NULL at the end, where there is nothing to refuse */
        value = getopt_long(argc, argv, letters, long_options, NULL);
        if (value == -1)
            break;
        if (value == '?' || value == ':')
            return refuse(value, word, error);
        if (apply(options, value, optarg, error) != 0)
            return -1;
        if (options->help || options->version)
            return 0;
    }
    options->program = argv + optind;
    if (optind >= argc)
        return usage(error, "program", NULL, "none is given");
    if (options->explain && options->trace)
        return usage(error, "option --explain", NULL, "does nothing that --trace could show");
    return pair_stderr(options, ops, error);
}

void options_free(struct options *options, const struct blivet_ops *ops)
{
    ops->free(options->env);
    ops->free(options->keep_fds);
    ops->free(options->stderr_path);
    ops->free(options->program_path);
}

static void print_option(FILE *stream, const char *name, int value, const char *argument, const char *help)
{
    char spelled[64];
    int length = value <= UCHAR_MAX ? snprintf(spelled, sizeof spelled, "-%c, --%s", value, name)
                                    : snprintf(spelled, sizeof spelled, "    --%s", name);
    if (argument)
        snprintf(spelled + length, sizeof spelled - (size_t)length, "%s%s",
                 *argument == '[' ? "" : value <= UCHAR_MAX ? " " : "=", argument);
    fprintf(stream, "  %-28s %s\n", spelled, help);
}

void options_help(FILE *stream)
{
    fputs("Usage: daemonize [options] [--] program [argument ...]\n"
          "Run a program as a daemon; exit 0 only once it runs.\n\n", stream);
#define OPTION(name, value, argument, help) print_option(stream, name, value, argument, help);
#include "options.def"
#undef OPTION
    fputs("\nPaths are absolute.  Options end at the first word that is not one.\n"
          "Exit status: 0, or the reason as in sysexits.h; see daemonize(1).\n", stream);
}
