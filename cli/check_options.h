/* check_options.h - the command line of daemoncheck (CHK-1). */
#ifndef DAEMONCHECK_OPTIONS_H
#define DAEMONCHECK_OPTIONS_H
#include "../core/seam.h"
#include <stdbool.h>
#include <stdio.h>

struct check_options {
    const char *pidfile; /* or NULL */
    pid_t pid;           /* 0: the one in the pidfile */
    bool json, help, version;
};

/* 0, or -1 with *error filled in.  Touches nothing else. */
int check_options_parse(struct check_options *options, int argc, char **argv, struct blivet_error *error);
void check_options_help(FILE *stream);
#endif
