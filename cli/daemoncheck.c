/* daemoncheck.c - daemoncheck(1): options, read, judge, print.  It only looks. */
#include "check_judge.h"
#include "check_options.h"
#include "check_print.h"
#include "check_read.h"
#include "output.h"
#include "terminal.h"
#include <sysexits.h>

static int fail(const struct blivet_ops *ops, const struct blivet_error *error, int code)
{
    static const char hint[] = "; try 'daemoncheck --help'";
    char line[BLIVET_MESSAGE_SIZE + sizeof hint];
    snprintf(line, sizeof line, "%s%s", error->message, code == EX_USAGE ? hint : "");
    blivet_say(ops, 2, line);
    return code;
}

static int check(const struct check_options *options, const struct blivet_ops *ops)
{
    static struct check_facts facts;
    static struct check_report report;
    struct blivet_error error;
    int code = check_read(&facts, options->pid, options->pidfile, ops, &error);
    if (code == 0) {
        check_judge(&facts, &report);
        if (options->json)
            check_print_json(stdout, &facts, &report);
        else
            check_print_text(stdout, &facts, &report, terminal_colour(ops, 1), terminal_width(ops, 1));
        code = output_end(ops, report.counts[CHECK_WRONG] > 0 ? 1 : report.counts[CHECK_UNSEEN] > 0 ? EX_NOPERM : 0);
    } else
        fail(ops, &error, code);
    check_free(&facts, ops);
    return code;
}

int main(int argc, char **argv)
{
    const struct blivet_ops *ops = &blivet_libc;
    struct check_options options;
    struct blivet_error error;
    output_begin(ops);
    if (check_options_parse(&options, argc, argv, &error) != 0)
        return fail(ops, &error, EX_USAGE);
    if (options.help)
        check_options_help(stdout);
    else if (options.version)
        printf("daemoncheck %s\n", blivet_version());
    else
        return check(&options, ops);
    return output_end(ops, 0);
}
