/* options.h - the command line as a configuration (CLI-1, CLI-2, CLI-7). */
#ifndef DAEMONIZE_OPTIONS_H
#define DAEMONIZE_OPTIONS_H
#include "../core/seam.h"
#include <stdbool.h>
#include <stdio.h>

struct options {
    struct blivet_config config; /* its strings lie in argv, but for a stderr_path made from stdout_path */
    char **program;              /* the rest of argv */
    unsigned chown;              /* BLIVET_CHOWN_LOGS | ... */
    const char *ready, *timeout, *on_timeout; /* as they were written, NULL where they were not */
    bool verbose, explain, trace, help, version;
    const char *trace_file;      /* NULL: standard error */
    struct blivet_env *env; /* owned, like all that follows */
    int *keep_fds;
    char *stderr_path;
    char *program_path; /* made absolute by program_resolve(), or NULL: program[0] as it is */
};

/* 0, or -1 with *error filled in.  Splits "NAME=VALUE" words of argv in place.  Touches nothing else. */
int options_parse(struct options *options, int argc, char **argv, const struct blivet_ops *ops,
                  struct blivet_error *error);
void options_free(struct options *options, const struct blivet_ops *ops);
void options_help(FILE *stream);
#endif
