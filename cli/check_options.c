/* check_options.c - the command line of daemoncheck (CHK-1).  Pure. */
#include "check_options.h"
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_FORMAT = UCHAR_MAX + 1 };

static const struct option long_options[] = {
#define OPTION(name, value, argument, help) { name, (argument) != NULL ? required_argument : no_argument, NULL, value },
#include "daemoncheck.def"
#undef OPTION
    { NULL, 0, NULL, 0 }
};

static int usage(struct blivet_error *error, const char *what, const char *subject, const char *why)
{
    blivet_set_error(error, BLIVET_INVALID_CONFIG, 0, what, subject, why);
    return -1;
}

static int parse_pid(struct check_options *options, const char *word, struct blivet_error *error)
{
    size_t length = strlen(word);
    if (length == 0 || length > 10 || word[strspn(word, "0123456789")] != '\0')
        return usage(error, "pid", word, "is not a number");
    unsigned long long number = strtoull(word, NULL, 10);
    if (number == 0 || number > INT_MAX)
        return usage(error, "pid", word, "is no process's");
    options->pid = (pid_t)number;
    return 0;
}

static int apply(struct check_options *options, int value, const char *word, const char *argument,
                 struct blivet_error *error)
{
    switch (value) {
    case 'p':
        options->pidfile = argument;
        return *argument ? 0 : usage(error, "option --pidfile", NULL, "the path is empty");
    case OPTION_FORMAT:
        options->json = strcmp(argument, "json") == 0;
        if (!options->json && strcmp(argument, "text") != 0)
            return usage(error, "option --format", argument, "is neither text nor json");
        return 0;
    case 'h': options->help = true; return 0;
    case 'V': options->version = true; return 0;
    case ':': return usage(error, "option", word, "needs an argument");
    default: return usage(error, "option", word, "is unknown, ambiguous, or takes no argument");
    }
}

int check_options_parse(struct check_options *options, int argc, char **argv, struct blivet_error *error)
{
    static const char none[] = "none is given, nor a pidfile";
    memset(options, 0, sizeof *options);
    if (argc < 1) /* execve allows it */
        return usage(error, "pid", NULL, none);
    optind = 0; /* from the start, each time */
    for (;;) {
        const char *word = argv[optind > 0 ? optind : 1];
        int value = getopt_long(argc, argv, "+:p:hV", long_options, NULL);
        if (value == -1)
            break;
        if (apply(options, value, word, optarg, error) != 0)
            return -1;
        if (options->help || options->version)
            return 0;
    }
    if (argc - optind > 1)
        return usage(error, "pid", argv[optind + 1], "is one too many");
    if (optind < argc)
        return parse_pid(options, argv[optind], error);
    return options->pidfile ? 0 : usage(error, "pid", NULL, none);
}

static void print_option(FILE *stream, const char *name, int value, const char *argument, const char *help)
{
    char spelled[64];
    if (value <= UCHAR_MAX)
        snprintf(spelled, sizeof spelled, "-%c, --%s%s%s", value, name, argument ? " " : "", argument ? argument : "");
    else
        snprintf(spelled, sizeof spelled, "    --%s=%s", name, argument);
    fprintf(stream, "  %-28s %s\n", spelled, help);
}

void check_options_help(FILE *stream)
{
    fputs("Usage: daemoncheck [options] pid\n"
          "       daemoncheck [options] -p pidfile [pid]\n"
          "Say of a running process, point by point, whether it is a well-made daemon.\n\n", stream);
#define OPTION(name, value, argument, help) print_option(stream, name, value, argument, help);
#include "daemoncheck.def"
#undef OPTION
    fputs("\nExit status: 0, 1 if something is wrong, 77 if not all could be seen, or the\n"
          "reason as in sysexits.h; see daemoncheck(1).\n", stream);
}
