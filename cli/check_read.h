/* check_read.h - reads /proc and the pidfile, and changes nothing. */
#ifndef DAEMONCHECK_READ_H
#define DAEMONCHECK_READ_H
#include "../core/seam.h"
#include "check_facts.h"

/* 0, or an exit code as in sysexits.h and the message of *error.  The pid is asked of the pidfile where it is 0. */
int check_read(struct check_facts *facts, pid_t pid, const char *pidfile, const struct blivet_ops *ops,
               struct blivet_error *error);
void check_free(struct check_facts *facts, const struct blivet_ops *ops);
#endif
