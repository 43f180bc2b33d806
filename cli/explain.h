/* explain.h - what a start would do: --explain (CLI-18). */
#ifndef DAEMONIZE_EXPLAIN_H
#define DAEMONIZE_EXPLAIN_H
#include "options.h"

/* Prints each step to the stream, as wide as the terminal on fd.  It asks what the start would ask, and changes nothing.
 * Returns the exit code that the start would have, as far as it can be foreseen. */
int explain(struct options *options, const struct blivet_ops *ops, FILE *stream, int fd);
#endif
